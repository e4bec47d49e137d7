import type { Random } from '../kernel/index.ts';
import { LatencyHistogram } from './latency-histogram.ts';

/** The numbers of a {@link GradientLimit}. */
export interface GradientSettings {
  readonly minLimit: number;
  readonly maxLimit: number;
  readonly tolerance: number;
  readonly windowMs: number;
  readonly minSamples: number;
  readonly baselineIntervalMs: number;
}

/** Measuring the baseline may take this part of the time, however slow the dependency is. */
const measuringPart = 20;

/** The limit changes by no more than this factor in one window. */
const steepest = 2;

/**
 * How many calls at once a dependency takes before they queue up there, found by watching latency: while a call takes as
 * long as it does when the dependency is left alone, the limit grows; when it takes longer, the limit shrinks by the same
 * factor. A headroom of the limit's square root lets it look for more.
 *
 * The gradient and the measured baseline are those of Envoy's adaptive concurrency filter; that a limit which is not used
 * does not grow is from Netflix' concurrency-limits. A call is heard only if it began under the limit that it judges, so
 * that slow answers are not counted against limits they never met.
 */
export class GradientLimit {
  readonly #random: Random;
  readonly #latencies = new LatencyHistogram(Number.POSITIVE_INFINITY);
  #settings: GradientSettings;
  #limit: number;
  // While the baseline is measured: the limit to go back to.
  #limitBefore: number | undefined;
  #baselineMs: number | undefined;
  #latencyMs: number | undefined;
  #beganMs: number;
  #nextBaselineMs = 0;
  #mostActive = 0;

  constructor(settings: GradientSettings, nowMs: number, random: Random) {
    this.#settings = settings;
    this.#random = random;
    this.#limit = settings.minLimit;
    this.#limitBefore = settings.minLimit;
    this.#beganMs = nowMs;
  }

  get limit(): number {
    return this.#limit;
  }

  /** How long a call takes when the dependency is left alone, in milliseconds; undefined until it has been measured. */
  get baselineMs(): number | undefined {
    return this.#baselineMs;
  }

  /** How long a call took in the last window, in milliseconds. */
  get latencyMs(): number | undefined {
    return this.#latencyMs;
  }

  /** Takes over other numbers. */
  reconfigure(settings: GradientSettings): void {
    this.#settings = settings;
    this.#limit = this.#bounded(this.#limit);
    this.#limitBefore = this.#limitBefore && this.#bounded(this.#limitBefore);
  }

  /**
   * Takes note of a call that ended. What fails at once says nothing about load, what fails after a long wait does; the
   * baseline is that of successes only.
   *
   * @param active How many calls were under way, this one included.
   */
  record(call: { succeeded: boolean; latencyMs: number; nowMs: number; active: number }): void {
    const { succeeded, latencyMs, nowMs, active } = call;
    this.#mostActive = Math.max(this.#mostActive, active);
    if (nowMs - latencyMs < this.#beganMs) return;
    const isSlow = this.#baselineMs !== undefined && latencyMs > this.#baselineMs;
    if (!succeeded && (this.#limitBefore !== undefined || !isSlow)) return;
    this.#latencies.record(latencyMs);
    const { windowMs, minSamples } = this.#settings;
    if (this.#latencies.samples < minSamples) return;
    if (this.#limitBefore !== undefined) this.#endMeasuring(this.#limitBefore, nowMs);
    else if (nowMs - this.#beganMs >= windowMs) this.#endWindow(nowMs);
  }

  #endMeasuring(limitBefore: number, nowMs: number): void {
    this.#baselineMs = this.#latencies.percentileMs(0.5);
    this.#limit = limitBefore;
    this.#limitBefore = undefined;
    const { baselineIntervalMs } = this.#settings;
    const intervalMs = Math.max(baselineIntervalMs, (nowMs - this.#beganMs) * measuringPart);
    // Instances of one service must not all measure at the same moment.
    this.#nextBaselineMs = nowMs + intervalMs * (1 + this.#random.next() / 10);
    this.#begin(nowMs);
  }

  #endWindow(nowMs: number): void {
    const { tolerance, minLimit } = this.#settings;
    const latencyMs = this.#latencies.percentileMs(0.5) ?? 0;
    this.#latencyMs = latencyMs;
    const gradient = ((this.#baselineMs ?? latencyMs) * (1 + tolerance)) / latencyMs;
    const shrunk = this.#limit * Math.min(steepest, Math.max(1 / steepest, gradient));
    const wanted = this.#bounded(Math.floor(shrunk + Math.sqrt(shrunk)));
    // A limit that was not reached tells nothing about a higher one.
    const isUsed = this.#mostActive * 2 >= this.#limit;
    if (wanted < this.#limit || isUsed) this.#limit = wanted;
    if (nowMs >= this.#nextBaselineMs) {
      this.#limitBefore = this.#limit;
      this.#limit = minLimit;
    }
    this.#begin(nowMs);
  }

  #begin(nowMs: number): void {
    this.#latencies.clear();
    this.#beganMs = nowMs;
    this.#mostActive = 0;
  }

  #bounded(limit: number): number {
    return Math.max(this.#settings.minLimit, Math.min(this.#settings.maxLimit, limit));
  }
}
