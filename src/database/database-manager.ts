import { setMaxListeners } from 'node:events';
import { Kysely, sql, type Transaction } from 'kysely';
import type { Pool, PoolClient } from 'pg';
import { PlinthError } from '../errors/index.ts';
import { type EventSource, Events, untilAborted } from '../kernel/index.ts';
import { connectPatiently } from './connect.ts';
import { createEmbeddedPool, createServerPool } from './create-pool.ts';
import { DatabaseSession } from './database-session.ts';
import { createDialect } from './driver.ts';
import { type EmbeddedEngine, startEmbeddedEngine } from './embedded-engine.ts';
import { toDatabaseError } from './error-translation.ts';
import { ConnectionLostError, DatabaseClosedError } from './errors.ts';
import type { DatabaseEngine, DatabaseEvents, DatabaseState } from './events.ts';
import { waitForLoan } from './loan.ts';
import {
  type DownOptions,
  type MigrateOptions,
  type Migration,
  type MigrationReport,
  migrateDown,
  migrateUp,
} from './migrations.ts';
import { type DatabaseManagerOptions, type ResolvedOptions, resolveOptions } from './options.ts';

/** How many connections there are, and what they do. */
export interface PoolStats {
  /** Connections that are open. */
  readonly total: number;
  /** Of these, the ones that wait for work. */
  readonly idle: number;
  /** Of these, the ones on loan. */
  readonly active: number;
  /** Callers that wait for a connection. */
  readonly waiting: number;
}

/** What {@link DatabaseManager.healthCheck} found. */
export interface DatabaseHealth {
  /** Whether the database answered. */
  readonly healthy: boolean;
  /** How long the answer took, in milliseconds. */
  readonly latencyMs: number;
  /** Which engine was asked. */
  readonly engine: DatabaseEngine;
  /** The connections at that moment. */
  readonly pool: PoolStats;
  /** Why it did not answer. */
  readonly error?: PlinthError;
}

/** Gives up waiting for a connection. */
export interface LoanOptions {
  /** Stops the wait for a connection; work that has begun is not interrupted. @default never */
  readonly signal?: AbortSignal | undefined;
}

/** How a transaction runs. */
export interface TransactionOptions {
  /** Stops the wait for a connection, and rolls back instead of committing. @default never */
  readonly signal?: AbortSignal | undefined;
  /** What the transaction may see of others. @default the server's, read committed */
  readonly isolationLevel?: 'read committed' | 'repeatable read' | 'serializable' | undefined;
  /** Whether the transaction may write. @default the server's, read write */
  readonly accessMode?: 'read only' | 'read write' | undefined;
}

/**
 * A SQL database: PGlite inside the process when there is no `url`, a pool of connections to PostgreSQL otherwise. Both
 * speak the same SQL through the same driver and give the same rows and the same errors.
 *
 * Queries are written with Kysely. Failures are {@link DatabaseError}; waiting in vain for a connection is a refusal,
 * {@link AcquireTimeoutError}.
 *
 * @example
 * interface Schema { users: { id: Generated<number>; email: string } }
 * await using database = new DatabaseManager<Schema>({ directory: './data/pg' });
 * await database.open();
 * await database.migrate([{ name: '001-users', up: 'create table users (id serial primary key, email text unique)' }]);
 * const users = await database.db.selectFrom('users').selectAll().execute();
 */
export class DatabaseManager<Schema = unknown> implements AsyncDisposable {
  readonly #options: ResolvedOptions;
  readonly #events = new Events<DatabaseEvents>();
  readonly #kysely: Kysely<Schema>;
  readonly #clients = new Set<PoolClient>();
  #state: DatabaseState = 'new';
  /** Ends with `close`, which does not wait for an opening that may take minutes. */
  readonly #lifetime = new AbortController();
  #opening: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  #pool: Pool | undefined;
  #embedded: EmbeddedEngine | undefined;
  #sessions = 0;

