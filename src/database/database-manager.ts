import { setMaxListeners } from 'node:events';
import { Kysely, type Transaction } from 'kysely';
import { runWithRequestContext } from '../context/index.ts';
import type { PlinthError } from '../errors/index.ts';
import { type EventSource, Events, untilAborted } from '../kernel/index.ts';
import { connectPatiently } from './connect.ts';
import type { ConnectionSource } from './connection-source.ts';
import { DatabaseSession } from './database-session.ts';
import { connectionOf, createDialect } from './driver.ts';
import { type EmbeddedEngine, startEmbeddedEngine } from './embedded-engine.ts';
import { ConnectionLostError, DatabaseClosedError } from './errors.ts';
import type { DatabaseEngine, DatabaseEvents, DatabaseState } from './events.ts';
import type { DatabaseHealth, HealthCheckOptions } from './health.ts';
import { checkHealth, ping } from './health-check.ts';
import type { LentConnection } from './lent-connection.ts';
import { waitForLoan } from './loan.ts';
import {
  type DownOptions,
  type MigrateOptions,
  type Migration,
  type MigrationReport,
  migrateDown,
  migrateUp,
} from './migrations.ts';
import { openEmbeddedSource, openReplicas, openServerSource, openWatch, type SourceContext } from './open-sources.ts';
import { type DatabaseManagerOptions, type ResolvedOptions, resolveOptions } from './options.ts';
import type { PoolStats } from './pool-stats.ts';
import type { PreparedStatement } from './prepared-statement.ts';
import { ReadConnection } from './read-connection.ts';
import { closeSource } from './replica.ts';
import type { ReplicaStatus } from './replica-status.ts';
import { type Replicas, readPosition } from './replicas.ts';
import { runPart, type TransactionOptions, Transactions } from './transaction.ts';

/** What may end a loan. */
export interface LoanOptions {
  /** Stops the wait for a connection; then cancels the running statement and refuses further ones. @default never */
  readonly signal?: AbortSignal | undefined;
}

