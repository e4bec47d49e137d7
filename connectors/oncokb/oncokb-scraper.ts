import { createHash } from 'node:crypto';
import { ArgumentError, ConfigurationError, ScraperError, ValidationError } from 'plinth/errors';
import {
  BaseScraper,
  type HttpAnswer,
  type HttpRequest,
  MemoryQuarantine,
  type Quarantine,
  type QuestionOptions,
  type ResponseContract,
  type ScraperOptions,
} from 'plinth/http';
import type { Secret } from 'plinth/kernel';
import type { Outcome } from 'plinth/pipeline';
import type { OncoKBAnnotation } from './annotation-types.ts';
import { createContracts, type OncoKBContracts } from './contracts.ts';
import { annotationsOfBiomarkers, annotationsOfTable } from './drug-annotations.ts';
import { parseDrug } from './drug-string.ts';
import { OncoKBRightsError, toOncoKBError } from './errors.ts';
import { DataVersions, readInfo } from './info.ts';
import { compareLevels, isResistanceLevel } from './levels.ts';
import {
  type ActionableVariantsAnswer,
  type AnnotatedVariantsAnswer,
  type AnnotationAnswer,
  type AnnotationOptions,
  type AnnotationsAnswer,
  type CancerGenesAnswer,
  type CopyNumberAlterationType,
  type CuratedGenesAnswer,
  type DrugAnnotationsAnswer,
  type DrugAnnotationsOptions,
  type DrugsAnswer,
  type InfoAnswer,
  type MutationOptions,
  type MutationQuery,
  type OncoKBAnswer,
  oncoKBTerms,
  type ResistanceAnswer,
  type StructuralVariantQuery,
} from './oncokb-types.ts';
import {
  answersInOrder,
  copyNumberParameters,
  maxBatch,
  mutationParameters,
  mutationsBody,
  normaliseMutation,
  type Parameters,
  structuralParameters,
} from './questions.ts';
import { rightOf } from './rights.ts';
import { actionableColumns, annotatedColumns, type Columns, readTable } from './table.ts';

/** How OncoKB is asked. */
export interface OncoKBScraperOptions extends ScraperOptions {
  /** A token of the API. @default none: only `/info` and the lists of genes may be asked then */
  readonly token?: Secret | undefined;
  /** Where records go that cannot be read. @default new MemoryQuarantine() */
  readonly quarantine?: Quarantine | undefined;
}

/** Records that were read, with the answer that they came in. */
interface ReadRecords<Value> {
  readonly values: readonly Value[];
  readonly unreadable: number;
  readonly outcome: Outcome<HttpAnswer<unknown>>;
}

/** What a request to one endpoint says. */
interface EndpointRequest extends Pick<HttpRequest, 'signal' | 'maxBytes'> {
  readonly path: string;
  readonly body?: string | undefined;
  readonly query?: Parameters | undefined;
}

const mutationsPath = '/annotate/mutations/byProteinChange';
/** The longest known annotation has 60 KB. */
const maxAnnotationBytes = 4 * 1024 * 1024;
/** The tables have some ten thousand rows with texts. */
const maxTableBytes = 64 * 1024 * 1024;
/** How long it is believed that a token lacks a right, in milliseconds. */
const refusalMs = 86_400_000;

/**
 * What OncoKB, the knowledge base of Memorial Sloan Kettering, says about alterations of genes and about drugs: which
 * treatments a tumour responds to and which it resists, with levels of evidence. Needs a token of the API; what the token
 * may ask is in {@link endpointRights}. Its contents are under its own terms, which every answer carries.
 *
 * @throws {ArgumentError} when the token cannot be sent
 * @example
 * await using oncoKB = new OncoKBScraper({ token: new Secret(token) });
 * const { resistance, sensitive } = await oncoKB.getResistanceInfo('EGFR', 'T790M', { tumorType: 'NSCLC' });
 */
