import { isDeepStrictEqual } from 'node:util';
import { type Clock, type EventSource, requireInteger, requireNumber, systemClock } from '../kernel/index.ts';
import { ChangeRate } from './change-rate.ts';
import type { CacheEvents } from './events.ts';
import type { CacheStats } from './stats.ts';

/** Below this many observations nothing is suggested. */
const fewestObservations = 10;

/** Below this many reads a hit rate says nothing. */
const fewestReads = 100;

/** The hit rate that a cache should have, and the share of misses that were evicted too early from which on room is short. */
const wantedHitRate = 0.8;
const muchRegret = 0.1;

/** By how much the suggestion has to differ from the lifetime of today to be worth a change. */
const worthwhileFactor = 1.5;

/** The most prefixes that are told apart; the rest are counted together, as `*`. */
const maxPrefixes = 64;

/** A cache that can be advised. */
export interface AdvisedCache {
  readonly events: EventSource<CacheEvents>;
  /** How long its entries are fresh when nothing else is said, in milliseconds. */
  readonly ttlMs?: number | undefined;
  stats(): CacheStats;
}

/** How a {@link LifetimeAdviser} advises. */
export interface LifetimeAdviserOptions {
  readonly cache: AdvisedCache;
  /** The share of hits that may be out of date, above 0 and below 1. @default 0.05 */
  readonly staleShare?: number | undefined;
  /** How many values are compared with their predecessors within a second, at most. @default 100 */
  readonly maxComparisonsPerSecond?: number | undefined;
  /** @default systemClock */
  readonly clock?: Clock | undefined;
}

/** What a {@link LifetimeAdviser} says about the keys of one prefix. */
export interface LifetimeAdvice {
  /** The part of the keys before their first colon; `*` for what is beyond the first 64 prefixes. */
  readonly prefix: string;
  /** How many values could be compared with the ones before them. */
  readonly observations: number;
  /** How often a value changes at its source; `undefined` before the first observation. */
  readonly changesPerHour: number | undefined;
  /** The lifetime with which so many hits are out of date as are tolerated; `undefined` below 10 observations. */
  readonly suggestedTtlMs: number | undefined;
  /** The lifetime of today, as far as the cache says. */
  readonly ttlMs: number | undefined;
  /** Hits by reads, from 0 to 1; `undefined` below 100 reads. */
  readonly hitRate: number | undefined;
  /** Which share of the misses would have been hits with more room, from 0 to 1; `undefined` below 100 reads. */
  readonly regretShare: number | undefined;
  /** What to do about the lifetime: `unknown` when too little was observed, or the lifetime of today is not known. */
  readonly verdict: 'unknown' | 'keep' | 'lengthen' | 'shorten';
  /** Whether fewer than 80 % of the reads are hits. */
  readonly isHitRateLow: boolean;
  /** Whether more room would help: of the misses, 10 % and more had been evicted shortly before. */
  readonly needsRoom: boolean;
}

/**
 * Suggests how long values should live, from how often they turn out to have changed when they are loaded anew. It can
 * compare only what is still there: give the cache a `staleMs`, or an `earlyRefreshRatio`.
 *
 * @example
 * const adviser = new LifetimeAdviser({ cache });
 * for (const { prefix, verdict, suggestedTtlMs } of adviser.advice()) report(prefix, verdict, suggestedTtlMs);
 */
export class LifetimeAdviser implements Disposable {
  readonly #cache: AdvisedCache;
  readonly #staleShare: number;
  readonly #maxComparisonsPerSecond: number;
  readonly #clock: Clock;
  readonly #rates = new Map<string, ChangeRate>();
  readonly #close: () => void;
  #secondStartedMs = Number.NEGATIVE_INFINITY;
  #comparisons = 0;

