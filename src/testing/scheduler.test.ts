import { describe, expect, it } from 'vitest';
import { NetworkError, UpstreamError } from '../errors/index.ts';
import { hedgedGuard, pipeline } from '../pipeline/index.ts';
import { TokenBucketRateLimiter } from '../rate-limit/index.ts';
import { RetryBudget } from '../resilience/index.ts';
import { Scheduler } from './index.ts';

/** Half a minute of two guards with every inner stage in front of one dependency that is down for a while. */
async function runSystem(seed: number): Promise<string> {
  const scheduler = new Scheduler({ seed });
  const { clock, random } = scheduler;
  const budget = new RetryBudget({ clock });
  const limiter = new TokenBucketRateLimiter({ ratePerSecond: 25, capacity: 3, clock });
  const retrying = pipeline('rates', { clock, random })
    .deadline(2_000)
    .retry({ maxAttempts: 3, budget })
    .concurrency({ maxConcurrent: 4, maxQueued: 20 })
    .breaker({ failureThreshold: 5, recoveryTimeMs: 3_000 })
    .rate(limiter)
    .attemptTimeout(300)
    .build();
  const hedging = hedgedGuard('rates', { clock, random, budget, deadlineMs: 1_000, attemptTimeoutMs: 300 });
  for (const guard of [retrying, hedging]) {
    guard.events.on('call', ({ operation, result, attempts, durationMs, stages }) => {
      const story = stages.map(({ stage, decision }) => `${stage} ${decision}`).join(', ');
      scheduler.note(`${operation} ${result} ${attempts} ${durationMs}: ${story}`);
    });
  }
  const answers = scheduler.stream('answers');
  const ask = async (signal: AbortSignal): Promise<string> => {
    await clock.sleep(5 - 60 * Math.log(1 - answers.next()), signal);
    const isDown = clock.monotonic() > 10_000 && clock.monotonic() < 16_000;
    if (isDown || answers.next() < 0.05)
      throw answers.next() < 0.5 ? new UpstreamError('m', 503) : new NetworkError('m');
    return 'answer';
  };
  for (const guard of [retrying, hedging]) {
    scheduler.arrivals({ ratePerSecond: 20, durationMs: 25_000 }, index =>
      guard
        .execute(
          { operation: `${guard === retrying ? 'retried' : 'hedged'} ${index}`, repeatable: true },
          ({ signal }) => ask(signal),
        )
        .catch(() => {}),
    );
  }
  await scheduler.run(30_000);
  return scheduler.transcript.join('\n');
}

