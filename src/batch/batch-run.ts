import { setMaxListeners } from 'node:events';
import { RejectedError } from '../errors/index.ts';
import { abortReason, type Events, untilAborted } from '../kernel/index.ts';
import type { BatchOptions, BatchTask } from './batch-options.ts';
import type { BatchResult } from './batch-result.ts';
import { ItemIds, type OpenCheckpoint, type RecordedOutcome, toErrorRecord } from './checkpoint.ts';
import { BatchFailedError, RecordedError } from './errors.ts';
import type { BatchEvents, BatchOutcome, BatchProgress } from './events.ts';
import { ItemContext } from './item-context.ts';
import type { ItemSource } from './item-source.ts';
import { Notice } from './notice.ts';
import { ProgressMeter } from './progress-meter.ts';

/** What one run is made of. */
export interface BatchRunParts<Item, Value> {
  readonly task: BatchTask<Item, Value>;
  readonly events: Events<BatchEvents>;
  readonly source: ItemSource<Item>;
  /** How many results may be held, those of items under way included. */
  readonly maxHeld: number;
  readonly isPaused: boolean;
  readonly signal: BatchOptions['signal'];
}

/**
 * One batch under way. As many workers as may be busy at once take turns to read an item, see it through, and put its
 * result where it waits for those before it.
 */
export class BatchRun<Item, Value> {
  readonly #parts: BatchRunParts<Item, Value>;
  readonly #meter: ProgressMeter;
  readonly #changed = new Notice();
  readonly #results = new Map<number, BatchResult<Item, Value>>();
  readonly #ids = new ItemIds();
  readonly #batchId: string;
  /** Nothing begins any more. */
  readonly #ending = new AbortController();
  /** What is under way is told to give up, and is not waited for. */
  readonly #aborting = new AbortController();
  readonly #ended: Promise<void>;
  #checkpoint: OpenCheckpoint<Value> | undefined;
  #outcome: BatchOutcome = 'completed';
  #error: unknown;
  #isPaused: boolean;
  #isOver = false;
  #isRead = false;
  #readError: { readonly error: unknown } | undefined;
  #reading: Promise<unknown> = Promise.resolve();
  #read = 0;
  #taken = 0;
  #failures = 0;

