import { describe, expect, it } from 'vitest';
import { ArgumentError } from '../errors/index.ts';
import { VirtualClock } from '../testing/index.ts';
import {
  AdaptiveRateLimiter,
  createRateLimiter,
  DomainRateLimiter,
  RateLimiter,
  SlidingWindowRateLimiter,
  TokenBucketRateLimiter,
} from './index.ts';

const bad = [0, -1, Number.NaN, Number.POSITIVE_INFINITY, undefined, '5'] as never[];
const whole = [...bad, 1.5 as never];
const given = bad.filter(value => value !== undefined);
const givenWhole = whole.filter(value => value !== undefined);

describe('options that cannot be used', () => {
  it.each([
    ...bad.map(
      value =>
        ['ratePerSecond', value, () => new TokenBucketRateLimiter({ ratePerSecond: value, capacity: 1 })] as const,
    ),
    ...whole.map(
      value => ['capacity', value, () => new TokenBucketRateLimiter({ ratePerSecond: 1, capacity: value })] as const,
    ),
    ...whole.map(
      value => ['requests', value, () => new SlidingWindowRateLimiter({ requests: value, windowMs: 1 })] as const,
    ),
    ...whole.map(
      value => ['windowMs', value, () => new RateLimiter({ name: 'x', requests: 1, windowMs: value })] as const,
    ),
    ...whole.map(
      value =>
        [
          'windows[1].requests',
          value,
          () =>
            new SlidingWindowRateLimiter({
              windows: [
                { requests: 1, windowMs: 1 },
                { requests: value, windowMs: 1 },
              ],
            }),
        ] as const,
    ),
    ...givenWhole.map(
      value =>
        [
          'maxQueued',
          value,
          () => new TokenBucketRateLimiter({ ratePerSecond: 1, capacity: 1, maxQueued: value }),
        ] as const,
    ),
    ...givenWhole.map(
      value =>
        [
          'maxKeys',
          value,
          () => new TokenBucketRateLimiter({ ratePerSecond: 1, capacity: 1, maxKeys: value }),
        ] as const,
    ),
    ...given.flatMap(value =>
      (
        [
          'initialRatePerSecond',
          'minRatePerSecond',
          'maxRatePerSecond',
          'targetLatencyMs',
          'risePerSecond',
          'slowFactor',
          'errorFactor',
        ] as const
      ).map(name => [name, value, () => new AdaptiveRateLimiter({ [name]: value })] as const),
    ),
    ...givenWhole.map(value => ['capacity', value, () => new AdaptiveRateLimiter({ capacity: value })] as const),
    ...given.map(
      value => ["domains['fda.gov']", value, () => new DomainRateLimiter({ domains: { 'fda.gov': value } })] as const,
    ),
    ...given.map(
      value => ["domains['default']", value, () => new DomainRateLimiter({ domains: { default: value } })] as const,
    ),
  ])('are refused at construction: %s %s', (name, value, make) => {
    expect(make).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT', argument: name }));
    expect(make).toThrow(String(value));
  });

  it('are refused when they contradict each other', () => {
    expect(() => new AdaptiveRateLimiter({ minRatePerSecond: 30, maxRatePerSecond: 20 })).toThrow(
      'Cannot use minRatePerSecond 30: expected at most maxRatePerSecond, which is 20',
    );
    expect(() => new AdaptiveRateLimiter({ initialRatePerSecond: 60 })).toThrow(
      'Cannot use initialRatePerSecond: expected a number from 1 to 50, got 60',
    );
    const window = { requests: 1, windowMs: 1 };
    expect(() => new SlidingWindowRateLimiter({ windows: [window], ...window } as never)).toThrow(ArgumentError);
    expect(() => new SlidingWindowRateLimiter({ windows: [] })).toThrow('expected from 1 to 8 of them, got 0');
    expect(() => createRateLimiter({ strategy: 'leaky' } as never)).toThrow('Cannot use strategy "leaky"');
  });

  it.each([0, 6, -1, 1.5, Number.NaN])('include a cost of %d under a limit of 5', async cost => {
    const limiter = new RateLimiter({ name: 'login', requests: 5, windowMs: 1_000, clock: new VirtualClock() });
    expect(() => limiter.check('a', { cost })).toThrow(expect.objectContaining({ argument: 'cost' }));
    const waiting = new SlidingWindowRateLimiter({ requests: 5, windowMs: 1_000, clock: new VirtualClock() });
    await expect(waiting.wait('a', { cost })).rejects.toMatchObject({ argument: 'cost' });
  });

  it('say what to do about a cost that can never be allowed', () => {
    const limiter = new RateLimiter({ name: 'login', requests: 5, windowMs: 1_000 });
    expect(() => limiter.check('a', { cost: 6 })).toThrow(
      'Cannot take 6 permits of "login" at once: its limit is 5, so that they would never be allowed; ask for fewer or raise the limit',
    );
  });
});

