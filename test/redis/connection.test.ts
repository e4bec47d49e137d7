import { setTimeout as sleep } from 'node:timers/promises';
import { RedisCommandError, RedisConnection, RedisUnavailableError } from 'plinth/redis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { patientMs, type RedisServer, startRedis } from '../servers/redis.ts';
import { serverOrSkip } from '../servers/require.ts';

const program = serverOrSkip('redis-server');

/** Waits for something that happens in other processes. */
async function until(condition: () => boolean, limitMs = 10_000): Promise<void> {
  const endMs = performance.now() + limitMs;
  while (!condition()) {
    if (performance.now() > endMs) throw new Error(`It did not happen within ${limitMs} ms: ${condition}`);
    await sleep(5);
  }
}

/** How long each of so many calls took until it failed, in milliseconds, in ascending order. */
async function failureTimes(redis: RedisConnection, count: number): Promise<readonly number[]> {
  const times: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const startMs = performance.now();
    await expect(redis.command(['GET', 'x'])).rejects.toBeInstanceOf(RedisUnavailableError);
    times.push(performance.now() - startMs);
  }
  return times;
}

describe.skipIf(program === undefined)('RedisConnection on a real Redis', () => {
  let server: RedisServer;
  const unhandled: unknown[] = [];
  const onUnhandled = (reason: unknown): void => void unhandled.push(reason);
  beforeAll(async () => {
    server = await startRedis();
    process.on('unhandledRejection', onUnhandled);
  });
  afterAll(async () => {
    process.off('unhandledRejection', onUnhandled);
    await server?.dispose();
    expect(unhandled).toEqual([]);
  });

  it('connects with the first command and prefixes keys', async () => {
    await using redis = new RedisConnection({ url: server.url, keyPrefix: 'shop:', commandTimeoutMs: patientMs });
    expect([redis.status, redis.generation]).toEqual(['connecting', 0]);
    expect(await redis.command(['SET', redis.key('a', '{7}'), '1'])).toBe('OK');
    expect(await redis.command(['KEYS', 'shop:*'])).toEqual(['shop:a:{7}']);
    expect([redis.status, redis.generation]).toEqual(['ready', 1]);
    expect(await redis.ping()).toBeGreaterThan(0);
  });

  it('tells an error of Redis from its absence', async () => {
    await using redis = new RedisConnection({ url: server.url, commandTimeoutMs: patientMs });
    await redis.command(['SET', 'text', 'a']);
    const failure = redis.command(['INCR', 'text']);
    await expect(failure).rejects.toBeInstanceOf(RedisCommandError);
    await expect(failure).rejects.toMatchObject({
      retryable: false,
      message: expect.stringContaining('not an integer'),
    });
  });

  it('runs a script in one trip, also after the server has forgotten it', async () => {
    await using redis = new RedisConnection({ url: server.url, commandTimeoutMs: patientMs });
    const script = redis.script("return redis.call('INCRBY', KEYS[1], ARGV[1])");
    expect(await script.run(['count'], ['2'])).toBe(2);
    await redis.command(['SCRIPT', 'FLUSH']);
    expect(await script.run(['count'], ['2'])).toBe(4);
    await redis.command(['CONFIG', 'RESETSTAT']);
    expect(await script.run(['count'], ['2'])).toBe(6);
    const stats = String(await redis.command(['INFO', 'commandstats']));
    expect(stats).toContain('cmdstat_evalsha:calls=1,');
    expect(stats).not.toContain('cmdstat_eval:');
  });

  it('fails within the time limit while the server hangs, and at once after so many time-outs', async () => {
    await using redis = new RedisConnection({ url: server.url, commandTimeoutMs: 500, timeoutsUntilAway: 3 });
    await redis.ping();
    server.hang();
    try {
      const times = await failureTimes(redis, 30);
      expect(Math.max(...times)).toBeLessThan(2_000);
      expect(redis.status).toBe('away');
      expect(Math.max(...times.slice(3))).toBeLessThan(250);
    } finally {
      server.resume();
    }
    await until(() => redis.status === 'ready');
    expect(redis.generation).toBe(1);
    expect(redis.outages).toMatchObject([{ bornAtMs: undefined }]);
    expect(await redis.command(['ECHO', 'again'])).toBe('again');
  });

  it('bounds the commands without an answer', async () => {
    await using redis = new RedisConnection({ url: server.url, maxInFlight: 2, commandTimeoutMs: patientMs });
    await redis.ping();
    const outcomes = await Promise.allSettled([1, 2, 3].map(() => redis.command(['GET', 'x'])));
    expect(outcomes.map(outcome => outcome.status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
    expect(outcomes[2]).toMatchObject({ reason: { reason: 'full' } });
  });

  it('connects again after a restart and tells that everything may be forgotten', async () => {
    await using redis = new RedisConnection({ url: server.url, commandTimeoutMs: patientMs });
    const told: unknown[] = [];
    redis.events.on('ready', event => told.push(event));
    redis.events.on('away', ({ error }) => told.push(error.reason));
    await redis.command(['SET', 'kept', 'no']);
    const hanging = redis.command(['BLPOP', 'nothing', '5']).catch((error: unknown) => error);
    await sleep(20);
    await server.kill();
    expect(await hanging).toMatchObject({ reason: 'connection-lost' });
    const startMs = performance.now();
    await expect(redis.command(['GET', 'kept'])).rejects.toMatchObject({ code: 'REDIS_UNAVAILABLE', retryable: true });
    expect(performance.now() - startMs).toBeLessThan(patientMs / 10);
    await server.start();
    await until(() => redis.status === 'ready');
    expect(await redis.command(['GET', 'kept'])).toBe(null);
    expect(redis.generation).toBe(2);
    expect(redis.outages).toMatchObject([{ bornAtMs: expect.any(Number), backAtMs: expect.any(Number) }]);
    expect(told).toMatchObject([{ generation: 1, forgot: false }, 'connection-lost', { generation: 2, forgot: true }]);
  });

  it('keeps no socket, timer or process alive after 25 kills and restarts and a close', {
    timeout: 60_000,
  }, async () => {
    const before = process.getActiveResourcesInfo().filter(name => name === 'TCPSocketWrap').length;
    const redis = new RedisConnection({ url: server.url, maxReconnectDelayMs: 20, commandTimeoutMs: patientMs });
    await redis.ping();
    for (let cycle = 1; cycle <= 25; cycle += 1) {
      const asked = Promise.allSettled(Array.from({ length: 50 }, () => redis.command(['GET', 'x'])));
      await server.kill();
      await asked;
      await server.start();
      await until(() => redis.generation === cycle + 1);
    }
    expect(redis.outages.length).toBeLessThanOrEqual(8);
    await redis.close();
    await until(
      () => process.getActiveResourcesInfo().filter(name => name === 'TCPSocketWrap').length <= before,
      2_000,
    );
  });

  it('refuses after it was closed, and while nothing listens at the address it keeps the password to itself', async () => {
    const redis = new RedisConnection({ url: 'redis://user:hunter2@127.0.0.1:1', name: 'limits' });
    const failure = await redis.connect().catch((error: unknown) => error);
    expect(failure).toMatchObject({ message: 'Redis "limits" at 127.0.0.1:1 is away: there is no connection' });
    await expect(redis.command(['GET', 'x'])).rejects.toBeInstanceOf(RedisUnavailableError);
    await redis.close();
    await expect(redis.command(['GET', 'x'])).rejects.toMatchObject({ reason: 'closed' });
    const wrong = new RedisConnection({ url: server.url.replace('redis://', 'redis://user:hunter2@') });
    const refusal = await wrong.connect().catch((error: unknown) => error);
    expect(JSON.stringify([failure, refusal, String(refusal)])).not.toContain('hunter2');
    await wrong.close();
  });
});
