/** Steps per doubling of a latency: a percentile is exact to about 2 %. */
const stepsPerOctave = 16;

/** The shortest latency that is told from shorter ones, in milliseconds. */
const shortestMs = 0.01;

/** Doublings from the shortest to the longest latency told apart: about three hours. */
const octaves = 30;

/**
 * Latencies in steps that grow with them: bounded memory, any percentile, a few nanoseconds to record (the idea of Gil
 * Tene's HdrHistogram). When it holds `maxSamples`, all counts are halved, so that old latencies fade.
 */
export class LatencyHistogram {
  readonly #counts = new Uint32Array(stepsPerOctave * octaves);
  readonly #maxSamples: number;
  #samples = 0;

  constructor(maxSamples: number) {
    this.#maxSamples = maxSamples;
  }

  /** How many latencies it holds. */
  get samples(): number {
    return this.#samples;
  }

  /** Adds one latency, in milliseconds. */
  record(latencyMs: number): void {
    const step = Math.floor(Math.log2(Math.max(latencyMs, shortestMs) / shortestMs) * stepsPerOctave);
    const index = Math.min(step, this.#counts.length - 1);
    this.#counts[index] = (this.#counts[index] ?? 0) + 1;
    this.#samples += 1;
    if (this.#samples >= this.#maxSamples) this.#fade();
  }

  /** The latency that this share of the calls does not exceed, in milliseconds; undefined without any. */
  percentileMs(share: number): number | undefined {
    if (this.#samples === 0) return undefined;
    const wanted = Math.max(1, Math.ceil(share * this.#samples));
    let seen = 0;
    let index = -1;
    while (seen < wanted) {
      index += 1;
      seen += this.#counts[index] ?? 0;
    }
    // The middle of the step.
    return shortestMs * 2 ** ((index + 0.5) / stepsPerOctave);
  }

  /** Forgets everything. */
  clear(): void {
    this.#counts.fill(0);
    this.#samples = 0;
  }

  #fade(): void {
    const counts = this.#counts;
    this.#samples = 0;
    for (let index = 0; index < counts.length; index += 1) {
      const half = (counts[index] ?? 0) >>> 1;
      counts[index] = half;
      this.#samples += half;
    }
  }
}
