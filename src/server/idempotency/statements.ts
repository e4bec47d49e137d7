import type { Migration, NamedQuery } from '../../database/index.ts';

/** What runs statements: the queries of a `DatabaseManager`, a session, or a transaction of it. */
export interface StatementRunner {
  executeQuery<Row>(query: NamedQuery & { readonly rowType?: Row }): Promise<{ readonly rows: Row[] }>;
}

/**
 * The table of a {@link SqlIdempotencyStore}: put it into the list that `database.migrate` is given.
 *
 * @example
 * await database.migrate([...orderMigrations, idempotencyMigration]);
 */
export const idempotencyMigration: Migration = Object.freeze({
  name: 'plinth-001-idempotency-keys',
  up: `
    create table plinth_idempotency_keys (
      id text primary key,
      fingerprint text not null,
      fence text not null,
      expires_at timestamptz not null,
      status integer,
      headers text,
      body bytea
    );
    create index plinth_idempotency_keys_expires_at on plinth_idempotency_keys (expires_at);
    comment on table plinth_idempotency_keys is
      'One row for each idempotency key: without a status it is a claim, with one an answer; after expires_at it is nothing'`,
  down: 'drop table plinth_idempotency_keys',
});

type StatementName = 'claim' | 'find' | 'complete' | 'release' | 'removeExpired';

/** The database's own time counts: the clocks of several processes may differ. */
function after(parameter: string): string {
  return `clock_timestamp() + ${parameter}::double precision * interval '1 millisecond'`;
}

const texts: Readonly<Record<StatementName, string>> = {
  claim: `
    insert into plinth_idempotency_keys as kept (id, fingerprint, fence, expires_at) values ($1, $2, $3, ${after('$4')})
    on conflict (id) do update set
      fingerprint = excluded.fingerprint, fence = excluded.fence, expires_at = excluded.expires_at,
      status = null, headers = null, body = null
    where kept.expires_at <= clock_timestamp()
    returning id`,
  find: `
    select fingerprint, status, headers, body from plinth_idempotency_keys
    where id = $1 and expires_at > clock_timestamp()`,
  complete: `
    update plinth_idempotency_keys set status = $3, headers = $4, body = $5, expires_at = ${after('$6')}
    where id = $1 and fence = $2 and status is null
    returning id`,
  release: 'delete from plinth_idempotency_keys where id = $1 and fence = $2 and status is null',
  // Who comes late must find the claim, or the work would be done again: so claims stay for another hour.
  removeExpired: `
    delete from plinth_idempotency_keys where id in (
      select id from plinth_idempotency_keys
      where expires_at <= clock_timestamp() - case when status is null then interval '1 hour' else interval '0' end
      order by expires_at limit $1 for update skip locked)
    returning id`,
};

/** Runs one of the statements, and gives its rows. */
export async function runStatement<Row>(
  runner: StatementRunner,
  name: StatementName,
  parameters: readonly unknown[],
): Promise<readonly Row[]> {
  const { rows } = await runner.executeQuery<Row>({
    sql: texts[name],
    parameters,
    // Only the kind is looked at; that this one reads matters when its answer is lost.
    query: { kind: name === 'find' ? 'SelectQueryNode' : 'RawNode' } as NamedQuery['query'],
    queryId: { queryId: name },
    statementName: `plinth_idempotency_${name}`,
  });
  return rows;
}
