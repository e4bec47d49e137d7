import { ValidationError } from 'plinth/errors';
import { inArea, inRange, partsOf, type TrialWords, toPhrase } from './essie.ts';
import { isNctId } from './nct-id.ts';
import { calendarDate } from './trial-date.ts';
import type { DateRange, TrialArea, TrialQuery, TrialSort } from './trial-query.ts';
import { ageGroups, studyTypes, trialPhases, trialSexes, trialStatuses } from './trial-terms.ts';

/** Pieces of the record that every search asks for: those of a `TrialSummary`. */
export const summaryPieces: readonly string[] = [
  'NCTId',
  'BriefTitle',
  'OfficialTitle',
  'Acronym',
  'OverallStatus',
  'WhyStopped',
  'StartDate',
  'StartDateType',
  'PrimaryCompletionDate',
  'PrimaryCompletionDateType',
  'CompletionDate',
  'CompletionDateType',
  'StudyFirstPostDate',
  'StudyFirstPostDateType',
  'LastUpdatePostDate',
  'LastUpdatePostDateType',
  'LeadSponsorName',
  'LeadSponsorClass',
  'Condition',
  'Keyword',
  'StudyType',
  'Phase',
  'EnrollmentCount',
  'EnrollmentType',
  'InterventionType',
  'InterventionName',
  'Sex',
  'MinimumAge',
  'MaximumAge',
  'StdAge',
  'HasResults',
];

/** A query as it is sent, and how it is read. */
export interface SearchPlan {
  /** The parameters of every page. */
  readonly parameters: Readonly<Record<string, string | number>>;
  readonly countTotal: boolean;
  /** How many studies at most; `undefined` for all. */
  readonly limit: number | undefined;
  /** Whether more was asked for than a summary takes. */
  readonly withRecord: boolean;
}

const wordParameters = {
  condition: 'query.cond',
  intervention: 'query.intr',
  term: 'query.term',
  location: 'query.locn',
  titles: 'query.titles',
  outcome: 'query.outc',
  sponsor: 'query.spons',
  leadSponsor: 'query.lead',
  patient: 'query.patient',
  otherIds: 'query.id',
} as const satisfies Partial<Record<keyof TrialQuery, string>>;

const dateAreas = {
  startDate: 'StartDate',
  primaryCompletionDate: 'PrimaryCompletionDate',
  firstPosted: 'StudyFirstPostDate',
  lastUpdate: 'LastUpdatePostDate',
} as const satisfies Partial<Record<keyof TrialQuery, string>>;

const otherNames: readonly string[] = [
  ...['ids', 'status', 'phases', 'studyType', 'sex', 'ageGroups', 'geo', 'hasResults', 'advanced'],
  ...['sort', 'fields', 'limit', 'pageSize', 'countTotal'],
];
const knownNames: ReadonlySet<string> = new Set([
  ...Object.keys(wordParameters),
  ...Object.keys(dateAreas),
  ...otherNames,
]);

/** The API takes no more; a larger number would be cut without a word. */
const maxPageSize = 1_000;
const maxLimit = 100_000;
const maxWordsLength = 1_000;
const maxAdvancedLength = 8_000;

/**
 * Checks a query and writes it as the API's parameters.
 *
 * @throws {ValidationError} that names everything that is wrong, before anything is sent.
 */
export function planSearch(query: TrialQuery, defaultLimit: number | undefined): SearchPlan {
  if (typeof query !== 'object' || query === null) {
    throw new ValidationError('Invalid search for trials: expected an object such as { condition: "NSCLC" }');
  }
  const check = new QueryCheck(query);
  const limit = check.integer('limit', query.limit, maxLimit) ?? defaultLimit;
  const pageSize = check.integer('pageSize', query.pageSize, maxPageSize) ?? Math.min(limit ?? 100, 100);
  const parameters: Record<string, string | number> = { ...check.words(), ...check.filters() };
  const sort = check.sort(query.sort);
  if (sort !== undefined) parameters['sort'] = sort;
  parameters['fields'] = [...new Set([...summaryPieces, ...check.fields(query.fields)])].join(',');
  parameters['pageSize'] = pageSize;
  const countTotal = check.flag('countTotal', query.countTotal) ?? false;
  check.end();
  return { parameters, countTotal, limit, withRecord: (query.fields ?? []).length > 0 };
}

/** Collects what is wrong with a query while it is written as parameters. */
class QueryCheck {
  readonly #query: TrialQuery;
  readonly #problems: Record<string, string> = {};

