import { ArgumentError } from '../errors/index.ts';
import { type Clock, type EventSource, Events } from '../kernel/index.ts';
import {
  AdaptiveRateLimiter,
  type LeaseOptions,
  type RateLimitAnswer,
  RateLimiter,
  type RateLimiterEvents,
  type RateLimitStore,
  type RateLimitWindows,
  RedisRateLimitStore,
  SlidingWindowRateLimiter,
  TokenBucketRateLimiter,
  type WhenUnavailable,
} from '../rate-limit/index.ts';
import type { RedisConnection } from '../redis/index.ts';
import type { RateLimitingSettings } from '../settings/index.ts';

/** How a limit of requests to this service is made. */
export type LimitOptions = RateLimitWindows & {
  /** What is limited, such as `login`: part of what clients are told, and a metric label. From a closed set. */
  readonly name: string;
  /** What to do while Redis is away: `open` protects the callers, `closed` what is limited. Without Redis it says nothing. */
  readonly whenUnavailable: WhenUnavailable;
  /** Take permits ahead of Redis and spend them in memory. @default every decision asks Redis */
  readonly lease?: LeaseOptions | undefined;
  /** How many subjects are remembered in memory. @default 1_000_000 */
  readonly maxKeys?: number | undefined;
  /** Decides and tells, but always admits: to try numbers out. @default false */
  readonly shadow?: boolean | undefined;
};

/** How often something outside the process may be asked. */
export interface OutboundRate {
  /**
   * Its host on the internet, such as `api.fda.gov`. With one, `MEDAUG_RATE_LIMIT_PER_DOMAIN` may set the rate, and
   * `MEDAUG_RATE_LIMIT_DEFAULT` is the rate where nobody else does. @default none
   */
  readonly host?: string | undefined;
  /** Calls per second, unless the settings name its host. @default with a host the settings' default, otherwise no limit */
  readonly ratePerSecond?: number | undefined;
  /** Calls that may go out at once after a pause. @default the settings' `MEDAUG_RATE_LIMIT_BURST`, 10 */
  readonly burst?: number | undefined;
}

/** A limit of calls to the outside: they wait for their turn. */
export type OutboundLimiter =
  | TokenBucketRateLimiter<RateLimitAnswer>
  | SlidingWindowRateLimiter<RateLimitAnswer>
  | AdaptiveRateLimiter;

/** What all limits tell together. */
export type LimitEvents = Pick<RateLimiterEvents, 'denied' | 'rejected' | 'evicted' | 'reconfigured'>;

/** What {@link Limits} are made of. */
export interface LimitsParts {
  readonly clock: Clock;
  /** Where limits are shared between processes; in memory without it. */
  readonly redis: RedisConnection | undefined;
  readonly rateLimiting: RateLimitingSettings;
}

/** Every limit of the process, in Redis or in memory, on one stream of events. */
export class Limits {
  readonly events: Events<LimitEvents> = new Events<LimitEvents>();
  readonly #parts: LimitsParts;
  readonly #inbound = new Map<string, RateLimiter<RateLimitAnswer>>();
  readonly #opened = new Map<string, { close(): void | Promise<void> }>();
  readonly #stores: RedisRateLimitStore[] = [];

  constructor(parts: LimitsParts) {
    this.#parts = parts;
  }

