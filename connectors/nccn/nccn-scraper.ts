import { ArgumentError, ValidationError } from 'plinth/errors';
import {
  BaseScraper,
  type HttpAnswer,
  MemoryQuarantine,
  type Provenance,
  type Quarantine,
  type QuestionOptions,
  type ScraperOptions,
} from 'plinth/http';
import type { HtmlPage } from 'plinth/http/html';
import { type EventSource, Events } from 'plinth/kernel';
import { findByCancer } from './cancer-names.ts';
import {
  catalogueRecordsOf,
  createContracts,
  distinctById,
  isCategory,
  itemsOf,
  type NccnContracts,
} from './catalogue-record.ts';
import { documentsOf, guidelineDocument } from './detail-page.ts';
import type { NccnEvents, NccnOperation } from './events.ts';
import { LicensedContent, type LicensedContentSource } from './licensed-content.ts';
import { openPage, readOrLogin } from './nccn-page.ts';
import type {
  CatalogueAnswer,
  CatalogueOptions,
  CataloguePage,
  GuidelineDetail,
  GuidelineOptions,
  GuidelinesAnswer,
  NccnCategory,
  NccnDocument,
  NccnGuideline,
  PatientGuideline,
  PatientGuidelinesAnswer,
} from './nccn-types.ts';
import { type KeptPage, PageKeeper, type PageOutcome } from './page-keeper.ts';
import { type RecommendedMedicationsAnswer, recommend } from './recommendations.ts';
import { parseStage } from './stage.ts';

/** How nccn.org is asked. */
export interface NCCNScraperOptions extends ScraperOptions {
  /** Recommended medications that you are licensed to use. @default none: nccn.org publishes none openly */
  readonly licensedContent?: LicensedContentSource | undefined;
  /** Where entries go that cannot be read. @default new MemoryQuarantine() */
  readonly quarantine?: Quarantine | undefined;
}

/** What was read of a catalogue page. */
interface CatalogueReading {
  readonly page: CataloguePage;
  readonly guidelines: readonly NccnGuideline[];
}

/** What was read of the page for patients. */
interface PatientReading {
  readonly guidelines: readonly PatientGuideline[];
  readonly unreadable: number;
}

/** What is asked for, and how it is read. */
interface PageQuestion<Value> {
  readonly path: string;
  readonly operation: NccnOperation;
  readonly signal: AbortSignal | undefined;
  read(page: HtmlPage, answer: HttpAnswer<string>): Promise<{ readonly value: Value; readonly records: number }>;
}

type PageAnswer = PageOutcome<unknown>['outcome'];

/** What was read of a page that has just come. */
interface FreshPage<Value> extends KeptPage<Value> {
  readonly records: number;
}

const allCategories: readonly NccnCategory[] = [1, 2, 3, 4];
const patientsPath = '/patientresources/patient-resources/guidelines-for-patients';
/** The largest page that is read, in bytes; the catalogue's are a tenth of a megabyte. */
const maxPageBytes = 4_000_000;

/**
 * The public catalogue of the guidelines of the NCCN (National Comprehensive Cancer Network): names, versions and where
 * they are. What the guidelines say is not public: no document is ever downloaded, nobody logs in, and recommended
 * medications come from a file that you are licensed to use, or not at all.
 *
 * One request per second at most. Give it a `RobotsPolicy` in `robots`: these are pages for people.
 *
 * @throws {ArgumentError} for more than one request per second, and for licensed content that is none
 * @example
 * await using nccn = new NCCNScraper();
 * const { guidelines } = await nccn.getGuidelines('nsclc'); // Non-Small Cell Lung Cancer, id 1450, with its version
 */
export class NCCNScraper extends BaseScraper<string, GuidelinesAnswer> {
  /** What is expected of the entries of lists. Their events tell when nccn.org sends something else. */
  readonly contracts: NccnContracts;
  readonly #events = new Events<NccnEvents>();
  readonly #pages: PageKeeper;
  readonly #licensed: LicensedContent;

