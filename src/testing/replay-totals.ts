import type { CallRecord } from '../pipeline/index.ts';

/** What became of many calls. */
export interface ReplayTotals {
  /** Calls that somebody waited for. The counts below are of these, except `attempts`. */
  readonly calls: number;
  /** Answered by the dependency, or by the cache with a value within its lifetime. */
  readonly fresh: number;
  /** Answered with an older value or a substitute. */
  readonly covered: number;
  /** Refused by us. */
  readonly rejected: number;
  /** Failed by them. */
  readonly failed: number;
  /** How often the dependency was asked, also for calls that nobody waited for. */
  readonly attempts: number;
  /** Half of the calls took no longer, in milliseconds. */
  readonly medianMs: number;
  /** 99 % of the calls took no longer, in milliseconds. */
  readonly p99Ms: number;
}

/** Adds up records. */
export function totalsOf(records: readonly CallRecord[]): ReplayTotals {
  const calls = records.filter(({ background }) => !background);
  const durations = calls.map(({ durationMs }) => durationMs).sort((a, b) => a - b);
  const at = (share: number): number => durations[Math.max(0, Math.ceil(durations.length * share) - 1)] ?? 0;
  const count = (is: (record: CallRecord) => boolean): number => calls.filter(is).length;
  return {
    calls: calls.length,
    fresh: count(({ freshness }) => freshness === 'fresh'),
    covered: count(({ freshness }) => freshness === 'stale' || freshness === 'fallback'),
    rejected: count(({ result }) => result === 'rejected'),
    failed: count(({ result }) => result === 'failed'),
    attempts: records.reduce((sum, { attempts }) => sum + attempts, 0),
    medianMs: at(0.5),
    p99Ms: at(0.99),
  };
}
