import { ScraperError } from 'plinth/errors';
import {
  BaseScraper,
  type HttpAnswer,
  type HttpRequest,
  nextByOffset,
  paginate,
  type Quarantine,
  type QuestionOptions,
  type RecordReader,
  ResponseContract,
  type ScraperOptions,
} from 'plinth/http';
import { type EventSource, Events, type Secret } from 'plinth/kernel';
import type { Outcome } from 'plinth/pipeline';
import { type Bbl, parseBbl } from './bbl.ts';
import {
  type DatasetPage,
  type DatasetQuery,
  type DatasetQueryOptions,
  parametersOf,
  requireDatasetId,
  requirePageSize,
} from './dataset-query.ts';
import { type NycDataset, nycDatasets, shapeOfRows } from './datasets.ts';
import { type DobSafetyViolation, readDobSafetyViolation } from './dob-safety-violations.ts';
import { type DobViolation, readDobViolation } from './dob-violations.ts';
import { type EcbViolation, readEcbViolation } from './ecb-violations.ts';
import { toNycDataError } from './errors.ts';
import type { NycEvents } from './events.ts';
import { type HpdViolation, readHpdViolation } from './hpd-violations.ts';
import { joinAnswers, type PropertyViolations } from './property-violations.ts';
import { isTestRecord, type SodaRow } from './row-reader.ts';
import { type Soql, soql } from './soql.ts';
import {
  type AnyViolation,
  type LotAnswer,
  limited,
  newestFirst,
  requireViolationOptions,
  selected,
  type ViolationOptions,
  type ViolationsAnswer,
} from './violations.ts';

/** How NYC Open Data is asked. Without any option the live service is, without a token. */
export interface NYCDataClientOptions extends ScraperOptions {
  /** Without a token all callers behind one address share a small pool. Sent as a header. @default none */
  readonly appToken?: Secret | undefined;
  /** Where rows go that cannot be read. @default a place in memory for each data set */
  readonly quarantine?: Quarantine | undefined;
  /** Rows of one request, 1 to 50,000. @default 1_000 */
  readonly pageSize?: number | undefined;
}

/** What holds each data set to its form. */
export interface NycContracts {
  readonly dob: ResponseContract<DobViolation>;
  readonly ecb: ResponseContract<EcbViolation>;
  readonly hpd: ResponseContract<HpdViolation>;
  readonly dobSafety: ResponseContract<DobSafetyViolation>;
}

/** A lot by its BBL, in any form that {@link parseBbl} reads. */
export type BblText = string | number;

/** A lot with more pages of rows is an error: 100,000 rows are more than a lot can have. */
const maxLotPages = 100;

/**
 * The violations of a property of New York City, from four data sets of NYC Open Data (Socrata), by its BBL; and any
 * other data set of the portal with {@link query}.
 *
 * The portal publishes no number for its limit: it says that callers without a token share a small pool and that those
 * with one have their own. So it is asked twice a second without and five times a second with a token: a property's
 * four questions take less than two seconds, and a 429 halves the pace.
 *
 * @example
 * await using nyc = new NYCDataClient();
 * const { violations } = await nyc.getDobViolations('1007200055', { activeOnly: true });
 */
export class NYCDataClient extends BaseScraper<string, PropertyViolations> {
  /** What holds each data set to its form: listen to `contracts.dob.events` for `drift` and `quarantined`. */
  readonly contracts: NycContracts;
  readonly #events = new Events<NycEvents>();
  readonly #pageSize: number;
  readonly #toldColumns = new Set<string>();

  constructor(options: NYCDataClientOptions = {}) {
    const { appToken, quarantine, pageSize = 1_000 } = options;
    super(
      {
        name: 'nyc',
        baseUrl: 'https://data.cityofnewyork.us',
        ratePerSecond: appToken === undefined ? 2 : 5,
        headers: appToken === undefined ? undefined : { 'x-app-token': appToken.reveal() },
      },
      options,
    );
    this.#pageSize = requirePageSize(pageSize);
    this.contracts = {
      dob: contractOf('dob', readDobViolation, quarantine),
      ecb: contractOf('ecb', readEcbViolation, quarantine),
      hpd: contractOf('hpd', readHpdViolation, quarantine),
      dobSafety: contractOf('dobSafety', readDobSafetyViolation, quarantine),
    };
  }

  /** Tells of every answered request, and of columns that are new or gone. */
  get events(): EventSource<NycEvents> {
    return this.#events;
  }

  /** The violations of a lot in all four data sets. */
  async fetchData(bbl: string, options: QuestionOptions = {}): Promise<PropertyViolations> {
    return this.getPropertyViolations(bbl, options);
  }

