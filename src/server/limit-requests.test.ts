import { afterEach, describe, expect, it } from 'vitest';
import { Events } from '../kernel/index.ts';
import {
  MemoryRateLimitStore,
  parseRateLimit,
  parseRateLimitPolicy,
  type RateLimitDecision,
  RateLimiter,
  type RateLimitStore,
} from '../rate-limit/index.ts';
import { VirtualClock } from '../testing/index.ts';
import {
  type CompletedRequest,
  createServer,
  extendRequestContext,
  limitRequests,
  type Server,
  type ServerOptions,
  type ServerRoutes,
} from './index.ts';

const opened: Server[] = [];

afterEach(async () => {
  for (const server of opened.splice(0)) await server.close();
});

interface Started {
  readonly url: string;
  readonly server: Server;
  /** The record of the next request that ends. */
  next(): Promise<CompletedRequest>;
}

async function start(routes: ServerRoutes, options: ServerOptions = {}): Promise<Started> {
  const server = await createServer({ docsUrl: false, apiPrefix: '', ...options });
  opened.push(server);
  await server.register(routes);
  const { url } = await server.listen({ port: 0 });
  const next = (): Promise<CompletedRequest> =>
    new Promise(resolve => {
      const subscription = server.events.on('request-completed', request => {
        subscription.unsubscribe();
        resolve(request);
      });
    });
  return { url, server, next };
}

/** What an answer tells of limits, read as a client would read it. */
function told({ headers }: Response): object {
  return {
    policies: parseRateLimitPolicy(headers.get('ratelimit-policy') ?? ''),
    states: parseRateLimit(headers.get('ratelimit') ?? ''),
  };
}

