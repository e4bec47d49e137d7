import type { PlinthError } from '../errors/index.ts';

/** Which engine answers: PGlite inside the process, or a PostgreSQL server. */
export type DatabaseEngine = 'embedded' | 'postgresql';

/** Where a manager is in its life. `failed` means that the embedded engine died: close the manager and open a new one. */
export type DatabaseState = 'new' | 'opening' | 'open' | 'failed' | 'closing' | 'closed';

/** One statement that was run. */
export interface QueryEvent {
  /** The text of the statement, with `$1` in place of parameters. */
  readonly sql: string;
  /** How long it took, in milliseconds. */
  readonly durationMs: number;
  /** How many rows it returned or changed. 0 when it failed. */
  readonly rows: number;
  /** Why it failed. */
  readonly error?: PlinthError;
}

/** A statement that took longer than it should. */
export interface SlowQueryEvent extends QueryEvent {
  /** The threshold, in milliseconds. */
  readonly thresholdMs: number;
}

/** The manager moved to another part of its life. */
export interface DatabaseStateEvent {
  /** Where it is now. */
  readonly state: DatabaseState;
  /** Where it was. */
  readonly previous: DatabaseState;
  /** Which engine it uses. */
  readonly engine: DatabaseEngine;
}

/** A connection could not be made, or broke. */
export interface ConnectionErrorEvent {
  /** What happened. */
  readonly error: PlinthError;
  /** Which attempt of `open` this was, from 1; 0 for a connection that broke while the pool held it. */
  readonly attempt: number;
}

/** A transaction lost against others and is run again. */
export interface TransactionRetriedEvent {
  /** The attempt that failed, from 1. */
  readonly attempt: number;
  /** The wait before the next one, in milliseconds. */
  readonly delayMs: number;
  /** The serialization failure or the deadlock. */
  readonly error: unknown;
}

/**
 * What is known of a replica: `ready` answers reads; `lagging` is further behind than `maxReplicaLagMs`; `unreachable` did
 * not answer, or is no standby. All begin as `unknown`. Only those that are ready are asked.
 */
export type ReplicaState = 'unknown' | 'ready' | 'lagging' | 'unreachable';

/** A replica is asked from now on, or left out. */
export interface ReplicaEvent {
  /** Its host, port and database. */
  readonly name: string;
  /** What is known of it now. */
  readonly state: ReplicaState;
  /** What was known of it. */
  readonly previous: ReplicaState;
  /** How far it is behind, in milliseconds; `undefined` when that is not known. */
  readonly lagMs: number | undefined;
  /** Why it is unreachable. */
  readonly error?: PlinthError;
}

/** Everything that a {@link DatabaseManager} tells. */
export interface DatabaseEvents {
  /** Every statement. Subscribe to see the SQL ("echo"). */
  readonly query: QueryEvent;
  /** Statements beyond `slowQueryMs`. */
  readonly 'slow-query': SlowQueryEvent;
  /** Opening, open, closing, closed. */
  readonly state: DatabaseStateEvent;
  /** Failed attempts to connect, and idle connections that broke. */
  readonly 'connection-error': ConnectionErrorEvent;
  /** Transactions that are run again after a serialization failure or a deadlock. */
  readonly 'transaction-retried': TransactionRetriedEvent;
  /** Replicas that come in or are left out. */
  readonly replica: ReplicaEvent;
}
