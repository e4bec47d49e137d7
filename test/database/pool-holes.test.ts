import { type Kysely, sql } from 'kysely';
import { getRequestContext, runWithRequestContext } from 'plinth/context';
import { ConnectionLostError, DatabaseManager, prepareStatement } from 'plinth/database';
import { ArgumentError, PlinthError } from 'plinth/errors';
import { systemClock } from 'plinth/kernel';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type CuttingTunnel, openTunnel } from '../servers/cutting-tunnel.ts';
import { findPostgres, type PostgresServer, startPostgres } from '../servers/postgres.ts';
import { serverOrSkip } from '../servers/require.ts';

const postgres = serverOrSkip('postgres', findPostgres());
const poolSize = 4;
const idle = { active: 0, waiting: 0 };
/** What ends by itself after the grace of a second may take a few on a busy machine. */
const patience = { timeout: 10_000 };

describe.skipIf(postgres === undefined)('a pool on a PostgreSQL server', () => {
  let server: PostgresServer;
  let tunnel: CuttingTunnel;
  let database: DatabaseManager;
  /** Looks at the server past the tunnel. */
  let watcher: DatabaseManager;

  beforeAll(async () => {
    server = await startPostgres();
    tunnel = await openTunnel(Number(new URL(server.url).port));
    const url = server.url.replace(/:\d+\//, `:${tunnel.port}/`);
    database = new DatabaseManager({ url, poolSize, maxOverflow: 0, acquireTimeoutMs: 5_000, drainTimeoutMs: 500 });
    watcher = new DatabaseManager({ url: server.url, poolSize: 1, maxOverflow: 0 });
    await Promise.all([database.open(), watcher.open()]);
    await sql`create table pairs (id int primary key, work text not null);
      create table later (id int unique deferrable initially deferred)`.execute(watcher.db);
  });
  afterAll(async () => {
    await Promise.all([database?.close(), watcher?.close()]);
    await tunnel?.[Symbol.asyncDispose]();
    await server?.dispose();
  });
  beforeEach(async () => {
    tunnel.cutAt(0, 'request');
    await sql`truncate pairs, later`.execute(watcher.db);
  });

  const rows = async (): Promise<number> => {
    const { rows: found } = await sql<{ count: number }>`select count(*)::int as count from pairs`.execute(watcher.db);
    return found[0]?.count ?? -1;
  };
  /** What the connections of the pool do at the server, without those that are idle as they should be. */
  const states = async (): Promise<readonly string[]> => {
    const { rows: found } = await sql<{ state: string }>`select state from pg_stat_activity
      where backend_type = 'client backend' and pid <> pg_backend_pid() and state <> 'idle'`.execute(watcher.db);
    return found.map(({ state }) => state);
  };
  /** A connection that was broken off is closed by the server in a moment, and what it did is taken back. */
  const untilQuiet = (): Promise<void> => vi.waitFor(async () => expect(await states()).toEqual([]), patience);
  const connections = async (): Promise<number> => {
    const { rows: found } = await sql<{ count: number }>`select count(*)::int as count from pg_stat_activity
      where backend_type = 'client backend' and pid <> pg_backend_pid()`.execute(watcher.db);
    return found[0]?.count ?? -1;
  };
  /** Every connection of the pool is lent at once: each is outside of a transaction, and none is lent twice. */
  const checkPool = async (): Promise<void> => {
    const sessions = await Promise.all(Array.from({ length: poolSize }, () => database.openSession()));
    const facts = await Promise.all(
      sessions.map(async ({ db }) => {
        const fact = sql<{ pid: number; id: string }>`select pg_backend_pid() as pid, pg_current_xact_id()::text as id`;
        const [first, second] = [await fact.execute(db), await fact.execute(db)];
        // Within a transaction it would stay the same.
        expect(second.rows[0]?.id).not.toBe(first.rows[0]?.id);
        return first.rows[0]?.pid;
      }),
    );
    expect(new Set(facts).size).toBe(poolSize);
    for (const session of sessions) await session.close();
    expect(database.poolStats()).toMatchObject(idle);
  };

  const write = async (db: Kysely<unknown>, id: number): Promise<void> => {
    await sql`insert into pairs values (${id}, 'half')`.execute(db);
  };

  describe('when the n-th statement of a transaction fails', () => {
    const statementCount = 4;

    /** Ways in which a statement, or what stands between two of them, goes wrong. */
    const faults: Readonly<Record<string, (db: Kysely<unknown>, controller: AbortController) => Promise<void>>> = {
      'as the database refuses it': async db => {
        await sql`select 1 / 0`.execute(db);
      },
      'as its connection is ended by the server': async db => {
        const { rows: found } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(db);
        await sql`select pg_terminate_backend(${found[0]?.pid})`.execute(watcher.db);
        await sql`select 1`.execute(db);
      },
      'as the caller gives up before it': async (db, controller) => {
        controller.abort();
        await sql`select 1`.execute(db);
      },
      'as the caller gives up during it': async (db, controller) => {
        setImmediate(() => controller.abort());
        await sql`select pg_sleep(30)`.execute(db);
      },
      'and is not waited for': async db => {
        void sql`select 1 / 0`.execute(db).catch(() => undefined);
        throw new RangeError('Something else failed');
      },
      'and the failure is hidden': async db => {
        await sql`select 1 / 0`.execute(db).catch(() => undefined);
      },
    };

    it.each(Object.entries(faults))('%s: no row, no connection lost', async (_, fault) => {
      for (let failing = 0; failing <= statementCount; failing += 1) {
        const controller = new AbortController();
        const outcome = database.transaction(
          async transaction => {
            for (let index = 0; index <= statementCount; index += 1) {
              if (index === failing) await fault(transaction, controller);
              if (index < statementCount) await write(transaction, index).catch(ignoreAborted);
            }
          },
          { signal: controller.signal, maxAttempts: 1 },
        );
        await expect(outcome, `at ${failing}`).rejects.toBeInstanceOf(Error);
        expect(database.poolStats(), `at ${failing}`).toMatchObject(idle);
      }
      expect(await rows()).toBe(0);
      await untilQuiet();
      await checkPool();
    });

    it('as the commit does: no row, no connection lost', async () => {
      for (let turn = 0; turn < poolSize * 2; turn += 1) {
        const outcome = database.transaction(async transaction => {
          await write(transaction, 1);
          await sql`insert into later values (1), (1)`.execute(transaction);
        });
        await expect(outcome).rejects.toMatchObject({ code: 'UNIQUE_VIOLATION' });
      }
      expect(await rows()).toBe(0);
      await untilQuiet();
      await checkPool();
    });

    it.each(['request', 'answer'] as const)(
      'as the line is cut at any piece of it (%s lost): both rows or none, and what is called repeatable did nothing',
      async cut => {
        let piece = 0;
        let isWhole = false;
        const outcomes: string[] = [];
        while (!isWhole) {
          piece += 1;
          await sql`truncate pairs`.execute(watcher.db);
          // Some connections are new then, so that their making is cut, too.
          tunnel.cutAt(piece, cut);
          const error = await database
            .transaction(async transaction => {
              await write(transaction, 1);
              await write(transaction, 2);
            })
            .then(
              () => undefined,
              (reason: unknown) => reason,
            );
          isWhole = error === undefined;
          const written = await rows();
          expect([0, 2]).toContain(written);
          if (isWhole) expect(written).toBe(2);
          else expect(error).toBeInstanceOf(ConnectionLostError);
          if (error instanceof ConnectionLostError) {
            expect(error.retryable).toBe(!error.outcomeUnknown);
            if (error.retryable) expect(written).toBe(0);
            outcomes.push(error.outcomeUnknown ? `uncertain ${written}` : 'certain');
          }
          expect(database.poolStats()).toMatchObject(idle);
        }
        expect(outcomes.length).toBeGreaterThan(3);
        expect(outcomes).toContain(cut === 'request' ? 'uncertain 0' : 'uncertain 2');
        await untilQuiet();
        tunnel.cutAt(0, cut);
        await checkPool();
      },
    );
  });

  describe('when the answer to a write is lost', () => {
    const adding = (db: Kysely<unknown>): Promise<unknown> =>
      (db as Kysely<{ pairs: { id: number; work: string } }>)
        .with('added', added => added.insertInto('pairs').values({ id: 1, work: 'whole' }).returningAll())
        .selectFrom('added')
        .selectAll()
        .execute();
    const cutting = async (run: () => Promise<unknown>): Promise<unknown> => {
      tunnel.cutAt(1, 'answer');
      return await run().catch((error: unknown) => error);
    };

    it('in a select that has a write in front of it, does not call it repeatable', async () => {
      const error = await database.session(db => cutting(() => adding(db)));
      expect(error).toMatchObject({ code: 'CONNECTION_LOST', outcomeUnknown: true, retryable: false });
      expect(await rows()).toBe(1);
    });

    it.each(['commit', 'select 1; /* done */ COMMIT', 'end'])(
      'in a transaction that ends with "%s", neither',
      async text => {
        const error = await database.session(async db => {
          await sql`begin`.execute(db);
          await write(db, 1);
          return await cutting(() => sql.raw(text).execute(db));
        });
        expect(error).toMatchObject({ code: 'CONNECTION_LOST', outcomeUnknown: true, retryable: false });
        expect(await rows()).toBe(1);
      },
    );

    it('in a transaction that is still open, calls it repeatable: it is taken back', async () => {
      const error = await database.session(async db => {
        await sql`begin`.execute(db);
        return await cutting(() => adding(db));
      });
      expect(error).toMatchObject({ code: 'CONNECTION_LOST', outcomeUnknown: false, retryable: true });
      expect(await rows()).toBe(0);
    });
  });

  describe('when a connection is used beyond its loan', () => {
    it('refuses statements after the end of a session, and keeps them from the next borrower', async () => {
      const kept: Kysely<unknown>[] = [];
      await database.session(async db => {
        kept.push(db);
      });
      const session = await database.openSession();
      await session.close();
      for (const db of [...kept, session.db]) {
        await expect(write(db, 1)).rejects.toBeInstanceOf(ArgumentError);
        await expect(write(db, 1)).rejects.toThrow('The connection was given back');
      }
      expect(await rows()).toBe(0);
      await checkPool();
    });

    it('waits for a statement that nobody waits for, and takes back the transaction that it begins', async () => {
      for (let turn = 0; turn < poolSize; turn += 1) {
        await database.session(async db => {
          void sql`begin; insert into pairs values (1, 'half'); select pg_sleep(0.05)`.execute(db);
          await new Promise(resolve => setImmediate(resolve));
        });
      }
      expect(await rows()).toBe(0);
      await untilQuiet();
      await checkPool();
    });
  });

  describe('when callers give up', () => {
    const byKey = prepareStatement('select id from pairs where id = $1', { reads: true });

    it('keeps its size and gives everything back after 10,000 of them', { timeout: 60_000 }, async () => {
      let most = 0;
      const outcomes = new Map<string, number>();
      const give = (error: unknown): void => {
        const name = error instanceof PlinthError ? error.code : (error as Error).name;
        outcomes.set(name, (outcomes.get(name) ?? 0) + 1);
      };
      const ways: ((signal: AbortSignal) => Promise<unknown>)[] = [
        signal => database.transaction(transaction => write(transaction, 1), { signal }),
        signal => database.session(db => sql`select 1`.execute(db), { signal }),
        signal => database.transaction(transaction => sql`select pg_sleep(30)`.execute(transaction), { signal }),
        async signal => {
          await using session = await database.openSession({ signal });
          await sql`begin`.execute(session.db);
          await sql`select 1`.execute(session.db);
        },
        () => within(1, () => database.readPrepared(byKey, [1])),
        () => within(1, () => sql`select 1`.execute(database.db)),
        () => within(2, () => database.transaction(transaction => write(transaction, 1))),
      ];
      const call = async (index: number): Promise<void> => {
        const controller = new AbortController();
        const way = ways[index % ways.length] as (signal: AbortSignal) => Promise<unknown>;
        const calling = way(controller.signal).catch(give);
        for (let turn = 0; turn < index % 5; turn += 1) await new Promise(resolve => setImmediate(resolve));
        controller.abort();
        await calling;
      };
      for (let start = 0; start < 10_000; start += 100) {
        await Promise.all(Array.from({ length: 100 }, (_, index) => call(start + index)));
        if (start % 1_000 === 0) most = Math.max(most, await connections());
      }
      // Those that wait in the queue of the pool without a caller go when their turn comes.
      await vi.waitFor(() => expect(database.poolStats()).toMatchObject(idle), patience);
      await untilQuiet();
      await vi.waitFor(async () => expect(await connections()).toBeLessThanOrEqual(poolSize), patience);
      // Connections that were just ended may still be there for a moment.
      expect(most).toBeLessThanOrEqual(poolSize * 4);
      const known = ['AbortError', 'DEADLINE_EXCEEDED', 'QUERY_TIMEOUT', 'CONNECTION_LOST'];
      expect([...outcomes.keys()].filter(name => !known.includes(name))).toEqual([]);
      expect(outcomes.get('AbortError')).toBeGreaterThan(1_000);
      expect(await rows()).toBeLessThanOrEqual(1);
      await checkPool();
    });

    it('cancels a statement also when the first request to do so was there before it', async () => {
      const controller = new AbortController();
      const outcome = database.session(
        async db => {
          await sql`select 1`.execute(db);
          const { ended } = tunnel;
          const letGo = tunnel.hold();
          const sleeping = sql`select pg_sleep(30)`.execute(db);
          setImmediate(() => controller.abort());
          await vi.waitFor(() => expect(tunnel.ended).toBeGreaterThan(ended), patience);
          letGo();
          await sleeping;
        },
        { signal: controller.signal },
      );
      await expect(outcome).rejects.toMatchObject({ name: 'AbortError' });
      await untilQuiet();
      await checkPool();
    });

    it('does not send reads after each other into a connection that is dead', { timeout: 20_000 }, async () => {
      const read = () => within(100, () => database.readPrepared(byKey, [1]));
      await Promise.all([read(), read()]);
      tunnel.forget();
      const startMs = systemClock.monotonic();
      let failures = 0;
      for (;;) {
        const error = await read().then(
          () => undefined,
          (reason: unknown) => reason,
        );
        if (error === undefined) break;
        expect(error).toBeInstanceOf(PlinthError);
        failures += 1;
      }
      // Each connection costs one read, and a second until it is closed.
      expect(failures).toBeGreaterThan(0);
      expect(systemClock.monotonic() - startMs).toBeLessThan(5_000);
      await vi.waitFor(() => expect(database.poolStats()).toMatchObject(idle), patience);
      await checkPool();
    });
  });
});

/** After the signal fired, statements are refused by its reason. */
function ignoreAborted(error: unknown): void {
  if (!(error instanceof PlinthError) && (error as Error).name !== 'AbortError') throw error;
}

function within<Result>(ms: number, work: () => Promise<Result>): Promise<Result> {
  return runWithRequestContext({ ...getRequestContext(), deadlineMs: systemClock.monotonic() + ms }, work);
}
