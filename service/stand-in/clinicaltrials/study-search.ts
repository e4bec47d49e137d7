import { createHash } from 'node:crypto';
import { ValidationError } from 'plinth/errors';
import type { Clock } from 'plinth/kernel';
import { fits, magnitudeOf, UnknownAreaError } from './essie-match.ts';
import { type Essie, EssieSyntaxError, parseEssie } from './essie-parser.ts';
import { isWithinDistance, parseDistance } from './geo.ts';
import { pathOfField, pieces, valuesAt } from './pieces.ts';
import { project } from './projection.ts';
import { nctIdOf, type StudyRecord } from './study-recordings.ts';

/** An error in the source's own words: plain text with status 400. */
export class BadQuestionError extends ValidationError {}

/** A page as it is put on the wire. */
export interface StudyPage {
  readonly studies: readonly unknown[];
  readonly nextPageToken: string | undefined;
  readonly totalCount: number | undefined;
}

const statuses = new Set(
  (
    'ACTIVE_NOT_RECRUITING COMPLETED ENROLLING_BY_INVITATION NOT_YET_RECRUITING RECRUITING SUSPENDED TERMINATED WITHDRAWN ' +
    'AVAILABLE NO_LONGER_AVAILABLE TEMPORARILY_NOT_AVAILABLE APPROVED_FOR_MARKETING WITHHELD UNKNOWN'
  ).split(' '),
);

const queryAreas: Readonly<Record<string, string>> = {
  'query.cond': 'ConditionSearch',
  'query.intr': 'InterventionSearch',
  'query.term': 'BasicSearch',
  'query.locn': 'LocationSearch',
  'query.titles': 'TitleSearch',
  'query.outc': 'OutcomeSearch',
  'query.spons': 'SponsorSearch',
  'query.lead': 'LeadSponsorName',
  'query.id': 'IdSearch',
  'query.patient': 'PatientSearch',
};

/** The source brings ten studies unless it is asked for another number, and never more than a thousand. */
const defaultPageSize = 10;
const maxPageSize = 1_000;

type Test = (study: StudyRecord) => boolean;

/** Answers `/studies` as the source does. */
export class StudySearch {
  readonly #studies: readonly StudyRecord[];
  readonly #clock: Clock;
  readonly #tokenLifetimeMs: number;

  constructor(studies: readonly StudyRecord[], options: { readonly clock: Clock; readonly tokenLifetimeMs: number }) {
    this.#studies = studies;
    this.#clock = options.clock;
    this.#tokenLifetimeMs = options.tokenLifetimeMs;
  }

  /** @throws {BadQuestionError} for what the source answers with status 400. */
  page(query: URLSearchParams): StudyPage {
    if ((query.get('format') ?? 'json') !== 'json') {
      throw new BadQuestionError(`Invalid value in parameter \`format\`: \`${query.get('format')}\``);
    }
    const paths = requireFields(query);
    const pageSize = requirePageSize(query.get('pageSize'));
    const sorted = sortBy(requireSort(query.get('sort')), this.#find(query));
    const token = query.get('pageToken');
    const offset = token === null ? 0 : this.#offsetOf(token, query);
    const end = offset + pageSize;
    return {
      studies: sorted.slice(offset, end).map(study => (paths === undefined ? study : project(study, paths))),
      nextPageToken: end < sorted.length ? this.#tokenOf(end, query) : undefined,
      totalCount: token === null && query.get('countTotal') === 'true' ? sorted.length : undefined,
    };
  }

  #find(query: URLSearchParams): readonly StudyRecord[] {
    const words = Object.keys(queryAreas).filter(name => query.has(name));
    const tests = words.map(name => testOf(name, query.get(name) ?? ''));
    const filters = requireFilters(query);
    // As the source's own description says: a query of nothing but numbers of studies switches the filters off.
    const isIdsOnly =
      words.length > 0 && words.every(name => /^[\s"(),]*(?:NCT\d{8}[\s"(),]*|OR\b\s*)+$/i.test(query.get(name) ?? ''));
    const all = isIdsOnly ? tests : [...tests, ...filters];
    return this.#studies.filter(study => all.map(test => test(study)).every(Boolean));
  }

  #tokenOf(offset: number, query: URLSearchParams): string {
    const content = { offset, query: hashOf(query), issuedMs: this.#clock.monotonic() };
    return Buffer.from(JSON.stringify(content)).toString('base64url');
  }

  #offsetOf(token: string, query: URLSearchParams): number {
    const content = parseToken(token);
    const isKnown = content !== undefined && content.query === hashOf(query);
    if (!isKnown || this.#clock.monotonic() - content.issuedMs >= this.#tokenLifetimeMs) {
      throw new BadQuestionError(`Invalid value in parameter \`pageToken\`: \`${token}\``);
    }
    return content.offset;
  }
}

interface PageToken {
  readonly offset: number;
  readonly query: string;
  readonly issuedMs: number;
}

function parseToken(token: string): PageToken | undefined {
  try {
    return JSON.parse(Buffer.from(token, 'base64url').toString('utf8')) as PageToken;
  } catch {
    return undefined;
  }
}

