import type { DatabaseConnection, TransactionSettings } from 'kysely';

/** A connection on loan, as the driver needs it: statements, the ends of transactions, and the way back. */
export interface LentConnection extends DatabaseConnection {
  begin(settings: TransactionSettings): Promise<void>;
  /**
   * Ends the transaction, or of a part keeps what it did.
   *
   * @throws {TransactionAbortedError} when PostgreSQL rolled back instead.
   * @throws {RejectedError} when the deadline of the request has passed: nothing is committed.
   */
  commit(): Promise<void>;
  /**
   * Takes back what the transaction, or the part, did. Never fails, so that it does not hide why there was something to
   * take back: where it cannot take back a part, the whole transaction is lost.
   */
  rollback(): Promise<void>;
  /**
   * Begins a part of the transaction that can be taken back alone. Until the end of the part only the connection that is
   * given here takes statements.
   *
   * @throws {ArgumentError} when a part is open already, or no transaction is.
   */
  part(): Promise<LentConnection>;
  /** From now on the signal cancels the running statement and refuses further ones, the commit included. */
  stopOn(signal: AbortSignal): void;
  /** From now on each statement is sent with its text, also when the connection knows it by a name. */
  withoutNames(): void;
  release(): Promise<void>;
}
