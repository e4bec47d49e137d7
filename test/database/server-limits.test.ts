import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { runWithRequestContext } from 'plinth/context';
import {
  ConnectionLostError,
  DatabaseManager,
  type DatabaseManagerOptions,
  DatabaseTlsError,
  LockNotAvailableError,
  QueryTimeoutError,
  TooManyConnectionsError,
} from 'plinth/database';
import { Secret, systemClock } from 'plinth/kernel';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { findPostgres, type PostgresServer, startPostgres } from '../servers/postgres.ts';
import { serverOrSkip } from '../servers/require.ts';

const postgres = serverOrSkip('postgres', findPostgres());
const openssl = serverOrSkip('openssl');

/** A way to the server that can be cut without anybody being told, as a firewall does that forgets connections. */
async function startTunnel(port: number): Promise<{ port: number; forget: () => void; close: () => Promise<void> }> {
  const pairs: [Socket, Socket][] = [];
  const tunnel: Server = createServer(near => {
    const far = connect(port, '127.0.0.1');
    near.pipe(far).pipe(near);
    for (const socket of [near, far]) socket.on('error', () => undefined);
    pairs.push([near, far]);
  });
  await new Promise<void>(resolve => tunnel.listen(0, '127.0.0.1', resolve));
  const address = tunnel.address() as { port: number };
  const forget = (): void => {
    for (const [near, far] of pairs) near.unpipe(far).resume();
  };
  const close = (): Promise<void> => {
    for (const pair of pairs) for (const socket of pair) socket.destroy();
    return new Promise(resolve => tunnel.close(() => resolve()));
  };
  return { port: address.port, forget, close };
}

