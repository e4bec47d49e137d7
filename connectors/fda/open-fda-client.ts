import { ScraperError, type UpstreamError } from 'plinth/errors';
import type { HttpAnswer, HttpClient } from 'plinth/http';
import { type Clock, type Secret, systemClock } from 'plinth/kernel';
import type { Freshness, Outcome } from 'plinth/pipeline';
import type { DrugName } from './drug-name.ts';
import { OpenFdaError } from './errors.ts';
import { type DrugsFdaApplication, readApplication, type WireApplication } from './open-fda-record.ts';

/** How a search at openFDA is made. */
export interface OpenFdaClientOptions {
  /** A client of `https://api.fda.gov`, or of what stands in for it. */
  readonly client: HttpClient;
  /** A key raises the limit from 1,000 to 120,000 requests a day. @default none */
  readonly apiKey?: Secret | undefined;
  /** Records of one request, 1 to 1,000. @default 100 */
  readonly pageSize?: number | undefined;
  /** Records of one search, over all its pages. @default 1_000 */
  readonly maxRecords?: number | undefined;
  /** @default systemClock */
  readonly clock?: Clock | undefined;
}

/** What a search found, and how far it can be trusted. */
export interface OpenFdaAnswer {
  readonly applications: readonly DrugsFdaApplication[];
  /** How many records openFDA has for the search. */
  readonly total: number;
  /** Whether all of them are here: `false` when there are more than `maxRecords`. */
  readonly complete: boolean;
  /** `live`, or `recorded` when the answer said so of itself; `null` when there was nothing to ask. */
  readonly origin: 'live' | 'recorded' | null;
  /** When openFDA's data were last updated, `YYYY-MM-DD`; `null` when nothing was found. [meta.last_updated] */
  readonly lastUpdated: string | null;
  /** Wall-clock time of the oldest page, in milliseconds since 1970. */
  readonly fetchedAt: number;
  /** The least fresh of the pages. */
  readonly freshness: Freshness;
  /** Age of the oldest page, in milliseconds. */
  readonly ageMs: number;
  /** Why it is not fresh. */
  readonly reason?: string;
}

interface WirePage {
  readonly meta?: { readonly last_updated?: string; readonly results?: { readonly total?: number } };
  readonly results?: readonly WireApplication[];
  readonly error?: { readonly code?: string; readonly message?: string; readonly details?: string };
}

/** The fields that hold a drug's names: the `openfda` block is often missing, so the products are asked too. */
const nameFields = [
  'openfda.brand_name',
  'openfda.generic_name',
  'products.brand_name',
  'products.active_ingredients.name',
] as const;

/**
 * The search expression for a name. Quotation marks, backslashes, wildcards and every other character that openFDA does
 * not accept are gone: they separate words anyway, and one too many of them makes openFDA answer 400 or 500. `undefined`
 * when the name has letters that no name of the FDA has.
 */
