import { describe, expect, it } from 'vitest';
import { NetworkError } from '../errors/index.ts';
import { seededRandom, VirtualClock } from '../testing/index.ts';
import { AdaptiveConcurrency } from './index.ts';

const tickMs = 0.25;
const workers = 20;
const serviceMs = 10;
const patienceMs = 200;

/** Calls per millisecond: half of what the dependency can do, then twice as much for ten seconds, then half again. */
const loadAt = (nowMs: number): number => (nowMs >= 5_000 && nowMs < 15_000 ? 4 : 1);

interface Outcome {
  /** Calls that were answered in time while the load was too high, as a share of what the dependency could do. */
  readonly goodput: number;
  /** The same after the load has gone down again, as a share of the load. */
  readonly recovered: number;
  /** Of the answered calls while the load was too high: the latency that 99 of 100 do not exceed, in milliseconds. */
  readonly p99Ms: number;
  readonly highestLimit: number;
}

/** A dependency with twenty workers and a queue without end, whose callers give up after a while but whose work is done. */
function stepLoad(concurrency?: AdaptiveConcurrency, clock = { nowMs: 0 }): Outcome {
  const random = seededRandom(7);
  const queue: { readonly atMs: number; done: boolean }[] = [];
  const working: { readonly call: { readonly atMs: number; done: boolean }; readonly endsMs: number }[] = [];
  const impatient: { readonly atMs: number; done: boolean }[] = [];
  const latencies: number[] = [];
  let [head, gone, arrivals, recovered, highestLimit] = [0, 0, 0, 0, 0];
  const end = (call: { readonly atMs: number; done: boolean }, outcome: 'succeeded' | 'failed'): void => {
    if (call.done) return;
    call.done = true;
    const latencyMs = clock.nowMs - call.atMs;
    concurrency?.release({ outcome, latencyMs });
    if (outcome === 'failed') return;
    if (call.atMs >= 6_000 && call.atMs < 15_000) latencies.push(latencyMs);
    if (call.atMs >= 16_000 && call.atMs < 19_000) recovered += 1;
  };
  for (; clock.nowMs < 20_000; clock.nowMs += tickMs) {
    const { nowMs } = clock;
    for (let worker = working.length - 1; worker >= 0; worker -= 1) {
      const job = working[worker];
      if (job === undefined || job.endsMs > nowMs) continue;
      working.splice(worker, 1);
      end(job.call, 'succeeded');
    }
    for (arrivals += loadAt(nowMs) * tickMs; arrivals >= 1; arrivals -= 1) {
      if (concurrency !== undefined && !concurrency.tryAcquire()) continue;
      const call = { atMs: nowMs, done: false };
      queue.push(call);
      impatient.push(call);
    }
    for (let call = impatient[gone]; call && nowMs - call.atMs >= patienceMs; call = impatient[++gone])
      end(call, 'failed');
    for (let call = queue[head]; call && working.length < workers; call = queue[++head]) {
      working.push({ call, endsMs: nowMs + serviceMs * (0.5 + random.next()) });
    }
    highestLimit = Math.max(highestLimit, concurrency?.limit ?? 0);
  }
  latencies.sort((a, b) => a - b);
  return {
    goodput: latencies.length / ((workers / serviceMs) * 9_000),
    recovered: recovered / 3_000,
    p99Ms: latencies[Math.floor(latencies.length * 0.99)] ?? Number.POSITIVE_INFINITY,
    highestLimit,
  };
}

function simulated(options: { readonly baselineIntervalMs?: number } = {}) {
  const hand = { nowMs: 0 };
  const clock = Object.assign(new VirtualClock(), { monotonic: () => hand.nowMs, monotonicCoarse: () => hand.nowMs });
  return { hand, concurrency: new AdaptiveConcurrency({ ...options, clock, random: seededRandom(1) }) };
}

