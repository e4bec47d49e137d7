/** What a breaker has counted. */
export interface CallCounts {
  readonly calls: number;
  readonly failures: number;
  /** Calls that took longer than they should, failed ones included. */
  readonly slowCalls: number;
}

/** The outcomes of the last calls, in bounded memory. */
export interface CallWindow extends CallCounts {
  /** Counts one call. */
  record(failed: boolean, slow: boolean): void;
  /** Brings the counts up to date: what has left the window no longer counts. */
  refresh(): void;
  /** The outcomes as whole numbers, oldest first. */
  export(): readonly number[];
  /** Takes outcomes that {@link export} gave, in place of its own. False, and nothing changed, when they do not fit. */
  import(outcomes: readonly number[]): boolean;
}

const failedBit = 1;
const slowBit = 2;

/** The last so many calls, one byte each. */
export class CountWindow implements CallWindow {
  calls = 0;
  failures = 0;
  slowCalls = 0;
  readonly #outcomes: Uint8Array;
  #next = 0;

  constructor(size: number) {
    this.#outcomes = new Uint8Array(size);
  }

  record(failed: boolean, slow: boolean): void {
    const outcomes = this.#outcomes;
    const outcome = (failed ? failedBit : 0) | (slow ? slowBit : 0);
    if (this.calls === outcomes.length) this.#add(outcomes[this.#next] ?? 0, -1);
    outcomes[this.#next] = outcome;
    this.#next = this.#next + 1 === outcomes.length ? 0 : this.#next + 1;
    this.#add(outcome, 1);
  }

  refresh(): void {}

  export(): readonly number[] {
    const full = this.calls === this.#outcomes.length;
    return [...(full ? this.#outcomes.subarray(this.#next) : []), ...this.#outcomes.subarray(0, this.#next)];
  }

  import(outcomes: readonly number[]): boolean {
    if (outcomes.length > this.#outcomes.length || !outcomes.every(outcome => outcome <= (failedBit | slowBit))) {
      return false;
    }
    this.calls = this.failures = this.slowCalls = this.#next = 0;
    for (const outcome of outcomes) this.record((outcome & failedBit) > 0, (outcome & slowBit) > 0);
    return true;
  }

  #add(outcome: number, sign: 1 | -1): void {
    this.calls += sign;
    if (outcome & failedBit) this.failures += sign;
    if (outcome & slowBit) this.slowCalls += sign;
  }
}

/** The calls of the last so many milliseconds, in buckets: the oldest bucket leaves as a whole. */
export class TimeWindow implements CallWindow {
  calls = 0;
  failures = 0;
  slowCalls = 0;
  // Three numbers per bucket: calls, failures, slow calls.
  readonly #counts: Float64Array;
  readonly #bucketMs: number;
  readonly #now: () => number;
  // The number of the current bucket since the beginning of the clock.
  #bucket: number;
  #bucketEndsAtMs: number;

  /** @param now Milliseconds of a monotonic clock. */
  constructor(windowMs: number, buckets: number, now: () => number) {
    this.#counts = new Float64Array(buckets * 3);
    this.#bucketMs = windowMs / buckets;
    this.#now = now;
    this.#bucket = Math.floor(now() / this.#bucketMs);
    this.#bucketEndsAtMs = (this.#bucket + 1) * this.#bucketMs;
  }

  record(failed: boolean, slow: boolean): void {
    this.refresh();
    this.#add(this.#offset(this.#bucket), 1, failed ? 1 : 0, slow ? 1 : 0);
  }

  refresh(): void {
    const nowMs = this.#now();
    if (nowMs < this.#bucketEndsAtMs) return;
    const bucket = Math.floor(nowMs / this.#bucketMs);
    const buckets = this.#counts.length / 3;
    for (let entered = Math.max(this.#bucket, bucket - buckets) + 1; entered <= bucket; entered += 1) {
      const offset = this.#offset(entered);
      const [calls = 0, failures = 0, slowCalls = 0] = this.#counts.subarray(offset, offset + 3);
      this.#add(offset, -calls, -failures, -slowCalls);
    }
    this.#bucket = bucket;
    this.#bucketEndsAtMs = (bucket + 1) * this.#bucketMs;
  }

  export(): readonly number[] {
    this.refresh();
    const oldest = this.#offset(this.#bucket + 1);
    return [...this.#counts.subarray(oldest), ...this.#counts.subarray(0, oldest)];
  }

  import(outcomes: readonly number[]): boolean {
    if (outcomes.length !== this.#counts.length) return false;
    for (let offset = 0; offset < outcomes.length; offset += 3) {
      const [calls = 0, failures = 0, slowCalls = 0] = outcomes.slice(offset, offset + 3);
      if (failures > calls || slowCalls > calls) return false;
    }
    this.refresh();
    this.calls = this.failures = this.slowCalls = 0;
    this.#counts.fill(0);
    for (let index = 0; index < outcomes.length; index += 3) {
      const [calls = 0, failures = 0, slowCalls = 0] = outcomes.slice(index, index + 3);
      this.#add(this.#offset(this.#bucket + 1 + index / 3), calls, failures, slowCalls);
    }
    return true;
  }

  #offset(bucket: number): number {
    return (bucket * 3) % this.#counts.length;
  }

  #add(offset: number, calls: number, failures: number, slowCalls: number): void {
    const counts = this.#counts;
    counts[offset] = (counts[offset] ?? 0) + calls;
    counts[offset + 1] = (counts[offset + 1] ?? 0) + failures;
    counts[offset + 2] = (counts[offset + 2] ?? 0) + slowCalls;
    this.calls += calls;
    this.failures += failures;
    this.slowCalls += slowCalls;
  }
}
