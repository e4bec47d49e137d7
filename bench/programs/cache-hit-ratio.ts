/**
 * How often a cache has what is asked for, as a part of how often it could have had it: Belady's algorithm knows what will
 * be asked for, and is the limit. Every number is the same in each run.
 *
 *     node --conditions=plinth-source --import tsx bench/programs/cache-hit-ratio.ts
 */
import { MemoryCache } from 'plinth/cache';
import { seededRandom } from 'plinth/testing';
import { peer } from '../peers.ts';
import { shuffled, zipfIndices } from '../zipf.ts';

const keys = 200_000;
const requests = 1_000_000;

interface AnyCache {
  get(key: string): number | undefined;
  set(key: string, value: number): unknown;
}
interface LruCacheModule {
  readonly LRUCache: new (options: { max: number }) => AnyCache;
}
interface SieveCacheModule {
  readonly SieveCache: new (size: number) => AnyCache;
}

const caches: Readonly<Record<string, (entries: number) => AnyCache>> = {
  'plinth MemoryCache': maxEntries => new MemoryCache<number>({ maxEntries }),
  'plinth MemoryCache, lru': maxEntries => new MemoryCache<number>({ maxEntries, evictionPolicy: 'lru' }),
  'lru-cache': max => new (peer<LruCacheModule>('lru-cache').LRUCache)({ max }),
  'sieve-cache': max => new (peer<SieveCacheModule>('@neophi/sieve-cache').SieveCache)(max),
};

/** What is asked for, one after the other, as numbers of keys. */
type Trace = (entries: number) => Uint32Array;

const traces: Readonly<Record<string, Trace>> = {
  'zipf 0.9': () => zipfIndices(keys, 0.9, requests),
  'zipf 0.7': () => zipfIndices(keys, 0.7, requests),
  'zipf 0.9 with scans': entries => withScans(zipfIndices(keys, 0.9, requests), entries),
  'half asked once': () => zipfIndices(keys, 0.9, requests).map((key, index) => (index % 2 === 0 ? key : keys + index)),
  'loop of 1.5 sizes': entries => Uint32Array.from({ length: requests }, (_, index) => index % (1.5 * entries)),
  'popularity shifts': () => shifting(10),
  'sliding window': entries => sliding(entries),
};

/** Every 50,000 requests two cache sizes of keys come by that nobody asks for again. */
function withScans(trace: Uint32Array, entries: number): Uint32Array {
  const scanned: number[] = [];
  let next = keys;
  for (const [index, key] of trace.entries()) {
    scanned.push(key);
    if (index % 50_000 === 49_999) for (let scan = 0; scan < 2 * entries; scan += 1) scanned.push(next++);
  }
  return Uint32Array.from(scanned);
}

/** Other keys become the frequent ones, so many times. */
function shifting(times: number): Uint32Array {
  const random = seededRandom(7);
  const trace = zipfIndices(keys, 0.9, requests);
  let names = shuffled(keys, random);
  return trace.map((key, index) => {
    if (index % (requests / times) === 0) names = shuffled(keys, random);
    return names[key] as number;
  });
}

/** Keys out of a window of three cache sizes, the newer ones more often; it moves by a key at every fourth request. */
function sliding(entries: number): Uint32Array {
  const random = seededRandom(11);
  return Uint32Array.from({ length: requests }, (_, index) => {
    const back = Math.floor(random.next() ** 3 * 3 * entries);
    return Math.max(0, 3 * entries + Math.floor(index / 4) - back);
  });
}

function hits(trace: Uint32Array, cache: AnyCache): number {
  let count = 0;
  for (const number of trace) {
    const key = `key:${number}`;
    if (cache.get(key) === undefined) cache.set(key, number);
    else count += 1;
  }
  return count;
}

/** As many hits as there can be: what is asked for last goes first. */
function mostHits(trace: Uint32Array, entries: number): number {
  const nextUse = new Float64Array(trace.length);
  const soonest = new Map<number, number>();
  for (let index = trace.length - 1; index >= 0; index -= 1) {
    const key = trace[index] as number;
    // What is not asked for again comes after everything that is.
    nextUse[index] = soonest.get(key) ?? trace.length + index;
    soonest.set(key, index);
  }
  const kept = new Map<number, number>();
  const latest = new Heap();
  let count = 0;
  for (const [index, key] of trace.entries()) {
    const use = nextUse[index] as number;
    if (kept.has(key)) count += 1;
    kept.set(key, use);
    latest.push(use, key);
    while (kept.size > entries) {
      const [last, number] = latest.pop();
      if (kept.get(number) === last) kept.delete(number);
    }
  }
  return count;
}

/** The greatest number first. */
class Heap {
  readonly #items: (readonly [number, number])[] = [];

  push(rank: number, item: number): void {
    const items = this.#items;
    let at = items.length;
    for (; at > 0; ) {
      const above = (at - 1) >> 1;
      const other = items[above] as readonly [number, number];
      if (other[0] >= rank) break;
      items[at] = other;
      at = above;
    }
    items[at] = [rank, item];
  }

  pop(): readonly [number, number] {
    const items = this.#items;
    const top = items[0] as readonly [number, number];
    const last = items.pop() as readonly [number, number];
    if (items.length === 0) return top;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= items.length) break;
      if (below + 1 < items.length && (items[below + 1]?.[0] ?? 0) > (items[below]?.[0] ?? 0)) below += 1;
      const other = items[below] as readonly [number, number];
      if (other[0] <= last[0]) break;
      items[at] = other;
      at = below;
    }
    items[at] = last;
    return top;
  }
}

for (const entries of [2_000, 20_000]) {
  const rows = new Map<string, string[]>();
  for (const makeTrace of Object.values(traces)) {
    const trace = makeTrace(entries);
    const most = mostHits(trace, entries);
    const share = `1 (${((100 * most) / trace.length).toFixed(1)} %)`;
    rows.set('Belady (limit)', [...(rows.get('Belady (limit)') ?? []), share]);
    for (const [name, make] of Object.entries(caches)) {
      rows.set(name, [...(rows.get(name) ?? []), (hits(trace, make(entries)) / most).toFixed(3)]);
    }
  }
  console.log(`\n${entries} entries\n\n| cache | ${Object.keys(traces).join(' | ')} |`);
  console.log(
    `|---|${Object.keys(traces)
      .map(() => '---|')
      .join('')}`,
  );
  for (const [name, cells] of rows) console.log(`| ${name} | ${cells.join(' | ')} |`);
}
