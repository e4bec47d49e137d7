import { getEventListeners } from 'node:events';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NetworkError } from '../errors/index.ts';
import { VirtualClock } from '../testing/index.ts';
import { Hedge, type HedgeOptions, RetryBudget } from './index.ts';
import { LatencyHistogram } from './latency-histogram.ts';

/** A hedge that knows its dependency: a wait of about 100 ms. */
function warmHedge(clock: VirtualClock, options: HedgeOptions = {}): Hedge {
  const hedge = new Hedge({ clock, ...options });
  for (let call = 0; call < 200; call += 1) hedge.record(call < 180 ? 10 : 100);
  return hedge;
}

interface Attempt {
  readonly latencyMs: number;
  readonly error?: Error;
}

/** Work whose attempts take as long and end as they are told. */
function scripted(clock: VirtualClock, ...attempts: readonly Attempt[]) {
  const signals: AbortSignal[] = [];
  const work = async (signal: AbortSignal): Promise<number> => {
    const { latencyMs, error } = attempts[signals.length] ?? { latencyMs: 0 };
    const attempt = signals.push(signal);
    await clock.sleep(latencyMs, signal);
    if (error !== undefined) throw error;
    return attempt;
  };
  return { work, signals };
}

describe('Hedge', () => {
  it('waits for the observed percentile, within its bounds, once it knows enough', () => {
    const hedge = new Hedge({ minSamples: 10, minDelayMs: 20, maxDelayMs: 200 });
    for (let call = 0; call < 9; call += 1) hedge.record(50);
    expect(hedge.delayMs()).toBeUndefined();
    hedge.record(50);
    expect(hedge.delayMs()).toBeGreaterThan(48);
    expect(hedge.delayMs()).toBeLessThan(52);
    for (let call = 0; call < 500; call += 1) hedge.record(1);
    expect(hedge.delayMs()).toBe(20);
    for (let call = 0; call < 500; call += 1) hedge.record(10_000);
    expect(hedge.delayMs()).toBe(200);
  });

  it('begins a second attempt after that, takes the first success and aborts the loser', async () => {
    const clock = new VirtualClock();
    const hedge = warmHedge(clock);
    const told: string[] = [];
    hedge.events.on('hedged', ({ attempt }) => told.push(`hedged ${attempt}`));
    hedge.events.on('won', ({ attempt }) => told.push(`won ${attempt}`));
    const { work, signals } = scripted(clock, { latencyMs: 1_000 }, { latencyMs: 10 });
    const result = hedge.execute(work, { repeatable: true });
    await clock.advance(95);
    expect(signals).toHaveLength(1);
    await clock.advance(20);
    await expect(result).resolves.toBe(2);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
    expect(signals[0]?.reason).toMatchObject({ name: 'AbortError' });
    expect(told).toEqual(['hedged 2', 'won 2']);
    expect(clock.pendingTimers).toBe(0);
  });

  it('leaves a call alone that answers in time', async () => {
    const clock = new VirtualClock();
    const { work, signals } = scripted(clock, { latencyMs: 50 });
    const result = warmHedge(clock).execute(work, { repeatable: true });
    await clock.advance(50);
    await expect(result).resolves.toBe(1);
    expect([signals.length, clock.pendingTimers]).toEqual([1, 0]);
  });

  it('never does twice what may be done once only, but learns from it', async () => {
    const clock = new VirtualClock();
    const hedge = warmHedge(clock, { minSamples: 201 });
    const { work, signals } = scripted(clock, { latencyMs: 1_000 });
    const result = hedge.execute(work, { repeatable: false });
    await clock.advance(1_000);
    await expect(result).resolves.toBe(1);
    expect(signals).toHaveLength(1);
    expect(hedge.delayMs()).toBeDefined();
  });

  it('begins another attempt only if the budget grants it', async () => {
    const clock = new VirtualClock();
    const budget = new RetryBudget({ clock, ratio: 0, minRetriesPerSecond: 0.1 });
    const hedge = warmHedge(clock, { budget });
    for (const expected of [2, 1]) {
      const { work, signals } = scripted(clock, { latencyMs: 200 }, { latencyMs: 200 });
      const result = hedge.execute(work, { repeatable: true });
      await clock.advance(400);
      await result;
      expect(signals).toHaveLength(expected);
    }
    expect(budget.stats()).toMatchObject({ calls: 2, retries: 1 });
  });

  it('waits for the other attempt when one fails, and fails with the first failure', async () => {
    const clock = new VirtualClock();
    const hedge = warmHedge(clock);
    const first = scripted(clock, { latencyMs: 150, error: new NetworkError('one') }, { latencyMs: 200 });
    const saved = hedge.execute(first.work, { repeatable: true });
    const both = scripted(
      clock,
      { latencyMs: 300, error: new NetworkError('one') },
      { latencyMs: 10, error: new NetworkError('two') },
    );
    const lost = expect(hedge.execute(both.work, { repeatable: true })).rejects.toThrow('two');
    await clock.advance(400);
    await expect(saved).resolves.toBe(2);
    await lost;
  });

  it('passes a failure on at once while it is the only attempt: to try again is the business of retries', async () => {
    const clock = new VirtualClock();
    const { work, signals } = scripted(clock, { latencyMs: 5, error: new NetworkError('one') });
    const failed = expect(warmHedge(clock).execute(work, { repeatable: true })).rejects.toThrow('one');
    await clock.advance(5);
    await failed;
    const thrower = (): Promise<never> => {
      throw new TypeError('at once');
    };
    await expect(warmHedge(clock).execute(thrower, { repeatable: true })).rejects.toThrow('at once');
    expect([signals.length, clock.pendingTimers]).toEqual([1, 0]);
  });

  it('ends all attempts when the caller leaves, and begins none for one who has left', async () => {
    const clock = new VirtualClock();
    const hedge = warmHedge(clock);
    const controller = new AbortController();
    const { work, signals } = scripted(clock, { latencyMs: 1_000 }, { latencyMs: 1_000 });
    const options = { repeatable: true, signal: controller.signal };
    const failed = expect(hedge.execute(work, options)).rejects.toThrow('left');
    await clock.advance(200);
    controller.abort(new TypeError('left'));
    await failed;
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
    await expect(hedge.execute(work, options)).rejects.toThrow('left');
    await clock.advance(0);
    expect([signals.length, clock.pendingTimers]).toEqual([2, 0]);
    expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
  });

  it('counts a hedged call as a whole, so that it hedges no more calls the more it hedges', async () => {
    const clock = new VirtualClock();
    const hedge = new Hedge({ clock });
    let hedged = 0;
    hedge.events.on('hedged', () => {
      hedged += 1;
    });
    for (let call = 0; call < 2_000; call += 1) {
      const { work } = scripted(clock, { latencyMs: call % 20 === 0 ? 500 : 20 + (call % 10) }, { latencyMs: 20 });
      const result = hedge.execute(work, { repeatable: true });
      await clock.advance(call % 20 === 0 ? 500 : 40);
      await result;
    }
    expect(hedged / 2_000).toBeLessThan(0.12);
  });

  it('protects a function and changes its numbers, all or none', async () => {
    const clock = new VirtualClock();
    const hedge = new Hedge({ clock });
    const add = hedge.protect(async (a: number, b: number) => a + b);
    await expect(add(2, 3)).resolves.toBe(5);
    hedge.reconfigure({ percentile: 0.5, minSamples: 1 });
    expect(hedge.delayMs()).toBe(10);
    expect(() => hedge.reconfigure({ minDelayMs: 50, maxDelayMs: 49 })).toThrow(
      expect.objectContaining({ argument: 'maxDelayMs' }),
    );
    expect(hedge.settings).toMatchObject({ percentile: 0.5, minDelayMs: 10 });
  });

  it.each([
    ['percentile', 1],
    ['percentile', 0],
    ['minDelayMs', -1],
    ['maxDelayMs', 9],
    ['minSamples', 0],
    ['maxHedges', 0],
    ['maxHedges', Number.NaN],
  ])('refuses %s %d, with its name and value', (argument, value) => {
    expect(() => new Hedge({ [argument]: value })).toThrow(
      expect.objectContaining({ argument, message: expect.stringContaining(`got ${value}`) }),
    );
  });
});

describe('LatencyHistogram', () => {
  it('knows every percentile to about 2 %', () => {
    const latencies = fc.array(fc.double({ min: 0.02, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(latencies, fc.double({ min: 0.01, max: 1, noNaN: true }), (latenciesMs, share) => {
        const histogram = new LatencyHistogram(10_000);
        for (const latencyMs of latenciesMs) histogram.record(latencyMs);
        const sorted = [...latenciesMs].sort((a, b) => a - b);
        const exactMs = sorted[Math.max(1, Math.ceil(share * sorted.length)) - 1] ?? 0;
        expect((histogram.percentileMs(share) ?? 0) / exactMs).toBeGreaterThan(0.975);
        expect((histogram.percentileMs(share) ?? 0) / exactMs).toBeLessThan(1.025);
      }),
    );
  });

  it('forgets old latencies as new ones come', () => {
    const histogram = new LatencyHistogram(100);
    for (let call = 0; call < 1_000; call += 1) histogram.record(1_000);
    for (let call = 0; call < 300; call += 1) histogram.record(10);
    expect(histogram.percentileMs(0.9)).toBeLessThan(11);
    expect(histogram.samples).toBeLessThanOrEqual(100);
  });
});
