import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { sql } from 'kysely';
import {
  AcquireTimeoutError,
  ConnectionLostError,
  DatabaseClosedError,
  DatabaseLockedError,
  DatabaseManager,
} from 'plinth/database';
import { systemClock } from 'plinth/kernel';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';

/** Another process that opens the folder, writes rows and says each one that it was told is written. */
function startWriter(directory: string): ChildProcess {
  const program = `
    import { sql } from 'kysely';
    import { DatabaseManager } from 'plinth/database';
    const database = new DatabaseManager({ directory: ${JSON.stringify(directory)} });
    await database.open();
    await sql\`create table if not exists numbers (number integer)\`.execute(database.db);
    for (let number = 1; ; number += 1) {
      await sql\`insert into numbers values (\${number})\`.execute(database.db);
      console.log(number);
    }`;
  const writer = spawn(
    process.execPath,
    ['--conditions=plinth-source', '--import', 'tsx', '--input-type=module', '--eval', program],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  onTestFinished(() => void writer.kill('SIGKILL'));
  return writer;
}

async function kill(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

describe('the embedded engine in a folder', { timeout: 60_000 }, () => {
  let directory: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'plinth-embedded-'));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  const opened = async (options: { acquireTimeoutMs?: number } = {}): Promise<DatabaseManager> => {
    const database = new DatabaseManager({ directory, ...options });
    await database.open();
    return database;
  };

  it('holds PostgreSQL of the major that it says', async () => {
    await using database = await opened();
    const { rows } = await sql<{ version: string }>`select version()`.execute(database.db);
    expect(rows[0]?.version).toMatch(/^PostgreSQL 18\./);
    expect(readFileSync(join(directory, 'cluster', 'PG_VERSION'), 'utf8').trim()).toBe('18');
  });

  it('keeps what was written, and leaves no lock behind', async () => {
    const first = await opened();
    await sql`create table kept (text text)`.execute(first.db);
    await sql`insert into kept values ('hello')`.execute(first.db);
    await first.close();
    expect(readdirSync(directory)).toEqual(['cluster']);
    await using second = await opened();
    expect((await sql`select text from kept`.execute(second.db)).rows).toEqual([{ text: 'hello' }]);
  });

  it('refuses a second process, and loses nothing that was acknowledged when the first is killed', async () => {
    const writer = startWriter(directory);
    const lines = createInterface({ input: writer.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
    await lines.next();
    const second = new DatabaseManager({ directory });
    const refusal = await second.open().catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(DatabaseLockedError);
    expect(refusal).toMatchObject({ pid: writer.pid, message: expect.stringContaining(`process ${writer.pid}`) });

    for (let line = 0; line < 50; line += 1) await lines.next();
    await kill(writer);
    let acknowledged = 51;
    for (let line = await lines.next(); line.done !== true; line = await lines.next())
      acknowledged = Number(line.value);

    await second.open();
    const { rows } = await sql<{ rows: number }>`select count(*)::int as rows from numbers`.execute(second.db);
    expect(rows[0]?.rows).toBeGreaterThanOrEqual(acknowledged);
    await second.close();
  });

  it('starts again after a first start that was killed half-way', async () => {
    const writer = startWriter(directory);
    await vi.waitFor(() => expect(existsSync(join(directory, 'cluster.creating', 'PG_VERSION'))).toBe(true), {
      timeout: 15_000,
      interval: 1,
    });
    await kill(writer);
    expect(existsSync(join(directory, 'cluster'))).toBe(false);
    await using database = await opened();
    expect(await database.validateConnection()).toBe(true);
    expect(readdirSync(directory).sort()).toEqual(['cluster', 'lock']);
  });

  it('starts again after an open that was given up', async () => {
    const controller = new AbortController();
    const database = new DatabaseManager({ directory });
    const opening = database.open(controller.signal);
    await vi.waitFor(() => expect(existsSync(join(directory, 'cluster.creating'))).toBe(true), {
      timeout: 15_000,
      interval: 1,
    });
    controller.abort();
    await expect(opening).rejects.toMatchObject({ name: 'AbortError' });
    expect(existsSync(join(directory, 'lock'))).toBe(false);
    await database.open();
    await database.close();
  });

  it('leaves a folder of another major alone, and names it', async () => {
    const database = await opened();
    await database.close();
    const cluster = join(directory, 'cluster');

    writeFileSync(join(cluster, 'PG_VERSION'), '17\n');
    await expect(opened()).rejects.toMatchObject({ code: 'DATABASE_FOLDER_UNUSABLE', directory });
    await expect(opened()).rejects.toThrow(`${directory} cannot be used: it was made by PostgreSQL 17`);
    expect(readFileSync(join(cluster, 'PG_VERSION'), 'utf8')).toBe('17\n');
  });

  it('leaves a folder alone that is damaged or no database', async () => {
    const database = await opened();
    await database.close();
    const cluster = join(directory, 'cluster');
    truncateSync(join(cluster, 'global', 'pg_control'), 100);
    await expect(opened()).rejects.toThrow('could not be opened and may be damaged. It was left as it is');
    expect(existsSync(join(cluster, 'PG_VERSION'))).toBe(true);

    const bare = join(directory, 'bare');
    cpSync(cluster, bare, { recursive: true });
    await expect(new DatabaseManager({ directory: bare }).open()).rejects.toThrow('is itself a PostgreSQL cluster');
    rmSync(cluster, { recursive: true });
    mkdirSync(cluster);
    await expect(opened()).rejects.toThrow('is empty, so it is not a database');
    expect(readdirSync(directory).sort()).toEqual(['bare', 'cluster']);
  });

  it('says so when the folder cannot be made', async () => {
    const file = join(directory, 'file');
    writeFileSync(file, '');
    await expect(new DatabaseManager({ directory: join(file, 'pg') }).open()).rejects.toThrow(
      'cannot be written: ENOTDIR',
    );
  });
});

describe('the one connection of the embedded engine', { timeout: 60_000 }, () => {
  let database: DatabaseManager;

  beforeAll(async () => {
    database = new DatabaseManager({ acquireTimeoutMs: 50 });
    await database.open();
  });
  afterAll(() => database.close());

  it('leaves the event loop free while a statement runs', async () => {
    let turns = 0;
    const timer = systemClock.setRepeatingTimer(5, () => {
      turns += 1;
    });
    await sql`select pg_sleep(0.5)`.execute(database.db);
    timer.cancel();
    // Blocked, it would turn once at the end.
    expect(turns).toBeGreaterThan(3);
  });

  it('refuses the manager inside an open transaction instead of waiting for ever', async () => {
    const failure = database.transaction(async () => sql`select 1`.execute(database.db));
    await expect(failure).rejects.toBeInstanceOf(AcquireTimeoutError);
    const advice = expect.stringContaining('use what fn was given, not the manager');
    await expect(failure).rejects.toMatchObject({ timeoutMs: 50, reason: 'full', advice });
    expect(await database.validateConnection()).toBe(true);
  });

  it('stops waiting for a connection when the signal fires, and gives it back', async () => {
    const session = await database.openSession();
    const controller = new AbortController();
    const work = vi.fn(async () => undefined);
    const waiting = database.session(work, { signal: controller.signal });
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
    await session.close();
    expect(await database.validateConnection()).toBe(true);
    expect(work).not.toHaveBeenCalled();
  });
});

describe('closing the embedded engine', { timeout: 60_000 }, () => {
  let database: DatabaseManager;

  beforeEach(async () => {
    database = new DatabaseManager({ acquireTimeoutMs: 50 });
    await database.open();
  });
  afterEach(() => database.close());

  it('is closed once and for all', async () => {
    await database.close();
    await database[Symbol.asyncDispose]();
    expect(database.state).toBe('closed');
    await expect(database.open()).rejects.toBeInstanceOf(DatabaseClosedError);
    await expect(sql`select 1`.execute(database.db)).rejects.toThrow('is closed: it lends no more connections');
    expect(await database.validateConnection()).toBe(false);
  });

  it('turns away those who wait for a connection when it closes', async () => {
    const session = await database.openSession();
    const waiting = Array.from({ length: 20 }, () =>
      sql`select 1`.execute(database.db).catch((error: unknown) => error),
    );
    const closing = database.close();
    for (const outcome of await Promise.all(waiting)) expect(outcome).toBeInstanceOf(DatabaseClosedError);
    await session.close();
    await closing;
  });

  it('lets work on loan end before it closes', async () => {
    const session = await database.openSession();
    const closing = database.close();
    await expect(sql`select 1`.execute(database.db)).rejects.toBeInstanceOf(DatabaseClosedError);
    expect((await sql`select 1 as one`.execute(session.db)).rows).toEqual([{ one: 1 }]);
    await session.close();
    await closing;
    expect(database.state).toBe('closed');
  });
});

describe('the life of a manager', { timeout: 60_000 }, () => {
  it('breaks off what does not end in time when it closes', async () => {
    const impatient = new DatabaseManager({ drainTimeoutMs: 20 });
    await impatient.open();
    const session = await impatient.openSession();
    const endless = sql`select pg_sleep(30)`.execute(session.db).catch((error: unknown) => error);
    await impatient.close();
    expect(await endless).toBeInstanceOf(ConnectionLostError);
    await session.close();
  });

  it('asks to be opened first', async () => {
    const fresh = new DatabaseManager();
    await expect(sql`select 1`.execute(fresh.db)).rejects.toThrow('is new: await open() first');
    expect(fresh.poolStats()).toEqual({ total: 0, idle: 0, active: 0, waiting: 0 });
    await fresh.close();
  });

  it('says why its engine ended, calls no write repeatable then, and does not open again', async () => {
    await using database = new DatabaseManager();
    await database.open();
    await sql`create table rows (id int)`.execute(database.db);
    // A text that hides how it begins: the engine ends when it waits for rows.
    const failure = sql`insert into rows values (1); /* /* */ */ copy rows from stdin`.execute(database.db);
    await expect(failure).rejects.toBeInstanceOf(ConnectionLostError);
    await expect(failure).rejects.toMatchObject({ outcomeUnknown: true, retryable: false });
    await expect(failure).rejects.toThrow(/^The embedded database ended: \w+: \w+/);
    expect(database.state).toBe('failed');
    await expect(database.open()).rejects.toBeInstanceOf(DatabaseClosedError);
    await expect(database.open()).rejects.toThrow('its embedded engine has ended. Close it, and open a new manager');
  });

  it('tells its states and slow statements', async () => {
    const seen: string[] = [];
    const fresh = new DatabaseManager({ slowQueryMs: 0 });
    fresh.events.on('state', ({ state }) => seen.push(state));
    fresh.events.on('slow-query', ({ sql: text, thresholdMs }) => seen.push(`${text} ${thresholdMs}`));
    await Promise.all([fresh.open(), fresh.open()]);
    await fresh.close();
    expect(seen).toEqual(['opening', 'select 1 0', 'open', 'closing', 'closed']);
  });
});
