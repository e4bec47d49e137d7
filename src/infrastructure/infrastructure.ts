import type { BatchProcessor } from '../batch/index.ts';
import type { QueuedBatch } from '../batch/pg-boss/index.ts';
import type { CacheManager } from '../cache/index.ts';
import type { DatabaseManager } from '../database/index.ts';
import type { HealthRegistry } from '../health/index.ts';
import type { ConnectionPool } from '../http/index.ts';
import type { Clock, Ids } from '../kernel/index.ts';
import {
  type AnswerOptions,
  LlmClient,
  type Prompt,
  PromptCatalog,
  type PromptContext,
  type PromptResponse,
} from '../llm/index.ts';
import type { Logging } from '../logging/index.ts';
import type { CallRecord } from '../pipeline/index.ts';
import type { RateLimitAnswer, RateLimiter } from '../rate-limit/index.ts';
import type { RedisConnection } from '../redis/index.ts';
import {
  type CompletedRequest,
  createServer,
  explainCall,
  explainRequest,
  RequestLog,
  type Server,
  type ServerOptions,
} from '../server/index.ts';
import {
  type AppConfig,
  type EnvironmentStatus,
  environmentStatus,
  type Settings,
  toAppConfig,
} from '../settings/index.ts';
import type { FileStorageManager } from '../storage/index.ts';
import type { Metrics, ObservedContract } from '../telemetry/index.ts';
import type { Batches, BatchOverview, InfrastructureBatchOptions, InfrastructureQueueOptions } from './batches.ts';
import type { ClosingOrder } from './closing.ts';
import type { Dependencies, Dependency, DependencyOptions } from './dependencies.ts';
import { ClosingError } from './errors.ts';
import { type LimitOptions, type Limits, limitsOf } from './limits.ts';
import { logContract } from './observers.ts';
import { defaultLlmProvider, type LlmProviderName, makeLlmProvider } from './open-llm.ts';

/** The parts an {@link Infrastructure} is made of. */
export interface InfrastructureParts {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly logging: Logging;
  readonly database: DatabaseManager<never>;
  readonly databaseOpen: Promise<void>;
  readonly redis: RedisConnection | undefined;
  readonly limits: Limits;
  readonly cache: CacheManager;
  readonly storage: FileStorageManager;
  readonly connections: ConnectionPool;
  readonly dependencies: Dependencies;
  readonly batches: Batches;
  readonly health: HealthRegistry;
  readonly metrics: Metrics | undefined;
  readonly closing: ClosingOrder;
}

/** Why a request went as it did. */
export interface RequestExplanation {
  /** In plain words: the answer and its reason, then every decision on the way. */
  readonly lines: readonly string[];
  /** The answered requests of this id; clients choose ids, so there may be several. */
  readonly requests: readonly CompletedRequest[];
  /** The calls to the outside that were made for them. */
  readonly calls: readonly CallRecord[];
}

/** A language model takes its time, and few answers at once are what a key allows. */
const llmNumbers: DependencyOptions = {
  deadlineMs: 120_000,
  attemptTimeoutMs: 60_000,
  maxConcurrent: 20,
  maxQueued: 100,
};

/**
 * Everything a service stands on, opened in order and closed in reverse. Made by {@link createInfrastructure}.
 *
 * @example
 * await using infrastructure = await createInfrastructure();
 * const { guard } = infrastructure.dependency('billing');
 */
export class Infrastructure {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly logging: Logging;
  /** The connection to Redis; absent without an address of one, and then everything stays in this process. */
  readonly redis: RedisConnection | undefined;
  /** Every limit, of requests to this service and of its calls to others. */
  readonly limits: Limits;
  /** Every cache of the process, in memory, and with Redis shared by all processes. */
  readonly cache: CacheManager;
  /** The files of the process, in a folder or a bucket. */
  readonly storage: FileStorageManager;
  /** The last requests that were answered. */
  readonly requests: RequestLog = new RequestLog();
  /** The connections to other services. */
  readonly connections: ConnectionPool;
  /** Everything outside the process that is called through a guard. */
  readonly dependencies: Dependencies;
  readonly health: HealthRegistry;
  /** The metrics; absent when they are switched off. */
  readonly metrics: Metrics | undefined;
  /** Settles when the database is open, or cannot be opened. */
  readonly databaseOpen: Promise<void>;
  /** The prompts of the process, to be listed and found by name. */
  readonly prompts: PromptCatalog = new PromptCatalog();
  readonly #parts: InfrastructureParts;
  readonly #llmClients = new Map<LlmProviderName, LlmClient>();