/**
 * A SQL database: PGlite inside the process when there is no `url`, a pool of connections to PostgreSQL otherwise. Both
 * speak the same SQL through the same driver and give the same rows and the same errors.
 *
 * Statements of a request that has a deadline (`deadlineMs` of its context) are cancelled when it is reached.
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
  readonly #read: Kysely<Schema>;
  readonly #transactions: Transactions<Schema>;
  #state: DatabaseState = 'new';
  /** Ends with `close`, which does not wait for an opening that may take minutes. */
  readonly #lifetime = new AbortController();
  #opening: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  #source: ConnectionSource | undefined;
  /** A connection to the server beside the pool, for health checks while that is full. */
  #watch: ConnectionSource | undefined;
  #replicas: Replicas | undefined;
  #embedded: EmbeddedEngine | undefined;
  #sessions = 0;

  /** @throws {ArgumentError} when an option cannot be used. */
  constructor(options: DatabaseManagerOptions = {}) {
    this.#options = resolveOptions(options);
    const { clock, random, maxTransactionAttempts: maxAttempts } = this.#options;
    // One listener per caller that waits for a connection is no leak.
    setMaxListeners(0, this.#lifetime.signal);
    this.#kysely = new Kysely<Schema>({ dialect: createDialect(() => this.#lend()) });
    this.#read = this.#reader(undefined);
    this.#transactions = new Transactions(this.#kysely, {
      maxAttempts,
      clock,
      random,
      onRetry: event => this.#events.emit('transaction-retried', event),
    });
  }

  /** Statements, slow statements, states, failed connections, retried transactions, replicas. */
  get events(): EventSource<DatabaseEvents> {
    return this.#events;
  }

  /** Which engine answers. */
  get engine(): DatabaseEngine {
    return this.#options.server === undefined ? 'embedded' : 'postgresql';
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
   * Reads, each on the replica with the least to do that has caught up with what the same request (`requestId` of the
   * context; all work without one counts as one request) wrote through `db`, `session` or `transaction`; on the primary
   * when there is none. Takes no writes: builders of writes, and texts that begin, end or set up transactions, are refused
   * here, raw writes by the server, replica or not.
   *
   * A function that writes and is called by a `select` is not noticed: read after it with `db`.
   *
   * @example
   * const users = await database.read.selectFrom('users').selectAll().execute();
   */
  get read(): Kysely<Schema> {
    return this.#read;
  }

  /**
   * Reads that see everything up to a position, wherever and by whomever it was written. Give the position along with the
   * session of a user, and the next request of that user sees what this one wrote, also in another process.
   *
   * @throws {ArgumentError} at the first read, when the text is no position.
   * @example
   * const position = await database.writePosition();
   * const orders = await database.readAfter(position).selectFrom('orders').selectAll().execute();
   */
  readAfter(position: string): Kysely<Schema> {
    return this.#reader(position);
  }

  /** How far the primary's log is: what was committed before stands before it. */
  async writePosition(): Promise<string> {
    return await readPosition({ lend: () => this.#openSource().lend() });
  }

  /**
   * Starts the embedded engine, or waits until the server can be reached. Runs nothing else. Calls while it is opening
   * join the first one, whose signal counts; after a failure it may be called again.
   *
   * @throws {DatabaseClosedError} when it was closed, or its embedded engine has ended.
   * @throws {DatabaseLockedError} when another process uses the folder.
   * @throws {DatabaseFolderError} when the folder cannot be used.
   * @throws {ConnectionLostError} when the server was not reached within `connectDeadlineMs`.
   */
  open(signal?: AbortSignal): Promise<void> {
    if (this.#state === 'closing' || this.#state === 'closed' || this.#state === 'failed') {
      return Promise.reject(closedError(this.#state));
    }
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
   * Runs a quick read outside of any transaction, such as by key, and gives its rows. Reads that are under way at the
   * same time share a connection: they are sent behind each other without waiting for the answers in between.
   *
   * @throws {ArgumentError} when the statement was not prepared with `reads: true`.
   * @throws {QueryError} when a value cannot be written, such as JSON with a bigint in it. No other read is harmed.
   * @example
   * const byKey = prepareStatement('select * from users where id = $1', { reads: true });
   * const [user] = await database.readPrepared<User>(byKey, [42]);
   */
  readPrepared<Row>(statement: PreparedStatement, parameters: readonly unknown[]): Promise<readonly Row[]> {
    try {
      return this.#openSource().reads.run<Row>(statement, parameters);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Lends one connection to a function, for statements that belong to the same connection.
   *
   * @example
   * await database.session(async db => db.selectFrom('users').selectAll().execute());
   */
  session<Result>(work: (db: Kysely<Schema>) => Promise<Result>, options: LoanOptions = {}): Promise<Result> {
    const { signal } = options;
    if (signal === undefined) return this.#loan(work, undefined);
    return this.#loan(async db => {
      await connectionOf(db, async connection => connection.stopOn(signal));
      return await work(db);
    }, signal);
  }

  /**
   * Runs a function in a transaction: committed when it returns, rolled back when it throws.
   *
   * **The function must be repeatable.** When the transaction lost against others (serialization failure, deadlock), it
   * was rolled back and is run again from the start, up to `maxAttempts` times in all, after a short wait with jitter,
   * never past the deadline, and not for a caller who retries already. Whatever the function did outside of the
   * transaction is done again: so let it send and change nothing else, or give `maxAttempts: 1`.
   *
   * With `within` it is a part of another transaction, which is taken back alone when the function throws.
   *
   * @throws {TransactionAbortedError} when a statement failed and the function returned all the same.
   * @throws {SerializationError} when it lost each time. @throws {DeadlockError} likewise.
   * @example
   * await database.transaction(async transaction => {
   *   await transaction.insertInto('users').values({ email: 'ada@example.com' }).execute();
   *   await database.transaction(part => addToNewsletter(part), { within: transaction }).catch(report);
   * }, { isolationLevel: 'serializable' });
   */
  transaction<Result>(
    work: (transaction: Transaction<Schema>) => Promise<Result>,
    options: TransactionOptions<Schema> = {},
  ): Promise<Result> {
    return options.within === undefined ? this.#transactions.run(work, options) : runPart(work, options);
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
   * Brings the schema up to date: runs what has not run yet, in order, each in a transaction unless it says
   * `transaction: false`. Only one process at a time does so; the others wait.
   *
   * @throws {MigrationDriftError} when what ran before is not what is given now.
   * @throws {MigrationError} when one fails; it says what became of its work, and those before it stay.
   */
  migrate(migrations: readonly Migration[], options: MigrateOptions = {}): Promise<MigrationReport> {
    const { clock } = this.#options;
    return this.#unhurried(db => migrateUp(db, migrations, options, clock), options.signal);
  }

  /** Takes migrations back, the newest first, until the one named `to` is the last. `to: null` takes back all. */
  migrateDown(migrations: readonly Migration[], options: DownOptions): Promise<MigrationReport> {
    const { clock } = this.#options;
    return this.#unhurried(db => migrateDown(db, migrations, options, clock), options.signal);
  }

  /** The connections at this moment, to the primary. */
  poolStats(): PoolStats {
    return this.#source?.stats ?? { total: 0, idle: 0, active: 0, waiting: 0 };
  }

  /** The replicas with their connections at this moment. Empty without any. */
  replicaStats(): readonly ReplicaStatus[] {
    return this.#replicas?.status ?? [];
  }

  /** Whether the database answers `SELECT 1` in time. Never throws. */
  async validateConnection(options: HealthCheckOptions = {}): Promise<boolean> {
    return (await this.healthCheck(options)).healthy;
  }

  /**
   * Asks the database for an answer and tells how that went, after `timeoutMs` at the latest. Never throws. A pool that is
   * full is told as `saturated`, and the server is then asked on a connection beside it.
   *
   * @example
   * const { healthy, saturated, latencyMs } = await database.healthCheck({ timeoutMs: 500 });
   */
  async healthCheck(options: HealthCheckOptions = {}): Promise<DatabaseHealth> {
    const { clock } = this.#options;
    const startMs = clock.monotonic();
    const sources = { pool: () => this.#openSource(), beside: () => this.#askBeside(), clock };
    const found = await checkHealth(sources, options);
    const latencyMs = clock.monotonic() - startMs;
    return { ...found, latencyMs, engine: this.engine, pool: this.poolStats(), replicas: this.replicaStats() };
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
    const { server, directory, clock } = this.#options;
    if (server === undefined) {
      const onFailure = (error: PlinthError): void => {
        this.#events.emit('connection-error', { error, attempt: 0 });
        if (this.#state === 'open') this.#moveTo('failed');
      };
      const engine = await startEmbeddedEngine({ directory, clock, onFailure, signal });
      this.#embedded = engine;
      this.#source = openEmbeddedSource(engine, this.#sources());
      await ping(this.#source);
    } else {
      const { replicas } = this.#options;
      const onWrite = replicas.length === 0 ? undefined : () => this.#replicas?.noteWrite();
      this.#source = openServerSource(server, this.#sources(), { onWrite });
      this.#watch = openWatch(server, this.#sources());
      await this.#connect(signal);
      if (replicas.length > 0) this.#replicas = openReplicas(server, replicas, this.#sources(), () => this.#lend());
      this.#replicas?.start();
    }
    if (this.#state === 'opening') this.#moveTo('open');
  }

  async #connect(signal: AbortSignal): Promise<void> {
    const { maxConnectAttempts, connectDeadlineMs, clock, random } = this.#options;
    await connectPatiently({
      connect: () => ping(this.#openSource()),
      onFailure: (error, attempt) => this.#events.emit('connection-error', { error, attempt }),
      maxAttempts: maxConnectAttempts,
      deadlineMs: connectDeadlineMs,
      clock,
      random,
      signal,
    });
  }

  async #close(): Promise<void> {
    this.#moveTo('closing');
    this.#lifetime.abort(closedError('closing'));
    await this.#opening?.catch(() => undefined);
    await this.#tearDown(this.#options.drainTimeoutMs);
    this.#moveTo('closed');
  }

  /** Ends pools and engine, gently when everything comes back in time. */
  async #tearDown(drainTimeoutMs: number): Promise<void> {
    const [source, watch, replicas, embedded] = [this.#source, this.#watch, this.#replicas, this.#embedded];
    this.#source = undefined;
    this.#watch = undefined;
    this.#replicas = undefined;
    this.#embedded = undefined;
    const draining = source === undefined || source.drain(drainTimeoutMs);
    const watching = watch && closeSource(watch, 0);
    const [isDrained] = await Promise.all([draining, watching, replicas?.close(drainTimeoutMs)]);
    if (!isDrained) source?.breakOff();
    await (isDrained ? embedded?.close() : embedded?.terminate());
  }

  #sources(): SourceContext {
    return { options: this.#options, events: this.#events, closing: this.#lifetime.signal };
  }

  #openSource(): ConnectionSource {
    if (this.#source !== undefined && this.#state !== 'closing') return this.#source;
    throw closedError(this.#state);
  }

  async #lend(): Promise<LentConnection> {
    return await this.#openSource().lend();
  }

  #reader(after: string | undefined): Kysely<Schema> {
    return new Kysely<Schema>({
      dialect: createDialect(async () => {
        const source = this.#openSource();
        if (this.#replicas !== undefined) return await this.#replicas.lend(after);
        return new ReadConnection(await source.lend(), undefined);
      }),
    });
  }

  #loan<Result>(work: (db: Kysely<Schema>) => Promise<Result>, signal: AbortSignal | undefined): Promise<Result> {
    return waitForLoan(
      begun =>
        this.#kysely.connection().execute(async db => {
          begun();
          return await work(db);
        }),
      signal,
    );
  }

  /** A loan that no deadline ends, and a signal only where the work looks at it: it holds a lock that it must give back. */
  #unhurried<Result>(work: (db: Kysely<Schema>) => Promise<Result>, signal: AbortSignal | undefined): Promise<Result> {
    return runWithRequestContext({ deadlineMs: undefined }, () => this.#loan(work, signal));
  }

  /** The embedded engine has no second connection: it is well as long as it has not ended. */
  async #askBeside(): Promise<void> {
    this.#openSource();
    if (this.#watch !== undefined) return await ping(this.#watch);
    if (this.#state === 'failed') throw new ConnectionLostError('The embedded engine has ended');
  }

  #moveTo(state: DatabaseState): void {
    const previous = this.#state;
    this.#state = state;
    if (this.#events.has('state')) this.#events.emit('state', { state, previous, engine: this.engine });
  }
}

function closedError(state: DatabaseState): DatabaseClosedError {
  return new DatabaseClosedError(`The database manager is ${state}: ${adviceOn(state)}`);
}

function adviceOn(state: DatabaseState): string {
  if (state === 'failed') return 'its embedded engine has ended. Close it, and open a new manager';
  return state === 'new' || state === 'opening' ? 'await open() first' : 'it lends no more connections';
}
