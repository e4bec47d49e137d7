import { runWithRequestContext } from '../context/index.ts';
import { ArgumentError } from '../errors/index.ts';
import type { Clock, Random } from '../kernel/index.ts';
import type { CallRecord, Guard } from '../pipeline/index.ts';
import { answerAgain, answersOf, nearestAnswer, type RecordedAnswer } from './recorded-answers.ts';
import { type ReplayTotals, totalsOf } from './replay-totals.ts';
import { seededRandom } from './seeded-random.ts';
import { VirtualClock } from './virtual-clock.ts';

/** What a replayed guard has to be made with, and every policy and cache in it. */
export interface ReplayParts {
  readonly clock: Clock;
  readonly random: Random;
}

/** How records are replayed. */
export interface ReplayOptions {
  /** Makes the guard whose numbers are to be tried, with these parts. */
  readonly guard: (parts: ReplayParts) => Guard;
  /** What backoffs are drawn from: the same seed gives the same replay. @default 1 */
  readonly seed?: number | undefined;
}

/** The recorded calls beside the same calls under other numbers. */
export interface Replay {
  readonly recorded: ReplayTotals;
  /** Without those that have no end. */
  readonly replayed: ReplayTotals;
  /** Replayed calls that have no end: the answer hung, and no number of the guard gives up on it. */
  readonly endless: number;
  /** The replayed calls, in the order in which they ended. */
  readonly records: readonly CallRecord[];
}

/** How long the last calls are given to end, in milliseconds: longer than any sane deadline, and it costs nothing. */
const restMs = 3_600_000;

/**
 * Makes recorded calls again, at the same distances in virtual time, through a guard with other numbers: what would
 * yesterday have been with a threshold of 3? A day takes seconds.
 *
 * The dependency answers as it did: the n-th attempt of a call as its n-th attempt was answered, and an attempt that was
 * not made then as the one that left nearest in time. What was given up as too slow hangs for ever, because nobody knows
 * how long it would have taken. A caller who left then leaves again after the same time. Before the first attempt on
 * record, and of calls that were answered by a cache that was warm then, nothing is known but what others met.
 *
 * It does not know how the dependency would have borne more load or less.
 *
 * @throws {ArgumentError} when there are records, but none of the guard's dependency.
 * @example
 * const { recorded, replayed } = await replay(log.latest(1_000), {
 *   guard: parts => pipeline('rates', parts).retry().breaker({ failureThreshold: 3 }).attemptTimeout(500).build(),
 * });
 * print(recorded.attempts, replayed.attempts);
 */
export async function replay(records: readonly CallRecord[], options: ReplayOptions): Promise<Replay> {
  const firstAt = records.reduce((first, { startedAt }) => Math.min(first, startedAt), Number.POSITIVE_INFINITY);
  const clock = new VirtualClock({ now: records.length === 0 ? undefined : firstAt });
  const guard = options.guard({ clock, random: seededRandom(options.seed ?? 1) });
  const recorded = recordsOf(guard.dependency, records);
  const answers = recorded.flatMap(answersOf).sort((a, b) => a.departedAt - b.departedAt);
  const replayed: CallRecord[] = [];
  const subscription = guard.events.on('call', record => replayed.push(record));
  let lastMs = 0;
  for (const record of recorded) {
    if (record.background) continue;
    lastMs = record.startedAt - firstAt;
    clock.setTimer(lastMs, () => callAgain(record, { guard, clock, answers }));
  }
  await clock.advance(lastMs + restMs);
  subscription.unsubscribe();
  const totals = { recorded: totalsOf(recorded), replayed: totalsOf(replayed) };
  return { ...totals, endless: totals.recorded.calls - totals.replayed.calls, records: replayed };
}

/** The records of one dependency in the order in which the calls began. */
function recordsOf(dependency: string, records: readonly CallRecord[]): readonly CallRecord[] {
  const own = records.filter(record => record.dependency === dependency);
  if (own.length === 0 && records.length > 0) {
    const names = [...new Set(records.map(record => record.dependency))].join(', ');
    throw new ArgumentError(
      `Cannot replay ${records.length} records through a guard of "${dependency}": expected records of it, got records of ${names}`,
      'records',
    );
  }
  return own.sort((a, b) => a.startedAt - b.startedAt || a.sequence - b.sequence);
}

interface Scene {
  readonly guard: Guard;
  readonly clock: VirtualClock;
  /** All that is known of the dependency. */
  readonly answers: readonly RecordedAnswer[];
}

/** Begins a recorded call again. Its record tells how it ended. */
function callAgain(record: CallRecord, { guard, clock, answers }: Scene): void {
  const { operation, key, repeatable, requestId, durationMs, error } = record;
  const own = answersOf(record);
  const controller = new AbortController();
  const hasLeft = error?.code === 'ABORTED' && own.at(-1)?.failure !== 'ABORTED';
  if (hasLeft) clock.setTimer(durationMs, () => controller.abort());
  let attempts = 0;
  // Nothing of the context in which the replay runs belongs to the call.
  runWithRequestContext({ requestId, deadlineMs: undefined, attempt: undefined }, () =>
    guard.execute({ operation, key, repeatable, signal: hasLeft ? controller.signal : undefined }, ({ signal }) => {
      attempts += 1;
      return answerAgain(own[attempts - 1] ?? nearestAnswer(answers, clock.now()), clock, signal);
    }),
  ).catch(() => {});
}
