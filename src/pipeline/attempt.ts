/** What the guarded work is given. */
export interface Attempt {
  /** Which attempt this is: 1 is the first. */
  readonly attempt: number;
  /** Aborted when the attempt is no longer wanted. Made when it is first read: work that never asks pays nothing. */
  readonly signal: AbortSignal;
  /** When the caller stops waiting, on the monotonic clock, in milliseconds. Absent when nothing limits the call. */
  readonly deadlineMs: number | undefined;
}

/** What a fault is told of the attempt that it may disturb. */
export interface FaultTarget extends Attempt {
  /** What is asked of the dependency. */
  readonly operation: string;
}

/**
 * Disturbs attempts on purpose, in tests and drills: by throwing, or by taking its time. Says whether it did anything.
 */
export type FaultInjector = (target: FaultTarget) => boolean | Promise<boolean>;
