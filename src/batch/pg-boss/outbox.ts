import { setMaxListeners } from 'node:events';
import { ArgumentError, RejectedError, TimeoutError } from '../../errors/index.ts';
import { abortReason, type EventSource, Events, untilAborted } from '../../kernel/index.ts';
import { toErrorRecord } from '../checkpoint.ts';
import { misfitOf } from '../checkpoint-line.ts';
import { Notice } from '../notice.ts';
import type { TransactionRunner } from './batch-database.ts';
import { type OutboxMessage, type OutboxOptions, type OutboxTask, outboxTask } from './outbox-options.ts';
import { type ClaimedMessage, OutboxStore } from './outbox-store.ts';

/** A message that was put aside. */
export interface DeadLetter extends OutboxMessage {
  readonly id: string;
  /** How often it was tried. */
  readonly attempts: number;
  /** Why the last attempt failed. */
  readonly error: string;
  readonly deadAt: Date;
}

/** What an {@link Outbox} tells. Never the payload. */
export interface OutboxEvents {
  /** A message was handed on. */
  delivered: { readonly name: string; readonly id: string; readonly topic: string; readonly attempt: number };
  /** An attempt failed; another one follows. */
  'attempt-failed': {
    readonly name: string;
    readonly id: string;
    readonly topic: string;
    readonly attempt: number;
    readonly delayMs: number;
    readonly error: unknown;
  };
  /** A message was put aside. */
  'dead-lettered': { readonly name: string; readonly id: string; readonly topic: string; readonly error: unknown };
  /** The database could not be asked. The relay goes on and tries again; a message in hand is delivered another time. */
  'storage-failed': { readonly name: string; readonly error: unknown };
}

/**
 * A transactional outbox: what shall be sent is written in the transaction that makes the change, and sent by a relay
 * after the commit. So nothing is sent of a change that was rolled back, and nothing is lost of one that was committed,
 * whoever is killed when. Each message is delivered at least once; those of one key in their order, one at a time; one
 * that fails `maxAttempts` times is put aside and those behind it go on.
 *
 * @example
 * const outbox = new Outbox({ database, deliver: ({ id, topic, payload }) => queue.send(topic, { id, payload }) });
 * await outbox.open();
 * await database.transaction(async transaction => {
 *   await transaction.insertInto('orders').values(order).execute();
 *   await outbox.add(transaction, { topic: 'order-placed', payload: { orderId }, key: customerId });
 * });
 * void outbox.work(); // here, or in another process
 */
export class Outbox implements AsyncDisposable {
  readonly #task: OutboxTask;
  readonly #store: OutboxStore;
  readonly #events = new Events<OutboxEvents>();
  readonly #changed = new Notice();
  readonly #inHand = new Set<Promise<void>>();
  /** Nothing is taken any more. */
  readonly #ending = new AbortController();
  #working: Promise<void> | undefined;
  #isClosed = false;

