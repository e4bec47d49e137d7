import type { CompiledQuery, QueryResult, TransactionSettings } from 'kysely';
import { ArgumentError } from '../errors/index.ts';
import { ConnectionLostError, SerializationError } from './errors.ts';
import type { LentConnection } from './lent-connection.ts';
import { assertNoTransactionControl, mayWrite } from './statement-text.ts';

/** Where a read goes that the replica could not answer. */
export interface FailOver {
  /** Lends a connection to the primary. */
  readonly toPrimary: () => Promise<LentConnection>;
  /** Told that the replica is gone. */
  readonly onLost: (error: ConnectionLostError) => void;
}

/**
 * A connection for reads. The first statement of a loan goes to the primary when the replica cannot answer it; later
 * ones cannot, for they may build on what the first one saw or set. The primary refuses writes as a replica does: what
 * may write runs in a transaction that only reads.
 */
export class ReadConnection implements LentConnection {
  #connection: LentConnection;
  /** Not there when the connection is to the primary already, or a statement was answered. */
  #failOver: FailOver | undefined;
  /** Whether the connection is to a server that would write. */
  #isToPrimary: boolean;
  #isInTransaction = false;

  constructor(connection: LentConnection, failOver: FailOver | undefined) {
    this.#connection = connection;
    this.#failOver = failOver;
    this.#isToPrimary = failOver === undefined;
  }

  async executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    const { kind } = query.query;
    if (kind !== 'SelectQueryNode' && kind !== 'RawNode') {
      const message = `Cannot run a statement of kind ${kind.replace(/QueryNode$|Node$/, '')} by read: write with db or transaction`;
      throw new ArgumentError(message, 'read');
    }
    assertNoTransactionControl(query);
    return await this.#withFailOver(connection => this.#execute<Row>(connection, query));
  }

  streamQuery<Row>(query: CompiledQuery): AsyncIterableIterator<QueryResult<Row>> {
    return this.#connection.streamQuery<Row>(query, 1);
  }

  async begin({ isolationLevel }: TransactionSettings): Promise<void> {
    const settings: TransactionSettings = { accessMode: 'read only', ...(isolationLevel && { isolationLevel }) };
    await this.#withFailOver(connection => connection.begin(settings));
    this.#isInTransaction = true;
  }

  commit(): Promise<void> {
    this.#isInTransaction = false;
    return this.#connection.commit();
  }

  rollback(): Promise<void> {
    this.#isInTransaction = false;
    return this.#connection.rollback();
  }

  part(): Promise<LentConnection> {
    return this.#connection.part();
  }

  stopOn(signal: AbortSignal): void {
    this.#connection.stopOn(signal);
  }

  withoutNames(): void {
    this.#connection.withoutNames();
  }

  release(): Promise<void> {
    return this.#connection.release();
  }

  async #execute<Row>(connection: LentConnection, query: CompiledQuery): Promise<QueryResult<Row>> {
    if (!this.#isToPrimary || this.#isInTransaction || !mayWrite(query))
      return await connection.executeQuery<Row>(query);
    await connection.begin({ accessMode: 'read only' });
    try {
      const result = await connection.executeQuery<Row>(query);
      await connection.commit();
      return result;
    } catch (error) {
      await connection.rollback();
      throw error;
    }
  }

  async #withFailOver<Result>(run: (connection: LentConnection) => Promise<Result>): Promise<Result> {
    const failOver = this.#failOver;
    this.#failOver = undefined;
    try {
      return await run(this.#connection);
    } catch (error) {
      if (failOver === undefined || !isOfReplica(error)) throw error;
      if (error instanceof ConnectionLostError) failOver.onLost(error);
      const primary = await failOver.toPrimary();
      const replica = this.#connection;
      this.#connection = primary;
      this.#isToPrimary = true;
      await replica.release();
      return await run(primary);
    }
  }
}

/** Gone, or its replay needed the rows that the read was reading (40001). */
function isOfReplica(error: unknown): boolean {
  return error instanceof ConnectionLostError || error instanceof SerializationError;
}
