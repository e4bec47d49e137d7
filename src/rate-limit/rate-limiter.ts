import type { EventSource } from '../kernel/index.ts';
import type { Answered, LiveSettings, RateLimiterSettings } from './base-rate-limiter.ts';
import type { RateLimitAnswer, RateLimitDecision } from './decision.ts';
import type { RateLimiterEvents } from './events.ts';
import type { CheckOptions } from './options.ts';
import { type RateLimitFields, type RateLimitPolicy, rateLimitFields } from './rate-limit-fields.ts';
import {
  type SlidingWindowChanges,
  type SlidingWindowNumbers,
  SlidingWindowRateLimiter,
  type SlidingWindowRateLimiterOptions,
} from './sliding-window-rate-limiter.ts';

/** The options of a {@link RateLimiter}; `name` is part of what clients are told. */
export type RateLimiterInit<Answer extends RateLimitAnswer = RateLimitDecision> =
  SlidingWindowRateLimiterOptions<Answer> & { readonly name: string };

/**
 * The limit of an endpoint: how often one subject (an address, a user) may ask. It decides at once and never lets anybody
 * wait; see {@link SlidingWindowRateLimiter} for the law.
 *
 * @throws {ArgumentError} that names the option and its value, at construction.
 * @example
 * const logins = new RateLimiter({ name: 'login', requests: 5, windowMs: 60_000 });
 * const decision = logins.check(request.ip);
 * reply.headers(logins.fields(decision));
 */
export class RateLimiter<Answer extends RateLimitAnswer = RateLimitDecision> {
  readonly #limiter: SlidingWindowRateLimiter<Answer>;

  constructor(options: RateLimiterInit<Answer>) {
    this.#limiter = new SlidingWindowRateLimiter(options);
  }

  get name(): string {
    return this.#limiter.name;
  }

  get events(): EventSource<RateLimiterEvents> {
    return this.#limiter.events;
  }

  /** The numbers in force. */
  get settings(): Readonly<RateLimiterSettings & SlidingWindowNumbers> {
    return this.#limiter.settings;
  }

  /** The policies as clients are told of them: one per window. */
  get policies(): readonly RateLimitPolicy[] {
    const { name, windows } = this.settings;
    return windows.map(({ requests, windowMs }) => {
      const windowSeconds = Math.ceil(windowMs / 1_000);
      return { name: windows.length === 1 ? name : `${name}-${windowSeconds}s`, quota: requests, windowSeconds };
    });
  }

  /** Decides about one request of a subject, and counts it if it is allowed. */
  check(subject: string, options?: CheckOptions): Answer {
    return this.#limiter.check(subject, options);
  }

  /** The response header fields of a decision: `RateLimit-Policy`, `RateLimit` and, when denied, `Retry-After`. */
  fields(decision: RateLimitDecision): RateLimitFields {
    return rateLimitFields(decision, this.policies);
  }

  /** Forgets what a subject has used, for example after it has logged in. */
  reset(subject: string): Answered<Answer, void> {
    return this.#limiter.reset(subject);
  }

  /** Changes numbers while it works; see {@link SlidingWindowRateLimiter}. */
  reconfigure(changes: SlidingWindowChanges & LiveSettings): void {
    this.#limiter.reconfigure(changes);
  }

  /** Refuses every later question. Closes the store if it is the limiter's own. */
  close(): void {
    this.#limiter.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }
}
