import { sql } from 'kysely';
import {
  AcquireTimeoutError,
  ConnectionLostError,
  DatabaseManager,
  type DatabaseManagerOptions,
  DeadlockError,
  type Migration,
  MigrationError,
  QueryTimeoutError,
  SerializationError,
} from 'plinth/database';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { findPostgres, type PostgresServer, startPostgres } from '../servers/postgres.ts';
import { serverOrSkip } from '../servers/require.ts';

const postgres = serverOrSkip('postgres', findPostgres());

describe.skipIf(postgres === undefined)('DatabaseManager on a PostgreSQL server', () => {
  let server: PostgresServer;
  let database: DatabaseManager;

  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server?.dispose());
  beforeEach(async () => {
    database = await opened();
    await sql`drop table if exists accounts; create table accounts (id integer primary key, balance integer not null)`.execute(
      database.db,
    );
    await sql`insert into accounts values (1, 100), (2, 100)`.execute(database.db);
  });
  afterEach(() => database.close());

  const opened = async (options: DatabaseManagerOptions = {}): Promise<DatabaseManager> => {
    const manager = new DatabaseManager({
      url: server.url,
      poolSize: 2,
      maxOverflow: 2,
      acquireTimeoutMs: 5_000,
      ...options,
    });
    await manager.open();
    return manager;
  };
  const total = async (): Promise<unknown> =>
    (await sql<{ total: number }>`select sum(balance)::int as total from accounts`.execute(database.db)).rows[0]?.total;

  it('survives a server that dies in mid transaction: a typed error, no half write, and it recovers', async () => {
    const failure = await database
      .transaction(async transaction => {
        await sql`update accounts set balance = balance - 50 where id = 1`.execute(transaction);
        await server.kill();
        await sql`update accounts set balance = balance + 50 where id = 2`.execute(transaction);
      })
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ConnectionLostError);
    expect(failure).toMatchObject({ retryable: true, outcomeUnknown: false });
    expect(await database.validateConnection()).toBe(false);

    await server.start();
    expect(await database.validateConnection()).toBe(true);
    expect(await total()).toBe(200);
    expect(database.poolStats()).toMatchObject({ active: 0, waiting: 0 });
  });

  it('survives a server that stops while connections are idle or on loan', async () => {
    const told: string[] = [];
    database.events.on('connection-error', ({ error, attempt }) => told.push(`${error.code} ${attempt}`));
    const session = await database.openSession();
    await database.validateConnection();
    await server.stop();
    await expect(sql`select 1`.execute(session.db)).rejects.toBeInstanceOf(ConnectionLostError);
    await session.close();
    await server.start();
    expect(await database.validateConnection()).toBe(true);
    expect(told).toContain('CONNECTION_LOST 0');
  });

  it('does not call a write repeatable whose answer was lost', async () => {
    await using session = await database.openSession();
    const write = sql`with slow as (select pg_sleep(30)) insert into accounts select 3, 0 from slow`.execute(
      session.db,
    );
    const failure = write.catch((error: unknown) => error);
    const running = sql<{
      count: number;
    }>`select count(*)::int as count from pg_stat_activity where wait_event = 'PgSleep'`;
    while ((await running.execute(database.db)).rows[0]?.count !== 1);
    await server.kill();
    expect(await failure).toMatchObject({ code: 'CONNECTION_LOST', outcomeUnknown: true, retryable: false });
    await server.start();
  });

  it('waits for a server that starts later, and gives up at the deadline', async () => {
    await server.stop();
    const impatient = new DatabaseManager({ url: server.url, connectDeadlineMs: 300 });
    await expect(impatient.open()).rejects.toThrow('could not be reached within 300 ms');
    expect(impatient.state).toBe('new');

    const patient = new DatabaseManager({ url: server.url });
    let restarted: Promise<void> | undefined;
    patient.events.on('connection-error', () => {
      restarted ??= server.start();
    });
    await patient.open();
    await restarted;
    expect(patient.state).toBe('open');
    await patient.close();
    await impatient.close();
  });

  it('does not wait when the database does not exist', async () => {
    const wrong = new DatabaseManager({ url: server.url.replace(/postgres$/, 'nowhere') });
    await expect(wrong.open()).rejects.toMatchObject({ sqlState: '3D000', code: 'QUERY_FAILED' });
    await wrong.close();
  });

  it('opens no more connections than poolSize and maxOverflow, and refuses those who wait too long', async () => {
    await using small = await opened({ poolSize: 1, maxOverflow: 1, acquireTimeoutMs: 1_000 });
    const sessions = [await small.openSession(), await small.openSession()];
    expect(small.poolStats()).toEqual({ total: 2, idle: 0, active: 2, waiting: 0 });
    await expect(small.openSession()).rejects.toBeInstanceOf(AcquireTimeoutError);
    for (const session of sessions) await session.close();
    expect(small.poolStats()).toMatchObject({ active: 0 });
  });

  it('names deadlocks, and one of the two goes through', async () => {
    const [first, second] = [await database.openSession(), await database.openSession()];
    const move = (session: typeof first, id: number): Promise<unknown> =>
      sql`update accounts set balance = balance + 1 where id = ${id}`.execute(session.db);
    for (const session of [first, second]) await sql`begin`.execute(session.db);
    await move(first, 1);
    await move(second, 2);
    const outcomes = await Promise.allSettled([move(first, 2), move(second, 1)]);
    const failures = outcomes.flatMap(outcome => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []));
    expect(failures).toHaveLength(1);
    expect(failures[0]).toBeInstanceOf(DeadlockError);
    expect(failures[0]).toMatchObject({ retryable: true });
    await first.close();
    await second.close();
  });

  it('names transactions that cannot be put into an order', async () => {
    const failure = database.transaction(
      async transaction => {
        await sql`select sum(balance) from accounts`.execute(transaction);
        await sql`update accounts set balance = 0 where id = 1`.execute(database.db);
        await sql`update accounts set balance = 1 where id = 1`.execute(transaction);
      },
      { isolationLevel: 'serializable' },
    );
    await expect(failure).rejects.toBeInstanceOf(SerializationError);
  });

  it('names statements that the server cancelled', async () => {
    await using session = await database.openSession();
    await sql`set statement_timeout = 20`.execute(session.db);
    await expect(sql`select pg_sleep(30)`.execute(session.db)).rejects.toBeInstanceOf(QueryTimeoutError);
    await sql`reset statement_timeout`.execute(session.db);
  });

  it('lets two processes migrate at once, each migration once', async () => {
    await using other = await opened();
    const migrations = [{ name: '001', up: 'create table once (id integer)' }];
    const reports = await Promise.all([database.migrate(migrations), other.migrate(migrations)]);
    expect(reports.flatMap(({ ran }) => ran)).toHaveLength(1);
  });

  it('waits for another one that migrates, and refuses in the end', async () => {
    await using other = await opened();
    const slow = { name: '001', up: 'create table slow (id integer); select pg_sleep(0.3)' };
    await sql`drop table if exists plinth_migrations, once, slow`.execute(database.db);
    const first = database.migrate([slow]);
    await vi.waitFor(async () => {
      const { rows } = await sql`select 1 from pg_locks where locktype = 'advisory'`.execute(other.db);
      expect(rows).toHaveLength(1);
    });
    await expect(other.migrate([slow], { lockTimeoutMs: 0 })).rejects.toBeInstanceOf(AcquireTimeoutError);
    expect((await other.migrate([slow])).before).toEqual(['001']);
    expect((await first).ran).toHaveLength(1);
  });

  it('neither waits nor takes the lock where nothing is to be run', async () => {
    await using other = await opened();
    await sql`drop table if exists plinth_migrations, once, slow`.execute(database.db);
    const migrations = [{ name: '001', up: 'create table once (id integer)' }];
    await database.migrate(migrations);
    await using session = await other.openSession();
    await sql`select pg_advisory_lock(123610927625320)`.execute(session.db);
    const report = await database.migrate(migrations, { lockTimeoutMs: 0 });
    expect(report).toEqual({ before: ['001'], ran: [], pending: [] });
    const more = [...migrations, { name: '002', up: 'create table slow (id integer)' }];
    await expect(database.migrate(more, { lockTimeoutMs: 0 })).rejects.toBeInstanceOf(AcquireTimeoutError);
  });

  it('leaves the migration undone and the lock free when its connection dies', async () => {
    await using other = await opened();
    await sql`drop table if exists plinth_migrations, once, slow`.execute(database.db);
    const failure = database
      .migrate([{ name: '001', up: 'create table once (id integer); select pg_sleep(30)' }])
      .catch((error: unknown) => error);
    const sleeping = sql<{ pid: number }>`select pid from pg_stat_activity where wait_event = 'PgSleep'`;
    const pid = await vi.waitFor(async () => {
      const [row] = (await sleeping.execute(other.db)).rows;
      expect(row).toBeDefined();
      return row?.pid;
    });
    await sql`select pg_terminate_backend(${pid})`.execute(other.db);
    expect(await failure).toMatchObject({ code: 'MIGRATION_FAILED', cause: { code: 'CONNECTION_LOST' } });
    const report = await other.migrate([{ name: '001', up: 'create table once (id integer)' }], {
      lockTimeoutMs: 1_000,
    });
    expect(report).toMatchObject({ before: [], ran: [{ name: '001' }] });
  });

  it('does not take an index for made that a failed migration left behind', async () => {
    await sql`drop table if exists plinth_migrations; insert into accounts values (3, 7)`.execute(database.db);
    await sql`create table other (id int); create index other_balance on other (id)`.execute(database.db);
    const index: Migration = {
      name: '001-index',
      transaction: false,
      up: 'create unique index concurrently if not exists "By_balance" on accounts (balance)',
    };
    await expect(database.migrate([index])).rejects.toThrow('may be half done');
    for (let start = 0; start < 2; start += 1) {
      const failure = database.migrate([index]);
      await expect(failure).rejects.toBeInstanceOf(MigrationError);
      await expect(failure).rejects.toThrow('Run "drop index concurrently "By_balance"" first');
    }
    // Of another migration it is no matter.
    const other: Migration = { ...index, up: 'create index concurrently if not exists other_id on other (id)' };
    expect((await database.migrate([other])).ran).toHaveLength(1);
    await sql`drop index concurrently "By_balance"`.execute(database.db);
    await sql`delete from accounts where id > 1; drop table plinth_migrations, other`.execute(database.db);
    expect((await database.migrate([index])).ran).toHaveLength(1);
  });

  it('reads dates in the style it knows, whatever a role is set to', async () => {
    await sql`drop role if exists stylish; create role stylish login; alter role stylish set datestyle = 'SQL, DMY'`.execute(
      database.db,
    );
    await using styled = await opened({ url: server.url.replace('postgres@', 'stylish@') });
    const dates = sql`select date '2026-03-04' as day, timestamptz '2026-03-04 10:00+00' as moment`;
    const expected = [{ day: '2026-03-04', moment: new Date('2026-03-04T10:00:00Z') }];
    expect((await dates.execute(styled.db)).rows).toEqual(expected);
    await styled.session(async db => {
      await sql`reset all`.execute(db);
      expect((await dates.execute(db)).rows).toEqual(expected);
    });
  });

  it('breaks off what does not end in time when it closes', async () => {
    const impatient = await opened({ drainTimeoutMs: 20 });
    const session = await impatient.openSession();
    const endless = sql`select pg_sleep(30)`.execute(session.db).catch((error: unknown) => error);
    await impatient.close();
    expect(await endless).toBeInstanceOf(ConnectionLostError);
    await session.close();
  });
});
