import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
  type TransactionSettings,
} from 'kysely';
import type { QueryResult as DriverResult, Pool, PoolClient } from 'pg';
import { ArgumentError, type PlinthError } from '../errors/index.ts';
import { type Clock, type Events, untilAborted } from '../kernel/index.ts';
import { toDatabaseError } from './error-translation.ts';
import { AcquireTimeoutError, ConnectionLostError, TransactionAbortedError } from './errors.ts';
import type { DatabaseEvents } from './events.ts';

/** What the driver needs of its manager. */
export interface DriverOptions {
  /** The pool that connections are taken from. */
  readonly pool: () => Pool;
  /** Fires when the manager closes: the pool forgets those who wait in its queue, so their wait ends here. */
  readonly closing: AbortSignal;
  /** How long the pool waits for a free connection, in milliseconds; for the message. */
  readonly acquireTimeoutMs: number;
  /** Said to those who wait in vain. */
  readonly acquireAdvice: string;
  /** Statements slower than this are told as `slow-query`, in milliseconds. */
  readonly slowQueryMs: number;
  /** Where statements are told. */
  readonly events: Events<DatabaseEvents>;
  /** Measures durations. */
  readonly clock: Clock;
}

/**
 * Kysely's PostgreSQL dialect with a driver of our own: the one place through which every statement goes, and so the
 * one place that turns errors into ours, measures, and returns connections clean.
 */
export function createDialect(options: DriverOptions): Dialect {
  return {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new PooledDriver(options),
    createIntrospector: db => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  };
}

class PooledDriver implements Driver {
  readonly #options: DriverOptions;

  constructor(options: DriverOptions) {
    this.#options = options;
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    const { pool, closing } = this.#options;
    const arriving = pool().connect();
    try {
      return new PooledConnection(await untilAborted(arriving, closing), this.#options);
    } catch (error) {
      arriving.then(
        client => client.release(),
        () => undefined,
      );
      throw this.#acquireError(error);
    }
  }

  async beginTransaction(connection: DatabaseConnection, settings: TransactionSettings): Promise<void> {
    const isolation = settings.isolationLevel === undefined ? '' : ` isolation level ${settings.isolationLevel}`;
    const access = settings.accessMode === undefined ? '' : ` ${settings.accessMode}`;
    await (connection as PooledConnection).run(`start transaction${isolation}${access}`);
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    const { command } = await (connection as PooledConnection).run('commit', { outcomeMatters: true });
    if (command === 'ROLLBACK') throw new TransactionAbortedError();
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    await (connection as PooledConnection).rollback();
  }

  async releaseConnection(connection: DatabaseConnection): Promise<void> {
    await (connection as PooledConnection).release();
  }

  /** The pool belongs to the manager, which closes it. */
  async destroy(): Promise<void> {}

  #acquireError(error: unknown): PlinthError {
    if (error instanceof Error && error.message === 'timeout exceeded when trying to connect') {
      const { acquireTimeoutMs, acquireAdvice } = this.#options;
      return new AcquireTimeoutError(
        `No database connection became free within ${acquireTimeoutMs} ms. ${acquireAdvice}`,
        acquireTimeoutMs,
      );
    }
    return toDatabaseError(error);
  }
}

class PooledConnection implements DatabaseConnection {
  readonly #client: PoolClient;
  readonly #options: DriverOptions;
  #broken = false;

  constructor(client: PoolClient, options: DriverOptions) {
    this.#client = client;
    this.#options = options;
  }

  async executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    const outcomeMatters = query.query.kind !== 'SelectQueryNode' && !this.#isInTransaction();
    const result = await this.run<Row & object>(query.sql, { parameters: query.parameters, outcomeMatters });
    return changingCommands.has(result.command)
      ? { rows: result.rows, numAffectedRows: BigInt(result.rowCount ?? 0) }
      : { rows: result.rows };
  }

  // biome-ignore lint/correctness/useYield: Kysely asks for the method, and it refuses.
  async *streamQuery<Row>(): AsyncIterableIterator<QueryResult<Row>> {
    throw new ArgumentError('Streaming is not available: read pages with a limit and a key instead', 'stream');
  }

  /** Runs one text, with parameters or, without any, several statements, of which the last result is given. */
  async run<Row extends object>(
    sql: string,
    { parameters = [], outcomeMatters = false }: { parameters?: readonly unknown[]; outcomeMatters?: boolean } = {},
  ): Promise<DriverResult<Row>> {
    const startMs = this.#options.clock.monotonic();
    try {
      // Without parameters the driver speaks the simple protocol, the only one that takes several statements.
      const answer: DriverResult<Row> | DriverResult<Row>[] =
        parameters.length === 0
          ? await this.#client.query<Row>(sql)
          : await this.#client.query<Row>(sql, [...parameters]);
      const result = Array.isArray(answer) ? (answer.at(-1) as DriverResult<Row>) : answer;
      this.#observe(sql, startMs, result.rowCount ?? 0);
      return result;
    } catch (cause) {
      const error = toDatabaseError(cause, { outcomeUnknown: outcomeMatters });
      if (error instanceof ConnectionLostError) this.#broken = true;
      this.#observe(sql, startMs, 0, error);
      throw error;
    }
  }

  /** Never fails, so that it does not hide why there was something to roll back: a connection that cannot is closed. */
  async rollback(): Promise<void> {
    if (this.#broken) return;
    try {
      await this.run('rollback');
    } catch {
      this.#broken = true;
    }
  }

  async release(): Promise<void> {
    if (this.#isInTransaction()) await this.rollback();
    this.#client.release(this.#broken);
  }

  #isInTransaction(): boolean {
    const status = this.#client.getTransactionStatus();
    return status === 'T' || status === 'E';
  }

  #observe(sql: string, startMs: number, rows: number, error?: PlinthError): void {
    const { events, clock, slowQueryMs } = this.#options;
    const durationMs = clock.monotonic() - startMs;
    const isSlow = durationMs >= slowQueryMs && events.has('slow-query');
    if (!isSlow && !events.has('query')) return;
    const event = { sql, durationMs, rows, ...(error === undefined ? {} : { error }) };
    events.emit('query', event);
    if (isSlow) events.emit('slow-query', { ...event, thresholdMs: slowQueryMs });
  }
}

const changingCommands: ReadonlySet<string> = new Set(['INSERT', 'UPDATE', 'DELETE', 'MERGE']);
