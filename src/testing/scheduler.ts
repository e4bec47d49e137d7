import { PlinthError } from '../errors/index.ts';
import { type Random, requireDuration, requireInteger, requireNumber } from '../kernel/index.ts';
import { seededRandom } from './seeded-random.ts';
import { VirtualClock } from './virtual-clock.ts';

/** How a {@link Scheduler} starts. */
export interface SchedulerOptions {
  /** What everything random is drawn from: the same seed gives the same run, byte for byte. @default 1 */
  readonly seed?: number | undefined;
  /** Wall-clock time at the start, in milliseconds since 1970. @default 2026-01-15T23:00:00Z */
  readonly now?: number | undefined;
}

/** Calls that come in at random. */
export interface ArrivalOptions {
  /** How many come per second on average. */
  readonly ratePerSecond: number;
  /** How long they keep coming, in milliseconds. */
  readonly durationMs: number;
  /** When the first can come, in milliseconds from now. @default 0 */
  readonly afterMs?: number | undefined;
}

/**
 * Runs a whole system on virtual time from one seed: its arrivals, its random numbers, and the order of what happens at
 * the same moment. A run that fails is repeated exactly by its seed, which the error names.
 *
 * @example
 * const scheduler = new Scheduler({ seed: 42 });
 * const { clock, random } = scheduler;
 * scheduler.arrivals({ ratePerSecond: 100, durationMs: 60_000 }, () => guard.execute(call, work));
 * await scheduler.run(60_000);
 */
export class Scheduler {
  readonly seed: number;
  readonly clock: VirtualClock;
  readonly random: Random;
  readonly #transcript: string[] = [];
  #failure: { readonly error: unknown } | undefined;

  constructor(options: SchedulerOptions = {}) {
    this.seed = requireInteger('seed', options.seed ?? 1, Number.MIN_SAFE_INTEGER);
    // Two streams, so that a timer more or less does not change what the system draws.
    this.random = seededRandom(this.seed);
    const order = seededRandom(this.seed ^ 0x5eed);
    this.clock = new VirtualClock({ random: order, ...(options.now === undefined ? {} : { now: options.now }) });
  }

  /** What was noted, one line each, with its time. */
  get transcript(): readonly string[] {
    return this.#transcript;
  }

  /** Notes something with the time at which it happened. */
  note(text: string): void {
    this.#transcript.push(`${this.clock.monotonic().toFixed(3)} ${text}`);
  }

  /** Does something after a while. What it throws ends the run. */
  at(delayMs: number, work: () => unknown): void {
    this.clock.setTimer(requireDuration('delayMs', delayMs, 0), () => this.#start(work));
  }

  /** Does something again and again, at random moments (a Poisson process). What it throws ends the run. */
  arrivals(options: ArrivalOptions, work: (index: number) => unknown): void {
    const { ratePerSecond, durationMs, afterMs = 0 } = options;
    requireNumber('ratePerSecond', ratePerSecond, Number.MIN_VALUE);
    requireDuration('durationMs', durationMs, 0);
    const endMs = this.clock.monotonic() + requireDuration('afterMs', afterMs, 0) + durationMs;
    const next = (index: number, fromMs: number): void => {
      const gapMs = (-Math.log(1 - this.random.next()) / ratePerSecond) * 1_000;
      if (this.clock.monotonic() + fromMs + gapMs > endMs) return;
      this.clock.setTimer(fromMs + gapMs, () => {
        this.#start(() => work(index));
        next(index + 1, 0);
      });
    };
    next(0, afterMs);
  }

  /**
   * Lets so much time pass.
   *
   * @throws what the first thing that failed has thrown, with the seed that repeats it.
   */
  async run(durationMs: number): Promise<void> {
    await this.clock.advance(durationMs);
    if (this.#failure === undefined) return;
    const { error } = this.#failure;
    this.#failure = undefined;
    const message = error instanceof Error ? error.message : String(error);
    throw new PlinthError(`The run with seed ${this.seed} failed: ${message}`, 'RUN_FAILED', { cause: error });
  }

  #start(work: () => unknown): void {
    const run = async (): Promise<unknown> => work();
    run().catch((error: unknown) => {
      this.#failure ??= { error };
    });
  }
}
