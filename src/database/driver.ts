import {
  createQueryId,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  IdentifierNode,
  type Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryCompiler,
  RawNode,
  Transaction,
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
export async function connectionOf<Schema, Result>(
  db: Kysely<Schema>,
  use: (connection: LentConnection) => Promise<Result>,
): Promise<Result> {
  return await db.getExecutor().provideConnection(connection => use(connection as LentConnection));
}

/** What a part of a transaction is given: like the whole, but its statements go through the connection of the part. */
export function transactionOn<Schema>(whole: Kysely<Schema>, part: LentConnection): Transaction<Schema> {
  const dialect = createDialect(async () => part);
  const executor = whole.getExecutor();
  return new Transaction<Schema>({
    config: { dialect },
    dialect,
    driver: dialect.createDriver(),
    executor: executor.withConnectionProvider({
      // Through the whole, which lets one statement at a time through and knows when all is over.
      provideConnection: use => executor.provideConnection(() => use(part)),
    }),
  });
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

  savepoint(connection: DatabaseConnection, name: string, compile: QueryCompiler['compileQuery']): Promise<void> {
    return runOn(connection, 'savepoint', name, compile);
  }

  rollbackToSavepoint(
    connection: DatabaseConnection,
    name: string,
    compile: QueryCompiler['compileQuery'],
  ): Promise<void> {
    return runOn(connection, 'rollback to', name, compile);
  }

  releaseSavepoint(
    connection: DatabaseConnection,
    name: string,
    compile: QueryCompiler['compileQuery'],
  ): Promise<void> {
    return runOn(connection, 'release', name, compile);
  }

  releaseConnection(connection: DatabaseConnection): Promise<void> {
    return (connection as LentConnection).release();
  }

  /** The pools belong to the manager, which closes them. */
  async destroy(): Promise<void> {}
}

/** A command about a savepoint that the caller has named. */
async function runOn(
  connection: DatabaseConnection,
  command: string,
  name: string,
  compile: QueryCompiler['compileQuery'],
): Promise<void> {
  const node = RawNode.createWithChildren([RawNode.createWithSql(`${command} `), IdentifierNode.create(name)]);
  await connection.executeQuery(compile(node, createQueryId()));
}
