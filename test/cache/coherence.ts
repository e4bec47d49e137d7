/**
 * Coherence under fire: two processes, and a third that knows nothing of the cache, read and change the same keys at
 * random, while their network and their Redis are broken again and again. Prints how old what was read was, for Plinth,
 * for bentocache 1.6 with its bus, or for both side by side.
 *
 *     node --conditions=plinth-source --import tsx test/cache/coherence.ts [plinth|bento|both] [seconds] [faults|calm]
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createClient } from '@redis/client';
import { seededRandom } from 'plinth/testing';
import { type RedisServer, startRedis } from '../servers/redis.ts';
import { type ChaosProxy, startChaosProxy } from './chaos-proxy.ts';
import { type CoherenceEvent, machineMs, type StalenessReport, stalenessOf } from './coherence-events.ts';
import { storeKey } from './coherence-subjects.ts';
import type { WorkerResult } from './coherence-worker.ts';
import { WorkerProcess } from './worker-process.ts';

/** No read may give what was changed longer ago, in milliseconds. */
export const boundMs = 1_000;

/** What a run shows. */
export interface CoherenceRun extends StalenessReport {
  readonly faults: readonly string[];
  /** Reads that memory answered. */
  readonly memoryHits: number;
  /** Calls that rejected, promises that nobody handled, and calls that had no end seconds after the last fault. */
  readonly errors: number;
  readonly unhandled: number;
  readonly unfinished: readonly string[];
  readonly states: readonly unknown[];
}

/** How things are broken. */
export interface FaultPace {
  /** The longest pause between two faults, in milliseconds. */
  readonly pauseMs: number;
  /** How long a fault lasts at most, in milliseconds. */
  readonly longestMs: number;
}

const slowPace: FaultPace = { pauseMs: 1_500, longestMs: 2_500 };

/** The last fault begins so long before the end, in milliseconds. */
const recoveryMs = 1_000;

/** How long a worker may take to end after its time, in milliseconds. */
const patienceMs = 15_000;

/** Lets processes read and change for so long, with faults at a pace, or without. */
export async function runCoherence(
  kind: string,
  durationMs: number,
  pace: FaultPace | undefined = slowPace,
): Promise<CoherenceRun> {
  await using server = await startRedis();
  await using origin = await startRedis();
  const proxies = [await startChaosProxy(server.port), await startChaosProxy(server.port)];
  const workers: WorkerProcess[] = [];
  try {
    for (const [index, { port }] of proxies.entries()) {
      const args = [kind, `redis://127.0.0.1:${port}`, origin.url, index, durationMs];
      workers.push(await WorkerProcess.start('coherence-worker.ts', args));
    }
    const results = workers.map(worker => worker.ask<WorkerResult>('start', durationMs + patienceMs));
    const endMs = machineMs() + durationMs;
    const [foreign, faults, told] = await Promise.all([
      changeFromOutside(kind, server, origin.url, endMs),
      pace === undefined ? [] : breakThings(server, proxies, endMs, pace),
      Promise.all(results),
    ]);
    const sum = (of: (result: WorkerResult) => number): number => told.reduce((total, one) => total + of(one), 0);
    return {
      ...stalenessOf([...foreign, ...told.flatMap(result => result.events)], boundMs),
      faults,
      memoryHits: sum(({ state }) => state.memoryHits),
      errors: sum(({ errors }) => errors),
      unhandled: sum(({ unhandled }) => unhandled),
      unfinished: told.flatMap(({ unfinished }) => unfinished),
      states: told.map(({ state }) => state),
    };
  } finally {
    for (const worker of workers) worker.kill();
    await Promise.all(proxies.map(proxy => proxy.close()));
  }
}

