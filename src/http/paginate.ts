import { ScraperError } from '../errors/index.ts';
import { requireInteger } from '../kernel/index.ts';
import type { Outcome } from '../pipeline/index.ts';
import type { HttpClient } from './http-client.ts';
import type { HttpAnswer, HttpRequest } from './http-request.ts';
import { parseLinkHeader } from './link-header.ts';

/** Finds the request for the page that follows an answer; `undefined` when it was the last one. */
export type NextPage<Body> = (answer: HttpAnswer<Body>, request: HttpRequest) => HttpRequest | undefined;

/** What {@link paginate} asks for. */
export interface PaginateOptions<Body> {
  /** The request for the first page. */
  readonly first: HttpRequest;
  /** How the next page is found: {@link nextByLink}, {@link nextByToken}, {@link nextByOffset}, {@link nextByPage}, or your own. */
  readonly next: NextPage<Body>;
  /** How many pages there may be; more are an error, so that nothing is missing silently. @default 1_000 */
  readonly maxPages?: number | undefined;
  /** Ends the walk. @default that of the first request */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Walks over the pages of a list, one request after the other and only as far as they are read: whoever leaves the loop
 * asks no further. Every page is a call of its own through the guard.
 *
 * @throws {ScraperError} when there are more than `maxPages`, when a page leads to one that was there already, or to
 * another origin; and whatever {@link HttpClient.json} throws.
 * @example
 * const request = { path: '/studies', query: { pageSize: 100 } };
 * const next = nextByToken<Studies>({ parameter: 'pageToken', token: page => page.nextPageToken });
 * for await (const { value, freshness } of paginate(client, { first: request, next })) use(value.body, freshness);
 */
export async function* paginate<Body>(
  client: Pick<HttpClient, 'json'>,
  options: PaginateOptions<Body>,
): AsyncGenerator<Outcome<HttpAnswer<Body>>, void, undefined> {
  const { first, next, signal = first.signal } = options;
  const maxPages = requireInteger('maxPages', options.maxPages ?? 1_000, 1);
  const asked = new Set<string>();
  for (let request: HttpRequest | undefined = first; request !== undefined; ) {
    const name = identityOf(request);
    if (asked.has(name))
      throw new ScraperError(`Page ${asked.size} of ${listOf(first)} leads to one that was there already`);
    if (asked.size === maxPages)
      throw new ScraperError(`${listOf(first)} has more than the ${maxPages} pages that are accepted`);
    asked.add(name);
    const page: Outcome<HttpAnswer<Body>> = await client.json<Body>({ ...request, signal });
    // Before it is given on: whoever reads the page may keep its body, and may change it.
    const following: HttpRequest | undefined = next(page.value, request);
    yield page;
    request = following;
  }
}

/**
 * The next page is the one that the `Link` header calls `next` (RFC 8288), exactly as it is given.
 *
 * @param relation what the next page is called. @default 'next'
 */
export function nextByLink<Body>(relation = 'next'): NextPage<Body> {
  return ({ headers, url }, request) => {
    const link = parseLinkHeader(headers['link']).find(({ relations }) => relations.includes(relation));
    if (link === undefined) return undefined;
    const { query: _query, ...rest } = request;
    return { ...rest, path: requireSameOrigin(link.target, url) };
  };
}

/** What {@link nextByToken} goes by. */
export interface NextByTokenOptions<Body> {
  /** The query parameter that takes the token. */
  readonly parameter: string;
  /** The token of a page; nothing or an empty one means that it was the last. */
  readonly token: (body: Body, answer: HttpAnswer<Body>) => string | number | null | undefined;
}

/** The next page is asked for with a token or cursor that this one holds. */
export function nextByToken<Body>({ parameter, token }: NextByTokenOptions<Body>): NextPage<Body> {
  return (answer, request) => {
    const value = token(answer.body, answer);
    if (value === null || value === undefined || value === '') return undefined;
    return { ...request, query: { ...request.query, [parameter]: value } };
  };
}

/** What {@link nextByOffset} goes by. */
export interface NextByOffsetOptions<Body> {
  /** The query parameter that takes the offset. @default 'offset' */
  readonly parameter?: string | undefined;
  /** How many items a page holds at most, as the first request asks for. */
  readonly pageSize: number;
  /** How many items a page holds. */
  readonly count: (body: Body) => number;
  /** How many items there are in all, where the source says so; else a page that is not full is the last. @default unknown */
  readonly total?: ((body: Body) => number | undefined) | undefined;
}

/** The next page begins where this one ends. Ask for an order that does not change, or items are missed or come twice. */
export function nextByOffset<Body>(options: NextByOffsetOptions<Body>): NextPage<Body> {
  const { parameter = 'offset', count, total } = options;
  const pageSize = requireInteger('pageSize', options.pageSize, 1);
  return ({ body }, request) => {
    const items = count(body);
    const end = currentOf(request, parameter, 0) + items;
    if (items === 0 || isLast(items, end, pageSize, total?.(body))) return undefined;
    return { ...request, query: { ...request.query, [parameter]: end } };
  };
}

/** What {@link nextByPage} goes by. */
export interface NextByPageOptions<Body> extends NextByOffsetOptions<Body> {
  /** The query parameter that takes the page's number. @default 'page' */
  readonly parameter?: string | undefined;
  /** The number of the first page. @default 1 */
  readonly firstPage?: number | undefined;
}

/** The next page has the next number. */
export function nextByPage<Body>(options: NextByPageOptions<Body>): NextPage<Body> {
  const { parameter = 'page', count, total, firstPage = 1 } = options;
  const pageSize = requireInteger('pageSize', options.pageSize, 1);
  return ({ body }, request) => {
    const items = count(body);
    const page = currentOf(request, parameter, firstPage);
    const end = (page - firstPage) * pageSize + items;
    if (items === 0 || isLast(items, end, pageSize, total?.(body))) return undefined;
    return { ...request, query: { ...request.query, [parameter]: page + 1 } };
  };
}

function isLast(items: number, end: number, pageSize: number, total: number | undefined): boolean {
  return total === undefined ? items < pageSize : end >= total;
}

function currentOf({ query }: HttpRequest, parameter: string, fallback: number): number {
  const value = query?.[parameter];
  if (value === undefined) return fallback;
  return requireInteger(parameter, Number(value), 0);
}

function requireSameOrigin(target: string, from: string): string {
  const url = URL.canParse(target, from) ? new URL(target, from) : undefined;
  const { origin } = new URL(from);
  if (url?.origin === origin) return url.href;
  const found = url === undefined ? 'something that is no address' : url.origin;
  throw new ScraperError(`The next page of ${origin} is at ${found}, expected an address of the same origin`);
}

/** What makes two requests the same page. */
function identityOf({ method = 'GET', path, query, body }: HttpRequest): string {
  return JSON.stringify([method, path, query ?? {}, typeof body === 'string' ? body : body?.toString()]);
}

function listOf({ path }: HttpRequest): string {
  return path.split(/[?#]/, 1)[0] ?? '';
}