  /** @throws {ArgumentError} that names the option and its value. */
  constructor(options: OutboxOptions) {
    this.#task = outboxTask(options);
    this.#store = new OutboxStore(options.database, this.#task.name);
    setMaxListeners(0, this.#ending.signal);
  }

  get events(): EventSource<OutboxEvents> {
    return this.#events;
  }

  /** Makes the table, if there is none yet. */
  async open(): Promise<void> {
    await this.#store.createTable();
  }

  /**
   * Writes a message in the caller's transaction: it exists when that is committed.
   *
   * @param transaction What the function of `database.transaction(fn)` was given.
   * @returns The id of the message.
   * @throws {ArgumentError} for a payload that is not the same as JSON, no topic, and a null byte in the topic or the key;
   * for what is no transaction.
   * @throws {RejectedError} when no outbox of this database was opened yet, or this one is closed.
   */
  async add(transaction: TransactionRunner, { topic, payload, key }: OutboxMessage): Promise<string> {
    if (this.#isClosed)
      throw new RejectedError(`The outbox "${this.#task.name}" is closed: it takes no messages`, 'closed');
    if (transaction.isTransaction !== true) throw noTransaction();
    if (topic === '') throw new ArgumentError('Cannot add a message without a topic', 'topic');
    for (const [name, text = ''] of Object.entries({ topic, key })) {
      if (!text.includes('\0')) continue;
      // The database would refuse it, and with it the whole transaction of the caller.
      throw new ArgumentError(`Cannot add the message: expected a ${name} without null bytes`, name);
    }
    const json = jsonOf(payload);
    try {
      return await this.#store.add(transaction, topic, key, json);
    } catch (cause) {
      if ((cause as { readonly sqlState?: unknown }).sqlState !== undefinedTable) throw cause;
      const message = `The outbox "${this.#task.name}" has no table in this database: await open() first`;
      throw new RejectedError(message, 'closed', { cause });
    }
  }

  /**
   * Delivers messages until the signal fires or {@link stop} is called, and then what is in hand. A second call joins.
   *
   * @throws {ArgumentError} when the outbox was made without `deliver`.
   */
  async work(options: { readonly signal?: AbortSignal | undefined } = {}): Promise<void> {
    const { signal } = options;
    if (this.#task.deliver === undefined) {
      throw new ArgumentError('Cannot relay messages: the outbox was made without deliver', 'deliver');
    }
    const onAbort = (): void => this.#end();
    if (signal?.aborted) onAbort();
    signal?.addEventListener('abort', onAbort, { once: true });
    this.#working ??= this.#run();
    await this.#working;
    signal?.removeEventListener('abort', onAbort);
  }

  /** Takes no more messages, and waits for those in hand. */
  async stop(): Promise<void> {
    this.#end();
    await this.#working;
  }

  /** Stops, and takes no more messages to be sent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** How many messages wait or are in hand. */
  async pending(): Promise<number> {
    return await this.#store.pending();
  }

  /** Messages that were put aside, the oldest first. */
  async deadLetters(limit = 100): Promise<readonly DeadLetter[]> {
    return (await this.#store.dead(limit)).map(({ json, key, error, ...row }) => ({
      ...row,
      ...(key === null ? {} : { key }),
      payload: JSON.parse(json) as unknown,
      error: error ?? 'its processes were lost',
    }));
  }

  /**
   * Takes a dead letter up again, to be tried anew, behind what waits in its key now. `false` when there is none of this id.
   */
  async revive(id: string): Promise<boolean> {
    const isRevived = await this.#store.revive(id);
    this.#changed.tell();
    return isRevived;
  }

