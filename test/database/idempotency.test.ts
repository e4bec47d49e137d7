import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { sql } from 'kysely';
import { DatabaseManager, type DatabaseManagerOptions } from 'plinth/database';
import { systemClock } from 'plinth/kernel';
import {
  type ClaimOutcome,
  type IdempotencyClaim,
  idempotencyMigration,
  type Server,
  SqlIdempotencyStore,
} from 'plinth/server';
import { idempotencyStoreContract } from 'plinth/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { findPostgres, type PostgresServer, startPostgres } from '../servers/postgres.ts';
import { serverOrSkip } from '../servers/require.ts';
import { type Death, openShop, type ShopOptions, type ShopTables, shopMigration } from './idempotent-shop.ts';

const postgres = serverOrSkip('postgres', findPostgres());

let database: DatabaseManager<ShopTables>;
const shops: Server[] = [];

afterEach(async () => {
  for (const shop of shops.splice(0)) await shop.close();
});

async function openDatabase(options: DatabaseManagerOptions): Promise<void> {
  database = new DatabaseManager<ShopTables>({ ...options, acquireTimeoutMs: 10_000 });
  await database.open();
  await database.migrate([shopMigration, idempotencyMigration]);
}

async function empty(): Promise<void> {
  await sql`truncate orders, plinth_idempotency_keys restart identity`.execute(database.db);
}

async function start(options: ShopOptions = {}): Promise<string> {
  const shop = await openShop(database, options);
  shops.push(shop);
  return (await shop.listen({ port: 0 })).url;
}

interface Answer {
  readonly status: number;
  readonly location: string | null;
  readonly replayed: boolean;
  readonly text: string;
}

async function post(url: string, key: string, item = 'tea', dies?: Death): Promise<Answer> {
  const headers = { 'idempotency-key': key, 'content-type': 'application/json', ...(dies && { 'x-dies': dies }) };
  const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ item }) });
  const replayed = answer.headers.get('idempotency-replayed') === 'true';
  return { status: answer.status, location: answer.headers.get('location'), replayed, text: await answer.text() };
}

async function items(): Promise<readonly string[]> {
  return (await database.db.selectFrom('orders').select('item').orderBy('id').execute()).map(({ item }) => item);
}

async function keysLeft(): Promise<number> {
  const { rows } = await sql<{ n: number }>`select count(*)::int as n from plinth_idempotency_keys`.execute(
    database.db,
  );
  return rows[0]?.n ?? -1;
}

