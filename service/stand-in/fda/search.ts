import { matches, type SearchDocument, termsOf, toDocument } from './document.ts';
import type { OpenFdaEndpoint, OpenFdaRecord } from './endpoints.ts';
import { parseQuery, QuerySyntaxError } from './query-parser.ts';

/** What openFDA answers, before it is put on the wire. */
export interface OpenFdaReply {
  readonly status: number;
  readonly body: object;
  /** The query of the next page, for the `Link` header. */
  readonly nextQuery?: string | undefined;
}

/** What openFDA says of its data in every answer. */
export interface OpenFdaMeta {
  readonly disclaimer: string;
  readonly terms: string;
  readonly license: string;
  readonly last_updated: string;
}

/** A request that openFDA refuses with status 400. */
type Refusal = { readonly refusal: string };

interface Parameters {
  readonly search: string | undefined;
  readonly count: string | undefined;
  readonly sort: string | undefined;
  readonly searchAfter: string | undefined;
  readonly limit: number;
  readonly skip: number;
}

const expectedParameters = ['search', 'count', 'limit', 'skip', 'sort', 'search_after'];
const maxLimit = 1_000;
const maxSkip = 25_000;

/** The characters that openFDA accepts in a search. */
const supportedSearch = /^[0-9a-zA-Z@%/',._:()"[\]{}\-+><=*\\ ]+$/;

/** Answers searches over the records of an endpoint as openFDA does. */
export class OpenFdaSearch {
  readonly #endpoint: OpenFdaEndpoint;
  readonly #documents: readonly SearchDocument[];
  readonly #meta: OpenFdaMeta;

  constructor(endpoint: OpenFdaEndpoint, records: readonly OpenFdaRecord[], meta: OpenFdaMeta) {
    this.#endpoint = endpoint;
    const documents = records.map(record => toDocument(record, endpoint));
    this.#documents = documents.sort((one, other) => compare(idOf(one), idOf(other)));
    this.#meta = meta;
  }

  /** Answers a query. `query` has no `api_key`: the gateway takes it off. */
  answer(query: URLSearchParams): OpenFdaReply {
    const parameters = readParameters(query, this.#endpoint);
    if ('refusal' in parameters) return failure(400, 'BAD_REQUEST', parameters.refusal);
    try {
      const found = this.#find(parameters.search);
      if (parameters.count !== undefined) return this.#count(found, parameters.count, parameters.limit);
      return this.#page(sortDocuments(found, parameters.sort), parameters, query);
    } catch (error) {
      if (!(error instanceof QuerySyntaxError)) throw error;
      return failure(500, 'SERVER_ERROR', 'Check your request and try again', error.message);
    }
  }

  #find(search: string | undefined): readonly SearchDocument[] {
    if (search === undefined) return this.#documents;
    const parsed = parseQuery(search);
    return this.#documents.filter(document => matches(parsed, document));
  }

  #page(found: readonly SearchDocument[], parameters: Parameters, query: URLSearchParams): OpenFdaReply {
    const { limit, skip, searchAfter } = parameters;
    const last = searchAfter?.split(';')[0]?.replace(/^0=/, '');
    const start = last === undefined ? skip : found.findIndex(document => idOf(document) === last) + 1;
    const page = found.slice(start, start + limit);
    const total = found.length;
    if (page.length === 0 && !(limit === 0 && total > 0)) return failure(404, 'NOT_FOUND', 'No matches found!');
    const meta = { ...this.#meta, results: { skip, limit, total } };
    const body = { meta, results: page.map(document => document.record) };
    return { status: 200, body, nextQuery: nextQuery({ page, total, parameters, query }) };
  }

  #count(found: readonly SearchDocument[], requested: string, limit: number): OpenFdaReply {
    const counts = new Map<string, number>();
    for (const document of found) {
      for (const term of termsOf(document, requested)) counts.set(term, (counts.get(term) ?? 0) + 1);
    }
    if (counts.size === 0) return failure(404, 'NOT_FOUND', 'Nothing to count');
    const terms = [...counts].sort(([one, many], [other, more]) => more - many || compare(one, other));
    const results = this.#endpoint.dateFields.has(requested)
      ? [...counts].sort(([one], [other]) => compare(one, other)).map(([time, count]) => ({ time, count }))
      : terms.slice(0, limit).map(([term, count]) => ({ term, count }));
    return { status: 200, body: { meta: this.#meta, results } };
  }
}

function readParameters(query: URLSearchParams, endpoint: OpenFdaEndpoint): Parameters | Refusal {
  const unexpected = [...query.keys()].find(name => !expectedParameters.includes(name));
  if (unexpected !== undefined) return { refusal: `Invalid parameter: ${unexpected}` };
  const text = (name: string): string | undefined => query.get(name)?.trim() || undefined;
  const count = text('count');
  const limit = readNumber(text('limit'), count === undefined ? 1 : 100);
  const skip = readNumber(text('skip'), 0);
  if (limit === undefined) return { refusal: 'Invalid limit parameter value.' };
  if (skip === undefined) return { refusal: 'Invalid skip parameter value.' };
  const parameters = {
    search: text('search'),
    count,
    sort: text('sort'),
    searchAfter: text('search_after'),
    limit,
    skip,
  };
  const refusal = findRefusal(parameters, endpoint);
  return refusal === undefined ? parameters : { refusal };
}

function findRefusal(
  { search, count, sort, searchAfter, limit, skip }: Parameters,
  { dateFields, keywordFields }: OpenFdaEndpoint,
): string | undefined {
  if (skip > maxSkip) return `Skip value must ${maxSkip} or less.`;
  if (limit > maxLimit) {
    const advice = ' Use the skip or search_after param to get additional results.';
    return `Limit cannot exceed 1000 results for ${count === undefined ? `search requests.${advice}` : 'count requests.'}`;
  }
  if (count !== undefined && skip > 0) return 'Should not use skip param when using count.';
  if (searchAfter !== undefined && skip > 0) return 'The skip parameter is not supported when using search_after.';
  if (search !== undefined && !supportedSearch.test(search)) return `Search not supported: ${search}`;
  if (sort !== undefined && !supportedSearch.test(sort)) return `Sort not supported: ${sort}`;
  const field = sort?.split(':')[0];
  const isSortable =
    field === undefined || field.includes('exact') || dateFields.has(field) || keywordFields.has(field);
  return isSortable ? undefined : `Sorting allowed by non-analyzed fields only: ${field}`;
}

function readNumber(text: string | undefined, missing: number): number | undefined {
  if (text === undefined) return missing;
  return /^\d+$/.test(text) ? Number(text) : undefined;
}

/**
 * The query of the next page. With `skip` it skips further. Otherwise every full page has one, even the last, unless it is
 * the only one: so does openFDA, and what the query leads to is a 404 then.
 */
function nextQuery(answer: {
  readonly page: readonly SearchDocument[];
  readonly total: number;
  readonly parameters: Parameters;
  readonly query: URLSearchParams;
}): string | undefined {
  const { page, total, parameters, query } = answer;
  const { limit, skip } = parameters;
  const next = new Map(query);
  const last = page.at(-1);
  if (skip > 0) {
    if (total <= skip + limit) return undefined;
    next.set('skip', String(skip + limit));
  } else {
    if (last === undefined || page.length < limit || page.length === total) return undefined;
    next.set('skip', '0');
    next.set('search_after', `0=${idOf(last)}`);
  }
  return [...next].map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&');
}

function sortDocuments(found: readonly SearchDocument[], sort: string | undefined): readonly SearchDocument[] {
  if (sort === undefined) return found;
  const rules = sort.split(',').map(rule => {
    const [field = '', direction = 'asc'] = rule.trim().split(':');
    return { field: field.replace(/\.exact$/, ''), sign: direction === 'desc' ? -1 : 1 };
  });
  return [...found].sort((one, other) => {
    for (const { field, sign } of rules) {
      const order = sign * compare(sortValue(one, field, sign), sortValue(other, field, sign));
      if (order !== 0) return order;
    }
    return compare(idOf(one), idOf(other));
  });
}

/** Of several values the search engine takes the smallest when it sorts upwards, the largest when it sorts downwards. */
function sortValue({ values }: SearchDocument, field: string, sign: number): string {
  const sorted = [...(values.get(field) ?? [])].sort();
  return sorted.at(sign === 1 ? 0 : -1) ?? '';
}

function failure(status: number, code: string, message: string, details?: string): OpenFdaReply {
  return { status, body: { error: { code, message, ...(details === undefined ? {} : { details }) } } };
}

function idOf({ record, endpoint }: SearchDocument): string {
  return endpoint.idOf(record);
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
