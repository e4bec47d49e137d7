import { RateLimiter, RedisRateLimitStore, TokenBucketRateLimiter } from 'plinth/rate-limit';
import { RedisConnection } from 'plinth/redis';
import { type RateLimitStoreSubject, rateLimitStoreContract } from 'plinth/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { patientMs, type RedisServer, startRedis } from '../servers/redis.ts';
import { serverOrSkip } from '../servers/require.ts';

const program = serverOrSkip('redis-server');

describe.skipIf(program === undefined)('limits on a real Redis', () => {
  let server: RedisServer;
  let redis: RedisConnection;

  beforeAll(async () => {
    server = await startRedis();
    redis = new RedisConnection({ url: server.url, commandTimeoutMs: patientMs });
    await redis.connect();
  });

  afterAll(async () => {
    await redis.close();
    await server[Symbol.asyncDispose]();
  });

  const sleep = (durationMs: number): Promise<void> => new Promise(resolve => setTimeout(resolve, durationMs));

  describe('keep the contract of every store', () => {
    for (const { name, run } of rateLimitStoreContract) {
      it(name, () => {
        const store = new RedisRateLimitStore({ redis, whenUnavailable: 'closed' });
        const subject: RateLimitStoreSubject = { store, advance: sleep };
        return run(subject);
      });
    }
  });

  it.each([
    ['open', true],
    ['closed', false],
  ] as const)('go by their posture when Redis cannot carry out a decision: %s', async (whenUnavailable, allowed) => {
    const store = new RedisRateLimitStore({ redis, whenUnavailable });
    const inbound = new RateLimiter({ name: `inbound-${whenUnavailable}`, requests: 5, windowMs: 60_000, store });
    const outbound = new TokenBucketRateLimiter({
      name: `outbound-${whenUnavailable}`,
      ratePerSecond: 5,
      capacity: 5,
      store,
    });
    await redis.command(['CONFIG', 'SET', 'maxmemory', '1']);
    try {
      expect(await inbound.check('192.0.2.7')).toMatchObject({ allowed, outcome: 'unavailable' });
      const waited = outbound.wait('api.fda.gov', { timeoutMs: 1_000 });
      if (allowed) await expect(waited).resolves.toMatchObject({ outcome: 'unavailable' });
      else await expect(waited).rejects.toMatchObject({ reason: 'unavailable' });
    } finally {
      await redis.command(['CONFIG', 'SET', 'maxmemory', '0']);
    }
  });
});
