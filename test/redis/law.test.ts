import fc from 'fast-check';
import {
  type RateLimitDecision,
  RedisRateLimitStore,
  SlidingWindowRateLimiter,
  TokenBucketRateLimiter,
} from 'plinth/rate-limit';
import { RedisConnection, type RedisScript } from 'plinth/redis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RedisServer, startRedis } from '../servers/redis.ts';
import { serverOrSkip } from '../servers/require.ts';

const program = serverOrSkip('redis-server');

/** Goes before a script: the server's clock is a key, and what a key has to live is counted by it. */
const clockByHand = `
local real = redis.call
local now = real('GET', 'clock') + 0
local function expire(key, ms) real('SET', key..':expires', string.format('%d', now + ms)) end
local redis = { call = function(name, key, ...)
  if name == 'PTTL' then
    local expires = (real('GET', key..':expires') or 0) + 0
    return expires > now and expires - now or -2
  elseif name == 'PEXPIRE' then expire(key, ...)
  elseif name == 'SET' then
    local value, how, ms = ...
    real('SET', key, value)
    if how == 'PX' then expire(key, ms) end
  else return real(name, key, ...) end
end }
`;

/** Runs the scripts themselves, by a clock that is set by hand. */
class HandClockConnection extends RedisConnection {
  override script(source: string): RedisScript {
    return super.script(clockByHand + source);
  }

  setClock(timeMs: number): Promise<unknown> {
    return this.command(['SET', 'clock', String(Math.floor(timeMs))]);
  }
}

interface Arrival {
  readonly stepMs: number;
  readonly cost: number;
}

interface Admission {
  readonly atMs: number;
  readonly cost: number;
}

type Checked = { check(key: string, options: { readonly cost: number }): Promise<RateLimitDecision> };

/**
 * Standing still, fractions of a millisecond, bursts and pauses; and often just before, at or just after a moment that
 * matters to the law, which is where a millisecond that was rounded the wrong way shows.
 */
const arrivalsOf = (maxCost: number, momentsMs: readonly number[]): fc.Arbitrary<readonly Arrival[]> =>
  fc.array(
    fc.record({
      stepMs: fc.oneof(
        { weight: 4, arbitrary: fc.constant(0) },
        { weight: 4, arbitrary: fc.double({ min: 0, max: 3, noNaN: true }) },
        { weight: 2, arbitrary: fc.double({ min: 0, max: 400, noNaN: true }) },
        {
          weight: 8,
          arbitrary: fc
            .tuple(fc.constantFrom(...momentsMs), fc.constantFrom(-1.001, -0.999, -0.5, -0.001, 0, 0.001, 0.5, 0.999))
            .map(([momentMs, asideMs]) => Math.max(0, momentMs + asideMs)),
        },
      ),
      cost: fc.oneof(fc.integer({ min: 1, max: maxCost }), fc.constant(maxCost), fc.constant(1)),
    }),
    { minLength: 1, maxLength: 200, size: 'max' },
  );

/** The most that was admitted beyond what is allowed, over all intervals from one admission to another. */
function worstExcess(admissions: readonly Admission[], allowed: (lengthMs: number) => number): number {
  let worst = Number.NEGATIVE_INFINITY;
  for (const [index, first] of admissions.entries()) {
    let cost = 0;
    for (const last of admissions.slice(index)) {
      cost += last.cost;
      worst = Math.max(worst, cost - allowed(last.atMs - first.atMs));
    }
  }
  return worst;
}