  /**
   * Violations of the Department of Buildings (BIS). An unknown lot gives an empty list.
   *
   * @throws {ValidationError} when the text is no BBL or an option cannot be used, before anybody is asked
   * @throws {NycDataError} for what the portal refuses, and everything that `HttpClient.json` throws
   */
  async getDobViolations(bbl: BblText, options: ViolationOptions = {}): Promise<ViolationsAnswer<DobViolation>> {
    return limited(await this.#ofLot('dob', this.contracts.dob, parseBbl(bbl), options), options);
  }

  /** Violations before the Environmental Control Board. Everything else as {@link getDobViolations}. */
  async getEcbViolations(bbl: BblText, options: ViolationOptions = {}): Promise<ViolationsAnswer<EcbViolation>> {
    return limited(await this.#ofLot('ecb', this.contracts.ecb, parseBbl(bbl), options), options);
  }

  /** Violations of the Housing Maintenance Code. Everything else as {@link getDobViolations}. */
  async getHpdViolations(bbl: BblText, options: ViolationOptions = {}): Promise<ViolationsAnswer<HpdViolation>> {
    return limited(await this.#ofLot('hpd', this.contracts.hpd, parseBbl(bbl), options), options);
  }

  /** Violations of the Department of Buildings (DOB NOW). Everything else as {@link getDobViolations}. */
  async getDobSafetyViolations(
    bbl: BblText,
    options: ViolationOptions = {},
  ): Promise<ViolationsAnswer<DobSafetyViolation>> {
    return limited(await this.#ofLot('dobSafety', this.contracts.dobSafety, parseBbl(bbl), options), options);
  }

  /**
   * All four at once. One that fails does not hide the others: `sources` says which, and why. What is in two data sets is
   * marked and counted once.
   *
   * @throws {ValidationError} when the text is no BBL or an option cannot be used, before anybody is asked
   * @throws {NycUnavailableError} when no data set answered
   */
  async getPropertyViolations(bbl: BblText, options: ViolationOptions = {}): Promise<PropertyViolations> {
    const lot = parseBbl(bbl);
    requireViolationOptions(options);
    const { contracts } = this;
    const [dob, ecb, hpd, dobSafety] = await Promise.allSettled([
      this.#ofLot('dob', contracts.dob, lot, options),
      this.#ofLot('ecb', contracts.ecb, lot, options),
      this.#ofLot('hpd', contracts.hpd, lot, options),
      this.#ofLot('dobSafety', contracts.dobSafety, lot, options),
    ]);
    options.signal?.throwIfAborted();
    return joinAnswers(lot, { dob, ecb, hpd, dobSafety }, options);
  }

  /**
   * Walks over the rows of any data set of the portal, page by page and only as far as they are read.
   *
   * @throws {ValidationError} when the identifier of the data set is none
   * @throws {NycDataError} kind `query` when the portal cannot read the query, `gone` when it has no such data set
   * @example
   * for await (const { rows } of nyc.query('64uk-42ks', { where: soql`zipcode = ${'10004'}` })) use(rows);
   */
  async *query(
    datasetId: string,
    query: DatasetQuery = {},
    options: DatasetQueryOptions = {},
  ): AsyncGenerator<DatasetPage, void, undefined> {
    requireDatasetId(datasetId);
    const { maxPages, signal } = options;
    const pageSize = requirePageSize(options.pageSize ?? this.#pageSize);
    let offset = 0;
    const first = requestOf(datasetId, 'query', parametersOf(query, pageSize));
    for await (const page of this.#pages({ first, pageSize, maxPages, signal }, datasetId)) {
      const { body, headers } = page.value;
      yield { datasetId, rows: body, offset, dataUpdatedAt: updatedAt(headers), provenance: this.provenance(page) };
      offset += body.length;
    }
  }

  /** How many rows of a data set there are. */
  async count(datasetId: string, where?: Soql, options: QuestionOptions = {}): Promise<number> {
    const request = requestOf(requireDatasetId(datasetId), 'count', {
      $select: soql`count(*) AS n`.text,
      $where: where?.text,
    });
    const { value } = await this.#rows({ ...request, signal: options.signal }, datasetId);
    const count = Number(value.body[0]?.['n']);
    if (Number.isInteger(count)) return count;
    throw new ScraperError(`NYC Open Data did not say how many rows ${datasetId} has`, {
      details: { body: JSON.stringify(value.body).slice(0, 300) },
    });
  }

  async #ofLot<Violation extends AnyViolation>(
    dataset: NycDataset,
    contract: ResponseContract<Violation>,
    bbl: Bbl,
    options: ViolationOptions,
  ): Promise<ViolationsAnswer<Violation>> {
    requireViolationOptions(options);
    const { id: datasetId, operation, columns, ofLot } = nycDatasets[dataset];
    const pageSize = this.#pageSize;
    const parameters = parametersOf({ where: ofLot(bbl) }, pageSize);
    const first = requestOf(datasetId, operation, parameters);
    const pages: Outcome<HttpAnswer<readonly SodaRow[]>>[] = [];
    const violations: Violation[] = [];
    let testRecords = 0;
    let unreadable = 0;
    for await (const page of this.#pages(
      { first, pageSize, maxPages: maxLotPages, signal: options.signal },
      datasetId,
    )) {
      pages.push(page);
      this.#compareColumns(datasetId, columns, page.value.headers);
      const rows = page.value.body.filter(row => !isTestRecord(row));
      testRecords += page.value.body.length - rows.length;
      const { values, quarantined } = await contract.read(rows, page.value);
      violations.push(...values);
      unreadable += quarantined.length;
    }
    const [firstPage, ...others] = pages as [(typeof pages)[0] & object, ...typeof pages];
    const answer: LotAnswer<Violation> = {
      dataset,
      datasetId,
      bbl,
      violations: newestFirst(violations),
      leftOut: { testRecords, unreadable, undated: 0 },
      dataUpdatedAt: updatedAt(firstPage.value.headers),
      provenance: this.provenance(firstPage, ...others),
    };
    return selected(answer, options);
  }

  #pages(
    walk: {
      readonly first: HttpRequest;
      readonly pageSize: number;
      readonly maxPages: number | undefined;
      readonly signal: AbortSignal | undefined;
    },
    datasetId: string,
  ): AsyncGenerator<Outcome<HttpAnswer<readonly SodaRow[]>>, void, undefined> {
    const { first, pageSize, maxPages, signal } = walk;
    const client = {
      json: <Body>(request: HttpRequest) => this.#rows(request, datasetId) as Promise<Outcome<HttpAnswer<Body>>>,
    };
    const next = nextByOffset<readonly SodaRow[]>({ parameter: '$offset', pageSize, count: rows => rows.length });
    return paginate<readonly SodaRow[]>(client, { first, next, maxPages, signal });
  }

  async #rows(request: HttpRequest, datasetId: string): Promise<Outcome<HttpAnswer<readonly SodaRow[]>>> {
    const startMs = this.clock.monotonic();
    const outcome = await this.json<readonly SodaRow[]>(request);
    const { body } = outcome.value;
    if (!Array.isArray(body)) {
      throw new ScraperError(`NYC Open Data answered for ${datasetId} with something else than a list of rows`, {
        details: { body: JSON.stringify(body)?.slice(0, 300) },
      });
    }
    const isAnswer = outcome.freshness === 'fresh' && outcome.ageMs === 0;
    if (isAnswer && this.#events.has('answered')) {
      const durationMs = this.clock.monotonic() - startMs;
      const { operation = 'query' } = request;
      this.#events.emit('answered', {
        datasetId,
        operation,
        durationMs,
        records: body.length,
        freshness: outcome.freshness,
      });
    }
    return outcome;
  }

  #compareColumns(datasetId: string, expected: readonly string[], headers: Readonly<Record<string, string>>): void {
    const found = fieldsOf(headers);
    if (found.length === 0 || !this.#events.has('columns-changed')) return;
    const added = found.filter(name => !name.startsWith(':') && !expected.includes(name));
    const missing = expected.filter(name => !found.includes(name));
    const difference = `${datasetId} +${added} -${missing}`;
    if ((added.length === 0 && missing.length === 0) || this.#toldColumns.has(difference)) return;
    this.#toldColumns.add(difference);
    this.#events.emit('columns-changed', { datasetId, added, missing });
  }
}

function contractOf<Violation>(
  dataset: NycDataset,
  read: RecordReader<Violation>,
  quarantine: Quarantine | undefined,
): ResponseContract<Violation> {
  const { operation, columns } = nycDatasets[dataset];
  return new ResponseContract({ name: `nyc.${operation}`, read, shape: shapeOfRows(columns), quarantine });
}

function requestOf(datasetId: string, operation: string, query: NonNullable<HttpRequest['query']>): HttpRequest {
  return { path: `/resource/${datasetId}.json`, operation, query, toFailure: toNycDataError(datasetId) };
}

/** The columns that an answer has, with those that are empty in every row. */
function fieldsOf(headers: Readonly<Record<string, string>>): readonly string[] {
  try {
    const fields: unknown = JSON.parse(headers['x-soda2-fields'] ?? '[]');
    return Array.isArray(fields) ? fields.map(String) : [];
  } catch {
    return [];
  }
}

function updatedAt(headers: Readonly<Record<string, string>>): string | null {
  const timeMs = Date.parse(headers['x-soda2-truth-last-modified'] ?? headers['last-modified'] ?? '');
  return Number.isNaN(timeMs) ? null : new Date(timeMs).toISOString();
}
