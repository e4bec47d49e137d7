import { sql } from 'kysely';
import { Outbox, QueuedBatch } from 'plinth/batch/pg-boss';
import { DatabaseManager } from 'plinth/database';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startPgBouncer } from '../servers/pgbouncer.ts';
import { findPostgres, type PostgresServer, startPostgres } from '../servers/postgres.ts';
import { serverOrSkip } from '../servers/require.ts';

const program = serverOrSkip('pgbouncer');
const postgres = serverOrSkip('postgres', findPostgres());

describe.skipIf(program === undefined || postgres === undefined)('once the tables are made', () => {
  let server: PostgresServer;
  let direct: DatabaseManager;

  beforeAll(async () => {
    server = await startPostgres();
    direct = new DatabaseManager({ url: server.url });
    await direct.open();
    await using batch = batchOf(direct);
    await batch.enqueue('first', ['a']);
    await using outbox = new Outbox({ database: direct, deliver: async () => undefined });
    await outbox.open();
  });
  afterAll(async () => {
    await direct?.close();
    await server?.dispose();
  });

  it('two processes work behind a PgBouncer that shares its connections, and leave no lock in them', async () => {
    await using bouncer = await startPgBouncer(server.url, { mode: 'transaction', poolSize: 3 });
    const options = { url: bouncer.url, preparedStatements: false, maxOverflow: 0 };
    await using one = new DatabaseManager(options);
    await using other = new DatabaseManager(options);
    await Promise.all([one.open(), other.open()]);

    const names = Array.from({ length: 60 }, (_, index) => `drug ${index}`);
    await using here = batchOf(one);
    await using there = batchOf(other);
    await here.enqueue('job', names);
    void here.work();
    void there.work();
    const values: unknown[] = [];
    for await (const { value } of there.results('job')) values.push(value);
    expect(values).toEqual(names.map(name => name.toUpperCase()));

    const delivered: unknown[] = [];
    const outboxes = [one, other].map(
      database => new Outbox({ database, pollIntervalMs: 5, deliver: async ({ payload }) => delivered.push(payload) }),
    );
    for (const outbox of outboxes) void outbox.work();
    const [outbox] = outboxes as [Outbox, Outbox];
    for (const name of names) {
      await one.transaction(transaction => outbox.add(transaction, { topic: 'named', payload: name, key: 'one' }));
    }
    await vi.waitFor(async () => expect(await outbox.pending()).toBe(0), { timeout: 10_000, interval: 20 });
    expect(delivered).toEqual(names);
    for (const each of outboxes) await each.close();

    const locks = await sql`select 1 from pg_locks where locktype = 'advisory'`.execute(direct.db);
    expect(locks.rows).toEqual([]);
  });

  it('a role that may not make any works with them, and neither waits for one that makes some', async () => {
    await sql
      .raw(`
        create role worker login;
        grant usage on schema plinth_batch to worker;
        grant select, insert, update, delete on all tables in schema plinth_batch to worker;
        grant usage on all sequences in schema plinth_batch to worker`)
      .execute(direct.db);
    await using restricted = new DatabaseManager({ url: server.url.replace('postgres@', 'worker@') });
    await restricted.open();
    await direct.transaction(async transaction => {
      await sql`select pg_advisory_xact_lock(hashtext('plinth_batch'))`.execute(transaction);
      await using batch = batchOf(restricted);
      expect(await batch.enqueue('modest', ['a', 'b'])).toEqual({ total: 2, added: 2 });
      await using outbox = new Outbox({ database: restricted, deliver: async () => undefined });
      await outbox.open();
      expect(await outbox.pending()).toBe(0);
    });
  });
});

function batchOf(database: DatabaseManager): QueuedBatch<string, string> {
  return new QueuedBatch({
    name: 'names',
    database,
    pollIntervalMs: 5,
    work: async (name: string) => name.toUpperCase(),
  });
}
