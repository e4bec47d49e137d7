import { setTimeout as sleep } from 'node:timers/promises';
import {
  type RateLimitDecision,
  RedisRateLimitStore,
  SlidingWindowRateLimiter,
  TokenBucketRateLimiter,
} from 'plinth/rate-limit';
import { RedisConnection } from 'plinth/redis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RedisServer, startRedis } from '../servers/redis.ts';
import { serverOrSkip } from '../servers/require.ts';

const program = serverOrSkip('redis-server');

async function times<T>(count: number, work: () => Promise<T>): Promise<readonly T[]> {
  const made: T[] = [];
  for (let index = 0; index < count; index += 1) made.push(await work());
  return made;
}

const outcomes = (decisions: readonly RateLimitDecision[]): string =>
  decisions.map(({ allowed }) => (allowed ? '+' : '-')).join('');

describe.skipIf(program === undefined).each([{ cluster: false }, { cluster: true }])(
  'RedisRateLimitStore on a real Redis (cluster: $cluster)',
  ({ cluster }) => {
    let server: RedisServer;
    let redis: RedisConnection;
    let store: RedisRateLimitStore;
    beforeAll(async () => {
      server = await startRedis({ cluster });
      redis = new RedisConnection({ url: server.url, cluster, keyPrefix: 'test:', commandTimeoutMs: 1_000 });
      await redis.connect();
      store = new RedisRateLimitStore({ redis, whenUnavailable: 'closed' });
    });
    afterAll(async () => {
      await redis?.close();
      await server?.dispose();
    });

    it('lets a whole burst through a bucket and says truly when the next permit is there', async () => {
      const limiter = new TokenBucketRateLimiter({ name: 'burst', ratePerSecond: 5, capacity: 4, store });
      const decisions = await times(5, async () => limiter.check('a'));
      expect(outcomes(decisions)).toBe('++++-');
      expect(decisions[0]).toMatchObject({ outcome: 'allowed', limit: 4, remaining: 3, retryAfterMs: 0 });
      expect(decisions[4]).toMatchObject({ outcome: 'denied', limit: 4, remaining: 0 });
      const retryAfterMs = decisions[4]?.retryAfterMs ?? 0;
      expect(retryAfterMs).toBeGreaterThan(150);
      expect(retryAfterMs).toBeLessThanOrEqual(202);
      await sleep(retryAfterMs + 1);
      expect(outcomes(await times(2, async () => limiter.check('a')))).toBe('+-');
    });

    it('gives a bucket of one permit its permit', async () => {
      const limiter = new TokenBucketRateLimiter({ name: 'one', ratePerSecond: 0.5, capacity: 1, store });
      expect(outcomes(await times(2, async () => limiter.check('a')))).toBe('+-');
    });

    it('counts a window exactly and says truly when there is room again', async () => {
      const limiter = new SlidingWindowRateLimiter({ name: 'window', requests: 3, windowMs: 300, store });
      const decisions = await times(4, async () => limiter.check('a'));
      expect(outcomes(decisions)).toBe('+++-');
      expect(decisions[1]).toMatchObject({ limit: 3, remaining: 1, resetAfterMs: 301 });
      const retryAfterMs = decisions[3]?.retryAfterMs ?? 0;
      expect(retryAfterMs).toBeGreaterThan(200);
      expect(decisions[3]?.resetAfterMs).toBeGreaterThanOrEqual(retryAfterMs);
      await sleep(retryAfterMs + 1);
      expect((await limiter.check('a')).allowed).toBe(true);
    });

    it('decides about several windows and a cost at once: all admit, or nothing is taken', async () => {
      const windows = [
        { requests: 5, windowMs: 200 },
        { requests: 8, windowMs: 60_000 },
      ];
      const limiter = new SlidingWindowRateLimiter({ name: 'several', windows, store });
      expect(await limiter.check('a', { cost: 4 })).toMatchObject({ allowed: true, limit: 5, remaining: 1 });
      expect(await limiter.check('a', { cost: 2 })).toMatchObject({ allowed: false, limit: 5, remaining: 1 });
      expect(await limiter.check('a', { cost: 1 })).toMatchObject({ allowed: true, limit: 5, remaining: 0 });
      await sleep(210);
      const refused = await limiter.check('a', { cost: 4 });
      expect(refused).toMatchObject({ allowed: false, limit: 8, remaining: 3 });
      expect(refused.retryAfterMs).toBeGreaterThan(59_000);
      expect(await limiter.check('a', { cost: 3 })).toMatchObject({ allowed: true, limit: 8, remaining: 0 });
      expect(await limiter.check('b', { cost: 5 })).toMatchObject({ allowed: true });
    });

    it('looks without taking, and makes a limit whole', async () => {
      const law = { kind: 'sliding-window', requests: 2, windowMs: 60_000 } as const;
      const limit = { name: 'peeked', laws: [law], maxKeys: 1, onEvicted: () => undefined };
      expect(await store.peek('a', 1, limit)).toMatchObject({ allowed: true, remaining: 2 });
      await store.take('a', 2, limit);
      expect(await store.peek('a', 1, limit)).toMatchObject({ allowed: false, remaining: 0 });
      await store.reset('a', limit);
      expect(await store.take('a', 2, limit)).toMatchObject({ allowed: true });
    });

    it('keeps no key of a limit for longer than twice as long as the law looks back', async () => {
      const limiter = new SlidingWindowRateLimiter({ name: 'short', requests: 3, windowMs: 80, store });
      await limiter.check('gone');
      await sleep(180);
      expect(await redis.command(['EXISTS', redis.key('limit', '2w', '{short:gone}')])).toBe(0);
    });

    it('blocks for no longer than the law looks back when the clock of the server is set back', async () => {
      // What a clock set back by an hour does to a key: it has an hour more to live.
      const windowed = new SlidingWindowRateLimiter({ name: 'set-back', requests: 2, windowMs: 150, store });
      const bucket = new TokenBucketRateLimiter({ name: 'set-back', ratePerSecond: 20, capacity: 2, store });
      for (const [limiter, shape] of [
        [windowed, 'w'],
        [bucket, 'b'],
      ] as const) {
        await times(2, async () => limiter.check('a'));
        await redis.command(['PEXPIRE', redis.key('limit', `2${shape}`, '{set-back:a}'), '3600000']);
        const refused = await limiter.check('a');
        expect(refused.allowed).toBe(false);
        expect(refused.retryAfterMs).toBeLessThanOrEqual(151);
        await sleep(refused.retryAfterMs + 1);
        expect((await limiter.check('a')).allowed).toBe(true);
      }
    });

    it('shows nobody that the scripts were flushed under load, and counts every call once', async () => {
      const limiter = new SlidingWindowRateLimiter({ name: 'flushed', requests: 500, windowMs: 60_000, store });
      const flushing = (async () => {
        for (let round = 0; round < 20; round += 1) await redis.command(['SCRIPT', 'FLUSH']);
      })();
      const decisions = await Promise.all(Array.from({ length: 600 }, async () => limiter.check('a')));
      await flushing;
      expect(decisions.filter(({ allowed }) => allowed)).toHaveLength(500);
      expect(decisions.every(({ outcome }) => outcome !== 'unavailable')).toBe(true);
    });

    it('waits in line for a limit that is elsewhere', async () => {
      const limiter = new SlidingWindowRateLimiter({ name: 'line', requests: 2, windowMs: 100, store });
      const startMs = performance.now();
      await Promise.all(Array.from({ length: 5 }, () => limiter.wait('a')));
      expect(performance.now() - startMs).toBeGreaterThanOrEqual(200);
    });

    it('spends leased permits in memory, never more than the law, and asks far less often', async () => {
      const leased = new RedisRateLimitStore({ redis, whenUnavailable: 'closed', lease: {} });
      const limiter = new SlidingWindowRateLimiter({
        name: 'leased',
        requests: 1_000,
        windowMs: 60_000,
        store: leased,
      });
      const before = await evaluations(redis);
      const decisions = await times(2_000, async () => limiter.check('a'));
      expect(decisions.filter(({ allowed }) => allowed)).toHaveLength(1_000);
      expect((await evaluations(redis)) - before).toBeLessThan(100);
      expect(decisions[0]).toMatchObject({ outcome: 'allowed', limit: 1_000, remaining: 999 });
      expect(decisions.at(-1)).toMatchObject({ outcome: 'denied', limit: 1_000, remaining: 0 });
      const bucket = new TokenBucketRateLimiter({ name: 'leased', ratePerSecond: 10, capacity: 10, store: leased });
      expect((await bucket.check('a', { cost: 9 })).allowed).toBe(true);
      await expect(bucket.check('a', { cost: 10 })).rejects.toMatchObject({ argument: 'cost' });
    });

    it('serves again after the server was restarted', async () => {
      const limiter = new SlidingWindowRateLimiter({ name: 'back', requests: 10, windowMs: 50, store });
      expect((await limiter.check('a')).outcome).toBe('allowed');
      await server.kill();
      await sleep(20);
      expect(await limiter.check('a')).toMatchObject({ allowed: false, outcome: 'unavailable' });
      await expect(limiter.wait('a')).rejects.toMatchObject({ reason: 'unavailable' });
      await server.start();
      for (let tries = 0; tries < 200 && !(await limiter.check('a')).allowed; tries += 1) await sleep(25);
      expect((await limiter.check('a')).outcome).toBe('allowed');
      expect(redis.generation).toBe(2);
    });
  },
);

async function evaluations(redis: RedisConnection): Promise<number> {
  return Number(/cmdstat_evalsha:calls=(\d+)/.exec(String(await redis.command(['INFO', 'commandstats'])))?.[1] ?? 0);
}
