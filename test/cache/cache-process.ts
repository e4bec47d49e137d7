/** A process with a cache on Redis, which does what it is told. Forked by the tests of this folder. */
import { setTimeout as sleep } from 'node:timers/promises';
import { CacheManager, HybridCache, type TieredCache, type TieredOptions } from 'plinth/cache';
import { RedisConnection } from 'plinth/redis';

/** What such a process is told to do. */
export type Command =
  /** Callers who want the same key, at once or one after the other within a time; its loader takes so long. */
  | {
      readonly do: 'load';
      readonly key: string;
      readonly callers: number;
      readonly loaderMs: number;
      readonly withinMs?: number;
    }
  /** Begins to load a key and never ends. */
  | { readonly do: 'hang'; readonly key: string }
  /** Calls at a steady rate, most of them `getOrSet`. */
  | { readonly do: 'traffic'; readonly perSecond: number; readonly durationMs: number }
  /** How the cache is. */
  | { readonly do: 'state' };

/** What callers of one key got. */
export interface LoadReport {
  /** How often the loader of this process ran. */
  readonly runs: number;
  readonly values: readonly string[];
  /** What the callers waited at most, in milliseconds. */
  readonly longestMs: number;
}

/** What became of calls at a steady rate. */
export interface TrafficReport {
  /** When each call began, in milliseconds since the first, and how long it took. */
  readonly calls: readonly (readonly [startMs: number, durationMs: number])[];
  readonly errors: readonly string[];
  readonly unhandled: number;
  /** When the cache went on without its store, and when it was back, in milliseconds since the first call. */
  readonly degradedAtMs: readonly number[];
  readonly recoveredAtMs: readonly number[];
  /** Whether it is degraded after all. */
  readonly degraded: boolean;
}

/** How a cache is, and whether it keeps what it is given. */
export interface StateReport {
  readonly degraded: boolean;
  readonly health: string | undefined;
  readonly coverage: string;
  readonly keeps: boolean;
}

const [kind = 'hybrid', url = '', optionsJson = '{}'] = process.argv.slice(2);
const options = JSON.parse(optionsJson) as TieredOptions<string> & {
  readonly cluster?: boolean;
  readonly commandTimeoutMs?: number;
};
const redis = new RedisConnection({
  url,
  cluster: options.cluster ?? false,
  commandTimeoutMs: options.commandTimeoutMs,
});
const manager = kind === 'redis' ? new CacheManager({ ...options, backend: 'redis', redis }) : undefined;
const cache = (manager?.namespace<string>('work') ??
  new HybridCache<string>({ maxEntries: 1_000, ...options, namespace: 'work', redis })) as TieredCache<string>;
let unhandled = 0;
process.on('unhandledRejection', () => {
  unhandled += 1;
});
await redis.connect().catch(() => undefined);

async function load(command: Extract<Command, { readonly do: 'load' }>): Promise<LoadReport> {
  const { key, callers, loaderMs, withinMs = 0 } = command;
  let runs = 0;
  const startMs = performance.now();
  const loader = async (): Promise<string> => {
    runs += 1;
    await sleep(loaderMs);
    return `loaded by ${process.pid}`;
  };
  const calls: Promise<string>[] = [];
  for (let call = 0; call < callers; call += 1) {
    calls.push(cache.getOrSet(key, loader));
    if (withinMs > 0) await sleep(withinMs / callers);
  }
  const values = await Promise.all(calls);
  return { runs, values: [...new Set(values)], longestMs: performance.now() - startMs };
}

/** Every call on its own: one that is slow does not keep the next from coming. */
async function traffic({
  perSecond,
  durationMs,
}: Extract<Command, { readonly do: 'traffic' }>): Promise<TrafficReport> {
  const calls: [number, number][] = [];
  const errors: string[] = [];
  const [degradedAtMs, recoveredAtMs]: [number[], number[]] = [[], []];
  const startMs = performance.now();
  const sinceStart = (): number => performance.now() - startMs;
  cache.events.on('degraded', () => degradedAtMs.push(sinceStart()));
  cache.events.on('recovered', () => recoveredAtMs.push(sinceStart()));
  const under: Promise<void>[] = [];
  const call = async (number: number): Promise<void> => {
    const key = `key ${number % 50}`;
    const beganMs = sinceStart();
    try {
      if (number % 10 === 0) await cache.set(key, `set ${number}`, { ttlMs: 200 });
      else if (number % 10 === 1) await cache.get(key);
      else await cache.getOrSet(key, async () => `loaded ${number}`, { ttlMs: 200 });
    } catch (error) {
      errors.push(String(error));
    }
    calls.push([beganMs, sinceStart() - beganMs]);
  };
  for (let number = 0; sinceStart() < durationMs; ) {
    for (; number < (sinceStart() / 1_000) * perSecond; number += 1) under.push(call(number));
    await sleep(1);
  }
  await Promise.all(under);
  return { calls, errors, unhandled, degradedAtMs, recoveredAtMs, degraded: cache.degraded };
}

async function state(): Promise<StateReport> {
  await cache.set('state', 'kept');
  const keeps = (await cache.get('state')) === 'kept';
  const { coverage } = cache.coherence;
  return { degraded: cache.degraded, health: manager?.health().status, coverage, keeps };
}

process.on('message', async (command: Command) => {
  if (command.do === 'load') process.send?.(await load(command));
  else if (command.do === 'traffic') process.send?.(await traffic(command));
  else if (command.do === 'state') process.send?.(await state());
  else {
    await cache.getOrSet(command.key, () => {
      process.send?.('loading');
      return new Promise(() => {});
    });
  }
});
process.send?.('ready');
