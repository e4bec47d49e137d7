import { describe, expect, it } from 'vitest';
import { Events } from '../kernel/index.ts';
import { seededRandom, VirtualClock } from '../testing/index.ts';
import { ChangeRate } from './change-rate.ts';
import type { CacheEvents } from './events.ts';
import { LifetimeAdviser, type LifetimeAdviserOptions } from './lifetime-adviser.ts';
import { MemoryCache } from './memory-cache.ts';
import type { CacheStats } from './stats.ts';

const hourMs = 3_600_000;

/** How far two numbers are apart, as a factor of at least 1. */
const factor = (left: number, right: number): number => Math.max(left / right, right / left);

/** The lifetime with which a share of the hits is out of date, by simulation: a source that changes, and hits at any time. */
function staleShareOf(ttlMs: number, changesPerHour: number): number {
  const random = seededRandom(7);
  let stale = 0;
  const hits = 20_000;
  for (let hit = 0; hit < hits; hit += 1) {
    const ageMs = random.next() * ttlMs;
    const nextChangeMs = -Math.log(1 - random.next()) / (changesPerHour / hourMs);
    if (nextChangeMs < ageMs) stale += 1;
  }
  return stale / hits;
}

/** A cache whose values are loaded anew at irregular intervals, while they change at a known rate at their source. */
class Log {
  readonly events = new Events<CacheEvents>();
  ttlMs: number | undefined;
  counts: Record<string, { hits: number; misses: number; regrets: number }> = {};
  readonly #random = seededRandom(11);

  stats(): CacheStats {
    const prefixes = Object.entries(this.counts).map(([prefix, counts]) => {
      const hitRate = counts.hits / (counts.hits + counts.misses);
      return [prefix, { ...counts, storeHits: 0, hitRate }];
    });
    return { prefixes: Object.fromEntries(prefixes) } as unknown as CacheStats;
  }

