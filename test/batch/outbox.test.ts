import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sql } from 'kysely';
import PgBoss from 'pg-boss';
import { Outbox, type OutboxDelivery, type OutboxOptions, type TransactionRunner } from 'plinth/batch/pg-boss';
import { DatabaseManager } from 'plinth/database';
import { ArgumentError, RejectedError } from 'plinth/errors';
import { constantBackoff } from 'plinth/resilience';
import { seededRandom } from 'plinth/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { findPostgres, type PostgresServer, startPostgres } from '../servers/postgres.ts';
import { serverOrSkip } from '../servers/require.ts';
import { keys, leaseMs } from './outbox-worker.ts';

const postgres = serverOrSkip('postgres', findPostgres());

function outboxContract(name: string, start: () => Promise<{ url?: string; end: () => Promise<void> }>): void {
  describe(name, () => {
    let database: DatabaseManager;
    let end: () => Promise<void>;
    let outboxes: Outbox[] = [];

    beforeAll(async () => {
      const started = await start();
      end = started.end;
      database = new DatabaseManager({ url: started.url, acquireTimeoutMs: 5_000 });
      await database.open();
      await sql`create table orders (id serial primary key, key text)`.execute(database.db);
    });
    afterAll(async () => {
      await database?.close();
      await end?.();
    });
    beforeEach(async () => {
      await makeOutbox().open();
      await sql`truncate plinth_batch.outbox_messages, orders`.execute(database.db);
    });
    afterEach(async () => {
      await Promise.all(outboxes.map(outbox => outbox.stop()));
      outboxes = [];
    });

    const makeOutbox = (options: Partial<OutboxOptions> = {}): Outbox => {
      const backoff = constantBackoff({ waitMs: 1 });
      const outbox = new Outbox({ database, pollIntervalMs: 5, backoff, ...options });
      outboxes.push(outbox);
      return outbox;
    };
    const add = (outbox: Outbox, payload: unknown, key?: string): Promise<string> =>
      database.transaction(transaction => outbox.add(transaction, { topic: 'test', payload, key }));
    const drained = (outbox: Outbox) =>
      vi.waitFor(async () => expect(await outbox.pending()).toBe(0), { timeout: 10_000, interval: 5 });

    it('delivers what was committed, and nothing of what was rolled back', async () => {
      const seen: OutboxDelivery[] = [];
      const outbox = makeOutbox({ deliver: async message => seen.push(message) });
      const id = await add(outbox, { text: 'a\u0000ü', list: [1, null] }, 'k');
      const failure = database.transaction(async transaction => {
        await outbox.add(transaction, { topic: 'test', payload: 'never' });
        throw new TypeError('changed my mind');
      });
      await expect(failure).rejects.toThrow('changed my mind');
      void outbox.work();
      await drained(outbox);
      expect(seen).toMatchObject([
        { id, topic: 'test', key: 'k', payload: { text: 'a\u0000ü', list: [1, null] }, attempt: 1 },
      ]);
    });

    it('keeps the order of a key through failures, and lets other keys pass', async () => {
      const seen: string[] = [];
      const failures = new Map([['a1', 3]]);
      const outbox = makeOutbox({
        deliver: async ({ payload }) => {
          const left = failures.get(String(payload)) ?? 0;
          failures.set(String(payload), left - 1);
          if (left > 0) throw new TypeError('not now');
          seen.push(String(payload));
        },
      });
      for (const payload of ['a1', 'a2', 'b1', 'a3', 'b2']) await add(outbox, payload, payload[0]);
      const other = makeOutbox({ deliver: async ({ payload }) => seen.push(String(payload)) });
      void outbox.work();
      await vi.waitFor(() => expect(failures.get('a1')).toBeLessThan(3));
      void other.work();
      await drained(outbox);
      expect(seen.filter(text => text.startsWith('a'))).toEqual(['a1', 'a2', 'a3']);
      expect(seen.filter(text => text.startsWith('b'))).toEqual(['b1', 'b2']);
    });

    it('puts aside what fails too often, goes on, and takes it up again when asked', async () => {
      const seen: unknown[] = [];
      const told: string[] = [];
      let isBroken = true;
      const outbox = makeOutbox({
        maxAttempts: 3,
        deliver: async ({ payload, attempt }) => {
          if (payload === 'bad' && isBroken) throw new TypeError(`broken ${attempt}`);
          seen.push(payload);
        },
      });
      outbox.events.on('attempt-failed', ({ attempt }) => told.push(`failed ${attempt}`));
      outbox.events.on('dead-lettered', ({ topic }) => told.push(`dead ${topic}`));
      const id = await add(outbox, 'bad', 'k');
      await add(outbox, 'good', 'k');
      void outbox.work();
      await drained(outbox);
      expect(seen).toEqual(['good']);
      expect(told).toEqual(['failed 1', 'failed 2', 'dead test']);
      expect(await outbox.deadLetters()).toMatchObject([
        { id, topic: 'test', key: 'k', payload: 'bad', attempts: 3, error: 'UNKNOWN_ERROR: broken 3' },
      ]);
      isBroken = false;
      expect(await outbox.revive(id)).toBe(true);
      expect(await outbox.revive(id)).toBe(false);
      await drained(outbox);
      expect(seen).toEqual(['good', 'bad']);
    });

    it('takes up again behind what is in hand of the same key: one message at a time', async () => {
      const told: string[] = [];
      let isBroken = true;
      let letGo = (): void => {};
      const isLetGo = new Promise<void>(resolve => {
        letGo = resolve;
      });
      const outbox = makeOutbox({
        maxAttempts: 1,
        deliver: async ({ payload }) => {
          if (payload === 'first' && isBroken) throw new TypeError('broken');
          told.push(`begin ${payload}`);
          if (payload === 'second') await isLetGo;
          told.push(`end ${payload}`);
        },
      });
      const id = await add(outbox, 'first', 'k');
      for (const payload of ['second', 'third']) await add(outbox, payload, 'k');
      void outbox.work();
      await vi.waitFor(() => expect(told).toEqual(['begin second']), { timeout: 10_000, interval: 5 });
      isBroken = false;
      expect(await outbox.revive(id)).toBe(true);
      // What is added later, without a key, is delivered after a look at the table that has found the revived message.
      await add(outbox, 'other');
      await vi.waitFor(() => expect(told).toContain('end other'), { timeout: 10_000, interval: 5 });
      letGo();
      await drained(outbox);
      expect(told.filter(text => !text.endsWith('other'))).toEqual([
        'begin second',
        'end second',
        'begin third',
        'end third',
        'begin first',
        'end first',
      ]);
    });

    it('gives a message to another relay when one does not come to an end', async () => {
      let begun = 0;
      const hanging = makeOutbox({
        leaseMs: 100,
        deliver: () => {
          begun += 1;
          return new Promise(() => undefined);
        },
      });
      const seen: number[] = [];
      await add(hanging, 'x');
      void hanging.work();
      await vi.waitFor(() => expect(begun).toBe(1));
      const stopping = hanging.stop();
      const outbox = makeOutbox({ deliver: async ({ attempt }) => seen.push(attempt) });
      void outbox.work();
      await drained(outbox);
      await stopping;
      expect(seen).toEqual([2]);
    });

    it('refuses what it cannot carry, and to relay without deliver', async () => {
      const outbox = makeOutbox();
      for (const payload of [undefined, 1n, Number.NaN, new Map(), () => 1]) {
        await expect(add(outbox, payload)).rejects.toBeInstanceOf(ArgumentError);
      }
      await database.transaction(async transaction => {
        for (const message of [{ topic: 'a\0b' }, { topic: 'test', key: 'a\0b' }, { topic: '' }])
          await expect(outbox.add(transaction, { payload: 1, ...message })).rejects.toBeInstanceOf(ArgumentError);
        // The transaction goes on.
        await outbox.add(transaction, { topic: 'test', payload: 1 });
      });
      expect(await outbox.pending()).toBe(1);
      await expect(outbox.work()).rejects.toBeInstanceOf(ArgumentError);
      expect(() => makeOutbox({ name: "x'; drop" })).toThrow(ArgumentError);
    });

    it('refuses to add where a message would stay when the change is rolled back', async () => {
      const outbox = makeOutbox();
      const changing = database.transaction(async () => {
        await outbox.add(database.db as unknown as TransactionRunner, { topic: 'test', payload: 1 });
      });
      await expect(changing).rejects.toBeInstanceOf(ArgumentError);
      await expect(changing).rejects.toThrow('Give what the function of database.transaction(fn) was given');
      expect(await outbox.pending()).toBe(0);
    });

    it('adds nothing before an outbox was opened, nor after this one was closed', async () => {
      await sql`drop table plinth_batch.outbox_messages`.execute(database.db);
      const outbox = makeOutbox();
      const early = add(outbox, 'x');
      await expect(early).rejects.toBeInstanceOf(RejectedError);
      await expect(early).rejects.toThrow('await open() first');
      await outbox.open();
      await add(outbox, 'x');
      await outbox.close();
      const late = add(outbox, 'y');
      await expect(late).rejects.toBeInstanceOf(RejectedError);
      await expect(late).rejects.toThrow('is closed');
      expect(await outbox.pending()).toBe(1);
    });

    it('keeps outboxes of other names apart', async () => {
      const seen: unknown[] = [];
      const [mine, other] = [makeOutbox({ name: 'mine', deliver: async message => seen.push(message) }), makeOutbox()];
      await add(other, 'x');
      void mine.work();
      await add(mine, 'y');
      await drained(mine);
      expect(seen).toMatchObject([{ payload: 'y' }]);
      expect(await other.pending()).toBe(1);
    });
  });
}