  #end(): void {
    this.#ending.abort(new RejectedError('The outbox stopped', 'closed'));
    this.#changed.tell();
  }

  async #run(): Promise<void> {
    const { maxConcurrent, leaseMs, pollIntervalMs } = this.#task;
    while (!this.#ending.signal.aborted) {
      // Asked for before the look, so that what changes during it is not missed.
      const changed = this.#changed.wait();
      const free = maxConcurrent - this.#inHand.size;
      if (free > 0) {
        try {
          const messages = await this.#store.claim(free, leaseMs);
          for (const message of messages) this.#begin(message);
          if (messages.length === free) continue;
        } catch (error) {
          this.#tellStorage(error);
        }
      }
      await this.#idle(changed, pollIntervalMs);
    }
    await Promise.all(this.#inHand);
  }

  async #idle(changed: Promise<void>, durationMs: number): Promise<void> {
    if (this.#ending.signal.aborted) return;
    await new Promise<void>(resolve => {
      const timer = this.#task.clock.setTimer(durationMs, resolve, { keepsProcessAlive: true });
      void changed.then(() => {
        timer.cancel();
        resolve();
      });
    });
  }

  #begin(message: ClaimedMessage): void {
    const seen = this.#see(message)
      .catch((error: unknown) => this.#tellStorage(error))
      .then(() => {
        this.#inHand.delete(seen);
        // A place is free, and perhaps the next message of the key.
        this.#changed.tell();
      });
    this.#inHand.add(seen);
  }

  async #see(message: ClaimedMessage): Promise<void> {
    const { name, maxAttempts } = this.#task;
    const { id, topic, attempt } = message;
    // The processes that had it were lost, each time: the message may be what ends them.
    if (attempt > maxAttempts) return await this.#bury(message, undefined);
    try {
      await this.#deliver(message);
    } catch (error) {
      return await this.#afterFailure(message, error);
    }
    const isDelivered = await this.#store.delivered(message);
    if (isDelivered && this.#events.has('delivered')) this.#events.emit('delivered', { name, id, topic, attempt });
  }

  /** No longer than the lease lasts: then another relay may have the message. */
  async #deliver({ id, topic, key, json, attempt }: ClaimedMessage): Promise<void> {
    const { deliver, leaseMs, clock } = this.#task;
    const lease = new AbortController();
    const limitMs = leaseMs * 0.9;
    const timer = clock.setTimer(limitMs, () =>
      lease.abort(new TimeoutError(`The delivery took longer than ${limitMs} ms`, limitMs)),
    );
    try {
      const payload = JSON.parse(json) as unknown;
      const message = { id, topic, payload, attempt, signal: lease.signal, ...(key === null ? {} : { key }) };
      await untilAborted(Promise.resolve(deliver?.(message)), lease.signal);
      if (lease.signal.aborted) throw abortReason(lease.signal);
    } finally {
      timer.cancel();
    }
  }

  async #afterFailure(message: ClaimedMessage, error: unknown): Promise<void> {
    const { name, maxAttempts, backoff, random } = this.#task;
    const { id, topic, attempt } = message;
    if (attempt >= maxAttempts) return await this.#bury(message, error);
    const delayMs = backoff.delayMs(attempt, random);
    await this.#store.postpone(message, delayMs, textOf(error));
    if (!this.#events.has('attempt-failed')) return;
    this.#events.emit('attempt-failed', { name, id, topic, attempt, delayMs, error });
  }

  async #bury(message: ClaimedMessage, error: unknown): Promise<void> {
    const { id, topic } = message;
    const isBuried = await this.#store.bury(message, error === undefined ? undefined : textOf(error));
    if (!isBuried || !this.#events.has('dead-lettered')) return;
    this.#events.emit('dead-lettered', { name: this.#task.name, id, topic, error });
  }

  #tellStorage(error: unknown): void {
    this.#events.emit('storage-failed', { name: this.#task.name, error });
  }
}

/** What PostgreSQL calls a table that does not exist. */
const undefinedTable = '42P01';

function noTransaction(): ArgumentError {
  return new ArgumentError(
    'Cannot add a message outside of a transaction: it would be sent also when the change is rolled back. Give what the ' +
      'function of database.transaction(fn) was given',
    'transaction',
  );
}

/** Enough to know what happened. */
const maxErrorLength = 500;

function textOf(error: unknown): string {
  const { code, message } = toErrorRecord(error) as { code?: string; message?: string };
  return `${code ?? 'ERROR'}: ${message ?? ''}`.slice(0, maxErrorLength);
}

/** @throws {ArgumentError} when the payload would come to its receiver as something else. */
function jsonOf(payload: unknown): string {
  let misfit: string | undefined;
  try {
    const json = JSON.stringify(payload) as string | undefined;
    misfit = json === undefined ? 'is nothing' : misfitOf(payload, 'payload');
    if (json !== undefined && misfit === undefined) return json;
  } catch (error) {
    misfit = `cannot be written: ${error instanceof Error ? error.message : String(error)}`;
  }
  throw new ArgumentError(`Cannot add the message: as JSON its payload ${misfit}. Send plain data`, 'payload');
}
