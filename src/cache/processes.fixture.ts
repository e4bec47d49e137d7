import { MemoryCacheStore, VirtualClock } from '../testing/index.ts';
import { HybridCache, type HybridCacheNumbers, type LoadContext } from './index.ts';

/** Processes that share a store, each with its own connection and cache. */
export function cluster(options: HybridCacheNumbers<string> = {}, processes = 2) {
  const clock = new VirtualClock();
  const first = new MemoryCacheStore({ clock });
  const stores = [first, ...Array.from({ length: processes - 1 }, () => first.connect())];
  const caches = stores.map(store => new HybridCache<string>({ ttlMs: 60_000, clock, ...options, store }));
  return { clock, stores, caches } as const;
}

/** A loader that ends when the test says so. */
export function controlledLoader() {
  const runs: LoadContext<string>[] = [];
  const ends: { resolve(value: string): void; reject(error: unknown): void }[] = [];
  const load = (run: LoadContext<string>): Promise<string> => {
    runs.push(run);
    return new Promise((resolve, reject) => ends.push({ resolve, reject }));
  };
  return {
    runs,
    load,
    finish: (value: string) => ends.shift()?.resolve(value),
    fail: (e: unknown) => ends.shift()?.reject(e),
  };
}

export const turns = async (count = 20): Promise<void> => {
  for (let turn = 0; turn < count; turn += 1) await new Promise(resolve => setImmediate(resolve));
};