outboxContract('an outbox on PGlite', async () => ({ end: async () => undefined }));

describe.skipIf(postgres === undefined)('an outbox on PostgreSQL', () => {
  outboxContract('in one process', async () => {
    const server = await startPostgres();
    return { url: server.url, end: () => server.dispose() };
  });

  it('hands a message to pg-boss once, also when it delivers it twice', async () => {
    await using server = await startPostgres();
    await using database = new DatabaseManager({ url: server.url });
    await database.open();
    const boss = new PgBoss(server.url);
    await boss.start();
    await boss.createQueue('mail');
    const deliver = ({ id, topic, payload }: OutboxDelivery) => boss.send(topic, payload as object, { id });
    let attempts = 0;
    await using outbox = new Outbox({
      database,
      pollIntervalMs: 5,
      backoff: constantBackoff({ waitMs: 1 }),
      deliver: async message => {
        attempts += 1;
        await deliver(message);
        if (attempts === 1) throw new TypeError('the answer was lost');
      },
    });
    await outbox.open();
    await database.transaction(transaction => outbox.add(transaction, { topic: 'mail', payload: { to: 'ada' } }));
    void outbox.work();
    await vi.waitFor(async () => expect(await outbox.pending()).toBe(0), 10_000);
    expect(attempts).toBe(2);
    expect(await boss.fetch('mail', { batchSize: 10 })).toMatchObject([{ data: { to: 'ada' } }]);
    await boss.stop({ graceful: false });
  });

  describe('in processes that are killed', () => {
    const seed = Date.now() % 1_000_000;
    let server: PostgresServer;
    let folder: string;

    beforeAll(async () => {
      server = await startPostgres();
      folder = mkdtempSync(join(tmpdir(), 'plinth-outbox-'));
    });
    afterAll(async () => {
      await server?.dispose();
      rmSync(folder, { recursive: true, force: true });
    });

    it(`loses nothing, invents nothing and keeps the order of each key (seed ${seed})`, {
      timeout: 90_000,
    }, async () => {
      const random = seededRandom(seed);
      await using database = new DatabaseManager({ url: server.url });
      await database.open();
      await using outbox = new Outbox({
        database,
        leaseMs,
        pollIntervalMs: 5,
        deliver: async ({ payload, key }) => relayed.push(`${key} ${payload}`),
      });
      const relayed: string[] = [];
      await outbox.open();
      await sql`create table orders (id serial primary key, key text not null)`.execute(database.db);

      const log = join(folder, 'effects.log');
      for (let round = 0; round < 6; round += 1) {
        const program = fileURLToPath(new URL('outbox-worker.ts', import.meta.url));
        const worker = fork(program, [server.url, log], {
          execArgv: ['--conditions=plinth-source', '--import', 'tsx'],
        });
        const exited = once(worker, 'exit');
        const killAfter = 1 + Math.floor(random.next() * 60);
        let delivered = 0;
        worker.on('message', () => {
          delivered += 1;
          if (delivered === killAfter) worker.kill('SIGKILL');
        });
        await exited;
      }
      void outbox.work();
      await vi.waitFor(async () => expect(await outbox.pending()).toBe(0), { timeout: 30_000, interval: 20 });

      const { rows } = await sql<{ id: number; key: string }>`select id, key from orders order by id`.execute(
        database.db,
      );
      const first = [...new Set([...readFileSync(log, 'utf8').trim().split('\n'), ...relayed])];
      expect(rows.length).toBeGreaterThan(6);
      expect([...first].sort()).toEqual(rows.map(({ id, key }) => `${key} ${id}`).sort());
      for (let key = 0; key < keys; key += 1) {
        const ofKey = first.filter(text => text.startsWith(`key ${key} `));
        expect(ofKey).toEqual(rows.filter(row => row.key === `key ${key}`).map(({ id }) => `key ${key} ${id}`));
      }
      expect(await outbox.deadLetters()).toEqual([]);
    });
  });
});
