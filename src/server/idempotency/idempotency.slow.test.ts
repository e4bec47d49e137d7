import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { NotFoundError } from '../../errors/index.ts';
import { VirtualClock } from '../../testing/index.ts';
import {
  createServer,
  extendRequestContext,
  type IdempotencyHooks,
  type IdempotencyStore,
  type IdempotentOptions,
  idempotencyOf,
  idempotent,
  MemoryIdempotencyStore,
  type Server,
  type ServerRoutes,
} from '../index.ts';

const opened: Server[] = [];

afterEach(async () => {
  for (const server of opened.splice(0)) await server.close();
});

interface PostOptions {
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A shop whose handlers can be held back. */
class Shop {
  readonly clock = new VirtualClock();
  readonly store = new MemoryIdempotencyStore({ clock: this.clock });
  /** What the handlers have made. */
  readonly orders: unknown[] = [];
  #url = '';
  #held: Promise<void> | undefined;

  async open(options: Partial<IdempotentOptions>): Promise<this> {
    const server = await createServer({ docsUrl: false, apiPrefix: '', clock: this.clock });
    opened.push(server);
    await server.register(this.#routes(idempotent({ store: this.store, ...options })));
    this.#url = (await server.listen({ port: 0 })).url;
    return this;
  }

  /** Holds handlers back that begin from now on, until what it gives is called. */
  hold(): () => void {
    let letGo = (): void => {};
    const mine = new Promise<void>(resolve => {
      letGo = resolve;
    });
    this.#held = mine;
    return () => {
      if (this.#held === mine) this.#held = undefined;
      letGo();
    };
  }

  post(key: string | undefined, body: unknown = { item: 'tea' }, options: PostOptions = {}): Promise<Response> {
    const { path = '/orders', method = 'POST', headers = {} } = options;
    const named = key === undefined ? {} : { 'idempotency-key': key };
    return fetch(`${this.#url}${path}`, {
      method,
      headers: { ...named, 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  }

  #routes(keys: IdempotencyHooks): ServerRoutes {
    const { orders } = this;
    const body = z.object({ item: z.string(), count: z.coerce.number().default(1), status: z.number().optional() });
    const answer = z.object({ id: z.number(), item: z.string(), count: z.number() });
    return async api => {
      api.addHook('onRequest', async request => {
        const user = request.headers['x-user'];
        if (typeof user === 'string') extendRequestContext(request, { userId: user });
      });
      api.post('/orders', { schema: { body, response: { 201: answer } }, ...keys }, async (request, reply) => {
        const { item, count, status } = request.body;
        const order = { id: orders.push(item), item, count, secret: 'not in the schema' };
        await this.#held;
        if (status === 404) throw new NotFoundError('Item', item);
        if (status === 500) throw new TypeError('A bug');
        reply.header('location', `/orders/${order.id}`).header('x-other', 'not kept').header('set-cookie', 'session=1');
        return reply.code(201).send(order);
      });
      for (const method of ['PUT', 'PATCH'] as const) {
        api.route({ method, url: '/orders', ...keys, handler: () => ({ made: orders.push(method) }) });
      }
      await api.register(bodies(keys, orders));
    };
  }
}

/** A route for each kind of body. */
function bodies(keys: IdempotencyHooks, orders: unknown[]): ServerRoutes {
  return async api => {
    api.addHook('preHandler', keys.preHandler);
    api.addHook('onSend', keys.onSend);
    api.post('/nothing', (_, reply) => {
      orders.push('nothing');
      reply.code(204).send();
    });
    api.post('/text', () => `text ${orders.push('text')}`);
    api.post('/bytes', (_, reply) => {
      orders.push('bytes');
      reply.header('content-type', 'image/png').send(Buffer.from([0x89, 0xff, 0, 1]));
    });
    api.post('/large', () => ({ text: 'x'.repeat(65_536), made: orders.push('large') }));
    api.post('/compressed', (_, reply) => {
      orders.push('compressed');
      reply.header('content-encoding', 'gzip').send(gzipSync('compressed'));
    });
    api.post('/stream', (_, reply) => {
      orders.push('stream');
      reply.send(new Response('streamed').body);
    });
  };
}

function openShop(options: Partial<IdempotentOptions> = {}): Promise<Shop> {
  return new Shop().open(options);
}

/** What makes two answers equal to their client. */
async function seen(answer: Response): Promise<object> {
  const { status, headers } = answer;
  const named = ['content-type', 'location', 'content-length'].map(name => [name, headers.get(name)]);
  return { status, ...Object.fromEntries(named), body: Buffer.from(await answer.arrayBuffer()).toString('latin1') };
}

async function codeOf(answer: Response): Promise<string> {
  return `${answer.status} ${((await answer.json()) as { error_code: string }).error_code}`;
}

describe('idempotent()', () => {
  it('runs a request once, and answers an equal one the same, and says so', async () => {
    const shop = await openShop();
    const first = await shop.post('"key-1"');
    expect(first.headers.get('idempotency-replayed')).toBeNull();
    const again = await shop.post('"key-1"');
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    const one = await seen(first);
    expect(one).toMatchObject({ status: 201, location: '/orders/1', body: '{"id":1,"item":"tea","count":1}' });
    expect(await seen(again)).toEqual(one);
    expect([again.headers.get('x-other'), again.headers.get('set-cookie')]).toEqual([null, null]);
    expect(again.headers.get('x-request-id')).not.toBe(first.headers.get('x-request-id'));
    expect(shop.orders).toHaveLength(1);
    expect((await seen(await shop.post('"key-2"'))) as { body: string }).toMatchObject({ location: '/orders/2' });
  });

  it.each(['/nothing', '/text', '/bytes'])('gives %s back as it was, whatever its body is', async path => {
    const shop = await openShop();
    const first = await seen(await shop.post('key', {}, { path }));
    const again = await shop.post('key', {}, { path });
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(await seen(again)).toEqual(first);
    expect(shop.orders).toHaveLength(1);
  });

  it('takes the order of properties, defaults and quotes of the key for no difference', async () => {
    const shop = await openShop();
    await shop.post('"key"', '{"item":"tea","count":1}');
    expect((await shop.post('key', '{ "count": "1", "item": "tea" }')).headers.get('idempotency-replayed')).toBe(
      'true',
    );
    expect((await shop.post('key', '{"item":"tea"}')).status).toBe(201);
    expect(shop.orders).toHaveLength(1);
  });

  it('takes the order of properties for no difference also where no schema puts them in order', async () => {
    const shop = await openShop();
    await shop.post('key', '{"a":{"x":[1,"2"],"y":null},"b":true}', { path: '/text' });
    const again = await shop.post('key', '{"b":true,"a":{"y":null,"x":[1,"2"]}}', { path: '/text' });
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    for (const other of ['{"a":{"x":["2",1],"y":null},"b":true}', '{"a":{"x":[1,2],"y":null},"b":true}', '{}', '[]']) {
      expect((await shop.post('key', other, { path: '/text' })).status).toBe(422);
    }
  });

  it('refuses a key that came before with another body, address, method or condition', async () => {
    const shop = await openShop();
    await shop.post('key');
    expect(await codeOf(await shop.post('key', { item: 'coffee' }))).toBe('422 IDEMPOTENCY_KEY_REUSED');
    expect(await codeOf(await shop.post('key', undefined, { path: '/orders?x=1' }))).toBe('422 IDEMPOTENCY_KEY_REUSED');
    expect(await codeOf(await shop.post('key', undefined, { method: 'PATCH' }))).toBe('422 IDEMPOTENCY_KEY_REUSED');
    const headers = { 'if-match': '"1"' };
    expect(await codeOf(await shop.post('key', undefined, { headers }))).toBe('422 IDEMPOTENCY_KEY_REUSED');
    expect((await shop.post('key')).status).toBe(201);
    expect(shop.orders).toHaveLength(1);
  });

  it('does so for POST and PATCH only', async () => {
    const shop = await openShop();
    for (const method of ['PATCH', 'PATCH', 'PUT', 'PUT']) await shop.post(method, {}, { method });
    expect(shop.orders).toEqual(['PATCH', 'PUT', 'PUT']);
    await shop.post(undefined);
    await shop.post(undefined);
    expect(shop.orders).toHaveLength(5);
  });

  it('keeps the keys of users and addresses apart', async () => {
    const shop = await openShop();
    for (const user of ['ada', 'bob', 'ada']) await shop.post('key', { item: user }, { headers: { 'x-user': user } });
    await shop.post('key', { item: 'nobody' });
    expect(shop.orders).toEqual(['ada', 'bob', 'nobody']);
  });

  it('asks whose key it is if told how, and takes no answer for none', async () => {
    const scope: IdempotentOptions['scope'] = ({ headers }) => headers['x-tenant'] as string;
    const shop = await openShop({ scope });
    for (const tenant of ['one', 'two', 'one']) {
      expect((await shop.post('key', undefined, { headers: { 'x-tenant': tenant } })).status).toBe(201);
    }
    expect((await shop.post('key')).status).toBe(500);
    expect(shop.orders).toHaveLength(2);
  });

  it('compares requests as it is told', async () => {
    const shop = await openShop({ fingerprint: ({ body }) => (body as { item: string }).item });
    await shop.post('key', { item: 'tea', count: 1 });
    expect((await shop.post('key', { item: 'tea', count: 2 })).status).toBe(201);
    expect((await shop.post('key', { item: 'coffee' })).status).toBe(422);
    expect(shop.orders).toHaveLength(1);
  });

  it('answers 409 with Retry-After while the first is under way, and the same answer afterwards', async () => {
    const shop = await openShop();
    const letGo = shop.hold();
    const first = shop.post('key');
    await expect.poll(() => shop.orders.length).toBe(1);
    const meanwhile = await shop.post('key');
    expect(meanwhile.headers.get('retry-after')).toBe('1');
    expect(await codeOf(meanwhile)).toBe('409 IDEMPOTENCY_IN_PROGRESS');
    expect(await codeOf(await shop.post('key', { item: 'coffee' }))).toBe('422 IDEMPOTENCY_KEY_REUSED');
    letGo();
    expect(await seen(await shop.post('key'))).toEqual(await seen(await first));
    expect(shop.orders).toHaveLength(1);
  });

  it('waits for the first one if told to, and not for ever', async () => {
    const shop = await openShop({ waitMs: 200 });
    const letGo = shop.hold();
    const first = shop.post('key');
    await expect.poll(() => shop.orders.length).toBe(1);
    const late = shop.post('key');
    await expect.poll(() => shop.clock.pendingTimers).toBeGreaterThan(0);
    await shop.clock.advance(250);
    expect(await codeOf(await late)).toBe('409 IDEMPOTENCY_IN_PROGRESS');
    const timers = shop.clock.pendingTimers;
    const second = shop.post('key');
    await expect.poll(() => shop.clock.pendingTimers).toBeGreaterThan(timers);
    letGo();
    const one = await seen(await first);
    await shop.clock.advance(50);
    expect(await seen(await second)).toEqual(one);
    expect(shop.orders).toHaveLength(1);
  });

  it('does not keep errors: the key is free again, also for another body', async () => {
    const shop = await openShop();
    expect((await shop.post('key', { item: 'tea', status: 500 })).status).toBe(500);
    expect((await shop.post('key', { item: 'tea', status: 404 })).status).toBe(404);
    expect((await shop.post('key', { count: 'many' })).status).toBe(422);
    expect((await shop.post('key', '{')).status).toBe(400);
    const made = await shop.post('key', { item: 'tea' });
    expect([made.status, made.headers.get('idempotency-replayed')]).toEqual([201, null]);
    expect(shop.orders).toHaveLength(3);
  });

  it('keeps errors if told to', async () => {
    const shop = await openShop({ keeps: status => status < 500 });
    const first = await shop.post('key', { item: 'tea', status: 404 });
    const again = await shop.post('key', { item: 'tea', status: 404 });
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(await again.text()).toBe(await first.text());
    expect(shop.orders).toHaveLength(1);
  });

  it.each(['/large', '/stream', '/compressed'])('remembers of %s only that it was answered', async path => {
    const shop = await openShop();
    const first = await shop.post('key', {}, { path });
    expect([first.status, (await first.text()).length > 7]).toEqual([200, true]);
    const again = await shop.post('key', {}, { path });
    expect(again.status).toBe(409);
    expect(await again.json()).toMatchObject({
      error_code: 'IDEMPOTENCY_ANSWER_NOT_KEPT',
      details: { status_code: 200 },
    });
    expect(shop.orders).toHaveLength(1);
  });

  it('lets another one run when the lease of the first has ended, and gives everybody the answer of that one', async () => {
    const shop = await openShop({ leaseMs: 5_000 });
    const letFirstGo = shop.hold();
    const first = shop.post('key');
    await expect.poll(() => shop.orders.length).toBe(1);
    await shop.clock.advance(5_000);
    const letSecondGo = shop.hold();
    const second = shop.post('key');
    await expect.poll(() => shop.orders.length).toBe(2);
    letFirstGo();
    const lost = await first;
    expect(lost.headers.get('location')).toBeNull();
    expect(await codeOf(lost)).toBe('409 IDEMPOTENCY_IN_PROGRESS');
    letSecondGo();
    const won = await seen(await second);
    expect(won).toMatchObject({ status: 201, location: '/orders/2' });
    expect(await seen(await shop.post('key'))).toEqual(won);
  });

  it('runs a request again when its answer has expired', async () => {
    const shop = await openShop({ ttlMs: 1_000 });
    await shop.post('key');
    await shop.clock.advance(999);
    await shop.post('key');
    expect(shop.orders).toHaveLength(1);
    await shop.clock.advance(1);
    await shop.post('key');
    expect(shop.orders).toHaveLength(2);
  });

  it.each(['""', '', '"a', 'a b', '"a", "b"', 'a,b', '"a";p=1', '"é"', `"${'x'.repeat(256)}"`, '"a\\b"'])(
    'refuses %j, which is no key',
    async key => {
      const shop = await openShop();
      expect(await codeOf(await shop.post(key))).toBe('400 IDEMPOTENCY_KEY_MALFORMED');
      expect(shop.orders).toHaveLength(0);
    },
  );

  it.each(['"a b\\"\\\\,;"', 'a', 'YWJj+/==', `"${'x'.repeat(255)}"`])('takes %j for a key', async key => {
    const shop = await openShop();
    await shop.post(key);
    expect((await shop.post(key)).headers.get('idempotency-replayed')).toBe('true');
    expect(shop.orders).toHaveLength(1);
  });

  it('refuses requests without a key where one is required', async () => {
    const shop = await openShop({ required: true });
    expect(await codeOf(await shop.post(undefined))).toBe('400 IDEMPOTENCY_KEY_MISSING');
    expect((await shop.post('key')).status).toBe(201);
    expect((await shop.post(undefined, {}, { method: 'PUT' })).status).toBe(200);
    expect(shop.orders).toHaveLength(2);
  });

  it('runs nothing when the store is away, and answers all the same when it goes away later', async () => {
    const store = new MemoryIdempotencyStore();
    let away = 'claim';
    const failures: unknown[] = [];
    const fail = (): Promise<never> => Promise.reject(new TypeError('The store is away'));
    const broken: IdempotencyStore = {
      claim: (...given) => (away === 'claim' ? fail() : store.claim(...given)),
      complete: (...given) => (away === 'complete' ? fail() : store.complete(...given)),
      release: () => fail(),
    };
    const shop = await openShop({ store: () => broken, onStoreFailure: error => failures.push(error) });
    expect((await shop.post('key')).status).toBe(500);
    expect(shop.orders).toHaveLength(0);
    away = 'complete';
    expect((await shop.post('key')).status).toBe(201);
    expect((await shop.post('other', { item: 'tea', status: 404 })).status).toBe(404);
    expect(failures).toHaveLength(2);
    expect(await codeOf(await shop.post('key'))).toBe('409 IDEMPOTENCY_IN_PROGRESS');
    expect(shop.orders).toHaveLength(2);
  });

  it('refuses a body that is nested too deep to be compared', async () => {
    const shop = await openShop();
    const deep = `{"item":"tea","deep":${'['.repeat(200_000)}${']'.repeat(200_000)}}`;
    expect(await codeOf(await shop.post('key', deep, { path: '/text' }))).toBe('422 VALIDATION_ERROR');
    expect(shop.orders).toHaveLength(0);
  });

  it('refuses options that are none', () => {
    const store = new MemoryIdempotencyStore();
    expect(() => idempotent({ store, leaseMs: 0 })).toThrow('Cannot use leaseMs');
    expect(() => idempotent({ store, ttlMs: Number.NaN })).toThrow('Cannot use ttlMs');
    expect(() => idempotent({ store, maxBytes: 1.5 })).toThrow('Cannot use maxBytes');
    expect(() => idempotent({ store, headers: ['Set-Cookie'] })).toThrow('Cannot keep the header set-cookie');
  });

  it('has nothing to say about a request without a key', () => {
    expect(idempotencyOf({})).toBeUndefined();
  });
});
