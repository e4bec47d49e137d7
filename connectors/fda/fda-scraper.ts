import { ArgumentError, PlinthError, RejectedError } from 'plinth/errors';
import { ConnectionPool, type HttpClient, type Quarantine } from 'plinth/http';
import { type Clock, type EventSource, type Secret, systemClock } from 'plinth/kernel';
import { type Guard, standardGuard } from 'plinth/pipeline';
import { type DrugName, matchRank, parseDrugName } from './drug-name.ts';
import { FdaUnavailableError } from './errors.ts';
import type { OrangeBookEvents } from './events.ts';
import { matchProduct, mergeApplications, mergeResults, resultOfOrangeBook, resultsOfDrugsFda } from './fda-merge.ts';
import type {
  ApprovalAnswer,
  DrugSearchResult,
  FdaSource,
  LabelAnswer,
  PackagesAnswer,
  SearchAnswer,
  SourceReport,
} from './fda-types.ts';
import { findLabel } from './label-finder.ts';
import { type OpenFdaAnswer, OpenFdaClient } from './open-fda-client.ts';
import type { OpenFdaContracts } from './open-fda-endpoints.ts';
import type { DrugsFdaApplication } from './open-fda-record.ts';
import { OrangeBook, type OrangeBookSource, orangeBookUrl, type ServingEdition } from './orange-book.ts';
import type { OrangeBookEdition } from './orange-book-edition.ts';

/** How the FDA is asked. Without any option the live services are. */
export interface FDAOrangeBookScraperOptions {
  /** Where the Orange Book is read from. @default downloaded from the FDA */
  readonly orangeBook?: OrangeBookSource | undefined;
  /** How openFDA is reached. */
  readonly openFda?: OpenFdaOptions | undefined;
  /** The connections. They outlive the scraper. @default a pool of its own, closed with the scraper */
  readonly pool?: ConnectionPool | undefined;
  /** The policies around requests to openFDA. @default those of `OpenFdaClient`: 60 at once, 3 a second */
  readonly openFdaGuard?: Guard | undefined;
  /** The policies around the download of the Orange Book. @default standardGuard('orange-book') */
  readonly orangeBookGuard?: Guard | undefined;
  /** How old the Orange Book may be before the source is asked again, in milliseconds. @default 86_400_000 (a day) */
  readonly refreshIntervalMs?: number | undefined;
  /** @default systemClock */
  readonly clock?: Clock | undefined;
}

/** How openFDA is reached. */
export interface OpenFdaOptions {
  /** Its address. @default 'https://api.fda.gov' */
  readonly baseUrl?: string | undefined;
  /** A key raises the limit from 1,000 to 120,000 requests a day. @default none */
  readonly apiKey?: Secret | undefined;
  /** Where records go that cannot be read. @default in memory */
  readonly quarantine?: Quarantine | undefined;
}

/** What one question says about itself. */
export interface FdaQuestionOptions {
  /** Ends the question. @default none */
  readonly signal?: AbortSignal | undefined;
  /** The largest number of products or applications in the answer, at least 1. @default 100 */
  readonly limit?: number | undefined;
}

/** What the question for a label says about itself. */
export interface LabelQuestionOptions {
  /** Ends the question. @default none */
  readonly signal?: AbortSignal | undefined;
  /** Only labels of this application will do, such as `BLA125514`. @default the applications that drugsfda has */
  readonly applicationNumber?: string | undefined;
}

/** What the question for packages says about itself. */
export interface PackagesQuestionOptions {
  /** Ends the question. @default none */
  readonly signal?: AbortSignal | undefined;
}

/** What a source found, with its report. */
interface Found<Value> {
  readonly value?: Value;
  readonly report: Omit<SourceReport, 'found' | 'status'> & { readonly status: 'answered' | 'failed' };
  readonly error?: unknown;
}

/**
 * What the FDA has approved under a drug's name, from two sources: the Orange Book's data files (small molecules with
 * patents, exclusivities and equivalence codes) and openFDA's drugsfda (all applications with their history, biologics
 * too). Both are asked; each answer says what came from where, how old it is, and which source failed. Labels and packages
 * come from openFDA alone.
 *
 * @example
 * await using fda = new FDAOrangeBookScraper();
 * const { firstApproval } = await fda.getApprovalInfo('pembrolizumab'); // BLA125514, 2014-09-04
 * const { label } = await fda.getLabel('pembrolizumab'); // of KEYTRUDA, not of KEYTRUDA QLEX
 */
export class FDAOrangeBookScraper implements AsyncDisposable {
  /** The scraper's name. */
  readonly name = 'fda';
  readonly #clock: Clock;
  readonly #ownPool: ConnectionPool | undefined;
  readonly #orangeBook: OrangeBook;
  readonly #openFda: OpenFdaClient;