describe.skipIf(program === undefined)('the scripts of limits on Redis, by a clock set by hand', () => {
  let server: RedisServer;
  let redis: HandClockConnection;
  let store: RedisRateLimitStore;
  let runs = 0;
  beforeAll(async () => {
    server = await startRedis();
    redis = new HandClockConnection({ url: server.url, commandTimeoutMs: 10_000 });
    await redis.connect();
    store = new RedisRateLimitStore({ redis, whenUnavailable: 'closed' });
  });
  afterAll(async () => {
    await redis?.close();
    await server?.dispose();
  });

  const name = (): string => {
    runs += 1;
    return `law ${runs}`;
  };

  /** What is admitted; and that who comes back when the last refusal said so is admitted too. */
  async function play(limiter: Checked, arrivals: readonly Arrival[]): Promise<readonly Admission[]> {
    let timeMs = 1_000_000;
    const asked: { readonly atMs: number; readonly cost: number; readonly decision: Promise<RateLimitDecision> }[] = [];
    for (const { stepMs, cost } of arrivals) {
      timeMs += stepMs;
      const moved = redis.setClock(timeMs);
      const decision = limiter.check('key', { cost });
      asked.push({ atMs: timeMs, cost, decision });
      // Only a script that the server knows is carried out in the order of sending.
      if (asked.length === 1) await Promise.all([moved, decision]);
    }
    const admissions: Admission[] = [];
    let last: { readonly cost: number; readonly decision: RateLimitDecision } | undefined;
    for (const { atMs, cost, decision } of asked) {
      const made = await decision;
      if (made.allowed) admissions.push({ atMs, cost });
      last = { cost, decision: made };
    }
    if (last?.decision.allowed === false) {
      await redis.setClock(timeMs + last.decision.retryAfterMs);
      expect(await limiter.check('key', { cost: last.cost })).toMatchObject({ allowed: true });
    }
    return admissions;
  }

  it('never let through more than a bucket allows, in any interval', { timeout: 60_000 }, async () => {
    const cases = fc
      .record({
        ratePerSecond: fc.oneof(fc.integer({ min: 1, max: 5_000 }), fc.double({ min: 0.5, max: 3_000, noNaN: true })),
        capacity: fc.integer({ min: 1, max: 30 }),
      })
      .chain(law => {
        const perPermitMs = 1_000 / law.ratePerSecond;
        const momentsMs = [1, Math.ceil(law.capacity / 2), law.capacity].map(permits => permits * perPermitMs);
        return fc.tuple(fc.constant(law), arrivalsOf(law.capacity, momentsMs));
      });
    await fc.assert(
      fc.asyncProperty(cases, async ([law, arrivals]) => {
        const limiter = new TokenBucketRateLimiter({ ...law, name: name(), store });
        const admissions = await play(limiter, arrivals);
        const perMs = law.ratePerSecond / 1_000;
        expect(worstExcess(admissions, lengthMs => law.capacity + perMs * lengthMs)).toBeLessThanOrEqual(1e-6);
      }),
      { numRuns: 300 },
    );
  });

  it('never let through more than their windows allow, in any interval', { timeout: 60_000 }, async () => {
    const window = fc.record({
      requests: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 120, max: 400 })),
      windowMs: fc.integer({ min: 1, max: 2_000 }),
    });
    const cases = fc.array(window, { minLength: 1, maxLength: 3 }).chain(windows => {
      const maxCost = Math.min(...windows.map(({ requests }) => requests));
      return fc.tuple(
        fc.constant(windows),
        arrivalsOf(
          maxCost,
          windows.map(({ windowMs }) => windowMs),
        ),
      );
    });
    await fc.assert(
      fc.asyncProperty(cases, async ([windows, arrivals]) => {
        const limiter = new SlidingWindowRateLimiter({ windows, name: name(), store });
        const admissions = await play(limiter, arrivals);
        for (const { requests, windowMs } of windows) {
          const inWindow = (lengthMs: number): number => (lengthMs < windowMs ? requests : Number.POSITIVE_INFINITY);
          expect(worstExcess(admissions, inWindow)).toBeLessThanOrEqual(0);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('let through all that small windows and buckets allow, but for a millisecond', { timeout: 60_000 }, async () => {
    const steps = Array.from({ length: 3_000 }, () => ({ stepMs: 1, cost: 1 }));
    const window = new SlidingWindowRateLimiter({ requests: 10, windowMs: 99, name: name(), store });
    expect(await play(window, steps)).toHaveLength(300);
    const bucket = new TokenBucketRateLimiter({ ratePerSecond: 100, capacity: 20, name: name(), store });
    expect((await play(bucket, steps)).length).toBeGreaterThanOrEqual(319 - 1);
  });

  it('count on under new numbers', async () => {
    const bucket = new TokenBucketRateLimiter({ ratePerSecond: 10, capacity: 20, name: name(), store });
    const window = new SlidingWindowRateLimiter({ requests: 50, windowMs: 1_000, name: name(), store });
    await redis.setClock(2_000_000);
    await bucket.check('key', { cost: 15 });
    await window.check('key', { cost: 30 });
    bucket.reconfigure({ ratePerSecond: 1, capacity: 18 });
    window.reconfigure({ requests: 40, windowMs: 2_000 });
    await redis.setClock(2_001_001);
    expect(await bucket.check('key', { cost: 5 })).toMatchObject({ allowed: false, remaining: 4, limit: 18 });
    expect(await window.check('key', { cost: 11 })).toMatchObject({ allowed: false, remaining: 10, limit: 40 });
    expect(await window.check('key', { cost: 10 })).toMatchObject({ allowed: true });
  });
});
