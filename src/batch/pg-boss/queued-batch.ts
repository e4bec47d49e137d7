import { ArgumentError, NotFoundError, RejectedError } from '../../errors/index.ts';
import { type EventSource, Events } from '../../kernel/index.ts';
import type { BatchResult } from '../batch-result.ts';
import { ItemIds, idempotencyKeyOf, requireJob } from '../checkpoint.ts';
import { misfitOf, parseLine } from '../checkpoint-line.ts';
import { CheckpointError, RecordedError } from '../errors.ts';
import type { BatchProgress } from '../events.ts';
import { Notice } from '../notice.ts';
import type { BatchDatabase } from './batch-database.ts';
import type { QueuedBatchEvents } from './events.ts';
import { type JobCounts, type KeptResult, openQueueStore, type QueuedItem, type QueueStore } from './queue-store.ts';
import { QueueWorker } from './queue-worker.ts';
import {
  type QueuedBatchOptions,
  type QueuedBatchSettings,
  type QueueTask,
  queueTask,
} from './queued-batch-options.ts';

/** What may end a wait. */
export interface QueueWaitOptions {
  /** Ends it. What is in the queue stays there. */
  readonly signal?: AbortSignal | undefined;
}

/** What {@link QueuedBatch.enqueue} did. */
export interface EnqueueReport {
  /** How many items the job has. */
  readonly total: number;
  /** How many of them were not in the queue before. */
  readonly added: number;
}

/** Items of one transaction, and outcomes of one page. */
const chunkSize = 500;

/**
 * A batch for many processes: one puts the items of a job into a queue in the database, any number works on them, and
 * each item's outcome is kept exactly once, to be read in the order of the items. An item whose worker was lost is done
 * by another one.
 *
 * Needs the package `pg-boss`. On PostgreSQL for many processes, on the embedded engine for one.
 *
 * @throws {ArgumentError} that names the option and its value, at construction.
 * @example
 * await using batch = new QueuedBatch({ name: 'labels', database, work: (name: string) => fda.searchDrug(name) });
 * await batch.enqueue('labels:2026-01', names);
 * void batch.work(); // here, and in as many other processes as there are
 * for await (const { item, value, error } of batch.results('labels:2026-01')) report(item, value, error);
 */
export class QueuedBatch<Item, Value> {
  readonly #task: QueueTask<Item, Value>;
  readonly #database: BatchDatabase;
  readonly #events = new Events<QueuedBatchEvents>();
  readonly #changed = new Notice();
  #store: Promise<QueueStore> | undefined;
  #worker: QueueWorker<Item, Value> | undefined;
  #isClosed = false;

  constructor(options: QueuedBatchOptions<Item, Value>) {
    this.#task = queueTask(options);
    this.#database = options.database;
  }

  get name(): string {
    return this.#task.settings.name;
  }

  get events(): EventSource<QueuedBatchEvents> {
    return this.#events;
  }

  /** The numbers in force. */
  get settings(): Readonly<QueuedBatchSettings> {
    return this.#task.settings;
  }

  /** How many items this process has in hand. */
  get active(): number {
    return this.#worker?.active ?? 0;
  }

