/**
 * SQL for the toolkit. Mistakes of the programmer and failures of the database throw; nothing here is a value that means
 * failure, except what `healthCheck` and `validateConnection` report.
 */
export {
  type DatabaseHealth,
  DatabaseManager,
  type LoanOptions,
  type PoolStats,
  type TransactionOptions,
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
  DeadlockError,
  ForeignKeyViolationError,
  MigrationDriftError,
  MigrationError,
  NotNullViolationError,
  QueryError,
  QueryTimeoutError,
  SerializationError,
  TransactionAbortedError,
  UniqueViolationError,
} from './errors.ts';
export type {
  ConnectionErrorEvent,
  DatabaseEngine,
  DatabaseEvents,
  DatabaseState,
  DatabaseStateEvent,
  QueryEvent,
  SlowQueryEvent,
} from './events.ts';
export type {
  DownOptions,
  MigrateOptions,
  Migration,
  MigrationReport,
  MigrationRun,
  MigrationStep,
} from './migrations.ts';
export type { DatabaseManagerOptions } from './options.ts';
