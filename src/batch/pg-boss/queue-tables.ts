import { type BatchDatabase, runStatement, type StatementRunner } from './batch-database.ts';

/** Where everything of queued batches is: what pg-boss needs, and the two tables of ours. */
export const schema = 'plinth_batch';

const lockKey = `hashtext('${schema}')`;

const statements = [
  `create table if not exists ${schema}.batch_jobs (
    id integer generated always as identity primary key,
    queue text not null,
    job text not null,
    total integer,
    created_at timestamptz not null default now(),
    unique (queue, job)
  )`,
  // Items and outcomes are text, not jsonb: they come back letter by letter, and a zero character may be in them.
  `create table if not exists ${schema}.batch_items (
    job_id integer not null references ${schema}.batch_jobs on delete cascade,
    position integer not null,
    key uuid not null,
    item text not null,
    attempts integer not null default 0,
    losses integer not null default 0,
    leased_until timestamptz,
    ok boolean,
    outcome text,
    finished_at timestamptz,
    primary key (job_id, position)
  )`,
];

/** Makes the tables that are not there yet. */
export async function createTables(runner: StatementRunner): Promise<void> {
  for (const statement of statements) await runStatement(runner, statement);
}

/** Whether a table of ours is there. What is there need not be made, which takes rights and a lock. */
export async function hasTable(runner: StatementRunner, name: string): Promise<boolean> {
  const [row] = await runStatement<{ exists: boolean }>(runner, 'select to_regclass($1) is not null as exists', [
    `${schema}.${name}`,
  ]);
  return row?.exists === true;
}

/** Two processes that make the same table at once would fail, or block each other. Ends with the transaction. */
export async function waitForOthers(transaction: StatementRunner): Promise<void> {
  await runStatement(transaction, `select pg_advisory_xact_lock(${lockKey})`);
}

/**
 * Lets one process at a time make what cannot be made in a transaction of ours, as it has its own. The lock is the
 * connection's, which a pooler that shares connections by transaction leaves behind.
 */
export async function alone<Result>(
  database: BatchDatabase,
  work: (session: StatementRunner) => Promise<Result>,
): Promise<Result> {
  return await database.session(async session => {
    await runStatement(session, `select pg_advisory_lock(${lockKey})`);
    try {
      return await work(session);
    } finally {
      // When this fails the connection is gone or is cleaned, and the lock with it: the error of the work is the one to
      // report.
      await runStatement(session, `select pg_advisory_unlock(${lockKey})`).catch(() => undefined);
    }
  });
}
