import type { DatabaseManager } from '../database/index.ts';
import type { HealthRegistry } from '../health/index.ts';
import type { ConnectionPool } from '../http/index.ts';
import type { Clock, Ids } from '../kernel/index.ts';
import type { Logging } from '../logging/index.ts';
import { createServer, type Server, type ServerOptions } from '../server/index.ts';
import {
  type AppConfig,
  type EnvironmentStatus,
  type Settings,
  toAppConfig,
  validateEnvironment,
} from '../settings/index.ts';
import type { Metrics } from '../telemetry/index.ts';
import type { ClosingOrder } from './closing.ts';
import type { Dependencies, Dependency, DependencyOptions } from './dependencies.ts';
import { ClosingError } from './errors.ts';

/** The parts an {@link Infrastructure} is made of. */
export interface InfrastructureParts {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly logging: Logging;
  readonly database: DatabaseManager<never>;
  readonly databaseOpen: Promise<void>;
  readonly connections: ConnectionPool;
  readonly dependencies: Dependencies;
  readonly health: HealthRegistry;
  readonly metrics: Metrics | undefined;
  readonly closing: ClosingOrder;
}

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
  /** The connections to other services. */
  readonly connections: ConnectionPool;
  /** Everything outside the process that is called through a guard. */
  readonly dependencies: Dependencies;
  readonly health: HealthRegistry;
  /** The metrics; absent when they are switched off. */
  readonly metrics: Metrics | undefined;
  /** Settles when the database is open, or cannot be opened. */
  readonly databaseOpen: Promise<void>;
  readonly #parts: InfrastructureParts;

  constructor(parts: InfrastructureParts) {
    this.#parts = parts;
    this.settings = parts.settings;
    this.clock = parts.clock;
    this.logging = parts.logging;
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
   */
  dependency(name: string, options: DependencyOptions = {}): Dependency {
    const { scrapers } = this.settings;
    const dependency = this.dependencies.add(name, {
      attemptTimeoutMs: scrapers.attemptTimeoutMs,
      maxAttempts: scrapers.maxAttempts,
      deadlineMs: scrapers.attemptTimeoutMs * 2,
      ...options,
    });
    this.metrics?.observeCache(name, () => dependency.cache.stats());
    this.metrics?.observeBreakers(dependency.breaker.events, [dependency.breaker]);
    this.health.register({
      name,
      critical: false,
      check: () =>
        dependency.breaker.state === 'open'
          ? { status: 'degraded', message: 'The circuit is open: older answers stand in' }
          : { status: 'up' },
    });
    return dependency;
  }

  /** The HTTP edge, with this infrastructure's logs, health and metrics. Closed with the infrastructure. */
  async createServer(options: Partial<ServerOptions> = {}): Promise<Server> {
    const { settings, health, metrics, clock, logging } = this;
    const server = await createServer({
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
    });
    this.onClose('server', () => server.close());
    return server;
  }

  /** Closes something of the caller's before everything that was opened earlier. */
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
    return validateEnvironment();
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
}
