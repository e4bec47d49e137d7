import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NetworkError, RejectedError } from '../errors/index.ts';
import { TokenBucketRateLimiter } from '../rate-limit/index.ts';
import { VirtualClock } from '../testing/index.ts';
import { type BatchOutcome, BatchProcessor, type BatchResult, MemoryCheckpoint, RecordedError } from './index.ts';

/** Batches that are tried in all; raised by hand to 20,000 after a change. */
const batches = 1_500;

type Doing = 'value' | 'failure' | 'throws' | 'refusal';
type Command = { readonly do: 'pause' | 'resume' | 'stop' | 'abort'; readonly afterMs: number };
type Result = BatchResult<number, string>;

const doing = fc.constantFrom<Doing>('value', 'value', 'value', 'failure', 'throws', 'refusal');
const command: fc.Arbitrary<Command> = fc.record({
  do: fc.constantFrom('pause', 'resume', 'resume', 'stop', 'abort'),
  afterMs: fc.nat(15),
});

const scenario = fc.record({
  items: fc.array(fc.record({ what: doing, tookMs: fc.nat(9), isKnown: fc.boolean() }), { maxLength: 14 }),
  source: fc.constantFrom('array', 'iterable', 'async'),
  readMs: fc.nat(3),
  maxConcurrent: fc.integer({ min: 1, max: 4 }),
  moreHeld: fc.nat(3),
  takes: fc.constantFrom('all', 'one by one'),
  takeMs: fc.nat(4),
  hasLimiter: fc.boolean(),
  hasCheckpoint: fc.boolean(),
  maxFailures: fc.constantFrom(undefined, undefined, 0, 2),
  commands: fc.array(command, { maxLength: 4 }),
});
type Scenario = typeof scenario extends fc.Arbitrary<infer Value> ? Value : never;

const limit = { ratePerSecond: 250, capacity: 2 };
const reason = new TypeError('enough');

/** Plays a batch on virtual time and looks on. */
class Play {
  readonly clock = new VirtualClock();
  readonly abort = new AbortController();
  readonly checkpoint = new MemoryCheckpoint<string>({ job: 'play' });
  readonly begunAtMs: number[] = [];
  readonly worked = new Map<number, number>();
  readonly results: Result[] = [];
  readonly offences = new Set<string>();
  readonly scenario: Scenario;
  readonly processor: BatchProcessor<number, string>;
  outcome: BatchOutcome | undefined;
  error: unknown;
  read = 0;
  over = 0;
  active = 0;
  isPaused = false;
  isEnding = false;
  isClosed = false;

  constructor(scenario: Scenario) {
    const { clock } = this;
    this.scenario = scenario;
    const { maxConcurrent, moreHeld, hasLimiter, hasCheckpoint, maxFailures } = scenario;
    this.processor = new BatchProcessor<number, string>({
      work: (item, { signal }) => this.work(item, signal),
      maxConcurrent,
      batchSize: maxConcurrent + moreHeld,
      limiter: hasLimiter ? new TokenBucketRateLimiter({ ...limit, clock }) : undefined,
      checkpoint: hasCheckpoint ? this.checkpoint : undefined,
      maxFailures,
      maxRefusalWaitMs: 0,
      clock,
    });
    this.processor.events.on('ended', end => {
      this.outcome = end.outcome;
      if (end.active !== 0) this.offences.add('ended with items under way');
    });
  }

  get taken(): number {
    return this.results.length;
  }

  async remember(): Promise<void> {
    const open = await this.checkpoint.open();
    for (const [item, { what, isKnown }] of this.scenario.items.entries()) {
      if (isKnown && what === 'value') await open.record(String(item), item, { ok: true, value: `known ${item}` });
      else if (isKnown && what === 'failure') {
        const error = { name: 'NetworkError', code: 'NETWORK_ERROR', message: 'known', retryable: true };
        await open.record(String(item), item, { ok: false, error });
      }
    }
  }

  async work(item: number, signal: AbortSignal): Promise<string> {
    const { what, tookMs } = this.scenario.items[item] ?? { what: 'throws', tookMs: 0 };
    if (this.isPaused) this.offences.add('began during a pause');
    if (this.isEnding) this.offences.add('began after the end');
    this.begunAtMs.push(this.clock.monotonic());
    this.worked.set(item, (this.worked.get(item) ?? 0) + 1);
    this.active += 1;
    if (this.active > this.scenario.maxConcurrent) this.offences.add('too many at once');
    try {
      if (what === 'throws') throw new NetworkError(`failed ${item}`);
      // Every other item does not listen to its signal.
      await this.clock.sleep(tookMs, item % 2 === 0 ? signal : undefined);
      if (what === 'failure') throw new NetworkError(`failed ${item}`);
      if (what === 'refusal') throw new RejectedError(`refused ${item}`, 'open');
      return `value ${item}`;
    } finally {
      this.active -= 1;
      this.over += 1;
    }
  }

  items(): Iterable<number> | AsyncIterable<number> {
    const numbers = this.scenario.items.map((_, index) => index);
    if (this.scenario.source === 'array') return numbers;
    return this.scenario.source === 'iterable' ? this.readNow(numbers) : this.readLater(numbers);
  }

  *readNow(numbers: readonly number[]): Generator<number> {
    try {
      for (const item of numbers) yield this.note(item);
    } finally {
      this.isClosed = true;
    }
  }

  async *readLater(numbers: readonly number[]): AsyncGenerator<number> {
    try {
      for (const item of numbers) {
        await this.clock.sleep(this.scenario.readMs);
        yield this.note(item);
      }
    } finally {
      this.isClosed = true;
    }
  }

