import { type Clock, type Random, untilAborted } from '../kernel/index.ts';
import { ConnectionLostError, DatabaseError } from './errors.ts';

/** How {@link connectPatiently} goes about it. */
export interface ConnectOptions {
  /** Tries once. */
  readonly connect: () => Promise<void>;
  /** Told about each failed try, with its number from 1. */
  readonly onFailure: (error: DatabaseError, attempt: number) => void;
  /** How many tries, counting the first. */
  readonly maxAttempts: number;
  /** The limit for all tries together, in milliseconds. */
  readonly deadlineMs: number;
  /** Time. */
  readonly clock: Clock;
  /** Spreads the tries. */
  readonly random: Random;
  /** Gives up. @default never */
  readonly signal?: AbortSignal | undefined;
}

const firstDelayMs = 100;
const longestDelayMs = 5_000;

/**
 * Waits until a server can be reached: exponential backoff with full jitter, inside a deadline. Failures that waiting
 * does not cure, such as a wrong password, end it at once.
 */
export async function connectPatiently(options: ConnectOptions): Promise<void> {
  const { clock, deadlineMs, signal } = options;
  const deadline = new AbortController();
  const timer = clock.setTimer(deadlineMs, () => deadline.abort());
  const either = signal === undefined ? deadline.signal : AbortSignal.any([signal, deadline.signal]);
  const failures = { count: 0, last: undefined as DatabaseError | undefined };
  try {
    await tryAgainAndAgain(options, either, failures);
  } catch (error) {
    signal?.throwIfAborted();
    if (!deadline.signal.aborted) throw error;
    const tries = failures.count === 1 ? '1 try' : `${failures.count} tries`;
    throw new ConnectionLostError(
      `The database could not be reached within ${deadlineMs} ms (${tries} failed). Check that the server runs and that ` +
        'the host and the port of the url are right',
      { cause: failures.last },
    );
  } finally {
    timer.cancel();
  }
}

async function tryAgainAndAgain(
  { connect, onFailure, maxAttempts, clock, random }: ConnectOptions,
  signal: AbortSignal,
  failures: { count: number; last: DatabaseError | undefined },
): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await untilAborted(connect(), signal);
    } catch (error) {
      if (signal.aborted || !(error instanceof DatabaseError)) throw error;
      failures.count = attempt;
      failures.last = error;
      onFailure(error, attempt);
      if (!error.retryable || attempt >= maxAttempts) throw error;
    }
    const ceilingMs = Math.min(longestDelayMs, firstDelayMs * 2 ** (attempt - 1));
    await clock.sleep(random.next() * ceilingMs, signal);
  }
}
