import { setTimeout as sleep } from 'node:timers/promises';
import { CacheManager, HybridCache } from 'plinth/cache';
import { CacheError } from 'plinth/errors';
import { RedisConnection } from 'plinth/redis';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../redis/hearing.ts';
import { patientMs, type RedisServer, startRedis } from '../servers/redis.ts';
import { serverOrSkip } from '../servers/require.ts';
import type { LoadReport, StateReport } from './cache-process.ts';
import { type OutageKind, runOutage } from './outage.ts';
import { WorkerProcess } from './worker-process.ts';

const program = serverOrSkip('redis-server');

const workers: WorkerProcess[] = [];

/** Starts processes that share a Redis. */
async function start(
  count: number,
  kind: string,
  url: string,
  options: object = {},
): Promise<readonly WorkerProcess[]> {
  const started = await Promise.all(
    Array.from({ length: count }, () => WorkerProcess.start('cache-process.ts', [kind, url, JSON.stringify(options)])),
  );
  workers.push(...started);
  return started;
}

afterEach(() => {
  for (const worker of workers.splice(0)) worker.kill();
});

describe.skipIf(program === undefined)('a cold key in processes that share a Redis', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server?.dispose());

  async function load(processes: readonly WorkerProcess[], key: string, loaderMs: number) {
    const reports = await Promise.all(
      processes.map(worker => worker.ask<LoadReport>({ do: 'load', key, callers: 25, loaderMs }, 15_000)),
    );
    return { runs: reports.map(({ runs }) => runs), values: new Set(reports.flatMap(({ values }) => values)) };
  }

  it.each(['hybrid', 'redis'])('is loaded once by all of them together with a lease (%s)', async kind => {
    const processes = await start(4, kind, server.url, { lease: true, commandTimeoutMs: patientMs });
    for (let round = 1; round <= 5; round += 1) {
      const { runs, values } = await load(processes, `leased ${kind} ${round}`, 200);
      expect(runs.reduce((sum, count) => sum + count)).toBe(1);
      expect(values.size).toBe(1);
    }
  });

  it.each(['hybrid', 'redis'])('is loaded once by each of them without one, however long it takes (%s)', async kind => {
    // A place in the store that was renewed, and told of, would make others load once more.
    const processes = await start(2, kind, server.url, { leaseMs: 300, commandTimeoutMs: patientMs });
    const both = await load(processes, `shared ${kind}`, 200);
    expect(Math.max(...both.runs)).toBe(1);
    const slow = { do: 'load', key: `slow ${kind}`, callers: 25, loaderMs: 1_500, withinMs: 1_200 } as const;
    const [one] = processes as [WorkerProcess];
    expect(await one.ask<LoadReport>(slow, 15_000)).toMatchObject({ runs: 1 });
    expect((await load(processes, `slow ${kind}`, 1)).runs).toEqual([0, 0]);
  });

  it('is loaded by another when the one that has the lease is killed', async () => {
    const leaseMs = 1_500;
    const [dying, heir] = (await start(2, 'hybrid', server.url, {
      lease: true,
      leaseMs,
      commandTimeoutMs: patientMs,
    })) as [WorkerProcess, WorkerProcess];
    expect(await dying.ask({ do: 'hang', key: 'inherited' }, 5_000)).toBe('loading');
    const loading = heir.ask<LoadReport>({ do: 'load', key: 'inherited', callers: 25, loaderMs: 1 }, 15_000);
    // As long as it lives it keeps the lease.
    await sleep(2 * leaseMs);
    dying.kill();
    const killedMs = performance.now();
    const { runs } = await loading;
    expect(runs).toBe(1);
    expect(performance.now() - killedMs).toBeLessThan(leaseMs + 1_000);
    expect(performance.now() - killedMs).toBeGreaterThan(leaseMs / 3);
  });
});

describe.skipIf(program === undefined)('a cache whose Redis goes away under load', () => {
  // What callers wait is printed exactly by outage.ts; these limits hold on a busy machine as well.
  it.concurrent.each<['hybrid' | 'redis', OutageKind]>([
    ['hybrid', 'stopped'],
    ['hybrid', 'killed'],
    ['redis', 'stopped'],
    ['redis', 'killed'],
  ])(
    'goes on without it, and is back by itself afterwards (%s, %s)',
    async (kind, what) => {
      const report = await runOutage(kind, what);
      expect(report).toMatchObject({ errors: [], unhandled: 0 });
      expect(report.callsWithout).toBeGreaterThan(400);
      expect(report.p99Ms).toBeLessThan(300);
      expect(report.laterP99Ms).toBeLessThan(100);
      expect(report.noticedMs).toBeLessThan(600);
      expect(report.recoveredMs).toBeLessThan(2_000);
      expect(report.after).toMatchObject({ degraded: false, keeps: true });
      if (kind === 'redis') expect(report.after.health).toBe('up');
      else expect(report.after.coverage).toBe('tracking');
    },
    60_000,
  );

  it.each(['hybrid', 'redis'])('works when it is started without Redis, and uses it when it comes (%s)', async kind => {
    await using server = await startRedis();
    await server.kill();
    const [worker] = (await start(1, kind, server.url)) as [WorkerProcess];
    const state = (): Promise<StateReport> => worker.ask<StateReport>({ do: 'state' }, 5_000);
    const report = await worker.ask<LoadReport>({ do: 'load', key: 'k', callers: 25, loaderMs: 50 }, 5_000);
    expect(report.runs).toBe(1);
    expect(report.longestMs).toBeLessThan(1_000);
    expect(await state()).toMatchObject({
      degraded: true,
      keeps: true,
      health: kind === 'redis' ? 'degraded' : undefined,
    });
    await server.start();
    await until(async () => !(await state()).degraded);
    expect(await state()).toMatchObject({ degraded: false, keeps: true, health: kind === 'redis' ? 'up' : undefined });
  });

  it('says so to its callers where it is strict', async () => {
    await using server = await startRedis();
    await using redis = new RedisConnection({ url: server.url });
    await redis.connect();
    await using hybrid = new HybridCache<string>({ redis, strict: true });
    await using manager = new CacheManager({ redis, strict: true, backend: 'redis' });
    await server.kill();
    await until(() => redis.status === 'away');
    for (const cache of [hybrid, manager]) {
      await expect(cache.get('k')).rejects.toBeInstanceOf(CacheError);
      await expect(cache.set('k', 'v')).rejects.toBeInstanceOf(CacheError);
      await expect(cache.getOrSet('k', async () => 'v')).rejects.toBeInstanceOf(CacheError);
      await expect(cache.delete('k')).rejects.toBeInstanceOf(CacheError);
    }
    await server.start();
    await until(() => redis.status === 'ready');
    // A key of which Redis has to be told first is refused until that is done.
    for (const cache of [hybrid, manager]) {
      await until(async () => (await cache.getOrSet('k', async () => 'v').catch(() => undefined)) === 'v');
    }
  });
});