  constructor(parts: InfrastructureParts) {
    this.#parts = parts;
    this.settings = parts.settings;
    this.clock = parts.clock;
    this.logging = parts.logging;
    this.redis = parts.redis;
    this.limits = parts.limits;
    this.cache = parts.cache;
    this.storage = parts.storage;
    this.connections = parts.connections;
    this.dependencies = parts.dependencies;
    this.health = parts.health;
    this.metrics = parts.metrics;
    this.databaseOpen = parts.databaseOpen;
  }

  /** The database, seen with the tables that the caller knows of. */
  database<Schema>(): DatabaseManager<Schema> {
    // The schema exists in types only: one manager serves every feature, each with its own tables.
    return this.#parts.database as unknown as DatabaseManager<Schema>;
  }

  /**
   * Puts a guard around something outside the process. Its calls, breaker and cache show in logs, metrics, health and
   * the console from then on.
   *
   * @throws {ArgumentError} when there is one of this name already, or a number cannot be used.
   */
  dependency(name: string, options: DependencyOptions = {}): Dependency {
    const dependency = this.dependencies.add(name, options);
    this.#measure(dependency);
    const { breaker } = dependency;
    this.health.register({
      name,
      critical: false,
      check: () =>
        breaker.isBroken && breaker.state === 'open'
          ? { status: 'degraded', message: 'The circuit is open: calls are refused unless an older answer stands in' }
          : { status: 'up' },
    });
    return dependency;
  }

  /**
   * Makes a limit of requests to this service: for `limitRequests` of `plinth/server`, or to be asked by hand. With Redis
   * all processes share it, without it is in memory. What it decides shows in logs, metrics and {@link why}.
   *
   * @throws {ArgumentError} when there is a limit of this name already, or a number cannot be used.
   * @example
   * const logins = infrastructure.rateLimiter({ name: 'login', requests: 5, windowMs: 60_000, whenUnavailable: 'closed' });
   * api.post('/login', { onRequest: limitRequests({ limiter: logins }) }, signIn);
   */
  rateLimiter(options: LimitOptions): RateLimiter<RateLimitAnswer> {
    const limiter = this.limits.inbound(options);
    this.metrics?.observeLimiter(limiter);
    return limiter;
  }

  /**
   * Makes a batch processor. What it does shows in the log `batch.<name>`, in metrics and in {@link batches}. When the
   * infrastructure closes, its batch is stopped: what is under way ends before anything that it may need is closed.
   *
   * @throws {ArgumentError} when there is a batch of this name already, or an option cannot be used.
   * @throws {RejectedError} when the infrastructure is closed, or about to be.
   * @example
   * const labels = infrastructure.batch({ name: 'labels', work: (name: string) => fda.searchDrug(name) });
   * const results = await labels.processBatch(names);
   */
  batch<Item, Value>(options: InfrastructureBatchOptions<Item, Value>): BatchProcessor<Item, Value> {
    const processor = this.#parts.batches.add(options);
    this.onClose(`batch ${options.name}`, () => processor.stop());
    return processor;
  }

  /**
   * Makes a batch for many processes, on a queue in the database. What this process does of it shows in the log
   * `batch.<name>` and in metrics; it takes no more items when the infrastructure closes. Use it when the database is open.
   *
   * @throws {ArgumentError} when there is a batch of this name already, or an option cannot be used.
   * @throws {RejectedError} when the infrastructure is closed, or about to be.
   */
  queuedBatch<Item, Value>(options: InfrastructureQueueOptions<Item, Value>): QueuedBatch<Item, Value> {
    return this.#parts.closing.keep(`batch ${options.name}`, this.#parts.batches.addQueue(options));
  }

  /**
   * The language model behind one interface: that of the settings, or the named one. Each provider has a guard of its own,
   * as the dependency `llm-<provider>`; tokens are counted in metrics.
   *
   * Without a key the offline provider answers, with its label; in production that is refused.
   *
   * @throws {ConfigurationError} when a setting that the provider needs is missing.
   * @throws {ArgumentError} when there is no provider of this name.
   * @example
   * const { content, metadata } = await infrastructure.llm().generate({ prompt: 'Say hello' });
   */
  llm(provider: LlmProviderName = defaultLlmProvider(this.settings)): LlmClient {
    const known = this.#llmClients.get(provider);
    if (known !== undefined) return known;
    const { settings, clock, connections } = this;
    const answering = makeLlmProvider(provider, settings, { dispatcher: connections.dispatcher, clock });
    const client = new LlmClient({
      provider: answering,
      model: settings.ai.model,
      // Nobody outside the process is asked: there is nothing to guard.
      guard: answering.isOffline ? undefined : this.dependency(`llm-${provider}`, llmNumbers).guard,
      clock,
    });
    this.metrics?.observeLlm(client);
    this.#llmClients.set(provider, client);
    return client;
  }

