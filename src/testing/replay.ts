import { FailedError, NetworkError, RateLimitError, UpstreamError, ValidationError } from '../errors/index.ts';
import { type Clock, Events, type Random } from '../kernel/index.ts';
import type { CallRecord, Guard, GuardEvents } from '../pipeline/index.ts';
import { seededRandom } from './seeded-random.ts';
import { VirtualClock } from './virtual-clock.ts';

/** What a replayed guard has to be made of. */
export interface ReplayParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly events: Events<GuardEvents>;
}

/** How records are replayed. */
export interface ReplayOptions {
  /** Makes the guard whose numbers are to be tried, out of these parts. */
  readonly guard: (parts: ReplayParts) => Guard;
  /** What backoffs are drawn from: the same seed gives the same replay. @default 1 */
  readonly seed?: number | undefined;
}

/** What became of many calls. */
export interface ReplayTotals {
  readonly calls: number;
  readonly fresh: number;
  /** Answered with an older value or a substitute. */
  readonly covered: number;
  readonly rejected: number;
  readonly failed: number;
  /** How often the dependency was asked. */
  readonly attempts: number;
  /** Half of the calls took no longer, in milliseconds. */
  readonly medianMs: number;
  /** 99 % of the calls took no longer, in milliseconds. */
  readonly p99Ms: number;
}

/** The recorded calls beside the same calls under other numbers. */
export interface Replay {
  readonly recorded: ReplayTotals;
  readonly replayed: ReplayTotals;
  /** The replayed calls, in the order in which they ended. */
  readonly records: readonly CallRecord[];
}

/** How the dependency answered one attempt. */
interface Observation {
  /** Wall-clock time at which the attempt left, in milliseconds since 1970. */
  readonly departedAt: number;
  readonly durationMs: number;
  /** Why it failed, as the record says; `undefined` for success; `hung` for what was given up. */
  readonly failure: string | undefined;
}

/**
 * Makes recorded calls again, at the same distances in virtual time, through a guard with other numbers: what would
 * yesterday have been with a threshold of 3?
 *
 * The dependency answers as it did: the n-th attempt of a call as its n-th attempt was answered; an attempt that was not
 * made then, as the one nearest in time. What was given up as too slow hangs for ever, because nobody knows how long it
 * would have taken. Calls that no attempt was recorded for at all are answered at once.
 *
 * @example
 * const { recorded, replayed } = await replay(log.latest(1_000), {
 *   guard: parts => pipeline('rates', parts).retry().breaker({ failureThreshold: 3 }).attemptTimeout(500).build(),
 * });
 * print(recorded.rejected, replayed.rejected);
 */
export async function replay(records: readonly CallRecord[], options: ReplayOptions): Promise<Replay> {
  const made = records.filter(({ background }) => !background).sort((a, b) => a.startedAt - b.startedAt);
  const firstAt = made[0]?.startedAt ?? 0;
  const clock = new VirtualClock({ now: firstAt });
  const events = new Events<GuardEvents>();
  const replayed: CallRecord[] = [];
  events.on('call', record => replayed.push(record));
  const guard = options.guard({ clock, random: seededRandom(options.seed ?? 1), events });
  const past = records.flatMap(observationsOf).sort((a, b) => a.departedAt - b.departedAt);
  for (const record of made) {
    const { operation, key, repeatable } = record;
    const own = observationsOf(record);
    clock.setTimer(record.startedAt - firstAt, () => {
      const call = guard.execute({ operation, key, repeatable }, ({ attempt, signal }) =>
        answer(own[attempt - 1] ?? nearest(past, clock.now()), clock, signal),
      );
      call.catch(() => {});
    });
  }
  const lastAt = made.at(-1)?.startedAt ?? 0;
  // Long enough for the slowest call that is possible under any sane numbers; virtual time costs nothing.
  await clock.advance(lastAt - firstAt + 3_600_000);
  const foreground = replayed.filter(({ background }) => !background);
  return { recorded: totalsOf(made, records), replayed: totalsOf(foreground, replayed), records: replayed };
}

function observationsOf({ startedAt, stages }: CallRecord): readonly Observation[] {
  const observations: Observation[] = [];
  let leftMs = 0;
  for (const { stage, decision, atMs, durationMs = 0, reason = 'UNKNOWN' } of stages) {
    if (stage === 'transport' && decision !== 'rejected') {
      const failure = decision === 'ok' ? undefined : reason;
      observations.push({ departedAt: startedAt + atMs - durationMs, durationMs, failure });
    } else if (decision === 'timed-out') {
      observations.push({ departedAt: startedAt + leftMs, durationMs: atMs - leftMs, failure: 'hung' });
    }
    leftMs = atMs;
  }
  return observations;
}

function nearest(past: readonly Observation[], at: number): Observation | undefined {
  let low = 0;
  let high = past.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((past[middle] as Observation).departedAt < at) low = middle + 1;
    else high = middle;
  }
  const [before, after] = [past[low - 1], past[low]];
  if (before === undefined || after === undefined) return before ?? after;
  return at - before.departedAt <= after.departedAt - at ? before : after;
}

async function answer(seen: Observation | undefined, clock: Clock, signal: AbortSignal): Promise<string> {
  if (seen === undefined) return 'replayed';
  if (seen.failure === 'hung') return new Promise(() => {});
  await clock.sleep(seen.durationMs, signal);
  if (seen.failure !== undefined) throw errorOf(seen.failure);
  return 'replayed';
}

/** The error that a record's reason stands for: its code, and its status where it had one. */
function errorOf(reason: string): Error {
  const [code = 'UNKNOWN', status] = reason.split(' ');
  const message = `As recorded: ${reason}`;
  if (code === 'NETWORK_ERROR') return new NetworkError(message);
  if (code === 'RATE_LIMITED') return new RateLimitError(message);
  if (code === 'UPSTREAM_ERROR') return new UpstreamError(message, Number(status));
  if (code === 'VALIDATION_ERROR' || code === 'NOT_FOUND') return new ValidationError(message);
  // Foreign errors are retryable and speak against the dependency; failures of other kinds only the latter.
  return new FailedError(message, code, { retryable: code === 'UNKNOWN' || code === 'TIMEOUT' });
}

function totalsOf(calls: readonly CallRecord[], all: readonly CallRecord[]): ReplayTotals {
  const durations = calls.map(({ durationMs }) => durationMs).sort((a, b) => a - b);
  const at = (share: number): number => durations[Math.max(0, Math.ceil(durations.length * share) - 1)] ?? 0;
  const count = (is: (record: CallRecord) => boolean): number => calls.filter(is).length;
  return {
    calls: calls.length,
    fresh: count(({ freshness }) => freshness === 'fresh'),
    covered: count(({ freshness }) => freshness === 'stale' || freshness === 'fallback'),
    rejected: count(({ result }) => result === 'rejected'),
    failed: count(({ result }) => result === 'failed'),
    attempts: all.reduce((sum, { attempts }) => sum + attempts, 0),
    medianMs: at(0.5),
    p99Ms: at(0.99),
  };
}
