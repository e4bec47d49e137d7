import { RejectedError } from '../errors/index.ts';
import { type Clock, systemClock } from '../kernel/index.ts';
import { RedisCommandError, type RedisConnection, RedisUnavailableError } from '../redis/index.ts';
import type { RateLimitDecision } from './decision.ts';
import { LeasedPermits, type LeaseOptions, requireHoldShare } from './leased-permits.ts';
import type { WhenUnavailable } from './posture.ts';
import { PostureDecider } from './posture-decider.ts';
import { LimitCommands } from './redis-commands.ts';
import { decisionOf, LimitPlan } from './redis-plan.ts';
import type { CompiledLimit, RateLimitStore } from './store.ts';

/** The options of a {@link RedisRateLimitStore}. */
export interface RedisRateLimitStoreOptions {
  /** The connection. It may be shared, and stays open when the store is closed. */
  readonly redis: RedisConnection;
  /**
   * What to do while Redis is away. There is no default: `open` protects the callers, `closed` protects what is limited,
   * and a share needs to know how many processes there are.
   */
  readonly whenUnavailable: WhenUnavailable;
  /** Take permits ahead and spend them in memory. All processes must agree on it. @default every decision asks Redis */
  readonly lease?: LeaseOptions | undefined;
  /** @default systemClock */
  readonly clock?: Clock | undefined;
}

/**
 * Limits that all processes share: one script per decision, one trip, by the server's clock alone. However many
 * processes ask, and whatever their clocks say, no interval is over the law; see `whenUnavailable` for what holds when
 * Redis is away or has lost its memory.
 *
 * A decision that was not made by Redis has the outcome `unavailable`. Every process asks at most for `commandTimeoutMs`.
 *
 * - `open`: while Redis is away there is no limit. The law holds for every interval that begins after it has come back.
 * - `closed`: the law holds for every interval. Nothing is admitted while Redis is away; nor, when the server that comes
 *   back is another one, for as long as the law looks back.
 * - `{ localShare }`: the law holds for every interval when the shares of all processes add up to 1 at most and an outage
 *   hits all of them; a process that is cut off alone adds its share. The share begins when Redis has been away for as
 *   long as the law looks back: what Redis had admitted is past then. When Redis is back, both it and the share must
 *   admit until what the shares had admitted is past; a limit with a token bucket admits nothing in that time. A share of
 *   less than one permit admits nothing.
 *
 * What no posture can promise: a process that starts when Redis has just lost its memory does not know of it; a server
 * that evicts keys, is flushed, or whose clock is set forward forgets without anybody being told.
 *
 * @example
 * const store = new RedisRateLimitStore({ redis, whenUnavailable: 'closed' });
 * const limiter = new SlidingWindowRateLimiter({ name: 'search', requests: 100, windowMs: 60_000, store });
 * const decision = await limiter.check(userId);
 */
export class RedisRateLimitStore implements RateLimitStore<Promise<RateLimitDecision>> {
  readonly #commands: LimitCommands;
  readonly #posture: PostureDecider;
  readonly #leases: LeasedPermits | undefined;
  readonly #holdShare: number;
  readonly #plans = new WeakMap<CompiledLimit, LimitPlan>();
  #isClosed = false;

  /** @throws {ArgumentError} that names the option, its value and what was expected. */
  constructor(options: RedisRateLimitStoreOptions) {
    const { redis, whenUnavailable, lease, clock = systemClock } = options;
    this.#commands = new LimitCommands(redis);
    this.#posture = new PostureDecider(whenUnavailable, redis, clock);
    this.#holdShare = requireHoldShare(lease);
    this.#leases =
      lease === undefined
        ? undefined
        : new LeasedPermits(lease, clock, (plan, key, cost, most) => this.#commands.take(plan, key, cost, most));
  }

  take(key: string, cost: number, limit: CompiledLimit): Promise<RateLimitDecision> {
    let plan: LimitPlan;
    try {
      plan = this.#planOf(limit);
    } catch (error) {
      return Promise.reject(error);
    }
    const asked =
      this.#posture.before(plan, key, cost) ??
      this.#leases?.take(plan, key, cost) ??
      this.#commands.take(plan, key, cost, cost).then(decisionOf);
    if (!(asked instanceof Promise)) return Promise.resolve(asked);
    return asked.catch((error: unknown) => {
      if (!isAbsence(error)) throw error;
      return this.#posture.instead(plan, key, cost);
    });
  }

  /** What Redis would answer. While Redis is away: as for `take`, but the local share is not asked. */
  async peek(key: string, cost: number, limit: CompiledLimit): Promise<RateLimitDecision> {
    const plan = this.#planOf(limit);
    try {
      const answer = await this.#commands.peek(plan, key, cost);
      return { ...decisionOf(answer), remaining: answer.left + answer.granted };
    } catch (error) {
      if (!isAbsence(error)) throw error;
      return this.#posture.glance(plan);
    }
  }

  /**
   * Makes the limit of a key whole. Permits that other processes hold on a lease, and denials that they remember, end by
   * themselves.
   *
   * @throws {RedisUnavailableError} when Redis is away.
   */
  async reset(key: string, limit: CompiledLimit): Promise<void> {
    const plan = this.#planOf(limit);
    this.#leases?.forget(plan, key);
    this.#posture.reset(plan, key);
    await this.#commands.reset(plan, key);
  }

  /** Lets go of permits on a lease and of local shares. The connection stays open: it is its owner's. */
  close(): void {
    this.#isClosed = true;
    this.#leases?.close();
    this.#posture.close();
  }

  #planOf(limit: CompiledLimit): LimitPlan {
    if (this.#isClosed) throw new RejectedError(`Cannot decide about "${limit.name}": the store is closed`, 'closed');
    let plan = this.#plans.get(limit);
    if (plan === undefined) {
      plan = new LimitPlan(limit, this.#holdShare);
      this.#plans.set(limit, plan);
    }
    return plan;
  }
}

/** Whether Redis decided nothing: it was away, had too much to do, or could not carry out the decision (out of memory, read-only). */
function isAbsence(error: unknown): boolean {
  if (error instanceof RedisCommandError) return true;
  return error instanceof RedisUnavailableError || (error instanceof RejectedError && error.reason === 'full');
}
