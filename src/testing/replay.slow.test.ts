import { describe, expect, it } from 'vitest';
import { MemoryCache } from '../cache/index.ts';
import { runWithRequestContext } from '../context/index.ts';
import { FailedError, NetworkError, RejectedError, UpstreamError, ValidationError } from '../errors/index.ts';
import { type Attempt, type CallOptions, type CallRecord, type Guard, pipeline } from '../pipeline/index.ts';
import { constantBackoff } from '../resilience/index.ts';
import { type ReplayParts, replay, replayReport, Scheduler, seededRandom, VirtualClock } from './index.ts';

const read = { operation: 'rates.read', repeatable: true };

function recordsOf(guard: Guard): CallRecord[] {
  const records: CallRecord[] = [];
  guard.events.on('call', record => records.push(record));
  return records;
}

const guardWith =
  ({ failureThreshold = 5 } = {}) =>
  ({ clock, random }: ReplayParts): Guard =>
    pipeline('rates', { clock, random })
      .deadline(5_000)
      .cache(new MemoryCache({ ttlMs: 1_000, staleMs: 60_000, clock }))
      .retry({ maxAttempts: 3 })
      .concurrency({ maxConcurrent: 50, maxQueued: 100 })
      .breaker({ failureThreshold, recoveryTimeMs: 2_000 })
      .attemptTimeout(500)
      .build();

interface Traffic {
  readonly seed: number;
  readonly ratePerSecond: number;
  readonly durationMs: number;
  /** Whether the dependency is down at a moment. */
  readonly isDown: (nowMs: number) => boolean;
}

/** Calls through a real guard, of which some fail and some hang while the dependency is down. */
async function record({ seed, ratePerSecond, durationMs, isDown }: Traffic): Promise<readonly CallRecord[]> {
  const scheduler = new Scheduler({ seed });
  const { clock } = scheduler;
  const guard = guardWith()({ clock, random: seededRandom(seed) });
  const records = recordsOf(guard);
  const answers = scheduler.stream('answers');
  const work = async ({ signal }: Attempt): Promise<string> => {
    const fails = isDown(clock.monotonic()) || answers.next() < 0.02;
    await clock.sleep(5 + 50 * answers.next(), signal);
    if (!fails) return 'answer';
    const kind = answers.next();
    if (kind < 0.1) return new Promise(() => {});
    throw kind < 0.6 ? new UpstreamError('m', 503) : new NetworkError('m');
  };
  scheduler.arrivals({ ratePerSecond, durationMs }, index => {
    // Every other call has a key, and is cached and joined.
    const key = index % 2 === 0 ? `key ${index % 20}` : undefined;
    guard.execute({ ...read, key }, work).catch(() => {});
  });
  await scheduler.run(durationMs + 10_000);
  return records;
}

/** Records a single guard, call by call. */
async function recordCalls(
  make: (parts: ReplayParts) => Guard,
  calls: readonly (readonly [Partial<CallOptions>, (attempt: Attempt, clock: VirtualClock) => Promise<unknown>])[],
): Promise<readonly CallRecord[]> {
  const clock = new VirtualClock();
  const guard = make({ clock, random: seededRandom(1) });
  const records = recordsOf(guard);
  for (const [options, work] of calls) {
    guard.execute({ ...read, ...options }, attempt => work(attempt, clock)).catch(() => {});
    await clock.advance(1_000);
  }
  return records;
}

const storiesOf = (records: readonly CallRecord[]): readonly string[] =>
  records.map(
    ({ result, durationMs, stages }) =>
      `${result} ${durationMs}: ${stages.map(({ stage, decision }) => `${stage} ${decision}`).join(', ')}`,
  );

/** How often the dependency was asked in vain. */
const failures = (records: readonly CallRecord[]): number =>
  records
    .flatMap(({ stages }) => stages)
    .filter(({ stage, decision }) => stage === 'transport' && decision === 'failed').length;

