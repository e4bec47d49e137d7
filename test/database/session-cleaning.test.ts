import { type Kysely, sql } from 'kysely';
import { DatabaseManager, type DatabaseManagerOptions, preparedQuery, prepareStatement } from 'plinth/database';
import { VirtualClock } from 'plinth/testing';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type CuttingTunnel, openTunnel } from '../servers/cutting-tunnel.ts';
import { findPostgres, type PostgresServer, startPostgres } from '../servers/postgres.ts';
import { serverOrSkip } from '../servers/require.ts';

const postgres = serverOrSkip('postgres', findPostgres());

describe.skipIf(postgres === undefined)('connections that come back to the pool of a server', () => {
  let server: PostgresServer;
  let owner: DatabaseManager;

  beforeAll(async () => {
    server = await startPostgres();
    owner = await opened();
  });
  afterAll(async () => {
    await owner?.close();
    await server?.dispose();
  });

  const opened = async (options: DatabaseManagerOptions = {}): Promise<DatabaseManager> => {
    const manager = new DatabaseManager({ url: server.url, poolSize: 1, maxOverflow: 0, ...options });
    await manager.open();
    return manager;
  };
  const look = async (manager: DatabaseManager): Promise<{ pid: number; name: string } | undefined> => {
    const facts = sql<{ pid: number; name: string }>`select pg_backend_pid() as pid,
      current_setting('application_name') as name`;
    return (await facts.execute(manager.db)).rows[0];
  };
  const leave = (manager: DatabaseManager): Promise<unknown> =>
    manager.session(db => sql`set application_name = 'left'`.execute(db));

  it('are cleaned and kept, with and without names for statements', async () => {
    for (const preparedStatements of [true, false]) {
      await using database = await opened({ preparedStatements });
      const before = await look(database);
      await leave(database);
      expect(await look(database)).toEqual(before);
    }
  });

  it('are asked nothing more when nothing was left', async () => {
    await using database = await opened();
    const statements: string[] = [];
    database.events.on('query', event => statements.push(event.sql));
    await database.transaction(db => sql`select set_config('app.tenant', '1', true)`.execute(db));
    expect(statements).toEqual(['start transaction', "select set_config('app.tenant', '1', true)", 'commit']);
  });

  it('are replaced when they cannot be cleaned', async () => {
    await sql`create role plain login; revoke execute on function pg_advisory_unlock_all() from public`.execute(
      owner.db,
    );
    await using database = await opened({ url: server.url.replace('postgres@', 'plain@') });
    const before = await look(database);
    await leave(database);
    const after = await look(database);
    expect(after?.pid).not.toBe(before?.pid);
    expect(after?.name).toBe(before?.name);
    await sql`grant execute on function pg_advisory_unlock_all() to public`.execute(owner.db);
  });

  it('are replaced when cleaning takes too long', async () => {
    const tunnel: CuttingTunnel = await openTunnel(Number(new URL(server.url).port));
    const clock = new VirtualClock();
    await using database = await opened({ url: server.url.replace(/:\d+\//, `:${tunnel.port}/`), clock });
    const before = await look(database);
    let isBack = false;
    const left = database
      .session(async db => {
        await sql`set application_name = 'left'`.execute(db);
        tunnel.hold();
      })
      .finally(() => {
        isBack = true;
      });
    await vi.waitFor(async () => {
      await clock.advance(1_000);
      expect(isBack).toBe(true);
    });
    await left;
    const after = await look(database);
    expect(after?.pid).not.toBe(before?.pid);
    expect(after?.name).toBe(before?.name);
    await database.close();
    await tunnel[Symbol.asyncDispose]();
  });

  it('may all know a statement that no longer fits, and a transaction gets through with its second attempt', async () => {
    const count = 8;
    await using database = await opened({ poolSize: count });
    const rename = prepareStatement('update names set name = $1 returning *', { reads: false });
    const run = (db: Kysely<unknown>): Promise<unknown> => db.executeQuery(preparedQuery<unknown>(rename, ['x']));
    await sql`create table names (name text)`.execute(owner.db);
    const sessions = await Promise.all(Array.from({ length: count }, () => database.openSession()));
    for (const { db } of sessions) await run(db);
    for (const session of sessions) await session.close();
    await sql`alter table names add nick text`.execute(owner.db);
    let retried = 0;
    database.events.on('transaction-retried', () => {
      retried += 1;
    });
    await database.transaction(run);
    expect(retried).toBe(1);
    for (let index = 0; index < count; index += 1) await run(database.db);
  });
});
