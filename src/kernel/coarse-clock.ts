/** How many readings may share one look at the clock: it bounds how far time can stand still within one turn. */
const readingsPerLook = 64;

/**
 * A clock that is read for a few nanoseconds because most readings repeat the last one. It lags behind the exact clock
 * by at most a millisecond, plus whatever the event loop is held up; it never runs ahead and never goes back.
 *
 * No timer runs while nobody asks.
 */
export class CoarseClock {
  readonly #look: () => number;
  #valueMs = 0;
  #readingsLeft = 0;
  #ticking = false;

  constructor(look: () => number) {
    this.#look = look;
  }

  /** Milliseconds of the clock behind it. */
  read(): number {
    if (this.#readingsLeft === 0) return this.#refresh();
    this.#readingsLeft -= 1;
    return this.#valueMs;
  }

  #refresh(): number {
    this.#readingsLeft = readingsPerLook;
    if (!this.#ticking) {
      this.#ticking = true;
      setTimeout(() => {
        this.#ticking = false;
        this.#readingsLeft = 0;
      }, 1).unref();
    }
    this.#valueMs = this.#look();
    return this.#valueMs;
  }
}