  constructor(options: LifetimeAdviserOptions) {
    this.#cache = options.cache;
    this.#staleShare = requireNumber('staleShare', options.staleShare ?? 0.05, 1e-6, 0.999);
    const maxComparisons = options.maxComparisonsPerSecond ?? 100;
    this.#maxComparisonsPerSecond = requireInteger('maxComparisonsPerSecond', maxComparisons, 1);
    this.#clock = options.clock ?? systemClock;
    const subscription = options.cache.events.on('loaded', event => this.#loaded(event));
    this.#close = () => subscription.unsubscribe();
  }

  /** What there is to say, for each prefix that was loaded or read. */
  advice(): readonly LifetimeAdvice[] {
    const { prefixes } = this.#cache.stats();
    const names = new Set([...this.#rates.keys(), ...Object.keys(prefixes)]);
    return [...names].sort().map(prefix => this.#adviseOn(prefix, prefixes[prefix]));
  }

  /** Stops to listen. */
  close(): void {
    this.#close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #loaded({ prefix, value, older }: CacheEvents['loaded']): void {
    const rate = this.#rateOf(prefix);
    if (older === undefined || !this.#mayCompare()) return;
    rate.observe(older.ageMs, value !== older.value && !isDeepStrictEqual(value, older.value));
  }

  #rateOf(prefix: string): ChangeRate {
    const known = this.#rates.get(prefix);
    if (known !== undefined) return known;
    if (this.#rates.size >= maxPrefixes && prefix !== '*') return this.#rateOf('*');
    const rate = new ChangeRate();
    this.#rates.set(prefix, rate);
    return rate;
  }

  #mayCompare(): boolean {
    const nowMs = this.#clock.monotonic();
    if (nowMs - this.#secondStartedMs >= 1_000) {
      this.#secondStartedMs = nowMs;
      this.#comparisons = 0;
    }
    this.#comparisons += 1;
    return this.#comparisons <= this.#maxComparisonsPerSecond;
  }

  #adviseOn(prefix: string, counts: CacheStats['prefixes'][string] | undefined): LifetimeAdvice {
    const rate = this.#rates.get(prefix);
    const observations = rate?.observations ?? 0;
    const perMs = rate?.perMs();
    const { ttlMs } = this.#cache;
    const isKnown = perMs !== undefined && observations >= fewestObservations;
    const suggestedTtlMs = isKnown ? changesAtStaleShare(this.#staleShare) / perMs : undefined;
    const reads = counts === undefined ? 0 : counts.hits + counts.storeHits + counts.misses;
    const hasReads = counts !== undefined && reads >= fewestReads;
    const hitRate = hasReads ? counts.hitRate : undefined;
    const regretShare = hasReads ? counts.regrets / Math.max(1, counts.misses) : undefined;
    return {
      prefix,
      observations,
      changesPerHour: perMs === undefined ? undefined : perMs * 3_600_000,
      suggestedTtlMs,
      ttlMs,
      hitRate,
      regretShare,
      verdict: verdictOn(ttlMs, suggestedTtlMs),
      isHitRateLow: hitRate !== undefined && hitRate < wantedHitRate,
      needsRoom: regretShare !== undefined && regretShare >= muchRegret,
    };
  }
}

function verdictOn(ttlMs: number | undefined, suggestedTtlMs: number | undefined): LifetimeAdvice['verdict'] {
  if (ttlMs === undefined || suggestedTtlMs === undefined) return 'unknown';
  if (suggestedTtlMs > ttlMs * worthwhileFactor) return 'lengthen';
  return suggestedTtlMs * worthwhileFactor < ttlMs ? 'shorten' : 'keep';
}

/**
 * How many changes may be expected within a lifetime, so that this share of the hits is out of date, when hits fall
 * anywhere in it with the same probability: the root of `1 - (1 - exp(-x)) / x = share`.
 */
function changesAtStaleShare(share: number): number {
  let low = 0;
  let high = 1 / (1 - share);
  for (let step = 0; step < 60; step += 1) {
    const middle = (low + high) / 2;
    if (1 + Math.expm1(-middle) / middle < share) low = middle;
    else high = middle;
  }
  return high;
}