describe('AdaptiveConcurrency', () => {
  it('keeps answering under twice the load that the dependency can take, where calls without it all come too late', () => {
    const { hand, concurrency } = simulated();
    const without = stepLoad();
    const beside = stepLoad(concurrency, hand);
    expect(without.goodput).toBeLessThan(0.1);
    expect(without.recovered).toBeLessThan(0.1);
    expect(beside.goodput).toBeGreaterThan(0.9);
    expect(beside.recovered).toBeGreaterThan(0.95);
    expect(beside.p99Ms).toBeLessThan(4 * serviceMs);
    expect(beside.highestLimit).toBeLessThan(workers * 4);
  });

  it('goes on doing so while the baseline is measured again and again', () => {
    const { hand, concurrency } = simulated({ baselineIntervalMs: 1_000 });
    const outcome = stepLoad(concurrency, hand);
    expect(outcome.goodput).toBeGreaterThan(0.85);
    expect(outcome.p99Ms).toBeLessThan(4 * serviceMs);
  });

  it('follows a dependency that becomes slower in itself, once the baseline is measured again', () => {
    const { hand, concurrency } = simulated({ baselineIntervalMs: 2_000 });
    const busy = (latencyMs: number, untilMs: number): void => {
      while (hand.nowMs < untilMs) {
        let taken = 0;
        while (taken < 50 && concurrency.tryAcquire()) taken += 1;
        hand.nowMs += latencyMs;
        for (; taken > 0; taken -= 1) concurrency.release({ outcome: 'succeeded', latencyMs });
      }
    };
    busy(10, 2_000);
    expect(concurrency.limit).toBeGreaterThanOrEqual(40);
    busy(30, 20_000);
    expect(concurrency.snapshot().baselineMs).toBeGreaterThan(25);
    expect(concurrency.limit).toBeGreaterThanOrEqual(40);
  });

  it('does not grow for calls that do not need it', () => {
    const { hand, concurrency } = simulated();
    for (let call = 0; call < 5_000; call += 1) {
      concurrency.tryAcquire();
      hand.nowMs += 5;
      concurrency.release({ outcome: 'succeeded', latencyMs: 5 });
    }
    expect(concurrency.limit).toBe(4);
  });

  it('hears slow failures and no quick ones', () => {
    const { hand, concurrency } = simulated();
    const burst = (outcome: 'succeeded' | 'failed' | 'ignored', latencyMs: number): void => {
      let taken = 0;
      while (taken < 100 && concurrency.tryAcquire()) taken += 1;
      hand.nowMs += latencyMs;
      for (; taken > 0; taken -= 1) concurrency.release({ outcome, latencyMs });
    };
    for (let round = 0; round < 200; round += 1) burst('succeeded', 10);
    const { limit } = concurrency;
    expect(limit).toBeGreaterThan(20);
    for (let round = 0; round < 50; round += 1) burst('failed', 1);
    for (let round = 0; round < 50; round += 1) burst('ignored', 1_000);
    expect(concurrency.limit).toBe(limit);
    for (let round = 0; round < 50; round += 1) burst('failed', 1_000);
    expect(concurrency.limit).toBe(concurrency.settings.minLimit);
  });

  it('runs work in its slots, gives them back however it ends, and lets others wait', async () => {
    const clock = new VirtualClock();
    const concurrency = new AdaptiveConcurrency({ minLimit: 1, maxLimit: 1, maxQueued: 1, clock });
    const told: string[] = [];
    concurrency.events.on('rejected', ({ reason }) => told.push(reason));
    const first = concurrency.execute(() => clock.sleep(100));
    const failing = concurrency.execute(() => Promise.reject(new NetworkError('broken')));
    await expect(concurrency.execute(async () => 'too many')).rejects.toMatchObject({ reason: 'full' });
    const failed = expect(failing).rejects.toThrow('broken');
    await clock.advance(100);
    await Promise.all([first, failed]);
    const left = { signal: AbortSignal.abort(new TypeError('left')) };
    await expect(concurrency.execute(async () => 'never', left)).rejects.toThrow('left');
    await expect(concurrency.protect(async (a: number) => a + 1)(1)).resolves.toBe(2);
    expect(concurrency.snapshot()).toMatchObject({ active: 0, queued: 0, limit: 1 });
    expect(told).toEqual(['full']);
  });

  it('changes its numbers, all or none, and keeps the limit within them', () => {
    const { concurrency } = simulated();
    const told: unknown[] = [];
    concurrency.events.on('limit-changed', event => told.push(event));
    concurrency.reconfigure({ minLimit: 10, maxLimit: 50 });
    expect(concurrency.limit).toBe(10);
    expect(told).toEqual([{ name: 'adaptive-concurrency', from: 4, to: 10 }]);
    expect(() => concurrency.reconfigure({ maxLimit: 5 })).toThrow(expect.objectContaining({ argument: 'maxLimit' }));
    expect(concurrency.settings).toMatchObject({ minLimit: 10, maxLimit: 50 });
  });

  it.each([
    ['minLimit', 0],
    ['maxLimit', 3],
    ['tolerance', -1],
    ['windowMs', 0],
    ['minSamples', 0],
    ['baselineIntervalMs', Number.NaN],
    ['maxQueued', -1],
  ])('refuses %s %d, with its name and value', (argument, value) => {
    expect(() => new AdaptiveConcurrency({ [argument]: value })).toThrow(
      expect.objectContaining({ argument, message: expect.stringContaining(`got ${value}`) }),
    );
  });
});
