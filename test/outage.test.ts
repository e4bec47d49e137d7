import { NetworkError, UpstreamError } from 'plinth/errors';
import { type Attempt, type Guard, pipeline, standardGuard } from 'plinth/pipeline';
import { RetryBudget } from 'plinth/resilience';
import { Scheduler } from 'plinth/testing';
import { describe, expect, it } from 'vitest';

const durationMs = 60_000;
const outageMs = 30_000;
const burst = 10;
const burstsPerSecond = 20;

type Parts = Pick<Scheduler, 'clock' | 'random'>;
type Failure = 'answers 503' | 'refuses connections' | 'hangs';

/** What happened while the dependency was down, and in the whole minute. */
interface Phase {
  requests: number;
  attempts: number;
  answered: number;
}

interface Outcome {
  readonly before: Phase;
  readonly during: Phase;
  readonly after: Phase;
  readonly requestsMs: readonly number[];
}

/** A minute of bursts, about 200 requests a second, of which half a minute fails entirely. */
async function outage(seed: number, failure: Failure, make: (parts: Parts) => Guard): Promise<Outcome> {
  const scheduler = new Scheduler({ seed });
  const { clock } = scheduler;
  const guard = make(scheduler);
  const chance = scheduler.stream('dependency');
  const beginMs = 10_000 + 10_000 * chance.next();
  const newPhase = (): Phase => ({ requests: 0, attempts: 0, answered: 0 });
  const phases = { before: newPhase(), during: newPhase(), after: newPhase() };
  const requestsMs: number[] = [];
  const phaseAt = (nowMs: number): Phase => {
    if (nowMs < beginMs) return phases.before;
    return nowMs < beginMs + outageMs ? phases.during : phases.after;
  };
  const work = async ({ signal }: Attempt): Promise<string> => {
    const phase = phaseAt(clock.monotonic());
    phase.attempts += 1;
    if (phase === phases.during && failure === 'refuses connections') throw new NetworkError('Refused');
    if (phase === phases.during && failure === 'hangs') await clock.sleep(3_600_000, signal);
    await clock.sleep(2 + 20 * chance.next(), signal);
    if (phase === phases.during) throw new UpstreamError('Down', 503);
    return 'answer';
  };
  const request = (): void => {
    const phase = phaseAt(clock.monotonic());
    phase.requests += 1;
    requestsMs.push(clock.monotonic());
    guard.execute({ operation: 'read', repeatable: true }, work).then(
      () => {
        phase.answered += 1;
      },
      () => {},
    );
  };
  scheduler.arrivals({ ratePerSecond: burstsPerSecond, durationMs }, () => {
    for (let count = 0; count < burst; count += 1) request();
  });
  await scheduler.run(durationMs + 60_000);
  return { ...phases, requestsMs };
}

const amplification = (...phases: readonly Phase[]): number =>
  phases.reduce((sum, { attempts }) => sum + attempts, 0) / phases.reduce((sum, { requests }) => sum + requests, 0);

/** The most requests that came within any interval of this length. */
function mostWithin(intervalMs: number, timesMs: readonly number[]): number {
  let most = 0;
  let first = 0;
  for (const [index, timeMs] of timesMs.entries()) {
    while ((timesMs[first] ?? 0) < timeMs - intervalMs) first += 1;
    most = Math.max(most, index - first + 1);
  }
  return most;
}

const failures: readonly Failure[] = ['answers 503', 'refuses connections', 'hangs'];
const seeds = [1, 2, 3, 4];
const cases = failures.flatMap(failure => seeds.map(seed => ({ failure, seed })));

describe.each<[string, number, (parts: Parts) => Guard]>([
  [
    'retry and breaker with their defaults',
    0.9,
    parts => pipeline('d', parts).retry().breaker().attemptTimeout(500).build(),
  ],
  // Its breaker waits for a minute: the load of this test has ended by then.
  ['standardGuard', 0, parts => standardGuard('d', { ...parts, attemptTimeoutMs: 500 })],
])('%s, in front of a dependency that is down for half a minute', (_, answeredAfter, make) => {
  it.each(cases)(
    'asks it less often than 1.1 times per request when it $failure (seed $seed)',
    async ({ failure, seed }) => {
      const { before, during, after } = await outage(seed, failure, make);
      expect(during.requests).toBeGreaterThan(5_000);
      expect(amplification(before)).toBe(1);
      expect(before.answered).toBe(before.requests);
      // The breaker is what holds it down: a few calls until it opens, and a probe now and then.
      expect(amplification(during)).toBeLessThan(0.1);
      expect(amplification(before, during, after)).toBeLessThan(1.1);
      expect(after.answered / after.requests).toBeGreaterThanOrEqual(answeredAfter);
    },
  );
});

describe('the retry budget alone, without a breaker', () => {
  it.each(cases)('holds to its law when the dependency $failure (seed $seed)', async ({ failure, seed }) => {
    const budgets: RetryBudget[] = [];
    const { before, during, after, requestsMs } = await outage(seed, failure, parts => {
      const budget = new RetryBudget({ clock: parts.clock });
      budgets.push(budget);
      return pipeline('d', parts).retry({ budget }).attemptTimeout(500).build();
    });
    const { ratio = 0, minRetriesPerSecond = 0, windowMs = 1 } = budgets[0]?.settings ?? {};
    // Within each window of the outage: a share of the requests that the window saw, and the floor.
    const windows = outageMs / windowMs;
    const retries = windows * (ratio * mostWithin(windowMs, requestsMs) + (minRetriesPerSecond * windowMs) / 1_000);
    const bound = 1 + retries / during.requests;
    expect(bound).toBeLessThan(1.15);
    expect(amplification(during)).toBeLessThanOrEqual(bound);
    expect(amplification(before, during, after)).toBeLessThan(1.1);
    // It grants what it may: the test above would not notice a guard that does not retry.
    expect(amplification(during)).toBeGreaterThan(1.07);
  });

  it('is what makes the difference: without it the outage is multiplied by three', async () => {
    const { during } = await outage(1, 'answers 503', parts => pipeline('d', parts).retry({ budget: false }).build());
    expect(amplification(during)).toBeGreaterThan(2.9);
  });
});
