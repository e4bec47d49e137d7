import type { Kysely, Transaction } from 'kysely';
import { getRequestContext } from '../context/index.ts';
import { ArgumentError } from '../errors/index.ts';
import type { Clock, Random } from '../kernel/index.ts';
import { exponentialBackoff, type RetryEvent, RetryManager } from '../resilience/index.ts';
import { connectionOf, transactionOn } from './driver.ts';
import { DeadlockError, SerializationError } from './errors.ts';
import { waitForLoan } from './loan.ts';
import { isStaleStatement } from './prepared-statement.ts';

/** How a transaction runs. */
export interface TransactionOptions<Schema = unknown> {
  /**
   * Stops the wait for a connection, cancels the running statement, and rolls back instead of committing. With `within`
   * it is looked at before the part begins and before it is kept: a statement that runs goes on. @default never
   */
  readonly signal?: AbortSignal | undefined;
  /** What the transaction may see of others. @default the server's, read committed */
  readonly isolationLevel?: 'read committed' | 'repeatable read' | 'serializable' | undefined;
  /** Whether the transaction may write. @default the server's, read write */
  readonly accessMode?: 'read only' | 'read write' | undefined;
  /**
   * How many times the whole transaction is tried, counting the first, when it lost against others: by a serialization
   * failure, a deadlock, or a change of a table that a prepared statement of it did not expect. 1 for a function that must not run twice. @default maxTransactionAttempts of the manager, 5
   */
  readonly maxAttempts?: number | undefined;
  /**
   * Runs as a part of this transaction that is taken back alone when it fails (a savepoint). Until the part has ended,
   * only what its function was given takes statements. The outermost transaction decides about isolation, access and
   * retries. @default a transaction of its own
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
    let isStale = false;
    const once = (): Promise<Result> =>
      this.#once(work, options, isStale).catch((error: unknown) => {
        // Other connections may know the same statement, and there are more of them than attempts.
        isStale ||= isStaleStatement(error);
        throw error;
      });
    return await retry.execute(once, { signal, deadlineMs, onRetry: this.#parts.onRetry });
  }

  #once<Result>(
    work: (transaction: Transaction<Schema>) => Promise<Result>,
    { isolationLevel, accessMode, signal }: TransactionOptions<Schema>,
    isWithoutNames: boolean,
  ): Promise<Result> {
    let builder = this.#db.transaction();
    if (isolationLevel !== undefined) builder = builder.setIsolationLevel(isolationLevel);
    if (accessMode !== undefined) builder = builder.setAccessMode(accessMode);
    return waitForLoan(
      begun =>
        builder.execute(async transaction => {
          begun();
          if (signal !== undefined || isWithoutNames) {
            await connectionOf(transaction, async connection => {
              if (signal !== undefined) connection.stopOn(signal);
              if (isWithoutNames) connection.withoutNames();
            });
          }
          return await work(transaction);
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
  const isLost = error instanceof SerializationError || error instanceof DeadlockError;
  return isLost || (isStaleStatement(error) && error.retryable);
}

/** Runs a part of a transaction: it is taken back alone when it fails. */
export async function runPart<Schema, Result>(
  work: (transaction: Transaction<Schema>) => Promise<Result>,
  { within, isolationLevel, accessMode, maxAttempts, signal }: TransactionOptions<Schema>,
): Promise<Result> {
  const whole = within as Transaction<Schema>;
  for (const [name, value] of Object.entries({ isolationLevel, accessMode, maxAttempts })) {
    if (value === undefined) continue;
    throw new ArgumentError(`Cannot use ${name} within a transaction: give it to the outermost one`, name);
  }
  signal?.throwIfAborted();
  const part = await connectionOf(whole, connection => connection.part());
  try {
    const result = await work(transactionOn(whole, part));
    signal?.throwIfAborted();
    await connectionOf(whole, () => part.commit());
    return result;
  } catch (error) {
    // When the whole is over, so is the part.
    await connectionOf(whole, () => part.rollback()).catch(() => undefined);
    throw error;
  }
}
