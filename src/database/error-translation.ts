import { PlinthError } from '../errors/index.ts';
import {
  CheckViolationError,
  ConnectionLostError,
  type DatabaseErrorOptions,
  DatabaseTlsError,
  DeadlockError,
  ExclusionViolationError,
  ForeignKeyViolationError,
  InsufficientPrivilegeError,
  InvalidValueError,
  LockNotAvailableError,
  NotNullViolationError,
  QueryError,
  QueryTimeoutError,
  ReadOnlyTransactionError,
  SerializationError,
  TooManyConnectionsError,
  UndefinedObjectError,
  UniqueViolationError,
} from './errors.ts';
import { isStaleState } from './prepared-statement.ts';

/** What an error of the `pg` driver may carry. */
interface DriverError extends Error {
  readonly code?: unknown;
  readonly severity?: unknown;
  readonly syscall?: unknown;
  readonly schema?: string;
  readonly table?: string;
  readonly column?: string;
  readonly constraint?: string;
  readonly position?: string;
}

/** What was going on when the driver failed. */
export interface FailureSituation {
  /** Whether the answer that did not arrive may belong to work that took effect. @default false */
  readonly outcomeUnknown?: boolean | undefined;
  /** Whether the statement was sent by its name. @default false */
  readonly isNamed?: boolean | undefined;
  /** Whether the statement had parameters, whose values a message could quote. @default true */
  readonly hasParameters?: boolean | undefined;
}

/**
 * An error of the `pg` driver as one of ours. Errors that are ours already pass through.
 *
 * Messages of PostgreSQL are not copied as they are: in several classes they quote parameters of the statement, or rows.
 */
export function toDatabaseError(error: unknown, situation: FailureSituation = {}): PlinthError {
  if (error instanceof PlinthError) return ofEngine(error, situation);
  if (!(error instanceof Error)) return new QueryError('The driver failed without saying why', { original: error });
  const driverError = error as DriverError;
  const sqlState = sqlStateOf(driverError);
  if (sqlState !== undefined) return fromSqlState(driverError, sqlState, situation);
  if (isTlsFailure(driverError)) {
    const message = `The connection to the database could not be encrypted: ${driverError.message}`;
    return new DatabaseTlsError(message, { original: driverError });
  }
  if (isConnectionFailure(driverError)) {
    const { outcomeUnknown } = situation;
    const address = typeof driverError.code === 'string' ? ` (${driverError.code})` : '';
    return new ConnectionLostError(`The connection to the database was lost or could not be made${address}`, {
      cause: driverError,
      original: driverError,
      outcomeUnknown,
    });
  }
  return new QueryError(`The driver could not run the statement or read its answer (${driverError.name})`, {
    original: driverError,
  });
}

/** The embedded engine tells all that waits that it has ended, whatever each was waiting for. */
function ofEngine(error: PlinthError, { outcomeUnknown }: FailureSituation): PlinthError {
  if (!(error instanceof ConnectionLostError) || outcomeUnknown !== true || error.outcomeUnknown) return error;
  return new ConnectionLostError(error.message, { cause: error, original: error.original, outcomeUnknown });
}

function fromSqlState(error: DriverError, sqlState: string, situation: FailureSituation): PlinthError {
  const { schema, table, column, constraint } = error;
  const options: DatabaseErrorOptions = { sqlState, schema, table, column, constraint, original: error };
  const where = table === undefined ? '' : ` of table "${table}"`;
  const rule = constraint === undefined ? 'A constraint' : `Constraint "${constraint}"`;
  switch (sqlState) {
    case '23505':
      return new UniqueViolationError(`${rule}${where} allows each value once, and it exists already`, options);
    case '23503':
    case '23001':
      return new ForeignKeyViolationError(`${rule}${where} needs the row that is referred to`, options);
    case '23P01':
      return new ExclusionViolationError(`${rule}${where} does not allow this row beside another one`, options);
    case '23514':
      return new CheckViolationError(`${rule}${where} does not allow this row`, options);
    case '23502':
      return new NotNullViolationError(`Column "${column ?? '?'}"${where} needs a value and was given none`, options);
    case '40001':
      return new SerializationError('The transaction could not be serialized: run it again', options);
    case '40P01':
      return new DeadlockError('The transaction was part of a deadlock and gave way: run it again', options);
    case '42P05':
      return new QueryError(`The database refused the statement: ${nameIsTaken} (${sqlState})`, options);
    case '57014':
      return new QueryTimeoutError('The database cancelled the statement', options);
  }
  if (isConnectionState(sqlState, error)) {
    const message = `The database ended or refused the connection: ${error.message} (${sqlState})`;
    return new ConnectionLostError(message, { ...options, outcomeUnknown: situation.outcomeUnknown });
  }
  const reason = quotesParameters(error, sqlState, situation) ? withoutValues(sqlState) : error.message;
  const message = `The database refused the statement: ${reason} (${sqlState})`;
  const Class = queryErrors[sqlState] ?? (sqlState.startsWith('22') ? InvalidValueError : undefined);
  if (Class !== undefined) return new Class(message, options);
  // Out of memory: it may be there a moment later. A statement that is stale was not run, and is sent anew next time.
  const retryable = sqlState === '53200' || (situation.isNamed === true && isStaleState(sqlState, error));
  return new QueryError(message, { ...options, retryable });
}