  /** Loads so often, after intervals around a mean; a value changes with the probability of its rate. */
  load(prefix: string, loads: number, changesPerHour: number, meanIntervalMs: number): void {
    let version = 0;
    for (let load = 0; load < loads; load += 1) {
      const ageMs = -Math.log(1 - this.#random.next()) * meanIntervalMs;
      const older = { value: { id: 7, version }, ageMs };
      if (this.#random.next() < 1 - Math.exp((-changesPerHour / hourMs) * ageMs)) version += 1;
      this.loaded(prefix, { id: 7, version }, older);
    }
  }

  loaded(prefix: string, value: unknown, older: CacheEvents['loaded']['older']): void {
    this.events.emit('loaded', { name: 'log', key: `${prefix}:7`, prefix, durationMs: 1, value, older });
  }
}

function adviser(log: Log, options: Partial<LifetimeAdviserOptions> = {}): LifetimeAdviser {
  return new LifetimeAdviser({ cache: log, maxComparisonsPerSecond: 1_000_000, ...options });
}

describe('LifetimeAdviser', () => {
  it.each([
    ['often, looked at often', 60, 20_000],
    ['often, looked at seldom', 60, 120_000],
    ['every hour', 1, 600_000],
    ['every day', 1 / 24, hourMs],
    ['every month', 1 / 720, 72 * hourMs],
  ])('finds how long a value may live that changes %s', (_what, changesPerHour, meanIntervalMs) => {
    const log = new Log();
    const advice = adviser(log);
    log.load('user', 500, changesPerHour, meanIntervalMs);
    const [said] = advice.advice();
    expect(said).toMatchObject({ prefix: 'user', observations: 500, verdict: 'unknown' });
    expect(factor(said?.changesPerHour ?? 0, changesPerHour)).toBeLessThan(1.5);
    expect(factor(staleShareOf(said?.suggestedTtlMs ?? 0, changesPerHour), 0.05)).toBeLessThan(1.5);
  });

  it('keeps to the share of stale hits that is tolerated', () => {
    for (const staleShare of [0.001, 0.2, 0.6]) {
      const log = new Log();
      const advice = adviser(log, { staleShare });
      log.load('user', 2_000, 4, 300_000);
      const [said] = advice.advice();
      expect(factor(staleShareOf(said?.suggestedTtlMs ?? 0, 4), staleShare)).toBeLessThan(1.6);
    }
  });

  it('follows when the rate changes', () => {
    const log = new Log();
    const advice = adviser(log);
    log.load('user', 4_000, 1 / 24, 600_000);
    log.load('user', 12_000, 6, 600_000);
    expect(factor(advice.advice()[0]?.changesPerHour ?? 0, 6)).toBeLessThan(1.5);
  });

  it('does not take "no change seen" for "never"', () => {
    const log = new Log();
    const advice = adviser(log);
    for (let look = 0; look < 100; look += 1) log.loaded('user', 'same', { value: 'same', ageMs: hourMs });
    const [said] = advice.advice();
    expect(said?.changesPerHour).toBeLessThan(0.01);
    expect(said?.suggestedTtlMs).toBeGreaterThan(10 * hourMs);
    expect(said?.suggestedTtlMs).toBeLessThan(100 * hourMs);
  });

  it('says nothing from few observations', () => {
    const log = new Log();
    const advice = adviser(log);
    log.load('user', 9, 1, 600_000);
    expect(advice.advice()[0]).toMatchObject({ observations: 9, suggestedTtlMs: undefined, verdict: 'unknown' });
  });

  it.each([
    [60_000, 'lengthen'],
    [360_000, 'keep'],
    [3_600_000, 'shorten'],
  ])('says what to do with a lifetime of %i ms', (ttlMs, verdict) => {
    const log = new Log();
    log.ttlMs = ttlMs;
    const advice = adviser(log);
    log.load('user', 1_000, 1, 600_000);
    expect(advice.advice()[0]).toMatchObject({ ttlMs, verdict });
  });

  it('points at prefixes with few hits, and at those that need room', () => {
    const log = new Log();
    log.counts = {
      good: { hits: 900, misses: 100, regrets: 0 },
      few: { hits: 1, misses: 9, regrets: 9 },
      poor: { hits: 700, misses: 300, regrets: 10 },
      narrow: { hits: 700, misses: 300, regrets: 90 },
    };
    const said = Object.fromEntries(
      adviser(log)
        .advice()
        .map(({ prefix, ...rest }) => [prefix, rest]),
    );
    expect(said['good']).toMatchObject({ hitRate: 0.9, isHitRateLow: false, needsRoom: false });
    expect(said['few']).toMatchObject({ hitRate: undefined, isHitRateLow: false, needsRoom: false });
    expect(said['poor']).toMatchObject({ isHitRateLow: true, needsRoom: false });
    expect(said['narrow']).toMatchObject({ isHitRateLow: true, needsRoom: true, regretShare: 0.3 });
  });

  it('tells 64 prefixes apart, and no more', () => {
    const log = new Log();
    const advice = adviser(log);
    for (let index = 0; index < 200; index += 1) log.load(`p${index}`, 1, 1, hourMs);
    const said = advice.advice();
    expect(said).toHaveLength(65);
    expect(said.find(({ prefix }) => prefix === '*')?.observations).toBe(136);
  });

  it('compares only so many values a second', async () => {
    const log = new Log();
    const clock = new VirtualClock();
    const advice = adviser(log, { clock, maxComparisonsPerSecond: 5 });
    log.load('user', 50, 1, hourMs);
    await clock.advance(1_000);
    log.load('user', 50, 1, hourMs);
    expect(advice.advice()[0]?.observations).toBe(10);
  });

  it('listens to a real cache until it is closed', async () => {
    const clock = new VirtualClock();
    const cache = new MemoryCache<{ version: number }>({ clock, ttlMs: 60_000, staleMs: hourMs });
    using advice = new LifetimeAdviser({ cache, clock });
    // The value changes every ten minutes.
    const load = async (): Promise<{ version: number }> => ({ version: Math.floor(clock.now() / 600_000) });
    for (let minute = 0; minute < 600; minute += 1) {
      await cache.getOrSet('user:7', load);
      await clock.advance(61_000);
    }
    const [said] = advice.advice();
    expect(said).toMatchObject({ prefix: 'user', observations: 599, ttlMs: 60_000, hitRate: 0, isHitRateLow: true });
    expect(factor(said?.changesPerHour ?? 0, 6)).toBeLessThan(1.2);
    advice.close();
    await cache.getOrSet('user:7', load);
    expect(advice.advice()[0]?.observations).toBe(599);
  });

  it.each([{ staleShare: 0 }, { staleShare: 1 }, { maxComparisonsPerSecond: 0 }])('refuses %j', options => {
    expect(() => adviser(new Log(), options)).toThrow(/^Cannot use/);
  });
});

describe('ChangeRate', () => {
  it('is that of the textbook for looks at regular intervals', () => {
    const rate = new ChangeRate();
    for (let look = 0; look < 100; look += 1) rate.observe(1_000, look % 4 === 0);
    expect((rate.perMs() ?? 0) * 1_000).toBeCloseTo(-Math.log((100 - 25 + 0.5) / (100 + 0.5)), 6);
  });

  it('is unknown before the first look, and finite when every look finds a change', () => {
    const rate = new ChangeRate();
    expect(rate.perMs()).toBeUndefined();
    rate.observe(0, true);
    expect(rate.perMs()).toBeUndefined();
    for (let look = 0; look < 20; look += 1) rate.observe(1_000, true);
    expect(rate.perMs()).toBeGreaterThan(1 / 1_000);
    expect(rate.perMs()).toBeLessThan(1 / 100);
  });
});
