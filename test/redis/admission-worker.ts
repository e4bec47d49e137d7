/** One process of an admission run: asks its limits far too often and remembers when each call began and ended. */
import { type Clock, systemClock } from 'plinth/kernel';
import { type LeaseOptions, RedisRateLimitStore, type WhenUnavailable } from 'plinth/rate-limit';
import { RedisConnection } from 'plinth/redis';
import { type LimitName, limiterOf } from './limits.ts';

/** What the parent process asks for. */
export interface WorkerTask {
  readonly url: string;
  readonly limits: readonly LimitName[];
  readonly durationMs: number;
  /** How far this process' wall clock is off. */
  readonly clockShiftMs: number;
  /** Calls per millisecond, for each limit. */
  readonly callsPerMs: number;
  readonly whenUnavailable: WhenUnavailable;
  readonly lease?: LeaseOptions;
  readonly commandTimeoutMs: number;
}

/** Calls as numbers, in groups: begin and end in milliseconds of a clock that all processes share. */
export interface WorkerReport {
  readonly limit: string;
  /** Begin and end of calls that were admitted, one after the other. */
  readonly admitted: readonly number[];
  /** Begin and end of admissions that were not made by Redis. */
  readonly byPosture: readonly number[];
  readonly denied: number;
  readonly unavailable: number;
  readonly durationsMs: readonly number[];
}

const sharedNowMs = (): number => Number(process.hrtime.bigint()) / 1e6;

async function work(task: WorkerTask): Promise<readonly WorkerReport[]> {
  const clock: Clock = { ...systemClock, now: () => systemClock.now() + task.clockShiftMs };
  const { url, commandTimeoutMs } = task;
  await using redis = new RedisConnection({
    url,
    clock,
    commandTimeoutMs,
    connectTimeoutMs: 500,
    maxReconnectDelayMs: 200,
    probeIntervalMs: 100,
  });
  await redis.connect();
  const store = new RedisRateLimitStore({
    redis,
    clock,
    whenUnavailable: task.whenUnavailable,
    ...(task.lease === undefined ? {} : { lease: task.lease }),
  });
  const runs = task.limits.map(name => ({
    check: limiterOf(name, task.lease !== undefined, store, clock),
    report: { limit: name, admitted: [], byPosture: [], denied: 0, unavailable: 0, durationsMs: [] } as Mutable,
  }));
  process.send?.('ready');
  await new Promise(resolve => process.once('message', resolve));
  const endMs = sharedNowMs() + task.durationMs;
  const calls: Promise<void>[] = [];
  let due = 0;
  let lastMs = sharedNowMs();
  await new Promise<void>(resolve => {
    const timer = setInterval(() => {
      const nowMs = sharedNowMs();
      if (nowMs >= endMs) {
        clearInterval(timer);
        return resolve();
      }
      due = Math.min(due + (nowMs - lastMs) * task.callsPerMs, 50);
      lastMs = nowMs;
      for (; due >= 1; due -= 1) for (const run of runs) calls.push(call(run.check, run.report));
    }, 1);
  });
  await Promise.all(calls);
  await store.close();
  return runs.map(run => run.report);
}

interface Mutable extends WorkerReport {
  admitted: number[];
  byPosture: number[];
  denied: number;
  unavailable: number;
  durationsMs: number[];
}

async function call(check: ReturnType<typeof limiterOf>, report: Mutable): Promise<void> {
  const beginMs = sharedNowMs();
  const decision = await check();
  const endMs = sharedNowMs();
  report.durationsMs.push(endMs - beginMs);
  if (decision.outcome === 'unavailable') report.unavailable += 1;
  if (decision.allowed) {
    report.admitted.push(beginMs, endMs);
    if (decision.outcome === 'unavailable') report.byPosture.push(beginMs, endMs);
  } else {
    report.denied += 1;
  }
}

let rejections = 0;
process.on('unhandledRejection', () => {
  rejections += 1;
});
process.once('message', task => {
  work(task as WorkerTask).then(
    reports => process.send?.({ reports, rejections }, () => process.disconnect()),
    error =>
      process.send?.({ failure: String(error instanceof Error ? error.stack : error) }, () => process.disconnect()),
  );
});
