import type { MemoryEntries } from './memory-entries.ts';
import type { CacheStats } from './stats.ts';
import { weigh } from './weigh.ts';

/** How many entries are weighed where nobody has said what they weigh. */
const sampleSize = 128;

/** What a group of keys has in memory. */
interface Holding {
  entries: number;
  weighed: number;
  bytes: number;
}

/** What a cache has counted, and what its entries take. Goes through all of them. */
export function memoryStats<Value>(name: string, memory: MemoryEntries<Value>): CacheStats {
  memory.settle();
  const { counts, size, maxEntries, maxBytes } = memory;
  const holdings = holdingsOf(memory);
  const all: Holding = { entries: 0, weighed: 0, bytes: 0 };
  for (const { entries, weighed, bytes } of holdings.values()) {
    all.entries += entries;
    all.weighed += weighed;
    all.bytes += bytes;
  }
  const prefixes: [string, CacheStats['prefixes'][string]][] = [];
  let bytes = 0;
  for (const [prefix, group] of counts.groups()) {
    const counted = counts.of(group);
    const holding = holdings.get(group) ?? { entries: 0, weighed: 0, bytes: 0 };
    const isUsed = holding.entries > 0 || Object.values(counted).some(count => count > 0);
    const taken = bytesOf(holding, all);
    bytes += taken;
    if (isUsed) prefixes.push([prefix, { ...counted, entries: holding.entries, bytes: taken }]);
  }
  return {
    name,
    ...counts.total(),
    entries: size,
    maxEntries,
    bytes,
    maxBytes,
    prefixes: Object.fromEntries(prefixes),
  };
}

/** By group: all entries, and the bytes of those that were weighed. */
function holdingsOf<Value>(memory: MemoryEntries<Value>): ReadonlyMap<number, Holding> {
  const holdings = new Map<number, Holding>();
  const step = Math.ceil(memory.size / sampleSize);
  let index = 0;
  for (const [key, slot] of memory.slots()) {
    const group = memory.group(slot);
    const holding = holdings.get(group) ?? { entries: 0, weighed: 0, bytes: 0 };
    holdings.set(group, holding);
    holding.entries += 1;
    const size = memory.sizeOf(slot);
    if (size !== undefined || index % step === 0) {
      holding.weighed += 1;
      holding.bytes += size ?? weigh(memory.value(slot), key);
    }
    index += 1;
  }
  return holdings;
}

/** What a group takes: as much for each entry as those that were weighed, of the group or else of all. */
function bytesOf(group: Holding, all: Holding): number {
  if (group.weighed === group.entries) return group.bytes;
  const { bytes, weighed } = group.weighed === 0 ? all : group;
  return Math.round((group.entries * bytes) / weighed);
}