describe('Scheduler', () => {
  it('runs a system with all its policies the same way twice, byte for byte, and another way from another seed', async () => {
    const transcript = await runSystem(42);
    expect((await runSystem(42)) === transcript).toBe(true);
    expect((await runSystem(43)) === transcript).toBe(false);
    const stories = ['retry retried', 'hedge hedged', 'breaker rejected', 'rate waited', 'concurrency waited'];
    expect(stories.filter(story => !transcript.includes(story))).toEqual([]);
    expect(transcript.split('\n').length).toBeGreaterThan(800);
  });

  it('notes the time of what happens', async () => {
    const scheduler = new Scheduler();
    scheduler.after(1_500.25, () => scheduler.note('it happens'));
    await scheduler.run(2_000);
    expect(scheduler.transcript).toEqual(['1500.250 it happens']);
  });

  it.each([
    [
      'at once',
      () => {
        throw new TypeError('two of them');
      },
    ],
    [
      'later',
      async () => {
        await undefined;
        throw new TypeError('two of them');
      },
    ],
  ])('stops where something fails %s, and names the seed and the time', async (_, work) => {
    const scheduler = new Scheduler({ seed: 77 });
    scheduler.after(20, work);
    scheduler.after(30, () => scheduler.note('too late'));
    await expect(scheduler.run(1_000)).rejects.toMatchObject({
      code: 'RUN_FAILED',
      message: 'The run with seed 77 failed after 20.000 ms: two of them',
      cause: { name: 'TypeError' },
    });
    expect([scheduler.clock.monotonic(), scheduler.transcript]).toEqual([20, []]);
    await scheduler.run(10);
    expect(scheduler.transcript).toEqual(['30.000 too late']);
  });

  it('names the seed when a timer of the system throws', async () => {
    const scheduler = new Scheduler({ seed: 78 });
    scheduler.clock.setTimer(5, () => {
      throw new TypeError('in a timer');
    });
    await expect(scheduler.run(10)).rejects.toThrow('The run with seed 78 failed after 5.000 ms: in a timer');
  });

  it('has arrivals that come at the rate, and know nothing of each other', async () => {
    const scheduler = new Scheduler({ seed: 5 });
    const atMs: number[] = [];
    scheduler.arrivals({ ratePerSecond: 100, durationMs: 100_000, afterMs: 500 }, index => {
      expect(index).toBe(atMs.length);
      atMs.push(scheduler.clock.monotonic());
    });
    await scheduler.run(200_000);
    // 10,000 are expected; the standard deviation of a Poisson process is 100. Five of them.
    expect(Math.abs(atMs.length - 10_000)).toBeLessThan(500);
    expect(atMs[0]).toBeGreaterThan(500);
    expect(atMs.at(-1)).toBeLessThanOrEqual(100_500);
    const gapsMs = atMs.slice(1).map((at, index) => at - (atMs[index] ?? 0));
    // Of gaps that have no memory, 1 - 1/e are shorter than their mean of 10 ms, and the spread is as large as the mean.
    const share = gapsMs.filter(gapMs => gapMs < 10).length / gapsMs.length;
    expect(Math.abs(share - (1 - Math.exp(-1)))).toBeLessThan(0.025);
    const variance = gapsMs.reduce((sum, gapMs) => sum + (gapMs - 10) ** 2, 0) / gapsMs.length;
    expect(Math.abs(Math.sqrt(variance) - 10)).toBeLessThan(1);
    // In tenths of a second, the counts vary as much as they are large.
    const counts = new Array<number>(1_000).fill(0);
    for (const at of atMs) counts[Math.floor((at - 500) / 100)] = (counts[Math.floor((at - 500) / 100)] ?? 0) + 1;
    const dispersion = counts.reduce((sum, count) => sum + (count - 10) ** 2, 0) / counts.length / 10;
    expect(Math.abs(dispersion - 1)).toBeLessThan(0.25);
  });

  it('lets arrivals and streams not be disturbed by what the system draws', async () => {
    const run = async (draws: number): Promise<readonly string[]> => {
      const scheduler = new Scheduler({ seed: 9 });
      const latency = scheduler.stream('latency');
      scheduler.arrivals({ ratePerSecond: 10, durationMs: 5_000 }, () => {
        for (let count = 0; count < draws; count += 1) scheduler.random.next();
        for (let count = 0; count < draws; count += 1) scheduler.clock.setTimer(0, () => {});
        scheduler.note(String(latency.next()));
      });
      await scheduler.run(5_000);
      return scheduler.transcript;
    };
    expect(await run(3)).toEqual(await run(0));
  });

  it('has streams that differ by name and by seed', () => {
    const firsts = [0, 1, 2, 0xffff_ffff].flatMap(seed => {
      const scheduler = new Scheduler({ seed });
      return ['system', 'a', 'b', 'ab', 'ba', ''].map(name => scheduler.stream(name).next());
    });
    expect(new Set(firsts).size).toBe(24);
    expect(new Scheduler({ seed: 3 }).random.next()).toBe(new Scheduler({ seed: 3 }).stream('system').next());
  });

  it.each([
    ['seed', () => new Scheduler({ seed: -1 })],
    ['seed', () => new Scheduler({ seed: 2 ** 32 })],
    ['delayMs', () => new Scheduler().after(-1, () => {})],
    ['ratePerSecond', () => new Scheduler().arrivals({ ratePerSecond: 0, durationMs: 1 }, () => {})],
    ['durationMs', () => new Scheduler().arrivals({ ratePerSecond: 1, durationMs: -1 }, () => {})],
  ])('refuses a %s that makes no sense', (argument, make) => {
    expect(make).toThrow(expect.objectContaining({ name: 'ArgumentError', argument }));
  });
});
