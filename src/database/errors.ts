import { type ErrorOptions, FailedError, RejectedError } from '../errors/index.ts';

/** What a {@link DatabaseError} knows about where it happened: names of the schema, never values. */
export interface DatabaseErrorFacts {
  /** The five characters by which PostgreSQL names the error, such as `23505`. @default none */
  readonly sqlState?: string | undefined;
  /** The schema of the table. @default none */
  readonly schema?: string | undefined;
  /** The table that the statement touched. @default none */
  readonly table?: string | undefined;
  /** The column that was wrong. @default none */
  readonly column?: string | undefined;
  /** The constraint that was violated. @default none */
  readonly constraint?: string | undefined;
}

/** How a {@link DatabaseError} is built. */
export interface DatabaseErrorOptions extends ErrorOptions, DatabaseErrorFacts {
  /** The error as the driver gave it. Kept out of logs, because it may hold values. @default none */
  readonly original?: unknown;
}

/**
 * The base of every failure of the database. Its message and its fields hold names of the schema, and words of the
 * statement's own text, only: what the statement was given as parameters, and the detail text in which PostgreSQL quotes
 * rows, stay in {@link DatabaseError.original}.
 *
 * @example
 * try {
 *   await database.db.insertInto('users').values({ email }).execute();
 * } catch (error) {
 *   if (error instanceof UniqueViolationError) throw new DuplicateError('User', error.column ?? 'email', email, { cause: error });
 *   throw error;
 * }
 */
export class DatabaseError extends FailedError {
  /** The five characters by which PostgreSQL names the error. */
  readonly sqlState: string | undefined;
  /** The schema of the table. */
  readonly schema: string | undefined;
  /** The table that the statement touched. */
  readonly table: string | undefined;
  /** The column that was wrong. */
  readonly column: string | undefined;
  /** The constraint that was violated. */
  readonly constraint: string | undefined;
  /**
   * The error as the driver gave it, with PostgreSQL's detail text. Not enumerable and not the `cause`, so that loggers
   * and inspectors do not print the values in it: read it on purpose only.
   */
  declare readonly original: unknown;

  constructor(message: string, code = 'DATABASE_ERROR', options: DatabaseErrorOptions = {}) {
    const { sqlState, schema, table, column, constraint, original } = options;
    const facts = { sql_state: sqlState, schema, table, column, constraint };
    const known = Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined));
    super(message, code, { ...options, details: { ...known, ...options.details } });
    this.sqlState = sqlState;
    this.schema = schema;
    this.table = table;
    this.column = column;
    this.constraint = constraint;
    Object.defineProperty(this, 'original', { value: original, enumerable: false });
  }
}

/**
 * A statement failed for a reason that has no class of its own; `sqlState` says which. Retryable when memory was short
 * (53200), and in a transaction whose prepared statement did not fit its table any more (0A000, 26000).
 */
export class QueryError extends DatabaseError {
  constructor(message: string, options: DatabaseErrorOptions = {}, code = 'QUERY_FAILED') {
    super(message, code, options);
  }
}

/** A value does not fit its type or its range: `abc` as a number, a number too large (class 22, such as 22P02, 22003). */
export class InvalidValueError extends QueryError {
  constructor(message: string, options: DatabaseErrorOptions = {}) {
    super(message, options, 'INVALID_VALUE');
  }
}

/** The user of the connection may not do that (42501). */
export class InsufficientPrivilegeError extends QueryError {
  constructor(message: string, options: DatabaseErrorOptions = {}) {
    super(message, options, 'INSUFFICIENT_PRIVILEGE');
  }
}

/** The statement names a table, a column, a function or a schema that does not exist (42P01, 42703, 42883, 3F000). */
export class UndefinedObjectError extends QueryError {
  constructor(message: string, options: DatabaseErrorOptions = {}) {
    super(message, options, 'UNDEFINED_OBJECT');
  }
}

/** Somebody holds the lock, and the statement was not to wait for it, or no longer (55P03). Retryable. */
export class LockNotAvailableError extends QueryError {
  constructor(message: string, options: DatabaseErrorOptions = {}) {
    super(message, { retryable: true, ...options }, 'LOCK_NOT_AVAILABLE');
  }
}

/** A write in a transaction, or on a server, that only reads (25006). */
export class ReadOnlyTransactionError extends QueryError {
  constructor(message: string, options: DatabaseErrorOptions = {}) {
    super(message, options, 'READ_ONLY_TRANSACTION');
  }
}

/** The server takes no more connections (53300). Retryable. */
export class TooManyConnectionsError extends QueryError {
  constructor(message: string, options: DatabaseErrorOptions = {}) {
    super(message, { retryable: true, ...options }, 'TOO_MANY_CONNECTIONS');
  }
}

/** The way to the server could not be encrypted, or the server could not prove who it is. Waiting does not help. */
export class DatabaseTlsError extends DatabaseError {
  constructor(message: string, options: DatabaseErrorOptions = {}) {
    super(message, 'DATABASE_TLS', options);
  }
}

/** A row with the same unique value exists already (23505). */
export class UniqueViolationError extends DatabaseError {
  constructor(message: string, options: DatabaseErrorOptions = {}) {
    super(message, 'UNIQUE_VIOLATION', options);
  }
}

/** A row points to a row that does not exist, or is still pointed to (23503, 23001). */
export class ForeignKeyViolationError extends DatabaseError {
  constructor(message: string, options: DatabaseErrorOptions = {}) {
    super(message, 'FOREIGN_KEY_VIOLATION', options);
  }
}

