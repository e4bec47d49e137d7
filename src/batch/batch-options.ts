import { ArgumentError } from '../errors/index.ts';
import {
  type Clock,
  type Ids,
  requireDuration,
  requireInteger,
  requireNumber,
  systemClock,
  systemIds,
} from '../kernel/index.ts';
import type { BatchCheckpoint } from './checkpoint.ts';

/** What the work is told besides its item. */
export interface WorkContext {
  /** The item's place among the items, from 0. */
  readonly index: number;
  /** The item's key, from `keyOf`. */
  readonly key: string;
  /** Aborted when the batch is: work that heeds it ends at once. */
  readonly signal: AbortSignal;
  /**
   * The same for this item of this job whenever it runs, also after a crash, if there is a checkpoint: 32 hexadecimal
   * digits. Send it with what must not take effect twice. Without a checkpoint it is new for every batch.
   */
  readonly idempotencyKey: string;
}

/** What a batch needs of a limiter: every limiter of `plinth/rate-limit` that waits has it. */
export interface BatchLimiter {
  /** Resolves when it is this key's turn. */
  wait(key?: string, options?: { readonly signal?: AbortSignal | undefined }): Promise<unknown>;
}

/** How a {@link BatchProcessor} works. */
export interface BatchProcessorOptions<Item, Value> {
  /** What is done with each item. Its failure is that item's result; for retries let it call a guard or a retry policy. */
  readonly work: (item: Item, context: WorkContext) => Promise<Value> | Value;
  /** What is processed, for people and metrics. From a closed set. @default 'batch' */
  readonly name?: string | undefined;
  /** How many items are worked on at once. @default 5 */
  readonly maxConcurrent?: number | undefined;
  /**
   * How many items `run` holds at once: read, and their result not yet taken. The larger, the longer a slow item may take
   * before those behind it have to wait. At least `maxConcurrent`. `processBatch`, which keeps all results anyway, has no
   * such bound. @default twice maxConcurrent
   */
  readonly batchSize?: number | undefined;
  /** Each item waits here before its work begins. @default none */
  readonly limiter?: BatchLimiter | undefined;
  /** The key under which an item waits at the limiter. @default '' for all */
  readonly limitKeyOf?: ((item: Item) => string) | undefined;
  /** What an item is known by in the checkpoint; the shorter the better. @default the item as JSON */
  readonly keyOf?: ((item: Item) => string) | undefined;
  /** Where outcomes are kept, so that the job can go on after a crash. @default none */
  readonly checkpoint?: BatchCheckpoint<Value> | undefined;
  /** Whether items that the checkpoint knows as failed are worked on again. @default false */
  readonly repeatFailures?: boolean | undefined;
  /** How many items may fail; one more ends the batch, after what is under way. 0 stops at the first. @default Infinity */
  readonly maxFailures?: number | undefined;
  /**
   * How long an item waits while its call is refused for a passing reason (the breaker is open, there is no room, no turn,
   * no budget) before the refusal is its result, in milliseconds. Those that wait hold their places, so the batch waits with
   * them instead of failing all that is left. 0 takes the first refusal for the result. @default 600_000
   */
  readonly maxRefusalWaitMs?: number | undefined;
  /** How often `progress` is told, in milliseconds. @default 250 */
  readonly progressIntervalMs?: number | undefined;
  /** @default systemClock */
  readonly clock?: Clock | undefined;
  /** Names batches without a checkpoint, for idempotency keys. @default random UUIDs */
  readonly ids?: Ids | undefined;
}

/** What one batch may be told. */
export interface BatchOptions {
  /** Ends the batch at once: work under way is told by its own signal and is not waited for. */
  readonly signal?: AbortSignal | undefined;
  /** How many items there are, for the progress. @default known of arrays, sets and maps only */
  readonly total?: number | undefined;
}

/** The numbers of a {@link BatchProcessor}. */
export interface BatchSettings {
  readonly name: string;
  readonly maxConcurrent: number;
  readonly batchSize: number;
  readonly repeatFailures: boolean;
  readonly maxFailures: number;
  readonly maxRefusalWaitMs: number;
  readonly progressIntervalMs: number;
}

/** What a processor is made of, with every default in its place. */
export interface BatchTask<Item, Value> {
  readonly settings: Readonly<BatchSettings>;
  readonly work: (item: Item, context: WorkContext) => Promise<Value> | Value;
  readonly limiter: BatchLimiter | undefined;
  readonly limitKeyOf: (item: Item) => string;
  readonly keyOf: (item: Item) => string;
  readonly checkpoint: BatchCheckpoint<Value> | undefined;
  readonly clock: Clock;
  readonly ids: Ids;
}

/** Checks the options and fills in the defaults. */
export function batchTask<Item, Value>(options: BatchProcessorOptions<Item, Value>): BatchTask<Item, Value> {
  if (typeof options?.work !== 'function') {
    throw new ArgumentError(
      'Cannot make a batch processor without work: expected work, a function of one item',
      'work',
    );
  }
  const { maxFailures = Number.POSITIVE_INFINITY } = options;
  const maxConcurrent = requireInteger('maxConcurrent', options.maxConcurrent ?? 5, 1, 100_000);
  return {
    settings: Object.freeze({
      name: options.name ?? 'batch',
      maxConcurrent,
      batchSize: requireInteger('batchSize', options.batchSize ?? 2 * maxConcurrent, maxConcurrent),
      repeatFailures: options.repeatFailures ?? false,
      maxFailures:
        maxFailures === Number.POSITIVE_INFINITY ? maxFailures : requireNumber('maxFailures', maxFailures, 0),
      maxRefusalWaitMs: requireDuration('maxRefusalWaitMs', options.maxRefusalWaitMs ?? 600_000, 0),
      progressIntervalMs: requireDuration('progressIntervalMs', options.progressIntervalMs ?? 250, 1),
    }),
    work: options.work,
    limiter: options.limiter,
    limitKeyOf: options.limitKeyOf ?? noKey,
    keyOf: options.keyOf ?? jsonKey,
    checkpoint: options.checkpoint,
    clock: options.clock ?? systemClock,
    ids: options.ids ?? systemIds,
  };
}

function noKey(): string {
  return '';
}

function jsonKey(item: unknown): string {
  return JSON.stringify(item) ?? String(item);
}