  constructor(options: FDAOrangeBookScraperOptions = {}) {
    const { clock = systemClock, orangeBook = {}, openFda = {}, refreshIntervalMs } = options;
    this.#clock = clock;
    const pool = options.pool ?? new ConnectionPool();
    this.#ownPool = options.pool === undefined ? pool : undefined;
    this.#orangeBook = new OrangeBook({
      source: orangeBook,
      client: downloadClient(orangeBook, { pool, clock, guard: options.orangeBookGuard }),
      refreshIntervalMs,
      clock,
    });
    this.#openFda = new OpenFdaClient({ ...openFda, pool, guard: options.openFdaGuard, clock });
  }

  /** Tells of editions of the Orange Book that were loaded, or failed to load. */
  get events(): EventSource<OrangeBookEvents> {
    return this.#orangeBook.events;
  }

  /** What openFDA's records look like: tells when openFDA sends something else, and has what cannot be read. */
  get contracts(): OpenFdaContracts {
    return this.#openFda.contracts;
  }

  /** The same as {@link searchDrug}: what batches, warmers and caches ask. */
  async fetchData(name: string, options: FdaQuestionOptions = {}): Promise<SearchAnswer> {
    return this.searchDrug(name, options);
  }

  /** Loads the Orange Book now, or asks whether there is a newer edition. Not needed before asking a question. */
  async refresh(options: { readonly signal?: AbortSignal | undefined } = {}): Promise<void> {
    await this.#orangeBook.refresh(options.signal);
  }

  /**
   * The products with this name among their ingredients or in their trade name, in whole words and in any case. An
   * unknown name gives an empty list.
   *
   * @throws {ValidationError} when the text cannot be a name
   * @throws {FdaUnavailableError} when no source answered
   */
  async searchDrug(name: string, options: FdaQuestionOptions = {}): Promise<SearchAnswer> {
    const limit = checkLimit(options.limit);
    const parsed = parseDrugName(name);
    const { book, openFda } = await this.#ask(parsed, options.signal);
    const ofBook = productsOf(book.value, parsed);
    const ofOpenFda = (openFda.value?.items ?? []).flatMap(record => resultsOfDrugsFda(record, parsed));
    const results = mergeResults(ofBook, ofOpenFda);
    const sources = [conclude(book, ofBook.length), conclude(openFda, ofOpenFda.length)];
    return { name: parsed.text, results: results.slice(0, limit), total: results.length, sources };
  }

  /**
   * The applications under this name: when they were approved first, their products, patents, exclusivities and
   * history. An unknown name gives no applications.
   *
   * @throws {ValidationError} when the text cannot be a name
   * @throws {FdaUnavailableError} when no source answered
   */
  async getApprovalInfo(name: string, options: FdaQuestionOptions = {}): Promise<ApprovalAnswer> {
    const limit = checkLimit(options.limit);
    const parsed = parseDrugName(name);
    const { book, openFda } = await this.#ask(parsed, options.signal);
    const ofBook = productsOf(book.value, parsed);
    const records: readonly DrugsFdaApplication[] = openFda.value?.items ?? [];
    const results = mergeResults(
      ofBook,
      records.flatMap(record => resultsOfDrugsFda(record, parsed)),
    );
    const applications = mergeApplications(results, records, book.value);
    const first = applications.find(application => application.firstApprovalDate !== null);
    const ofBookCount = new Set(ofBook.map(product => product.applicationNumber)).size;
    return {
      name: parsed.text,
      applications: applications.slice(0, limit),
      total: applications.length,
      firstApproval: first?.firstApprovalDate
        ? { applicationNumber: first.applicationNumber, date: first.firstApprovalDate }
        : null,
      sources: [conclude(book, ofBookCount), conclude(openFda, records.length)],
    };
  }

  /**
   * The label that is really the drug's, with its sections: the exact brand or the single ingredient, of an application that
   * drugsfda has under the name. Labels of combinations, biosimilars and other products that the name finds as well are
   * listed with the reason. `label` is `null` when there is none.
   *
   * @throws {ValidationError} when the text cannot be a name, or the number cannot be an application's
   * @throws {OpenFdaError} for what openFDA refuses; and other `FailedError`s and `RejectedError`s when it does not answer
   */
  async getLabel(name: string, options: LabelQuestionOptions = {}): Promise<LabelAnswer> {
    return findLabel(this.#openFda, parseDrugName(name), options);
  }

  /**
   * The products with this name in the NDC directory, each with its packages. An unknown name gives an empty list.
   *
   * @throws {ValidationError} when the text cannot be a name
   * @throws {OpenFdaError} for what openFDA refuses; and other `FailedError`s and `RejectedError`s when it does not answer
   */
  async getPackages(name: string, options: PackagesQuestionOptions = {}): Promise<PackagesAnswer> {
    const parsed = parseDrugName(name);
    const { items, ...facts } = await this.#openFda.findProducts(parsed.text, options);
    const products = items.map(
      product => ({ ...product, match: matchProduct(product, parsed) ?? 'contained' }) as const,
    );
    products.sort(
      (one, other) => matchRank[one.match] - matchRank[other.match] || one.productNdc.localeCompare(other.productNdc),
    );
    return { name: parsed.text, products, ...facts };
  }

  /** Ends what is under way and closes the connections, if they are its own. */
  async close(): Promise<void> {
    await this.#orangeBook.close();
    await this.#openFda.close();
    await this.#ownPool?.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #ask(
    name: DrugName,
    signal: AbortSignal | undefined,
  ): Promise<{ readonly book: Found<OrangeBookEdition>; readonly openFda: Found<OpenFdaAnswer<DrugsFdaApplication>> }> {
    signal?.throwIfAborted();
    const [book, openFda] = await Promise.all([this.#askBook(signal), this.#askOpenFda(name, signal)]);
    signal?.throwIfAborted();
    const errors = [book, openFda].flatMap(found => found.error ?? []);
    if (errors.length === 2) {
      const reports = [conclude(book, 0), conclude(openFda, 0)];
      const [first] = errors;
      if (first instanceof RejectedError && errors.every(error => error instanceof RejectedError)) throw first;
      throw new FdaUnavailableError(reports, {
        cause: first,
        retryable: errors.some(error => error instanceof PlinthError && error.retryable),
      });
    }
    return { book, openFda };
  }

  async #askBook(signal: AbortSignal | undefined): Promise<Found<OrangeBookEdition>> {
    try {
      const serving = await this.#orangeBook.current(signal);
      return { value: serving.edition, report: this.#bookReport(serving) };
    } catch (error) {
      return this.#failed('orange-book', error);
    }
  }

  #bookReport({ edition, origin, fetchedAt, checkedAt, freshness, reason }: ServingEdition): Found<unknown>['report'] {
    return {
      source: 'orange-book',
      status: 'answered',
      origin,
      edition: edition.date,
      fetchedAt: new Date(fetchedAt).toISOString(),
      freshness,
      ageMs: Math.max(0, this.#clock.now() - checkedAt),
      ...(reason === undefined ? {} : { reason }),
      complete: true,
    };
  }

  async #askOpenFda(
    name: DrugName,
    signal: AbortSignal | undefined,
  ): Promise<Found<OpenFdaAnswer<DrugsFdaApplication>>> {
    try {
      const answer = await this.#openFda.findApplications(name.text, { signal });
      const { lastUpdated, provenance, complete, unreadable } = answer;
      const { origin, fetchedAt, freshness, ageMs, reason } = provenance ?? this.#nothingAsked();
      const report = {
        source: 'drugsfda',
        status: 'answered',
        origin,
        ...(lastUpdated === null ? {} : { lastUpdated }),
        fetchedAt,
        freshness,
        ageMs,
        ...(reason === undefined ? {} : { reason }),
        complete,
        ...(unreadable === 0 ? {} : { unreadable }),
      } as const;
      return { value: answer, report };
    } catch (error) {
      return this.#failed('drugsfda', error);
    }
  }

  /** What a report says when no name of the FDA has such letters, so that there was nothing to ask. */
  #nothingAsked(): Pick<SourceReport, 'origin' | 'fetchedAt' | 'freshness' | 'ageMs' | 'reason'> {
    return { origin: null, fetchedAt: new Date(this.#clock.now()).toISOString(), freshness: 'fresh', ageMs: 0 };
  }

  /** Failures of a source are part of the answer; mistakes of the program are not. */
  #failed(source: FdaSource, error: unknown): Found<never> {
    if (!(error instanceof PlinthError || isSystemError(error))) throw error;
    const report = {
      source,
      status: 'failed',
      origin: null,
      fetchedAt: new Date(this.#clock.now()).toISOString(),
      freshness: null,
      ageMs: 0,
      complete: false,
      error: error instanceof Error ? error.message : String(error),
      ...(error instanceof PlinthError ? { errorCode: error.code } : {}),
    } as const;
    return { report, error };
  }
}

function downloadClient(
  source: OrangeBookSource,
  { pool, clock, guard }: { readonly pool: ConnectionPool; readonly clock: Clock; readonly guard: Guard | undefined },
): HttpClient | undefined {
  if ('folder' in source || 'zip' in source) return undefined;
  const baseUrl = new URL(source.url ?? orangeBookUrl).origin;
  return pool.client({ baseUrl, guard: guard ?? standardGuard('orange-book', { clock }), clock });
}

function productsOf(edition: OrangeBookEdition | undefined, name: DrugName): DrugSearchResult[] {
  return edition?.search(name).map(resultOfOrangeBook) ?? [];
}

function conclude({ report }: Found<unknown>, found: number): SourceReport {
  return { ...report, status: report.status === 'answered' && found === 0 ? 'empty' : report.status, found };
}

function checkLimit(limit = 100): number {
  if (Number.isInteger(limit) && limit >= 1) return limit;
  throw new ArgumentError(`Cannot use limit: expected a whole number from 1, got ${limit}`, 'limit');
}

/** Errors of the file system carry a code in text; mistakes of the program do not. */
function isSystemError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && typeof error.code === 'string';
}
