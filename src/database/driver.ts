import {
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type TransactionSettings,
} from 'kysely';
import type { LentConnection } from './lent-connection.ts';

/**
 * Kysely's PostgreSQL dialect over connections of our own: the one place through which every statement goes, and so the
 * one place that turns errors into ours, measures, and returns connections clean.
 */
export function createDialect(lend: () => Promise<LentConnection>): Dialect {
  return {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new LendingDriver(lend),
    createIntrospector: db => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  };
}

/** The connection below a session or a transaction. */
export function connectionOf<Schema, Result>(
  db: Kysely<Schema>,
  use: (connection: LentConnection) => Promise<Result>,
): Promise<Result> {
  return db.getExecutor().provideConnection(connection => use(connection as LentConnection));
}

class LendingDriver implements Driver {
  readonly #lend: () => Promise<LentConnection>;

  constructor(lend: () => Promise<LentConnection>) {
    this.#lend = lend;
  }

  async init(): Promise<void> {}

  acquireConnection(): Promise<DatabaseConnection> {
    return this.#lend();
  }

  beginTransaction(connection: DatabaseConnection, settings: TransactionSettings): Promise<void> {
    return (connection as LentConnection).begin(settings);
  }

  commitTransaction(connection: DatabaseConnection): Promise<void> {
    return (connection as LentConnection).commit();
  }

  rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    return (connection as LentConnection).rollback();
  }

  releaseConnection(connection: DatabaseConnection): Promise<void> {
    return (connection as LentConnection).release();
  }

  /** The pools belong to the manager, which closes them. */
  async destroy(): Promise<void> {}
}
