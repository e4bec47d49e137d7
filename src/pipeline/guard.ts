import { getRequestContext } from '../context/index.ts';
import { RejectedError } from '../errors/index.ts';
import type { Clock, EventSource, Events } from '../kernel/index.ts';
import type { Attempt } from './attempt.ts';
import { callLimit } from './call-limit.ts';
import type { CallOptions } from './call-options.ts';
import type { CallRecord, Outcome } from './call-record.ts';
import { CallTrace } from './call-trace.ts';
import { type CallHost, CoveredCall } from './covered-call.ts';
import { passThrough } from './passage.ts';
import type { GuardPolicies } from './policies.ts';
import { type GivenNumbers, type GuardChanges, type StageExplanation, StageNumbers } from './stage-numbers.ts';

/** What a {@link Guard} tells. */
export interface GuardEvents {
  /** A call ended. */
  call: CallRecord;
  /** Numbers of stages were changed while the guard works. */
  changed: { readonly dependency: string; readonly changes: GuardChanges };
}

/** What a {@link Guard} is made of. */
export interface GuardParts {
  readonly dependency: string;
  readonly policies: GuardPolicies;
  /** The numbers that code has given, by stage; the others are defaults. */
  readonly given: GivenNumbers;
  readonly clock: Clock;
  readonly events: Events<GuardEvents>;
}

/**
 * A dependency with its policies around it. Made by {@link pipeline}.
 *
 * @example
 * const outcome = await guard.execute({ operation: 'rates.read', key: 'EUR', repeatable: true }, ({ signal }) =>
 *   fetchRates('EUR', signal),
 * );
 * if (outcome.freshness === 'stale') warn(`Rates are ${outcome.ageMs} ms old: ${outcome.reason}`);
 */
export class Guard {
  /** The dependency behind this guard. */
  readonly dependency: string;
  readonly #policies: GuardPolicies;
  readonly #clock: Clock;
  readonly #events: Events<GuardEvents>;
  readonly #numbers: StageNumbers;
  readonly #isCovered: boolean;
  readonly #host: CallHost = { beside: (options, run) => this.#beside(options, run) };
  #sequence = 0;

  constructor({ dependency, policies, given, clock, events }: GuardParts) {
    this.dependency = dependency;
    this.#policies = policies;
    this.#clock = clock;
    this.#events = events;
    this.#numbers = new StageNumbers(policies, given);
    const { cache, fallback, hedge } = policies;
    this.#isCovered = cache !== undefined || fallback !== undefined || hedge !== undefined;
  }

  get events(): EventSource<GuardEvents> {
    return this.#events;
  }

  /** Makes a call through every stage; what a cache holds fresh is answered at once. */
  execute<Value>(options: CallOptions, work: (attempt: Attempt) => Promise<Value>): Promise<Outcome<Value>> {
    this.#sequence += 1;
    const { key } = options;
    if (key !== undefined && this.#policies.cache !== undefined) {
      const hit = this.#policies.cache.hit(key);
      // The cache holds values of every call of this guard; a key belongs to one operation, so the type is the work's.
      if (hit !== undefined) return Promise.resolve(this.#recalled(hit, options) as Outcome<Value>);
    }
    return this.#events.has('call')
      ? this.#recorded(options, false, trace => this.#run(options, work, trace))
      : this.#run(options, work, undefined);
  }

  /**
   * The stages from outside to inside, with the numbers that are in force and where they came from.
   *
   * @example
   * for (const { stage, settings } of guard.explain()) print(stage, settings);
   */
  explain(): readonly StageExplanation[] {
    return this.#numbers.explain();
  }

  /**
   * Changes numbers of stages while the guard works, all of them or none; calls that begin from now on see the new ones.
   *
   * @throws {ArgumentError} that names what cannot be used. Nothing has changed then.
   * @example
   * guard.reconfigure({ retry: { maxAttempts: 2 }, attemptTimeout: { timeoutMs: 500 } });
   */
  reconfigure(changes: GuardChanges): void {
    this.#numbers.change(changes);
    if (this.#events.has('changed')) this.#events.emit('changed', { dependency: this.dependency, changes });
  }

  #recalled(hit: { readonly value: unknown; readonly ageMs: number }, options: CallOptions): Outcome<unknown> {
    const outcome: Outcome<unknown> = { value: hit.value, freshness: 'fresh', ageMs: hit.ageMs };
    if (this.#events.has('call')) {
      const { operation, key, repeatable = false } = options;
      const { requestId } = getRequestContext();
      const { dependency } = this;
      const identity = {
        sequence: this.#sequence,
        dependency,
        operation,
        key,
        requestId,
        background: false,
        repeatable,
      };
      const trace = new CallTrace(identity, this.#clock);
      trace.note('cache', 'hit');
      this.#events.emit('call', trace.succeeded(outcome));
    }
    return outcome;
  }

  #run<Value>(
    options: CallOptions,
    work: (attempt: Attempt) => Promise<Value>,
    trace: CallTrace | undefined,
  ): Promise<Outcome<Value>> {
    const policies = this.#policies;
    const clock = this.#clock;
    const limit = callLimit(policies, getRequestContext().deadlineMs, clock);
    if (limit !== undefined && limit.timeoutMs <= 0) {
      trace?.note('deadline', 'rejected', 'no time left before the call began');
      return Promise.reject(new RejectedError('The deadline had passed before the call began', 'out-of-time'));
    }
    if (this.#isCovered) {
      return new CoveredCall({ options, work, policies, clock, trace, limit, host: this.#host }).run();
    }
    return passThrough({ options, work, policies, clock, trace, limit, signal: options.signal });
  }

  /** Does something of a call for nobody. It is told as a call of its own; its failure is nobody's. */
  #beside(options: CallOptions, run: (trace: CallTrace | undefined) => Promise<Outcome<unknown>>): void {
    this.#sequence += 1;
    const running = this.#events.has('call') ? this.#recorded(options, true, run) : run(undefined);
    running.catch(() => {});
  }

  async #recorded<Value>(
    { operation, key, repeatable = false }: CallOptions,
    background: boolean,
    run: (trace: CallTrace) => Promise<Outcome<Value>>,
  ): Promise<Outcome<Value>> {
    const { dependency } = this;
    const { requestId } = getRequestContext();
    const trace = new CallTrace(
      { sequence: this.#sequence, dependency, operation, key, requestId, background, repeatable },
      this.#clock,
    );
    try {
      const outcome = await run(trace);
      this.#events.emit('call', trace.succeeded(outcome));
      return outcome;
    } catch (error) {
      this.#events.emit('call', trace.failed(error));
      throw error;
    }
  }
}
