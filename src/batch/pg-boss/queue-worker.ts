import { setMaxListeners } from 'node:events';
import { PlinthError, RejectedError, TimeoutError } from '../../errors/index.ts';
import { abortReason, type Events, untilAborted } from '../../kernel/index.ts';
import type { WorkContext } from '../batch-options.ts';
import { type RecordedOutcome, toErrorRecord } from '../checkpoint.ts';
import { lineOf } from '../checkpoint-line.ts';
import type { Notice } from '../notice.ts';
import { WorkerLostError } from './errors.ts';
import type { QueuedBatchEvents } from './events.ts';
import type { ClaimedItem, KeptOutcome, QueueStore } from './queue-store.ts';
import type { QueueTask } from './queued-batch-options.ts';

/** What a worker is made of. */
export interface QueueWorkerParts<Item, Value> {
  readonly task: QueueTask<Item, Value>;
  readonly store: QueueStore;
  readonly events: Events<QueuedBatchEvents>;
  /** Tells that there may be something to do. */
  readonly changed: Notice;
  /** Ends the work at once. */
  readonly signal: AbortSignal | undefined;
}

/** How long an item waits that could not be tried, or is tried again, when nobody says how long. */
const pauseMs = 1_000;
const longestPauseMs = 60_000;

/** One process's part of the work: takes items as it has room, sees each through, and keeps its outcome. */
export class QueueWorker<Item, Value> {
  readonly #parts: QueueWorkerParts<Item, Value>;
  readonly #underWay = new Set<Promise<void>>();
  /** Nothing begins any more. */
  readonly #ending = new AbortController();
  /** What is under way is given up. */
  readonly #aborting = new AbortController();
  readonly ended: Promise<void>;
  #restingUntilMs = 0;
  #reclaimedMs = Number.NEGATIVE_INFINITY;

  constructor(parts: QueueWorkerParts<Item, Value>) {
    this.#parts = parts;
    // As many listen as items are under way.
    setMaxListeners(0, this.#ending.signal, this.#aborting.signal);
    this.ended = this.#runToEnd();
    // Who does not wait for the end is not disturbed by it.
    this.ended.catch(() => {});
  }

  /** How many items are in hand. */
  get active(): number {
    return this.#underWay.size;
  }

  /** Lets nothing begin any more, and waits for what is under way. */
  async stop(): Promise<void> {
    this.#end(new RejectedError('The worker stopped before this item began', 'closed', { retryable: true }));
    await this.ended.catch(() => {});
  }

  #end(reason: unknown): void {
    this.#ending.abort(reason);
    this.#parts.changed.tell();
  }

  async #runToEnd(): Promise<void> {
    const { signal } = this.#parts;
    const onAbort = (): void => {
      this.#aborting.abort(abortReason(signal));
      this.#end(abortReason(signal));
    };
    if (signal?.aborted) onAbort();
    signal?.addEventListener('abort', onAbort, { once: true });
    while (!this.#ending.signal.aborted) await this.#turn();
    await Promise.all(this.#underWay);
    signal?.removeEventListener('abort', onAbort);
    signal?.throwIfAborted();
  }

  /** Fills the free places, and waits until there may be something to do. */
  async #turn(): Promise<void> {
    const { task, store, changed } = this.#parts;
    const { maxConcurrent, pollIntervalMs, leaseMs } = task.settings;
    const nowMs = task.clock.monotonic();
    const free = maxConcurrent - this.#underWay.size;
    if (free === 0) return await changed.wait();
    if (nowMs < this.#restingUntilMs) return await this.#idle(this.#restingUntilMs - nowMs);
    try {
      if (nowMs - this.#reclaimedMs >= leaseMs / 4) {
        this.#reclaimedMs = nowMs;
        await store.reclaim();
      }
      const items = await store.claim(free);
      for (const item of items) this.#begin(item);
      if (items.length === free) return;
    } catch (error) {
      this.#tell(error);
    }
    await this.#idle(pollIntervalMs);
  }

  async #idle(durationMs: number): Promise<void> {
    const { task, changed } = this.#parts;
    if (this.#ending.signal.aborted) return;
    await new Promise<void>(resolve => {
      const timer = task.clock.setTimer(durationMs, resolve, { keepsProcessAlive: true });
      void changed.wait().then(() => {
        timer.cancel();
        resolve();
      });
    });
  }

  #begin(item: ClaimedItem): void {
    const work = this.#see(item)
      .catch(error => this.#tell(error))
      .then(() => {
        this.#underWay.delete(work);
        this.#parts.changed.tell();
      });
    this.#underWay.add(work);
  }

  /** Sees an item through: to its outcome, or back into the queue. */
  async #see(claimed: ClaimedItem): Promise<void> {
    const { store, task, events } = this.#parts;
    const { maxLosses } = task.settings;
    if (claimed.losses > maxLosses) return await this.#fail(claimed, new WorkerLostError(claimed.losses));
    let kept: KeptOutcome;
    try {
      kept = this.#keep(claimed, { ok: true, value: await this.#attempt(claimed) });
    } catch (error) {
      return await this.#afterFailure(claimed, error);
    }
    if ((await store.finish(claimed, kept)) && events.has('item-succeeded')) {
      events.emit('item-succeeded', { name: task.settings.name, index: claimed.position });
    }
  }