  /**
   * Fills in a prompt, asks the language model of the settings, and gives its answer in the shape that the prompt wants.
   * See `LlmClient.executePrompt`.
   *
   * @example
   * const { output } = await infrastructure.executePrompt(headlines, { count: 3, product: 'a quiet fan' });
   */
  async executePrompt<Name extends string, Output>(
    prompt: Prompt<Name, Output>,
    context: PromptContext<NoInfer<Name>>,
    options: AnswerOptions = {},
  ): Promise<PromptResponse<Output>> {
    return await this.llm().executePrompt(prompt, context, options);
  }

  /**
   * Watches the contract with a source: that it sends something else, and that records went to quarantine, shows in the log
   * `contract.<name>` and in metrics.
   */
  watchContract(contract: ObservedContract): void {
    logContract(this.logging, contract);
    this.metrics?.observeContract(contract);
  }

  /** Every batch processor, and how far its batch is. */
  batches(): readonly BatchOverview[] {
    return this.#parts.batches.list();
  }

  /**
   * Why a request went as it did, while it is remembered: what it was answered, what limits decided about it, and what
   * became of every call that was made for it. `undefined` when nothing is known of it.
   *
   * @example
   * for (const line of infrastructure.why('req-123')?.lines ?? []) print(line);
   */
  why(requestId: string): RequestExplanation | undefined {
    const requests = this.requests.why(requestId);
    const calls = this.dependencies.calls.why(requestId);
    if (requests.length + calls.length === 0) return undefined;
    const only = requests.length === 1 ? requests[0] : undefined;
    const lines =
      only === undefined
        ? [...requests.flatMap(request => explainRequest(request, [])), ...calls.map(explainCall)]
        : explainRequest(only, calls);
    return { lines, requests, calls };
  }

  /**
   * The HTTP edge, with this infrastructure's logs, health and metrics. Closed with the infrastructure.
   *
   * @throws {RejectedError} when that is closed, or about to be.
   */
  async createServer(options: Partial<ServerOptions> = {}): Promise<Server> {
    const { settings, health, metrics, clock, logging } = this;
    const all: ServerOptions = {
      name: settings.appName,
      version: settings.appVersion,
      apiPrefix: settings.apiPrefix,
      docsUrl: settings.docsUrl,
      logger: logging.getLogger('server'),
      health,
      metrics,
      clock,
      ids: this.#parts.ids,
      ...options,
    };
    const server = await this.#parts.closing.open('server', () => createServer(all));
    this.requests.observe(server.events);
    return server;
  }

  /**
   * Closes something of the caller's before everything that was opened earlier.
   *
   * @throws {RejectedError} when the infrastructure is closed, or about to be: it would stay open for ever.
   */
  onClose(name: string, close: () => Promise<void> | void): void {
    this.#parts.closing.add(name, close);
  }

  /** The names of what is open, in the order in which it will be closed. */
  get closingOrder(): readonly string[] {
    return this.#parts.closing.order;
  }

  /** The settings in the shape that application code asks for. */
  config(): AppConfig {
    return toAppConfig(this.settings);
  }

  /** Whether the environment holds what a full installation needs. */
  validateEnvironment(): EnvironmentStatus {
    return environmentStatus(this.settings);
  }

  /**
   * Closes everything in the reverse order of opening, once.
   *
   * @throws {ClosingError} with everything that went wrong on the way; the rest is closed nevertheless.
   */
  async close(): Promise<void> {
    const errors = await this.#parts.closing.close();
    if (errors.length > 0) throw new ClosingError(errors);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #measure({ name, breaker, slots, budget, limiter }: Dependency): void {
    const { metrics } = this;
    if (metrics === undefined) return;
    metrics.observeBreaker(breaker);
    metrics.observeRetryBudget(name, () => budget.stats());
    metrics.observeConcurrency(name, () => {
      const { active, queued, maxConcurrent } = slots.snapshot();
      return { active, queued, limit: maxConcurrent };
    });
    if (limiter !== undefined) metrics.observeLimiter(limitsOf(limiter));
  }
}
