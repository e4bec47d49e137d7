import { ArgumentError } from '../errors/index.ts';
import { type Clock, requireInteger, requireNumber } from '../kernel/index.ts';
import type { RateLimitDecision } from './decision.ts';
import { LatestKeys } from './latest-keys.ts';
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
  /** How many keys of a limit this process remembers; beyond it, those not asked for lately let go of their permits. @default 100_000 */
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
  readonly waiting: WaitingCall[];
  isAsking: boolean;
}

/**
 * Takes permits ahead and spends them in memory. A key that is asked for less often than a permit may be held costs what
 * it costs without a lease: each of its permits is asked for. From the second call within that time on, a trip to Redis
 * takes as many as the demand of the last one suggests, of which the server grants no more than half of what is left.
 * Denials are remembered until permits can be there again.
 */
export class LeasedPermits {
  readonly #ask: AskForPermits;
  readonly #clock: Clock;
  readonly #maxPermits: number;
  readonly #maxKeys: number;
  // By plan: when numbers change, what was taken under other ones is not spent under these.
  #keys = new WeakMap<LimitPlan, LatestKeys<Lease | number>>();

  /** @throws {ArgumentError} that names the option, its value and what was expected. */
  constructor(options: LeaseOptions, clock: Clock, ask: AskForPermits) {
    this.#maxPermits = requireInteger('maxPermits', options.maxPermits ?? 200, 1, maxGrant);
    this.#maxKeys = requireInteger('maxKeys', options.maxKeys ?? 100_000, 1);
    this.#clock = clock;
    this.#ask = ask;
  }

  /** A permit in hand, at once; or from Redis. */
  take(plan: LimitPlan, key: string, cost: number): RateLimitDecision | Promise<RateLimitDecision> {
    if (cost > plan.maxCost) return Promise.reject(costTooHigh(plan, cost));
    const keys = this.#keysOf(plan);
    const known = keys.get(key);
    const nowMs = this.#clock.monotonic();
    if (typeof known !== 'object') {
      if (known === undefined || nowMs >= known + plan.holdMs) return this.#takeOne(plan, key, cost, nowMs);
      const lease = newLease(plan);
      keys.set(key, lease);
      return this.#takeAhead(lease, key, cost);
    }
    if (!known.isAsking) {
      const inHand = spend(known, cost, nowMs);
      if (inHand !== undefined) return inHand;
    }
    return this.#takeAhead(known, key, cost);
  }

  /** Lets go of what is in hand and of what is remembered for a key. */
  forget(plan: LimitPlan, key: string): void {
    this.#keys.get(plan)?.delete(key);
  }

  /** Lets go of everything. */
  close(): void {
    this.#keys = new WeakMap();
  }

  #keysOf(plan: LimitPlan): LatestKeys<Lease | number> {
    let keys = this.#keys.get(plan);
    if (keys === undefined) {
      keys = new LatestKeys(this.#maxKeys);
      this.#keys.set(plan, keys);
    }
    return keys;
  }

  /** Asks for just this, and remembers when. */
  #takeOne(plan: LimitPlan, key: string, cost: number, nowMs: number): Promise<RateLimitDecision> {
    this.#keysOf(plan).set(key, Math.floor(nowMs));
    return this.#ask(plan, key, cost, cost).then(answer => {
      if (!answer.allowed) this.#rememberDenial(plan, key, cost, answer);
      return decisionOf(answer);
    });
  }

  #rememberDenial(plan: LimitPlan, key: string, cost: number, answer: LimitAnswer): void {
    const keys = this.#keysOf(plan);
    // A lease that somebody else has begun meanwhile learns of it by itself.
    if (typeof keys.get(key) === 'object') return;
    const lease = newLease(plan);
    keepAnswer(lease, answer, cost, Number.NEGATIVE_INFINITY, this.#clock.monotonic());
    keys.set(key, lease);
  }

  #takeAhead(lease: Lease, key: string, cost: number): Promise<RateLimitDecision> {
    return new Promise((resolve, reject) => {
      const call: WaitingCall = { cost, resolve, reject };
      if (lease.isAsking) lease.waiting.push(call);
      else this.#trip(lease, key, call);
    });
  }

  /** Asks Redis for who is first, and for all that wait behind; then serves them until nobody waits any more. */
  #trip(lease: Lease, key: string, first: WaitingCall): void {
    const { plan, waiting } = lease;
    const { cost } = first;
    const before = waiting.length;
    const wanted = waiting.reduce((sum, call) => sum + call.cost, cost);
    // Held from the moment of asking: the permits are taken after it, at a time that is not known.
    const askedMs = this.#clock.monotonic();
    lease.size = nextSize(lease, askedMs, this.#maxPermits);
    const most = plan.holdMs === 0 ? cost : Math.min(this.#maxPermits, Math.max(wanted, lease.size));
    lease.isAsking = true;
    this.#ask(plan, key, cost, Math.max(cost, most)).then(
      answer => {
        lease.isAsking = false;
        const nowMs = this.#clock.monotonic();
        keepAnswer(lease, answer, cost, askedMs, nowMs);
        // Who waited when the permits were taken may have them however long the answer took.
        first.resolve(spend(lease, cost, Number.NEGATIVE_INFINITY, nowMs) ?? decisionOf(answer));
        if (waiting.length > 0) this.#handOut(lease, key, before, nowMs);
      },
      (error: unknown) => {
        lease.isAsking = false;
        first.reject(error);
        for (const call of waiting.splice(0)) call.reject(error);
      },
    );
  }

  /** In the order of asking, until somebody needs more than there is: Redis is asked again, for that one first. */
  #handOut(lease: Lease, key: string, before: number, nowMs: number): void {
    const { waiting } = lease;
    let served = 0;
    for (const call of waiting) {
      const decision = spend(lease, call.cost, served < before ? Number.NEGATIVE_INFINITY : nowMs, nowMs);
      served += 1;
      if (decision === undefined) {
        waiting.splice(0, served);
        this.#trip(lease, key, call);
        return;
      }
      call.resolve(decision);
    }
    waiting.length = 0;
  }
}

/** A lease begins with the second call in the time that a permit may be held, and so with two. */
function newLease(plan: LimitPlan): Lease {
  return {
    plan,
    permits: 0,
    granted: 0,
    usableUntilMs: Number.NEGATIVE_INFINITY,
    size: 2,
    answer: undefined,
    denial: undefined,
    deniedUntilMs: Number.NEGATIVE_INFINITY,
    deniedCost: 0,
    waiting: [],
    isAsking: false,
  };
}

function keepAnswer(lease: Lease, answer: LimitAnswer, cost: number, askedMs: number, nowMs: number): void {
  lease.answer = answer;
  lease.permits = answer.granted;
  lease.granted = answer.granted;
  lease.usableUntilMs = askedMs + lease.plan.holdMs;
  if (answer.allowed) return;
  lease.denial = answer;
  lease.deniedUntilMs = nowMs + answer.waitMs;
  lease.deniedCost = cost;
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