describe('limitRequests()', () => {
  it('tells of the limit on every answer, and answers 429 with Retry-After when it denies', async () => {
    const clock = new VirtualClock();
    const limiter = new RateLimiter({ name: 'login', requests: 2, windowMs: 60_000, clock });
    const { url, next } = await start(
      async api => {
        api.post('/login', { onRequest: limitRequests({ limiter }) }, () => ({ ok: true }));
      },
      { clock },
    );
    const policies = [{ name: 'login', quota: 2, windowSeconds: 60 }];
    const post = (): Promise<Response> => fetch(`${url}/login`, { method: 'POST' });
    const first = await post();
    expect([first.status, first.headers.get('retry-after')]).toEqual([200, null]);
    expect(told(first)).toEqual({ policies, states: [{ name: 'login', remaining: 1, resetSeconds: 60 }] });
    await clock.advance(10_500);
    await post();

    const record = next();
    const denied = await post();
    expect([denied.status, denied.headers.get('retry-after')]).toEqual([429, '50']);
    expect(told(denied)).toEqual({ policies, states: [{ name: 'login', remaining: 0, resetSeconds: 50 }] });
    expect(await denied.json()).toEqual({
      success: false,
      error: 'Too many requests: the limit "login" allows 2 within 1m; try again in 50s',
      error_code: 'LIMIT_EXCEEDED',
      details: { request_id: denied.headers.get('x-request-id'), limit: 'login' },
    });
    expect(await record).toMatchObject({
      status: 429,
      limits: [{ limiter: 'login', by: 'address', allowed: false, outcome: 'denied', limit: 2, windowMs: 60_000 }],
      error: { code: 'LIMIT_EXCEEDED' },
    });
    await clock.advance(49_500);
    expect((await post()).status).toBe(200);
  });

  it('comes before the body is read and the input is looked at', async () => {
    const limiter = new RateLimiter({ name: 'api', requests: 1, windowMs: 60_000 });
    const { url } = await start(async api => {
      api.addHook('onRequest', limitRequests({ limiter }));
      api.post('/orders', () => ({ ok: true }));
    });
    const post = (): Promise<Response> =>
      fetch(`${url}/orders`, { method: 'POST', body: '{', headers: { 'content-type': 'application/json' } });
    expect((await post()).status).toBe(400);
    expect((await post()).status).toBe(429);
  });

  it('limits a group of routes as one, and nothing outside of it', async () => {
    const limiter = new RateLimiter({ name: 'api', requests: 2, windowMs: 60_000 });
    const { url } = await start(async api => {
      await api.register(async group => {
        group.addHook('onRequest', limitRequests({ limiter }));
        group.get('/a', () => 'a');
        group.get('/b', () => 'b');
      });
      api.get('/free', () => 'free');
    });
    const statuses = async (...paths: string[]): Promise<number[]> =>
      (await Promise.all(paths.map(path => fetch(url + path)))).map(({ status }) => status).sort();
    expect(await statuses('/a', '/b', '/a')).toEqual([200, 200, 429]);
    expect(await statuses('/free', '/free', '/health/live')).toEqual([200, 200, 200]);
  });

  it('lets several limits follow one another, and tells of all that were asked', async () => {
    const group = new RateLimiter({ name: 'api', requests: 100, windowMs: 60_000 });
    const route = new RateLimiter({
      name: 'export',
      windows: [1_000, 60_000].map(windowMs => ({ requests: 2, windowMs })),
    });
    const { url } = await start(async api => {
      api.addHook('onRequest', limitRequests({ limiter: group }));
      api.get('/export', { onRequest: limitRequests({ limiter: route, cost: 2 }) }, () => 'all of it');
    });
    const first = await fetch(`${url}/export`);
    expect(told(first)).toMatchObject({
      policies: [{ name: 'api' }, { name: 'export-1s', quota: 2 }, { name: 'export-60s', quota: 2 }],
      states: [{ name: 'api', remaining: 99 }, { remaining: 0 }],
    });
    const denied = await fetch(`${url}/export`);
    expect(denied.status).toBe(429);
    expect(told(denied)).toMatchObject({ states: [{ name: 'api', remaining: 98 }, { remaining: 0 }] });
  });

  it('counts by user whoever is signed in, and by address everybody else', async () => {
    const limiter = new RateLimiter({ name: 'api', requests: 1, windowMs: 60_000 });
    const { url, next } = await start(async api => {
      api.addHook('onRequest', async request => {
        const userId = request.headers['x-user'];
        if (typeof userId === 'string') extendRequestContext(request, { userId });
      });
      api.addHook('onRequest', limitRequests({ limiter, by: 'user' }));
      api.get('/', () => 'hello');
    });
    const ask = async (user?: string): Promise<number> =>
      (await fetch(url, { headers: user === undefined ? {} : { 'x-user': user } })).status;
    expect([await ask('ada'), await ask('ada'), await ask('bob')]).toEqual([200, 429, 200]);
    // A user may be named like an address without sharing its limit.
    const record = next();
    expect([await ask(), await ask('127.0.0.1'), await ask()]).toEqual([200, 200, 429]);
    expect((await record).limits).toMatchObject([{ by: 'address' }]);
  });

  it('counts by what the caller chooses, however long that is, and by address where there is nothing', async () => {
    const asked: string[] = [];
    const limiter = new RateLimiter({ name: 'api', requests: 10, windowMs: 60_000 });
    const check = limiter.check.bind(limiter);
    limiter.check = (subject, options) => {
      asked.push(subject);
      return check(subject, options);
    };
    const by = {
      name: 'API key',
      of: ({ headers }: { headers: Record<string, unknown> }) => headers['x-api-key'] as string | undefined,
    };
    const { url } = await start(async api => {
      api.get('/', { onRequest: limitRequests({ limiter, by }) }, () => 'hello');
    });
    for (const key of ['short', 'x'.repeat(5_000), `${'x'.repeat(4_999)}y`])
      await fetch(url, { headers: { 'x-api-key': key } });
    await fetch(url);
    expect(asked[0]).toBe('API key:short');
    expect(new Set(asked).size).toBe(4);
    for (const subject of asked) expect(subject.length).toBeLessThan(120);
    expect(asked[3]).toBe('address:127.0.0.1');
  });

  it('believes a proxy’s word about the client only when it is told to trust the proxy', async () => {
    const routes =
      (limiter: RateLimiter): ServerRoutes =>
      async api => {
        api.get('/', { onRequest: limitRequests({ limiter }) }, () => 'hello');
      };
    const make = (): RateLimiter => new RateLimiter({ name: 'api', requests: 1, windowMs: 60_000 });
    const ask = async (url: string, client: string): Promise<number> =>
      (await fetch(url, { headers: { 'x-forwarded-for': client } })).status;
    const direct = await start(routes(make()));
    expect([await ask(direct.url, '203.0.113.1'), await ask(direct.url, '203.0.113.2')]).toEqual([200, 429]);
    const behind = await start(routes(make()), { trustProxy: 'loopback' });
    expect([await ask(behind.url, '203.0.113.1'), await ask(behind.url, '203.0.113.2')]).toEqual([200, 200]);
    expect([await ask(behind.url, '2001:db8::1'), await ask(behind.url, '2001:db8::2')]).toEqual([200, 429]);
  });

  it('in shadow lets everything through, tells clients nothing, and notes what it would have done', async () => {
    const limiter = new RateLimiter({ name: 'api', requests: 1, windowMs: 60_000, shadow: true });
    const { url, next } = await start(async api => {
      api.get('/', { onRequest: limitRequests({ limiter }) }, () => 'hello');
    });
    await fetch(url);
    const record = next();
    const second = await fetch(url);
    expect([second.status, second.headers.get('ratelimit')]).toEqual([200, null]);
    expect((await record).limits).toMatchObject([{ allowed: true, outcome: 'denied' }]);
  });

  it('in shadow tells clients of the limit only when it is asked to', async () => {
    const limiter = new RateLimiter({ name: 'api', requests: 1, windowMs: 60_000, shadow: true });
    const { url } = await start(async api => {
      api.get('/', { onRequest: limitRequests({ limiter, tellsInShadow: true }) }, () => 'hello');
    });
    await fetch(url);
    const second = await fetch(url);
    expect([second.status, second.headers.get('ratelimit-policy')]).toEqual([200, '"api";q=1;w=60']);
    expect(second.headers.get('retry-after')).toBeNull();
  });
});