  constructor(parts: BatchRunParts<Item, Value>) {
    const { task, source, events, isPaused } = parts;
    const { name, progressIntervalMs } = task.settings;
    this.#parts = parts;
    this.#isPaused = isPaused;
    // As many listen as items are under way.
    setMaxListeners(0, this.#ending.signal, this.#aborting.signal);
    this.#batchId = task.checkpoint?.job ?? task.ids.next();
    this.#meter = new ProgressMeter({
      name,
      total: source.total,
      intervalMs: progressIntervalMs,
      clock: task.clock,
      events,
      isPaused,
    });
    this.#ended = this.#runToEnd();
  }

  /** Resolves when nothing is under way any more. Never rejects. */
  get ended(): Promise<void> {
    return this.#ended;
  }

  progress(): BatchProgress {
    return this.#meter.read();
  }

  /** The next result in the order of the items; `undefined` after the last. Throws why the batch failed, after all results. */
  async next(): Promise<BatchResult<Item, Value> | undefined> {
    for (;;) {
      const result = this.#results.get(this.#taken);
      if (result !== undefined) {
        this.#results.delete(this.#taken);
        this.#taken += 1;
        this.#changed.tell();
        return result;
      }
      if (this.#isOver) break;
      await this.#changed.wait();
    }
    if (this.#outcome === 'aborted' || this.#outcome === 'failed') throw this.#error;
    return undefined;
  }

  pause(): void {
    this.#isPaused = true;
    if (!this.#isEnding) this.#meter.move('paused');
  }

  resume(): void {
    this.#isPaused = false;
    if (!this.#isEnding) this.#meter.move('running');
    this.#changed.tell();
  }

  /** Lets nothing begin any more, and waits for what is under way. */
  stop(): Promise<void> {
    this.#end('stopped');
    return this.#ended;
  }

  get #isEnding(): boolean {
    return this.#ending.signal.aborted;
  }

  #end(outcome: BatchOutcome, error?: unknown): void {
    if (this.#isOver) return;
    if (this.#isEnding) {
      // Who stops a batch and then aborts it does not get to the end of what is under way.
      if (this.#outcome !== 'stopped' || outcome !== 'aborted') return;
      this.#outcome = outcome;
      this.#error = error;
      return;
    }
    this.#outcome = outcome;
    this.#error = error;
    this.#meter.move('stopping');
    const { name } = this.#parts.task.settings;
    this.#ending.abort(
      outcome === 'aborted'
        ? error
        : new RejectedError(`The batch "${name}" ended before this item began`, 'closed', { retryable: true }),
    );
    this.#changed.tell();
  }

  async #runToEnd(): Promise<void> {
    const { signal } = this.#parts;
    const onAbort = (): void => {
      this.#end('aborted', abortReason(signal));
      this.#aborting.abort(abortReason(signal));
    };
    if (signal?.aborted) onAbort();
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      if (!this.#isEnding) await this.#begin();
    } catch (error) {
      this.#end('failed', error);
    }
    await this.#close();
    signal?.removeEventListener('abort', onAbort);
    this.#isOver = true;
    this.#meter.end(this.#outcome, this.#error);
    this.#changed.tell();
  }

  async #begin(): Promise<void> {
    const { events, task, source } = this.#parts;
    this.#checkpoint = await task.checkpoint?.open();
    if (events.has('started')) {
      const { name } = task.settings;
      events.emit('started', { name, total: source.total, recorded: this.#checkpoint?.size ?? 0 });
    }
    const workers = Math.min(task.settings.maxConcurrent, source.total ?? Number.POSITIVE_INFINITY);
    await Promise.all(Array.from({ length: Math.max(1, workers) }, () => this.#worker()));
    // What was read before has its results.
    if (this.#readError !== undefined) throw this.#readError.error;
  }

  async #close(): Promise<void> {
    for (const part of [this.#parts.source, this.#checkpoint]) {
      try {
        await part?.close();
      } catch (error) {
        // A batch that ended for another reason keeps it.
        if (this.#outcome === 'completed' || this.#outcome === 'stopped') {
          this.#outcome = 'failed';
          this.#error = error;
        }
      }
    }
  }

  async #worker(): Promise<void> {
    for (;;) {
      const reading = this.#reading.then(() => this.#readOne());
      this.#reading = reading;
      const context = await reading;
      if (context === undefined) return;
      this.#results.set(context.index, await this.#resultOf(context));
      this.#changed.tell();
    }
  }

  /** Reads an item when there may be one more. */
  async #readOne(): Promise<ItemContext<Item> | undefined> {
    const { source, task, maxHeld } = this.#parts;
    while (!this.#isEnding && (this.#isPaused || this.#read - this.#taken >= maxHeld)) await this.#changed.wait();
    if (this.#isEnding || this.#isRead) return undefined;
    try {
      const found = await source.next(this.#ending.signal);
      if (found !== undefined) {
        const index = this.#read;
        this.#read += 1;
        return new ItemContext({
          item: found.item,
          index,
          keyOf: task.keyOf,
          ids: task.checkpoint === undefined ? undefined : this.#ids,
          batchId: this.#batchId,
          signal: this.#aborting.signal,
        });
      }
    } catch (error) {
      this.#readError = { error };
    }
    this.#isRead = true;
    return undefined;
  }

  async #resultOf(context: ItemContext<Item>): Promise<BatchResult<Item, Value>> {
    const { item, index } = context;
    try {
      const found = await this.#findRecorded(context);
      if (found?.ok === true) return { ok: true, item, index, value: found.value, recorded: true };
      if (found !== undefined) return { ok: false, item, index, error: new RecordedError(found.error), recorded: true };
    } catch (error) {
      this.#end('failed', error);
      return { ok: false, item, index, error, recorded: false };
    }
    return await this.#workOn(context);
  }

  async #findRecorded(context: ItemContext<Item>): Promise<RecordedOutcome<Value> | undefined> {
    if (this.#checkpoint === undefined || context.misnamed !== undefined) return undefined;
    const found = await this.#checkpoint.find(context.id);
    if (found === undefined || (!found.ok && this.#parts.task.settings.repeatFailures)) return undefined;
    this.#meter.found(found.ok);
    return found;
  }

  async #workOn(context: ItemContext<Item>): Promise<BatchResult<Item, Value>> {
    const { item, index } = context;
    this.#meter.began();
    try {
      if (context.misnamed !== undefined) throw context.misnamed.error;
      const value = await this.#valueOf(context);
      await this.#record(context, { ok: true, value });
      this.#meter.finished(true, true);
      return { ok: true, item, index, value, recorded: false };
    } catch (error) {
      const isStanding = !(error instanceof RejectedError || this.#aborting.signal.aborted);
      if (isStanding) await this.#record(context, { ok: false, error: toErrorRecord(error) });
      const isOurs = this.#isOurs(error);
      this.#meter.finished(false, !isOurs);
      if (!isOurs) this.#countFailure(context, error);
      return { ok: false, item, index, error, recorded: false };
    }
  }

  /** Calls the work, again and again while it is refused for a reason that passes. */
  async #valueOf(context: ItemContext<Item>): Promise<Value> {
    const { clock, settings } = this.#parts.task;
    let untilMs: number | undefined;
    for (;;) {
      try {
        await this.#mayBegin(context.item);
        return await untilAborted(this.#callWork(context), this.#aborting.signal);
      } catch (error) {
        if (!isPassing(error)) throw error;
        const nowMs = clock.monotonic();
        untilMs ??= nowMs + settings.maxRefusalWaitMs;
        const restMs = Math.min(maxRestMs, Math.max(minRestMs, error.retryAfterMs ?? 0));
        if (nowMs + restMs > untilMs) throw error;
        await clock.sleep(restMs, this.#ending.signal);
      }
    }
  }

  async #callWork(context: ItemContext<Item>): Promise<Value> {
    return await this.#parts.task.work(context.item, context);
  }

  /** Whether an item has no outcome of its own, because the batch ended. */
  #isOurs(error: unknown): boolean {
    return [this.#ending.signal, this.#aborting.signal].some(({ aborted, reason }) => aborted && error === reason);
  }

  /** Waits until the item's work may begin. A turn that comes during a pause is let go: the pace holds after it, too. */
  async #mayBegin(item: Item): Promise<void> {
    const { limiter, limitKeyOf } = this.#parts.task;
    const { signal } = this.#ending;
    do {
      while (this.#isPaused && !this.#isEnding) await this.#changed.wait();
      signal.throwIfAborted();
      await limiter?.wait(limitKeyOf(item), { signal });
      signal.throwIfAborted();
    } while (this.#isPaused);
  }

  async #record(context: ItemContext<Item>, outcome: RecordedOutcome<Value>): Promise<void> {
    if (context.misnamed !== undefined) return;
    try {
      await this.#checkpoint?.record(context.id, context.index, outcome);
    } catch (error) {
      this.#end('failed', error);
    }
  }

  #countFailure(context: ItemContext<Item>, error: unknown): void {
    const { events, task } = this.#parts;
    const { name, maxFailures } = task.settings;
    const { index } = context;
    if (events.has('item-failed')) events.emit('item-failed', { name, index, item: context.item, error });
    this.#failures += 1;
    if (this.#failures <= maxFailures) return;
    const message = `The batch "${name}" ended because ${this.#failures} items failed, and at most ${maxFailures} may`;
    this.#end('failed', new BatchFailedError(message, this.#failures, maxFailures, { cause: error }));
  }
}

/** How long an item rests at least and at most before it is tried again after a refusal, in milliseconds. */
const [minRestMs, maxRestMs] = [1_000, 60_000];

/** A refusal by a policy of ours that ends by itself. */
function isPassing(error: unknown): error is RejectedError {
  return error instanceof RejectedError && error.reason !== 'forbidden' && error.reason !== 'closed';
}
