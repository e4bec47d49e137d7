import { sql } from 'kysely';
import { runWithRequestContext } from 'plinth/context';
import {
  ConnectionLostError,
  DatabaseManager,
  type DatabaseManagerOptions,
  preparedQuery,
  prepareStatement,
  ReadOnlyTransactionError,
  type ReplicaEvent,
} from 'plinth/database';
import { ArgumentError } from 'plinth/errors';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { findPostgres, type PostgresServer, startPostgres } from '../servers/postgres.ts';
import { serverOrSkip } from '../servers/require.ts';

const postgres = serverOrSkip('postgres', findPostgres());

describe.skipIf(postgres === undefined)('reads from replicas', { timeout: 60_000 }, () => {
  let primary: PostgresServer;
  let standby: PostgresServer;
  let database: DatabaseManager;
  let seen: ReplicaEvent[];

  beforeAll(async () => {
    primary = await startPostgres();
    standby = await primary.startStandby();
  }, 60_000);
  afterAll(async () => {
    await standby?.dispose();
    await primary?.dispose();
  });
  beforeEach(async () => {
    database = await opened();
    await sql`create table if not exists notes (text text); truncate notes`.execute(database.db);
    await ready();
  });
  afterEach(() => database.close());

  const opened = async (options: DatabaseManagerOptions = {}): Promise<DatabaseManager> => {
    const replicas = [standby.url];
    const manager = new DatabaseManager({ url: primary.url, replicas, replicaCheckMs: 20, poolSize: 2, ...options });
    seen = [];
    manager.events.on('replica', event => seen.push(event));
    await manager.open();
    return manager;
  };
  const state = (): string | undefined => database.replicaStats()[0]?.state;
  /** Until the replica answers reads of those who wrote before. */
  const ready = () =>
    vi.waitFor(async () => expect(await answeredByReplica()).toBe(true), { timeout: 10_000, interval: 5 });
  const answeredByReplica = async (db = database.read): Promise<boolean | undefined> =>
    (await sql<{ replica: boolean }>`select pg_is_in_recovery() as replica`.execute(db)).rows[0]?.replica;
  const write = (text: string): Promise<unknown> => sql`insert into notes values (${text})`.execute(database.db);
  const read = async (db = database.read): Promise<string[]> =>
    (await sql<{ text: string }>`select text from notes order by text`.execute(db)).rows.map(({ text }) => text);
  const request = <Result>(requestId: string, work: () => Promise<Result>): Promise<Result> =>
    runWithRequestContext({ requestId }, work);
  /** The replica receives, but shows nothing new. */
  const pauseReplay = async (work: () => Promise<void>): Promise<void> => {
    await using direct = new DatabaseManager({ url: standby.url });
    await direct.open();
    await sql`select pg_wal_replay_pause()`.execute(direct.db);
    try {
      await work();
    } finally {
      await sql`select pg_wal_replay_resume()`.execute(direct.db);
    }
  };

  it('sends reads to the replica and writes to the primary', async () => {
    expect(await answeredByReplica()).toBe(true);
    expect(await answeredByReplica(database.db)).toBe(false);
    expect(database.replicaStats()).toMatchObject([{ state: 'ready', lagMs: expect.any(Number), pool: { active: 0 } }]);
    expect((await database.healthCheck()).replicas).toMatchObject([{ name: `${new URL(standby.url).host}/postgres` }]);
    const raw = database.read.executeQuery(sql`insert into notes values ('x')`.compile(database.db));
    await expect(raw).rejects.toBeInstanceOf(ReadOnlyTransactionError);
    await expect(
      database.readAfter('nonsense').selectFrom(sql`notes`.as('notes')).selectAll().execute(),
    ).rejects.toBeInstanceOf(ArgumentError);
  });

  it('keeps a replica that refused a statement whose values were of the wrong number', async () => {
    const named = prepareStatement('select text from notes where text = $1', { reads: true });
    const failure = database.read.executeQuery(preparedQuery(named, ['a', 'b']));
    await expect(failure).rejects.toMatchObject({ code: 'QUERY_FAILED', sqlState: '08P01', retryable: false });
    expect(state()).toBe('ready');
    expect(await answeredByReplica()).toBe(true);
  });

  it('shows a request its own writes while the replica is behind, and others what the replica has', async () => {
    await pauseReplay(async () => {
      await request('writer', async () => {
        await write('mine');
        expect(await read()).toEqual(['mine']);
        expect(await answeredByReplica()).toBe(false);
      });
      expect(await request('reader', () => read())).toEqual([]);
      expect(await request('reader', () => answeredByReplica())).toBe(true);
      expect(await request('writer', () => read())).toEqual(['mine']);
    });
    await vi.waitFor(async () => expect(await request('writer', () => answeredByReplica())).toBe(true), 10_000);
    expect(await request('writer', () => read())).toEqual(['mine']);
  });

  it('notes the commit and not only the statement, and work without a request as one', async () => {
    await pauseReplay(async () => {
      await request('slow', () =>
        database.transaction(async transaction => {
          await sql`insert into notes values ('early')`.execute(transaction);
          // Looks are taken between the statement and the commit: what they see of the log is before the commit.
          for (let look = 0; look < 3; look += 1) await sql`select pg_sleep(0.05)`.execute(transaction);
        }),
      );
      expect(await request('slow', () => read())).toEqual(['early']);
      await write('nobody');
      expect(await read()).toEqual(['early', 'nobody']);
    });
  });

  it('shows what was written up to a position, in any process', async () => {
    await using other = await opened();
    await vi.waitFor(() => expect(other.replicaStats()[0]?.state).toBe('ready'), 10_000);
    await pauseReplay(async () => {
      await request('one', () => write('x'));
      const position = await database.writePosition();
      expect(await read(other.read)).toEqual([]);
      expect(await read(other.readAfter(position))).toEqual(['x']);
    });
  });

  it('never shows less than it wrote, whatever the replica does', async () => {
    let fromReplica = 0;
    for (let round = 0; round < 150; round += 1) {
      await request(`round ${round}`, async () => {
        await write(String(round).padStart(4, '0'));
        for (let look = 0; look < 4; look += 1) {
          expect((await read()).at(-1)).toBe(String(round).padStart(4, '0'));
          if (await answeredByReplica()) fromReplica += 1;
        }
      });
    }
    expect(fromReplica).toBeGreaterThan(0);
  });

  it('leaves a replica out that is too far behind, and takes it back', async () => {
    await database.close();
    database = await opened({ maxReplicaLagMs: 100 });
    await ready();
    await pauseReplay(async () => {
      await request('other', () => write('x'));
      await vi.waitFor(() => expect(state()).toBe('lagging'), 10_000);
      expect(await read()).toEqual(['x']);
    });
    await vi.waitFor(() => expect(state()).toBe('ready'), 10_000);
    expect(seen.map(event => event.state)).toEqual(['ready', 'lagging', 'ready']);
  });

  it('answers every read while the replica is killed, and uses it again when it is back', async () => {
    let stop = false;
    let answers = 0;
    const reader = async (): Promise<void> => {
      while (!stop) {
        await read();
        answers += 1;
      }
    };
    const readers = [reader(), reader(), reader()];
    await standby.kill();
    await vi.waitFor(() => expect(state()).toBe('unreachable'), 10_000);
    const before = answers;
    await vi.waitFor(() => expect(answers).toBeGreaterThan(before + 50), 10_000);
    stop = true;
    await Promise.all(readers);
    expect(await answeredByReplica()).toBe(false);
    expect((await database.healthCheck()).healthy).toBe(true);
    await standby.start();
    await ready();
    expect(seen.map(event => event.state)).toEqual(['ready', 'unreachable', 'ready']);
  });

  it('moves reads away from a replica that hangs', async () => {
    standby.pause();
    try {
      const hanging = Promise.all([
        read(),
        read(),
        database.read.selectFrom(sql<{ text: string }>`notes`.as('notes')).selectAll().execute(),
      ]);
      expect((await hanging).map(rows => rows.length)).toEqual([0, 0, 0]);
      expect(state()).toBe('unreachable');
    } finally {
      standby.resume();
    }
    await ready();
  });

  it('lets reads in hand end before it closes, and tells nothing of it', async () => {
    await database.close();
    database = await opened();
    await ready();
    seen.length = 0;
    const slow = sql<{ replica: boolean }>`select pg_is_in_recovery() as replica from pg_sleep(0.2)`.execute(
      database.read,
    );
    await vi.waitFor(() => expect(database.replicaStats()[0]?.pool.active).toBe(1));
    await database.close();
    expect((await slow).rows).toEqual([{ replica: true }]);
    expect(seen).toEqual([]);
    expect(database.replicaStats()).toEqual([]);
  });

  it('opens without its replicas, and reads while the primary is away', async () => {
    await using lonely = new DatabaseManager({
      url: primary.url,
      replicas: [primary.url, 'postgresql://u@127.0.0.1:1/x'],
    });
    const told: ReplicaEvent[] = [];
    lonely.events.on('replica', event => told.push(event));
    await lonely.open();
    expect(await answeredByReplica(lonely.read)).toBe(false);
    await vi.waitFor(() => expect(told).toHaveLength(2), 10_000);
    expect(told.map(({ error }) => error?.code).sort()).toEqual(['CONFIGURATION_ERROR', 'CONNECTION_LOST']);

    await primary.stop();
    try {
      expect(await read()).toEqual([]);
      await expect(write('x')).rejects.toBeInstanceOf(ConnectionLostError);
    } finally {
      await primary.start();
    }
  });
});
