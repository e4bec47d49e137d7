import { CompiledQuery } from 'kysely';

/** What runs statements: the queries of a `DatabaseManager`, or a transaction of it. */
export interface StatementRunner {
  executeQuery<Row>(query: CompiledQuery<Row>): Promise<{ readonly rows: Row[] }>;
}

/** What runs statements that are committed together: a transaction of a `DatabaseManager`. */
export interface TransactionRunner extends StatementRunner {
  readonly isTransaction: true;
}

/** What a queue needs of a database. A `DatabaseManager` has it, whatever its tables are. */
export interface BatchDatabase {
  /** Runs statements on any connection that is free. */
  readonly db: StatementRunner;
  /** Lends one connection. */
  session<Result>(work: (session: StatementRunner) => Promise<Result>): Promise<Result>;
  /** Runs statements on one connection, all of them or none. */
  transaction<Result>(work: (transaction: TransactionRunner) => Promise<Result>): Promise<Result>;
}

/** Runs a statement with its parameters, and gives its rows. */
export async function runStatement<Row>(
  runner: StatementRunner,
  text: string,
  values: readonly unknown[] = [],
): Promise<Row[]> {
  const { rows } = await runner.executeQuery<Row>(CompiledQuery.raw(text, [...values]));
  return rows;
}

/** What pg-boss runs its statements by. Its own type would be one that packages without it cannot read. */
export interface QueueConnection {
  executeSql(text: string, values: readonly unknown[]): Promise<{ rows: never[] }>;
}

/** The database as pg-boss wants it, so that it needs no connections of its own. */
export function dbOf(runner: StatementRunner): QueueConnection {
  return { executeSql: async (text, values) => ({ rows: await runStatement<never>(runner, text, values) }) };
}
