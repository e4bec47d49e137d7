import type { Clock } from '../kernel/index.ts';

const anchorEveryMs = 10;

/** Clocks that are read further apart than this, because the process had to wait in between, tell nothing of each other. */
const apartMs = 0.2;

/**
 * Wall-clock time with real microseconds: the monotonic clock, anchored to the wall clock.
 *
 * The wall clock counts whole milliseconds, so `now - monotonic` is at most 1 ms too small, and too large by no more than
 * lies between the two. The largest difference seen is the best one; a difference outside of that means that the wall clock
 * was set or slewed, and it is followed.
 */
export class MicroClock {
  /** Milliseconds since 1970 at the last {@link read}, with fractions. */
  wallMs = 0;
  /** The monotonic clock at the last {@link read}. */
  monotonicMs = 0;

  readonly #clock: Clock;
  readonly #threeDigits: readonly string[];
  #offsetMs = 0;
  #anchoredMs = Number.NEGATIVE_INFINITY;
  #second = Number.NaN;
  #secondText = '';

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#threeDigits = Array.from({ length: 1_000 }, (_, number) => String(number).padStart(3, '0'));
    this.#offsetMs = clock.now() - clock.monotonic();
    this.read();
  }

  /** Takes the time for one line. */
  read(): void {
    const monotonicMs = this.#clock.monotonic();
    if (monotonicMs - this.#anchoredMs >= anchorEveryMs) {
      const offsetMs = this.#clock.now() - monotonicMs;
      if (this.#clock.monotonic() - monotonicMs <= apartMs) {
        this.#anchoredMs = monotonicMs;
        if (offsetMs > this.#offsetMs || offsetMs < this.#offsetMs - 1 - apartMs) this.#offsetMs = offsetMs;
      }
    }
    this.monotonicMs = monotonicMs;
    this.wallMs = monotonicMs + this.#offsetMs;
  }

  /** The time read, as `2026-01-15T23:00:00.123456Z`. Made of few pieces, because every piece is joined again for every line. */
  iso(): string {
    const micros = Math.round(this.wallMs * 1_000);
    const second = Math.floor(micros / 1_000_000);
    if (second !== this.#second) {
      this.#second = second;
      this.#secondText = new Date(second * 1_000).toISOString().slice(0, 20);
    }
    const rest = micros - second * 1_000_000;
    const millis = Math.floor(rest / 1_000);
    const fraction = `${this.#threeDigits[millis]}${this.#threeDigits[rest - millis * 1_000]}Z`;
    return `${this.#secondText}${fraction}`;
  }
}