describe.skipIf(postgres === undefined)('time and connections on a PostgreSQL server', () => {
  let server: PostgresServer;
  let watcher: DatabaseManager;

  beforeAll(async () => {
    server = await startPostgres();
    watcher = new DatabaseManager({ url: server.url });
    await watcher.open();
    await sql`create table accounts (id integer primary key, balance integer not null)`.execute(watcher.db);
    await sql`insert into accounts values (1, 100), (2, 100)`.execute(watcher.db);
  });
  afterAll(async () => {
    await watcher?.close();
    await server?.dispose();
  });

  const opened = async (options: DatabaseManagerOptions = {}): Promise<DatabaseManager> => {
    const manager = new DatabaseManager({ url: server.url, poolSize: 2, maxOverflow: 2, ...options });
    await manager.open();
    return manager;
  };
  const within = <Result>(ms: number, work: () => Promise<Result>): Promise<Result> =>
    runWithRequestContext({ deadlineMs: systemClock.monotonic() + ms }, work);
  const running = async (): Promise<number> => {
    const { rows } = await sql<{ count: number }>`select count(*)::int as count from pg_stat_activity
      where wait_event = 'PgSleep'`.execute(watcher.db);
    return rows[0]?.count ?? -1;
  };
  const pid = sql<{ pid: number }>`select pg_backend_pid() as pid`;

  it('cancels on the server what the caller no longer waits for', async () => {
    await using database = await opened();
    const late = within(50, () => sql`select pg_sleep(30)`.execute(database.db));
    await expect(late).rejects.toBeInstanceOf(QueryTimeoutError);
    const controller = new AbortController();
    const left = database.session(db => sql`select pg_sleep(30)`.execute(db), { signal: controller.signal });
    await vi.waitFor(async () => expect(await running()).toBe(1));
    controller.abort();
    await expect(left).rejects.toMatchObject({ name: 'AbortError' });
    await vi.waitFor(async () => expect(await running()).toBe(0));
    expect(database.poolStats()).toMatchObject({ active: 0, waiting: 0 });
  });

  it('knows that a cancelled write did not take effect', async () => {
    await using database = await opened();
    const slowWrite = sql`with slow as (select pg_sleep(30)) insert into accounts select 3, 0 from slow`;
    const failure = within(50, () => slowWrite.execute(database.db));
    await expect(failure).rejects.toBeInstanceOf(QueryTimeoutError);
    expect((await sql`select 1 from accounts where id = 3`.execute(database.db)).rows).toEqual([]);
  });

  it('has the server itself end a transaction when its process cannot any more', async () => {
    await using database = await opened();
    const setting = sql<{ value: string }>`select current_setting('statement_timeout') as value`;
    const { rows } = await within(5_000, () => database.transaction(transaction => setting.execute(transaction)));
    expect(rows[0]?.value).toMatch(/^(?:5s|4\d\d\dms)$/);
    expect((await setting.execute(database.db)).rows).toEqual([{ value: '0' }]);
  });

  it('leaves a shorter limit as it is that whoever runs the server has set', async () => {
    await sql`drop role if exists hurried; create role hurried login`.execute(watcher.db);
    await using database = await opened({ url: server.url.replace('postgres@', 'hurried@') });
    await sql`alter role hurried set statement_timeout = '2s'`.execute(watcher.db);
    await using limited = await opened({ url: server.url.replace('postgres@', 'hurried@') });
    const limitOf = async (manager: DatabaseManager): Promise<number | undefined> => {
      const setting = sql<{ ms: number }>`select setting::int as ms from pg_settings where name = 'statement_timeout'`;
      return (await within(60_000, () => manager.transaction(db => setting.execute(db)))).rows[0]?.ms;
    };
    expect(await limitOf(limited)).toBe(2_000);
    expect(await limitOf(database)).toBeGreaterThan(2_000);
    expect(await limitOf(database)).toBeLessThanOrEqual(60_000);
  });

  it('closes a connection on which the server does not answer the request to cancel', async () => {
    const tunnel = await startTunnel(Number(new URL(server.url).port));
    await using database = await opened({ url: server.url.replace(/:\d+\//, `:${tunnel.port}/`), drainTimeoutMs: 100 });
    tunnel.forget();
    const failure = within(50, () => sql`update accounts set balance = 0 where id = 1`.execute(database.db));
    await expect(failure).rejects.toMatchObject({ outcomeUnknown: true, retryable: false });
    await expect(failure).rejects.toBeInstanceOf(ConnectionLostError);
    await tunnel.close();
  });

  it('does not lend a connection that died unnoticed', async () => {
    const tunnel = await startTunnel(Number(new URL(server.url).port));
    const url = server.url.replace(/:\d+\//, `:${tunnel.port}/`);
    await using database = await opened({ url, prePingAfterMs: 0, drainTimeoutMs: 100 });
    const before = (await pid.execute(database.db)).rows[0]?.pid;
    expect((await pid.execute(database.db)).rows[0]?.pid).toBe(before);
    tunnel.forget();
    expect((await pid.execute(database.db)).rows[0]?.pid).not.toBe(before);
    await tunnel.close();
  });

  it('replaces connections that are old', async () => {
    await using database = await opened({ recycleMs: 50 });
    const before = (await pid.execute(database.db)).rows[0]?.pid;
    await vi.waitFor(async () => expect((await pid.execute(database.db)).rows[0]?.pid).not.toBe(before));
  });

  it('waits no longer for a connection than the request lasts', async () => {
    await using database = await opened({ poolSize: 1, maxOverflow: 0 });
    await database.session(async () => {
      await expect(within(30, () => pid.execute(database.db))).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    });
    expect((await pid.execute(database.db)).rows).toHaveLength(1);
  });

  it('names locks that are not available and servers that are full', async () => {
    await using database = await opened();
    await database.transaction(async transaction => {
      await sql`select * from accounts where id = 1 for update`.execute(transaction);
      const blocked = sql`select * from accounts where id = 1 for update nowait`.execute(database.db);
      await expect(blocked).rejects.toBeInstanceOf(LockNotAvailableError);
    });
    await sql`drop role if exists guest; create role guest login connection limit 0`.execute(database.db);
    const guest = new DatabaseManager({ url: server.url.replace('postgres@', 'guest@'), maxConnectAttempts: 1 });
    await expect(guest.open()).rejects.toBeInstanceOf(TooManyConnectionsError);
    await guest.close();
  });

  it('runs transactions again until each of those in a deadlock came through', async () => {
    await using database = await opened();
    const retried: string[] = [];
    database.events.on('transaction-retried', ({ error }) => retried.push((error as Error).name));
    const arrivals = { count: 0, all: newBarrier() };
    const move = (from: number, to: number): Promise<void> =>
      database.transaction(async transaction => {
        await sql`update accounts set balance = balance - 1 where id = ${from}`.execute(transaction);
        arrivals.count += 1;
        if (arrivals.count === 2) arrivals.all.open();
        // Both hold one row now, and want the other's.
        await arrivals.all.opened;
        await sql`update accounts set balance = balance + 1 where id = ${to}`.execute(transaction);
      });
    await Promise.all([move(1, 2), move(2, 1)]);
    expect(retried).toEqual(['DeadlockError']);
    const { rows } = await sql`select balance from accounts where id < 3`.execute(database.db);
    expect(rows).toEqual([{ balance: 100 }, { balance: 100 }]);
  });

  it('loses no update of serializable transactions that meet', async () => {
    await using database = await opened({ poolSize: 4, maxTransactionAttempts: 100 });
    let retried = 0;
    database.events.on('transaction-retried', () => {
      retried += 1;
    });
    const add = (): Promise<void> =>
      database.transaction(
        async transaction => {
          const { rows } = await sql<{ balance: number }>`select balance from accounts where id = 1`.execute(
            transaction,
          );
          const balance = (rows[0]?.balance ?? 0) + 1;
          await sql`update accounts set balance = ${balance} where id = 1`.execute(transaction);
        },
        { isolationLevel: 'serializable' },
      );
    await Promise.all(Array.from({ length: 30 }, add));
    const { rows } = await sql`select balance from accounts where id = 1`.execute(database.db);
    expect(rows).toEqual([{ balance: 130 }]);
    expect(retried).toBeGreaterThan(0);
  });
});

function newBarrier(): { open: () => void; opened: Promise<void> } {
  let open = (): void => undefined;
  const opened = new Promise<void>(resolve => {
    open = resolve;
  });
  return { open, opened };
}

describe.skipIf(postgres === undefined || openssl === undefined)('TLS to a PostgreSQL server', () => {
  let server: PostgresServer;
  let folder: string;
  const file = (name: string): string => readFileSync(join(folder, name), 'utf8');

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'plinth-tls-'));
    const run = (...flags: string[]): void => {
      execFileSync(openssl as string, flags, { cwd: folder, stdio: 'pipe' });
    };
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    run('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.crt', '-subj', '/CN=test authority', '-days', '2');
    for (const [name, subject] of [
      ['server', 'localhost'],
      ['client', 'postgres'],
    ] as const) {
      const request = ['req', ...key, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${subject}`];
      run(...request, '-addext', `subjectAltName=DNS:${subject}`);
      const signed = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-copy_extensions', 'copy', '-days', '2'];
      run('x509', '-req', '-in', `${name}.csr`, '-out', `${name}.crt`, ...signed);
    }
    server = await startPostgres({
      settings: ['ssl=on', 'ssl_cert_file=server.crt', 'ssl_key_file=server.key', 'ssl_ca_file=ca.crt'],
      files: {
        'server.crt': file('server.crt'),
        'server.key': file('server.key'),
        'ca.crt': file('ca.crt'),
        'pg_hba.conf': 'hostssl all postgres all cert\nhostssl all reader all trust\n',
      },
    });
    await using owner = new DatabaseManager({ url: url('postgres'), tls: clientTls() });
    await owner.open();
    await sql`create role reader login`.execute(owner.db);
  });
  afterAll(async () => {
    await server?.dispose();
    rmSync(folder, { recursive: true, force: true });
  });

  const url = (user: string, query = ''): string =>
    `${server.url.replace('postgres@127.0.0.1', `${user}@localhost`)}${query}`;
  const clientTls = () => ({ ca: file('ca.crt'), cert: file('client.crt'), key: new Secret(file('client.key')) });
  const isEncrypted = async (options: DatabaseManagerOptions): Promise<boolean | undefined> => {
    await using database = new DatabaseManager({ maxConnectAttempts: 1, ...options });
    await database.open();
    const { rows } = await sql<{ ssl: boolean }>`select ssl from pg_stat_ssl where pid = pg_backend_pid()`.execute(
      database.db,
    );
    return rows[0]?.ssl;
  };

  it('encrypts, checks the server, and proves who we are', async () => {
    expect(await isEncrypted({ url: url('postgres'), tls: clientTls() })).toBe(true);
    expect(await isEncrypted({ url: url('reader'), tls: { ca: file('ca.crt') } })).toBe(true);
    expect(await isEncrypted({ url: url('reader', `?sslmode=require&sslrootcert=${join(folder, 'ca.crt')}`) })).toBe(
      true,
    );
    expect(await isEncrypted({ url: url('reader', '?sslmode=no-verify') })).toBe(true);
    const byAddress = url('reader').replace('localhost', '127.0.0.1');
    expect(await isEncrypted({ url: byAddress, tls: { ca: file('ca.crt'), servername: 'localhost' } })).toBe(true);
  });

  it('refuses a server that it cannot trust or that has another name, at once', async () => {
    for (const options of [
      { url: url('reader', '?sslmode=require') },
      { url: url('reader'), tls: {} },
      { url: url('reader'), tls: { ca: file('ca.crt'), servername: 'elsewhere' } },
    ]) {
      await expect(isEncrypted({ ...options, maxConnectAttempts: 100 })).rejects.toBeInstanceOf(DatabaseTlsError);
    }
  });

  it('cancels over an encrypted way, too', async () => {
    await using database = new DatabaseManager({ url: url('reader'), tls: { ca: file('ca.crt') } });
    await database.open();
    const late = runWithRequestContext({ deadlineMs: systemClock.monotonic() + 50 }, () =>
      sql`with slow as (select pg_sleep(30)) select * from slow`.execute(database.db),
    );
    await expect(late).rejects.toBeInstanceOf(QueryTimeoutError);
  });

  it('does not fall back to no encryption', async () => {
    const plain = await startPostgres();
    const failure = isEncrypted({ url: plain.url, tls: { ca: file('ca.crt') }, maxConnectAttempts: 100 });
    await expect(failure).rejects.toBeInstanceOf(DatabaseTlsError);
    await plain.dispose();
  });
});
