import { ScraperError } from 'plinth/errors';
import {
  BaseScraper,
  type HttpAnswer,
  type HttpRequest,
  type Quarantine,
  type QuestionOptions,
  type ScraperOptions,
} from 'plinth/http';
import { type EventSource, Events } from 'plinth/kernel';
import type { Outcome } from 'plinth/pipeline';
import { type ClinicalTrialsContracts, createContracts } from './contracts.ts';
import { ClinicalTrialsError, toClinicalTrialsError } from './errors.ts';
import type { ClinicalTrialsEvents } from './events.ts';
import { parseNctId } from './nct-id.ts';
import { planSearch, type SearchPlan } from './search-parameters.ts';
import type { TrialDetails } from './trial-details.ts';
import type { TrialQuery } from './trial-query.ts';
import type { TrialResults } from './trial-results.ts';
import type { ApiVersion, TrialCount, TrialPage, TrialSearchAnswer, TrialSummary } from './trial-types.ts';
import { type WirePage, walkPages } from './trial-walk.ts';

/** How a {@link ClinicalTrialsScraper} asks. */
export interface ClinicalTrialsScraperOptions extends ScraperOptions {
  /** Where records go that cannot be read. @default one in memory for each kind of answer */
  readonly quarantine?: Quarantine | undefined;
}

/** The live service. Nobody has to log in. */
export const clinicalTrialsUrl = 'https://clinicaltrials.gov/api/v2';

/**
 * The source names no limit. Its `robots.txt` asks for a second between two requests, and others were refused above 50 a
 * minute: this is below both.
 */
const requestsPerSecond = 0.8;

/** The largest record that is accepted. The largest one that we know has 1.5 MB. */
const maxStudyBytes = 32 * 1024 * 1024;

const defaultLimit = 100;

/**
 * Studies of ClinicalTrials.gov, through its API v2. A study that is not there is `null`, a search that finds nothing is an
 * empty answer, and what cannot be a question is a `ValidationError` before anybody is asked. Failures are
 * `ClinicalTrialsError`, or those of the HTTP client.
 *
 * @example
 * await using trials = new ClinicalTrialsScraper();
 * const { trials: found } = await trials.searchTrials({ condition: 'NSCLC', intervention: 'pembrolizumab', status: 'RECRUITING' });
 * const details = await trials.getTrialDetails('NCT02220894');
 */
export class ClinicalTrialsScraper extends BaseScraper<TrialQuery, TrialSearchAnswer> {
  /** What is expected of the answers. Their events tell when the source has changed. */
  readonly contracts: ClinicalTrialsContracts;
  readonly #events = new Events<ClinicalTrialsEvents>();

  constructor(options: ClinicalTrialsScraperOptions = {}) {
    // An obsolete number of a study leads to the one that it has now.
    super(
      { name: 'clinicaltrials', baseUrl: clinicalTrialsUrl, ratePerSecond: requestsPerSecond, maxRedirects: 3 },
      options,
    );
    this.contracts = createContracts(options.quarantine);
  }

  /** What it tells. */
  get events(): EventSource<ClinicalTrialsEvents> {
    return this.#events;
  }

  /** The same as {@link searchTrials}. */
  fetchData(query: TrialQuery, options: QuestionOptions = {}): Promise<TrialSearchAnswer> {
    return this.searchTrials(query, options);
  }

  /**
   * The studies that fit, up to `limit` (100 unless the query says otherwise), none of them twice.
   *
   * @throws {ValidationError} that names everything that is wrong with the query
   * @throws {ContractError} when most of a page cannot be read
   */
  async searchTrials(query: TrialQuery, options: QuestionOptions = {}): Promise<TrialSearchAnswer> {
    const plan = planSearch(query, defaultLimit);
    const trials: TrialSummary[] = [];
    const outcomes: Outcome<HttpAnswer<unknown>>[] = [];
    let total: number | null = null;
    let unreadable = 0;
    let complete = true;
    for await (const { page, outcome, isCut } of this.#pages(plan, options)) {
      trials.push(...page.trials);
      outcomes.push(withoutBody(outcome));
      total ??= page.total;
      unreadable += page.unreadable;
      complete = page.isLast && !isCut;
    }
    const [first, ...others] = outcomes;
    if (first === undefined) throw new ScraperError('A search of ClinicalTrials.gov ended without a page');
    return { trials, total, complete, unreadable, ...this.provenance(first, ...others) };
  }