  note(item: number): number {
    this.read += 1;
    const { maxConcurrent, moreHeld, takes } = this.scenario;
    if (takes === 'one by one' && this.read - this.taken > maxConcurrent + moreHeld + 1) {
      this.offences.add('read too far ahead of who takes');
    }
    return item;
  }

  async take(): Promise<void> {
    const { takes, takeMs } = this.scenario;
    const { signal } = this.abort;
    try {
      if (takes === 'all') this.results.push(...(await this.processor.processBatch(this.items(), { signal })));
      else {
        for await (const result of this.processor.run(this.items(), { signal })) {
          this.results.push(result);
          await this.clock.sleep(takeMs);
        }
      }
    } catch (error) {
      this.error = error;
      if (error && typeof error === 'object' && 'results' in error && takes === 'all') {
        this.results.push(...(error.results as Result[]));
      }
    }
  }

  command({ do: what }: Command): void {
    if (what === 'pause') {
      this.isPaused = true;
      this.processor.pause();
    } else if (what === 'resume') {
      this.isPaused = false;
      this.processor.resume();
    } else {
      this.isEnding = true;
      if (what === 'stop') void this.processor.stop();
      else this.abort.abort(reason);
    }
  }

  async run(): Promise<void> {
    await this.remember();
    const taking = this.take();
    for (const next of this.scenario.commands) {
      await this.clock.advance(next.afterMs);
      this.command(next);
    }
    await this.clock.advance(0);
    this.command({ do: 'resume', afterMs: 0 });
    await this.clock.advance(10_000);
    await taking;
  }

  /** What the item must come to, when it is worked on or known. */
  isRight(result: Result): boolean {
    const { what, isKnown } = this.scenario.items[result.index] ?? {};
    const known = this.scenario.hasCheckpoint && isKnown;
    if (result.item !== result.index) return false;
    if (what === 'value') {
      return result.ok && result.recorded === known && result.value === `${known ? 'known' : 'value'} ${result.item}`;
    }
    if (result.ok) return false;
    if (what === 'failure' && known) return result.recorded && result.error instanceof RecordedError;
    if (result.recorded) return false;
    return what === 'refusal'
      ? result.error instanceof RejectedError && result.error.reason === 'open'
      : result.error instanceof NetworkError;
  }
}

function isClosed(result: Result): boolean {
  return !result.ok && result.error instanceof RejectedError && result.error.reason === 'closed';
}

function mostWithin(timesMs: readonly number[]): boolean {
  return timesMs.every((fromMs, first) =>
    timesMs
      .slice(first)
      .every(
        (untilMs, count) => count + 1 <= limit.capacity + (limit.ratePerSecond * (untilMs - fromMs)) / 1_000 + 1e-6,
      ),
  );
}

describe('a batch, whatever happens to it', () => {
  it('gives each item that was read one result, in order, within its bounds', async () => {
    const outcomes = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(scenario, async chosen => {
        const play = new Play(chosen);
        await play.run();
        const { results, outcome, worked } = play;
        outcomes.set(String(outcome), (outcomes.get(String(outcome)) ?? 0) + 1);
        expect([...play.offences]).toEqual([]);
        expect(results.map(({ index }) => index)).toEqual(results.map((_, index) => index));
        expect([...worked.values()].every(times => times === 1)).toBe(true);
        expect(play.clock.pendingTimers, 'timers').toBe(0);
        expect(play.processor.progress()).toBeUndefined();
        if (chosen.hasLimiter) expect(mostWithin(play.begunAtMs), 'the pace').toBe(true);
        if (outcome === 'completed') {
          expect(results.length).toBe(chosen.items.length);
          expect(results.filter(result => !play.isRight(result))).toEqual([]);
        } else if (outcome === 'aborted') {
          expect(play.error).toBe(reason);
        } else if (!play.abort.signal.aborted) {
          expect(outcome === 'failed' ? play.error : undefined).toEqual(play.error);
          expect(results.filter(result => !play.isRight(result) && !isClosed(result))).toEqual([]);
          // What was worked on is among the results, and what is among the results as closed was not worked on.
          expect([...worked.keys()].filter(item => results[item] === undefined || isClosed(results[item]))).toEqual([]);
        }
        if (chosen.source !== 'array' && play.read > 0) expect(play.isClosed || outcome !== 'completed').toBe(true);
        await goesOn(play);
      }),
      { numRuns: batches },
    );
    expect([...outcomes.keys()].sort()).toEqual(['aborted', 'completed', 'failed', 'stopped']);
  });
});

/** The same job again: what has an outcome is not done again, and in the end everything has one. */
async function goesOn(play: Play): Promise<void> {
  if (!play.scenario.hasCheckpoint) return;
  const { clock, scenario, worked } = play;
  const again: number[] = [];
  const processor = new BatchProcessor<number, string>({
    work: item => {
      again.push(item);
      return `again ${item}`;
    },
    checkpoint: play.checkpoint,
    clock,
  });
  const finished = processor.processBatch(scenario.items.map((_, index) => index));
  await clock.advance(0);
  const results = await finished;
  expect(results.map(({ item }) => item)).toEqual(scenario.items.map((_, index) => index));
  for (const [item, { what, isKnown }] of scenario.items.entries()) {
    const isRefused = what === 'refusal';
    const isKnownBefore = isKnown && (what === 'value' || what === 'failure');
    if (isKnownBefore) expect(again).not.toContain(item);
    else if (!play.abort.signal.aborted && worked.has(item)) expect(again.includes(item)).toBe(isRefused);
    else if (!worked.has(item)) expect(again).toContain(item);
    else if (play.results[item]?.ok) expect(again).not.toContain(item);
  }
}
