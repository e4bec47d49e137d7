import { join, resolve } from 'node:path';
import { createInfrastructure, type Infrastructure, type InfrastructureOptions } from 'plinth';
import { BatchProcessor } from 'plinth/batch';
import { checkTables, Repository } from 'plinth/crud';
import { systemIds, untilAborted } from 'plinth/kernel';
import { idempotencyMigration, limitRequests, type Server, type ServerRoutes } from 'plinth/server';
import type { Settings } from 'plinth/settings';
import { AdsRepositoryFactory } from './ads/ads-repositories.ts';
import { adsRoutes } from './ads/ads-routes.ts';
import { adsMigrations } from './ads/migrations.ts';
import { adsTables } from './ads/tables.ts';
import { serveConsole } from './console-api/console-page.ts';
import { consoleRoutes } from './console-api/console-routes.ts';
import { ConsoleState } from './console-api/console-state.ts';
import { loadConsoleAssets } from './console-assets.ts';
import { evidenceRoutes } from './evidence/evidence-routes.ts';
import { EvidenceService } from './evidence/evidence-service.ts';
import { idempotencyKeys, withIdempotencyKeys } from './idempotency-keys.ts';
import { importRoutes } from './imports/import-routes.ts';
import { ImportService } from './imports/import-service.ts';
import { importMedication } from './imports/import-work.ts';
import { AnswerStore, type MedicationTables } from './medications/answer-store.ts';
import { medicationRoutes } from './medications/medication-routes.ts';
import { MedicationService } from './medications/medication-service.ts';
import { medicationMigrations } from './medications/migrations.ts';
import { propertyRoutes } from './properties/property-routes.ts';
import { loadServiceSettings } from './service-settings.ts';
import { openSources } from './sources.ts';
import { type StandIn, startStandIn } from './stand-in/index.ts';
import { userMigrations } from './users/migrations.ts';
import { userRoutes } from './users/user-routes.ts';
import { UserService } from './users/user-service.ts';
import { users } from './users/users-table.ts';

/** How the reference service starts. */
export interface ServiceOptions extends InfrastructureOptions {
  /** Told of each step of the start, in words for people. @default nobody */
  readonly onProgress?: ((step: string) => void) | undefined;
  /** Gives up a start that waits for the database, and closes what is open. @default none */
  readonly signal?: AbortSignal | undefined;
}

/** The reference service, running. */
export interface Service extends AsyncDisposable {
  /** Its address, such as `http://localhost:8000`. */
  readonly url: string;
  readonly infrastructure: Infrastructure;
  readonly server: Server;
  /** The stand-in for the outside sources; absent when they are asked live. */
  readonly standIn: StandIn | undefined;
  /** Lets requests under way finish, then closes everything in reverse order. */
  close(): Promise<void>;
}

/**
 * Starts the reference service: medications, their evidence and imports, properties, users and ads, and the console.
 *
 * @throws the signal's reason when it is aborted before the database is open; then everything is closed.
 */