  constructor({ licensedContent, quarantine, ...options }: NCCNScraperOptions = {}) {
    const { ratePerSecond = 1 } = options;
    if (ratePerSecond > 1) {
      const message = `Cannot use ratePerSecond: expected at most 1 for the pages of nccn.org, got ${ratePerSecond}`;
      throw new ArgumentError(message, 'ratePerSecond');
    }
    // The site has moved pages within itself before; a log-in is within it, too, and is known by its address.
    super({ name: 'nccn', baseUrl: 'https://www.nccn.org', ratePerSecond, maxRedirects: 3 }, options);
    this.contracts = createContracts(quarantine ?? new MemoryQuarantine());
    this.#pages = new PageKeeper(options.cache, this.clock);
    this.#licensed = new LicensedContent(licensedContent, this.clock);
  }

  /** Tells of pages that were read or could not be, and of a catalogue that had to be read from links. */
  get events(): EventSource<NccnEvents> {
    return this.#events;
  }

  /** {@link getGuidelines}, without options. */
  async fetchData(cancer: string, options: QuestionOptions = {}): Promise<GuidelinesAnswer> {
    return this.getGuidelines(cancer, options);
  }

  /**
   * The catalogue: every guideline with its version.
   *
   * @throws {ValidationError} for a category that is none, before anybody is asked
   * @throws {NccnLayoutError} when a page has no guidelines: the catalogue is never empty
   * @throws {NccnTruncatedPageError} when a page came without its end
   * @throws {NccnLoginRequiredError} when a page asks for a log-in
   */
  async getCatalogue(options: CatalogueOptions = {}): Promise<CatalogueAnswer> {
    const { categories = allCategories, signal } = options;
    const readings: PageOutcome<CatalogueReading>[] = [];
    for (const category of requireCategories(categories)) readings.push(await this.#category(category, signal));
    const pages = readings.map(({ value }) => value.page);
    return {
      guidelines: distinctById(readings.flatMap(({ value }) => value.guidelines)),
      pages,
      unreadable: pages.reduce((sum, { unreadable }) => sum + unreadable, 0),
      provenance: this.#provenanceOf(readings),
    };
  }

  /**
   * The guidelines for a cancer, by its name, an abbreviation, or whole words: `sclc` finds Small Cell Lung Cancer only,
   * `colon` finds Colon Cancer only. What the catalogue does not have gives an empty list.
   *
   * @throws {ValidationError} when the text names no cancer, before anybody is asked. Everything else as {@link getCatalogue}
   */
  async getGuidelines(cancer: string, options: CatalogueOptions = {}): Promise<GuidelinesAnswer> {
    findByCancer([], cancer, String);
    const { guidelines: all, unreadable, provenance } = await this.getCatalogue(options);
    const { entries: guidelines, matchedBy } = findByCancer(all, cancer, ({ name }) => name);
    return { cancer: cancer.trim(), guidelines, matchedBy, unreadable, provenance };
  }

  /**
   * One guideline with the documents that its page links. `null` for a number that the catalogue does not have.
   *
   * @throws {ValidationError} when the text is no number, before anybody is asked
   * @throws {NccnLayoutError} when its page links no document. Everything else as {@link getCatalogue}
   */
  async getGuideline(id: string, options: GuidelineOptions = {}): Promise<GuidelineDetail | null> {
    const { category, signal } = options;
    requireId(id);
    for (const where of requireCategories(category === undefined ? allCategories : [category])) {
      const listed = await this.#category(where, signal);
      const guideline = listed.value.guidelines.find(entry => entry.id === id);
      if (guideline === undefined) continue;
      const { pathname, search } = new URL(guideline.url);
      const detail = await this.#page<readonly NccnDocument[]>({
        path: pathname + search,
        operation: 'guideline',
        signal,
        read: async page => {
          const documents = documentsOf(page);
          return { value: documents, records: documents.length };
        },
      });
      const documents = detail.value;
      const { version = null, url = null } = guidelineDocument(documents) ?? {};
      const provenance = this.#provenanceOf([listed, detail]);
      return { ...guideline, documentVersion: version, documentUrl: url, documents, provenance };
    }
    return null;
  }

  /** All guidelines for patients. @throws as {@link getCatalogue} */
  async getPatientGuidelines({ signal }: QuestionOptions = {}): Promise<PatientGuidelinesAnswer> {
    const reading = await this.#page<PatientReading>({
      path: patientsPath,
      operation: 'patients',
      signal,
      read: async (page, answer) => {
        const { values, quarantined } = await this.contracts.patients.read(itemsOf(page), answer);
        return {
          value: { guidelines: distinctById(values), unreadable: quarantined.length },
          records: values.length,
        };
      },
    });
    return { ...reading.value, provenance: this.#provenanceOf([reading]) };
  }

  /**
   * What is recommended for a cancer at a stage, from the licensed content that you supplied, and from nowhere else. The
   * cancer is found by its whole name or an alias; what the content does not have gives an empty list.
   *
   * @throws {ValidationError} when the text names no cancer or the stage is none
   * @throws {LicensedContentError} without licensed content, or when it cannot be used
   * @example
   * const nccn = new NCCNScraper({ licensedContent: { path: './nccn-recommendations.json' } });
   * const { regimens, provenance } = await nccn.getRecommendedMedications('nsclc', 'stage_iv');
   */
  async getRecommendedMedications(
    cancer: string,
    stage: string,
    { signal }: QuestionOptions = {},
  ): Promise<RecommendedMedicationsAnswer> {
    findByCancer([], cancer, String);
    parseStage(stage);
    return recommend(await this.#licensed.current(signal), cancer, stage);
  }

  #category(category: NccnCategory, signal: AbortSignal | undefined): Promise<PageOutcome<CatalogueReading>> {
    return this.#page<CatalogueReading>({
      path: `/guidelines/category_${category}`,
      operation: 'catalogue',
      signal,
      read: async (page, answer) => {
        const { via, records } = catalogueRecordsOf(page, category);
        const source = { url: page.url, fetchedAt: answer.fetchedAt };
        const read = await this.contracts.guidelines.read(records, source);
        const guidelines = distinctById(read.values);
        const counts = { guidelines: guidelines.length, unreadable: read.quarantined.length };
        if (via === 'menu' && this.#events.has('menu-used')) {
          this.#events.emit('menu-used', { category, url: page.url, records: guidelines.length });
        }
        const value = { page: { category, url: page.url, via, ...counts }, guidelines };
        return { value, records: guidelines.length };
      },
    });
  }

  /** What is kept of a page, or the page itself as it is now. */
  #page<Value>(question: PageQuestion<Value>): Promise<PageOutcome<Value>> {
    return this.#pages.get(
      question.path,
      async signal => {
        const startMs = this.clock.monotonic();
        const { operation } = question;
        try {
          const { value, records, answer } = await this.#read(question, signal);
          if (this.#events.has('answered')) {
            const durationMs = this.clock.monotonic() - startMs;
            this.#events.emit('answered', { operation, durationMs, records, freshness: 'fresh' });
          }
          return { value, answer };
        } catch (error) {
          if (!signal.aborted && this.#events.has('failed')) this.#events.emit('failed', { operation, error });
          throw error;
        }
      },
      question.signal,
    );
  }

  async #read<Value>({ path, operation, read }: PageQuestion<Value>, signal: AbortSignal): Promise<FreshPage<Value>> {
    const { value: answer } = await this.text({ path, operation, signal, maxBytes: maxPageBytes, cacheKey: false });
    const asked = new URL(path, this.baseUrl).href;
    const page = openPage(answer, asked);
    const { value, records } = await readOrLogin(page, asked, opened => read(opened, answer));
    return { value, records, answer: { ...answer, body: null } };
  }

  #provenanceOf(readings: readonly PageOutcome<unknown>[]): Provenance {
    const [first, ...others] = readings.map(({ outcome }) => outcome) as [PageAnswer, ...PageAnswer[]];
    return this.provenance(first, ...others);
  }
}

function requireCategories(categories: readonly NccnCategory[]): readonly NccnCategory[] {
  if (categories.length > 0 && categories.every(isCategory)) return [...new Set(categories)];
  const message = `Expected categories from 1 to 4, got ${JSON.stringify(categories)}`;
  throw new ValidationError(message, { categories: message });
}

function requireId(id: string): void {
  if (/^\d{1,9}$/.test(id)) return;
  const message = `Expected the number of a guideline such as 1450, got "${String(id).slice(0, 60)}"`;
  throw new ValidationError(message, { id: message });
}
