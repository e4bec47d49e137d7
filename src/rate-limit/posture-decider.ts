import type { Clock } from '../kernel/index.ts';
import type { RateLimitDecision } from './decision.ts';
import { MemoryRateLimitStore } from './memory-store.ts';
import { type ConnectionHistory, guardOf, requirePosture, shareBeginsMs, type WhenUnavailable } from './posture.ts';
import { type LimitPlan, sizeOf } from './redis-plan.ts';
import type { CompiledLimit, RateLimitLaw } from './store.ts';

/** After how long it is worthwhile to ask again when nobody knows, in milliseconds. */
const unknownRetryMs = 1_000;

/** Decides what Redis cannot decide, by the posture that was chosen. */
export class PostureDecider {
  readonly #posture: WhenUnavailable;
  readonly #history: ConnectionHistory;
  readonly #clock: Clock;
  readonly #memory: MemoryRateLimitStore;
  // The limit of a plan scaled by the share; `undefined` where the share is less than one permit.
  readonly #shares = new WeakMap<LimitPlan, { readonly limit: CompiledLimit | undefined }>();

  /** @throws {ArgumentError} for a share that is not above 0 and at most 1. */
  constructor(posture: WhenUnavailable, history: ConnectionHistory, clock: Clock) {
    this.#posture = requirePosture(posture);
    this.#history = history;
    this.#clock = clock;
    this.#memory = new MemoryRateLimitStore({ clock: withExactReadings(clock) });
  }

  /** Asked before Redis is: a decision where Redis alone may not decide, `undefined` where it may. */
  before(plan: LimitPlan, key: string, cost: number): RateLimitDecision | undefined {
    if (this.#history.outages.length === 0) return undefined;
    const nowMs = this.#clock.monotonic();
    const { silentUntilMs, shareUntilMs } = guardOf(this.#posture, plan, this.#history);
    if (nowMs < silentUntilMs) return refusal(plan, silentUntilMs - nowMs);
    if (nowMs >= shareUntilMs) return undefined;
    const share = this.#takeShare(plan, key, cost);
    return share.allowed ? undefined : share;
  }

  /** Asked when Redis is away, or has given no answer. */
  instead(plan: LimitPlan, key: string, cost: number): RateLimitDecision {
    if (this.#posture === 'open') return admission(plan);
    if (this.#posture === 'closed') return refusal(plan, unknownRetryMs);
    const nowMs = this.#clock.monotonic();
    const beginsMs = shareBeginsMs(plan, this.#history);
    if (beginsMs === undefined) return refusal(plan, unknownRetryMs);
    return nowMs < beginsMs ? refusal(plan, beginsMs - nowMs) : this.#takeShare(plan, key, cost);
  }

  /** As {@link instead}, but takes nothing and does not look into the local share. */
  glance(plan: LimitPlan): RateLimitDecision {
    return this.#posture === 'open' ? admission(plan) : refusal(plan, unknownRetryMs);
  }

  /** Forgets the local share of a key. */
  reset(plan: LimitPlan, key: string): void {
    const { limit } = this.#shareOf(plan);
    if (limit !== undefined) this.#memory.reset(key, limit);
  }

  /** Forgets all local shares. */
  close(): void {
    this.#memory.close();
  }

  #takeShare(plan: LimitPlan, key: string, cost: number): RateLimitDecision {
    const { limit } = this.#shareOf(plan);
    if (limit === undefined || limit.laws.some(law => cost > sizeOf(law))) return refusal(plan, unknownRetryMs);
    return { ...this.#memory.take(key, cost, limit), outcome: 'unavailable' };
  }

  #shareOf(plan: LimitPlan): { readonly limit: CompiledLimit | undefined } {
    const known = this.#shares.get(plan);
    if (known !== undefined) return known;
    const factor = typeof this.#posture === 'object' ? this.#posture.localShare : 0;
    const laws = plan.limit.laws.map(law => scaled(law, factor));
    const made = { limit: laws.every(law => sizeOf(law) >= 1) ? { ...plan.limit, laws } : undefined };
    this.#shares.set(plan, made);
    return made;
  }
}

function scaled(law: RateLimitLaw, share: number): RateLimitLaw {
  if (law.kind === 'sliding-window') return { ...law, requests: Math.floor(law.requests * share) };
  return { ...law, ratePerSecond: law.ratePerSecond * share, capacity: Math.floor(law.capacity * share) };
}

function admission(plan: LimitPlan): RateLimitDecision {
  const limit = tightest(plan);
  return { allowed: true, outcome: 'unavailable', limit, remaining: limit, retryAfterMs: 0, resetAfterMs: 0 };
}

function refusal(plan: LimitPlan, waitMs: number): RateLimitDecision {
  const retryAfterMs = Math.max(1, Math.ceil(waitMs));
  return {
    allowed: false,
    outcome: 'unavailable',
    limit: tightest(plan),
    remaining: 0,
    retryAfterMs,
    resetAfterMs: retryAfterMs,
  };
}

function tightest(plan: LimitPlan): number {
  return Math.min(...plan.limit.laws.map(sizeOf));
}

/** A coarse reading may lag, and would date a use of the share early: exact enough for one process, not for the sum. */
function withExactReadings(clock: Clock): Clock {
  return {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    monotonicCoarse: () => clock.monotonic(),
    setTimer: (delayMs, callback, options) => clock.setTimer(delayMs, callback, options),
    setRepeatingTimer: (intervalMs, callback, options) => clock.setRepeatingTimer(intervalMs, callback, options),
    sleep: (delayMs, signal) => clock.sleep(delayMs, signal),
  };
}
