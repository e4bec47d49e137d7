import type { PlinthError } from '../errors/index.ts';
import type { DatabaseEngine } from './events.ts';
import type { PoolStats } from './pool-stats.ts';
import type { ReplicaStatus } from './replica-status.ts';

/** How {@link DatabaseManager.healthCheck} asks. */
export interface HealthCheckOptions {
  /** How long the database may take to answer, in milliseconds. The deadline of the request counts, too. @default 1_500 */
  readonly timeoutMs?: number | undefined;
  /** Gives the check up: it is answered as if there was no answer. @default never */
  readonly signal?: AbortSignal | undefined;
}

/** What {@link DatabaseManager.healthCheck} found. */
export interface DatabaseHealth {
  /** Whether the database answered; with replicas, whether the primary did. */
  readonly healthy: boolean;
  /**
   * Whether every connection was on loan, and none came back in half the time of the check. The database is well then, but
   * callers wait: restarting the process would not help.
   */
  readonly saturated: boolean;
  /** How long the answer took, in milliseconds. */
  readonly latencyMs: number;
  /** Which engine was asked. */
  readonly engine: DatabaseEngine;
  /** The connections at that moment. */
  readonly pool: PoolStats;
  /** The replicas, as they were seen last. Empty without any. */
  readonly replicas: readonly ReplicaStatus[];
  /** Why it did not answer. */
  readonly error?: PlinthError;
}
