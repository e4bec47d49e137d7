/**
 * Coherence under fire: two processes, and a third that knows nothing of the cache, read and change the same keys at
 * random, while their network and their Redis are broken again and again. Prints how old what was read was.
 *
 *     node --conditions=source --import tsx test/cache/coherence.ts plinth 60
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createClient } from '@redis/client';
import { type RedisServer, startRedis } from '../servers/redis.ts';
import { type ChaosProxy, startChaosProxy } from './chaos-proxy.ts';
import { type CoherenceEvent, machineMs, type StalenessReport, stalenessOf } from './coherence-events.ts';
import { storeKey } from './coherence-subjects.ts';

/** No read may give what was changed longer ago. */
export const boundMs = 1_000;

/** What a run shows. */
export interface CoherenceRun extends StalenessReport {
  readonly faults: readonly string[];
  readonly states: readonly unknown[];
}

/** The last fault begins so long before the end, in milliseconds. */
const recoveryMs = 1_000;

/** Lets processes read and change for so long, with faults or without. */
export async function runCoherence(kind: string, durationMs: number, hasFaults = true): Promise<CoherenceRun> {
  await using server = await startRedis();
  await using origin = await startRedis();
  const proxies = [await startChaosProxy(server.port), await startChaosProxy(server.port)];
  try {
    const workers = await Promise.all(
      proxies.map((proxy, index) =>
        startWorker([kind, `redis://127.0.0.1:${proxy.port}`, origin.url, index, durationMs]),
      ),
    );
    const results = workers.map(async worker => (await once(worker, 'message'))[0] as WorkerResult);
    for (const worker of workers) worker.send('start');
    const endMs = machineMs() + durationMs;
    const [foreign, faults] = await Promise.all([
      changeFromOutside(kind, server, origin.url, endMs),
      hasFaults ? breakThings(server, proxies, endMs) : [],
    ]);
    const told = await Promise.all(results);
    const events = [...foreign, ...told.flatMap(result => result.events)];
    return { ...stalenessOf(events, boundMs), faults, states: told.map(({ state }) => state) };
  } finally {
    await Promise.all(proxies.map(proxy => proxy.close()));
  }
}

interface WorkerResult {
  readonly events: readonly CoherenceEvent[];
  readonly state: unknown;
}

async function startWorker(args: readonly (string | number)[]): Promise<ChildProcess> {
  const execArgv = ['--conditions=source', '--import', 'tsx'];
  const worker = fork(fileURLToPath(new URL('coherence-worker.ts', import.meta.url)), args.map(String), { execArgv });
  await once(worker, 'message');
  return worker;
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
      events.push(['change', key, version, startMs, machineMs(), true]);
    } catch {
      // It did not happen.
    }
  }
  redis.destroy();
  origin.destroy();
  return events;
}

/** One thing after another, each ended before the next begins. */
async function breakThings(
  server: RedisServer,
  proxies: readonly ChaosProxy[],
  endMs: number,
): Promise<readonly string[]> {
  const faults: string[] = [];
  const between = (from: number, to: number): number => from + Math.random() * (to - from);
  const breakages: Readonly<Record<string, (proxy: ChaosProxy) => Promise<void>>> = {
    async 'connection cut'(proxy) {
      proxy.cut();
    },
    async 'connection silent'(proxy) {
      proxy.hold(true);
      await sleep(between(100, 2_500));
      if (Math.random() < 0.5) proxy.cut();
      proxy.hold(false);
    },
    async 'pushes dropped'(proxy) {
      proxy.dropPushes(true);
      await sleep(between(100, 2_500));
      proxy.dropPushes(false);
    },
    async 'redis hung'() {
      server.hang();
      await sleep(between(100, 2_000));
      server.resume();
    },
    async 'redis restarted'() {
      await server.kill();
      await sleep(between(0, 1_000));
      await server.start();
    },
  };
  let turn = 0;
  while (machineMs() < endMs - recoveryMs) {
    await sleep(between(100, 1_500));
    const [name = '', fault] = Object.entries(breakages)[turn % 5] ?? [];
    turn += 1;
    const proxy = proxies[Math.floor(Math.random() * proxies.length)];
    if (proxy === undefined || fault === undefined) continue;
    await fault(proxy);
    faults.push(name);
  }
  return faults;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [kind = 'plinth', seconds = '60', how = 'faults'] = process.argv.slice(2);
  console.log(JSON.stringify(await runCoherence(kind, Number(seconds) * 1_000, how === 'faults'), undefined, 2));
}
