import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { TokenBucketRateLimiter } from '../rate-limit/index.ts';
import { VirtualClock } from '../testing/index.ts';
import { type BatchEnd, BatchProcessor, type BatchResult, type WorkContext } from './index.ts';

describe('pause(), resume(), stop() and the signal', () => {
  const slow = (clock: VirtualClock, begun: number[]) => async (item: number) => {
    begun.push(item);
    await clock.sleep(10);
    return item;
  };

  it('a pause lets what is under way end, and holds until it is over', async () => {
    const clock = new VirtualClock();
    const begun: number[] = [];
    const told: string[] = [];
    const processor = new BatchProcessor({ work: slow(clock, begun), maxConcurrent: 2, clock });
    processor.events.on('paused', () => told.push('paused'));
    processor.events.on('resumed', () => told.push('resumed'));
    processor.pause();
    const processing = processor.processBatch([1, 2, 3, 4]);
    await clock.advance(50);
    expect([begun, processor.progress()?.state]).toEqual([[], 'paused']);
    processor.resume();
    await clock.advance(5);
    processor.pause();
    await clock.advance(50);
    expect(begun).toEqual([1, 2]);
    processor.resume();
    await clock.advance(10);
    expect(await processing).toHaveLength(4);
    expect(told).toEqual(['paused', 'resumed', 'paused', 'resumed']);
  });

  it('an item whose turn comes during a pause waits for another turn: the pace holds', async () => {
    const clock = new VirtualClock();
    const begunAtMs: number[] = [];
    const processor = new BatchProcessor({
      work: () => void begunAtMs.push(clock.monotonic()),
      maxConcurrent: 4,
      limiter: new TokenBucketRateLimiter({ ratePerSecond: 1, capacity: 1, clock }),
      clock,
    });
    const processing = processor.processBatch([1, 2, 3, 4]);
    await clock.advance(500);
    processor.pause();
    await clock.advance(9_600);
    processor.resume();
    await clock.advance(5_000);
    await processing;
    const gaps = begunAtMs.slice(1).map((timeMs, index) => timeMs - (begunAtMs[index] ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(999);
  });

  it('stop() resolves when what is under way has ended, and the results are there', async () => {
    const clock = new VirtualClock();
    const begun: number[] = [];
    const processor = new BatchProcessor({ work: slow(clock, begun), maxConcurrent: 2, clock });
    const processing = processor.processBatch([1, 2, 3, 4]);
    await clock.advance(5);
    const stopping = processor.stop();
    expect(processor.progress()?.state).toBe('stopping');
    await clock.advance(5);
    await stopping;
    expect((await processing).map(({ value }) => value)).toEqual([1, 2]);
  });

  it('an item that was read and did not begin says so', async () => {
    const clock = new VirtualClock();
    const limiter = new TokenBucketRateLimiter({ ratePerSecond: 0.01, capacity: 1, clock });
    const processor = new BatchProcessor({ work: (item: number) => item, limiter, clock });
    const processing = processor.processBatch([1, 2]);
    await clock.advance(5);
    const failures: unknown[] = [];
    const ends: BatchEnd[] = [];
    processor.events.on('item-failed', event => failures.push(event));
    processor.events.on('ended', event => ends.push(event));
    await processor.stop();
    const results = await processing;
    expect(failures).toEqual([]);
    expect(ends[0]).toMatchObject({ outcome: 'stopped', done: 1, failed: 0, active: 0 });
    expect(results[0]?.value).toBe(1);
    expect(results[1]?.error).toMatchObject({
      reason: 'closed',
      message: 'The batch "batch" ended before this item began',
    });
    expect(limiter.waiting).toBe(0);
  });

  it('stop() does not wait for a source that gives nothing', async () => {
    async function* source(): AsyncGenerator<number> {
      yield 1;
      await new Promise(() => {});
    }
    const processor = new BatchProcessor({ work: (item: number) => item });
    const processing = processor.processBatch(source());
    await new Promise(resolve => setImmediate(resolve));
    await processor.stop();
    expect(await processing).toHaveLength(1);
    await processor.stop();
  });

  it.each([true, false])('an abort ends at once; the work listens to its signal: %s', async listens => {
    const clock = new VirtualClock();
    const controller = new AbortController();
    const signals: AbortSignal[] = [];
    const work = async (_: number, { signal }: WorkContext): Promise<void> => {
      signals.push(signal);
      await clock.sleep(60_000, listens ? signal : undefined);
    };
    const results: BatchResult<number, void>[] = [];
    const processor = new BatchProcessor({ work, maxConcurrent: 2, clock });
    const taking = (async () => {
      for await (const result of processor.run([1, 2, 3], { signal: controller.signal })) results.push(result);
    })().catch((error: unknown) => error);
    await clock.advance(1);
    const reason = new TypeError('enough');
    controller.abort(reason);
    expect(await taking).toBe(reason);
    expect(results.map(({ item, error }) => [item, error])).toEqual([
      [1, reason],
      [2, reason],
    ]);
    expect(signals.every(({ aborted }) => aborted)).toBe(true);
    await clock.advance(60_000);
  });

  it('does not begin for a signal that is aborted already', async () => {
    const begun: string[] = [];
    const processor = new BatchProcessor({ work: (item: string) => begun.push(item) });
    const signal = AbortSignal.abort(new TypeError('late'));
    await expect(processor.processBatch(['a'], { signal })).rejects.toThrow('late');
    expect(begun).toEqual([]);
  });

  it('an abort after stop() does not wait any longer', async () => {
    const clock = new VirtualClock();
    const controller = new AbortController();
    const processor = new BatchProcessor({ work: () => clock.sleep(60_000), clock });
    const processing = processor.processBatch([1], { signal: controller.signal }).catch((error: unknown) => error);
    await clock.advance(1);
    const stopping = processor.stop();
    controller.abort(new TypeError('enough'));
    await stopping;
    expect(await processing).toEqual(new TypeError('enough'));
  });

  it('leaves no warning behind when many wait', async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error): number => warnings.push(warning);
    process.on('warning', onWarning);
    const clock = new VirtualClock();
    const controller = new AbortController();
    const limiter = new TokenBucketRateLimiter({ ratePerSecond: 1, capacity: 1, clock });
    const processor = new BatchProcessor({
      work: (_, { signal }) => clock.sleep(10, signal),
      maxConcurrent: 60,
      limiter,
      clock,
    });
    const processing = processor.processBatch(Array(60).fill(1), { signal: controller.signal });
    await clock.advance(60_000);
    await processing;
    process.off('warning', onWarning);
    expect(warnings).toEqual([]);
  });

  it('leaves nothing at the signal', async () => {
    const { signal } = new AbortController();
    await new BatchProcessor({ work: (item: number) => item }).processBatch([1, 2, 3], { signal });
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });
});