export async function startService(options: ServiceOptions = {}): Promise<Service> {
  const { onProgress = () => {}, signal } = options;
  // Bundled while the rest is loaded.
  const bundling = loadConsoleAssets();
  bundling.catch(() => {});
  // The page is there while the database still opens; readiness says so, and answers are given without being kept.
  const infrastructure = await createInfrastructure({
    ...options,
    settings: settingsOf(options),
    awaitDatabase: false,
  });
  try {
    const { service: place } = infrastructure.settings;
    const database = infrastructure.database<MedicationTables>();
    const logger = infrastructure.logging.getLogger('service.medications');
    const tables = openTables(infrastructure);
    tables.opened.then(() => onProgress(`database is open (${database.engine})`)).catch(() => {});
    const standIn = place.upstreams === 'recorded' ? await openStandIn(infrastructure) : undefined;
    onProgress(standIn ? `sources are recorded (stand-in on ${standIn.url})` : 'sources are live');
    const store = new AnswerStore(database, { isOpen: tables.areOpen, clock: infrastructure.clock });
    const sources = openSources(infrastructure, standIn);
    const medications = new MedicationService({
      fda: sources.fda,
      store,
      onStoreFailure: error => logger.warning('The answer was given without being kept', { error }),
    });
    const evidence = new EvidenceService({ ...sources, medications });
    const imports = openImports(infrastructure, medications);
    const keys = idempotencyKeys(infrastructure, tables.opened);
    const server = await infrastructure.createServer();
    const state = new ConsoleState(infrastructure, imports, standIn);
    infrastructure.onClose('console', () => state.close());
    const routes = [
      medicationRoutes(medications),
      evidenceRoutes(evidence),
      propertyRoutes(sources.nyc),
      importRoutes(imports),
      userRoutes(new UserService(new Repository(users, database)), infrastructure.database()),
      adsRoutes({
        repositories: new AdsRepositoryFactory(database),
        database: infrastructure.database(),
        clock: infrastructure.clock,
        llm: infrastructure,
      }),
    ];
    await server.register(limited(infrastructure, [withIdempotencyKeys(keys, routes)]));
    await server.register(consoleRoutes(infrastructure, state));
    serveConsole(server.app, await bundling);
    const { url } = await server.listen({ port: place.port, host: place.host });
    onProgress(`listening on ${url}`);
    await imports.open();
    await untilAborted(tables.opened, signal);
    return { url, infrastructure, server, standIn, close, [Symbol.asyncDispose]: close };
  } catch (error) {
    await infrastructure.close();
    throw error;
  }

  function close(): Promise<void> {
    return infrastructure.close();
  }
}

/** The settings that were handed in loaded, or as they are loaded for this service. */
function settingsOf({ settings }: ServiceOptions): Settings {
  return settings !== undefined && 'service' in settings ? settings : loadServiceSettings(settings);
}

/**
 * The public routes, each client within the limit of the settings. Health, metrics, documentation and the console are not
 * limited: who is held back must still be able to see why.
 */
function limited(infrastructure: Infrastructure, routes: readonly ServerRoutes[]): ServerRoutes {
  const { rateLimit, environment, origins } = infrastructure.settings;
  const { requests, windowMs } = rateLimit;
  const isChosen = origins['rateLimit.requests'] !== 'default' || origins['rateLimit.windowMs'] !== 'default';
  // Who tries the service out, or loads it from one address, has not chosen a limit: it is told, and not enforced.
  const shadow = environment === 'development' && !isChosen;
  // Without Redis to ask, answering too much is better than answering nobody.
  const limiter = infrastructure.rateLimiter({ name: 'api', requests, windowMs, whenUnavailable: 'open', shadow });
  return async api => {
    api.addHook('onRequest', limitRequests({ limiter, by: 'address', tellsInShadow: true }));
    for (const some of routes) await api.register(some);
  };
}

/** The tables of the service: when they are there, and whether they are. */
interface Tables {
  readonly opened: Promise<void>;
  readonly areOpen: () => boolean;
}

/** Makes the tables as soon as the database is open. Until then the service is not ready. */
function openTables(infrastructure: Infrastructure): Tables {
  let isOpen = false;
  const open = async (): Promise<void> => {
    await infrastructure.databaseOpen;
    const database = infrastructure.database();
    await database.migrate([...medicationMigrations, idempotencyMigration, ...userMigrations, ...adsMigrations]);
    await checkTables(database, [users, ...adsTables]);
    isOpen = true;
  };
  infrastructure.health.register({
    name: 'tables',
    check: () => (isOpen ? { status: 'up' } : { status: 'down', message: 'The tables are not there yet' }),
  });
  return { opened: open(), areOpen: () => isOpen };
}

async function openStandIn(infrastructure: Infrastructure): Promise<StandIn> {
  const { recordingsDirectory } = infrastructure.settings.service;
  const standIn = await startStandIn({ dataDirectory: recordingsDirectory, clock: infrastructure.clock });
  infrastructure.onClose('stand-in', () => standIn.close());
  return standIn;
}

function openImports(infrastructure: Infrastructure, medications: MedicationService): ImportService {
  const imports = new ImportService({
    directory: join(resolve(infrastructure.settings.service.dataDirectory), 'imports'),
    clock: infrastructure.clock,
    ids: systemIds,
    makeBatch: options => new BatchProcessor(options),
    work: importMedication(medications),
  });
  infrastructure.onClose('imports', () => imports.close());
  return imports;
}