  /**
   * Makes a limit of requests to this service.
   *
   * @throws {ArgumentError} when there is a limit of this name already, or a number cannot be used.
   */
  inbound(options: LimitOptions): RateLimiter<RateLimitAnswer> {
    const { whenUnavailable, lease, ...limit } = options;
    this.#requireFree(limit.name);
    const store = this.#storeOf(whenUnavailable, lease);
    const limiter = new RateLimiter<RateLimitAnswer>({ ...limit, store, clock: this.#parts.clock });
    this.#inbound.set(limit.name, limiter);
    this.#keep(limiter);
    return limiter;
  }

  /**
   * Makes the limit of calls to something outside, by the strategy of the settings; none when nothing limits it.
   *
   * @throws {ArgumentError} when there is a limit of this name already, or a number cannot be used.
   */
  outbound(name: string, rate: OutboundRate): OutboundLimiter | undefined {
    const numbers = this.#ratesOf(rate);
    if (numbers === undefined) return undefined;
    this.#requireFree(name);
    const limiter = this.#makeOutbound(name, numbers);
    this.#keep(limiter);
    return limiter;
  }

  /** Every limit of requests to this service. */
  list(): readonly RateLimiter<RateLimitAnswer>[] {
    return [...this.#inbound.values()];
  }

  /** Refuses everybody who waits, and every later question. */
  async close(): Promise<void> {
    for (const limiter of this.#opened.values()) await limiter.close();
    for (const store of this.#stores) store.close();
  }

  #makeOutbound(name: string, { ratePerSecond, burst }: Numbers): OutboundLimiter {
    const { clock, rateLimiting } = this.#parts;
    if (rateLimiting.strategy === 'adaptive') {
      const [minRatePerSecond, maxRatePerSecond] = [ratePerSecond / 10, ratePerSecond * 10];
      const initialRatePerSecond = ratePerSecond;
      const numbers = { initialRatePerSecond, minRatePerSecond, maxRatePerSecond, capacity: burst };
      return new AdaptiveRateLimiter({ name, clock, ...numbers });
    }
    // Another side has its own limit: while Redis is away it is better asked too often than not at all.
    const store = this.#storeOf('open');
    if (rateLimiting.strategy === 'sliding-window') {
      // A minute, or as long as one call takes at this rate.
      const windowMs = Math.ceil(Math.max(60_000, 1_000 / ratePerSecond));
      const requests = Math.max(1, Math.floor((ratePerSecond * windowMs) / 1_000));
      return new SlidingWindowRateLimiter<RateLimitAnswer>({ name, requests, windowMs, store, clock });
    }
    return new TokenBucketRateLimiter<RateLimitAnswer>({ name, ratePerSecond, capacity: burst, store, clock });
  }

  #ratesOf({ host, ratePerSecond, burst }: OutboundRate): Numbers | undefined {
    const { perDomain, defaultRatePerSecond, burst: defaultBurst } = this.#parts.rateLimiting;
    const named = host === undefined ? undefined : nearest(perDomain, host);
    // Who names the host in the settings knows it better than the code; the burst of the code belongs to another rate.
    if (named !== undefined) return { ratePerSecond: named, burst: defaultBurst };
    const rate = ratePerSecond ?? (host === undefined ? undefined : defaultRatePerSecond);
    return rate === undefined ? undefined : { ratePerSecond: rate, burst: burst ?? defaultBurst };
  }

  #storeOf(whenUnavailable: WhenUnavailable, lease?: LeaseOptions): RateLimitStore<RateLimitAnswer> | undefined {
    const { redis, clock } = this.#parts;
    if (redis === undefined) return undefined;
    const store = new RedisRateLimitStore({ redis, whenUnavailable, lease, clock });
    this.#stores.push(store);
    return store;
  }

  #keep(limiter: RateLimiter<RateLimitAnswer> | OutboundLimiter): void {
    this.#opened.set(limiter.name, limiter);
    const events = limitsOf(limiter).events;
    for (const type of ['denied', 'rejected', 'evicted', 'reconfigured'] as const) {
      events.on(type, event => this.events.emit(type, event as never));
    }
  }

  #requireFree(name: string): void {
    if (!this.#opened.has(name)) return;
    throw new ArgumentError(`Cannot make the limit "${name}": there is one of this name already`, 'name');
  }
}

/** What a limiter tells as a limit: one that adapts tells of its rate besides. */
export function limitsOf(limiter: RateLimiter<RateLimitAnswer> | OutboundLimiter): {
  readonly name: string;
  readonly events: EventSource<RateLimiterEvents>;
  readonly waiting?: number;
} {
  return limiter instanceof AdaptiveRateLimiter ? { name: limiter.name, events: limiter.limits } : limiter;
}

interface Numbers {
  readonly ratePerSecond: number;
  readonly burst: number;
}

/** The entry of the host itself, or of the domain that it is under. */
function nearest(perDomain: Readonly<Record<string, number>>, host: string): number | undefined {
  for (let domain = host; domain !== ''; domain = domain.split('.').slice(1).join('.')) {
    const rate = perDomain[domain];
    if (rate !== undefined) return rate;
  }
  return undefined;
}