/** What every engine must do. */
function sharedCases(): void {
  beforeEach(empty);

  for (const { name, run } of idempotencyStoreContract) {
    it(name, () => run({ store: new SqlIdempotencyStore({ database }), advance: ms => systemClock.sleep(ms) }));
  }

  it.each(['orders', 'loose-orders'])('makes one row of two equal posts to %s, and gives both the same', async path => {
    const url = `${await start({ waitMs: 5_000 })}/${path}`;
    const answers = await Promise.all([post(url, 'key'), post(url, 'key')]);
    expect(answers.map(({ replayed }) => replayed).sort()).toEqual([false, true]);
    expect(answers.map(({ status, text }) => [status, text])).toEqual(Array(2).fill([201, '{"id":1,"item":"tea"}']));
    expect(answers[0]?.location).toBe(answers[1]?.location);
    expect(await items()).toEqual(['tea']);
  });

  it.each(['orders', 'loose-orders'])(
    'makes 20 rows of 200 posts to %s at once under 20 keys, through two servers',
    async path => {
      const urls = [await start({ waitMs: 10_000 }), await start({ waitMs: 10_000 })];
      const answers = await Promise.all(
        Array.from({ length: 200 }, (_, index) => post(`${urls[index % 2]}/${path}`, `${index % 20}`, `${index % 20}`)),
      );
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
      expect(answers.filter(({ replayed }) => !replayed)).toHaveLength(20);
      expect(new Set(answers.map(({ text }) => text)).size).toBe(20);
      expect([...(await items())].sort()).toEqual(Array.from({ length: 20 }, (_, index) => `${index}`).sort());
    },
  );

  it('makes 20 rows also when nobody waits: the others are told to come again, and get the same answers', async () => {
    const url = `${await start()}/orders`;
    const many = (): Promise<readonly Answer[]> =>
      Promise.all(Array.from({ length: 200 }, (_, index) => post(url, `${index % 20}`, `${index % 20}`)));
    const first = await many();
    expect(first.every(({ status }) => status === 201 || status === 409)).toBe(true);
    const second = await many();
    expect(second.every(({ status, replayed }) => status === 201 && replayed)).toBe(true);
    const texts = new Set(second.map(({ text }) => text));
    expect(texts.size).toBe(20);
    expect(first.filter(({ status }) => status === 201).every(({ text }) => texts.has(text))).toBe(true);
    expect(await items()).toHaveLength(20);
  });

  it('keeps nothing of a transaction that is rolled back', async () => {
    let failures = 1;
    const url = `${await start({
      onKept: async () => {
        failures -= 1;
        if (failures >= 0) throw new TypeError('A bug after the answer was kept');
      },
    })}/orders`;
    expect((await post(url, 'key')).status).toBe(500);
    expect([await items(), await keysLeft()]).toEqual([[], 0]);
    expect(await post(url, 'key')).toMatchObject({ status: 201, replayed: false });
    expect(await post(url, 'key')).toMatchObject({ status: 201, replayed: true, location: '/orders/2' });
    expect(await items()).toEqual(['tea']);
  });

  it('keeps what is sent when the transaction in which another answer was kept is rolled back', async () => {
    const url = `${await start()}/lenient-orders`;
    expect(await post(url, 'good')).toMatchObject({ text: '{"id":0,"item":"tea"}' });
    const other = await post(url, 'bad', 'forbidden');
    expect(other).toMatchObject({ status: 201, text: '{"id":-1,"item":"nothing"}' });
    expect(await post(url, 'bad', 'forbidden')).toEqual({ ...other, replayed: true });
    expect(await items()).toEqual(['tea']);
  });

  it('sends what the transaction has kept, also when the handler says otherwise', async () => {
    const url = `${await start()}/lenient-orders`;
    const answer = await post(url, 'key', 'careless');
    expect(answer).toMatchObject({ status: 201, replayed: false, text: '{"id":0,"item":"careless"}' });
    expect(await post(url, 'key', 'careless')).toEqual({ ...answer, replayed: true });
  });

  it('rolls back the work of one who has lost the lease', async () => {
    const store = new SqlIdempotencyStore({ database });
    const thieves: ClaimOutcome[] = [];
    const url = `${await start({
      store: {
        claim: async (id, print, leaseMs) => {
          const outcome = await store.claim(id, print, thieves.length === 0 ? 1 : leaseMs);
          if (thieves.length > 0) return outcome;
          await systemClock.sleep(10);
          thieves.push(await store.claim(id, print, leaseMs));
          return outcome;
        },
        complete: (...given) => store.complete(...given),
        release: claim => store.release(claim),
      },
    })}/orders`;
    expect((await post(url, 'key')).status).toBe(409);
    expect(await items()).toEqual([]);
    const thief = thieves[0] as ClaimOutcome;
    if (thief.state !== 'claimed') return expect.fail(thief.state);
    const headers = { 'content-type': 'application/json' };
    const answer = { status: 202, headers, body: Buffer.from('{"id":7}') };
    expect(await store.complete(thief.claim, answer, 60_000)).toBe(true);
    expect(await post(url, 'key')).toMatchObject({ status: 202, replayed: true, text: '{"id":7}' });
    expect(await items()).toEqual([]);
  });

  it('removes answers that have expired, from time to time by itself, and leaves claims to those who come late', async () => {
    const store = new SqlIdempotencyStore({ database, claimsPerCleaning: 5 });
    const answer = { status: 200, headers: {}, body: undefined };
    const claim = async (id: string, leaseMs: number): Promise<IdempotencyClaim> => {
      const outcome = await store.claim(id, 'print', leaseMs);
      return outcome.state === 'claimed' ? outcome.claim : expect.fail(outcome.state);
    };
    const late = await claim('late', 1);
    for (let index = 0; index < 30; index += 1) await store.complete(await claim(`id ${index}`, 60_000), answer, 1);
    await systemClock.sleep(10);
    expect(await keysLeft()).toBeLessThanOrEqual(11);
    await claim('alive', 60_000);
    await store.removeExpired();
    expect(await keysLeft()).toBe(2);
    expect(await store.complete(late, answer, 60_000)).toBe(true);
    await sql`update plinth_idempotency_keys set expires_at = expires_at - interval '62 minutes'`.execute(database.db);
    expect([await store.removeExpired(), await keysLeft()]).toEqual([2, 0]);
  });
}

