import { resolve } from 'node:path';
import { CacheManager } from '../cache/index.ts';
import { DatabaseManager } from '../database/index.ts';
import { eventLoopCheck, HealthRegistry } from '../health/index.ts';
import { ConnectionPool } from '../http/index.ts';
import { type Clock, type Ids, type Random, systemClock, systemIds, systemRandom } from '../kernel/index.ts';
import { type Logging, type SetupLoggingOptions, setupLogging } from '../logging/index.ts';
import { type LoadSettingsOptions, loadSettings, type Settings } from '../settings/index.ts';
import { createMetrics, type Metrics } from '../telemetry/index.ts';
import { Batches } from './batches.ts';
import { ClosingOrder } from './closing.ts';
import { Dependencies } from './dependencies.ts';
import { Infrastructure } from './infrastructure.ts';
import { Limits } from './limits.ts';
import { logRooms } from './observers.ts';
import { connectRedis, makeRedis, watchRedis } from './open-redis.ts';
import { makeStorage } from './open-storage.ts';

/** What {@link createInfrastructure} may be told. Without any option everything comes from the environment. */
export interface InfrastructureOptions {
  /** The settings, loaded already or how to load them. @default loadSettings() */
  readonly settings?: Settings | LoadSettingsOptions | undefined;
  /** What differs from the settings in logging. @default {} */
  readonly logging?: SetupLoggingOptions | undefined;
  /**
   * Whether to wait until the database is open. If not, {@link Infrastructure.databaseOpen} says when it is, and readiness
   * is `down` until then: a service can serve what needs no database meanwhile. @default true
   */
  readonly awaitDatabase?: boolean | undefined;
  /** @default systemClock */
  readonly clock?: Clock | undefined;
  /** @default systemRandom */
  readonly random?: Random | undefined;
  /** @default systemIds */
  readonly ids?: Ids | undefined;
}

/**
 * Opens everything a service stands on: settings, logging, the database, connections, health and metrics, joined with each
 * other. With nothing configured it runs on embedded engines; addresses in the environment move it to real ones.
 *
 * When a step fails, what was opened before it is closed again, and the error says what to do.
 *
 * @throws {ConfigurationError} when the settings cannot be used.
 * @throws {DatabaseError} when the database cannot be opened.
 * @example
 * await using infrastructure = await createInfrastructure();
 * const server = await infrastructure.createServer();
 * await server.listen({ port: 8_000 });
 */
export async function createInfrastructure(options: InfrastructureOptions = {}): Promise<Infrastructure> {
  const { clock = systemClock, random = systemRandom, ids = systemIds } = options;
  const settings = isLoaded(options.settings) ? options.settings : loadSettings(options.settings);
  const closing = new ClosingOrder();
  try {
    const logging = closing.keep('logging', setupLogging({ ...loggingOptions(settings), clock, ...options.logging }));
    reportWarnings(logging, settings);
    const database = closing.keep(
      'database',
      new DatabaseManager<never>({ ...databaseOptions(settings), clock, random }),
    );
    const databaseOpen = database.open();
    // Who waits for it is told; nobody has to.
    databaseOpen.catch(() => {});
    const redis = makeRedis(settings, clock, random);
    const redisConnected = redis && connectRedis(closing.keep('redis', redis));
    redisConnected?.catch(() => {});
    const limits = closing.keep('limits', new Limits({ clock, redis, rateLimiting: settings.rateLimiting }));
    const { backend, ttlMs, maxEntries } = settings.cache;
    const cache = closing.keep('cache', new CacheManager({ backend, redis, ttlMs, maxEntries, clock }));
    const storage = closing.keep('storage', makeStorage(settings, clock));
    const { http, scrapers } = settings;
    const connections = closing.keep('connections', new ConnectionPool({ connectTimeoutMs: http.connectTimeoutMs }));
    const dependencies = closing.keep('dependencies', new Dependencies({ clock, random, limits, cache, scrapers }));
    const health = new HealthRegistry({ clock });
    const metrics = settings.monitoring.metricsEnabled ? await createMetrics({ appName: settings.appName }) : undefined;
    if (metrics !== undefined) closing.keep('metrics', metrics);
    logRooms(logging, { dependencies, limits, cache, storage, database, health }, { echo: settings.database.echo });
    registerChecks(health, database, logging, clock);
    watchCache(cache, health, metrics);
    if (redis !== undefined) {
      watchRedis(redis, logging, health);
      metrics?.observeRedis(redis);
    }
    metrics?.observeCalls(dependencies.events);
    metrics?.observeDatabase(database);
    await redisConnected;
    if (options.awaitDatabase ?? true) await databaseOpen;
    return new Infrastructure({
      settings,
      clock,
      ids,
      logging,
      database,
      databaseOpen,
      redis,
      limits,
      cache,
      storage,
      connections,
      dependencies,
      batches: new Batches({ clock, ids, logging, metrics, database }),
      health,
      metrics,
      closing,
    });
  } catch (error) {
    await closing.close();
    throw error;
  }
}