/** A store that answers when it likes, as one elsewhere does, or not at all. */
class DistantStore implements RateLimitStore<Promise<RateLimitDecision>> {
  readonly #memory: MemoryRateLimitStore;
  readonly #clock: VirtualClock;
  readonly asked = new Events<{ taken: string }>();
  whenAway: 'open' | 'closed' | undefined;

  constructor(clock: VirtualClock) {
    this.#clock = clock;
    this.#memory = new MemoryRateLimitStore({ clock });
  }

  async take(...[key, cost, limit]: Parameters<MemoryRateLimitStore['take']>): Promise<RateLimitDecision> {
    this.asked.emit('taken', key);
    await this.#clock.sleep(12);
    if (this.whenAway === undefined) return this.#memory.take(key, cost, limit);
    const allowed = this.whenAway === 'open';
    const retryAfterMs = allowed ? 0 : 1_500;
    return { allowed, outcome: 'unavailable', limit: 1, remaining: 0, retryAfterMs, resetAfterMs: 0 };
  }

  async peek(...args: Parameters<MemoryRateLimitStore['peek']>): Promise<RateLimitDecision> {
    return this.#memory.peek(...args);
  }

  async reset(...args: Parameters<MemoryRateLimitStore['reset']>): Promise<void> {
    this.#memory.reset(...args);
  }

  close(): void {
    this.#memory.close();
  }
}

describe('limitRequests() with a store elsewhere', () => {
  async function startDistant() {
    const clock = new VirtualClock();
    const store = new DistantStore(clock);
    const limiter = new RateLimiter({ name: 'api', requests: 1, windowMs: 60_000, clock, store });
    const started = await start(
      async api => {
        api.get('/', { onRequest: limitRequests({ limiter }) }, () => 'hello');
      },
      { clock },
    );
    const ask = async (): Promise<Response> => {
      const taken = new Promise<void>(resolve => {
        const subscription = store.asked.on('taken', () => {
          subscription.unsubscribe();
          resolve();
        });
      });
      const answer = fetch(started.url);
      await taken;
      await clock.advance(12);
      return answer;
    };
    return { ...started, store, limiter, ask };
  }

  it('waits for its answer, and notes how long that took', async () => {
    const { ask, next } = await startDistant();
    const record = next();
    const first = await ask();
    expect(first.status).toBe(200);
    expect(told(first)).toMatchObject({ states: [{ name: 'api', remaining: 0 }] });
    expect((await record).limits).toMatchObject([{ outcome: 'allowed', askedMs: 12 }]);
    expect((await ask()).status).toBe(429);
  });

  it('answers 503, not 429, when it is away and the limit is closed then; and lets through when it is open', async () => {
    const { ask, store, next } = await startDistant();
    store.whenAway = 'closed';
    const closed = await ask();
    expect([closed.status, closed.headers.get('retry-after'), closed.headers.get('ratelimit')]).toEqual([
      503,
      '2',
      null,
    ]);
    expect(await closed.json()).toMatchObject({
      error: 'The limit "api" cannot be asked at the moment; try again in 2s',
      error_code: 'LIMITER_UNAVAILABLE',
    });
    store.whenAway = 'open';
    const record = next();
    expect((await ask()).status).toBe(200);
    expect((await record).limits).toMatchObject([{ outcome: 'unavailable', allowed: true }]);
  });

  it('answers 503 when the limiter is closed, and 500 when the cost can never be paid', async () => {
    const { url, limiter } = await startDistant();
    limiter.close();
    const answer = await fetch(url);
    expect([answer.status, (await answer.json()) as object]).toMatchObject([503, { error_code: 'CLOSED' }]);
    const small = new RateLimiter({ name: 'small', requests: 1, windowMs: 1_000 });
    const costly = await start(async api => {
      api.get('/', { onRequest: limitRequests({ limiter: small, cost: () => 2 }) }, () => 'hello');
    });
    expect((await fetch(costly.url)).status).toBe(500);
  });
});
