import type { LoadTally } from './loads.ts';
import { prefixOf } from './prefix-of.ts';
import type { CacheCounts } from './stats.ts';

/** How many prefixes are counted apart. */
const maxPrefixes = 64;

/** The group of the keys with any other prefix, and how it is called. */
const others = maxPrefixes;
const othersName = '*';

const colon = 58;

/** What of {@link CacheCounts} is counted; the rest follows from it. */
type Counted = Exclude<keyof CacheCounts, 'hits' | 'hitRate' | 'savedMs'>;

/** Counts by groups of keys: a group is a prefix, or all prefixes beyond the first 64. */
export class PrefixCounts implements LoadTally {
  /** Hits in memory, by group; whoever has the group at hand adds to them. */
  readonly hits: Float64Array = new Float64Array(maxPrefixes + 1);
  readonly #counted: Readonly<Record<Counted, Float64Array>> = {
    storeHits: new Float64Array(maxPrefixes + 1),
    misses: new Float64Array(maxPrefixes + 1),
    stale: new Float64Array(maxPrefixes + 1),
    loads: new Float64Array(maxPrefixes + 1),
    loadFailures: new Float64Array(maxPrefixes + 1),
    joined: new Float64Array(maxPrefixes + 1),
    evictions: new Float64Array(maxPrefixes + 1),
    regrets: new Float64Array(maxPrefixes + 1),
    loadMs: new Float64Array(maxPrefixes + 1),
  };
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
    this.#add('misses', this.groupOf(key), 1);
  }

  /** A read found nothing fresh in memory, and looked in the store. */
  readFromStore(key: string, isFresh: boolean): void {
    this.#add(isFresh ? 'storeHits' : 'misses', this.groupOf(key), 1);
  }

  joined(key: string): void {
    this.#add('joined', this.groupOf(key), 1);
  }

  loaded(key: string, durationMs: number): void {
    const group = this.groupOf(key);
    this.#add('loads', group, 1);
    this.#add('loadMs', group, durationMs);
  }

  loadFailed(key: string, durationMs: number): void {
    this.loaded(key, durationMs);
    this.#add('loadFailures', this.groupOf(key), 1);
  }

  stale(key: string): void {
    this.#add('stale', this.groupOf(key), 1);
  }

  /** An entry of this group had to go. */
  evicted(group: number): void {
    this.#add('evictions', group, 1);
  }

  /** An entry of this group had to go, and was kept anew soon after. */
  regretted(group: number): void {
    this.#add('regrets', group, 1);
  }

  /** The groups that there are, with their names. */
  groups(): Iterable<readonly [string, number]> {
    return this.#groups;
  }

  /** What a group has counted. */
  of(group: number): CacheCounts {
    const count = (name: Counted): number => this.#counted[name][group] as number;
    const found = (this.hits[group] as number) + count('storeHits');
    const reads = found + count('misses');
    return {
      hits: this.hits[group] as number,
      storeHits: count('storeHits'),
      misses: count('misses'),
      stale: count('stale'),
      loads: count('loads'),
      loadFailures: count('loadFailures'),
      joined: count('joined'),
      evictions: count('evictions'),
      regrets: count('regrets'),
      loadMs: count('loadMs'),
      savedMs: count('loads') === 0 ? 0 : (found * count('loadMs')) / count('loads'),
      hitRate: reads === 0 ? 0 : found / reads,
    };
  }

  /** What all groups have counted. */
  total(): CacheCounts {
    const total = [...this.#groups.values()].map(group => this.of(group)).reduce(sum);
    const found = total.hits + total.storeHits;
    const reads = found + total.misses;
    return { ...total, hitRate: reads === 0 ? 0 : found / reads };
  }

  #add(what: Counted, group: number, count: number): void {
    const counts = this.#counted[what];
    counts[group] = (counts[group] as number) + count;
  }
}

function sum(one: CacheCounts, other: CacheCounts): CacheCounts {
  const added = Object.entries(one).map(([name, count]) => [name, count + other[name as keyof CacheCounts]]);
  return Object.fromEntries(added) as CacheCounts;
}
