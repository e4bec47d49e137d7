import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runWithRequestContext } from '../context/index.ts';
import { ArgumentError } from '../errors/index.ts';
import { VirtualClock } from '../testing/index.ts';
import { DatabaseManager } from './database-manager.ts';
import type { QueryEvent } from './events.ts';
import { preparedQuery, prepareStatement } from './prepared-statement.ts';

const byId = prepareStatement('select id, 10 / id as share from numbers where id = $1', { reads: true });
const names = prepareStatement('select name from pg_prepared_statements', { reads: true });

interface NumberRow {
  readonly id: number;
  readonly share: number;
}

describe('readPrepared()', () => {
  let clock: VirtualClock;
  let database: DatabaseManager;

  const open = async (options: { preparedStatements?: boolean } = {}): Promise<void> => {
    clock = new VirtualClock();
    database = new DatabaseManager({ clock, ...options });
    await database.open();
    await sql`create table numbers (id int primary key)`.execute(database.db);
    await sql`insert into numbers select generate_series(0, 199)`.execute(database.db);
  };
  const read = (id: number): Promise<readonly NumberRow[]> => database.readPrepared<NumberRow>(byId, [id]);

  beforeEach(() => open());
  afterEach(() => database.close());

  it('gives each read its own rows, however many are under way', async () => {
    const answers = await Promise.all(Array.from({ length: 300 }, (_, index) => read(index + 1)));
    expect(answers.map(rows => rows[0]?.id)).toEqual(
      Array.from({ length: 300 }, (_, index) => (index < 199 ? index + 1 : undefined)),
    );
    expect(database.poolStats()).toMatchObject({ total: 1, waiting: 0 });
  });

  it('fails a read alone, not those around it', async () => {
    const answers = await Promise.allSettled([read(1), read(0), read(2)]);
    expect(answers).toMatchObject([
      { status: 'fulfilled', value: [{ id: 1 }] },
      { status: 'rejected', reason: { sqlState: '22012' } },
      { status: 'fulfilled', value: [{ id: 2 }] },
    ]);
  });

  it('refuses a statement that may write', async () => {
    const write = prepareStatement('delete from numbers where id = $1', { reads: false });
    await expect(database.readPrepared(write, [1])).rejects.toBeInstanceOf(ArgumentError);
    expect(await read(1)).toHaveLength(1);
  });

  it('lets others have the connection although reads never end', async () => {
    const state = { isOver: false, reads: 0 };
    const reader = async (): Promise<void> => {
      while (!state.isOver) {
        await read(1);
        state.reads += 1;
      }
    };
    const readers = Promise.all([reader(), reader(), reader()]);
    for (let turn = 0; turn < 5; turn += 1) {
      await database.transaction(transaction => sql`select 1`.execute(transaction));
    }
    state.isOver = true;
    await readers;
    expect(state.reads).toBeGreaterThan(5);
  });

  it('gives the connection back when there is nothing more to read', async () => {
    await read(1);
    await database.session(async () => expect(database.poolStats().active).toBe(1));
    expect(database.poolStats()).toMatchObject({ active: 0, waiting: 0 });
  });

  it('keeps a name on the connection, or none where that is turned off', async () => {
    await read(1);
    await database.db.executeQuery(preparedQuery(byId, [2]));
    const kept = await database.readPrepared<{ readonly name: string }>(names, []);
    expect(kept.map(({ name }) => name).sort()).toEqual([byId.name, names.name].sort());
    await database.close();
    await open({ preparedStatements: false });
    await read(1);
    await database.db.executeQuery(preparedQuery(byId, [2]));
    expect(await database.readPrepared(names, [])).toEqual([]);
  });

  it('reads once more when the statement on the connection is out of date', async () => {
    const all = prepareStatement('select * from numbers where id = $1', { reads: true });
    await database.readPrepared(all, [1]);
    await sql`alter table numbers add column note text`.execute(database.db);
    expect(await database.readPrepared(all, [1])).toEqual([{ id: 1, note: null }]);
    await sql`deallocate all`.execute(database.db);
    expect(await database.readPrepared(all, [1])).toEqual([{ id: 1, note: null }]);
  });

  it('tells about reads, without their values', async () => {
    const events: QueryEvent[] = [];
    using _subscription = database.events.on('query', event => events.push(event));
    await read(3);
    await read(0).catch(() => undefined);
    expect(events).toMatchObject([
      { sql: byId.sql, rows: 1 },
      { sql: byId.sql, rows: 0, error: { sqlState: '22012' } },
    ]);
  });

  it('does not wait beyond the deadline of the request', async () => {
    const { letGo, held } = holdConnection(database);
    await held;
    const late = runWithRequestContext({ deadlineMs: clock.monotonic() + 50 }, () => read(1));
    const failure = expect(late).rejects.toMatchObject({ code: 'QUERY_TIMEOUT' });
    await clock.advance(60);
    await failure;
    letGo();
    expect(await read(1)).toMatchObject([{ id: 1 }]);
    const statements: QueryEvent[] = [];
    database.events.on('query', event => statements.push(event));
    const passed = runWithRequestContext({ deadlineMs: clock.monotonic() }, () => read(1));
    await expect(passed).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    expect(statements).toEqual([]);
  });

  it('refuses before open and after close', async () => {
    await expect(new DatabaseManager().readPrepared(byId, [1])).rejects.toMatchObject({ code: 'CLOSED' });
    await database.close();
    await expect(read(1)).rejects.toMatchObject({ code: 'CLOSED' });
  });
});

/** Holds the one connection until it is told to let go. */
function holdConnection(database: DatabaseManager): { readonly letGo: () => void; readonly held: Promise<void> } {
  let letGo = (): void => undefined;
  const held = new Promise<void>(resolve => {
    void database.session(
      () =>
        new Promise<void>(release => {
          letGo = release;
          resolve();
        }),
    );
  });
  return { letGo: () => letGo(), held };
}