describe('replay', () => {
  it.each([1, 2, 3, 4, 5])('gives every total again under the same numbers and the same seed (%i)', async seed => {
    const isDown = (nowMs: number): boolean => nowMs > 10_000 && nowMs < 30_000;
    const records = await record({ seed, ratePerSecond: 20, durationMs: 45_000, isDown });
    const { recorded, replayed, endless } = await replay(records, { guard: guardWith(), seed });
    expect(replayed).toEqual(recorded);
    expect(endless).toBe(0);
    const { calls, fresh, covered, rejected, failed } = recorded;
    expect(fresh + covered + rejected + failed).toBe(calls);
    for (const count of [fresh, covered, rejected]) expect(count).toBeGreaterThan(50);
  });

  it('asks the dependency less under a lower threshold, and the same in every run', async () => {
    // Down for one second of every ten: each time some calls must fail before the breaker opens.
    const isDown = (nowMs: number): boolean => nowMs % 10_000 > 9_000;
    const records = await record({ seed: 11, ratePerSecond: 40, durationMs: 300_000, isDown });
    const lower = () => replay(records, { guard: guardWith({ failureThreshold: 3 }), seed: 11 });
    const { recorded, replayed, records: again } = await lower();
    expect(replayed.calls).toBe(recorded.calls);
    expect(replayed.attempts).toBeLessThan(recorded.attempts);
    expect(failures(again)).toBeLessThan(failures(records) * 0.85);
    const second = await lower();
    expect(second.replayed).toEqual(replayed);
    expect(second.records).toEqual(again);
  });

  it('replays a day in seconds', { timeout: 15_000 }, async () => {
    const isDown = (nowMs: number): boolean => nowMs > 40_000_000 && nowMs < 50_000_000;
    const day = { seed: 12, ratePerSecond: 20_000 / 86_400, durationMs: 86_400_000, isDown };
    const records = await record(day);
    const { recorded, replayed } = await replay(records, { guard: guardWith(), seed: 12 });
    expect(recorded.calls).toBeGreaterThan(19_000);
    expect(replayed).toEqual(recorded);
  });

  it('does not depend on the order in which records are given, nor on the request in which it runs', async () => {
    const records = await record({ seed: 13, ratePerSecond: 10, durationMs: 20_000, isDown: nowMs => nowMs < 5_000 });
    const { recorded, replayed } = await runWithRequestContext({ attempt: 2, deadlineMs: 1, requestId: 'mine' }, () =>
      replay([...records].reverse(), { guard: guardWith(), seed: 13 }),
    );
    expect(replayed).toEqual(recorded);
  });

  it('answers failures by what they were: only those of the dependency open the breaker', async () => {
    const make = ({ clock, random }: ReplayParts): Guard =>
      pipeline('rates', { clock, random })
        .retry({ maxAttempts: 2, backoff: constantBackoff({ waitMs: 10 }) })
        .breaker({ failureThreshold: 4 })
        .build();
    const fail = (error: unknown) => [{}, () => Promise.reject(error)] as const;
    const records = await recordCalls(make, [
      fail(new ValidationError('m')),
      fail(new RejectedError('m', 'full')),
      fail(new DOMException('m', 'AbortError')),
      fail(new UpstreamError('m', 404)),
      fail(new FailedError('m')),
      fail(new TypeError('foreign')),
      fail(new ValidationError('m')),
      fail(new UpstreamError('m', 503)),
      fail(new UpstreamError('m', 503)),
    ]);
    const { records: again } = await replay(records, { guard: make });
    expect(storiesOf(again)).toEqual(storiesOf(records));
    expect(again.map(({ error }) => error?.code)).toEqual(records.map(({ error }) => error?.code));
    expect(storiesOf(records).filter(story => story.endsWith('breaker rejected')).length).toBe(1);
  });

  it('answers each call as it was answered, also when others left at the same moment', async () => {
    const make = (parts: ReplayParts): Guard => pipeline('rates', parts).retry({ maxAttempts: 1 }).build();
    const clock = new VirtualClock();
    const guard = make({ clock, random: seededRandom(1) });
    const records = recordsOf(guard);
    for (const [index, waitMs] of [30, 10, 20].entries()) {
      const work = async (): Promise<void> => {
        await clock.sleep(waitMs);
        if (index === 1) throw new NetworkError('m');
      };
      guard.execute({ ...read, key: `key ${index}` }, work).catch(() => {});
    }
    await clock.advance(1_000);
    const { records: again } = await replay(records, { guard: make });
    expect(storiesOf(again)).toEqual(storiesOf(records));
    expect(again.map(({ key, result }) => `${key} ${result}`)).toEqual(['key 1 failed', 'key 2 ok', 'key 0 ok']);
  });

  it('lets hang what was given up, and says how many calls nothing would give up', async () => {
    const make = (timeoutMs?: number) => (parts: ReplayParts) => {
      const builder = pipeline('rates', parts).retry({ maxAttempts: 2, backoff: constantBackoff({ waitMs: 10 }) });
      return timeoutMs === undefined ? builder.build() : builder.attemptTimeout(timeoutMs).build();
    };
    const records = await recordCalls(make(100), [
      [{}, ({ attempt }, clock) => (attempt === 1 ? new Promise(() => {}) : clock.sleep(20))],
      [{}, (_, clock) => clock.sleep(20)],
    ]);
    const same = await replay(records, { guard: make(100) });
    expect(storiesOf(same.records)).toEqual(storiesOf(records));
    const slower = await replay(records, { guard: make(200) });
    expect(slower.records.map(({ durationMs }) => durationMs).sort()).toEqual([20, 230]);
    const never = await replay(records, { guard: make() });
    expect([never.replayed.calls, never.endless]).toEqual([1, 1]);
    expect(replayReport(never)).toContain('calls without an end');
  });

  it('lets a caller leave again who has left, and lets the loser of a hedge hang', async () => {
    const make = ({ clock, random }: ReplayParts): Guard =>
      pipeline('rates', { clock, random }).hedge({ minSamples: 1, minDelayMs: 50, maxDelayMs: 50 }).build();
    const records = await recordCalls(make, [
      [{}, (_, clock) => clock.sleep(10)],
      // The first attempt takes too long, the second one wins.
      [
        {},
        (() => {
          let attempts = 0;
          return (_: Attempt, clock: VirtualClock) => {
            attempts += 1;
            return clock.sleep(attempts === 1 ? 900 : 30);
          };
        })(),
      ],
      // The second attempt is begun, and the first one wins.
      [
        {},
        (() => {
          let attempts = 0;
          return (_: Attempt, clock: VirtualClock) => {
            attempts += 1;
            return clock.sleep(attempts === 1 ? 70 : 900);
          };
        })(),
      ],
    ]);
    const leaving = new VirtualClock({ now: 0 });
    const guard = make({ clock: leaving, random: seededRandom(1) });
    const left = recordsOf(guard);
    const controller = new AbortController();
    guard.execute({ ...read, signal: controller.signal }, () => new Promise(() => {})).catch(() => {});
    leaving.setTimer(120, () => controller.abort());
    await leaving.advance(1_000);
    for (const calls of [records, left]) {
      expect(storiesOf((await replay(calls, { guard: make })).records)).toEqual(storiesOf(calls));
    }
    expect(storiesOf(records).slice(1)).toEqual([
      'ok 80: hedge hedged, transport ok',
      'ok 70: hedge hedged, transport ok',
    ]);
    expect(storiesOf(left)).toEqual(['failed 120: ']);
  });

  it('takes the records of its dependency only, and refuses when there are none', async () => {
    const [first] = await recordCalls(guardWith(), [[{}, async () => 1]]);
    const foreign = { ...(first as CallRecord), dependency: 'users' };
    const { recorded, replayed } = await replay([first as CallRecord, foreign], { guard: guardWith() });
    expect([recorded.calls, replayed.calls]).toEqual([1, 1]);
    await expect(replay([foreign], { guard: guardWith() })).rejects.toMatchObject({
      name: 'ArgumentError',
      argument: 'records',
      message: 'Cannot replay 1 records through a guard of "rates": expected records of it, got records of users',
    });
    expect((await replay([], { guard: guardWith() })).replayed.calls).toBe(0);
  });
});

describe('replayReport', () => {
  it('shows what was, what would have been, and the difference', () => {
    const recorded = { calls: 12_000, fresh: 9_000, covered: 1_000, rejected: 1_500, failed: 500, attempts: 10_100 };
    const replayed = { calls: 12_000, fresh: 8_900, covered: 1_000, rejected: 1_700, failed: 400, attempts: 9_700 };
    const text = replayReport({
      recorded: { ...recorded, medianMs: 12.4, p99Ms: 830 },
      replayed: { ...replayed, medianMs: 12.6, p99Ms: 640 },
      endless: 0,
      records: [],
    });
    expect(text.split('\n')).toEqual([
      '                                recorded    replayed      change',
      'calls                             12,000      12,000           0',
      'answered, fresh                    9,000       8,900        -100',
      'answered, covered                  1,000       1,000           0',
      'refused by us                      1,500       1,700        +200',
      'failed by them                       500         400        -100',
      'attempts at the dependency        10,100       9,700        -400',
      'median, ms                            12          13          +1',
      '99th percentile, ms                  830         640        -190',
    ]);
  });
});
