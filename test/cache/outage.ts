/**
 * What callers of a cache wait while its Redis is stopped for three seconds, or killed and started again empty, at 200
 * calls a second. Prints it for a cache in memory and on Redis, and for one on Redis only.
 *
 *     node --conditions=plinth-source --import tsx test/cache/outage.ts
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type RedisServer, startRedis } from '../servers/redis.ts';
import type { StateReport, TrafficReport } from './cache-process.ts';
import { WorkerProcess } from './worker-process.ts';

/** What becomes of Redis. */
export type OutageKind = 'stopped' | 'killed';

/** What callers saw of an outage. */
export interface OutageReport {
  readonly calls: number;
  /** Calls that began while Redis was away. */
  readonly callsWithout: number;
  /** What those waited, in milliseconds: 99 of 100 no longer, and the longest. */
  readonly p99Ms: number;
  readonly maxMs: number;
  /** The same for those that came after the first hundred. */
  readonly laterP99Ms: number;
  readonly laterMaxMs: number;
  readonly errors: readonly string[];
  readonly unhandled: number;
  /** How long after its beginning the outage was noticed, and how long after its end it was over, in milliseconds. */
  readonly noticedMs: number | undefined;
  readonly recoveredMs: number | undefined;
  readonly after: StateReport;
}

const beforeMs = 1_000;
const awayMs = 3_000;
const afterMs = 2_500;

/** Takes Redis away from a process that uses it. */
export async function runOutage(kind: 'hybrid' | 'redis', what: OutageKind): Promise<OutageReport> {
  await using server = await startRedis();
  const worker = await WorkerProcess.start('cache-process.ts', [kind, server.url]);
  try {
    const durationMs = beforeMs + awayMs + afterMs;
    const startMs = performance.now();
    const telling = worker.ask<TrafficReport>({ do: 'traffic', perSecond: 200, durationMs }, durationMs + 15_000);
    await sleep(beforeMs);
    const goneMs = performance.now() - startMs;
    await takeAway(server, what);
    const backMs = performance.now() - startMs;
    const report = await telling;
    const after = await worker.ask<StateReport>({ do: 'state' }, 5_000);
    return { ...outageReport(report, goneMs, backMs), after };
  } finally {
    worker.kill();
  }
}

async function takeAway(server: RedisServer, what: OutageKind): Promise<void> {
  if (what === 'stopped') {
    server.hang();
    await sleep(awayMs);
    server.resume();
  } else {
    await server.kill();
    await sleep(awayMs);
    await server.start();
  }
}

function outageReport(report: TrafficReport, goneMs: number, backMs: number): Omit<OutageReport, 'after'> {
  const without = report.calls
    .filter(([startMs]) => startMs >= goneMs && startMs < backMs)
    .sort((left, right) => left[0] - right[0]);
  const all = without.map(([, durationMs]) => durationMs);
  const later = all.slice(100);
  return {
    calls: report.calls.length,
    callsWithout: all.length,
    p99Ms: quantile(all, 0.99),
    maxMs: quantile(all, 1),
    laterP99Ms: quantile(later, 0.99),
    laterMaxMs: quantile(later, 1),
    errors: report.errors,
    unhandled: report.unhandled,
    noticedMs: since(report.degradedAtMs[0], goneMs),
    recoveredMs: report.degraded ? undefined : since(report.recoveredAtMs.at(-1), backMs),
  };
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((left, right) => left - right);
  return Math.round((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0) * 10) / 10;
}

function since(atMs: number | undefined, fromMs: number): number | undefined {
  return atMs === undefined ? undefined : Math.round(atMs - fromMs);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const rows: Record<string, unknown> = {};
  for (const kind of ['hybrid', 'redis'] as const) {
    for (const what of ['stopped', 'killed'] as const) {
      const { errors, after, ...figures } = await runOutage(kind, what);
      rows[`${kind}, Redis ${what}`] = { ...figures, errors: errors.length, degradedAfter: after.degraded };
    }
  }
  console.table(rows);
}
