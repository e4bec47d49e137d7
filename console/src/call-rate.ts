/** Calls per second over the last seconds. A second in which the page was not connected throughout is unknown. */
export class CallRate {
  readonly #seconds: number;
  #buckets: (number | undefined)[];
  #second: number;

  constructor(seconds: number, nowMs: number) {
    this.#seconds = seconds;
    // The last bucket is the second that is running; it is not shown until it is over.
    this.#buckets = new Array<number | undefined>(seconds + 1).fill(undefined);
    this.#second = Math.floor(nowMs / 1_000);
  }

  /** Moves on to the present second. Seconds that passed meanwhile count as quiet when connected, else as unknown. */
  advance(nowMs: number, connected: boolean): void {
    const second = Math.floor(nowMs / 1_000);
    const passed = Math.min(second - this.#second, this.#seconds + 1);
    if (passed > 0) {
      const added = new Array<number | undefined>(passed).fill(connected ? 0 : undefined);
      this.#buckets = [...this.#buckets, ...added].slice(-(this.#seconds + 1));
    }
    // A clock that was set back only starts a new second.
    this.#second = second;
    if (!connected) this.#buckets[this.#seconds] = undefined;
  }

  /** Counts a call that ended just now. */
  count(): void {
    const running = this.#buckets[this.#seconds];
    if (running !== undefined) this.#buckets[this.#seconds] = running + 1;
  }

  /** One figure for each full second, oldest first; `undefined` where nothing is known. */
  history(): readonly (number | undefined)[] {
    return this.#buckets.slice(0, this.#seconds);
  }
}
