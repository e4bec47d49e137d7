/**
 * Hits in memory of a cache that has a Redis behind it, one after the other, over 1,000 keys; prints what a hit costs in CPU
 * time of this process.
 *
 *     node --conditions=plinth-source --import tsx bench/programs/cache-hybrid.ts "plinth HybridCache"
 */
import { HybridCache } from 'plinth/cache';
import { RedisConnection } from 'plinth/redis';
import { peer } from '../peers.ts';
import { RawResp } from './raw-resp.ts';
import { startMeasuredRedis } from './redis-server.ts';

type Get = (key: string) => Promise<number | undefined>;

interface BentoModule {
  readonly bentostore: () => { useL1Layer(driver: unknown): { useL2Layer(driver: unknown): unknown } };
  readonly BentoCache: new (
    options: object,
  ) => {
    get(options: { key: string }): Promise<number | undefined>;
    set(options: { key: string; value: number }): Promise<unknown>;
  };
}
interface BentoMemoryModule {
  memoryDriver(options: object): unknown;
}
interface BentoRedisModule {
  redisDriver(options: { connection: object }): unknown;
}
interface CacheableModule {
  readonly Cacheable: new (
    options: object,
  ) => {
    get(key: string): Promise<number | undefined>;
    set(key: string, value: number): Promise<unknown>;
  };
}
interface KeyvRedisModule {
  readonly default: new (url: string) => object;
}

const keys = Array.from({ length: 1_000 }, (_, index) => `user:${index}`);

const candidates: Readonly<Record<string, (port: number) => Promise<Get>>> = {
  async 'Map in front of raw RESP'(port) {
    const raw = new RawResp(port);
    const map = new Map<string, number>();
    for (const [index, key] of keys.entries()) map.set(key, index);
    return async key => map.get(key) ?? Number(await raw.send('GET', key));
  },
  async 'plinth HybridCache'(port) {
    const redis = new RedisConnection({ url: `redis://127.0.0.1:${port}` });
    const cache = new HybridCache<number>({ redis, maxEntries: 10_000 });
    for (const [index, key] of keys.entries()) await cache.set(key, index);
    return key => cache.get(key);
  },
  async 'plinth HybridCache.getOrSet'(port) {
    const redis = new RedisConnection({ url: `redis://127.0.0.1:${port}` });
    const cache = new HybridCache<number>({ redis, maxEntries: 10_000 });
    for (const [index, key] of keys.entries()) await cache.set(key, index);
    const load = async (): Promise<number> => Number.NaN;
    return key => cache.getOrSet(key, load);
  },
  async 'bentocache, memory and Redis'(port) {
    const { BentoCache, bentostore } = await peer<BentoModule>('bentocache');
    const { memoryDriver } = await peer<BentoMemoryModule>('bentocache/drivers/memory');
    const { redisDriver } = await peer<BentoRedisModule>('bentocache/drivers/redis');
    const remote = redisDriver({ connection: { host: '127.0.0.1', port } });
    const store = bentostore()
      .useL1Layer(memoryDriver({ maxItems: 10_000 }))
      .useL2Layer(remote);
    const bento = new BentoCache({ default: 'hybrid', stores: { hybrid: store } });
    for (const [index, key] of keys.entries()) await bento.set({ key, value: index });
    return key => bento.get({ key });
  },
  async 'cacheable, memory and Redis'(port) {
    const { Cacheable } = await peer<CacheableModule>('cacheable');
    const { default: KeyvRedis } = await peer<KeyvRedisModule>('@keyv/redis');
    const cacheable = new Cacheable({ secondary: new KeyvRedis(`redis://127.0.0.1:${port}`) });
    for (const [index, key] of keys.entries()) await cacheable.set(key, index);
    return key => cacheable.get(key);
  },
};

async function read(get: Get, count: number): Promise<void> {
  let sum = 0;
  let expected = 0;
  for (let index = 0; index < count; index += 1) {
    const which = index % keys.length;
    sum += (await get(keys[which] ?? '')) ?? Number.NaN;
    expected += which;
  }
  if (sum !== expected) throw new RangeError(`"${name}" gives wrong values`);
}

const [, , name = ''] = process.argv;
const make = candidates[name];
if (make === undefined)
  throw new RangeError(`No candidate is called "${name}"; there are ${Object.keys(candidates).join(', ')}`);
const server = await startMeasuredRedis();
const get = await make(server.port);
for (let round = 0; round < 5; round += 1) await read(get, 20_000);
const before = process.cpuUsage();
let operations = 0;
const endMs = performance.now() + 500;
while (performance.now() < endMs) {
  await read(get, 10_000);
  operations += 10_000;
}
const { user, system } = process.cpuUsage(before);
console.log(JSON.stringify({ operations, cpuMs: (user + system) / 1e3 }));
process.exit();