/** A row collides with another one, as an exclusion constraint compares them (23P01): two bookings of one room. */
export class ExclusionViolationError extends DatabaseError {
  constructor(message: string, options: DatabaseErrorOptions = {}) {
    super(message, 'EXCLUSION_VIOLATION', options);
  }
}

/** A row does not fulfil a check constraint (23514). */
export class CheckViolationError extends DatabaseError {
  constructor(message: string, options: DatabaseErrorOptions = {}) {
    super(message, 'CHECK_VIOLATION', options);
  }
}

/** A column that needs a value was given none (23502). */
export class NotNullViolationError extends DatabaseError {
  constructor(message: string, options: DatabaseErrorOptions = {}) {
    super(message, 'NOT_NULL_VIOLATION', options);
  }
}

/** Two transactions could not be put into an order (40001). Retryable: run the whole transaction again. */
export class SerializationError extends DatabaseError {
  constructor(message: string, options: DatabaseErrorOptions = {}) {
    super(message, 'SERIALIZATION_FAILURE', { retryable: true, ...options });
  }
}

/** Two transactions waited for each other and this one was chosen to give way (40P01). Retryable: run it again. */
export class DeadlockError extends DatabaseError {
  constructor(message: string, options: DatabaseErrorOptions = {}) {
    super(message, 'DEADLOCK', { retryable: true, ...options });
  }
}

/**
 * A statement was cancelled, because a limit of time or the deadline of the request was reached, or somebody asked for it
 * (57014). It had no effect.
 */
export class QueryTimeoutError extends DatabaseError {
  constructor(message: string, options: DatabaseErrorOptions = {}) {
    super(message, 'QUERY_TIMEOUT', options);
  }
}

/** How a {@link ConnectionLostError} is built. */
export interface ConnectionLostErrorOptions extends DatabaseErrorOptions {
  /** Whether nobody can say if the work took effect. @default false */
  readonly outcomeUnknown?: boolean | undefined;
}

/**
 * The database could not be reached, or the connection broke. Retryable, unless the answer to a write or to a COMMIT was
 * lost: then `outcomeUnknown` is true, and only the caller can know whether the same call may be made twice.
 */
export class ConnectionLostError extends DatabaseError {
  /** Whether the statement or the commit may have taken effect without its answer having arrived. */
  readonly outcomeUnknown: boolean;

  constructor(message: string, options: ConnectionLostErrorOptions = {}) {
    const outcomeUnknown = options.outcomeUnknown ?? false;
    super(message, 'CONNECTION_LOST', { retryable: !outcomeUnknown, ...options });
    this.outcomeUnknown = outcomeUnknown;
  }
}

/** A transaction in which a statement had failed was committed all the same: PostgreSQL rolled it back. */
export class TransactionAbortedError extends DatabaseError {
  constructor(options: DatabaseErrorOptions = {}) {
    super(
      'The transaction was rolled back instead of committed, because a statement in it had failed and its error was ' +
        'caught inside the transaction. Let the error leave the transaction, or run the statement outside of it',
      'TRANSACTION_ABORTED',
      options,
    );
  }
}

/** The folder of the embedded database is in use by another process, or by another manager of this one. */
export class DatabaseLockedError extends DatabaseError {
  /** The folder. */
  readonly directory: string;
  /** The process that holds it, when it is known. */
  readonly pid: number | undefined;

  constructor(message: string, directory: string, pid: number | undefined, options: DatabaseErrorOptions = {}) {
    super(message, 'DATABASE_LOCKED', { ...options, details: { directory, pid, ...options.details } });
    this.directory = directory;
    this.pid = pid;
  }
}

/** The folder of the embedded database cannot be used. It was left as it is. */
export class DatabaseFolderError extends DatabaseError {
  /** The folder. */
  readonly directory: string;

  constructor(message: string, directory: string, options: DatabaseErrorOptions = {}) {
    super(message, 'DATABASE_FOLDER_UNUSABLE', { ...options, details: { directory, ...options.details } });
    this.directory = directory;
  }
}

/** A migration failed; the message tells whether it was rolled back. Those before it stay. */
export class MigrationError extends DatabaseError {
  /** The migration. */
  readonly migration: string;

  constructor(message: string, migration: string, options: DatabaseErrorOptions = {}) {
    super(message, 'MIGRATION_FAILED', { ...options, details: { migration, ...options.details } });
    this.migration = migration;
  }
}

/** The migrations of the program and those that ran on the database are not the same. Nothing was run. */
export class MigrationDriftError extends DatabaseError {
  /** The first migration that differs. */
  readonly migration: string;

  constructor(message: string, migration: string, options: DatabaseErrorOptions = {}) {
    super(message, 'MIGRATION_DRIFT', { ...options, details: { migration, ...options.details } });
    this.migration = migration;
  }
}

/**
 * No connection became free in time. A refusal of our own: it says nothing about the health of the database. What to do
 * about it is in `advice`, which no client is told.
 */
export class AcquireTimeoutError extends RejectedError {
  /** How long was waited, in milliseconds. */
  readonly timeoutMs: number;
  /** What whoever runs the service can do about it. */
  readonly advice: string;

  constructor(message: string, timeoutMs: number, advice: string, options: ErrorOptions = {}) {
    super(message, 'full', { retryable: true, ...options });
    this.timeoutMs = timeoutMs;
    this.advice = advice;
  }
}

/** The manager is not open: {@link DatabaseManager.open} was not called, or `close` was. */
export class DatabaseClosedError extends RejectedError {
  constructor(message: string, options: ErrorOptions = {}) {
    super(message, 'closed', options);
  }
}
