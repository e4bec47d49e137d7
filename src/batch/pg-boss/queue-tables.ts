import { type BatchDatabase, runStatement, type StatementRunner } from './batch-database.ts';

/** Where everything of queued batches is: what pg-boss needs, and the two tables of ours. */
export const schema = 'plinth_batch';

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

/** Lets one process at a time make tables: two that make the same at once would fail, or block each other. */
export async function alone<Result>(
  database: BatchDatabase,
  work: (session: StatementRunner) => Promise<Result>,
): Promise<Result> {
  return await database.session(async session => {
    await runStatement(session, `select pg_advisory_lock(hashtext('${schema}'))`);
    try {
      return await work(session);
    } finally {
      await runStatement(session, `select pg_advisory_unlock(hashtext('${schema}'))`);
    }
  });
}
