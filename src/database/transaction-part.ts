import type { CompiledQuery, QueryResult } from 'kysely';
import { ArgumentError } from '../errors/index.ts';
import type { LentConnection } from './lent-connection.ts';

/** A connection as those parts see it that are open on it. */
export interface PartOwner {
  /** Runs a statement for the innermost part, and refuses it for any other. */
  executeIn<Row>(part: TransactionPart, query: CompiledQuery): Promise<QueryResult<Row>>;
  streamQuery<Row>(): AsyncIterableIterator<QueryResult<Row>>;
  partIn(part: TransactionPart): Promise<TransactionPart>;
  keep(part: TransactionPart): Promise<void>;
  takeBack(part: TransactionPart): Promise<void>;
  stopOn(signal: AbortSignal): void;
  withoutNames(): void;
}

/**
 * The connection of a transaction, from a savepoint to its end. PostgreSQL stacks savepoints: what is sent for the whole
 * while a part is open would be taken back with the part, so only the innermost part is let through.
 */
export class TransactionPart implements LentConnection {
  /** The savepoint. */
  readonly name: string;
  /** What it is a part of, when that is a part, too. */
  readonly parent: TransactionPart | undefined;
  readonly #owner: PartOwner;

  constructor(owner: PartOwner, parent: TransactionPart | undefined) {
    this.name = parent === undefined ? 'plinth_part' : `${parent.name}_part`;
    this.parent = parent;
    this.#owner = owner;
  }

  executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    return this.#owner.executeIn<Row>(this, query);
  }

  streamQuery<Row>(): AsyncIterableIterator<QueryResult<Row>> {
    return this.#owner.streamQuery<Row>();
  }

  begin(): Promise<void> {
    const message = 'Cannot begin a transaction in a part of one: use transaction of the manager with within';
    return Promise.reject(new ArgumentError(message, 'within'));
  }

  commit(): Promise<void> {
    return this.#owner.keep(this);
  }

  rollback(): Promise<void> {
    return this.#owner.takeBack(this);
  }

  part(): Promise<LentConnection> {
    return this.#owner.partIn(this);
  }

  stopOn(signal: AbortSignal): void {
    this.#owner.stopOn(signal);
  }

  withoutNames(): void {
    this.#owner.withoutNames();
  }

  /** The connection goes back with the whole transaction. */
  async release(): Promise<void> {}
}
