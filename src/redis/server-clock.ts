/** How fast two clocks may drift apart, or one of them be set little by little: a millisecond in a second. */
const driftPerMs = 0.001;

/** The server tells whole microseconds, and what is calculated with them is not much more exact. */
const resolutionMs = 0.002;

/**
 * The clock of the server as this process sees it: what it says is compared with the monotonic clock here, in the middle
 * of the time that the question took. A question that took long says little, and is only believed when what is known
 * has become as uncertain.
 */
export class ServerClock {
  #offsetMs: number | undefined;
  #errorMs = 0;
  #knownAtMs = 0;
  #measuredAtMs = Number.NEGATIVE_INFINITY;

  /** When the server was last asked, on the monotonic clock; -Infinity before it was. */
  get measuredAtMs(): number {
    return this.#measuredAtMs;
  }

  /** The server has answered the command `TIME`. Anything else than its answer is passed over. */
  measured(reply: unknown, sentMs: number, answeredMs: number): void {
    this.#measuredAtMs = answeredMs;
    if (!Array.isArray(reply)) return;
    const serverMs = Number(reply[0]) * 1_000 + Number(reply[1]) / 1_000;
    if (!Number.isFinite(serverMs)) return;
    const middleMs = (sentMs + answeredMs) / 2;
    const errorMs = (answeredMs - sentMs) / 2 + resolutionMs;
    const offsetMs = serverMs - middleMs;
    const known = this.#offsetMs;
    const knownErrorMs = this.#errorMs + (middleMs - this.#knownAtMs) * driftPerMs;
    const wasSet = known !== undefined && Math.abs(offsetMs - known) > errorMs + knownErrorMs;
    if (known !== undefined && !wasSet && errorMs > knownErrorMs) return;
    this.#offsetMs = offsetMs;
    this.#errorMs = errorMs;
    this.#knownAtMs = middleMs;
  }

  /** Milliseconds since 1970 on the server, or `undefined` before it has told. */
  at(monotonicMs: number): number | undefined {
    return this.#offsetMs === undefined ? undefined : monotonicMs + this.#offsetMs;
  }
}
