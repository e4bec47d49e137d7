import { ArgumentError } from '../../errors/index.ts';
import {
  type Clock,
  type Random,
  requireDuration,
  requireInteger,
  systemClock,
  systemRandom,
} from '../../kernel/index.ts';
import { type Backoff, exponentialBackoff } from '../../resilience/index.ts';
import type { BatchDatabase } from './batch-database.ts';

/** A message as it is given to an {@link Outbox}. */
export interface OutboxMessage {
  /** What it is about, for whoever is handed it. */
  readonly topic: string;
  /** Plain data: it travels as JSON. */
  readonly payload: unknown;
  /** Messages of one key are delivered in the order in which they were added. @default none, and no order */
  readonly key?: string | undefined;
}

/** A message as it is delivered. */
export interface OutboxDelivery extends OutboxMessage {
  /** A UUID, the same at every attempt: by it a receiver knows what it has already. */
  readonly id: string;
  /** Which attempt this is, from 1. Attempts whose process was lost count. */
  readonly attempt: number;
  /** Fires when the message's lease ends, after which another relay may take it, or the relay is told to hurry. */
  readonly signal: AbortSignal;
}

/** How an {@link Outbox} works. All processes that share one give the same `name`. */
export interface OutboxOptions {
  /** Where the messages are: a `DatabaseManager` that is open. */
  readonly database: BatchDatabase;
  /**
   * Hands a message on: to a queue, a service, a mailer. When it returns the message is delivered. It may be given the
   * same message twice: after a crash, or when its answer was lost. @default none, this process only adds
   */
  readonly deliver?: ((message: OutboxDelivery) => Promise<unknown>) | undefined;
  /** Tells several outboxes in one database apart. @default 'outbox' */
  readonly name?: string | undefined;
  /** How often a message is tried before it is put aside as a dead letter, counting the first try. @default 10 */
  readonly maxAttempts?: number | undefined;
  /** How many messages are delivered at once by this process. @default 5 */
  readonly maxConcurrent?: number | undefined;
  /** How long one attempt may take, in milliseconds; then the message counts as lost and is tried again. @default 60_000 */
  readonly leaseMs?: number | undefined;
  /** How often the relay looks for messages, in milliseconds. @default 1_000 */
  readonly pollIntervalMs?: number | undefined;
  /** The waits between attempts. @default exponentialBackoff({ initialDelayMs: 1_000, maxDelayMs: 300_000, jitter: 'equal' }) */
  readonly backoff?: Backoff | undefined;
  /** @default systemClock */
  readonly clock?: Clock | undefined;
  /** @default systemRandom */
  readonly random?: Random | undefined;
}

/** The options with every default in its place. */
export interface OutboxTask {
  readonly deliver: ((message: OutboxDelivery) => Promise<unknown>) | undefined;
  readonly name: string;
  readonly maxAttempts: number;
  readonly maxConcurrent: number;
  readonly leaseMs: number;
  readonly pollIntervalMs: number;
  readonly backoff: Backoff;
  readonly clock: Clock;
  readonly random: Random;
}

const dayMs = 86_400_000;

/** Checks the options and fills in the defaults. */
export function outboxTask(options: OutboxOptions): OutboxTask {
  const { name = 'outbox' } = options;
  if (!/^[\w-]{1,50}$/.test(name)) {
    const expected = 'expected 1 to 50 letters, digits, underscores and hyphens';
    throw new ArgumentError(`Cannot use name: ${expected}, got ${JSON.stringify(name)}`, 'name');
  }
  return {
    deliver: options.deliver,
    name,
    maxAttempts: requireInteger('maxAttempts', options.maxAttempts ?? 10, 1, 1_000),
    maxConcurrent: requireInteger('maxConcurrent', options.maxConcurrent ?? 5, 1, 1_000),
    leaseMs: requireDuration('leaseMs', options.leaseMs ?? 60_000, 100, dayMs),
    pollIntervalMs: requireDuration('pollIntervalMs', options.pollIntervalMs ?? 1_000, 1),
    backoff: options.backoff ?? exponentialBackoff({ initialDelayMs: 1_000, maxDelayMs: 300_000, jitter: 'equal' }),
    clock: options.clock ?? systemClock,
    random: options.random ?? systemRandom,
  };
}
