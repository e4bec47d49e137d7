import { getRequestContext } from '../context/index.ts';
import { RejectedError } from '../errors/index.ts';
import type { Clock, EventSource, Events } from '../kernel/index.ts';
import type { CallRecord, Outcome, StageName } from './call-record.ts';
import { CallTrace, reasonOf } from './call-trace.ts';
import type { CallState, Next, Stage } from './stages.ts';

/** What a {@link Guard} tells. */
export interface GuardEvents {
  /** A call ended. */
  call: CallRecord;
}

/** What one call says about itself. */
export interface CallOptions {
  /** What is asked of the dependency, from a closed set, such as `drugsfda.search`. */
  readonly operation: string;
  /** The cache key; without one the call is neither cached nor joined with others. @default none */
  readonly key?: string | undefined;
  /** Whether the call may safely be made twice; if not, it is never retried. @default false */
  readonly repeatable?: boolean | undefined;
  /** Ends the call. @default none */
  readonly signal?: AbortSignal | undefined;
}

/** What the guarded work is given. */
export interface Attempt {
  /** Aborted when the attempt is no longer wanted. */
  readonly signal: AbortSignal | undefined;
  /** Which attempt this is: 1 is the first. */
  readonly attempt: number;
}

/** One stage of a guard, for people. */
export interface StageExplanation {
  readonly stage: StageName;
  /** The numbers in force. */
  readonly settings: Readonly<Record<string, string | number>>;
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
  readonly #stages: readonly Stage[];
  readonly #cache: Stage | undefined;
  readonly #clock: Clock;
  readonly #events: Events<GuardEvents>;
  #sequence = 0;

  constructor(dependency: string, stages: readonly Stage[], clock: Clock, events: Events<GuardEvents>) {
    this.dependency = dependency;
    this.#stages = stages;
    this.#cache = stages.find(stage => stage.recall !== undefined);
    this.#clock = clock;
    this.#events = events;
  }

  get events(): EventSource<GuardEvents> {
    return this.#events;
  }

  /** Makes a call through every stage; what a cache holds fresh is answered at once. */
  async execute<Value>(options: CallOptions, work: (attempt: Attempt) => Promise<Value>): Promise<Outcome<Value>> {
    this.#sequence += 1;
    const recalled = options.key === undefined ? undefined : this.#cache?.recall?.(options.key);
    // The cache holds values of every call of this guard; a key belongs to one operation, so the type is the work's.
    if (recalled !== undefined) return this.#told(recalled, options) as Outcome<Value>;
    const { requestId, deadlineMs } = getRequestContext();
    const trace = this.#trace(options, requestId);
    const { key, repeatable = false, signal } = options;
    try {
      const outcome = await this.#run(0, { trace, key, repeatable, deadlineMs, signal }, transport(work));
      if (this.#events.has('call')) this.#events.emit('call', trace.succeeded(outcome));
      return outcome as Outcome<Value>;
    } catch (error) {
      if (this.#events.has('call')) this.#events.emit('call', trace.failed(error));
      throw error;
    }
  }

  /**
   * The stages from outside to inside, with the numbers that are in force.
   *
   * @example
   * for (const { stage, settings } of guard.explain()) print(stage, settings);
   */
  explain(): readonly StageExplanation[] {
    return this.#stages.map(stage => ({ stage: stage.name, settings: stage.describe() }));
  }

  #told(recalled: Outcome<unknown>, options: CallOptions): Outcome<unknown> {
    if (this.#events.has('call')) {
      const trace = this.#trace(options, getRequestContext().requestId);
      trace.note('cache', 'hit');
      this.#events.emit('call', trace.succeeded(recalled));
    }
    return recalled;
  }

  #trace({ operation, key }: CallOptions, requestId: string | undefined): CallTrace {
    const { dependency } = this;
    return new CallTrace({ sequence: this.#sequence, dependency, operation, key, requestId }, this.#clock);
  }

  #run(index: number, state: CallState, last: Next): Promise<Outcome<unknown>> {
    const stage = this.#stages[index];
    return stage === undefined ? last(state) : stage.run(state, inner => this.#run(index + 1, inner, last));
  }
}

function transport(work: (attempt: Attempt) => Promise<unknown>): Next {
  return async state => {
    const attempt = state.trace.countAttempt();
    try {
      const value = await work({ signal: state.signal, attempt });
      state.trace.note('transport', 'ok');
      return { value, freshness: 'fresh', ageMs: 0 };
    } catch (error) {
      state.trace.note('transport', error instanceof RejectedError ? 'rejected' : 'failed', reasonOf(error));
      throw error;
    }
  };
}
