import type { BatchEvents } from '../events.ts';

/**
 * What a {@link QueuedBatch} tells. `started`, `progress` and `ended` come from `waitForCompletion`, where it is called;
 * the others from `work`, in the process that does the item.
 */
export interface QueuedBatchEvents extends Pick<BatchEvents, 'started' | 'progress' | 'item-failed' | 'ended'> {
  /** The outcome of an item is kept: a value. Told in the process that did the item. */
  'item-succeeded': { readonly name: string; readonly index: number };
  /** The database could not be asked. The worker goes on and tries again; an item in hand is done another time. */
  'storage-failed': { readonly name: string; readonly error: unknown };
}
