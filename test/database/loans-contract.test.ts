import { type Kysely, sql, type Transaction } from 'kysely';
import { runWithRequestContext } from 'plinth/context';
import {
  DatabaseManager,
  preparedQuery,
  prepareStatement,
  QueryError,
  ReadOnlyTransactionError,
} from 'plinth/database';
import { ArgumentError } from 'plinth/errors';
import { VirtualClock } from 'plinth/testing';
import { describe, expect, it } from 'vitest';
import { onEveryEngine, type Schema } from './on-every-engine.ts';

onEveryEngine(engine => {
  const { insert, emails } = engine;
  const [adding, reading] = [{ reads: false }, { reads: true }];
  const pid = sql<{ pid: number }>`select pg_backend_pid() as pid`;
  const pidOf = async (db: Kysely<Schema>): Promise<unknown> => (await pid.execute(db)).rows[0]?.pid;

  describe('what a session leaves', () => {
    /** What a borrower finds, on every connection that is there. */
    const find = async (): Promise<unknown> => {
      const { rows } = await sql`select current_setting('statement_timeout') as timeout, current_user as role,
        current_setting('search_path') as path, coalesce(current_setting('app.tenant', true), '') as tenant,
        (select count(*)::int from pg_locks where locktype = 'advisory') as locks, to_regclass('note') as note,
        (select count(*)::int from pg_listening_channels()) as channels,
        (select count(*)::int from pg_prepared_statements where from_sql) as prepared,
        (select count(*)::int from pg_cursors where is_holdable) as cursors`.execute(engine.database.db);
      return rows[0];
    };
    const statements = [
      "set statement_timeout = '300s'",
      "select 1; /* where to look */ SET search_path = 'nowhere'",
      "select set_config('app.tenant', '42', false)",
      'create temporary table note (text text)',
      'select pg_advisory_lock(77)',
      'set role pg_monitor',
      'set session authorization postgres',
      'listen news',
      'prepare "a statement" as select 1',
      'declare rows cursor with hold for select 1',
      "do $$ begin perform pg_advisory_lock(78); set search_path = 'nowhere'; end $$",
    ];

    it('does not meet the next borrower', async () => {
      const clean = await find();
      await engine.database.session(async db => {
        for (const statement of statements) await sql.raw(statement).execute(db);
      });
      expect(await find()).toEqual(clean);
      await using session = await engine.database.openSession();
      await sql`set search_path = 'nowhere'`.execute(session.db);
      await session.close();
      expect(await find()).toEqual(clean);
      for (const statement of statements) await sql.raw(statement).execute(engine.database.db);
      expect(await find()).toEqual(clean);
      for (const statement of statements) {
        await engine.database.transaction(transaction => sql.raw(statement).execute(transaction));
        expect(await find()).toEqual(clean);
      }
      await sql`set search_path = 'nowhere'`.execute(engine.database.read);
      expect(await find()).toEqual(clean);
    });

    it('is gone also where it was of a migration', async () => {
      const clean = await find();
      await engine.database.migrate([
        {
          name: '001',
          up: "select pg_catalog.set_config('search_path', '', false); create table public.kept (id int)",
        },
        { name: '002', up: 'alter table kept add name text' },
      ]);
      expect(await find()).toEqual(clean);
      await sql`drop table kept, plinth_migrations`.execute(engine.database.db);
    });

    it('does not cost the connection what it has prepared', async () => {
      const byEmail = prepareStatement('select id from authors where email = $1', reading);
      await engine.database.session(async db => {
        await db.executeQuery(preparedQuery(byEmail, ['ada']));
        await sql`set search_path = public`.execute(db);
      });
      const { rows } = await sql<{ calls: string }>`select (generic_plans + custom_plans)::text as calls
        from pg_prepared_statements where name = ${byEmail.name}`.execute(engine.database.db);
      expect(rows).toEqual([{ calls: '1' }]);
    });
  });

  describe('a prepared statement whose table has changed', () => {
    const rename = prepareStatement('update authors set email = $1 returning *', adding);
    const types = ['varchar(40)', 'varchar(50)', 'text'];
    const alter = async (type: string): Promise<void> => {
      await sql.raw(`alter table authors alter column email type ${type}`).execute(engine.database.db);
    };
    const run = (db: Kysely<Schema>, email: string): Promise<unknown> =>
      db.executeQuery(preparedQuery<unknown>(rename, [email]));

    it('is run all the same, once', async () => {
      await insert('ada');
      for (const type of types) {
        await run(engine.database.db, 'before');
        await alter(type);
        expect(await run(engine.database.db, type)).toMatchObject({ numAffectedRows: 1n });
        expect(await emails()).toEqual([type]);
      }
    });

    it('makes a transaction run again, which then knows no names', async () => {
      await insert('ada');
      const told: unknown[] = [];
      using _subscription = engine.database.events.on('transaction-retried', ({ error }) => told.push(error));
      await run(engine.database.db, 'before');
      await alter('varchar(60)');
      expect(await engine.database.transaction(db => run(db, 'after'))).toMatchObject({ numAffectedRows: 1n });
      expect(told).toMatchObject([{ sqlState: '0A000', retryable: true }]);
      await run(engine.database.db, 'before');
      await alter('text');
      await engine.database.transaction(
        async whole => {
          const part = engine.database.transaction(db => run(db, 'lost'), { within: whole });
          await expect(part).rejects.toMatchObject({ sqlState: '0A000', retryable: true });
          await run(whole, 'kept');
        },
        { maxAttempts: 1 },
      );
      expect(await emails()).toEqual(['kept']);
    });

    it('is not confused with what PostgreSQL does not support', async () => {
      const unsupported = prepareStatement('select count(*) from authors for update', reading);
      await engine.database.session(async db => {
        const failure = await db.executeQuery(preparedQuery(unsupported, [])).catch((error: unknown) => error);
        expect(failure).toBeInstanceOf(QueryError);
        expect(failure).toMatchObject({ sqlState: '0A000', retryable: false });
      });
      const before = await pidOf(engine.database.db);
      await expect(sql`select count(*) from authors for update`.execute(engine.database.db)).rejects.toThrow('0A000');
      expect(await pidOf(engine.database.db)).toBe(before);
    });

    it('is sent anew when somebody has dropped it', async () => {
      await insert('ada');
      await engine.database.session(async db => {
        await run(db, 'before');
        await sql`deallocate all`.execute(db);
        expect(await run(db, 'after')).toMatchObject({ numAffectedRows: 1n });
      });
    });
  });

  describe('while a part of a transaction is open', () => {
    it('refuses statements of the whole, which would be taken back with the part', async () => {
      await engine.database.transaction(async whole => {
        const part = engine.database.transaction(
          async inner => {
            await insert('inner', null, inner);
            for (const outside of [whole, whole.withSchema('public')] as Transaction<Schema>[]) {
              await expect(insert('outside', null, outside)).rejects.toBeInstanceOf(ArgumentError);
              const second = engine.database.transaction(async () => undefined, { within: outside });
              await expect(second).rejects.toBeInstanceOf(ArgumentError);
            }
            throw new RangeError('changed my mind');
          },
          { within: whole },
        );
        await expect(part).rejects.toThrow('changed my mind');
        await insert('after', null, whole);
      });
      expect(await emails()).toEqual(['after']);
    });

    it('does not commit the whole, nor take what comes after the end of the part', async () => {
      const parts: Transaction<Schema>[] = [];
      let open = (): void => undefined;
      let unfinished: Promise<unknown> = Promise.resolve();
      const failure = engine.database.transaction(async whole => {
        await engine.database.transaction(async part => void parts.push(part), { within: whole });
        await expect(insert('late', null, parts[0])).rejects.toBeInstanceOf(ArgumentError);
        await new Promise<void>(begun => {
          const work = async (): Promise<void> => {
            begun();
            await new Promise<void>(resolve => {
              open = resolve;
            });
            throw new RangeError('forgotten');
          };
          unfinished = engine.database.transaction(work, { within: whole }).catch((error: unknown) => error);
        });
      });
      await expect(failure).rejects.toBeInstanceOf(ArgumentError);
      open();
      expect(await unfinished).toBeInstanceOf(RangeError);
      expect(await emails()).toEqual([]);
    });
  });

  it('refuses a part where there is no transaction', async () => {
    const within = (db: Kysely<Schema>): Promise<unknown> =>
      engine.database.transaction(async () => undefined, { within: db as Transaction<Schema> });
    await engine.database.session(async db => {
      await expect(within(db)).rejects.toThrow('there is no transaction');
      await expect(within(db)).rejects.toBeInstanceOf(ArgumentError);
    });
    await expect(within(engine.database.db)).rejects.toBeInstanceOf(ArgumentError);
  });

  it('takes the savepoints of Kysely', async () => {
    const whole = await engine.database.db.startTransaction().execute();
    await insert('first', null, whole);
    const point = await whole.savepoint('a "point"').execute();
    await insert('second', null, point);
    await point.rollbackToSavepoint('a "point"').execute();
    await insert('third', null, point);
    await point.releaseSavepoint('a "point"').execute();
    await whole.commit().execute();
    expect(await emails()).toEqual(['first', 'third']);
  });

  it('lets nothing write through read', async () => {
    await insert('ada');
    const { read } = engine.database;
    const gone = read.with('gone', db => db.deleteFrom('authors').returning('email'));
    const named = prepareStatement('delete from authors returning email', adding);
    for (const write of [
      () => sql`delete from authors`.execute(read),
      () => sql`select 1; delete from authors`.execute(read),
      () => sql`select * into copies from authors`.execute(read),
      () => gone.selectFrom('gone').selectAll().execute(),
      () => read.executeQuery(preparedQuery(named, [])),
      () => read.connection().execute(db => sql`delete from authors`.execute(db)),
    ]) {
      await expect(write()).rejects.toBeInstanceOf(ReadOnlyTransactionError);
    }
    for (const text of [
      'set transaction read write; delete from authors',
      'set local transaction_read_only = off; delete from authors',
      'select 1; commit; delete from authors',
      '/* now */ END; delete from authors',
      'begin',
      'rollback; delete from authors',
      'set session characteristics as transaction read write',
    ]) {
      await expect(sql.raw(text).execute(read), text).rejects.toThrow(
        'Cannot begin, end or set up transactions by read',
      );
      const inside = read.transaction().execute(transaction => sql.raw(text).execute(transaction));
      await expect(inside, text).rejects.toBeInstanceOf(ArgumentError);
    }
    const whole = await read.startTransaction().execute();
    const point = await whole.savepoint('point').execute();
    expect((await sql`select '; commit' as text, "email" as "; end" from authors`.execute(point)).rows).toHaveLength(1);
    await (await point.rollbackToSavepoint('point').execute()).rollback().execute();
    const some = read
      .with('few', db => db.selectFrom('authors').select('email'))
      .selectFrom('few')
      .selectAll();
    expect(await some.execute()).toEqual([{ email: 'ada' }]);
    expect((await sql`with few as (select email from authors) select * from few`.execute(read)).rows).toEqual([
      { email: 'ada' },
    ]);
    await insert('grace');
    expect(await emails()).toEqual(['ada', 'grace']);
  });
});

describe('a transaction whose deadline passes between its last statement and its commit', () => {
  it.each(['the whole', 'a part'])('is rolled back, also when that was in %s', async place => {
    const clock = new VirtualClock();
    await using database = new DatabaseManager({ clock });
    await database.open();
    await sql`create table rows (id int)`.execute(database.db);
    const late = runWithRequestContext({ deadlineMs: clock.monotonic() + 100 }, () =>
      database.transaction(async whole => {
        const work = async (db: Kysely<unknown>): Promise<void> => {
          await sql`insert into rows values (1)`.execute(db);
          await clock.advance(100);
        };
        await (place === 'the whole' ? work(whole) : database.transaction(work, { within: whole }));
      }),
    );
    await expect(late).rejects.toThrow('rolled back instead of committed');
    await expect(late).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    expect((await sql`select id from rows`.execute(database.db)).rows).toEqual([]);
    expect(database.poolStats()).toMatchObject({ active: 0, waiting: 0 });
  });
});