  constructor(query: TrialQuery) {
    this.#query = query;
    for (const name of Object.keys(query)) {
      if (!knownNames.has(name)) this.#problems[name] = `Unknown, expected one of ${[...knownNames].join(', ')}`;
    }
  }

  end(): void {
    if (Object.keys(this.#problems).length > 0) throw new ValidationError('Invalid search for trials', this.#problems);
  }

  words(): Record<string, string> {
    const parameters: Record<string, string> = {};
    for (const [name, parameter] of Object.entries(wordParameters)) {
      const words = this.#query[name as keyof typeof wordParameters];
      const expression = words === undefined ? undefined : this.#expressionOf(name, words);
      if (expression !== undefined) parameters[parameter] = expression;
    }
    return parameters;
  }

  filters(): Record<string, string> {
    const { status = 'RECRUITING', geo } = this.#query;
    const parameters: Record<string, string> = {};
    const statuses = status === 'ANY' ? [] : this.#terms('status', status, trialStatuses, ' or ANY');
    if (statuses.length > 0) parameters['filter.overallStatus'] = statuses.join(',');
    const place = geo === undefined ? undefined : this.#place(geo);
    if (place !== undefined) parameters['filter.geo'] = place;
    const ids = this.#ids();
    if (ids.length > 0) parameters['filter.ids'] = ids.join(',');
    const advanced = [...this.#areas(), ...this.#ranges(), ...this.#advanced()];
    if (advanced.length > 0) parameters['filter.advanced'] = advanced.join(' AND ');
    return parameters;
  }

  integer(name: string, value: number | undefined, max: number): number | undefined {
    if (value === undefined || (Number.isInteger(value) && value >= 1 && value <= max)) return value;
    this.#problems[name] = `Expected a whole number from 1 to ${max}, got ${shown(value)}`;
    return undefined;
  }

  flag(name: string, value: boolean | undefined): boolean | undefined {
    if (value === undefined || typeof value === 'boolean') return value;
    this.#problems[name] = `Expected true or false, got ${shown(value)}`;
    return undefined;
  }

  sort(sort: TrialSort | readonly TrialSort[] | undefined): string | undefined {
    if (sort === undefined) return undefined;
    const orders: readonly TrialSort[] = Array.isArray(sort) ? sort : [sort as TrialSort];
    const isKnown = orders.every(
      order =>
        /^(?:@relevance|[A-Za-z][A-Za-z0-9]*)$/.test(String(order?.field)) &&
        [undefined, 'asc', 'desc'].includes(order.direction),
    );
    if (isKnown && orders.length >= 1 && orders.length <= 2) {
      return orders
        .map(({ field, direction }) => (direction === undefined ? field : `${field}:${direction}`))
        .join(',');
    }
    this.#problems['sort'] =
      `Expected one or two of { field: 'LastUpdatePostDate', direction: 'asc' or 'desc' }, got ${shown(sort)}`;
    return undefined;
  }

  fields(fields: readonly string[] | undefined): readonly string[] {
    if (fields === undefined) return [];
    if (Array.isArray(fields) && fields.every(field => /^[A-Za-z][A-Za-z0-9.]*$/.test(String(field)))) return fields;
    this.#problems['fields'] = `Expected names of pieces, such as ['EligibilityCriteria'], got ${shown(fields)}`;
    return [];
  }

  #expressionOf(name: string, words: TrialWords): string | undefined {
    const { texts, operator } = partsOf(words);
    const problem = problemOf(texts);
    if (problem === undefined) return texts.map(text => toPhrase(text as string)).join(` ${operator} `);
    this.#problems[name] = problem;
    return undefined;
  }

  #terms(name: string, value: unknown, accepted: readonly string[], or = ''): readonly string[] {
    const values: readonly unknown[] = Array.isArray(value) ? value : [value];
    const unknown = values.filter(entry => !accepted.includes(entry as string));
    if (values.length > 0 && unknown.length === 0) return [...new Set(values as readonly string[])];
    const found = values.length === 0 ? 'an empty list' : unknown.map(shown).join(', ');
    this.#problems[name] = `Expected one or several of ${accepted.join(', ')}${or}, got ${found}`;
    return [];
  }

  #ids(): readonly string[] {
    const { ids } = this.#query;
    if (ids === undefined) return [];
    const values: readonly unknown[] = Array.isArray(ids) ? ids : [ids];
    const wrong = values.filter(id => typeof id !== 'string' || !isNctId(id));
    if (values.length > 0 && wrong.length === 0) return values.map(id => String(id).toUpperCase());
    const found = values.length === 0 ? 'an empty list' : wrong.map(shown).join(', ');
    this.#problems['ids'] = `Expected numbers of NCT and eight digits, such as NCT02220894, got ${found}`;
    return [];
  }

