import type { Clock, Events, Timer } from '../kernel/index.ts';
import type { BatchEvents, BatchOutcome, BatchProgress, BatchState } from './events.ts';

/** How a {@link ProgressMeter} is made. */
export interface ProgressMeterOptions {
  readonly name: string;
  readonly total: number | undefined;
  readonly intervalMs: number;
  readonly clock: Clock;
  readonly events: Events<BatchEvents>;
  readonly isPaused: boolean;
}

/** How fast older measurements fade from the rate. */
const fadingMs = 15_000;

/** Counts what is done, measures how fast, and tells of it now and then. */
export class ProgressMeter {
  readonly #options: ProgressMeterOptions;
  readonly #beganMs: number;
  readonly #timer: Timer;
  #state: BatchState;
  #done = 0;
  #failed = 0;
  #recorded = 0;
  #active = 0;
  // The rate as a mean in which the past fades, and how much of it has been measured at all.
  #measuredMs: number;
  #measuredWork = 0;
  #mean = 0;
  #weight = 0;

  constructor(options: ProgressMeterOptions) {
    this.#options = options;
    this.#state = options.isPaused ? 'paused' : 'running';
    this.#beganMs = options.clock.monotonic();
    this.#measuredMs = this.#beganMs;
    this.#timer = options.clock.setRepeatingTimer(options.intervalMs, () => this.#tick());
  }

  get failed(): number {
    return this.#failed;
  }

  began(): void {
    this.#active += 1;
  }

  /** The work of an item is over; `counts` unless the item has to be done another time. */
  finished(ok: boolean, counts: boolean): void {
    this.#active -= 1;
    if (!counts) return;
    this.#done += 1;
    if (!ok) this.#failed += 1;
  }

  /** The result of an item was found in the checkpoint. */
  found(ok: boolean): void {
    this.#done += 1;
    this.#recorded += 1;
    if (!ok) this.#failed += 1;
  }

  /** Moves to another state. The rate stands still during a pause. */
  move(state: BatchState): void {
    if (this.#state === 'ended' || state === this.#state) return;
    if (this.#state === 'paused') this.#skip();
    else this.#measure();
    this.#state = state;
  }

  end(outcome: BatchOutcome, error?: unknown): void {
    this.#timer.cancel();
    this.move('ended');
    const { events } = this.#options;
    if (!events.has('ended')) return;
    events.emit('ended', { ...this.read(), outcome, ...(error === undefined ? {} : { error }) });
  }

  read(): BatchProgress {
    const { name, total, clock } = this.#options;
    const ratePerSecond = this.#weight === 0 ? 0 : this.#mean / this.#weight;
    const remaining = total === undefined ? 0 : Math.max(0, total - this.#done);
    const isKnown = total !== undefined && ratePerSecond > 0 && this.#state === 'running';
    return {
      name,
      state: this.#state,
      done: this.#done,
      failed: this.#failed,
      recorded: this.#recorded,
      active: this.#active,
      total,
      elapsedMs: clock.monotonic() - this.#beganMs,
      ratePerSecond,
      etaMs: isKnown ? (remaining / ratePerSecond) * 1_000 : undefined,
    };
  }

  #tick(): void {
    if (this.#state !== 'paused') this.#measure();
    const { events } = this.#options;
    if (events.has('progress')) events.emit('progress', this.read());
  }

  #measure(): void {
    const elapsedMs = this.#options.clock.monotonic() - this.#measuredMs;
    if (elapsedMs <= 0) return;
    const work = this.#done - this.#recorded;
    const share = 1 - Math.exp(-elapsedMs / fadingMs);
    const ratePerSecond = ((work - this.#measuredWork) / elapsedMs) * 1_000;
    this.#mean += share * (ratePerSecond - this.#mean);
    this.#weight += share * (1 - this.#weight);
    this.#measuredMs += elapsedMs;
    this.#measuredWork = work;
  }

  #skip(): void {
    this.#measuredMs = this.#options.clock.monotonic();
    this.#measuredWork = this.#done - this.#recorded;
  }
}
