/** Where a batch is. `stopping`: nothing begins any more, and what is under way ends. */
export type BatchState = 'running' | 'paused' | 'stopping' | 'ended';

/**
 * How a batch ended: all items have a result; `stop()` was called, or nobody took the results any more; its signal was
 * aborted; too many items failed, or the items or the checkpoint did.
 */
export type BatchOutcome = 'completed' | 'stopped' | 'aborted' | 'failed';

/** How far a batch is. */
export interface BatchProgress {
  readonly name: string;
  readonly state: BatchState;
  /** Items that have a result, failed ones included. */
  readonly done: number;
  /** Items that failed. */
  readonly failed: number;
  /** Items whose result came from the checkpoint. They are in `done`, and not in the rate. */
  readonly recorded: number;
  /** Items that are worked on now, or wait at the limiter. */
  readonly active: number;
  /** How many items there are, if that is known. */
  readonly total: number | undefined;
  /** Since the batch began, in milliseconds. */
  readonly elapsedMs: number;
  /** Items that are finished per second, as of the last quarter of a minute; 0 when nothing is known. */
  readonly ratePerSecond: number;
  /** How long the rest will take, in milliseconds, if the total and a rate are known and nothing is paused. */
  readonly etaMs: number | undefined;
}

/** How a batch ended, and how far it came. */
export interface BatchEnd extends BatchProgress {
  readonly outcome: BatchOutcome;
  /** Why, if it was aborted or failed. */
  readonly error?: unknown;
}

/** What a {@link BatchProcessor} tells. */
export interface BatchEvents {
  /** A batch began. `recorded` is how many outcomes its checkpoint knew. */
  started: { readonly name: string; readonly total: number | undefined; readonly recorded: number };
  /** Every `progressIntervalMs` while a batch is under way. */
  progress: BatchProgress;
  /** An item failed, this time. */
  'item-failed': { readonly name: string; readonly index: number; readonly item: unknown; readonly error: unknown };
  /** Nothing begins until `resume`. */
  paused: { readonly name: string };
  /** Items begin again. */
  resumed: { readonly name: string };
  /** A batch ended. */
  ended: BatchEnd;
}
