import { sql } from 'kysely';
import { defineTable, Repository } from 'plinth/crud';
import { DatabaseManager } from 'plinth/database';
import { PlinthError } from 'plinth/errors';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { findPostgres, type PostgresServer, startPostgres } from '../servers/postgres.ts';
import { serverOrSkip } from '../servers/require.ts';

const hasPostgres = serverOrSkip('postgres', findPostgres()) !== undefined;

const readings = defineTable({
  name: 'readings',
  schema: z.object({ id: z.int(), at: z.date(), value: z.int() }),
  columns: { id: { key: true }, at: { sortable: true, filterable: true }, value: { sortable: true } },
});

describe.skipIf(!hasPostgres)('repositories on a PostgreSQL server (skipped without PostgreSQL)', () => {
  let server: PostgresServer;
  let database: DatabaseManager;
  let repository: Repository<typeof readings>;

  beforeAll(async () => {
    server = await startPostgres();
    database = new DatabaseManager({ url: server.url, poolSize: 4, maxOverflow: 0 });
    await database.open();
    await sql`create table readings (id int primary key, at timestamptz not null, value int not null)`.execute(
      database.db,
    );
    await sql`create index on readings (at, id)`.execute(database.db);
    await sql`insert into readings select n, timestamptz '2026-01-01' + n / 3 * interval '1 second', n % 100
      from generate_series(1, 100000) n`.execute(database.db);
    await sql`vacuum analyze readings`.execute(database.db);
    repository = new Repository(readings, database);
  });

  afterAll(async () => {
    await database?.close();
    await server?.dispose();
  });

  it('reads a page deep in 100,000 rows by index, from its place', async () => {
    for (const order of ['asc', 'desc'] as const) {
      const deep = { at: new Date('2026-01-01T08:00:00Z'), id: '86400' };
      const values = [`${deep.at.toISOString().slice(0, 19).replace('T', ' ')}+00`, deep.id];
      const sort = [
        { field: 'at', order },
        { field: 'id', order },
      ] as const;
      const mark = order === 'asc' ? 'at,id' : '-at,-id';
      const cursor = Buffer.from(JSON.stringify([1, mark, ...values])).toString('base64url');
      const statements: string[] = [];
      using _subscription = database.events.on('query', event => statements.push(event.sql));
      const page = await repository.list({ sort, pagination: { cursor, size: 20 } });
      expect(page.items[0]?.id).toBe(order === 'asc' ? 86_401 : 86_399);
      const [text = ''] = statements;
      const literal = text.replace('$1', `'${values[0]}'`).replace('$2', `'${values[1]}'`).replace('$3', '21');
      const { rows } = await sql
        .raw<{ 'QUERY PLAN': string }>(`explain (analyze, buffers) ${literal}`)
        .execute(database.db);
      const plan = rows.map(row => row['QUERY PLAN']).join('\n');
      expect(plan).toMatch(/Index Cond: \(ROW\(at, id\)/);
      expect(plan).not.toMatch(/Filter|Sort/);
    }
  });

  it('fails reads with a typed error when the server is killed, and goes on when it is back', async () => {
    const gathering = new Repository(readings, database, { gather: true });
    const controls = { isOver: false };
    const failures: unknown[] = [];
    const reader = async (read: (id: number) => Promise<unknown>): Promise<void> => {
      for (let id = 1; !controls.isOver; id += 1) {
        await read(id).catch((error: unknown) => failures.push(error));
        if (failures.length > 500) await new Promise(resolve => setImmediate(resolve));
      }
    };
    const readers = [repository, repository, gathering].map(source => reader(id => source.findById(id)));
    await repository.findById(1);
    await server.kill();
    await expect(repository.findById(1)).rejects.toMatchObject({ code: 'CONNECTION_LOST', retryable: true });
    controls.isOver = true;
    await Promise.all(readers);
    expect(failures.length).toBeGreaterThan(0);
    expect(failures.filter(error => !(error instanceof PlinthError))).toEqual([]);
    await server.start();
    expect(await repository.findById(7)).toMatchObject({ id: 7 });
    expect(await Promise.all([gathering.findById(7), gathering.findById(8)])).toMatchObject([{ id: 7 }, { id: 8 }]);
    expect(database.poolStats()).toMatchObject({ waiting: 0 });
  });
});
