import { systemClock } from 'plinth/kernel';
import { RedisConnection, type RedisConnectionOptions } from 'plinth/redis';
import { createServer, type IdempotentOptions, idempotent, RedisIdempotencyStore, type Server } from 'plinth/server';
import { idempotencyStoreContract } from 'plinth/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { askRedis, type RedisServer, startRedis } from '../servers/redis.ts';
import { serverOrSkip } from '../servers/require.ts';

const program = serverOrSkip('redis-server');

describe.skipIf(program === undefined).each([{ cluster: false }, { cluster: true }])(
  'RedisIdempotencyStore on a real Redis (cluster: $cluster)',
  ({ cluster }) => {
    let server: RedisServer;
    let redis: RedisConnection;

    beforeAll(async () => {
      server = await startRedis({ cluster });
      redis = new RedisConnection({ url: server.url, cluster, keyPrefix: 'test:', commandTimeoutMs: 2_000 });
      await redis.connect();
    });

    afterAll(async () => {
      await redis?.close();
      await server?.dispose();
    });

    for (const { name, run } of idempotencyStoreContract) {
      it(name, () => run({ store: new RedisIdempotencyStore({ redis }), advance: ms => systemClock.sleep(ms) }));
    }
  },
);

describe.skipIf(program === undefined)('idempotency keys on Redis', () => {
  let redis: RedisServer;
  const opened: AsyncDisposable[] = [];
  /** What the handlers have made, of all servers. */
  const orders: string[] = [];
  /** What every handler waits for, after it has made something. */
  let held: Promise<void> | undefined;

  beforeAll(async () => {
    redis = await startRedis();
  });

  afterEach(async () => {
    held = undefined;
    for (const one of opened.splice(0).reverse()) await one[Symbol.asyncDispose]();
    orders.length = 0;
  });

  afterAll(() => redis?.dispose());

  async function connect(options: Partial<RedisConnectionOptions> = {}): Promise<RedisConnection> {
    const connection = new RedisConnection({
      url: redis.url,
      keyPrefix: 'shop:',
      commandTimeoutMs: 2_000,
      maxReconnectDelayMs: 50,
      ...options,
    });
    opened.push(connection);
    await connection.connect();
    return connection;
  }

  /** A server with a connection of its own, as another process would have. */
  async function openShop(
    options: Partial<IdempotentOptions> = {},
    connection: Partial<RedisConnectionOptions> = {},
  ): Promise<{ readonly url: string; readonly connection: RedisConnection; readonly failures: unknown[] }> {
    const failures: unknown[] = [];
    const own = await connect(connection);
    const store = new RedisIdempotencyStore({ redis: own });
    const server: Server = await createServer({ docsUrl: false, apiPrefix: '' });
    opened.push(server);
    const keys = idempotent({ store, onStoreFailure: error => failures.push(error), ...options });
    await server.register(async api => {
      api.post('/orders', { schema: { body: z.object({ item: z.string() }) }, ...keys }, async (request, reply) => {
        const id = orders.push(request.body.item);
        await held;
        return reply.code(201).header('location', `/orders/${id}`).send({ id });
      });
    });
    return { url: `${(await server.listen({ port: 0 })).url}/orders`, connection: own, failures };
  }

  /** Holds back handlers that begin from now on, until what it gives is called. */
  function hold(): () => void {
    let letGo = (): void => {};
    held = new Promise<void>(resolve => {
      letGo = resolve;
    });
    return letGo;
  }

  interface Answer {
    readonly status: number;
    readonly replayed: boolean;
    readonly retryAfter: string | null;
    readonly body: { readonly id?: number; readonly error_code?: string };
  }

  async function post(url: string, key: string | undefined, item = 'tea'): Promise<Answer> {
    const named = key === undefined ? {} : { 'idempotency-key': key };
    const headers: Record<string, string> = { 'content-type': 'application/json', ...named };
    const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ item }) });
    return {
      status: answer.status,
      replayed: answer.headers.get('idempotency-replayed') === 'true',
      retryAfter: answer.headers.get('retry-after'),
      body: (await answer.json()) as Answer['body'],
    };
  }

  async function untilReady({ connection }: { readonly connection: RedisConnection }): Promise<void> {
    await expect.poll(() => connection.status, { timeout: 10_000 }).toBe('ready');
  }

  it('makes one order of 50 posts at once under one key, through two servers, and gives all the same afterwards', async () => {
    const urls = [(await openShop()).url, (await openShop()).url];
    const sendAll = (): Promise<readonly Answer[]> =>
      Promise.all(Array.from({ length: 50 }, (_, index) => post(String(urls[index % 2]), 'many')));
    const first = await sendAll();
    for (const { status, retryAfter } of first)
      expect([status, retryAfter]).toEqual(status === 201 ? [201, null] : [409, '1']);
    for (const answer of await sendAll())
      expect(answer).toMatchObject({ status: 201, replayed: true, body: { id: 1 } });
    expect(orders).toEqual(['tea']);
    expect((await post(String(urls[1]), 'many', 'coffee')).body.error_code).toBe('IDEMPOTENCY_KEY_REUSED');
  });

  it('keeps one key of Redis for each, with the prefix, a tag for clusters and a time to live', async () => {
    const { url } = await openShop({ ttlMs: 3_600_000 });
    const store = new RedisIdempotencyStore({ redis: await connect({ keyPrefix: 'other:' }) });
    await post(url, 'listed');
    await store.claim('a {b}:c', 'print', 5_000.5);
    const [claim] = askRedis(redis.port, 'KEYS', 'other:*').split('\n');
    expect(claim).toBe('other:idempotency:{a%20%7Bb%7D%3Ac}');
    expect(Number(askRedis(redis.port, 'PTTL', String(claim)))).toSatisfy((ms: number) => ms > 1_000 && ms <= 5_001);
    const answers = askRedis(redis.port, 'KEYS', 'shop:*').split('\n');
    for (const key of answers) {
      expect(key).toMatch(/^shop:idempotency:\{[\w-]{43}\}$/);
      expect(Number(askRedis(redis.port, 'PTTL', key))).toBeGreaterThan(3_000_000);
    }
  });

  it('keeps nothing within a transaction, and says so', async () => {
    const store = new RedisIdempotencyStore({ redis: await connect() });
    const outcome = await store.claim('transaction', 'print', 5_000);
    if (outcome.state !== 'claimed') return expect.fail(outcome.state);
    const answer = { status: 200, headers: {}, body: undefined };
    const transaction = { executeQuery: () => Promise.resolve({ rows: [] }) };
    await expect(store.complete(outcome.claim, answer, 5_000, transaction)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
    expect(await store.complete(outcome.claim, answer, 5_000)).toBe(true);
  });

  it('gives what a process that is gone had begun to another when its lease ends, and refuses the late one', async () => {
    const gone = await openShop({ leaseMs: 600 });
    const alive = await openShop({ leaseMs: 60_000 });
    const letGo = hold();
    const late = post(gone.url, 'lease');
    await expect.poll(() => orders.length).toBe(1);
    held = undefined;
    expect(await post(alive.url, 'lease')).toMatchObject({ status: 409, retryAfter: '1' });
    await expect.poll(async () => (await post(alive.url, 'lease')).status, { timeout: 5_000, interval: 50 }).toBe(201);
    const second = await post(alive.url, 'lease');
    expect(second).toMatchObject({ replayed: true, body: { id: 2 } });
    letGo();
    expect(await late).toMatchObject({ status: 409, body: { error_code: 'IDEMPOTENCY_IN_PROGRESS' } });
    for (const { url } of [gone, alive])
      expect(await post(url, 'lease')).toMatchObject({ status: 201, replayed: true, body: second.body });
    expect(orders).toHaveLength(2);
  });

  it('takes the answer of who is late while nobody else has asked, so that the work is not done again', async () => {
    askRedis(redis.port, 'FLUSHALL');
    const shop = await openShop({ leaseMs: 300 });
    const letGo = hold();
    const late = post(shop.url, 'late');
    await expect.poll(() => orders.length).toBe(1);
    await expect.poll(() => askRedis(redis.port, 'KEYS', '*'), { timeout: 5_000 }).toBe('');
    letGo();
    expect(await late).toMatchObject({ status: 201, replayed: false });
    expect(await post(shop.url, 'late')).toMatchObject({ status: 201, replayed: true, body: { id: 1 } });
  });

  it('runs nothing under a key while Redis is away, and tells the client to send it again', async () => {
    const shop = await openShop();
    await redis.kill();
    for (let sent = 0; sent < 3; sent += 1)
      expect(await post(shop.url, 'away')).toMatchObject({
        status: 503,
        retryAfter: '1',
        body: { error_code: 'IDEMPOTENCY_UNAVAILABLE' },
      });
    expect(orders).toEqual([]);
    expect((await post(shop.url, undefined, 'without a key')).status).toBe(201);
    await redis.start();
    await untilReady(shop);
    expect(await post(shop.url, 'away')).toMatchObject({ status: 201, replayed: false });
    expect(await post(shop.url, 'away')).toMatchObject({ status: 201, replayed: true });
    expect(orders).toEqual(['without a key', 'tea']);
  });

  it('gives the answer to who has sent a request in which Redis dies, and runs it for nobody while Redis is away', async () => {
    const shop = await openShop();
    const letGo = hold();
    const first = post(shop.url, 'dies');
    await expect.poll(() => orders.length).toBe(1);
    await redis.kill();
    letGo();
    expect(await first).toMatchObject({ status: 201, body: { id: 1 } });
    expect(shop.failures).toMatchObject([{ code: 'REDIS_UNAVAILABLE' }]);
    expect((await post(shop.url, 'dies')).status).toBe(503);
    expect(orders).toHaveLength(1);
    await redis.start();
  });

  it('keeps the answer also when Redis has died in the request, and is there again without its memory', async () => {
    const shop = await openShop();
    const letGo = hold();
    const first = post(shop.url, 'forgets');
    await expect.poll(() => orders.length).toBe(1);
    await redis.kill();
    await redis.start();
    await untilReady(shop);
    letGo();
    expect(await first).toMatchObject({ status: 201, replayed: false });
    expect(await post(shop.url, 'forgets')).toMatchObject({ status: 201, replayed: true, body: { id: 1 } });
    expect((await post(shop.url, 'forgets', 'coffee')).status).toBe(422);
    expect(orders).toHaveLength(1);
  });

  it('lets nobody wait for a lease that was given to a client who has been told to come again', async () => {
    const shop = await openShop({}, { commandTimeoutMs: 300 });
    await post(shop.url, undefined);
    redis.hang();
    expect(await post(shop.url, 'hangs')).toMatchObject({
      status: 503,
      body: { error_code: 'IDEMPOTENCY_UNAVAILABLE' },
    });
    redis.resume();
    await untilReady(shop);
    await shop.connection.ping();
    expect(await post(shop.url, 'hangs', 'coffee')).toMatchObject({ status: 201, replayed: false });
    expect(orders).toEqual(['tea', 'coffee']);
  });
});
