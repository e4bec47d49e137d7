import { PlinthError } from '../errors/index.ts';
import { type Random, requireDuration, requireInteger, requireNumber } from '../kernel/index.ts';
import { seededRandom } from './seeded-random.ts';
import { VirtualClock } from './virtual-clock.ts';

/** How a {@link Scheduler} starts. */
export interface SchedulerOptions {
  /** What everything random is drawn from, from 0 to 2^32 - 1: the same seed gives the same run. @default 1 */
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
  /** The time of the run: give it to every part of the system. */
  readonly clock: VirtualClock;
  /** The randomness of the system. Arrivals and the order of timers have streams of their own. */
  readonly random: Random;
  readonly #transcript: string[] = [];
  #arrivals = 0;
  #failure: { readonly error: unknown; readonly atMs: number } | undefined;

  /** @throws {ArgumentError} for a seed that is none. */
  constructor(options: SchedulerOptions = {}) {
    this.seed = requireInteger('seed', options.seed ?? 1, 0, 0xffff_ffff);
    this.random = this.stream('system');
    this.clock = new VirtualClock({ random: this.stream('order of timers'), now: options.now });
  }

  /** What was noted, one line each, with its time. */
  get transcript(): readonly string[] {
    return this.#transcript;
  }

  /** Notes something with the time at which it happened, in milliseconds. */
  note(text: string): void {
    this.#transcript.push(`${this.clock.monotonic().toFixed(3)} ${text}`);
  }

  /**
   * Randomness for one part of the system, by its name: what one part draws more or less changes nothing for the others,
   * so that two policies can be compared under the same arrivals and the same answers.
   *
   * @example
   * const latency = scheduler.stream('latency');
   * await clock.sleep(10 + 20 * latency.next());
   */
  stream(name: string): Random {
    // Mixed before the name and after it: without, neighbouring seeds would share streams or shift them.
    let seed = mixed(this.seed);
    for (const character of name) seed = Math.imul(seed ^ (character.codePointAt(0) ?? 0), 0x0100_0193);
    return seededRandom(mixed(seed));
  }

  /**
   * Does something after a while. What it throws, now or later, ends the run.
   *
   * @throws {ArgumentError} for a negative delay.
   */
  after(delayMs: number, work: () => unknown): void {
    this.clock.setTimer(requireDuration('delayMs', delayMs, 0), () => this.#start(work));
  }

  /**
   * Does something again and again, at random moments that know nothing of each other (a Poisson process). What it throws,
   * now or later, ends the run.
   *
   * @throws {ArgumentError} that names the option and its value.
   */
  arrivals(options: ArrivalOptions, work: (index: number) => unknown): void {
    const afterMs = requireDuration('afterMs', options.afterMs ?? 0, 0);
    const ratePerMs = requireNumber('ratePerSecond', options.ratePerSecond, Number.EPSILON) / 1_000;
    const endMs = this.clock.monotonic() + afterMs + requireDuration('durationMs', options.durationMs, 0);
    this.#arrivals += 1;
    const random = this.stream(`arrivals ${this.#arrivals}`);
    const next = (index: number, waitMs: number): void => {
      const delayMs = waitMs - Math.log(1 - random.next()) / ratePerMs;
      if (this.clock.monotonic() + delayMs > endMs) return;
      this.after(delayMs, () => {
        next(index + 1, 0);
        return work(index);
      });
    };
    next(0, afterMs);
  }

  /**
   * Lets so much time pass.
   *
   * @throws {PlinthError} with the code `RUN_FAILED` as soon as anything of the run has failed: it names the seed and the
   * time, and its cause is what was thrown.
   */
  async run(durationMs: number): Promise<void> {
    try {
      if (this.#failure === undefined) await this.clock.advance(durationMs);
    } catch (error) {
      this.#fail(error);
    }
    if (this.#failure === undefined) return;
    const { error, atMs } = this.#failure;
    this.#failure = undefined;
    const message = error instanceof Error ? error.message : String(error);
    throw new PlinthError(
      `The run with seed ${this.seed} failed after ${atMs.toFixed(3)} ms: ${message}`,
      'RUN_FAILED',
      {
        cause: error,
      },
    );
  }

  #start(work: () => unknown): void {
    const run = async (): Promise<unknown> => work();
    run().catch((error: unknown) => this.#fail(error));
  }

  #fail(error: unknown): void {
    this.#failure ??= { error, atMs: this.clock.monotonic() };
    this.clock.halt();
  }
}

function mixed(seed: number): number {
  return seededRandom(seed).next() * 2 ** 32;
}
