/** Decides which entry goes when there is no room. */
export interface EvictionPolicy {
  /** A slot has been filled; `returns`: its key was evicted not long ago, while it was new. */
  added(slot: number, returns: boolean): void;
  /** A slot is about to be emptied. */
  removed(slot: number): void;
  /** Whether what is in a slot has not yet proven to be wanted. */
  isNew(slot: number): boolean;
  /** The slot to empty next. What can no longer stand in at `tick` is not worth keeping. There must be one. */
  next(tick: number): number;
}