  #areas(): readonly string[] {
    const { phases, studyType, sex, ageGroups: ages } = this.#query;
    const expressions: string[] = [];
    for (const [name, area, value, accepted] of [
      ['phases', 'Phase', phases, trialPhases],
      ['studyType', 'StudyType', studyType, studyTypes],
      ['sex', 'Sex', sex, trialSexes],
      ['ageGroups', 'StdAge', ages, ageGroups],
    ] as const) {
      const values = value === undefined ? [] : this.#terms(name, value, accepted);
      if (values.length > 0) expressions.push(inArea(area, values));
    }
    return expressions;
  }

  #ranges(): readonly string[] {
    const expressions: string[] = [];
    for (const [name, area] of Object.entries(dateAreas)) {
      const range = this.#query[name as keyof typeof dateAreas];
      if (range === undefined) continue;
      const problem = problemOfRange(range);
      if (problem === undefined) expressions.push(inRange(area, range.from, range.to));
      else this.#problems[name] = problem;
    }
    const hasResults = this.flag('hasResults', this.#query.hasResults);
    // A range finds only those that have a value: that is whether there are results.
    const withResults = inRange('ResultsFirstPostDate', undefined, undefined);
    if (hasResults !== undefined) expressions.push(hasResults ? withResults : `NOT ${withResults}`);
    return expressions;
  }

  #advanced(): readonly string[] {
    const { advanced } = this.#query;
    if (advanced === undefined) return [];
    const text: unknown = advanced;
    if (typeof text === 'string' && text.trim() !== '' && text.length <= maxAdvancedLength) return [`(${text.trim()})`];
    this.#problems['advanced'] =
      `Expected an expression of 1 to ${maxAdvancedLength} characters, such as AREA[Phase]PHASE3, got ${shown(advanced)}`;
    return [];
  }

  #place(geo: TrialArea): string | undefined {
    const { latitude, longitude, distanceKm } = geo ?? {};
    if (isWithin(latitude, -90, 90) && isWithin(longitude, -180, 180) && isWithin(distanceKm, 0.001, 20_100)) {
      return `distance(${plain(latitude)},${plain(longitude)},${plain(distanceKm)}km)`;
    }
    this.#problems['geo'] =
      `Expected latitude -90 to 90, longitude -180 to 180 and distanceKm up to 20100, got ${shown(geo)}`;
    return undefined;
  }
}

function problemOf(texts: readonly unknown[]): string | undefined {
  if (texts.length === 0) return 'The list of texts is empty. Give at least one, or leave it out';
  for (const text of texts) {
    if (typeof text !== 'string') return `Expected text, { anyOf: [texts] } or { allOf: [texts] }, got ${shown(text)}`;
    if (text.length > maxWordsLength)
      return `The text has ${text.length} characters, at most ${maxWordsLength} are allowed`;
    if (toPhrase(text) === undefined) return `The text ${shown(text)} has no letters or digits to search for`;
  }
  // The source takes such a query for a list of studies and ignores every filter.
  const isIdsOnly = texts.every(text =>
    String(text)
      .match(/[^\s,;"()]+/g)
      ?.every(isNctId),
  );
  return isIdsOnly
    ? 'The text is nothing but numbers of studies, which would switch off all filters. Give them as ids'
    : undefined;
}

function problemOfRange(range: DateRange): string | undefined {
  const { from, to } = range ?? {};
  const isDate = (date: unknown): boolean =>
    date === undefined || (typeof date === 'string' && calendarDate(date) !== 'unknown');
  if ((from === undefined && to === undefined) || !isDate(from) || !isDate(to)) {
    return `Expected { from, to } with YYYY, YYYY-MM or YYYY-MM-DD, at least one of them, got ${shown(range)}`;
  }
  const isReversed = from !== undefined && to !== undefined && to < from.slice(0, to.length);
  return isReversed ? `Expected from before to, got ${shown(range)}` : undefined;
}

function isWithin(value: unknown, min: number, max: number): boolean {
  return typeof value === 'number' && value >= min && value <= max;
}

/** The API's pattern has no exponents. */
function plain(value: number): string {
  return String(Number(value.toFixed(6)));
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? String(value)).slice(0, 100);
}
