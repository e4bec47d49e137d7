import { ArgumentError } from '../errors/index.ts';
import { type Clock, requireInteger, requireNumber } from '../kernel/index.ts';
import type { RateLimitDecision } from './decision.ts';
import { decisionOf, type LimitAnswer, type LimitPlan } from './redis-plan.ts';
import { maxGrant } from './redis-script.ts';

/** How permits are taken ahead. */
export interface LeaseOptions {
  /** The most permits that one trip takes; how many it takes follows the demand. @default 200 */
  readonly maxPermits?: number | undefined;
  /**
   * How long permits may be held, as a share of the shortest window (or of the time in which the smallest bucket fills).
   * What is not used by then is lost, and the law is made so much tighter, so that it holds all the same. @default 0.05
   */
  readonly holdShare?: number | undefined;
  /** How many keys may hold permits in this process; beyond it the oldest lets go of them. @default 10_000 */
  readonly maxKeys?: number | undefined;
}

/** Asks Redis for at least `cost` permits and at most `most`. */
export type AskForPermits = (plan: LimitPlan, key: string, cost: number, most: number) => Promise<LimitAnswer>;

interface WaitingCall {
  readonly cost: number;
  readonly resolve: (decision: RateLimitDecision) => void;
  readonly reject: (error: unknown) => void;
}

interface Lease {
  readonly plan: LimitPlan;
  /** Permits in hand. */
  permits: number;
  /** How many were taken at the last trip. */
  granted: number;
  usableUntilMs: number;
  /** How many to ask for, by the demand so far. */
  size: number;
  answer: LimitAnswer | undefined;
  /** A denial is remembered: as much as this cost, or more, cannot be there before. */
  denial: LimitAnswer | undefined;
  deniedUntilMs: number;
  deniedCost: number;
  waiting: WaitingCall[];
  isAsking: boolean;
}

/**
 * Takes permits ahead and spends them in memory. A trip to Redis takes as many as the demand of the last one suggests,
 * the server grants no more than half of what is left, and a denial is remembered until permits can be there again.
 */
export class LeasedPermits {
  readonly #ask: AskForPermits;
  readonly #clock: Clock;
  readonly #maxPermits: number;
  readonly #maxKeys: number;
  readonly #leases = new Map<string, Lease>();

  /** @throws {ArgumentError} that names the option, its value and what was expected. */
  constructor(options: LeaseOptions, clock: Clock, ask: AskForPermits) {
    this.#maxPermits = requireInteger('maxPermits', options.maxPermits ?? 200, 1, maxGrant);
    this.#maxKeys = requireInteger('maxKeys', options.maxKeys ?? 10_000, 1);
    this.#clock = clock;
    this.#ask = ask;
  }

  /** A permit in hand, or from Redis. */
  take(plan: LimitPlan, key: string, cost: number): Promise<RateLimitDecision> {
    if (cost > plan.maxCost) return Promise.reject(costTooHigh(plan, cost));
    const lease = this.#leaseOf(plan, key);
    const decision = lease.waiting.length === 0 ? spend(lease, cost, this.#clock.monotonic()) : undefined;
    if (decision !== undefined) return Promise.resolve(decision);
    return new Promise((resolve, reject) => {
      lease.waiting.push({ cost, resolve, reject });
      if (!lease.isAsking) void this.#serve(lease, key);
    });
  }

  /** Lets go of what is in hand and of what is remembered for a key. */
  forget(plan: LimitPlan, key: string): void {
    this.#leases.delete(nameOf(plan, key));
  }

  /** Lets go of everything. */
  close(): void {
    this.#leases.clear();
  }

  #leaseOf(plan: LimitPlan, key: string): Lease {
    const name = nameOf(plan, key);
    const known = this.#leases.get(name);
    // Numbers may have changed since; what was taken under other ones is not spent under these.
    if (known?.plan === plan) return known;
    const lease: Lease = {
      plan,
      permits: 0,
      granted: 0,
      usableUntilMs: Number.NEGATIVE_INFINITY,
      size: 1,
      answer: undefined,
      denial: undefined,
      deniedUntilMs: Number.NEGATIVE_INFINITY,
      deniedCost: 0,
      waiting: [],
      isAsking: false,
    };
    if (this.#leases.size >= this.#maxKeys) this.#dropOldest();
    this.#leases.set(name, lease);
    return lease;
  }

  #dropOldest(): void {
    const [oldest] = this.#leases.keys();
    if (oldest !== undefined) this.#leases.delete(oldest);
  }

