import type { MemoryCache } from '../cache/index.ts';
import { RejectedError } from '../errors/index.ts';
import { type Clock, formatDuration } from '../kernel/index.ts';
import { type CircuitBreaker, type RetryManager, Timeout } from '../resilience/index.ts';
import type { Outcome, StageName } from './call-record.ts';
import { type CallTrace, reasonOf } from './call-trace.ts';

/** What a stage knows about the call that passes through it. */
export interface CallState {
  readonly trace: CallTrace;
  /** The cache key; without one the cache stage is passed by. */
  readonly key: string | undefined;
  /** Whether the call may be made twice; otherwise the retry stage lets it through once. */
  readonly repeatable: boolean;
  /** When the caller stops waiting, on the monotonic clock. */
  readonly deadlineMs: number | undefined;
  readonly signal: AbortSignal | undefined;
}

/** The rest of the pipeline, seen from a stage. */
export type Next = (state: CallState) => Promise<Outcome<unknown>>;

/** One stage: it decides, notes its decision, and lets the call through or not. */
export interface Stage {
  readonly name: StageName;
  /** The numbers that are in force, for `explain()`. */
  describe(): Readonly<Record<string, string | number>>;
  run(state: CallState, next: Next): Promise<Outcome<unknown>>;
  /** Answers at once from memory, if it can: such a call needs no deadline and no other stage. */
  recall?(key: string): Outcome<unknown> | undefined;
}

/**
 * How much earlier than the call the stages inside must end, in milliseconds: what is left is for covering their failure
 * with an older value. At the deadline itself nobody would be there to take it.
 */
const coverTimeMs = 20;

/** Ends the whole call, retries and all, when its time is up. */
export function deadlineStage(timeoutMs: number, clock: Clock): Stage {
  const timeout = new Timeout({ timeoutMs, clock });
  return {
    name: 'deadline',
    describe: () => ({ timeout: formatDuration(timeoutMs) }),
    async run(state, next) {
      const nowMs = clock.monotonic();
      const leftMs = Math.min(timeoutMs, (state.deadlineMs ?? Number.POSITIVE_INFINITY) - nowMs);
      if (leftMs <= 0) {
        state.trace.note('deadline', 'rejected', 'no time left before the call began');
        throw new RejectedError('The deadline had passed before the call began', 'out-of-time');
      }
      return runTimed(
        { stage: 'deadline', timeout, timeoutMs: leftMs },
        { ...state, deadlineMs: nowMs + leftMs - Math.min(coverTimeMs, leftMs / 2) },
        next,
      );
    },
  };
}

/** Gives a substitute when everything inside has failed. */
export function fallbackStage(substitute: (error: unknown) => unknown): Stage {
  return {
    name: 'fallback',
    describe: () => ({}),
    async run(state, next) {
      try {
        return await next(state);
      } catch (error) {
        if (state.signal?.aborted) throw error;
        const value = await substitute(error);
        state.trace.cover(error);
        state.trace.note('fallback', 'substituted', reasonOf(error));
        return { value, freshness: 'fallback', ageMs: 0, reason: reasonOf(error) };
      }
    },
  };
}

/** Answers from memory, joins calls for the same key, and covers outages with older values. */
export function cacheStage(cache: MemoryCache<unknown>): Stage {
  return {
    name: 'cache',
    describe: () => ({
      cache: cache.name,
      fresh: formatDuration(cache.ttlMs),
      stale: formatDuration(cache.staleMs),
      entries: cache.maxEntries,
    }),
    recall(key) {
      const hit = cache.hit(key);
      return hit && { value: hit.value, freshness: 'fresh', ageMs: hit.ageMs };
    },
    async run(state, next) {
      const { key, trace } = state;
      if (key === undefined) return next(state);
      let began = false;
      const begin = async (signal: AbortSignal): Promise<unknown> => {
        began = true;
        trace.note('cache', 'miss');
        const outcome = await next({ ...state, signal });
        return outcome.value;
      };
      const loaded = await cache.load(key, begin, { signal: state.signal }).catch(error => {
        if (!began) trace.note('cache', 'joined', reasonOf(error));
        throw error;
      });
      if (loaded.state === 'stale') {
        trace.cover(loaded.error);
        const reason = reasonOf(loaded.error);
        trace.note('cache', 'stale', `${reason}, value is ${formatDuration(Math.round(loaded.ageMs))} old`);
        return { value: loaded.value, freshness: 'stale', ageMs: loaded.ageMs, reason };
      }
      if (loaded.state !== 'loaded') trace.note('cache', loaded.state === 'hit' ? 'hit' : 'joined');
      return { value: loaded.value, freshness: 'fresh', ageMs: loaded.ageMs };
    },
  };
}

/** Tries again what failed for a passing reason. */
export function retryStage(retry: RetryManager): Stage {
  return {
    name: 'retry',
    describe: () => ({ maxAttempts: retry.maxAttempts }),
    async run(state, next) {
      if (!state.repeatable) return next(state);
      let attempts = 0;
      const attempt = (): Promise<Outcome<unknown>> => {
        attempts += 1;
        return next(state);
      };
      try {
        return await retry.execute(attempt, {
          signal: state.signal,
          deadlineMs: state.deadlineMs,
          onRetry(event) {
            state.trace.note(
              'retry',
              'retried',
              `${reasonOf(event.error)}, waits ${formatDuration(Math.round(event.delayMs))}`,
            );
          },
        });
      } catch (error) {
        if (attempts > 1) state.trace.note('retry', 'gave-up', `${attempts} attempts`);
        throw error;
      }
    },
  };
}

/** Refuses while the dependency keeps failing. */
export function breakerStage(breaker: CircuitBreaker): Stage {
  return {
    name: 'breaker',
    describe: () => ({
      failureThreshold: breaker.failureThreshold,
      recoveryTime: formatDuration(breaker.recoveryTimeMs),
    }),
    async run(state, next) {
      let admitted = false;
      try {
        return await breaker.execute(
          () => {
            admitted = true;
            state.trace.note('breaker', 'ok', breaker.state);
            return next(state);
          },
          { signal: state.signal },
        );
      } catch (error) {
        if (!admitted) state.trace.note('breaker', 'rejected', 'open');
        throw error;
      }
    },
  };
}

/** Gives up on one attempt. */
export function attemptTimeoutStage(timeoutMs: number, clock: Clock): Stage {
  const timeout = new Timeout({ timeoutMs, clock });
  return {
    name: 'attemptTimeout',
    describe: () => ({ timeout: formatDuration(timeoutMs) }),
    run(state, next) {
      const leftMs = (state.deadlineMs ?? Number.POSITIVE_INFINITY) - clock.monotonic();
      const ownMs = Math.max(1, Math.min(timeoutMs, leftMs));
      return runTimed({ stage: 'attemptTimeout', timeout, timeoutMs: ownMs }, state, next);
    },
  };
}

interface TimedStage {
  readonly stage: StageName;
  readonly timeout: Timeout;
  readonly timeoutMs: number;
}

/** Runs the rest against the clock, and notes when this stage's own time ran out, not that of one further out. */
async function runTimed(timed: TimedStage, state: CallState, next: Next): Promise<Outcome<unknown>> {
  const { stage, timeout, timeoutMs } = timed;
  let own: AbortSignal | undefined;
  try {
    return await timeout.execute(
      signal => {
        own = signal;
        return next({ ...state, signal });
      },
      { signal: state.signal, timeoutMs },
    );
  } catch (error) {
    if (own?.aborted && !state.signal?.aborted) state.trace.note(stage, 'timed-out', formatDuration(timeoutMs));
    throw error;
  }
}