describe('reconfigure()', () => {
  it('changes numbers at once; what was taken stays taken', () => {
    const clock = new VirtualClock();
    const limiter = new TokenBucketRateLimiter({ ratePerSecond: 10, capacity: 20, clock });
    limiter.check('a', { cost: 20 });
    limiter.reconfigure({ ratePerSecond: 5 });
    expect(limiter.check('a')).toMatchObject({ allowed: false, retryAfterMs: 200 });
    limiter.reconfigure({ capacity: 5 });
    expect(limiter.check('a')).toMatchObject({ allowed: false, limit: 5, retryAfterMs: 200, resetAfterMs: 1_000 });
    limiter.reconfigure({ capacity: 8 });
    expect(limiter.check('a', { cost: 3 })).toMatchObject({ allowed: true, remaining: 0 });
    expect(limiter.settings).toMatchObject({ ratePerSecond: 5, capacity: 8, maxQueued: 1_000, shadow: false });
  });

  it('keeps what windows remember when they change', async () => {
    const clock = new VirtualClock();
    const limiter = new SlidingWindowRateLimiter({ requests: 300, windowMs: 10_000, clock });
    limiter.check('a', { cost: 200 });
    await clock.advance(5_000);
    limiter.check('a', { cost: 50 });
    limiter.reconfigure({ requests: 100 });
    expect(limiter.check('a')).toMatchObject({ allowed: false, remaining: 0 });
    limiter.reconfigure({
      windows: [
        { requests: 60, windowMs: 4_000 },
        { requests: 300, windowMs: 20_000 },
      ],
    });
    expect(limiter.timeUntilAvailableMs('a', { cost: 10 })).toBe(0);
    expect(limiter.timeUntilAvailableMs('a', { cost: 11 })).toBeGreaterThanOrEqual(4_000);
    expect(limiter.timeUntilAvailableMs('a', { cost: 11 })).toBeLessThan(4_200);
    expect(() => limiter.reconfigure({ requests: 1 })).toThrow(ArgumentError);
  });

  it('changes all or nothing, and tells', () => {
    const limiter = new TokenBucketRateLimiter({ name: 'x', ratePerSecond: 1, capacity: 1, clock: new VirtualClock() });
    const told: object[] = [];
    limiter.events.on('reconfigured', event => told.push(event));
    const before = limiter.settings;
    expect(() => limiter.reconfigure({ ratePerSecond: 7, maxQueued: 0 })).toThrow('maxQueued');
    expect(() => limiter.reconfigure({ ratePerSecond: 7, capacity: Number.NaN })).toThrow('capacity');
    expect(limiter.settings).toBe(before);
    expect(told).toEqual([]);
    limiter.reconfigure({ ratePerSecond: undefined, maxQueued: 7 });
    expect(told).toEqual([{ name: 'x', from: before, to: { ...before, maxQueued: 7 } }]);
  });
});

describe('events', () => {
  it('tell of denials, waits, admissions and refusals', async () => {
    const clock = new VirtualClock();
    const limiter = new TokenBucketRateLimiter({ name: 'x', ratePerSecond: 10, capacity: 1, clock });
    const told: unknown[] = [];
    for (const type of ['denied', 'queued', 'admitted', 'rejected'] as const) {
      limiter.events.on(type, event => told.push([type, event]));
    }
    limiter.check('a');
    limiter.check('a');
    const waiting = limiter.wait('a');
    await expect(limiter.wait('a', { timeoutMs: 1 })).rejects.toThrow();
    await clock.advance(100);
    await waiting;
    expect(told).toEqual([
      ['denied', { name: 'x', key: 'a', cost: 1, retryAfterMs: 100, shadow: false }],
      ['queued', { name: 'x', key: 'a', waiting: 1 }],
      ['rejected', { name: 'x', key: 'a', reason: 'out-of-time' }],
      ['admitted', { name: 'x', key: 'a', waitedMs: 100 }],
    ]);
  });
});