  async #afterFailure(claimed: ClaimedItem, error: unknown): Promise<void> {
    const { store, task } = this.#parts;
    if (this.#isOurs(error)) return await store.putBack(claimed, { delayMs: 0, failed: false });
    if (isRefusal(error)) {
      // What refused this item refuses the next one, too.
      const delayMs = error.retryAfterMs ?? pauseMs;
      this.#restingUntilMs = task.clock.monotonic() + delayMs;
      return await store.putBack(claimed, { delayMs, failed: false });
    }
    const mayPass = !(error instanceof PlinthError) || error.retryable;
    if (!mayPass || claimed.attempts + 1 >= task.settings.maxAttempts) return await this.#fail(claimed, error);
    await store.putBack(claimed, { delayMs: delayAfter(error, claimed.attempts), failed: true });
  }

  async #attempt(claimed: ClaimedItem): Promise<Value> {
    const { task } = this.#parts;
    const limitMs = task.settings.leaseMs * 0.9;
    const lease = new AbortController();
    const timer = task.clock.setTimer(limitMs, () => {
      const message = `The item took longer than ${limitMs} ms: give the queue a longer lease, or the work a time limit`;
      lease.abort(new TimeoutError(message, limitMs));
    });
    try {
      const item = JSON.parse(claimed.json) as Item;
      const turn = AbortSignal.any([this.#ending.signal, lease.signal]);
      await task.limiter?.wait(task.limitKeyOf(item), { signal: turn });
      turn.throwIfAborted();
      const signal = AbortSignal.any([this.#aborting.signal, lease.signal]);
      return await untilAborted(this.#callWork(item, claimed, signal), signal);
    } finally {
      timer.cancel();
    }
  }

  async #callWork(item: Item, { position, key }: ClaimedItem, signal: AbortSignal): Promise<Value> {
    const { task } = this.#parts;
    const context: WorkContext = { index: position, key: task.keyOf(item), signal, idempotencyKey: key };
    return await task.work(item, context);
  }

  async #fail(claimed: ClaimedItem, error: unknown): Promise<void> {
    const { store, events, task } = this.#parts;
    const isKept = await store.finish(claimed, this.#keep(claimed, { ok: false, error: toErrorRecord(error) }));
    if (!isKept || !events.has('item-failed')) return;
    const item: unknown = JSON.parse(claimed.json);
    events.emit('item-failed', { name: task.settings.name, index: claimed.position, item, error });
  }

  /** @throws {CheckpointError} when the value would not come back as it is: that is a failure of this item. */
  #keep({ key, position }: ClaimedItem, outcome: RecordedOutcome<unknown>): KeptOutcome {
    return { ok: outcome.ok, line: lineOf(key, position, outcome, this.#parts.task.parse !== undefined) };
  }

  /** Whether the item was not tried to its end because the worker ends. */
  #isOurs(error: unknown): boolean {
    return [this.#ending.signal, this.#aborting.signal].some(({ aborted, reason }) => aborted && error === reason);
  }

  #tell(error: unknown): void {
    const { events, task } = this.#parts;
    if (events.has('storage-failed')) events.emit('storage-failed', { name: task.settings.name, error });
  }
}

/** Whether nothing was tried, and may be later. An address that is forbidden stays so. */
function isRefusal(error: unknown): error is RejectedError {
  return error instanceof RejectedError && error.reason !== 'forbidden';
}

function delayAfter(error: unknown, attempts: number): number {
  const retryAfterMs = error instanceof PlinthError ? error.retryAfterMs : undefined;
  return retryAfterMs ?? Math.min(longestPauseMs, pauseMs * 2 ** attempts);
}
