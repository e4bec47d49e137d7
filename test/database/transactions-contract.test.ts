import { type Kysely, sql } from 'kysely';
import { runWithRequestContext } from 'plinth/context';
import {
  ExclusionViolationError,
  InsufficientPrivilegeError,
  InvalidValueError,
  QueryTimeoutError,
  ReadOnlyTransactionError,
  SerializationError,
  TransactionAbortedError,
  UndefinedObjectError,
  UniqueViolationError,
} from 'plinth/database';
import { ArgumentError, PlinthError } from 'plinth/errors';
import { systemClock } from 'plinth/kernel';
import { expect, it } from 'vitest';
import { onEveryEngine, type Schema } from './on-every-engine.ts';

onEveryEngine(engine => {
  const { insert, emails } = engine;
  const count = async (): Promise<number> => (await engine.emails()).length;

  it('takes a part of a transaction back alone, however deep it is', async () => {
    await engine.database.transaction(async outer => {
      await insert('outer', null, outer);
      const failure = engine.database.transaction(
        async middle => {
          await insert('middle', null, middle);
          await engine.database.transaction(inner => insert('inner', null, inner), { within: middle });
          throw new TypeError('changed my mind');
        },
        { within: outer },
      );
      await expect(failure).rejects.toThrow('changed my mind');
      await engine.database.transaction(
        async kept => {
          const unique = engine.database.transaction(inner => insert('outer', null, inner), { within: kept });
          await expect(unique).rejects.toBeInstanceOf(UniqueViolationError);
          await insert('kept', null, kept);
        },
        { within: outer },
      );
    });
    expect(await emails()).toEqual(['outer', 'kept']);
  });

  it('does not keep a part in which a statement failed, or of which the signal fired', async () => {
    const controller = new AbortController();
    await engine.database.transaction(async outer => {
      const swallowing = engine.database.transaction(
        async part => {
          await insert('half', null, part);
          await insert('half', null, part).catch(() => 'swallowed');
        },
        { within: outer },
      );
      await expect(swallowing).rejects.toBeInstanceOf(TransactionAbortedError);
      const aborted = engine.database.transaction(
        async part => {
          await insert('aborted', null, part);
          controller.abort();
        },
        { within: outer, signal: controller.signal },
      );
      await expect(aborted).rejects.toMatchObject({ name: 'AbortError' });
      await insert('kept', null, outer);
    });
    expect(await emails()).toEqual(['kept']);
  });

  it('refuses two parts at once, and options that only the outermost can have', async () => {
    await engine.database.transaction(async outer => {
      const parts = ['first', 'second'].map(email =>
        engine.database.transaction(part => insert(email, null, part), { within: outer }),
      );
      await expect(parts[1]).rejects.toBeInstanceOf(ArgumentError);
      await parts[0];
      for (const options of [
        { isolationLevel: 'serializable' },
        { accessMode: 'read only' },
        { maxAttempts: 2 },
      ] as const) {
        const refused = engine.database.transaction(async () => undefined, { ...options, within: outer });
        await expect(refused).rejects.toThrow('give it to the outermost one');
      }
    });
    expect(await emails()).toEqual(['first']);
  });

  /** Loses as often as asked, as PostgreSQL would say it. */
  const losing = (times: number, state: '40001' | '40P01' = '40001') => {
    const attempts: number[] = [];
    const work = async (db: Kysely<Schema>): Promise<number> => {
      attempts.push(attempts.length + 1);
      await insert(`${state} ${attempts.length}`, null, db);
      const message = `do $$ begin raise exception using errcode = '${state}'; end $$`;
      if (attempts.length <= times) await sql.raw(message).execute(db);
      return attempts.length;
    };
    return { attempts, work };
  };

  it('runs a transaction again that lost, and keeps only what the last attempt did', async () => {
    const told: number[] = [];
    using _subscription = engine.database.events.on('transaction-retried', ({ attempt }) => told.push(attempt));
    expect(await engine.database.transaction(losing(1, '40P01').work)).toBe(2);
    expect(await engine.database.transaction(losing(2).work)).toBe(3);
    expect(told).toEqual([1, 1, 2]);
    expect(await emails()).toEqual(['40P01 2', '40001 3']);
  });

  it('gives up after so many attempts, at the deadline, and for a caller who retries', async () => {
    const outcome = async (options: { maxAttempts?: number }, context: object = {}): Promise<number> => {
      const { attempts, work } = losing(100);
      const failure = runWithRequestContext(context, () => engine.database.transaction(work, options));
      await expect(failure).rejects.toBeInstanceOf(SerializationError);
      return attempts.length;
    };
    expect(await outcome({})).toBe(5);
    expect(await outcome({ maxAttempts: 1 })).toBe(1);
    expect(await outcome({}, { attempt: 2 })).toBe(1);
    const { attempts, work } = losing(1_000_000);
    const late = runWithRequestContext({ deadlineMs: systemClock.monotonic() + 100 }, () =>
      engine.database.transaction(work, { maxAttempts: 1_000_000 }),
    );
    await expect(late).rejects.toBeInstanceOf(PlinthError);
    expect(attempts.length).toBeLessThan(100);
    expect(await count()).toBe(0);
  });

  it('retries the outermost transaction only', async () => {
    const inner = losing(1);
    const outer: number[] = [];
    await engine.database.transaction(async transaction => {
      outer.push(outer.length);
      await engine.database.transaction(inner.work, { within: transaction });
    });
    expect([outer.length, inner.attempts.length]).toEqual([2, 2]);
    expect(await emails()).toEqual(['40001 2']);
  });

  it('asks nothing of the database when the deadline has passed', async () => {
    const statements: string[] = [];
    using _subscription = engine.database.events.on('query', event => statements.push(event.sql));
    await runWithRequestContext({ deadlineMs: systemClock.monotonic() }, async () => {
      for (const late of [
        count(),
        engine.database.transaction(async () => undefined),
        engine.database.session(async () => undefined),
      ]) {
        await expect(late).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
      }
    });
    expect(statements).toEqual([]);
  });

  /** Longer than the deadlines below; the embedded engine ends it all the same, behind the back of the caller. */
  const slow = sql`select pg_sleep(1.5)`;
  const soon = () => ({ deadlineMs: systemClock.monotonic() + 50 });

  it('cancels a statement at the deadline of its request, and rolls back', async () => {
    const failure = runWithRequestContext(soon(), () =>
      engine.database.transaction(async transaction => {
        await insert('half', null, transaction);
        await slow.execute(transaction);
      }),
    );
    const startMs = systemClock.monotonic();
    await expect(failure).rejects.toBeInstanceOf(PlinthError);
    expect(systemClock.monotonic() - startMs).toBeLessThan(1_500);
    expect(await count()).toBe(0);
    const read = runWithRequestContext(soon(), () =>
      engine.database.db.selectFrom(sql<{ x: string }>`pg_sleep(1.5)`.as('x')).selectAll().execute(),
    );
    await expect(read).rejects.toBeInstanceOf(QueryTimeoutError);
    expect(await engine.database.validateConnection()).toBe(true);
  });

  it('cancels a statement when the signal of its loan fires, and keeps nothing', async () => {
    const leave = async (run: (signal: AbortSignal) => Promise<unknown>): Promise<void> => {
      const controller = new AbortController();
      using _subscription = engine.database.events.on('query', event => {
        if (event.sql.startsWith('insert')) controller.abort();
      });
      await expect(run(controller.signal)).rejects.toMatchObject({ name: 'AbortError' });
    };
    const work = async (db: Kysely<Schema>): Promise<unknown> => {
      await insert('half', null, db);
      return await db.selectFrom(sql<{ x: string }>`pg_sleep(1.5)`.as('x')).selectAll().execute();
    };
    await leave(signal => engine.database.transaction(work, { signal }));
    expect(await count()).toBe(0);
    await leave(signal => engine.database.session(work, { signal }));
    expect(await count()).toBe(1);
    expect(engine.database.poolStats()).toMatchObject({ active: 0, waiting: 0 });
  });

  it('gives the codes that matter their class, without the values', async () => {
    const statements = [
      [sql`select 'secret@'::integer`, InvalidValueError, '22P02'],
      [sql`select ${'99999999999'}::integer`, InvalidValueError, '22003'],
      [sql`select * from nowhere`, UndefinedObjectError, '42P01'],
      [sql`select nothing from authors`, UndefinedObjectError, '42703'],
      [sql`select no_function(1)`, UndefinedObjectError, '42883'],
      [sql`insert into nights values ('[1,5)'); insert into nights values ('[2,3)')`, ExclusionViolationError, '23P01'],
      [sql`set local role nobody_much; select * from authors`, InsufficientPrivilegeError, '42501'],
      [sql`set transaction read only; delete from authors`, ReadOnlyTransactionError, '25006'],
    ] as const;
    await sql`create table if not exists nights (night int4range, constraint one_guest exclude using gist (night with &&));
      drop role if exists nobody_much; create role nobody_much`.execute(engine.database.db);
    for (const [statement, type, sqlState] of statements) {
      const failure = await engine.database
        .transaction(transaction => statement.execute(transaction))
        .catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(type);
      expect(failure).toMatchObject({ sqlState });
      expect(String(failure)).not.toMatch(/secret@|99999999999|\[2,3\)/);
      if (sqlState === '23P01') expect(failure).toMatchObject({ constraint: 'one_guest', table: 'nights' });
    }
  });

  it('reads through read, and takes no writes there', async () => {
    await insert('ada');
    expect(await engine.database.read.selectFrom('authors').select('email').execute()).toEqual([{ email: 'ada' }]);
    const write = engine.database.read.insertInto('authors').values({ email: 'x', age: null }).execute();
    await expect(write).rejects.toBeInstanceOf(ArgumentError);
    const raw = engine.database.read
      .transaction()
      .execute(transaction => sql`delete from authors`.execute(transaction));
    await expect(raw).rejects.toBeInstanceOf(ReadOnlyTransactionError);
    const position = await engine.database.writePosition();
    expect(await engine.database.readAfter(position).selectFrom('authors').select('email').execute()).toHaveLength(1);
    expect(engine.database.replicaStats()).toEqual([]);
  });
});
