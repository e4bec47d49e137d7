import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { type Kysely, sql } from 'kysely';
import { runWithRequestContext } from 'plinth/context';
import { type ConnectionErrorEvent, ConnectionLostError, DatabaseManager } from 'plinth/database';
import { VirtualClock } from 'plinth/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type CuttingTunnel, openTunnel } from '../servers/cutting-tunnel.ts';
import { findPostgres, type PostgresServer, startPostgres } from '../servers/postgres.ts';
import { serverOrSkip } from '../servers/require.ts';

const postgres = serverOrSkip('postgres', findPostgres());
const poolSize = 6;
/** How long a busy machine may take for what takes no time. */
const patience = { timeout: 10_000 };
/** How many sockets this process has, to whomever. */
const sockets = (): number => process.getActiveResourcesInfo().filter(name => name === 'TCPSocketWrap').length;

describe.skipIf(postgres === undefined)('a PostgreSQL server that falls silent', () => {
  let server: PostgresServer;
  let tunnel: CuttingTunnel;
  let clock: VirtualClock;
  let database: DatabaseManager;
  let managers: DatabaseManager[];

  beforeAll(async () => {
    server = await startPostgres();
    tunnel = await openTunnel(Number(new URL(server.url).port));
    await using setup = new DatabaseManager({ url: server.url });
    await setup.open();
    await sql`create role guest login connection limit 1`.execute(setup.db);
  });
  afterAll(async () => {
    await tunnel?.[Symbol.asyncDispose]();
    await server?.dispose();
  });
  beforeEach(() => {
    tunnel.cutAt(0, 'request');
    clock = new VirtualClock();
    managers = [];
    database = manager();
  });
  afterEach(async () => {
    server.resume();
    await untilDone(clock, Promise.all(managers.map(opened => opened.close())));
  });

  const manager = (options: { user?: string; poolSize?: number } = {}): DatabaseManager => {
    const { user = 'postgres' } = options;
    const url = server.url.replace(/\/\/.*\//, `//${user}@127.0.0.1:${tunnel.port}/`);
    const limits = { acquireTimeoutMs: 10_000, drainTimeoutMs: 0, maxOverflow: 0 };
    const made = new DatabaseManager({ url, clock, random: { next: () => 0 }, poolSize, ...limits, ...options });
    managers.push(made);
    return made;
  };
  /** Opens every connection of the pool and leaves them idle for long enough to be doubted. */
  const fill = async (): Promise<void> => {
    const sessions = await Promise.all(Array.from({ length: poolSize }, () => database.openSession()));
    for (const session of sessions) await session.close();
    expect(database.poolStats()).toMatchObject({ idle: poolSize });
    await clock.advance(2_000);
  };
  const select = async (): Promise<unknown> => (await sql`select 1 as one`.execute(database.db)).rows;
  const within = <Result>(ms: number, work: () => Promise<Result>): Promise<Result> =>
    runWithRequestContext({ deadlineMs: clock.monotonic() + ms }, work);

  describe('open()', () => {
    it.each(['request', 'answer'] as const)('tries again wherever the line is cut (%s lost)', async cut => {
      for (const piece of [1, 2]) {
        tunnel.cutAt(piece, cut);
        const opening = manager();
        const failures: ConnectionErrorEvent[] = [];
        opening.events.on('connection-error', event => failures.push(event));
        await untilDone(clock, opening.open());
        expect(failures.filter(({ attempt }) => attempt > 0)).toMatchObject([
          { attempt: 1, error: { retryable: true } },
        ]);
      }
    });
  });

  describe('a loan', () => {
    it('waits for signs of life no longer than until the deadline', async () => {
      await database.open();
      await fill();
      tunnel.forget();
      const late = expect(within(300, select)).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
      await clock.advance(300);
      await late;
    });

    it('waits for signs of life no longer than for a connection', async () => {
      await database.open();
      await fill();
      server.pause();
      const silent = expect(select()).rejects.toThrow('No database connection showed a sign of life within 10000 ms');
      await clock.advance(10_000);
      await silent;
    });

    it('asks none of those that fell silent together with the first', async () => {
      await database.open();
      await fill();
      tunnel.forget();
      const reading = select();
      await vi.waitFor(() => expect(database.poolStats().active).toBe(1), patience);
      await clock.advance(1_000);
      expect(await reading).toEqual([{ one: 1 }]);
      await vi.waitFor(() => expect(database.poolStats()).toMatchObject({ total: 1, active: 0 }), patience);
    });
  });

  describe('healthCheck()', () => {
    it('answers in time that nobody does, and is well again on a new connection', async () => {
      await database.open();
      tunnel.forget();
      const checking = database.healthCheck({ timeoutMs: 500 });
      await clock.advance(500);
      expect(await checking).toMatchObject({ healthy: false, saturated: false, error: { code: 'CONNECTION_LOST' } });
      // What was not answered is cancelled, and its connection closed.
      await clock.advance(1_000);
      await vi.waitFor(() => expect(database.poolStats().active).toBe(0), patience);
      expect(await database.validateConnection()).toBe(true);
    });

    it('has a limit of its own', async () => {
      await database.open();
      server.pause();
      const checking = database.validateConnection();
      await clock.advance(1_500);
      expect(await checking).toBe(false);
    });

    it('is given up by its signal', async () => {
      await database.open();
      tunnel.forget();
      const controller = new AbortController();
      const checking = database.healthCheck({ signal: controller.signal });
      controller.abort();
      expect(await checking).toMatchObject({ healthy: false, error: { code: 'CONNECTION_LOST' } });
    });

    it('tells a pool that is full from a server that is dead', async () => {
      const small = manager({ poolSize: 1 });
      await small.open();
      const session = await small.openSession();
      const checking = small.healthCheck();
      await clock.advance(750);
      expect(await checking).toMatchObject({ healthy: true, saturated: true, pool: { active: 1 } });

      server.pause();
      const frozen = small.healthCheck();
      await clock.advance(1_500);
      expect(await frozen).toMatchObject({ healthy: false, error: { code: 'CONNECTION_LOST' } });
      await session.close();
    });

    it('takes the refusal of a further connection for a sign of life', async () => {
      const guest = manager({ user: 'guest', poolSize: 1 });
      await guest.open();
      const session = await guest.openSession();
      const checking = guest.healthCheck();
      await clock.advance(750);
      expect(await checking).toMatchObject({ healthy: true, saturated: true });
      await session.close();
    });
  });

  describe('the end of a transaction', () => {
    /** How much was sent before the server fell silent. */
    let pieces: number;
    const begun = async (db: Kysely<unknown>): Promise<void> => {
      await sql`select 1`.execute(db);
      server.pause();
      pieces = tunnel.pieces;
    };
    /** Until the server, which does not answer any more, was sent something. */
    const asked = () => vi.waitFor(() => expect(tunnel.pieces).toBeGreaterThan(pieces), patience);

    beforeEach(async () => {
      pieces = Number.POSITIVE_INFINITY;
      await database.open();
    });
    afterEach(() => expect(database.poolStats()).toMatchObject({ active: 0 }));

    it('is the error of its function when nobody answers the rollback', async () => {
      const outcome = expect(
        database.transaction(async transaction => {
          await begun(transaction);
          throw new RangeError('Something else failed');
        }),
      ).rejects.toThrow('Something else failed');
      await asked();
      await clock.advance(1_000);
      await outcome;
    });

    it('is uncertain when nobody answers the commit until the deadline', async () => {
      const outcome = expect(within(300, () => database.transaction(begun))).rejects.toMatchObject({
        code: 'CONNECTION_LOST',
        outcomeUnknown: true,
        retryable: false,
      });
      await asked();
      await clock.advance(1_300);
      await outcome;
    });

    it('is uncertain when the caller gives up the commit', async () => {
      const controller = new AbortController();
      const outcome = expect(database.transaction(begun, { signal: controller.signal })).rejects.toMatchObject({
        code: 'CONNECTION_LOST',
        outcomeUnknown: true,
      });
      await asked();
      controller.abort();
      await clock.advance(1_000);
      await outcome;
    });

    it('is known when the commit is answered a moment too late', async () => {
      const committing = within(300, () => database.transaction(begun));
      await asked();
      await clock.advance(900);
      server.resume();
      expect(await committing).toBeUndefined();
    });

    it('comes at the deadline when nobody answers the end of a part', async () => {
      const outcome = expect(
        within(300, () => database.transaction(whole => database.transaction(begun, { within: whole }))),
      ).rejects.toMatchObject({ code: 'QUERY_TIMEOUT' });
      await asked();
      await clock.advance(1_300);
      await outcome;
    });
  });

  describe('close()', () => {
    it('leaves no socket behind to a server that is frozen', async () => {
      const before = sockets();
      const direct = new DatabaseManager({ url: server.url, clock, drainTimeoutMs: 0 });
      managers.push(direct);
      await direct.open();
      const sessions = [await direct.openSession(), await direct.openSession()];
      await sessions[1]?.close();
      expect(direct.poolStats()).toMatchObject({ active: 1, idle: 1 });
      server.pause();
      await untilDone(clock, direct.close());
      await vi.waitFor(() => expect(sockets()).toBeLessThanOrEqual(before), patience);
      await sessions[0]?.close();
    });
  });
});

describe('a server that takes connections and says nothing', () => {
  it('is let go when the manager closes', async () => {
    const taken: Socket[] = [];
    const hole = createServer(socket => void taken.push(socket.on('error', () => undefined)));
    hole.listen(0, '127.0.0.1');
    await once(hole, 'listening');
    const clock = new VirtualClock();
    const url = `postgresql://nobody@127.0.0.1:${(hole.address() as AddressInfo).port}/nothing`;
    const database = new DatabaseManager({ url, clock, connectDeadlineMs: 500 });
    const opening = expect(database.open()).rejects.toBeInstanceOf(ConnectionLostError);
    await vi.waitFor(() => expect(taken).toHaveLength(1), patience);
    const gone = once(taken[0] as Socket, 'close');
    taken[0]?.resume();
    await clock.advance(500);
    await untilDone(clock, opening);
    await database.close();
    await gone;
    hole.close();
  });
});

/** Fires timers that are due, and lets no time pass: what it waits for comes over the network. */
async function untilDone<Result>(clock: VirtualClock, work: Promise<Result>): Promise<Result> {
  const state = { isDone: false };
  const done = work.finally(() => {
    state.isDone = true;
  });
  done.catch(() => undefined);
  while (!state.isDone) await clock.advance(0);
  return await done;
}
