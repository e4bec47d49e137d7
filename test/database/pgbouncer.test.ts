import { CompiledQuery, sql } from 'kysely';
import { runWithRequestContext } from 'plinth/context';
import { defineTable, Repository } from 'plinth/crud';
import { DatabaseManager, prepareStatement, QueryError, QueryTimeoutError } from 'plinth/database';
import { systemClock } from 'plinth/kernel';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { startPgBouncer } from '../servers/pgbouncer.ts';
import { findPostgres, type PostgresServer, startPostgres } from '../servers/postgres.ts';
import { serverOrSkip } from '../servers/require.ts';

const program = serverOrSkip('pgbouncer');
const postgres = serverOrSkip('postgres', findPostgres());

const people = defineTable({
  name: 'people',
  schema: z.object({ id: z.int(), name: z.string(), visits: z.int() }),
  columns: { id: { key: true }, name: { sortable: true } },
});

describe.skipIf(program === undefined || postgres === undefined)('behind a PgBouncer', () => {
  let server: PostgresServer;

  beforeAll(async () => {
    server = await startPostgres();
    await using database = new DatabaseManager({ url: server.url });
    await database.open();
    for (const statement of [
      'create table people (id int primary key, name text not null, visits int not null)',
      "insert into people select n, 'name ' || n, 0 from generate_series(1, 300) n",
    ]) {
      await database.db.executeQuery(CompiledQuery.raw(statement));
    }
  });
  afterAll(() => server?.dispose());

  async function opened(url: string, preparedStatements: boolean, poolSize = 10) {
    const database = new DatabaseManager({ url, poolSize, maxOverflow: 0, preparedStatements });
    await database.open();
    return database;
  }

  it.each([
    ['that shares its connections by transaction, without names', { mode: 'transaction', poolSize: 3 }, false],
    ['that gives each client a connection', { mode: 'session', poolSize: 20 }, true],
  ] as const)('%s: reads, writes, transactions and deadlines are as without it', async (_what, options, prepared) => {
    await using bouncer = await startPgBouncer(server.url, options);
    await using database = await opened(bouncer.url, prepared);
    const repository = new Repository(people, database);
    const ids = Array.from({ length: 300 }, (_, index) => index + 1);
    const found = await Promise.all(ids.map(async id => (await repository.findById(id))?.name));
    expect(found).toEqual(ids.map(id => `name ${id}`));
    expect((await repository.list({ sort: { field: 'name', order: 'desc' }, total: true })).total).toBe(300);

    const visit = (id: number): Promise<unknown> =>
      database.transaction(async transaction => {
        await sql`update people set visits = visits + 1 where id = ${id}`.execute(transaction);
        const part = database.transaction(
          async within => {
            await sql`update people set visits = visits + 100 where id = ${id}`.execute(within);
            throw new RangeError('taken back');
          },
          { within: transaction },
        );
        await expect(part).rejects.toBeInstanceOf(RangeError);
      });
    const before = await database.db.executeQuery<{ sum: number }>(countOfVisits);
    await Promise.all(ids.slice(0, 60).map(id => visit(1 + (id % 7))));
    const after = await database.db.executeQuery<{ sum: number }>(countOfVisits);
    expect((after.rows[0]?.sum ?? 0) - (before.rows[0]?.sum ?? 0)).toBe(60);

    const soon = { deadlineMs: systemClock.monotonic() + 300 };
    const slow = (): Promise<unknown> =>
      database.transaction(transaction => sql`select pg_sleep(30)`.execute(transaction));
    await expect(runWithRequestContext(soon, slow)).rejects.toBeInstanceOf(QueryTimeoutError);
    await using direct = new DatabaseManager({ url: server.url });
    await direct.open();
    const { rows } = await sql<{ count: number }>`select count(*)::int as count from pg_stat_activity
      where state = 'active' and query like '%pg_sleep(30)%' and pid <> pg_backend_pid()`.execute(direct.db);
    expect(rows).toEqual([{ count: 0 }]);
  });

  it('that shares its connections: each migration runs once, and no lock is left in them', async () => {
    await using bouncer = await startPgBouncer(server.url, { mode: 'transaction', poolSize: 3 });
    await using one = await opened(bouncer.url, false);
    await using other = await opened(bouncer.url, false);
    const migrations = Array.from({ length: 8 }, (_, index) => ({
      name: `00${index}`,
      up: `create table made_${index} (id int)`,
      down: `drop table made_${index}`,
    }));
    const broken = { name: '009', up: 'create table half (id int); select 1 / 0' };
    const readers = Array.from({ length: 20 }, async () => {
      for (let read = 0; read < 20; read += 1) await one.db.executeQuery(countOfVisits);
    });
    const reports = await Promise.all([one.migrate(migrations), other.migrate(migrations), ...readers]);
    const names = reports.flatMap(report => report?.ran ?? []).map(({ name }) => name);
    expect(names.toSorted()).toEqual(migrations.map(({ name }) => name));
    await expect(one.migrate([...migrations, broken])).rejects.toThrow('was rolled back');
    expect((await other.migrateDown(migrations, { to: null })).ran).toHaveLength(8);

    await using direct = new DatabaseManager({ url: server.url });
    await direct.open();
    const locks = await sql`select 1 from pg_locks where locktype = 'advisory'`.execute(direct.db);
    expect(locks.rows).toEqual([]);
    await sql`drop table plinth_migrations`.execute(direct.db);
  });

  it('that shares its connections and knows no names: a statement by name says what to set', async () => {
    await using bouncer = await startPgBouncer(server.url, { mode: 'transaction', poolSize: 1 });
    await using one = await opened(bouncer.url, true, 1);
    await using other = await opened(bouncer.url, true, 1);
    const byId = prepareStatement('select name from people where id = $1', { reads: true });
    expect(await one.readPrepared(byId, [7])).toEqual([{ name: 'name 7' }]);
    const failure = other.readPrepared(byId, [7]);
    await expect(failure).rejects.toBeInstanceOf(QueryError);
    await expect(failure).rejects.toMatchObject({
      sqlState: '42P05',
      retryable: false,
      message: expect.stringContaining('set preparedStatements to false'),
    });
  });
});

const countOfVisits = CompiledQuery.raw('select sum(visits)::int as sum from people');
