import { ArgumentError } from '../../errors/index.ts';
import { type Clock, requireDuration, requireInteger, systemClock } from '../../kernel/index.ts';
import type { BatchLimiter, WorkContext } from '../batch-options.ts';
import type { BatchDatabase } from './batch-database.ts';

/** How a {@link QueuedBatch} works. All processes that share a queue give the same `name` and `keyOf`. */
export interface QueuedBatchOptions<Item, Value> {
  /** Where the queue is: a `DatabaseManager` that is open. Processes share a queue by sharing a PostgreSQL. */
  readonly database: BatchDatabase;
  /** What is done with each item. Its failure is that item's result, unless `maxAttempts` allows another try. */
  readonly work: (item: Item, context: WorkContext) => Promise<Value> | Value;
  /** What is processed; the name of the queue. From a closed set. @default 'batch' */
  readonly name?: string | undefined;
  /** How many items this process works on at once. @default 5 */
  readonly maxConcurrent?: number | undefined;
  /** Each item waits here before its work begins; its lease runs meanwhile. @default none */
  readonly limiter?: BatchLimiter | undefined;
  /** The key under which an item waits at the limiter. @default '' for all */
  readonly limitKeyOf?: ((item: Item) => string) | undefined;
  /** What an item is known by. @default the item as JSON */
  readonly keyOf?: ((item: Item) => string) | undefined;
  /** How often an item is tried that fails with something that may pass, counting the first try. @default 1 */
  readonly maxAttempts?: number | undefined;
  /** How many workers may be lost over an item; one more, and it has failed. @default 3 */
  readonly maxLosses?: number | undefined;
  /**
   * How long a worker may keep an item, in milliseconds, from 1 s to a day. After that it counts as lost and another one
   * takes the item; work that takes nine tenths of it is given up and has failed with a `TimeoutError`. @default 300_000
   */
  readonly leaseMs?: number | undefined;
  /** How often a worker with nothing to do, and who waits for results, ask again, in milliseconds. @default 1_000 */
  readonly pollIntervalMs?: number | undefined;
  /** Makes a value from its JSON, when results are read. @default it is what JSON makes of it */
  readonly parse?: ((json: unknown) => Value) | undefined;
  /** @default systemClock */
  readonly clock?: Clock | undefined;
}

/** The numbers of a {@link QueuedBatch}. */
export interface QueuedBatchSettings {
  readonly name: string;
  readonly maxConcurrent: number;
  readonly maxAttempts: number;
  readonly maxLosses: number;
  readonly leaseMs: number;
  readonly pollIntervalMs: number;
}

/** What a queued batch is made of, with every default in its place. */
export interface QueueTask<Item, Value> {
  readonly settings: Readonly<QueuedBatchSettings>;
  readonly work: (item: Item, context: WorkContext) => Promise<Value> | Value;
  readonly limiter: BatchLimiter | undefined;
  readonly limitKeyOf: (item: Item) => string;
  readonly keyOf: (item: Item) => string;
  readonly parse: ((json: unknown) => Value) | undefined;
  readonly clock: Clock;
}

const dayMs = 86_400_000;

/** Checks the options and fills in the defaults. */
export function queueTask<Item, Value>(options: QueuedBatchOptions<Item, Value>): QueueTask<Item, Value> {
  if (typeof options?.work !== 'function') {
    throw new ArgumentError('Cannot make a queued batch without work: expected work, a function of one item', 'work');
  }
  const { name = 'batch' } = options;
  // What pg-boss takes as the name of a queue, and what fits into a metric's label.
  if (!/^[\w-]{1,50}$/.test(name)) {
    throw new ArgumentError(
      `Cannot use name: expected 1 to 50 letters, digits, underscores and hyphens, got ${JSON.stringify(name)}`,
      'name',
    );
  }
  return {
    settings: Object.freeze({
      name,
      maxConcurrent: requireInteger('maxConcurrent', options.maxConcurrent ?? 5, 1, 10_000),
      maxAttempts: requireInteger('maxAttempts', options.maxAttempts ?? 1, 1, 1_000),
      maxLosses: requireInteger('maxLosses', options.maxLosses ?? 3, 0, 1_000),
      leaseMs: requireDuration('leaseMs', options.leaseMs ?? 300_000, 1_000, dayMs - 1_000),
      pollIntervalMs: requireDuration('pollIntervalMs', options.pollIntervalMs ?? 1_000, 1),
    }),
    work: options.work,
    limiter: options.limiter,
    limitKeyOf: options.limitKeyOf ?? (() => ''),
    keyOf: options.keyOf ?? (item => JSON.stringify(item) ?? String(item)),
    parse: options.parse,
    clock: options.clock ?? systemClock,
  };
}