  /** @throws {ArgumentError} when an option cannot be used. */
  constructor(options: DatabaseManagerOptions = {}) {
    this.#options = resolveOptions(options);
    const { acquireTimeoutMs, slowQueryMs, clock } = this.#options;
    // One listener per caller that waits for a connection is no leak.
    setMaxListeners(0, this.#lifetime.signal);
    const acquireAdvice =
      this.engine === 'embedded'
        ? 'The embedded engine has one connection: inside session(fn) and transaction(fn) use what fn was given, not the manager'
        : 'Give connections back sooner, or raise poolSize or maxOverflow';
    this.#kysely = new Kysely<Schema>({
      dialect: createDialect({
        pool: () => this.#openPool(),
        closing: this.#lifetime.signal,
        acquireTimeoutMs,
        acquireAdvice,
        slowQueryMs,
        clock,
        events: this.#events,
      }),
    });
  }

  /** Statements, slow statements, states, failed connections. */
  get events(): EventSource<DatabaseEvents> {
    return this.#events;
  }

  /** Which engine answers. */
  get engine(): DatabaseEngine {
    return this.#options.url === undefined ? 'embedded' : 'postgresql';
  }

  /** Where the manager is in its life. */
  get state(): DatabaseState {
    return this.#state;
  }

  /** Queries, each on any connection that is free. Usable once the manager is open. */
  get db(): Kysely<Schema> {
    return this.#kysely;
  }

  /**
   * Starts the embedded engine, or waits until the server can be reached. Runs nothing else. Calls while it is opening
   * join the first one, whose signal counts; after a failure it may be called again.
   *
   * @throws {DatabaseLockedError} when another process uses the folder.
   * @throws {DatabaseFolderError} when the folder cannot be used.
   * @throws {ConnectionLostError} when the server was not reached within `connectDeadlineMs`.
   */
  open(signal?: AbortSignal): Promise<void> {
    if (this.#state === 'closing' || this.#state === 'closed') return Promise.reject(closedError(this.#state));
    if (this.#opening !== undefined) return untilAborted(this.#opening, signal);
    const lifetime = this.#lifetime.signal;
    this.#opening = this.#open(signal === undefined ? lifetime : AbortSignal.any([signal, lifetime])).catch(
      async (error: unknown) => {
        await this.#tearDown(0);
        this.#opening = undefined;
        if (this.#state === 'opening') this.#moveTo('new');
        throw error;
      },
    );
    return this.#opening;
  }

  /**
   * Lends one connection to a function, for statements that belong to the same connection.
   *
   * @example
   * await database.session(async db => db.selectFrom('users').selectAll().execute());
   */
  session<Result>(work: (db: Kysely<Schema>) => Promise<Result>, options: LoanOptions = {}): Promise<Result> {
    return waitForLoan(
      begun =>
        this.#kysely.connection().execute(async db => {
          begun();
          return await work(db);
        }),
      options.signal,
    );
  }

  /**
   * Runs a function in a transaction: committed when it returns, rolled back when it throws.
   *
   * @throws {TransactionAbortedError} when a statement failed and the function returned all the same.
   * @example
   * await database.transaction(async transaction => {
   *   await transaction.insertInto('users').values({ email: 'ada@example.com' }).execute();
   * });
   */
  transaction<Result>(
    work: (transaction: Transaction<Schema>) => Promise<Result>,
    options: TransactionOptions = {},
  ): Promise<Result> {
    const { isolationLevel, accessMode, signal } = options;
    let builder = this.#kysely.transaction();
    if (isolationLevel !== undefined) builder = builder.setIsolationLevel(isolationLevel);
    if (accessMode !== undefined) builder = builder.setAccessMode(accessMode);
    return waitForLoan(
      begun =>
        builder.execute(async transaction => {
          begun();
          const result = await work(transaction);
          signal?.throwIfAborted();
          return result;
        }),
      signal,
    );
  }

  /**
   * Lends one connection until the session is closed.
   *
   * @example
   * await using session = await database.openSession();
   */
  openSession(options: LoanOptions = {}): Promise<DatabaseSession<Schema>> {
    return new Promise((resolve, reject) => {
      const loan: Promise<void> = this.session(
        db =>
          new Promise<void>(letGo => {
            const giveBack = async (): Promise<void> => {
              letGo();
              await loan;
            };
            resolve(new DatabaseSession(++this.#sessions, db, giveBack));
          }),
        options,
      );
      loan.catch(reject);
    });
  }

  /**
   * Brings the schema up to date: runs what has not run yet, in order, each in a transaction. Only one process at a time
   * does so; the others wait.
   *
   * @throws {MigrationDriftError} when what ran before is not what is given now.
   * @throws {MigrationError} when one fails; it is rolled back, and those before it stay.
   */
  migrate(migrations: readonly Migration[], options: MigrateOptions = {}): Promise<MigrationReport> {
    const { clock } = this.#options;
    return this.session(db => migrateUp(db, migrations, options, clock), options);
  }

  /** Takes migrations back, the newest first, until the one named `to` is the last. `to: null` takes back all. */
  migrateDown(migrations: readonly Migration[], options: DownOptions): Promise<MigrationReport> {
    const { clock } = this.#options;
    return this.session(db => migrateDown(db, migrations, options, clock), options);
  }

  /** The connections at this moment. */
  poolStats(): PoolStats {
    const { totalCount: total = 0, idleCount: idle = 0, waitingCount: waiting = 0 } = this.#pool ?? {};
    return { total, idle, active: total - idle, waiting };
  }

  /** Whether the database answers `SELECT 1`. Never throws. */
  async validateConnection(): Promise<boolean> {
    return (await this.healthCheck()).healthy;
  }

  /** Asks the database for an answer and tells how that went. Never throws. */
  async healthCheck(options: LoanOptions = {}): Promise<DatabaseHealth> {
    const { clock } = this.#options;
    const startMs = clock.monotonic();
    const error = await untilAborted(this.#ping(), options.signal).then(() => undefined, toHealthError);
    const latencyMs = clock.monotonic() - startMs;
    const { engine } = this;
    return { healthy: error === undefined, latencyMs, engine, pool: this.poolStats(), ...(error && { error }) };
  }

  /**
   * Lends no more connections, waits for those on loan (at most `drainTimeoutMs`), and closes. What is still running then
   * is broken off, and the database rolls it back. Does nothing the second time.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #open(signal: AbortSignal): Promise<void> {
    this.#moveTo('opening');
    const { url, directory, clock, random } = this.#options;
    if (url === undefined) {
      const onFailure = (error: PlinthError): void => {
        this.#events.emit('connection-error', { error, attempt: 0 });
        if (this.#state === 'open') this.#moveTo('failed');
      };
      const engine = await startEmbeddedEngine({ directory, clock, onFailure, signal });
      this.#embedded = engine;
      this.#usePool(createEmbeddedPool(bytes => engine.exchange(bytes), this.#options));
      await this.#ping();
    } else {
      this.#usePool(createServerPool(url, this.#options));
      await connectPatiently({
        connect: () => this.#ping(),
        onFailure: (error, attempt) => this.#events.emit('connection-error', { error, attempt }),
        maxAttempts: this.#options.maxConnectAttempts,
        deadlineMs: this.#options.connectDeadlineMs,
        clock,
        random,
        signal,
      });
    }
    if (this.#state === 'opening') this.#moveTo('open');
  }

  async #close(): Promise<void> {
    this.#moveTo('closing');
    this.#lifetime.abort(closedError('closing'));
    await this.#opening?.catch(() => undefined);
    await this.#tearDown(this.#options.drainTimeoutMs);
    this.#moveTo('closed');
  }

  /** Ends pool and engine, gently when everything comes back in time. */
  async #tearDown(drainTimeoutMs: number): Promise<void> {
    const [pool, embedded] = [this.#pool, this.#embedded];
    this.#pool = undefined;
    this.#embedded = undefined;
    const isDrained = pool === undefined || (await this.#drain(pool, drainTimeoutMs));
    if (!isDrained) for (const client of this.#clients) void client.end();
    await (isDrained ? embedded?.close() : embedded?.terminate());
  }

  #drain(pool: Pool, drainTimeoutMs: number): Promise<boolean> {
    return new Promise(resolve => {
      const timer = this.#options.clock.setTimer(drainTimeoutMs, () => resolve(false), { keepsProcessAlive: true });
      void pool.end().then(() => {
        timer.cancel();
        resolve(true);
      });
    });
  }

  #usePool(pool: Pool): void {
    this.#pool = pool;
    // Without a listener a broken connection would end the process: one for those that wait in the pool, one for those
    // on loan, whose next statement fails.
    pool.on('error', error => this.#events.emit('connection-error', { error: toDatabaseError(error), attempt: 0 }));
    pool.on('connect', client => {
      this.#clients.add(client);
      client.on('error', () => undefined);
    });
    pool.on('remove', client => this.#clients.delete(client));
  }

  #openPool(): Pool {
    if (this.#pool !== undefined && this.#state !== 'closing') return this.#pool;
    throw closedError(this.#state);
  }

  async #ping(): Promise<void> {
    await sql`select 1`.execute(this.#kysely);
  }

  #moveTo(state: DatabaseState): void {
    const previous = this.#state;
    this.#state = state;
    if (this.#events.has('state')) this.#events.emit('state', { state, previous, engine: this.engine });
  }
}

function closedError(state: DatabaseState): DatabaseClosedError {
  const advice = state === 'new' || state === 'opening' ? 'await open() first' : 'it lends no more connections';
  return new DatabaseClosedError(`The database manager is ${state}: ${advice}`);
}

function toHealthError(error: unknown): PlinthError {
  if (error instanceof PlinthError) return error;
  return new ConnectionLostError('The database did not answer before the check was given up', { cause: error });
}