export class OncoKBScraper extends BaseScraper<string, DrugAnnotationsAnswer> {
  /** What is expected of OncoKB's records. Their events tell when it sends something else. */
  readonly contracts: OncoKBContracts;
  readonly #hasToken: boolean;
  /** Answers are kept by who may have them. */
  readonly #keyPrefix: string;
  readonly #versions: DataVersions;
  readonly #refusals = new Map<string, { readonly error: OncoKBRightsError; readonly untilMs: number }>();
  /** Large tables are read once for each time they are fetched. */
  readonly #tables = new WeakMap<object, Promise<Pick<ReadRecords<unknown>, 'values' | 'unreadable'>>>();

  constructor({ token, quarantine, ...options }: OncoKBScraperOptions = {}) {
    const text = token?.reveal().trim() ?? '';
    if (!/^[\x21-\x7e]*$/.test(text)) {
      throw new ArgumentError(
        'Cannot use the token of OncoKB: expected letters, digits and signs without spaces',
        'token',
      );
    }
    const headers = text === '' ? {} : { authorization: `Bearer ${text}` };
    super({ name: 'oncokb', baseUrl: 'https://www.oncokb.org/api/v1', ratePerSecond: 0.5, headers }, options);
    this.#hasToken = text !== '';
    this.#keyPrefix = `oncokb ${digestOf(text).slice(0, 12)}`;
    this.contracts = createContracts(quarantine ?? new MemoryQuarantine());
    this.#versions = new DataVersions(async () => (await this.#info()).info.dataVersion, this.clock);
  }

  /** {@link getDrugAnnotations}, without options. */
  async fetchData(drug: string, options: QuestionOptions = {}): Promise<DrugAnnotationsAnswer> {
    return this.getDrugAnnotations(drug, options);
  }

  /**
   * Which alterations say something about a drug, found by its whole name in any case; `a + b` asks for both together.
   * With a premium or data download token it is all that OncoKB has; with any other it is put together from annotations of
   * `biomarkers`, and the answer says so in `via`. An unknown drug has no annotations.
   *
   * @throws {ValidationError} when the text cannot be a name
   * @throws {ConfigurationError} without a token
   * @throws {OncoKBRightsError} when the token may not read the table, and there are no `biomarkers` to look at
   */
  async getDrugAnnotations(drug: string, options: DrugAnnotationsOptions = {}): Promise<DrugAnnotationsAnswer> {
    const { signal, referenceGenome, biomarkers = [] } = options;
    const drugs = parseDrug(drug);
    const queries = biomarkers.map(biomarker => normaliseMutation({ ...biomarker, referenceGenome }));
    try {
      const { variants, ...answer } = await this.getActionableVariants({ signal });
      const annotations = annotationsOfTable(variants, drugs);
      return { drug: drug.trim(), via: 'actionable-variants', complete: true, biomarkers: [], annotations, ...answer };
    } catch (error) {
      if (!(error instanceof OncoKBRightsError)) throw error;
      if (queries.length === 0) throw withAdvice(error);
    }
    const { annotations, ...answer } = await this.annotateMutations(queries, { signal });
    const known = annotations.map(annotation => annotation?.known ?? false);
    return {
      drug: drug.trim(),
      via: 'annotations',
      complete: false,
      biomarkers: queries.map(({ gene, alteration }, index) => ({ gene, alteration, known: known[index] ?? false })),
      annotations: annotationsOfBiomarkers(annotations.filter(isPresent), drugs),
      ...answer,
    };
  }

  /**
   * Which treatments a tumour with this alteration resists (levels R1 and R2) and, apart from them, which it responds to.
   * What OncoKB does not know is `known: false`.
   *
   * @throws {ValidationError} when gene or alteration cannot be names
   * @throws {ConfigurationError} without a token
   */
  async getResistanceInfo(gene: string, alteration: string, options: MutationOptions = {}): Promise<ResistanceAnswer> {
    const { annotation, ...answer } = await this.annotateMutation(gene, alteration, options);
    const { treatments, ...rest } = annotation;
    const sorted = [...treatments].sort((one, other) => compareLevels(one.level, other.level));
    return {
      ...rest,
      resistance: sorted.filter(({ level }) => isResistanceLevel(level)),
      sensitive: sorted.filter(({ level }) => !isResistanceLevel(level)),
      ...answer,
    };
  }

