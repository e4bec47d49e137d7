import { sql } from 'kysely';
import { runWithRequestContext } from 'plinth/context';
import { DatabaseManager, prepareStatement } from 'plinth/database';
import { VirtualClock } from 'plinth/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { findPostgres, type PostgresServer, startPostgres } from '../servers/postgres.ts';
import { serverOrSkip } from '../servers/require.ts';

const postgres = serverOrSkip('postgres', findPostgres());

const echo = prepareStatement('select $1::text as value', { reads: true });
const byId = prepareStatement('select work from pairs where id = $1', { reads: true });

describe.skipIf(postgres === undefined)('reads that share a connection to a PostgreSQL server', () => {
  let server: PostgresServer;
  let clock: VirtualClock;
  let database: DatabaseManager;
  /** Holds a lock and looks at the server. */
  let other: DatabaseManager;

  beforeAll(async () => {
    server = await startPostgres();
    other = new DatabaseManager({ url: server.url });
    await other.open();
    await sql`create table pairs (id int primary key, work text not null);
      insert into pairs values (1, 'one'), (2, 'two')`.execute(other.db);
  });
  afterAll(async () => {
    await other?.close();
    await server?.dispose();
  });
  beforeEach(async () => {
    clock = new VirtualClock();
    database = new DatabaseManager({ url: server.url, clock, poolSize: 4, drainTimeoutMs: 0 });
    await database.open();
  });
  afterEach(() => database.close());

  const waitingForLock = async (): Promise<number> => {
    const { rows } = await sql<{ count: number }>`select count(*)::int as count from pg_stat_activity
      where wait_event_type = 'Lock'`.execute(other.db);
    return rows[0]?.count ?? -1;
  };

  it('are not harmed by one whose value cannot be written', async () => {
    const circular: { self?: unknown } = {};
    circular.self = circular;
    const hostile = {
      toPostgres(): never {
        throw new RangeError('Not this one');
      },
    };
    const unwritable: readonly unknown[] = [{ number: 1n }, circular, hostile, [{ number: 1n }]];
    for (let turn = 0; turn < 100; turn += 1) {
      const values = Array.from({ length: 12 }, (_, index) =>
        (turn * 12 + index) % 7 === 0 ? unwritable[turn % unwritable.length] : `${turn}.${index}`,
      );
      const outcomes = await Promise.allSettled(
        values.map(value => database.readPrepared<{ value: string }>(echo, [value])),
      );
      for (const [index, outcome] of outcomes.entries()) {
        const value = values[index];
        if (typeof value === 'string') expect(outcome).toMatchObject({ value: [{ value }] });
        else expect(outcome).toMatchObject({ reason: { code: 'QUERY_FAILED' } });
      }
    }
    await vi.waitFor(() => expect(database.poolStats()).toMatchObject({ active: 0, waiting: 0 }));
  });

  it('are asked for again when their connection was closed for the sake of a late one', async () => {
    await database.readPrepared(byId, [1]);
    const lock = await other.openSession();
    await sql`begin`.execute(lock.db);
    await sql`lock table pairs in access exclusive mode`.execute(lock.db);
    const hurried = expect(
      runWithRequestContext({ deadlineMs: clock.monotonic() + 100 }, () => database.readPrepared(byId, [1])),
    ).rejects.toMatchObject({ code: 'QUERY_TIMEOUT' });
    const patient = database.readPrepared(byId, [2]);
    await vi.waitFor(async () => expect(await waitingForLock()).toBe(1));
    await clock.advance(100);
    await hurried;
    // The connection stays silent: it is closed.
    await clock.advance(1_000);
    await vi.waitFor(async () => expect(await waitingForLock()).toBe(2));
    await sql`rollback`.execute(lock.db);
    await lock.close();
    expect(await patient).toEqual([{ work: 'two' }]);
  });
});
