import type { Kysely, Transaction } from 'kysely';
import { getRequestContext } from '../context/index.ts';
import { ArgumentError } from '../errors/index.ts';
import type { Clock, Random } from '../kernel/index.ts';
import { exponentialBackoff, type RetryEvent, RetryManager } from '../resilience/index.ts';
import { connectionOf } from './driver.ts';
import { DeadlockError, SerializationError } from './errors.ts';
import { waitForLoan } from './loan.ts';

/** How a transaction runs. */
export interface TransactionOptions<Schema = unknown> {
  /** Stops the wait for a connection, cancels the running statement, and rolls back instead of committing. @default never */
  readonly signal?: AbortSignal | undefined;
  /** What the transaction may see of others. @default the server's, read committed */
  readonly isolationLevel?: 'read committed' | 'repeatable read' | 'serializable' | undefined;
  /** Whether the transaction may write. @default the server's, read write */
  readonly accessMode?: 'read only' | 'read write' | undefined;
  /**
   * How many times the whole transaction is tried, counting the first, when it lost against others: by a serialization
   * failure or a deadlock. 1 for a function that must not run twice. @default maxTransactionAttempts of the manager, 5
   */
  readonly maxAttempts?: number | undefined;
  /**
   * Runs as a part of this transaction that is taken back alone when it fails (a savepoint). The outermost transaction
   * decides about isolation, access and retries. @default a transaction of its own
   */
  readonly within?: Transaction<Schema> | undefined;
}

/** What the transactions of a manager share. */
export interface TransactionParts {
  readonly maxAttempts: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly onRetry: (event: RetryEvent) => void;
}

/** Runs whole transactions, again when they lost against others. */
export class Transactions<Schema> {
  readonly #db: Kysely<Schema>;
  readonly #parts: TransactionParts;
  readonly #retry: RetryManager;

  constructor(db: Kysely<Schema>, parts: TransactionParts) {
    this.#db = db;
    this.#parts = parts;
    this.#retry = this.#retryOf(parts.maxAttempts);
  }

  async run<Result>(
    work: (transaction: Transaction<Schema>) => Promise<Result>,
    options: TransactionOptions<Schema>,
  ): Promise<Result> {
    const { signal, maxAttempts } = options;
    const retry = maxAttempts === undefined ? this.#retry : this.#retryOf(maxAttempts);
    const { deadlineMs } = getRequestContext();
    return await retry.execute(() => this.#once(work, options), { signal, deadlineMs, onRetry: this.#parts.onRetry });
  }

  #once<Result>(
    work: (transaction: Transaction<Schema>) => Promise<Result>,
    { isolationLevel, accessMode, signal }: TransactionOptions<Schema>,
  ): Promise<Result> {
    let builder = this.#db.transaction();
    if (isolationLevel !== undefined) builder = builder.setIsolationLevel(isolationLevel);
    if (accessMode !== undefined) builder = builder.setAccessMode(accessMode);
    return waitForLoan(
      begun =>
        builder.execute(async transaction => {
          begun();
          if (signal === undefined) return await work(transaction);
          await connectionOf(transaction, async connection => connection.stopOn(signal));
          const result = await work(transaction);
          signal.throwIfAborted();
          return result;
        }),
      signal,
    );
  }

  /** No budget: these failures come of two callers at the same rows, not of a database that has too much to do. */
  #retryOf(maxAttempts: number): RetryManager {
    const { clock, random } = this.#parts;
    const backoff = exponentialBackoff({ initialDelayMs: 10, maxDelayMs: 1_000, jitter: 'equal' });
    return new RetryManager({ maxAttempts, backoff, isRetryable: hasLost, budget: false, clock, random });
  }
}

function hasLost(error: unknown): boolean {
  return error instanceof SerializationError || error instanceof DeadlockError;
}

/** Runs a part of a transaction between savepoints. */
export class NestedTransactions {
  #count = 0;
  /** Transactions in which a part is open: PostgreSQL stacks savepoints, so there is one at a time. */
  readonly #open = new WeakSet<object>();

  async run<Schema, Result>(
    work: (transaction: Transaction<Schema>) => Promise<Result>,
    { within, isolationLevel, accessMode, maxAttempts, signal }: TransactionOptions<Schema>,
  ): Promise<Result> {
    const parent = within as Transaction<Schema>;
    for (const [name, value] of Object.entries({ isolationLevel, accessMode, maxAttempts })) {
      if (value === undefined) continue;
      throw new ArgumentError(`Cannot use ${name} within a transaction: give it to the outermost one`, name);
    }
    if (this.#open.has(parent)) {
      throw new ArgumentError('Cannot begin two parts of one transaction at once: await the first one', 'within');
    }
    this.#open.add(parent);
    try {
      return await this.#between(`plinth_${++this.#count}`, parent, work, signal);
    } finally {
      this.#open.delete(parent);
    }
  }

  async #between<Schema, Result>(
    name: string,
    parent: Transaction<Schema>,
    work: (transaction: Transaction<Schema>) => Promise<Result>,
    signal: AbortSignal | undefined,
  ): Promise<Result> {
    signal?.throwIfAborted();
    await connectionOf(parent, connection => connection.savepoint(name));
    try {
      // An object of its own, so that parts of the part can be told from parts of the whole.
      const result = await work(parent.withTables() as Transaction<Schema>);
      signal?.throwIfAborted();
      await connectionOf(parent, connection => connection.releaseSavepoint(name));
      return result;
    } catch (error) {
      await connectionOf(parent, connection => connection.rollbackToSavepoint(name));
      throw error;
    }
  }
}