describe('idempotency keys on the embedded engine', () => {
  beforeAll(() => openDatabase({}));
  afterAll(() => database.close());
  sharedCases();
});

describe.skipIf(postgres === undefined)('idempotency keys on a PostgreSQL server', () => {
  let server: PostgresServer;
  let child: ChildProcess | undefined;

  beforeAll(async () => {
    server = await startPostgres();
    await openDatabase({ url: server.url });
  });
  afterAll(async () => {
    await database?.close();
    await server?.dispose();
  });
  afterEach(() => child?.kill('SIGKILL'));
  sharedCases();

  async function startProcess(leaseMs: number): Promise<string> {
    const flags = ['--conditions=plinth-source', '--import', 'tsx', 'test/database/idempotent-shop-process.ts'];
    child = spawn(process.execPath, [...flags, server.url, String(leaseMs)], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
    return line.toString().trim();
  }

  /** Sends a request again until it is answered otherwise than by 409. */
  async function untilAnswered(url: string): Promise<Answer> {
    for (let tries = 0; tries < 200; tries += 1) {
      const answer = await post(url, 'key');
      if (answer.status !== 409) return answer;
      await systemClock.sleep(50);
    }
    return expect.fail('Nobody has answered');
  }

  it.each([
    ['before the transaction is committed', 'before-commit', false],
    ['after the transaction, before its answer is sent', 'before-answer', true],
  ] as const)('makes one row when the process is killed %s', async (_, dies, isKept) => {
    const dying = `${await startProcess(3_000)}/orders`;
    await expect(post(dying, 'key', 'tea', dies)).rejects.toThrow();
    const alive = `${await start()}/orders`;
    if (!isKept) expect((await post(alive, 'key')).status).toBe(409);
    const answer = await untilAnswered(alive);
    expect(answer).toMatchObject({ status: 201, replayed: isKept });
    expect(await post(alive, 'key')).toEqual({ ...answer, replayed: true });
    expect(await items()).toEqual(['tea']);
  });

  it('runs work outside of a transaction again when the process was killed before its answer was kept', async () => {
    const dying = `${await startProcess(1_000)}/loose-orders`;
    await expect(post(dying, 'key', 'tea', 'before-keeping')).rejects.toThrow();
    const alive = `${await start()}/loose-orders`;
    expect(await untilAnswered(alive)).toMatchObject({ status: 201, replayed: false });
    expect(await items()).toEqual(['tea', 'tea']);
  });

  it('makes one row when the database is killed in mid transaction', async () => {
    let kills = 1;
    const url = `${await start({
      leaseMs: 2_000,
      onKept: async () => {
        kills -= 1;
        if (kills >= 0) await server.kill();
      },
    })}/orders`;
    const failed = await post(url, 'key');
    expect(failed.status).toBe(503);
    expect((await post(url, 'other')).status).toBe(503);
    await server.start();
    expect(await untilAnswered(url)).toMatchObject({ status: 201, replayed: false });
    expect(await items()).toEqual(['tea']);
  });
});
