import type { Clock } from 'plinth/kernel';

/** What a limit says to a request. */
export interface LimitDecision {
  readonly allowed: boolean;
  /** How many requests are left in this minute. */
  readonly remaining: number;
}

/** Requests per minute and caller, in fixed minutes, as openFDA's gateway counts them. */
export class MinuteLimit {
  readonly requestsPerMinute: number;
  readonly #clock: Clock;
  #minute = -1;
  #used = new Map<string, number>();

  constructor(requestsPerMinute: number, clock: Clock) {
    this.requestsPerMinute = requestsPerMinute;
    this.#clock = clock;
  }

  take(caller: string): LimitDecision {
    const minute = Math.floor(this.#clock.monotonic() / 60_000);
    if (minute !== this.#minute) {
      this.#minute = minute;
      this.#used = new Map();
    }
    const used = (this.#used.get(caller) ?? 0) + 1;
    this.#used.set(caller, used);
    return { allowed: used <= this.requestsPerMinute, remaining: Math.max(0, this.requestsPerMinute - used) };
  }
}
