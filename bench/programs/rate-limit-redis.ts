/**
 * Decisions on a Redis of its own, 100 in flight, over 10,000 keys; prints what a decision costs. Keys come evenly, or, for
 * a candidate whose name says so, by Zipf's law, as they do in practice: the first is asked for every tenth time.
 *
 *     node --conditions=plinth-source --import tsx bench/programs/rate-limit-redis.ts server-cpu "plinth token bucket"
 *
 * `server-cpu` counts the CPU time of the server, `client-cpu` that of this process, `wall` the time that goes by. A third
 * argument is the number in flight.
 */
import { createClient } from '@redis/client';
import { RedisRateLimitStore, SlidingWindowRateLimiter, TokenBucketRateLimiter } from 'plinth/rate-limit';
import { RedisConnection } from 'plinth/redis';
import { peer } from '../peers.ts';
import { startMeasuredRedis } from './redis-server.ts';

/** Makes one decision for a key; says whether it was admitted. */
type Decide = (key: string) => Promise<boolean>;

const keys = Array.from({ length: 10_000 }, (_, index) => `user-${index}`);
const measuredMs = 1_500;

/** Keys whose frequency is one by their rank, in an order that is the same in every run. */
function zipfTrace(length: number): readonly string[] {
  const scale = Math.log(keys.length + 1);
  let state = 1;
  return Array.from({ length }, () => {
    state = (state * 48_271) % 2_147_483_647;
    return keys[Math.floor(Math.exp((state / 2_147_483_647) * scale)) - 1] ?? '';
  });
}

interface FlexibleModule {
  readonly RateLimiterRedis: new (options: object) => { consume(key: string): Promise<unknown> };
}

async function rawClient(url: string) {
  const client = createClient({ url, commandOptions: { timeout: 0 } });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

async function plinthStore(url: string, lease?: object): Promise<RedisRateLimitStore> {
  const redis = new RedisConnection({ url, commandTimeoutMs: 5_000 });
  await redis.connect();
  return new RedisRateLimitStore({ redis, whenUnavailable: 'closed', ...(lease ? { lease } : {}) });
}

const candidates: Readonly<Record<string, (url: string) => Promise<Decide>>> = {
  async 'plain INCR'(url) {
    const client = await rawClient(url);
    return async key => Number(await client.sendCommand(['INCR', key])) > 0;
  },
  async 'plinth token bucket'(url) {
    const limiter = new TokenBucketRateLimiter({
      ratePerSecond: 1_000,
      capacity: 1_000_000,
      store: await plinthStore(url),
    });
    return async key => (await limiter.check(key)).allowed;
  },
  async 'plinth sliding window'(url) {
    const store = await plinthStore(url);
    const limiter = new SlidingWindowRateLimiter({ requests: 1_000_000, windowMs: 1_000, store });
    return async key => (await limiter.check(key)).allowed;
  },
  async 'plinth sliding window, tenfold overload'(url) {
    const store = await plinthStore(url);
    const limiter = new SlidingWindowRateLimiter({ requests: 100, windowMs: 1_000, store });
    return async key => (await limiter.check(key.slice(0, 6))).allowed;
  },
  async 'plinth two windows'(url) {
    const windows = [
      { requests: 1_000_000, windowMs: 1_000 },
      { requests: 10_000_000, windowMs: 60_000 },
    ];
    const limiter = new SlidingWindowRateLimiter({ windows, store: await plinthStore(url) });
    return async key => (await limiter.check(key)).allowed;
  },
  async 'plinth sliding window, leased'(url) {
    const store = await plinthStore(url, {});
    const limiter = new SlidingWindowRateLimiter({ requests: 1_000_000, windowMs: 1_000, store });
    return async key => (await limiter.check(key)).allowed;
  },
  async 'plinth sliding window, leased, 100 keys'(url) {
    const store = await plinthStore(url, {});
    const limiter = new SlidingWindowRateLimiter({ requests: 1_000_000, windowMs: 1_000, store });
    return async key => (await limiter.check(key.slice(0, 7))).allowed;
  },
  async 'plinth sliding window, leased, zipf'(url) {
    const store = await plinthStore(url, {});
    const limiter = new SlidingWindowRateLimiter({ requests: 1_000_000, windowMs: 1_000, store });
    return async key => (await limiter.check(key)).allowed;
  },
  'rate-limiter-flexible, zipf': url => flexible(url, 10_000),
  'rate-limiter-flexible': url => flexible(url, 10_000),
  'rate-limiter-flexible, 100 keys': url => flexible(url, 7),
};

async function flexible(url: string, keyLength: number): Promise<Decide> {
  const { RateLimiterRedis } = await peer<FlexibleModule>('rate-limiter-flexible');
  const storeClient = await rawClient(url);
  const limiter = new RateLimiterRedis({ storeClient, useRedisPackage: true, points: 1_000_000, duration: 1 });
  return key =>
    limiter.consume(key.slice(0, keyLength)).then(
      () => true,
      () => false,
    );
}

/** Makes decisions for so long, always so many at once; says how many. */
async function decideFor(decide: Decide, durationMs: number): Promise<number> {
  const endMs = performance.now() + durationMs;
  let count = 0;
  const caller = async (): Promise<void> => {
    while (performance.now() < endMs) {
      count += 1;
      await decide(trace[(count * 7_919) % trace.length] ?? '');
    }
  };
  await Promise.all(Array.from({ length: Number(inFlight) }, caller));
  return count;
}

const [, , measure = 'server-cpu', name = '', inFlight = '100'] = process.argv;
const trace = name.endsWith('zipf') ? zipfTrace(100_000) : keys;
const make = candidates[name];
if (make === undefined)
  throw new RangeError(`No candidate is called "${name}"; there are ${Object.keys(candidates).join(', ')}`);
const server = await startMeasuredRedis();
const decide = await make(`redis://127.0.0.1:${server.port}`);
if (!(await decide('first'))) throw new RangeError(`"${name}" denies its first decision`);
await decideFor(decide, 500);
const readMs = server.clock(measure);
const beforeMs = readMs();
const operations = await decideFor(decide, measuredMs);
const cpuMs = readMs() - beforeMs;
console.log(JSON.stringify({ operations, cpuMs }));
process.exit();
