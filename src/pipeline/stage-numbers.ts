import { ArgumentError } from '../errors/index.ts';
import type { CircuitBreaker, Hedge, RetryManager, TimeoutSettings } from '../resilience/index.ts';
import { type StageName, stageOrder } from './call-record.ts';
import type { GuardPolicies } from './policies.ts';

/** Where a number came from: nobody gave it, code gave it, or it was changed while the guard works. */
export type NumberOrigin = 'default' | 'given' | 'live';

/** One stage of a guard, for people. */
export interface StageExplanation {
  readonly stage: StageName;
  /** The numbers in force, by the names under which they can be changed. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Where each of them came from. */
  readonly origins: Readonly<Record<string, NumberOrigin>>;
}

/** Numbers of stages that can be changed while a guard works. */
export interface GuardChanges {
  readonly deadline?: Partial<TimeoutSettings>;
  readonly retry?: Parameters<RetryManager['reconfigure']>[0];
  readonly hedge?: Parameters<Hedge['reconfigure']>[0];
  /** What the bulkhead or the adaptive limit of the guard takes. */
  readonly concurrency?: Readonly<Record<string, unknown>>;
  readonly breaker?: Parameters<CircuitBreaker['reconfigure']>[0];
  /** What the limiter of the guard takes. */
  readonly rate?: Readonly<Record<string, unknown>>;
  readonly attemptTimeout?: Partial<TimeoutSettings>;
}

/** The names of the numbers that code has given, by stage; `all` for a policy that was made elsewhere. */
export type GivenNumbers = Readonly<Partial<Record<StageName, readonly string[] | 'all'>>>;

/** A policy whose numbers can be read and changed. */
interface Changeable {
  readonly settings: object;
  reconfigure(changes: object): void;
}

/** The numbers of a guard's stages: what they are, where they came from, and how they are changed together. */
export class StageNumbers {
  readonly #policies: GuardPolicies;
  readonly #given: GivenNumbers;
  readonly #live = new Map<StageName, Set<string>>();

  constructor(policies: GuardPolicies, given: GivenNumbers) {
    this.#policies = policies;
    this.#given = given;
  }

  explain(): readonly StageExplanation[] {
    return stageOrder
      .filter(stage => stage !== 'transport' && this.#policies[stage] !== undefined)
      .map(stage => {
        const settings = this.#settingsOf(stage);
        const origins = Object.fromEntries(Object.keys(settings).map(name => [name, this.#originOf(stage, name)]));
        return { stage, settings, origins };
      });
  }

  /** Changes numbers of several stages, all or none. */
  change(changes: GuardChanges): void {
    const undo: (() => void)[] = [];
    try {
      for (const [stage, change] of Object.entries(changes) as [StageName, object | undefined][]) {
        if (change === undefined) continue;
        const policy = this.#changeable(stage);
        const before = policy.settings;
        policy.reconfigure(change);
        undo.push(() => policy.reconfigure(before));
      }
    } catch (error) {
      for (const step of undo.reverse()) step();
      throw error;
    }
    for (const [stage, change] of Object.entries(changes) as [StageName, object | undefined][]) {
      const live = this.#live.get(stage) ?? new Set();
      for (const name of Object.keys(change ?? {})) live.add(name);
      this.#live.set(stage, live);
    }
  }

  #changeable(stage: StageName): Changeable {
    const policy = this.#policyOf(stage);
    if (policy !== undefined) return policy;
    const known = stageOrder.filter(name => this.#policyOf(name) !== undefined).join(', ') || 'none';
    throw new ArgumentError(`Cannot change ${stage}: the stages of this guard that have numbers are ${known}`, stage);
  }

  #policyOf(stage: StageName): Changeable | undefined {
    const { deadline, retry, hedge, concurrency, breaker, rate, attemptTimeout } = this.#policies;
    const changeable: Partial<Record<StageName, Changeable | undefined>> = {
      deadline,
      retry,
      hedge,
      concurrency,
      breaker,
      rate: rate?.limiter,
      attemptTimeout,
    };
    return changeable[stage];
  }

  #settingsOf(stage: StageName): Readonly<Record<string, unknown>> {
    const { cache, rate } = this.#policies;
    if (stage === 'cache' && cache !== undefined) {
      const { name, ttlMs, staleMs, maxEntries } = cache;
      return { name, ttlMs, staleMs, maxEntries };
    }
    const settings = { ...this.#policyOf(stage)?.settings };
    return stage === 'rate' && rate !== undefined ? { ...settings, cost: rate.cost } : settings;
  }

  #originOf(stage: StageName, name: string): NumberOrigin {
    if (this.#live.get(stage)?.has(name)) return 'live';
    const given = this.#given[stage] ?? [];
    return given === 'all' || given.includes(name) ? 'given' : 'default';
  }
}