export function searchExpression(name: DrugName): string | undefined {
  if (!name.words.every(word => /^[0-9A-Z]+$/.test(word))) return undefined;
  const text = name.text
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/[\u2018\u2019]/g, "'");
  const phrase = text.replace(/[^0-9A-Za-z'.,/%()+-]+/g, ' ').trim();
  return nameFields.map(field => `${field}:"${phrase}"`).join(' OR ');
}

/** The applications that openFDA knows by a drug's name, from `/drug/drugsfda.json`. */
export class OpenFdaClient {
  readonly #client: HttpClient;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #pageSize: number;
  readonly #maxRecords: number;
  readonly #clock: Clock;

  constructor(options: OpenFdaClientOptions) {
    this.#client = options.client;
    this.#pageSize = Math.min(Math.max(1, options.pageSize ?? 100), 1_000);
    this.#maxRecords = options.maxRecords ?? 1_000;
    this.#clock = options.clock ?? systemClock;
    // The key goes as HTTP Basic user name, not as api_key: an address is written to logs and records, a header is not.
    const credentials = options.apiKey && Buffer.from(`${options.apiKey.reveal()}:`).toString('base64');
    this.#headers = credentials === undefined ? {} : { authorization: `Basic ${credentials}` };
  }

  /**
   * Searches all pages, up to `maxRecords`. Finding nothing is an empty answer.
   *
   * @throws {OpenFdaError} for what openFDA refuses, and everything that `HttpClient.json` throws
   */
  async search(name: DrugName, options: { readonly signal?: AbortSignal | undefined } = {}): Promise<OpenFdaAnswer> {
    const search = searchExpression(name);
    if (search === undefined) return nothingToAsk(this.#clock.now());
    const pages: Outcome<HttpAnswer<WirePage>>[] = [];
    const records: WireApplication[] = [];
    let next: string | undefined = pathOf(search, this.#pageSize);
    while (next !== undefined && records.length < this.#maxRecords) {
      const page: Outcome<HttpAnswer<WirePage>> = await this.#page(
        next,
        // One key for all callers: the header says who pays for the quota, not what is answered.
        `${name.text.toLowerCase()} page=${pages.length + 1} limit=${this.#pageSize}`,
        options.signal,
      );
      pages.push(page);
      records.push(...(page.value.body.results ?? []));
      next = this.#nextPath(page.value);
    }
    return summarise(
      pages,
      records.slice(0, this.#maxRecords),
      next === undefined && records.length <= this.#maxRecords,
    );
  }

  async #page(path: string, cacheKey: string, signal: AbortSignal | undefined): Promise<Outcome<HttpAnswer<WirePage>>> {
    const call = { operation: 'drugsfda.search', cacheKey, toFailure: toOpenFdaError, signal };
    const page = await this.#client.json<WirePage>({ path, headers: this.#headers, answers: [404], ...call });
    checkPage(page.value);
    return page;
  }

  /**
   * The address of the next page as openFDA gives it. It names `api.fda.gov` even behind a proxy, so only its path and
   * query are used. The last page has none; a full last page has one that answers 404, which is the end as well.
   */
  #nextPath(page: HttpAnswer<WirePage>): string | undefined {
    const link = /<([^>]+)>\s*;\s*rel="next"/.exec(page.headers['link'] ?? '')?.[1];
    if (link === undefined) return undefined;
    if (!URL.canParse(link))
      throw new ScraperError('openFDA sent a Link header that is not an address', { details: { link } });
    const { pathname, search } = new URL(link);
    return `${pathname}${search}`;
  }
}

function pathOf(search: string, limit: number): string {
  return `/drug/drugsfda.json?search=${encodeURIComponent(search)}&limit=${limit}`;
}

/** A 404 means that nothing was found, if openFDA says so itself; anything else behind it is a wrong address. */
function checkPage(page: HttpAnswer<WirePage>): void {
  const { body, status } = page;
  if (status === 404 && body?.error?.code === 'NOT_FOUND') return;
  if (status !== 404 && Array.isArray(body?.results)) return;
  const problem = status === 404 ? 'openFDA does not know this address' : 'openFDA answered without results';
  throw new ScraperError(problem, { details: { status, body: JSON.stringify(body)?.slice(0, 300) } });
}

/** Details of a 500 that mean that the query cannot be read. The same query would fail again. */
const unreadableQuery = /token_mgr_error|parse_exception|query_shard|illegal_argument/;

function toOpenFdaError(error: UpstreamError): OpenFdaError {
  const body = String(error.details['body'] ?? '');
  const code = /"code":\s*"([^"]+)"/.exec(body)?.[1] ?? '';
  const message = /"message":\s*"([^"]+)"/.exec(body)?.[1] ?? error.message;
  const isQuery = error.status === 400 || (error.status === 500 && unreadableQuery.test(body));
  const isCredentials = error.status === 401 || error.status === 403;
  const kind = isQuery ? 'query' : isCredentials ? 'credentials' : 'server';
  const facts = { status: error.status, kind, upstreamCode: code } as const;
  return new OpenFdaError(`openFDA answered ${error.status}: ${message}`, facts, {
    cause: error,
    retryable: kind === 'server' && error.retryable,
  });
}

function nothingToAsk(now: number): OpenFdaAnswer {
  const freshness = { fetchedAt: now, freshness: 'fresh', ageMs: 0 } as const;
  return { applications: [], total: 0, complete: true, origin: null, lastUpdated: null, ...freshness };
}

function summarise(
  pages: readonly Outcome<HttpAnswer<WirePage>>[],
  records: readonly WireApplication[],
  complete: boolean,
): OpenFdaAnswer {
  const found = pages.filter(page => page.value.status !== 404);
  const meta = found[0]?.value.body.meta;
  const late = pages.find(page => page.freshness !== 'fresh');
  return {
    applications: records.flatMap(record => readApplication(record) ?? []),
    total: meta?.results?.total ?? records.length,
    complete,
    origin: pages.some(page => page.value.headers['x-recorded'] !== undefined) ? 'recorded' : 'live',
    lastUpdated: meta?.last_updated ?? null,
    fetchedAt: Math.min(...pages.map(page => page.value.fetchedAt)),
    freshness: late?.freshness ?? 'fresh',
    ageMs: Math.max(...pages.map(page => page.ageMs)),
    ...(late?.reason === undefined ? {} : { reason: late.reason }),
  };
}
