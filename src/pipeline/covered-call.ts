import type { LoadContext, LoadingCache } from '../cache/index.ts';
import { runWithRequestContext } from '../context/index.ts';
import { RejectedError } from '../errors/index.ts';
import { type Clock, formatDuration } from '../kernel/index.ts';
import { Timeout } from '../resilience/index.ts';
import type { Attempt } from './attempt.ts';
import { type CallLimit, callLimit, shortened } from './call-limit.ts';
import type { CallOptions } from './call-options.ts';
import type { Outcome } from './call-record.ts';
import { type CallTrace, reasonOf } from './call-trace.ts';
import { passThrough } from './passage.ts';
import type { GuardPolicies } from './policies.ts';

/** What a {@link CoveredCall} is made of. */
export interface CoveredCallParts<Value> {
  readonly options: CallOptions;
  readonly work: (attempt: Attempt) => Promise<Value>;
  readonly policies: GuardPolicies;
  readonly clock: Clock;
  /** The decisions are noted here, if anybody is going to read them. */
  readonly trace: CallTrace | undefined;
  readonly limit: CallLimit | undefined;
  readonly host: CallHost;
}

/** Who makes the call. */
export interface CallHost {
  /** Does something for nobody, as a call of its own. */
  beside(options: CallOptions, run: (trace: CallTrace | undefined) => Promise<Outcome<unknown>>): void;
}

/**
 * One call on its way through the outer stages, deadline, fallback, cache and hedge, which cover what happens further
 * inside.
 */
export class CoveredCall<Value> {
  readonly #parts: CoveredCallParts<Value>;

  constructor(parts: CoveredCallParts<Value>) {
    this.#parts = parts;
  }

  /** Makes the call. */
  run(): Promise<Outcome<Value>> {
    const { options, limit } = this.#parts;
    return limit === undefined ? this.#withFallback(options.signal) : this.#withDeadline(limit);
  }

  async #withDeadline({ timeoutMs }: CallLimit): Promise<Outcome<Value>> {
    const { policies, options, clock, trace } = this.#parts;
    const timeout = policies.deadline ?? new Timeout({ timeoutMs: Math.max(1, timeoutMs), clock });
    let own: AbortSignal | undefined;
    try {
      return await timeout.execute(
        timed => {
          own = timed.signal;
          return this.#withFallback(own);
        },
        { signal: options.signal, timeoutMs },
      );
    } catch (error) {
      if (own?.aborted && !options.signal?.aborted)
        trace?.note('deadline', 'timed-out', formatDuration(Math.round(timeoutMs)));
      throw error;
    }
  }

  async #withFallback(signal: AbortSignal | undefined): Promise<Outcome<Value>> {
    const { policies, trace } = this.#parts;
    if (policies.fallback === undefined) return this.#withCache(signal);
    try {
      return await this.#withCache(signal);
    } catch (error) {
      if (signal?.aborted) throw error;
      // What stands in is of the type that the caller expects, or the fallback was configured for other calls.
      const value = (await policies.fallback(error)) as Value;
      const reason = reasonOf(error);
      trace?.cover(error);
      trace?.note('fallback', 'substituted', reason);
      return { value, freshness: 'fallback', ageMs: 0, reason };
    }
  }

  async #withCache(signal: AbortSignal | undefined): Promise<Outcome<Value>> {
    const { policies, options, trace, limit } = this.#parts;
    // The cache holds values of every call of its guard; a key belongs to one operation, so the type is the work's.
    const cache = policies.cache as LoadingCache<Value> | undefined;
    const { key } = options;
    const inner = limit === undefined ? undefined : shortened(limit);
    if (cache === undefined || key === undefined) return this.#repeated(signal, trace, inner);
    const covered = this.#whileOpen(cache, key);
    if (covered !== undefined) return covered;
    let began = false;
    const begin = async (load: LoadContext<Value>): Promise<Value> => {
      began = true;
      trace?.note('cache', 'miss');
      const { value } = await this.#repeated(load.signal, trace, inner);
      return value;
    };
    const loaded = await cache.load(key, begin, { signal }).catch((error: unknown) => {
      if (!began) trace?.note('cache', 'joined', reasonOf(error));
      throw error;
    });
    const { value, state, ageMs } = loaded;
    if (state === 'stale') return this.#stale(loaded, loaded.error);
    if (state !== 'loaded') trace?.note('cache', state === 'hit' ? 'hit' : 'joined');
    return { value, freshness: 'fresh', ageMs };
  }

  /**
   * What is served while the breaker is not closed: the older value, at once. Whether the dependency is well again is
   * found out beside it: no caller who can have an answer is made to try.
   */
  #whileOpen(cache: LoadingCache<Value>, key: string): Outcome<Value> | undefined {
    const { policies, options, clock, host } = this.#parts;
    const { breaker } = policies;
    if (breaker === undefined || !breaker.isBroken) return undefined;
    const older = cache.older(key);
    if (older === undefined) return undefined;
    if (breaker.wantsProbe && !cache.isLoading(key)) {
      const own = callLimit(policies, undefined, clock);
      const renew = (trace: CallTrace | undefined): Promise<Outcome<Value>> =>
        // Nobody waits, so nobody's deadline counts, and no caller's retries.
        runWithRequestContext({ deadlineMs: undefined, attempt: undefined }, async (): Promise<Outcome<Value>> => {
          const load = async ({ signal }: LoadContext<Value>): Promise<Value> =>
            (await this.#repeated(signal, trace, own)).value;
          const { value, state, error, ageMs } = await cache.load(key, load);
          if (state === 'stale') throw error;
          return { value, freshness: 'fresh', ageMs };
        });
      host.beside(options, renew);
    }
    return this.#stale(older, new RejectedError(`The circuit "${breaker.name}" is open`, 'open'));
  }

  #stale(older: { readonly value: Value; readonly ageMs: number }, error: unknown): Outcome<Value> {
    const { trace } = this.#parts;
    const reason = reasonOf(error);
    trace?.cover(error);
    trace?.note('cache', 'stale', `${reason}, value is ${formatDuration(Math.round(older.ageMs))} old`);
    return { value: older.value, freshness: 'stale', ageMs: older.ageMs, reason };
  }

  /** One passage, or a second one beside it when the first takes long. */
  #repeated(
    signal: AbortSignal | undefined,
    trace: CallTrace | undefined,
    limit: CallLimit | undefined,
  ): Promise<Outcome<Value>> {
    const { policies, options } = this.#parts;
    const { hedge } = policies;
    if (hedge === undefined || !options.repeatable) return this.#passage(signal, trace, limit);
    let attempts = 0;
    const attempt = (own: AbortSignal): Promise<Outcome<Value>> => {
      attempts += 1;
      if (attempts > 1) trace?.note('hedge', 'hedged');
      return this.#passage(own, trace, limit);
    };
    return hedge.execute(attempt, { repeatable: true, signal });
  }

  #passage(
    signal: AbortSignal | undefined,
    trace: CallTrace | undefined,
    limit: CallLimit | undefined,
  ): Promise<Outcome<Value>> {
    const { policies, options, work, clock } = this.#parts;
    return passThrough({ options, work, policies, clock, trace, limit, signal });
  }
}
