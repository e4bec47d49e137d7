/**
 * SQL for the toolkit. Mistakes of the programmer and failures of the database throw; nothing here is a value that means
 * failure, except what `healthCheck` and `validateConnection` report.
 */

export {
  DatabaseManager,
  type LoanOptions,
} from './database-manager.ts';
export { DatabaseSession } from './database-session.ts';
export {
  AcquireTimeoutError,
  CheckViolationError,
  ConnectionLostError,
  type ConnectionLostErrorOptions,
  DatabaseClosedError,
  DatabaseError,
  type DatabaseErrorFacts,
  type DatabaseErrorOptions,
  DatabaseFolderError,
  DatabaseLockedError,
  DatabaseTlsError,
  DeadlockError,
  ExclusionViolationError,
  ForeignKeyViolationError,
  InsufficientPrivilegeError,
  InvalidValueError,
  LockNotAvailableError,
  MigrationDriftError,
  MigrationError,
  NotNullViolationError,
  QueryError,
  QueryTimeoutError,
  ReadOnlyTransactionError,
  SerializationError,
  TooManyConnectionsError,
  TransactionAbortedError,
  UndefinedObjectError,
  UniqueViolationError,
} from './errors.ts';
export type {
  ConnectionErrorEvent,
  DatabaseEngine,
  DatabaseEvents,
  DatabaseState,
  DatabaseStateEvent,
  QueryEvent,
  ReplicaEvent,
  ReplicaState,
  SlowQueryEvent,
  TransactionRetriedEvent,
} from './events.ts';
export type { DatabaseHealth, HealthCheckOptions } from './health.ts';
export type {
  DownOptions,
  MigrateOptions,
  Migration,
  MigrationReport,
  MigrationRun,
  MigrationStep,
} from './migrations.ts';
export type { DatabaseManagerOptions } from './options.ts';
export type { PoolStats } from './pool-stats.ts';
export { type NamedQuery, type PreparedStatement, preparedQuery, prepareStatement } from './prepared-statement.ts';
export type { ReplicaStatus } from './replica-status.ts';
export type { DatabaseTlsOptions } from './server-address.ts';
export type { TransactionOptions } from './transaction.ts';
