/**
 * Values of 1 KB of JSON in a Redis of its own, 100 in flight, over 10,000 keys; prints what a get or a set costs.
 *
 *     node --conditions=plinth-source --import tsx bench/programs/cache-redis.ts client-cpu get "plinth RedisCacheStore"
 *
 * `client-cpu` counts the CPU time of this process, `server-cpu` that of the server, `wall` the time that goes by. A fourth
 * argument is the number in flight.
 */
import { createClient } from '@redis/client';
import { RedisCache, RedisCacheStore } from 'plinth/cache/redis';
import { RedisConnection } from 'plinth/redis';
import { peer } from '../peers.ts';
import { RawResp } from './raw-resp.ts';
import { startMeasuredRedis } from './redis-server.ts';

interface Value {
  readonly id: number;
}

/** What a candidate does; a value is given back as it was. */
interface Remote {
  get(key: string): Promise<Value | undefined>;
  set(key: string, value: Value): Promise<unknown>;
}

interface IoredisModule {
  readonly Redis: new (
    url: string,
  ) => {
    get(key: string): Promise<string | null>;
    set(key: string, value: string, unit: 'PX', lifetimeMs: number): Promise<unknown>;
  };
}
interface KeyvModule {
  readonly Keyv: new (options: {
    store: object;
  }) => {
    get(key: string): Promise<Value | undefined>;
    set(key: string, value: Value, lifetimeMs: number): Promise<unknown>;
  };
}
interface KeyvRedisModule {
  readonly default: new (url: string) => object;
}
interface BentoModule {
  readonly bentostore: () => { useL2Layer(driver: unknown): unknown };
  readonly BentoCache: new (options: {
    default: string;
    stores: Record<string, unknown>;
  }) => {
    get(options: { key: string }): Promise<Value | undefined>;
    set(options: { key: string; value: Value; ttl: number }): Promise<unknown>;
  };
}
interface BentoRedisModule {
  redisDriver(options: { connection: object }): unknown;
}

const hourMs = 3_600_000;
const measuredMs = 1_500;
const keys = Array.from({ length: 10_000 }, (_, index) => `user:${index}`);
const values = keys.map((key, id) => ({
  id,
  key,
  name: `Ann Example ${id}`,
  email: `ann.${id}@example.com`,
  active: true,
  score: id / 7,
  roles: ['reader', 'writer', 'owner'],
  address: { street: 'Long Street 12', city: 'Bern', zip: '3000', country: 'CH' },
  text: 'All of this is a thousand bytes or so of JSON. '.repeat(15),
}));

const candidates: Readonly<Record<string, (port: number) => Promise<Remote>>> = {
  async 'raw RESP'(port) {
    const raw = new RawResp(port);
    return {
      get: async key => parsed(await raw.send('GET', key)),
      set: (key, value) => raw.send('SET', key, JSON.stringify(value), 'PX', String(hourMs)),
    };
  },
  async '@redis/client'(port) {
    const client = createClient({ url: `redis://127.0.0.1:${port}`, commandOptions: { timeout: 0 } });
    client.on('error', () => undefined);
    await client.connect();
    return {
      get: async key => parsed((await client.sendCommand(['GET', key])) as unknown as string | null),
      set: (key, value) => client.sendCommand(['SET', key, JSON.stringify(value), 'PX', String(hourMs)]),
    };
  },
  async ioredis(port) {
    const { Redis } = await peer<IoredisModule>('ioredis');
    const client = new Redis(`redis://127.0.0.1:${port}`);
    return {
      get: async key => parsed(await client.get(key)),
      set: (key, value) => client.set(key, JSON.stringify(value), 'PX', hourMs),
    };
  },
  async 'keyv, @keyv/redis'(port) {
    const { Keyv } = await peer<KeyvModule>('keyv');
    const { default: KeyvRedis } = await peer<KeyvRedisModule>('@keyv/redis');
    const keyv = new Keyv({ store: new KeyvRedis(`redis://127.0.0.1:${port}`) });
    return { get: key => keyv.get(key), set: (key, value) => keyv.set(key, value, hourMs) };
  },
  async 'bentocache, Redis only'(port) {
    const { BentoCache, bentostore } = await peer<BentoModule>('bentocache');
    const { redisDriver } = await peer<BentoRedisModule>('bentocache/drivers/redis');
    const driver = redisDriver({ connection: { host: '127.0.0.1', port } });
    const bento = new BentoCache({ default: 'redis', stores: { redis: bentostore().useL2Layer(driver) } });
    return { get: key => bento.get({ key }), set: (key, value) => bento.set({ key, value, ttl: hourMs }) };
  },
  async 'plinth RedisConnection'(port) {
    const redis = await connected(port);
    return {
      get: async key => parsed((await redis.command(['GET', key])) as string | null),
      set: (key, value) => redis.command(['SET', key, JSON.stringify(value), 'PX', String(hourMs)]),
    };
  },
  async 'plinth RedisCache'(port) {
    const cache = new RedisCache<Value>({ redis: await connected(port) });
    return { get: key => cache.get(key), set: (key, value) => cache.set(key, value, { ttlMs: hourMs }) };
  },
  async 'plinth RedisCacheStore'(port) {
    const store = new RedisCacheStore({ redis: await connected(port) });
    return {
      async get(key) {
        const [bytes] = await store.read([key]);
        return bytes === undefined ? undefined : (JSON.parse((bytes as Buffer).toString()) as Value);
      },
      set: (key, value) => store.write(key, JSON.stringify(value), hourMs),
    };
  },
};

async function connected(port: number): Promise<RedisConnection> {
  const redis = new RedisConnection({ url: `redis://127.0.0.1:${port}`, commandTimeoutMs: 5_000 });
  await redis.connect();
  return redis;
}

function parsed(text: string | null): Value | undefined {
  return text === null ? undefined : (JSON.parse(text) as Value);
}

/** Does it for so long, always so many at once; says how often. */
async function repeat(remote: Remote, durationMs: number): Promise<number> {
  const endMs = performance.now() + durationMs;
  let count = 0;
  const caller = async (): Promise<void> => {
    while (performance.now() < endMs) {
      count += 1;
      const at = (count * 7_919) % keys.length;
      if (operation === 'set') await remote.set(keys[at] ?? '', values[at] ?? { id: -1 });
      else if ((await remote.get(keys[at] ?? ''))?.id !== at) throw new RangeError(`"${name}" gives a wrong value`);
    }
  };
  await Promise.all(Array.from({ length: Number(inFlight) }, caller));
  return count;
}

const [, , measure = 'client-cpu', operation = 'get', name = '', inFlight = '100'] = process.argv;
const make = candidates[name];
if (make === undefined)
  throw new RangeError(`No candidate is called "${name}"; there are ${Object.keys(candidates).join(', ')}`);
const server = await startMeasuredRedis();
const remote = await make(server.port);
for (const [index, key] of keys.entries()) {
  const setting = remote.set(key, values[index] ?? { id: -1 });
  if (index % 100 === 99) await setting;
}
await repeat(remote, 500);
const readMs = server.clock(measure);
const beforeMs = readMs();
const operations = await repeat(remote, measuredMs);
console.log(JSON.stringify({ operations, cpuMs: readMs() - beforeMs }));
process.exit();
