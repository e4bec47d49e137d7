import type { CompiledQuery, QueryResult, TransactionSettings } from 'kysely';
import { ArgumentError } from '../errors/index.ts';
import { ConnectionLostError, SerializationError } from './errors.ts';
import type { LentConnection } from './lent-connection.ts';

/** Where a read goes that the replica could not answer. */
export interface FailOver {
  /** Lends a connection to the primary. */
  readonly toPrimary: () => Promise<LentConnection>;
  /** Told that the replica is gone. */
  readonly onLost: (error: ConnectionLostError) => void;
}

/**
 * A connection for reads. The first statement of a loan goes to the primary when the replica cannot answer it; later
 * ones cannot, for they may build on what the first one saw or set.
 */
export class ReadConnection implements LentConnection {
  #connection: LentConnection;
  /** Not there when the connection is to the primary already, or a statement was answered. */
  #failOver: FailOver | undefined;

  constructor(connection: LentConnection, failOver: FailOver | undefined) {
    this.#connection = connection;
    this.#failOver = failOver;
  }

  executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    const { kind } = query.query;
    if (kind !== 'SelectQueryNode' && kind !== 'RawNode') {
      const message = `Cannot run a statement of kind ${kind.replace(/QueryNode$|Node$/, '')} by read: write with db or transaction`;
      return Promise.reject(new ArgumentError(message, 'read'));
    }
    return this.#withFailOver(connection => connection.executeQuery<Row>(query));
  }

  streamQuery<Row>(query: CompiledQuery): AsyncIterableIterator<QueryResult<Row>> {
    return this.#connection.streamQuery<Row>(query, 1);
  }

  begin({ isolationLevel }: TransactionSettings): Promise<void> {
    // A replica refuses writes, and so the primary shall when it stands in for one.
    const settings: TransactionSettings = { accessMode: 'read only', ...(isolationLevel && { isolationLevel }) };
    return this.#withFailOver(connection => connection.begin(settings));
  }

  commit(): Promise<void> {
    return this.#connection.commit();
  }

  rollback(): Promise<void> {
    return this.#connection.rollback();
  }

  savepoint(name: string): Promise<void> {
    return this.#connection.savepoint(name);
  }

  releaseSavepoint(name: string): Promise<void> {
    return this.#connection.releaseSavepoint(name);
  }

  rollbackToSavepoint(name: string): Promise<void> {
    return this.#connection.rollbackToSavepoint(name);
  }

  stopOn(signal: AbortSignal): void {
    this.#connection.stopOn(signal);
  }

  release(): Promise<void> {
    return this.#connection.release();
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
      await replica.release();
      return await run(primary);
    }
  }
}

/** Gone, or its replay needed the rows that the read was reading (40001). */
function isOfReplica(error: unknown): boolean {
  return error instanceof ConnectionLostError || error instanceof SerializationError;
}
