import type { PoolClient } from 'pg';
import { type PlinthError, RejectedError } from '../errors/index.ts';
import { abortReason, type Clock, type Timer } from '../kernel/index.ts';
import { ConnectionLostError, QueryTimeoutError } from './errors.ts';

/** What a {@link StatementStop} needs of those who own the connection. */
export interface StopParts {
  readonly clock: Clock;
  /** Asks the server to cancel what the client is running. `undefined` where nothing can: the connection is closed. */
  readonly cancel: ((client: PoolClient) => void) | undefined;
}

/** How long the server may take to answer after a cancel request, before the connection is closed, in milliseconds. */
const cancelGraceMs = 1_000;
/** How often the server is asked to cancel within that time. */
const cancelRequests = 4;

/** Ends the statements of one connection before their answer: at the deadline of the request, or by a signal. */
export class StatementStop {
  readonly #client: PoolClient;
  readonly #parts: StopParts;
  #signal: AbortSignal | undefined;
  #stoppedBy: 'deadline' | 'signal' | undefined;
  #isSpoilt = false;

  constructor(client: PoolClient, parts: StopParts) {
    this.#client = client;
    this.#parts = parts;
  }

  /** Whether the connection is good for nothing but its end. */
  get isSpoilt(): boolean {
    return this.#isSpoilt;
  }

  /** What those are told whose work was stopped. `undefined` when none was. */
  get reason(): unknown {
    if (this.#stoppedBy === undefined) return undefined;
    return this.#stoppedBy === 'signal' ? abortReason(this.#signal) : stoppedError('deadline');
  }

  on(signal: AbortSignal): void {
    this.#signal = signal;
  }

  /**
   * @throws {RejectedError} when the deadline has passed.
   * @throws the signal's reason when it has aborted.
   */
  refuseLate(nowMs: number, deadlineMs: number | undefined, hasRun: boolean): void {
    const isLate = isPast(deadlineMs, nowMs);
    if (!isLate && this.#signal?.aborted !== true) return;
    // What the loan was about to clean up stays on the connection, such as a lock: so it is not used again.
    if (hasRun) this.#isSpoilt = true;
    this.#stoppedBy ??= isLate ? 'deadline' : 'signal';
    throw isLate ? outOfTime() : abortReason(this.#signal);
  }

  /**
   * @throws {RejectedError} when the deadline has passed.
   * @throws the signal's reason when it has aborted.
   */
  refuseLateCommit(deadlineMs: number | undefined): void {
    if (isPast(deadlineMs, this.#parts.clock.monotonic())) throw tooLateToCommit();
    if (this.#signal?.aborted === true) throw abortReason(this.#signal);
  }

  /** Waits for an answer, and has the server cancel the statement when it comes too late. */
  wait<Answer>(arriving: Promise<Answer>, startMs: number, deadlineMs: number | undefined): Promise<Answer> {
    return this.#waitUntil(arriving, startMs, deadlineMs, by => this.#stop(by));
  }

  /**
   * Waits for the answer to what ends a transaction, or a part of it: that is not cancelled, so that its outcome is known
   * where the server answers soon. Where it does not, the connection is closed.
   */
  waitForEnd<Answer>(arriving: Promise<Answer>, startMs: number, deadlineMs: number | undefined): Promise<Answer> {
    return this.#waitUntil(arriving, startMs, deadlineMs, by =>
      this.#parts.clock.setTimer(cancelGraceMs, () => {
        this.#stoppedBy = by;
        void this.#client.end();
      }),
    );
  }

  /** Says of a statement that was stopped why that was; other failures stay what they are. */
  explain(error: PlinthError): unknown {
    if (this.#stoppedBy === undefined) return error;
    if (error instanceof ConnectionLostError && error.outcomeUnknown) {
      const cause = this.reason;
      return new ConnectionLostError(
        'The statement was broken off when its time was up, before the database answered: it may have taken effect',
        { cause, outcomeUnknown: true },
      );
    }
    const isStopped = error instanceof ConnectionLostError || error instanceof QueryTimeoutError;
    return isStopped ? this.reason : error;
  }

  #waitUntil<Answer>(
    arriving: Promise<Answer>,
    startMs: number,
    deadlineMs: number | undefined,
    onLate: (by: 'deadline' | 'signal') => Timer,
  ): Promise<Answer> {
    const mayBeLate = deadlineMs !== undefined || this.#signal !== undefined;
    return mayBeLate ? this.#waitStoppably(arriving, startMs, deadlineMs, onLate) : arriving;
  }

  async #waitStoppably<Answer>(
    arriving: Promise<Answer>,
    startMs: number,
    deadlineMs: number | undefined,
    onLate: (by: 'deadline' | 'signal') => Timer,
  ): Promise<Answer> {
    const signal = this.#signal;
    let grace: Timer | undefined;
    const stop = (by: 'deadline' | 'signal'): void => {
      grace ??= onLate(by);
    };
    const onAbort = (): void => stop('signal');
    const { clock } = this.#parts;
    const leftMs = deadlineMs === undefined ? undefined : Math.max(0, deadlineMs - startMs);
    const timer = leftMs === undefined ? undefined : clock.setTimer(leftMs, () => stop('deadline'));
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted === true) onAbort();
    try {
      return await arriving;
    } finally {
      timer?.cancel();
      grace?.cancel();
      signal?.removeEventListener('abort', onAbort);
    }
  }

  /** A cancel request may arrive after the statement has ended and hit the next one: there must be no next one. */
  #stop(by: 'deadline' | 'signal'): Timer {
    const { cancel, clock } = this.#parts;
    this.#isSpoilt = true;
    this.#stoppedBy = by;
    if (cancel === undefined) return clock.setTimer(0, () => void this.#client.end());
    cancel(this.#client);
    let requests = 1;
    // A request that arrives before the statement has begun does nothing, and the statement would run to its end.
    const repeating = clock.setRepeatingTimer(cancelGraceMs / cancelRequests, () => {
      if (requests < cancelRequests) {
        requests += 1;
        cancel(this.#client);
        return;
      }
      repeating.cancel();
      void this.#client.end();
    });
    return repeating;
  }
}

/** The refusal of those whose deadline has passed. */
export function outOfTime(): RejectedError {
  return new RejectedError('The deadline of the request has passed: the database was not asked', 'out-of-time');
}

/** What a statement ends with that was broken off. */
export function stoppedError(by: 'deadline' | 'signal'): QueryTimeoutError {
  const why = by === 'deadline' ? 'the deadline of the request was reached' : 'the caller gave up';
  return new QueryTimeoutError(`The statement was cancelled: ${why}`, { sqlState: '57014' });
}

function tooLateToCommit(): RejectedError {
  return new RejectedError(
    'The deadline of the request has passed: the transaction was rolled back instead of committed',
    'out-of-time',
  );
}

function isPast(deadlineMs: number | undefined, nowMs: number): boolean {
  return deadlineMs !== undefined && nowMs >= deadlineMs;
}
