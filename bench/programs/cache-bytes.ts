/**
 * What a million entries take beside their keys and values, and how long a full collection of garbage takes with them there,
 * each cache in a process of its own. `churned` is measured after every entry has been displaced by another one.
 *
 *     node --conditions=plinth-source --import tsx bench/programs/cache-bytes.ts
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { boundedCaches, DeadlineMap, lifetimeCaches, type MakeCache, type SyncCache } from '../cache-candidates.ts';

const entries = 1_000_000;

const { 'cacheable CacheableMemory': _tooSlow, ...others } = lifetimeCaches;

const caches: Readonly<Record<string, MakeCache>> = {
  'Map of { value, deadline }': () => new DeadlineMap(),
  Map: () => new Map<string, number>(),
  ...others,
  ...boundedCaches,
};

interface Figures {
  readonly bytes: number;
  readonly churned: number | undefined;
  readonly collectionMs: number;
}

const [, program = '', name] = process.argv;
if (name === undefined) await compare();
else process.send?.(measure(caches[name] as MakeCache, name));

async function compare(): Promise<void> {
  const all = new Map<string, Figures>();
  for (const each of Object.keys(caches)) {
    const child = fork(program, [each]);
    const [figures] = (await once(child, 'message')) as [Figures];
    all.set(each, figures);
  }
  const limit = all.get('Map of { value, deadline }') as Figures;
  console.log('| cache | bytes | to Map of { value, deadline } | churned | collection |\n|---|---|---|---|---|');
  for (const [each, { bytes, churned, collectionMs }] of all) {
    const ratios = [bytes / limit.bytes, churned && churned / limit.bytes, collectionMs / limit.collectionMs];
    const cells = ratios.map(ratio => ratio?.toFixed(2) ?? '-');
    console.log(`| ${each} | ${bytes.toFixed(1)} | ${cells.join(' | ')} |`);
  }
}

function measure(make: MakeCache, cacheName: string): Figures {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const keys = Array.from({ length: 2 * entries }, (_, index) => `user:${index}`);
  // A key has its hash before it is measured.
  const known = new Set(keys);
  const used = (): number => {
    collect();
    collect();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  const before = used();
  const cache: SyncCache = make(entries);
  for (let index = 0; index < entries; index += 1) cache.set(keys[index] as string, 1);
  const bytes = (used() - before) / entries;
  const times = Array.from({ length: 5 }, () => {
    const startedMs = performance.now();
    collect();
    return performance.now() - startedMs;
  });
  let churned: number | undefined;
  // The others have no bound, or take minutes for it.
  if (/^(plinth|lru-cache)/.test(cacheName)) {
    for (let index = entries; index < 2 * entries; index += 1) cache.set(keys[index] as string, 1);
    churned = (used() - before) / entries;
  }
  if (cache.get(keys[7] as string) === -1 || known.size === 0) throw new RangeError('It is not there');
  return { bytes, churned, collectionMs: times.sort((a, b) => a - b)[2] ?? Number.NaN };
}