/** Another program, which knows the keys and nothing else: as `redis-cli DEL` does. */
async function changeFromOutside(
  kind: string,
  server: RedisServer,
  originUrl: string,
  endMs: number,
): Promise<readonly CoherenceEvent[]> {
  const events: CoherenceEvent[] = [];
  const origin = createClient({ url: originUrl });
  await origin.connect();
  const redis = createClient({ url: server.url, disableOfflineQueue: true, socket: { reconnectStrategy: 20 } });
  redis.on('error', () => {});
  await redis.connect();
  while (machineMs() < endMs) {
    await sleep(Math.random() * 30);
    const key = `${Math.random() < 0.5 ? 'loaded' : 'kept'}:${Math.floor(Math.random() * 20)}`;
    const startMs = machineMs();
    const version = key.startsWith('loaded') ? await origin.incr(key) : undefined;
    try {
      await redis.del(storeKey(kind, key));
      events.push(['foreign', key, version, startMs, machineMs(), true]);
    } catch {
      // It is not known to have happened.
    }
  }
  redis.destroy();
  origin.destroy();
  return events;
}

/** One thing after another, each ended before the next begins, always in the same order and for the same times. */
async function breakThings(
  server: RedisServer,
  proxies: readonly ChaosProxy[],
  endMs: number,
  { pauseMs, longestMs }: FaultPace,
): Promise<readonly string[]> {
  const faults: string[] = [];
  const random = seededRandom(1);
  const between = (from: number, to: number): number => from + random.next() * (to - from);
  const breakages: Readonly<Record<string, (proxy: ChaosProxy, lastsMs: number) => Promise<void>>> = {
    async 'connection cut'(proxy) {
      proxy.cut();
    },
    async 'pushes dropped'(proxy, lastsMs) {
      proxy.dropPushes(true);
      await sleep(lastsMs);
      proxy.dropPushes(false);
    },
    async 'connection silent'(proxy, lastsMs) {
      proxy.hold(true);
      await sleep(lastsMs);
      if (random.next() < 0.5) proxy.cut();
      proxy.hold(false);
    },
    async 'redis hung'(_proxy, lastsMs) {
      server.hang();
      await sleep(lastsMs * 0.8);
      server.resume();
    },
    async 'redis restarted'(_proxy, lastsMs) {
      await server.kill();
      await sleep(lastsMs * 0.4);
      await server.start();
    },
  };
  const names = Object.keys(breakages);
  for (let turn = 0; ; turn += 1) {
    await sleep(between(pauseMs / 10, pauseMs));
    if (machineMs() >= endMs - recoveryMs) return faults;
    const name = names[turn % names.length] as string;
    const lastsMs = between(longestMs / 2, longestMs);
    await breakages[name]?.(proxies[random.next() < 0.5 ? 0 : 1] as ChaosProxy, lastsMs);
    faults.push(name);
  }
}

/** Prints runs side by side. */
function print(runs: Readonly<Record<string, CoherenceRun>>): void {
  const rows: Record<string, Record<string, unknown>> = {};
  const add = (row: string, of: (run: CoherenceRun) => unknown): void => {
    rows[row] = Object.fromEntries(Object.entries(runs).map(([name, run]) => [name, of(run)]));
  };
  add('reads', run => run.reads);
  add('of these answered by memory', run => run.memoryHits);
  add('changes', run => run.changes);
  add('of these the store did not learn', run => run.untold);
  add('of these by another program', run => run.foreign);
  add('of those not seen within the bound', run => run.foreignUnseen);
  add('stale reads', run => run.staleReads);
  add(`stale for more than ${boundMs} ms`, run => run.beyondBound);
  add('staleness p50, ms', run => run.p50Ms);
  add('staleness p99, ms', run => run.p99Ms);
  add('staleness max, ms', run => run.maxMs);
  for (const limit of Object.keys(Object.values(runs)[0]?.histogram ?? {})) {
    add(`  up to ${limit}`, run => run.histogram[limit]);
  }
  add('calls that rejected', run => run.errors);
  add('calls without an end', run => run.unfinished.length);
  add('unhandled rejections', run => run.unhandled);
  add('faults', run => run.faults.length);
  console.table(rows);
  for (const [name, { states }] of Object.entries(runs)) for (const state of states) console.log(name, state);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [which = 'plinth', seconds = '60', how = 'faults'] = process.argv.slice(2);
  const pace = how === 'faults' ? slowPace : undefined;
  const runs: Record<string, CoherenceRun> = {};
  for (const kind of which === 'both' ? ['plinth', 'bento'] : [which]) {
    runs[kind] = await runCoherence(kind, Number(seconds) * 1_000, pace);
  }
  print(runs);
}
