import { RejectedError } from '../errors/index.ts';
import { type EventSource, Events } from '../kernel/index.ts';
import {
  type BatchOptions,
  type BatchProcessorOptions,
  type BatchSettings,
  type BatchTask,
  batchTask,
} from './batch-options.ts';
import type { BatchResult } from './batch-result.ts';
import { BatchRun } from './batch-run.ts';
import { BatchFailedError } from './errors.ts';
import type { BatchEvents, BatchProgress } from './events.ts';
import { ItemSource } from './item-source.ts';

/**
 * Does the same work with many items, some at once, and gives each item's result in the order of the items: a value or an
 * error, never nothing. One item's failure does not stop the others. With a checkpoint a job that was killed goes on where
 * it was.
 *
 * One batch at a time; the next may begin when it has ended.
 *
 * @throws {ArgumentError} that names the option and its value, at construction.
 * @example
 * const processor = new BatchProcessor({ name: 'labels', work: name => fda.searchDrug(name), limiter, maxConcurrent: 5 });
 * const results = await processor.processBatch(['aspirin', 'ibuprofen']);
 * for (const result of results) if (!result.ok) console.warn(result.item, result.error);
 */
export class BatchProcessor<Item, Value> {
  readonly #task: BatchTask<Item, Value>;
  readonly #events = new Events<BatchEvents>();
  #run: BatchRun<Item, Value> | undefined;
  #isPaused = false;

  constructor(options: BatchProcessorOptions<Item, Value>) {
    this.#task = batchTask(options);
  }

  get name(): string {
    return this.#task.settings.name;
  }

  get events(): EventSource<BatchEvents> {
    return this.#events;
  }

  /** The numbers in force. */
  get settings(): Readonly<BatchSettings> {
    return this.#task.settings;
  }

  /**
   * Processes all items.
   *
   * @returns the results in the order of the items; fewer than there are items only after {@link stop}.
   * @throws {BatchFailedError} when more than `maxFailures` items failed, with the results until then.
   * @throws {CheckpointError} when outcomes cannot be read or kept.
   * @throws {RejectedError} when another batch of this processor is under way.
   * @throws the signal's reason when it is aborted, and what the items throw when they are read.
   * @example
   * const results = await processor.processBatch(names, { signal });
   */
  async processBatch(
    items: Iterable<Item> | AsyncIterable<Item>,
    options: BatchOptions = {},
  ): Promise<readonly BatchResult<Item, Value>[]> {
    const results: BatchResult<Item, Value>[] = [];
    const run = this.#begin(items, Number.POSITIVE_INFINITY, options);
    try {
      for (let result = await run.next(); result !== undefined; result = await run.next()) results.push(result);
    } catch (error) {
      if (!(error instanceof BatchFailedError)) throw error;
      const { message, failed, maxFailures, cause } = error;
      throw new BatchFailedError(message, failed, maxFailures, { cause, results });
    } finally {
      await run.ended;
    }
    return results;
  }

  /**
   * Processes items as their results are taken, so that no more than `batchSize` are held: for lists that do not fit into
   * memory, or never end. Begins with the first result that is asked for. Throws as {@link processBatch} does, after all
   * results. Who leaves the loop stops the batch and waits for what is under way.
   *
   * @example
   * for await (const { item, value, error } of processor.run(linesOf(file))) report(item, value, error);
   */
  async *run(
    items: Iterable<Item> | AsyncIterable<Item>,
    options: BatchOptions = {},
  ): AsyncGenerator<BatchResult<Item, Value>, void, undefined> {
    const run = this.#begin(items, this.settings.batchSize, options);
    try {
      for (let result = await run.next(); result !== undefined; result = await run.next()) yield result;
    } finally {
      await run.stop();
    }
  }

  /** Lets no item begin until {@link resume}; what is under way goes on. Holds for later batches, too. */
  pause(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    this.#run?.pause();
    if (this.#events.has('paused')) this.#events.emit('paused', { name: this.name });
  }

  /** Lets items begin again. */
  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#run?.resume();
    if (this.#events.has('resumed')) this.#events.emit('resumed', { name: this.name });
  }

  /**
   * Ends the batch under way, if there is one: no item begins any more, what is under way ends and is recorded. Resolves
   * then, so the work itself must not wait for it. The results can still be taken. With a checkpoint the same job can be
   * run again and goes on.
   */
  async stop(): Promise<void> {
    await this.#run?.stop();
  }

  /** How far the batch under way is, if there is one. */
  progress(): BatchProgress | undefined {
    return this.#run?.progress();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #begin(
    items: Iterable<Item> | AsyncIterable<Item>,
    maxHeld: number,
    { signal, total }: BatchOptions,
  ): BatchRun<Item, Value> {
    if (this.#run !== undefined) {
      throw new RejectedError(
        `The batch "${this.name}" is under way: wait until it has ended, or make another processor`,
        'full',
      );
    }
    const source = new ItemSource(items, total);
    const run = new BatchRun({
      task: this.#task,
      events: this.#events,
      source,
      maxHeld,
      isPaused: this.#isPaused,
      signal,
    });
    this.#run = run;
    void run.ended.then(() => {
      this.#run = undefined;
    });
    return run;
  }
}
