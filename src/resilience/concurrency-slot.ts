/** Who asks for a slot. */
export interface SlotRequest {
  /** Higher is served first. 0 is the lowest; what is above the highest counts as the highest. @default 0 */
  readonly priority?: number | undefined;
  /** For whom the call is made; calls without one are a tenant of their own. @default none */
  readonly tenant?: string | undefined;
}

/** How long somebody waits for a slot. */
export interface SlotWait extends SlotRequest {
  /** Ends the wait. */
  readonly signal?: AbortSignal | undefined;
  /** The wait ends at this moment of the monotonic clock, in milliseconds. @default none */
  readonly deadlineMs?: number | undefined;
}

/** What became of the call that had a slot. `ignored` says nothing about the dependency: refused further in, or aborted. */
export type SlotOutcome = 'succeeded' | 'failed' | 'ignored';

/** How a slot is given back. */
export interface SlotRelease {
  /** The tenant that the slot was taken for. @default none */
  readonly tenant?: string | undefined;
  /** @default 'ignored' */
  readonly outcome?: SlotOutcome | undefined;
  /** How long the call took, without the wait for the slot, in milliseconds. @default unknown */
  readonly latencyMs?: number | undefined;
}

/** Limits how many calls are under way at once: a {@link Bulkhead} or an {@link AdaptiveConcurrency}. */
export interface ConcurrencySlot {
  /** Whether it wants to know how long calls take: only then need {@link release} be told. */
  readonly measuresLatency: boolean;
  /** The numbers in force. */
  readonly settings: object;
  /**
   * Changes numbers, all of them or none.
   *
   * @throws {ArgumentError} with the option's name and value.
   */
  reconfigure(changes: object): void;
  /** Takes a slot if one is free. */
  tryAcquire(request?: SlotRequest): boolean;
  /**
   * Takes a slot, waiting for one if need be.
   *
   * @throws {RejectedError} with reason `full` when too many wait already, `out-of-time` when the wait takes too long.
   */
  acquire(wait?: SlotWait): Promise<void>;
  /** Gives a slot back; once for every slot taken. */
  release(release?: SlotRelease): void;
}