function isLoaded(settings: Settings | LoadSettingsOptions | undefined): settings is Settings {
  return settings !== undefined && 'service' in settings;
}

function loggingOptions(settings: Settings): SetupLoggingOptions {
  const { monitoring, environment } = settings;
  return { level: monitoring.logLevel, directory: resolve(monitoring.logDirectory), environment };
}

function databaseOptions({ database, service }: Settings): ConstructorParameters<typeof DatabaseManager>[0] {
  if (database.url === undefined) return { directory: resolve(service.dataDirectory, 'pg') };
  const { url, poolSize, maxOverflow, poolTimeoutMs, replicaUrls, maxReplicaLagMs, recycleMs, preparedStatements } =
    database;
  const pool = { poolSize, maxOverflow, acquireTimeoutMs: poolTimeoutMs, recycleMs, preparedStatements };
  return { url, ...pool, replicas: replicaUrls, maxReplicaLagMs };
}

function reportWarnings(logging: Logging, settings: Settings): void {
  const logger = logging.getLogger('settings');
  for (const { name, message, origin } of settings.warnings) logger.warning(`${name}: ${message}`, { origin });
}

function watchCache(cache: CacheManager, health: HealthRegistry, metrics: Metrics | undefined): void {
  cache.events.on('opened', ({ name, cache: opened }) => metrics?.observeCache(name, () => opened.stats()));
  health.register({
    name: 'cache',
    critical: false,
    check() {
      const { status, message } = cache.health();
      return message === undefined ? { status } : { status, message };
    },
  });
}

function registerChecks(
  health: HealthRegistry,
  database: DatabaseManager<never>,
  logging: Logging,
  clock: Clock,
): void {
  health.register(eventLoopCheck({ clock }));
  health.register({
    name: 'database',
    async check(signal) {
      if (database.state === 'new' || database.state === 'opening') return { status: 'down', message: 'still opening' };
      const { healthy, saturated, engine, error, replicas } = await database.healthCheck({ signal });
      if (!healthy) return { status: 'down', message: error?.code ?? 'no answer' };
      // No reason to be sent no requests: other instances would get them, and be full next.
      if (saturated) return { status: 'degraded', message: 'Every connection is on loan', details: { engine } };
      const isAlone = replicas.length > 0 && replicas.every(({ state }) => state !== 'ready');
      return isAlone
        ? { status: 'degraded', message: 'No replica is ready: the primary answers all reads', details: { engine } }
        : { status: 'up', details: { engine } };
    },
  });
  health.register({
    name: 'logging',
    critical: false,
    check: () =>
      logging.state.status === 'degraded'
        ? { status: 'degraded', message: 'Log lines are being dropped' }
        : { status: 'up' },
  });
}
