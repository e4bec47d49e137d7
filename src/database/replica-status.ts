import type { ReplicaState } from './events.ts';
import type { PoolStats } from './pool-stats.ts';

/** A replica as it is seen at a moment. */
export interface ReplicaStatus {
  /** Its host, port and database. */
  readonly name: string;
  /** Whether it answers reads, and why not. */
  readonly state: ReplicaState;
  /** How far it was behind when it was last looked at, in milliseconds; `undefined` when that is not known. */
  readonly lagMs: number | undefined;
  /** Its connections at this moment. */
  readonly pool: PoolStats;
}