describe('a limiter in shadow', () => {
  it('admits everybody and tells whom it would have denied', async () => {
    const told: object[] = [];
    const limiter = new TokenBucketRateLimiter({
      name: 'x',
      ratePerSecond: 1,
      capacity: 1,
      shadow: true,
      clock: new VirtualClock(),
    });
    limiter.events.on('denied', event => told.push(event));
    expect(limiter.check()).toMatchObject({ allowed: true, outcome: 'allowed' });
    expect(limiter.check()).toMatchObject({ allowed: true, outcome: 'denied', remaining: 0, retryAfterMs: 0 });
    await expect(limiter.wait()).resolves.toMatchObject({ allowed: true, outcome: 'denied' });
    const event = { name: 'x', key: '', cost: 1, retryAfterMs: 1_000, shadow: true };
    expect(told).toEqual([event, event]);
    limiter.reconfigure({ shadow: false });
    expect(limiter.check().allowed).toBe(false);
  });
});

describe('DomainRateLimiter', () => {
  it('asks each domain at its own rate, a subdomain at that of the nearest entry', async () => {
    const clock = new VirtualClock();
    const domains = { 'fda.gov': 0.5, 'api.fda.gov': { ratePerSecond: 2, capacity: 2 }, default: 1 };
    const limiter = new DomainRateLimiter({ domains, clock });
    const waitsMs = (domain: string | URL): number => {
      limiter.check(domain);
      limiter.check(domain);
      return limiter.check(domain).retryAfterMs;
    };
    expect(waitsMs('https://API.fda.gov:443/drug')).toBe(500);
    expect(waitsMs(new URL('http://eu.api.fda.gov/x?y#z'))).toBe(500);
    expect(waitsMs('www.fda.gov.')).toBe(2_000);
    expect(waitsMs('notfda.gov')).toBe(1_000);
    expect(limiter.check('api.fda.gov:8443').allowed).toBe(false);
    expect(limiter.limiterFor('notfda.gov').settings).toMatchObject({ name: 'domains:default', maxKeys: 10_000 });
  });

  it('waits where it must', async () => {
    const clock = new VirtualClock();
    const limiter = new DomainRateLimiter({ domains: { 'oncokb.org': 0.5 }, clock });
    const atMs: number[] = [];
    for (const domain of ['oncokb.org', 'https://oncokb.org/genes', 'example.org']) {
      void limiter.waitIfNeeded(domain).then(() => atMs.push(clock.monotonic()));
    }
    await clock.advance(2_000);
    expect(atMs).toEqual([0, 0, 2_000]);
    const outcome = Promise.allSettled([limiter.waitIfNeeded('oncokb.org')]);
    await limiter[Symbol.asyncDispose]();
    expect(await outcome).toMatchObject([{ reason: { reason: 'closed' } }]);
    expect(clock.pendingTimers).toBe(0);
  });

  it.each(['', 'https://', 'a b'])('refuses "%s" as a domain', text => {
    const limiter = new DomainRateLimiter({ domains: { default: 1 } });
    expect(() => limiter.check(text)).toThrow(`Cannot find the domain in "${text}"`);
  });
});

describe('createRateLimiter()', () => {
  it('makes what the strategy says, with a type of its own', () => {
    const clock = new VirtualClock();
    const bucket: TokenBucketRateLimiter = createRateLimiter({
      strategy: 'token-bucket',
      ratePerSecond: 1,
      capacity: 2,
      clock,
    });
    const window: SlidingWindowRateLimiter = createRateLimiter({
      strategy: 'sliding-window',
      requests: 3,
      windowMs: 9,
      clock,
    });
    const adaptive: AdaptiveRateLimiter = createRateLimiter({ strategy: 'adaptive', clock });
    const domain: DomainRateLimiter = createRateLimiter({ strategy: 'domain', domains: {}, clock });
    expect([bucket.check().limit, window.check().limit, adaptive.ratePerSecond]).toEqual([2, 3, 10]);
    expect(domain.check('a.b').limit).toBe(1);
  });
});