/** Of everything that decides which studies there are, and in which order. */
function hashOf(query: URLSearchParams): string {
  const kept = [...query].filter(([name]) => !['pageToken', 'pageSize', 'countTotal', 'fields'].includes(name)).sort();
  return createHash('sha1').update(JSON.stringify(kept)).digest('base64url').slice(0, 12);
}

function testOf(parameter: string, text: string): Test {
  const expression = parse(parameter, text);
  const area = queryAreas[parameter] ?? 'BasicSearch';
  return study => {
    try {
      return fits(study, expression, area);
    } catch (error) {
      if (error instanceof UnknownAreaError || error instanceof EssieSyntaxError)
        throw new BadQuestionError(error.message);
      throw error;
    }
  };
}

function parse(parameter: string, text: string): Essie {
  try {
    return parseEssie(text);
  } catch (error) {
    if (!(error instanceof EssieSyntaxError)) throw error;
    throw new BadQuestionError(`Invalid expression in parameter \`${parameter}\`: ${error.message}`);
  }
}

function requireFilters(query: URLSearchParams): readonly Test[] {
  const tests: Test[] = [];
  for (const [name, value] of query) {
    const [prefix, filter] = name.split('.');
    if (prefix !== 'filter' && prefix !== 'postFilter') continue;
    if (filter === 'overallStatus') tests.push(statusTest(listOf(value)));
    else if (filter === 'ids') tests.push(idsTest(listOf(value)));
    else if (filter === 'geo') tests.push(geoTest(value));
    else if (filter === 'advanced') tests.push(testOf('filter.advanced', value));
  }
  return tests;
}

function statusTest(values: readonly string[]): Test {
  const unknown = values.find(value => !statuses.has(value));
  if (unknown !== undefined) throw new BadQuestionError(`Invalid value in parameter \`overallStatus\`: \`${unknown}\``);
  return study => values.includes(String(valuesAt(study, 'protocolSection.statusModule.overallStatus')[0]));
}

function idsTest(values: readonly string[]): Test {
  const wrong = values.findIndex(value => !/^(?:NCT|nct)\d{8}$/.test(value));
  if (wrong !== -1) throw new BadQuestionError(`Item ${wrong + 1} in parameter \`ids\` has incorrect format`);
  const ids = new Set(values.map(value => value.toUpperCase()));
  return study => ids.has(nctIdOf(study));
}

function geoTest(value: string): Test {
  const area = parseDistance(value);
  if (area === undefined) throw new BadQuestionError('Parameter `geo` has incorrect format');
  return study => isWithinDistance(study, area);
}

function requireFields(query: URLSearchParams): readonly string[] | undefined {
  const value = query.get('fields');
  return value === null ? undefined : fieldPaths(value);
}

/** The paths that the `fields` parameter means. @throws {BadQuestionError} */
export function fieldPaths(value: string): readonly string[] {
  return listOf(value).map(name => {
    const path = pathOfField(name);
    if (path === undefined) throw new BadQuestionError(`Parameter 'fields' contains invalid field name: '${name}'`);
    return path;
  });
}

function requirePageSize(value: string | null): number {
  if (value === null || value === '0') return defaultPageSize;
  if (!/^\d+$/.test(value)) throw new BadQuestionError('Parameter `pageSize` has incorrect format');
  return Math.min(Number(value), maxPageSize);
}

interface Order {
  readonly path: string;
  readonly kind: 'date' | 'number' | 'age';
  readonly sign: 1 | -1;
}

function requireSort(value: string | null): readonly Order[] {
  const items = value === null ? [] : listOf(value);
  if (items.length > 2) throw new BadQuestionError('Parameter `sort` has more than 2 items');
  return items.flatMap((item, index) => {
    const [, name, direction] = /^([A-Za-z][A-Za-z0-9\-. ]*|@relevance)(?::(asc|desc))?$/.exec(item) ?? [];
    if (name === undefined) throw new BadQuestionError(`Item ${index + 1} in parameter \`sort\` has incorrect format`);
    if (name === '@relevance') return [];
    const piece = pieces.get(name);
    if (piece === undefined || piece.kind === 'text') {
      throw new BadQuestionError(`Parameter 'sort' contains invalid field name: '${name}'`);
    }
    const { path, kind } = piece;
    return [{ path, kind, sign: (direction ?? (kind === 'date' ? 'desc' : 'asc')) === 'asc' ? 1 : -1 }];
  });
}

function sortBy(orders: readonly Order[], studies: readonly StudyRecord[]): readonly StudyRecord[] {
  return [...studies].sort((one, other) => {
    for (const { path, kind, sign } of orders) {
      const [left, right] = [one, other].map(study => {
        const [value] = valuesAt(study, path);
        return value === undefined ? undefined : magnitudeOf(String(value), kind, 'first');
      });
      if (left === right) continue;
      // Those without a value come last, whatever the direction.
      if (left === undefined || right === undefined) return left === undefined ? 1 : -1;
      return (left - right) * sign;
    }
    return 0;
  });
}

function listOf(value: string): readonly string[] {
  return value
    .split(/[,|]/)
    .map(item => item.trim())
    .filter(item => item !== '');
}
