import { ArgumentError } from 'plinth/errors';
import type { Clock } from 'plinth/kernel';

/** What a limit says to a request. */
export interface LimitDecision {
  readonly allowed: boolean;
  /** How many requests are left in this minute. */
  readonly remaining: number;
  /** How long until the next minute begins, in milliseconds. */
  readonly resetMs: number;
}

const minuteMs = 60_000;

/** Requests per minute and caller, in fixed minutes, as gateways count them. */
export class RequestLimit {
  readonly requestsPerMinute: number;
  readonly #clock: Clock;
  #minute = -1;
  #used = new Map<string, number>();

  /** @throws {ArgumentError} when the number is not a whole one from 1 */
  constructor(requestsPerMinute: number, clock: Clock) {
    if (!Number.isInteger(requestsPerMinute) || requestsPerMinute < 1) {
      const message = `Cannot use requestsPerMinute: expected a whole number from 1, got ${requestsPerMinute}`;
      throw new ArgumentError(message, 'requestsPerMinute');
    }
    this.requestsPerMinute = requestsPerMinute;
    this.#clock = clock;
  }

  take(caller: string): LimitDecision {
    const now = this.#clock.monotonic();
    const minute = Math.floor(now / minuteMs);
    if (minute !== this.#minute) {
      this.#minute = minute;
      this.#used = new Map();
    }
    const used = (this.#used.get(caller) ?? 0) + 1;
    this.#used.set(caller, used);
    return {
      allowed: used <= this.requestsPerMinute,
      remaining: Math.max(0, this.requestsPerMinute - used),
      resetMs: (minute + 1) * minuteMs - now,
    };
  }
}