  /**
   * Puts the items of a job into the queue. The same job with the same items, after a crash or not, adds those that are
   * missing and none twice; items may be appended.
   *
   * @param job Which job this is: the list, and whatever else changes the outcomes.
   * @throws {ArgumentError} when the job has other items than these, or an item is not plain JSON.
   * @throws {DatabaseError} when the database fails; call it again.
   */
  async enqueue(
    job: string,
    items: Iterable<Item> | AsyncIterable<Item>,
    options: QueueWaitOptions = {},
  ): Promise<EnqueueReport> {
    requireJob(job);
    const store = await this.#open();
    const jobId = await store.begin(job);
    const ids = new ItemIds();
    let chunk: QueuedItem[] = [];
    let total = 0;
    let added = 0;
    const flush = async (): Promise<void> => {
      options.signal?.throwIfAborted();
      const report = await store.add(jobId, chunk);
      if (report.other !== undefined) throw anotherList(job, `item ${report.other} is another one`);
      added += report.added;
      chunk = [];
      if (report.added > 0) this.#changed.tell();
    };
    for await (const item of items) {
      const key = idempotencyKeyOf(job, ids.next(this.#keyOf(item, total)));
      chunk.push({ position: total, key, json: jsonOf(item, total) });
      total += 1;
      if (chunk.length === chunkSize) await flush();
    }
    if (chunk.length > 0) await flush();
    if (!(await store.seal(jobId, total))) throw anotherList(job, `it has more than these ${total} items`);
    return { total, added };
  }

  /**
   * Works on the items of all jobs of this queue, as they come, until {@link stop}. Resolves when what was under way then
   * has ended; what had not begun goes back into the queue.
   *
   * @throws {RejectedError} when this batch is working already, or closed.
   * @throws {DatabaseError} when the tables cannot be made or found. Later failures are told as `storage-failed`.
   * @throws the signal's reason when it is aborted; what is under way is given up then, and goes back into the queue.
   */
  async work(options: QueueWaitOptions = {}): Promise<void> {
    const store = await this.#open();
    if (this.#worker !== undefined) {
      throw new RejectedError(`The queue "${this.name}" is being worked on here already: raise maxConcurrent`, 'full');
    }
    const parts = { task: this.#task, store, events: this.#events, changed: this.#changed, signal: options.signal };
    const worker = new QueueWorker(parts);
    this.#worker = worker;
    try {
      await worker.ended;
    } finally {
      this.#worker = undefined;
    }
  }

  /** Lets {@link work} take no more items, and waits for those under way. The work itself must not wait for it. */
  async stop(): Promise<void> {
    await this.#worker?.stop();
  }

  /**
   * The outcomes of a job in the order of its items, each as soon as it and all before it are there.
   *
   * @throws {NotFoundError} when there is no such job.
   * @throws {DatabaseError} when the database fails; what was given out before can be read again.
   * @throws {CheckpointError} when a value does not fit `parse` any more.
   * @throws the signal's reason when it is aborted.
   */
  async *results(
    job: string,
    options: QueueWaitOptions = {},
  ): AsyncGenerator<BatchResult<Item, Value>, void, undefined> {
    const store = await this.#open();
    let position = 0;
    for (;;) {
      // Counted first: what is there now is there when it is read.
      const { id, total } = await this.#count(job);
      const page = await store.outcomes(id, position, chunkSize);
      for (const kept of page) yield this.#resultOf(kept);
      position += page.length;
      if (position === total) return;
      if (page.length < chunkSize) await this.#task.clock.sleep(this.settings.pollIntervalMs, options.signal);
      options.signal?.throwIfAborted();
    }
  }

  /**
   * How far a job is, in all processes together. `active` are the items that a worker has in hand; one that was lost counts
   * until its lease is over. `total` is known when all items are in the queue.
   *
   * @throws {NotFoundError} when there is no such job.
   */
  async progress(job: string): Promise<BatchProgress> {
    await this.#open();
    return progressOf(this.name, await this.#count(job));
  }

  /**
   * Waits until every item of a job has an outcome, and tells `started`, `progress` and `ended` meanwhile, for a progress
   * bar.
   *
   * @throws {NotFoundError} when there is no such job.
   * @throws the signal's reason when it is aborted.
   */
  async waitForCompletion(job: string, options: QueueWaitOptions = {}): Promise<BatchProgress> {
    const events = this.#events;
    let progress = await this.progress(job);
    if (events.has('started'))
      events.emit('started', { name: this.name, total: progress.total, recorded: progress.done });
    while (progress.state !== 'ended') {
      if (events.has('progress')) events.emit('progress', progress);
      await this.#task.clock.sleep(this.settings.pollIntervalMs, options.signal);
      progress = await this.progress(job);
    }
    if (events.has('ended')) events.emit('ended', { ...progress, outcome: 'completed' });
    return progress;
  }

  /** Forgets a job, its items and their outcomes. `false` when there is none. What is under way of it is not recorded. */
  async discard(job: string): Promise<boolean> {
    return await (await this.#open()).discard(job);
  }

  /** Stops working. The database stays open: it belongs to the caller. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** The tables are made at the first use; after a failure they are tried again. */
  #open(): Promise<QueueStore> {
    if (this.#isClosed) return Promise.reject(new RejectedError(`The queue "${this.name}" is closed`, 'closed'));
    const { name, leaseMs } = this.settings;
    this.#store ??= openQueueStore({ database: this.#database, name, leaseMs }).catch(error => {
      this.#store = undefined;
      throw error;
    });
    return this.#store;
  }

  async #count(job: string): Promise<JobCounts> {
    const counts = await (await this.#open()).count(job);
    if (counts === undefined) throw new NotFoundError('Job', job);
    return counts;
  }

  #keyOf(item: Item, index: number): string {
    const key: unknown = this.#task.keyOf(item);
    if (typeof key === 'string') return key;
    throw new ArgumentError(`Cannot name item ${index}: expected keyOf to give a text, got ${typeof key}`, 'keyOf');
  }

  #resultOf({ position: index, json, line }: KeptResult): BatchResult<Item, Value> {
    const item = JSON.parse(json) as Item;
    const outcome = parseLine(line);
    if (outcome?.error !== undefined) {
      return { ok: false, item, index, error: new RecordedError(outcome.error), recorded: true };
    }
    const { parse } = this.#task;
    try {
      const value = parse === undefined ? (outcome?.value as Value) : parse(outcome?.value);
      return { ok: true, item, index, value, recorded: true };
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new CheckpointError(`The value of item ${index} does not fit \`parse\`: ${reason}`, 'unreadable', {
        cause,
      });
    }
  }
}

function anotherList(job: string, difference: string): ArgumentError {
  return new ArgumentError(
    `The job ${JSON.stringify(job)} has been given other items before: ${difference}. Give another list another job, or discard this one`,
    'items',
  );
}

/** @throws {ArgumentError} when the item would come to the worker as something else. */
function jsonOf(item: unknown, index: number): string {
  let misfit: string | undefined;
  try {
    const json = JSON.stringify(item) as string | undefined;
    misfit = json === undefined ? 'is nothing' : misfitOf(item, 'item');
    if (json !== undefined && misfit === undefined) return json;
  } catch (error) {
    misfit = `cannot be written: ${error instanceof Error ? error.message : String(error)}`;
  }
  throw new ArgumentError(`Cannot queue item ${index}: as JSON it ${misfit}. Queue plain data`, 'items');
}

/** How far back the rate looks. */
const rateMs = 15_000;

function progressOf(name: string, counts: JobCounts): BatchProgress {
  const { done, failed, active, recent, ageMs, tookMs } = counts;
  const total = counts.total ?? undefined;
  const isEnded = done === total;
  const ratePerSecond = isEnded ? 0 : (recent / Math.min(rateMs, Math.max(1, ageMs))) * 1_000;
  return {
    name,
    state: isEnded ? 'ended' : 'running',
    done,
    failed,
    recorded: 0,
    active,
    total,
    elapsedMs: isEnded ? (tookMs ?? 0) : ageMs,
    ratePerSecond,
    etaMs: total !== undefined && ratePerSecond > 0 ? ((total - done) / ratePerSecond) * 1_000 : undefined,
  };
}