  /**
   * The pages of a search, one request each and only as far as they are read; no study comes twice. Without a `limit` all.
   *
   * @throws as {@link searchTrials}
   */
  async *trialPages(query: TrialQuery, options: QuestionOptions = {}): AsyncGenerator<TrialPage, void, undefined> {
    for await (const { page } of this.#pages(planSearch(query, undefined), options)) yield page;
  }

  /** The studies of a search one by one, page by page behind that. Without a `limit` all. @throws as {@link searchTrials} */
  async *allTrials(query: TrialQuery, options: QuestionOptions = {}): AsyncGenerator<TrialSummary, void, undefined> {
    for await (const { trials } of this.trialPages(query, options)) yield* trials;
  }

  /** How many studies fit. @throws as {@link searchTrials} */
  async countTrials(query: TrialQuery, { signal }: QuestionOptions = {}): Promise<TrialCount> {
    // A page of none is said to mean different things by different versions, so one study is asked for.
    const { parameters } = planSearch({ ...query, pageSize: 1, sort: undefined, fields: undefined }, undefined);
    const outcome = await this.#ask<WirePage>({
      path: '/studies',
      query: { ...parameters, fields: 'NCTId', countTotal: true },
      operation: 'count',
      signal,
    });
    const total = outcome.value.body?.totalCount;
    if (typeof total !== 'number') throw new ScraperError('ClinicalTrials.gov answered a count without totalCount');
    return { total, ...this.provenance(outcome) };
  }

  /**
   * Everything that a study registered; `null` when there is none of this number. An obsolete number gives the study of
   * today.
   *
   * @param nctId `NCT` in any case and eight digits.
   * @throws {ValidationError} when it is another text
   */
  async getTrialDetails(nctId: string, options: QuestionOptions = {}): Promise<TrialDetails | null> {
    const requestedId = parseNctId(nctId);
    const outcome = await this.#study(requestedId, 'study', {}, options);
    if (outcome === null) return null;
    const facts = await this.contracts.study.readOne(outcome.value.body, outcome.value);
    return { requestedId, ...facts, ...this.provenance(outcome) };
  }

  /**
   * What came of a study; `null` when nothing was posted, or when there is no such study.
   *
   * @throws {ValidationError} when the number is malformed
   */
  async getTrialResults(nctId: string, options: QuestionOptions = {}): Promise<TrialResults | null> {
    const query = { fields: 'NCTId,HasResults,ResultsSection' };
    const outcome = await this.#study(parseNctId(nctId), 'results', query, options);
    if (outcome === null) return null;
    const facts = await this.contracts.results.readOne(outcome.value.body, outcome.value);
    return facts === null ? null : { ...facts, ...this.provenance(outcome) };
  }

  /** Which version of the API answers, and when its data were made. */
  async getVersion({ signal }: QuestionOptions = {}): Promise<ApiVersion> {
    const outcome = await this.#ask<Partial<ApiVersion>>({ path: '/version', operation: 'version', signal });
    const { apiVersion, dataTimestamp } = outcome.value.body ?? {};
    if (typeof apiVersion !== 'string' || typeof dataTimestamp !== 'string') {
      throw new ScraperError('ClinicalTrials.gov answered /version without apiVersion and dataTimestamp');
    }
    return { apiVersion, dataTimestamp, ...this.provenance(outcome) };
  }

  #ask<Body>(request: HttpRequest): Promise<Outcome<HttpAnswer<Body>>> {
    return this.json<Body>({ ...request, toFailure: toClinicalTrialsError });
  }

  async #study(
    nctId: string,
    operation: string,
    query: NonNullable<HttpRequest['query']>,
    { signal }: QuestionOptions,
  ): Promise<Outcome<HttpAnswer<unknown>> | null> {
    try {
      return await this.#ask({ path: `/studies/${nctId}`, query, operation, maxBytes: maxStudyBytes, signal });
    } catch (error) {
      if (error instanceof ClinicalTrialsError && error.kind === 'not-found') return null;
      throw error;
    }
  }

  async *#pages(plan: SearchPlan, { signal }: QuestionOptions): AsyncGenerator<ReadPage, void, undefined> {
    const seen = new Set<string>();
    const unreadable = new Set<string>();
    const walk = walkPages(plan, {
      ask: request => this.#ask<WirePage>({ ...request, maxBytes: maxStudyBytes }),
      onRestart: (pages, error) => this.#events.emit('restarted', { pages, error }),
      signal,
    });
    for await (const walked of walk) {
      const { outcome, page } = walked;
      const contract = plan.withRecord ? this.contracts.wideSearch : this.contracts.search;
      const { values, quarantined } = await contract.read(page.studies, outcome.value);
      const fresh = values.filter(({ nctId }) => !seen.has(nctId) && seen.add(nctId));
      const known = unreadable.size;
      for (const { id } of quarantined) unreadable.add(id);
      const room = (plan.limit ?? Number.POSITIVE_INFINITY) - (seen.size - fresh.length);
      yield {
        page: {
          trials: fresh.slice(0, room),
          total: page.totalCount ?? null,
          unreadable: unreadable.size - known,
          isLast: page.nextPageToken === undefined || page.nextPageToken === '',
          ...this.provenance(outcome),
        },
        outcome,
        isCut: fresh.length > room,
      };
      if (fresh.length >= room) return;
    }
  }
}

interface ReadPage {
  readonly page: TrialPage;
  readonly outcome: Outcome<HttpAnswer<unknown>>;
  /** Whether the page had more than the limit allows. */
  readonly isCut: boolean;
}

/** Where a page came from, without what it held: a search may have many. */
function withoutBody(outcome: Outcome<HttpAnswer<unknown>>): Outcome<HttpAnswer<unknown>> {
  return { ...outcome, value: { ...outcome.value, body: undefined } };
}
