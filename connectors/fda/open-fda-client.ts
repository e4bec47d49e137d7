import { ScraperError, type UpstreamError } from 'plinth/errors';
import {
  BaseScraper,
  type HttpAnswer,
  type HttpRequest,
  type Provenance,
  paginate,
  parseLinkHeader,
  type Quarantine,
  type QuestionOptions,
  type ResponseContract,
  type ScraperOptions,
} from 'plinth/http';
import type { Secret } from 'plinth/kernel';
import type { Outcome } from 'plinth/pipeline';
import { parseDrugName } from './drug-name.ts';
import { OpenFdaError } from './errors.ts';
import {
  type OpenFdaContracts,
  type OpenFdaEndpoint,
  openFdaContracts,
  openFdaEndpoints,
} from './open-fda-endpoints.ts';
import type { DrugLabel } from './open-fda-label.ts';
import type { NdcProduct } from './open-fda-ndc.ts';
import type { DrugsFdaApplication } from './open-fda-record.ts';
import { searchExpression, valuesExpression } from './open-fda-search.ts';

/** How openFDA is asked. */
export interface OpenFdaClientOptions extends ScraperOptions {
  /** A key raises the limit from 1,000 to 120,000 requests a day. @default none */
  readonly apiKey?: Secret | undefined;
  /** Records of one request, 1 to 1,000. @default 100 of drugsfda, 20 of labels, 500 of the NDC directory */
  readonly pageSize?: number | undefined;
  /** Records of one search, over all its pages. @default 1_000 of drugsfda, 100 labels, 25_000 of the NDC directory */
  readonly maxRecords?: number | undefined;
  /** Where records go that cannot be read. @default in memory, of each endpoint for itself */
  readonly quarantine?: Quarantine | undefined;
}

/** What a search found, and how far it can be trusted. */
export interface OpenFdaAnswer<Item> {
  readonly items: readonly Item[];
  /** How many records openFDA has for the search. */
  readonly total: number;
  /** Whether all of them were read: `false` when there are more than `maxRecords`. */
  readonly complete: boolean;
  /** How many records could not be read. They are in quarantine and not among the items. */
  readonly unreadable: number;
  /** When openFDA's data were last updated, `YYYY-MM-DD`; `null` when nothing was found. [meta.last_updated] */
  readonly lastUpdated: string | null;
  /** Where the pages came from; `null` when there was nothing to ask: no name of the FDA has such letters. */
  readonly provenance: Provenance | null;
}

interface WirePage {
  readonly meta?: { readonly last_updated?: string; readonly results?: { readonly total?: number } };
  readonly results?: readonly unknown[];
  readonly error?: { readonly code?: string };
}

type Page = Outcome<HttpAnswer<WirePage>>;

/**
 * What openFDA knows by a drug's name: applications (`/drug/drugsfda.json`), labels (`/drug/label.json`) and the NDC
 * directory (`/drug/ndc.json`). Finding nothing is an empty answer.
 *
 * Unless told otherwise it asks 60 times at once and 3 times a second: never more than the 240 a minute that openFDA allows.
 *
 * @example
 * await using openFda = new OpenFdaClient();
 * const { items } = await openFda.findProducts('osimertinib'); // 0310-1349 and 0310-1350
 */
export class OpenFdaClient extends BaseScraper<string, OpenFdaAnswer<DrugsFdaApplication>> {
  /** What records look like: tells when openFDA sends something else, and keeps what cannot be read. */
  readonly contracts: OpenFdaContracts;
  readonly #pageSize: number | undefined;
  readonly #maxRecords: number | undefined;

  constructor(options: OpenFdaClientOptions = {}) {
    const { apiKey, pageSize, maxRecords, quarantine, burst = 60, ...others } = options;
    // The key goes as HTTP Basic user name, not as api_key: an address is written to logs and records, a header is not.
    const credentials = apiKey && Buffer.from(`${apiKey.reveal()}:`).toString('base64');
    const headers = credentials === undefined ? {} : { authorization: `Basic ${credentials}` };
    super({ name: 'openfda', baseUrl: 'https://api.fda.gov', ratePerSecond: 3, headers }, { burst, ...others });
    this.contracts = openFdaContracts(quarantine);
    this.#pageSize = pageSize === undefined ? undefined : Math.min(Math.max(1, pageSize), 1_000);
    this.#maxRecords = maxRecords;
  }

  /** The same as {@link findApplications}. */
  async fetchData(name: string, options: QuestionOptions = {}): Promise<OpenFdaAnswer<DrugsFdaApplication>> {
    return this.findApplications(name, options);
  }

  /**
   * The applications with this name among their brands and ingredients.
   *
   * @throws {ValidationError} when the text cannot be a name
   * @throws {OpenFdaError} for what openFDA refuses; and everything that `HttpClient.json` and `ResponseContract.read` throw
   */
  async findApplications(name: string, options: QuestionOptions = {}): Promise<OpenFdaAnswer<DrugsFdaApplication>> {
    return this.#findByName(openFdaEndpoints.drugsfda, this.contracts.drugsfda, { name, ...options });
  }

