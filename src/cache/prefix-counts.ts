import type { LoadTally } from './loads.ts';
import { prefixOf } from './prefix-of.ts';
import type { CacheCounts } from './stats.ts';

/** How many prefixes are counted apart. */
const maxPrefixes = 64;

/** The group of the keys with any other prefix, and how it is called. */
const others = maxPrefixes;
const othersName = '*';

const colon = 58;

/** Counts by groups of keys: a group is a prefix, or all prefixes beyond the first 64. */
export class PrefixCounts implements LoadTally {
  /** Hits in memory, by group. */
  readonly hits: Float64Array = new Float64Array(maxPrefixes + 1);
  readonly #storeHits: Float64Array = new Float64Array(maxPrefixes + 1);
  readonly #misses: Float64Array = new Float64Array(maxPrefixes + 1);
  readonly #stale: Float64Array = new Float64Array(maxPrefixes + 1);
  readonly #loads: Float64Array = new Float64Array(maxPrefixes + 1);
  readonly #loadFailures: Float64Array = new Float64Array(maxPrefixes + 1);
  readonly #joined: Float64Array = new Float64Array(maxPrefixes + 1);
  readonly #evictions: Float64Array = new Float64Array(maxPrefixes + 1);
  readonly #regrets: Float64Array = new Float64Array(maxPrefixes + 1);
  readonly #loadMs: Float64Array = new Float64Array(maxPrefixes + 1);
  readonly #groups = new Map<string, number>([[othersName, others]]);
  #lastPrefix = '';
  #lastGroup = others;

  /** The group of a key. */
  groupOf(key: string): number {
    // Most keys have the prefix of the one before.
    const last = this.#lastPrefix;
    if (last !== '' && key.charCodeAt(last.length) === colon && key.startsWith(last)) return this.#lastGroup;
    const prefix = prefixOf(key);
    let group = this.#groups.get(prefix);
    if (group === undefined) {
      group = this.#groups.size <= maxPrefixes ? this.#groups.size - 1 : others;
      if (group !== others) this.#groups.set(prefix, group);
    }
    this.#lastPrefix = prefix;
    this.#lastGroup = group;
    return group;
  }

  /** A read found nothing fresh. */
  missed(key: string): void {
    add(this.#misses, this.groupOf(key), 1);
  }

  /** A read found nothing fresh in memory, and looked in the store. */
  readFromStore(key: string, isFresh: boolean): void {
    add(isFresh ? this.#storeHits : this.#misses, this.groupOf(key), 1);
  }

  joined(key: string): void {
    add(this.#joined, this.groupOf(key), 1);
  }

  loaded(key: string, durationMs: number): void {
    const group = this.groupOf(key);
    add(this.#loads, group, 1);
    add(this.#loadMs, group, durationMs);
  }

  loadFailed(key: string, durationMs: number): void {
    this.loaded(key, durationMs);
    add(this.#loadFailures, this.groupOf(key), 1);
  }

  stale(key: string): void {
    add(this.#stale, this.groupOf(key), 1);
  }

  /** An entry of this group had to go. */
  evicted(group: number): void {
    add(this.#evictions, group, 1);
  }

  /** An entry of this group had to go, and was kept anew soon after. */
  regretted(group: number): void {
    add(this.#regrets, group, 1);
  }

  /** The groups that there are, with their names. */
  groups(): Iterable<readonly [string, number]> {
    return this.#groups;
  }

  /** What a group has counted. */
  of(group: number): CacheCounts {
    const hits = this.hits[group] as number;
    const storeHits = this.#storeHits[group] as number;
    const misses = this.#misses[group] as number;
    const loads = this.#loads[group] as number;
    const loadMs = this.#loadMs[group] as number;
    return {
      hits,
      storeHits,
      misses,
      stale: this.#stale[group] as number,
      loads,
      loadFailures: this.#loadFailures[group] as number,
      joined: this.#joined[group] as number,
      evictions: this.#evictions[group] as number,
      regrets: this.#regrets[group] as number,
      loadMs,
      savedMs: loads === 0 ? 0 : ((hits + storeHits) * loadMs) / loads,
      hitRate: rate(hits + storeHits, misses),
    };
  }

  /** What all groups have counted. */
  total(): CacheCounts {
    const total = [...this.#groups.values()].map(group => this.of(group)).reduce(sum);
    return { ...total, hitRate: rate(total.hits + total.storeHits, total.misses) };
  }
}

function add(counts: Float64Array, group: number, count: number): void {
  counts[group] = (counts[group] as number) + count;
}

function rate(found: number, missed: number): number {
  return found + missed === 0 ? 0 : found / (found + missed);
}

function sum(one: CacheCounts, other: CacheCounts): CacheCounts {
  const added = Object.entries(one).map(([name, count]) => [name, count + other[name as keyof CacheCounts]]);
  return Object.fromEntries(added) as CacheCounts;
}