  /** Asks Redis until nobody waits any more. */
  async #serve(lease: Lease, key: string): Promise<void> {
    lease.isAsking = true;
    try {
      for (let first = lease.waiting[0]; first !== undefined; first = lease.waiting[0]) {
        await this.#trip(lease, key, first.cost);
      }
    } catch (error) {
      for (const call of lease.waiting.splice(0)) call.reject(error);
    } finally {
      lease.isAsking = false;
    }
  }

  async #trip(lease: Lease, key: string, cost: number): Promise<void> {
    const { plan, waiting } = lease;
    const before = waiting.length;
    const wanted = waiting.reduce((sum, call) => sum + call.cost, 0);
    // Held from the moment of asking: the permits are taken after it, at a time that is not known.
    const askedMs = this.#clock.monotonic();
    lease.size = nextSize(lease, askedMs, this.#maxPermits);
    const most = plan.holdMs === 0 ? cost : Math.min(this.#maxPermits, Math.max(wanted, lease.size));
    const answer = await this.#ask(plan, key, cost, Math.max(cost, most));
    const nowMs = this.#clock.monotonic();
    lease.answer = answer;
    lease.permits = answer.granted;
    lease.granted = answer.granted;
    lease.usableUntilMs = askedMs + plan.holdMs;
    if (!answer.allowed) {
      lease.denial = answer;
      lease.deniedUntilMs = nowMs + answer.waitMs;
      lease.deniedCost = cost;
    }
    this.#handOut(lease, before, nowMs);
  }

  /** In the order of asking, until somebody needs more than there is. */
  #handOut(lease: Lease, before: number, nowMs: number): void {
    const { waiting } = lease;
    let served = 0;
    for (const { cost, resolve } of waiting) {
      // Who waited when the permits were taken may have them however long the answer took.
      const decision = spend(lease, cost, served < before ? Number.NEGATIVE_INFINITY : nowMs, nowMs);
      if (decision === undefined) break;
      resolve(decision);
      served += 1;
    }
    waiting.splice(0, served);
  }
}

/** A decision from what is in hand or remembered; `undefined` when Redis must be asked. */
function spend(lease: Lease, cost: number, useMs: number, nowMs: number = useMs): RateLimitDecision | undefined {
  const { answer, denial } = lease;
  if (answer !== undefined && lease.permits >= cost && useMs < lease.usableUntilMs) {
    lease.permits -= cost;
    return {
      allowed: true,
      outcome: 'allowed',
      limit: answer.limit,
      remaining: answer.left + lease.permits,
      retryAfterMs: 0,
      resetAfterMs: answer.wholeMs,
    };
  }
  if (denial === undefined || cost < lease.deniedCost || nowMs >= lease.deniedUntilMs) return undefined;
  const retryAfterMs = Math.ceil(lease.deniedUntilMs - nowMs);
  return { ...decisionOf(denial), retryAfterMs, resetAfterMs: Math.max(retryAfterMs, denial.wholeMs) };
}

/** Twice as many when the last ones were used up in their time, as many as were used when they were not. */
function nextSize(lease: Lease, nowMs: number, maxPermits: number): number {
  if (lease.granted === 0) return lease.size;
  const used = lease.granted - lease.permits;
  return nowMs < lease.usableUntilMs ? Math.min(maxPermits, lease.size * 2) : Math.max(1, used);
}

function nameOf(plan: LimitPlan, key: string): string {
  return `${plan.limit.name}\n${key}`;
}

function costTooHigh(plan: LimitPlan, cost: number): ArgumentError {
  return new ArgumentError(
    `Cannot take ${cost} permits of "${plan.limit.name}" at once: with a lease its smallest law holds ${plan.maxCost}. Ask for less, or use no lease`,
    'cost',
  );
}

/** @throws {ArgumentError} for a share that is not from 0.001 to 0.5. */
export function requireHoldShare(options: LeaseOptions | undefined): number {
  return options === undefined ? 0 : requireNumber('holdShare', options.holdShare ?? 0.05, 0.001, 0.5);
}