  /**
   * The labels with this name among their brands and ingredients, of every product that has it: which of them is the label
   * of the drug, {@link FDAOrangeBookScraper.getLabel} finds out. Fails as {@link findApplications} does.
   */
  async findLabels(name: string, options: QuestionOptions = {}): Promise<OpenFdaAnswer<DrugLabel>> {
    return this.#findByName(openFdaEndpoints.label, this.contracts.label, { name, ...options });
  }

  /** The labels of applications, by numbers such as `BLA125514`. Fails as {@link findApplications} does. */
  async findLabelsOf(
    applicationNumbers: readonly string[],
    options: QuestionOptions = {},
  ): Promise<OpenFdaAnswer<DrugLabel>> {
    const numbers = applicationNumbers.filter(number => /^[0-9A-Z]+$/i.test(number));
    if (numbers.length === 0) return nothingToAsk();
    const search = valuesExpression('openfda.application_number', numbers);
    return this.#find(openFdaEndpoints.label, this.contracts.label, { search, ...options });
  }

  /** The products of the NDC directory with this name among their brands and ingredients. Fails as {@link findApplications} does. */
  async findProducts(name: string, options: QuestionOptions = {}): Promise<OpenFdaAnswer<NdcProduct>> {
    return this.#findByName(openFdaEndpoints.ndc, this.contracts.ndc, { name, ...options });
  }

  async #findByName<Item>(
    endpoint: OpenFdaEndpoint,
    contract: ResponseContract<Item>,
    { name, signal }: QuestionOptions & { readonly name: string },
  ): Promise<OpenFdaAnswer<Item>> {
    const search = searchExpression(endpoint.nameFields, parseDrugName(name));
    return search === undefined ? nothingToAsk() : this.#find(endpoint, contract, { search, signal });
  }

  /** Reads all pages, up to `maxRecords`. */
  async #find<Item>(
    endpoint: OpenFdaEndpoint,
    contract: ResponseContract<Item>,
    { search, signal }: QuestionOptions & { readonly search: string },
  ): Promise<OpenFdaAnswer<Item>> {
    const maxRecords = this.#maxRecords ?? endpoint.maxRecords;
    const limit = this.#pageSize ?? endpoint.pageSize;
    const path = `${endpoint.path}?search=${encodeURIComponent(search)}&limit=${limit}`;
    const first = { path, operation: endpoint.operation, answers: [404], toFailure: toOpenFdaError, signal };
    const client = { json: <Body>(request: HttpRequest) => this.json<Body>(request) };
    const pages: Page[] = [];
    const items: Item[] = [];
    let seen = 0;
    let unreadable = 0;
    for await (const page of paginate<WirePage>(client, { first, next: nextPage, maxPages: maxRecords + 1 })) {
      const records = recordsOf(page.value);
      const { values, quarantined } = await contract.read(records.slice(0, maxRecords - seen), page.value);
      pages.push(page);
      items.push(...values);
      unreadable += quarantined.length;
      seen += records.length;
      if (seen >= maxRecords) break;
    }
    return { items, unreadable, ...this.#summarise(pages, { seen, maxRecords }) };
  }

  #summarise(
    pages: readonly Page[],
    { seen, maxRecords }: { readonly seen: number; readonly maxRecords: number },
  ): Omit<OpenFdaAnswer<unknown>, 'items' | 'unreadable'> {
    const [first, ...others] = pages as [Page, ...Page[]];
    const { meta } = first.value.body;
    const total = meta?.results?.total ?? seen;
    return {
      total,
      // A list that came to its end is whole, even if records left it meanwhile.
      complete: seen < maxRecords || (seen === maxRecords && seen >= total),
      lastUpdated: meta?.last_updated ?? null,
      provenance: this.provenance(first, ...others),
    };
  }
}

/**
 * The next page as openFDA names it in `Link`. It names `api.fda.gov` even behind a proxy, so only path and query are used.
 * The last page has none; a full last page has one that answers 404, which is the end as well.
 */
function nextPage({ headers, url }: HttpAnswer<WirePage>, request: HttpRequest): HttpRequest | undefined {
  const link = parseLinkHeader(headers['link']).find(({ relations }) => relations.includes('next'))?.target;
  if (link === undefined) return undefined;
  if (!URL.canParse(link, url)) {
    throw new ScraperError('openFDA sent a Link header that is not an address', { details: { link } });
  }
  const { pathname, search } = new URL(link, url);
  return { ...request, path: `${pathname}${search}` };
}

/** The records of a page. A 404 means that nothing was found, if openFDA says so itself; else it is a wrong address. */
function recordsOf({ body, status }: HttpAnswer<WirePage>): readonly unknown[] {
  if (status === 404 && body?.error?.code === 'NOT_FOUND') return [];
  if (status !== 404 && Array.isArray(body?.results)) return body.results;
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

function nothingToAsk(): OpenFdaAnswer<never> {
  return { items: [], total: 0, complete: true, unreadable: 0, lastUpdated: null, provenance: null };
}
