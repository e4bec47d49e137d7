import type { DatabaseConnection, TransactionSettings } from 'kysely';

/** A connection on loan, as the driver needs it: statements, the ends of transactions, and the way back. */
export interface LentConnection extends DatabaseConnection {
  begin(settings: TransactionSettings): Promise<void>;
  /** @throws {TransactionAbortedError} when PostgreSQL rolled back instead. */
  commit(): Promise<void>;
  /** Never fails, so that it does not hide why there was something to roll back. */
  rollback(): Promise<void>;
  /** Begins a part of a transaction that can be taken back alone. */
  savepoint(name: string): Promise<void>;
  /** Keeps what was done since the savepoint. @throws {TransactionAbortedError} when a statement had failed. */
  releaseSavepoint(name: string): Promise<void>;
  /** Takes back what was done since the savepoint. Never fails: where it cannot, the whole transaction is lost. */
  rollbackToSavepoint(name: string): Promise<void>;
  /** From now on the signal cancels the running statement and refuses further ones. */
  stopOn(signal: AbortSignal): void;
  release(): Promise<void>;
}