  /**
   * What OncoKB says of a change of a protein, or of another alteration by name.
   *
   * @throws {ValidationError} when gene or alteration cannot be names
   * @throws {OncoKBError} kind `query` when `entrezGeneId` is another gene's
   */
  async annotateMutation(gene: string, alteration: string, options: MutationOptions = {}): Promise<AnnotationAnswer> {
    const { signal, ...query } = options;
    const parameters = mutationParameters(normaliseMutation({ ...query, gene, alteration }));
    return this.#annotate(mutationsPath, parameters, signal);
  }

  /**
   * What OncoKB says of many alterations, in the order of the questions: up to 200 of them in one request. OncoKB counts
   * every question as one use of the token.
   *
   * @throws {ValidationError} when there are none, or gene or alteration of one cannot be names
   */
  async annotateMutations(
    queries: readonly MutationQuery[],
    options: QuestionOptions = {},
  ): Promise<AnnotationsAnswer> {
    if (queries.length === 0) {
      throw new ValidationError('Cannot annotate nothing: expected at least one question', { queries: 'Empty' });
    }
    const normalised = queries.map(normaliseMutation);
    const batches = Array.from({ length: Math.ceil(normalised.length / maxBatch) }, (_, index) =>
      normalised.slice(index * maxBatch, (index + 1) * maxBatch),
    );
    const annotations: (OncoKBAnnotation | null)[] = [];
    const outcomes: Outcome<HttpAnswer<unknown>>[] = [];
    let unreadable = 0;
    for (const batch of batches) {
      const body = mutationsBody(batch);
      const outcome = await this.#json({ path: mutationsPath, body, signal: options.signal });
      const replies = answersInOrder(outcome.value.body, batch.length);
      const { values, quarantined } = await this.contracts.annotations.read(replies, outcome.value);
      const lost = new Set(quarantined.map(({ record }) => record));
      const read = values.values();
      annotations.push(...replies.map(reply => (lost.has(reply) ? null : (read.next().value ?? null))));
      unreadable += quarantined.length;
      outcomes.push(outcome);
    }
    const found = annotations.filter(isPresent);
    const version = found.find(annotation => annotation.dataVersion !== null)?.dataVersion ?? null;
    const nested = found.reduce((sum, annotation) => sum + annotation.unreadable, 0);
    return { annotations, ...(await this.#answer(outcomes, unreadable + nested, options.signal, version)) };
  }

  /**
   * What OncoKB says of more or fewer copies of a gene.
   *
   * @throws {ValidationError} when the gene cannot be a symbol
   */
  async annotateCopyNumberAlteration(
    gene: string,
    type: CopyNumberAlterationType,
    options: AnnotationOptions = {},
  ): Promise<AnnotationAnswer> {
    const parameters = copyNumberParameters(gene, type, options);
    return this.#annotate('/annotate/copyNumberAlterations', parameters, options.signal);
  }

  /**
   * What OncoKB says of a structural variant, such as a fusion.
   *
   * @throws {ValidationError} when a gene cannot be a symbol
   */
  async annotateStructuralVariant(
    variant: StructuralVariantQuery,
    options: AnnotationOptions = {},
  ): Promise<AnnotationAnswer> {
    const parameters = structuralParameters(variant, options);
    return this.#annotate('/annotate/structuralVariants', parameters, options.signal);
  }

  /**
   * All alterations that say something about a treatment. Needs the premium right, or that for data downloads.
   *
   * @throws {OncoKBRightsError} with any other token
   * @throws {OncoKBError} kind `not-found` for a version that OncoKB does not have
   */
  async getActionableVariants(
    options: QuestionOptions & { readonly version?: string | undefined } = {},
  ): Promise<ActionableVariantsAnswer> {
    const path = '/utils/allActionableVariants';
    const read = await this.#table(path, this.contracts.actionableVariants, actionableColumns, options);
    const answer = await this.#answer([read.outcome], read.unreadable, options.signal, options.version ?? null);
    return { variants: read.values, ...answer };
  }

  /**
   * All alterations with what they do. Needs the premium right, or that for data downloads.
   *
   * @throws {OncoKBRightsError} with any other token
   * @throws {OncoKBError} kind `not-found` for a version that OncoKB does not have
   */
  async getAnnotatedVariants(
    options: QuestionOptions & { readonly version?: string | undefined } = {},
  ): Promise<AnnotatedVariantsAnswer> {
    const path = '/utils/allAnnotatedVariants';
    const read = await this.#table(path, this.contracts.annotatedVariants, annotatedColumns, options);
    const answer = await this.#answer([read.outcome], read.unreadable, options.signal, options.version ?? null);
    return { variants: read.values, ...answer };
  }

  /** All drugs that OncoKB has curated. @throws {OncoKBRightsError} without the premium right */
  async getDrugs({ signal }: QuestionOptions = {}): Promise<DrugsAnswer> {
    const read = await this.#list('/drugs', this.contracts.drugs, signal);
    return { drugs: read.values, ...(await this.#answer([read.outcome], read.unreadable, signal)) };
  }

  /** All genes that OncoKB has curated. Needs no token. */
  async getCuratedGenes({ signal }: QuestionOptions = {}): Promise<CuratedGenesAnswer> {
    const read = await this.#list('/utils/allCuratedGenes', this.contracts.curatedGenes, signal);
    return { genes: read.values, ...(await this.#answer([read.outcome], read.unreadable, signal)) };
  }

  /** All genes of the cancer gene list. Needs no token. */
  async getCancerGenes({ signal }: QuestionOptions = {}): Promise<CancerGenesAnswer> {
    const read = await this.#list('/utils/cancerGeneList', this.contracts.cancerGenes, signal);
    return { genes: read.values, ...(await this.#answer([read.outcome], read.unreadable, signal)) };
  }

  /** What OncoKB says about itself, the version of its data above all. Needs no token. */
  async getInfo(options: QuestionOptions = {}): Promise<InfoAnswer> {
    return this.#info(options.signal);
  }

  async #info(signal?: AbortSignal | undefined): Promise<InfoAnswer> {
    const outcome = await this.#json({ path: '/info', signal });
    const info = readInfo(outcome.value.body);
    const { dataVersion } = info;
    return { info, dataVersion, unreadable: 0, terms: oncoKBTerms, provenance: this.provenance(outcome) };
  }

  async #annotate(path: string, query: Parameters, signal: AbortSignal | undefined): Promise<AnnotationAnswer> {
    const outcome = await this.#json({ path, query, signal, maxBytes: maxAnnotationBytes });
    const annotation = await this.contracts.annotations.readOne(outcome.value.body, outcome.value);
    const { unreadable, dataVersion } = annotation;
    return { annotation, ...(await this.#answer([outcome], unreadable, signal, dataVersion)) };
  }

  async #list<Value>(
    path: string,
    contract: ResponseContract<Value>,
    signal: AbortSignal | undefined,
  ): Promise<ReadRecords<Value>> {
    const outcome = await this.#json({ path, signal });
    const { values, quarantined } = await contract.read(listOf(path, outcome.value.body), outcome.value);
    return { values, unreadable: quarantined.length, outcome };
  }

  /** A table as JSON, else as text: other tokens may read the one than the other. */
  async #table<Value>(
    path: string,
    contract: ResponseContract<Value>,
    columns: Columns,
    { version, signal }: QuestionOptions & { readonly version?: string | undefined },
  ): Promise<ReadRecords<Value>> {
    const request = { query: { version }, signal, maxBytes: maxTableBytes };
    try {
      const outcome = await this.#remembered(path, () => this.#json({ path, ...request }));
      return await this.#readTable(outcome, contract, body => listOf(path, body));
    } catch (error) {
      if (!(error instanceof OncoKBRightsError)) throw error;
    }
    const asText = `${path}.txt`;
    const outcome = await this.#remembered(asText, () => this.text(this.#request({ path: asText, ...request })));
    return this.#readTable(outcome, contract, body => readTable(String(body), columns));
  }

  async #readTable<Value>(
    outcome: Outcome<HttpAnswer<unknown>>,
    contract: ResponseContract<Value>,
    rowsOf: (body: unknown) => readonly unknown[],
  ): Promise<ReadRecords<Value>> {
    const { value } = outcome;
    let reading = this.#tables.get(value);
    if (reading === undefined) {
      reading = Promise.resolve()
        .then(() => contract.read(rowsOf(value.body), value))
        .then(({ values, quarantined }) => ({ values, unreadable: quarantined.length }));
      this.#tables.set(value, reading);
    }
    const read = (await reading) as Pick<ReadRecords<Value>, 'values' | 'unreadable'>;
    return { ...read, outcome };
  }

  /** What the token may not have is not asked again for a day: nobody gains from a refusal at every question. */
  async #remembered<Value>(path: string, ask: () => Promise<Value>): Promise<Value> {
    const refusal = this.#refusals.get(path);
    if (refusal !== undefined && this.clock.monotonic() < refusal.untilMs) throw refusal.error;
    try {
      return await ask();
    } catch (error) {
      if (error instanceof OncoKBRightsError) {
        this.#refusals.set(path, { error, untilMs: this.clock.monotonic() + refusalMs });
      }
      throw error;
    }
  }

  async #json(request: EndpointRequest): Promise<Outcome<HttpAnswer<unknown>>> {
    return this.json<unknown>(this.#request(request));
  }

  /** @throws {ConfigurationError} when the endpoint needs a token and there is none */
  #request({ path, query, body, signal, maxBytes }: EndpointRequest): HttpRequest {
    this.#requireToken(path);
    const digest = body === undefined ? '' : digestOf(body);
    return {
      path,
      query,
      signal,
      maxBytes,
      operation: `oncokb${path.replaceAll('/', '.')}`,
      cacheKey: `${this.#keyPrefix} ${path} ${JSON.stringify(query ?? {})} ${digest}`,
      toFailure: error => toOncoKBError(error, path),
      // A POST of questions changes nothing: the header only tells our own client that it may be sent again.
      ...(body === undefined
        ? {}
        : { method: 'POST', body, headers: { 'content-type': 'application/json', 'idempotency-key': digest } }),
    };
  }

  #requireToken(path: string): void {
    if (this.#hasToken || rightOf(path) === 'everybody') return;
    const message =
      'Missing, expected an API token: register at https://www.oncokb.org/account/register, ask for API access, and copy the token from https://www.oncokb.org/account/settings';
    throw new ConfigurationError(`Cannot ask ${path} of OncoKB without a token`, [{ name: 'token', message }]);
  }

  async #answer(
    outcomes: readonly Outcome<HttpAnswer<unknown>>[],
    unreadable: number,
    signal: AbortSignal | undefined,
    version: string | null = null,
  ): Promise<OncoKBAnswer> {
    const [first, ...others] = outcomes as readonly [Outcome<HttpAnswer<unknown>>];
    const dataVersion = await this.#versions.current(version, signal);
    return { dataVersion, unreadable, terms: oncoKBTerms, provenance: this.provenance(first, ...others) };
  }
}

function listOf(path: string, body: unknown): readonly unknown[] {
  if (Array.isArray(body)) return body;
  throw new ScraperError(`OncoKB answered ${path} without a list: expected an array, got ${typeof body}`);
}

function withAdvice(error: OncoKBRightsError): OncoKBRightsError {
  const message = `${error.message}; give biomarkers to put the answer together from annotations, which any token may ask`;
  return new OncoKBRightsError(message, error.endpoint, { cause: error });
}

function isPresent(annotation: OncoKBAnnotation | null): annotation is OncoKBAnnotation {
  return annotation !== null;
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