/** Of a name of ours, which is made of the text and told to each connection once, only a pooler can be the cause. */
const nameIsTaken =
  'a prepared statement of its name is there already. Behind a pooler that shares connections, set preparedStatements to false';

/** Refusals that a caller may want to tell apart. */
const queryErrors: Readonly<Record<string, new (message: string, options: DatabaseErrorOptions) => QueryError>> = {
  '25006': ReadOnlyTransactionError,
  '3F000': UndefinedObjectError,
  '42501': InsufficientPrivilegeError,
  '42703': UndefinedObjectError,
  '42883': UndefinedObjectError,
  '42P01': UndefinedObjectError,
  '53300': TooManyConnectionsError,
  '55P03': LockNotAvailableError,
};

/** Classes whose messages are about log-ins, transactions, statements, resources and objects that exist: never of values. */
const classesWithoutValues: ReadonlySet<string> = new Set(['25', '26', '28', '53', '54', '55']);
/**
 * Classes whose messages name what a statement names: tables, columns, functions, roles, databases. Some functions take
 * such a name as a value, as in `current_setting($1)`.
 */
const classesOfNames: ReadonlySet<string> = new Set(['3D', '3F', '42']);

/** Whether the message of PostgreSQL may hold the value of a parameter, or of a row. */
function quotesParameters(error: DriverError, sqlState: string, { hasParameters }: FailureSituation): boolean {
  const sqlClass = sqlState.slice(0, 2);
  if (classesWithoutValues.has(sqlClass) || sqlState === '42501') return false;
  // Some of them quote what a function was given: a unit of time, the name of a table.
  if (sqlClass === '0A') return /[":«„“]/.test(error.message);
  if (!classesOfNames.has(sqlClass)) return true;
  // With a position it is a place in the text of the statement that is quoted; a fatal error is of a log-in.
  return error.position === undefined && error.severity !== 'FATAL' && hasParameters !== false;
}

function withoutValues(sqlState: string): string {
  if (sqlState === '42P10')
    return 'it relies on a unique index over exactly the columns that it names, and there is none';
  if (sqlState === '08P01') return 'expected one value for each of $1, $2 and so on, and a text without null bytes';
  const sqlClass = sqlState.slice(0, 2);
  if (sqlClass === '0A') return 'it asks for something that PostgreSQL does not support';
  if (sqlClass === '22') return 'a value does not fit its type or its range';
  if (sqlClass === '23') return 'a constraint is violated';
  if (classesOfNames.has(sqlClass)) return 'a name that it was given does not exist or cannot be used';
  return 'see its log for the reason';
}

/** Errors of the server carry a severity; system errors such as ECONNRESET carry a code of the same kind, but none. */
function sqlStateOf(error: DriverError): string | undefined {
  if (typeof error.code !== 'string' || typeof error.severity !== 'string') return undefined;
  return /^[0-9A-Z]{5}$/.test(error.code) ? error.code : undefined;
}

/**
 * Class 08 (connection exception), the shutdowns and start-ups of class 57, and time-outs that end the session. An error
 * of class 08 leaves the connection as it is: a statement that the protocol cannot carry, or a server behind this one.
 */
function isConnectionState(sqlState: string, { severity }: DriverError): boolean {
  if (sqlState.startsWith('08')) return severity === 'FATAL' || severity === 'PANIC';
  return /^57P0[1-5]$/.test(sqlState) || sqlState === '25P03' || sqlState === '25P04';
}

/** Codes of OpenSSL and of Node about certificates, and what the driver says when the server cannot encrypt. */
function isTlsFailure(error: DriverError): boolean {
  if (error.message === 'The server does not support SSL connections') return true;
  return typeof error.code === 'string' && /CERT|^ERR_(?:SSL|TLS)_|^UNABLE_TO_|^HOSTNAME_MISMATCH$/.test(error.code);
}

/** The driver gives these no code: the beginnings of its own messages are the only mark. */
const driverConnectionMessages: readonly string[] = [
  'Connection terminated',
  'Client has encountered a connection error',
  'Client was closed',
  'timeout expired',
];

function isConnectionFailure(error: DriverError): boolean {
  if (typeof error.syscall === 'string' || error instanceof AggregateError) return true;
  if (typeof error.code === 'string' && /^E[A-Z_]+$/.test(error.code) && !error.code.startsWith('ERR_')) return true;
  return driverConnectionMessages.some(beginning => error.message.startsWith(beginning));
}
