import { describe, expect, it } from 'vitest';
import { getRequestContext, runWithRequestContext } from '../context/index.ts';
import { ArgumentError, NetworkError } from '../errors/index.ts';
import { TokenBucketRateLimiter } from '../rate-limit/index.ts';
import { VirtualClock } from '../testing/index.ts';
import { BatchFailedError, BatchProcessor, type BatchProcessorOptions, MemoryCheckpoint } from './index.ts';

const length = async (item: string): Promise<number> => item.length;

describe('BatchProcessor()', () => {
  it('has the defaults of the documents, also for options that are undefined', () => {
    const { settings } = new BatchProcessor({ work: length, maxConcurrent: undefined, batchSize: undefined });
    expect(settings).toEqual({
      name: 'batch',
      maxConcurrent: 5,
      batchSize: 10,
      repeatFailures: false,
      maxFailures: Number.POSITIVE_INFINITY,
      maxRefusalWaitMs: 600_000,
      progressIntervalMs: 250,
    });
  });

  it.each<[string, Partial<BatchProcessorOptions<string, number>>]>([
    ['maxConcurrent', { maxConcurrent: 0 }],
    ['maxConcurrent', { maxConcurrent: 1.5 }],
    ['batchSize', { maxConcurrent: 5, batchSize: 4 }],
    ['maxFailures', { maxFailures: -1 }],
    ['maxFailures', { maxFailures: Number.NaN }],
    ['maxRefusalWaitMs', { maxRefusalWaitMs: -1 }],
    ['progressIntervalMs', { progressIntervalMs: 0 }],
  ])('refuses an unusable %s', (argument, options) => {
    expect(() => new BatchProcessor({ work: length, ...options })).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', argument }),
    );
  });

  it('refuses what has no work, no items, or no sensible total', async () => {
    expect(() => new BatchProcessor({} as BatchProcessorOptions<string, number>)).toThrow(ArgumentError);
    const processor = new BatchProcessor({ work: length });
    await expect(processor.processBatch(7 as unknown as string[])).rejects.toThrow('Cannot read items from number');
    await expect(processor.processBatch(['a'], { total: -1 })).rejects.toMatchObject({ argument: 'total' });
  });
});

describe('processBatch()', () => {
  it('gives each item its value or its error, in the order of the items', async () => {
    const clock = new VirtualClock();
    const work = async (item: number): Promise<number> => {
      await clock.sleep(100 - item * 10);
      if (item === 3) throw new NetworkError('no way');
      return item * item;
    };
    const processing = new BatchProcessor({ work, clock }).processBatch([1, 2, 3, 4]);
    await clock.advance(100);
    expect(await processing).toEqual([
      { ok: true, item: 1, index: 0, value: 1, recorded: false },
      { ok: true, item: 2, index: 1, value: 4, recorded: false },
      { ok: false, item: 3, index: 2, error: new NetworkError('no way'), recorded: false },
      { ok: true, item: 4, index: 3, value: 16, recorded: false },
    ]);
  });

  it('lets a slow item hold up nobody', async () => {
    const clock = new VirtualClock();
    let done = 0;
    const work = async (item: number): Promise<void> => {
      await clock.sleep(item === 0 ? 10_000 : 10);
      done += 1;
    };
    const processor = new BatchProcessor({ work, maxConcurrent: 2, batchSize: 2, clock });
    const processing = processor.processBatch(Array.from({ length: 101 }, (_, index) => index));
    await clock.advance(1_000);
    expect(done).toBe(100);
    await clock.advance(9_000);
    expect(await processing).toHaveLength(101);
  });

  it('takes sets, generators, and nothing at all', async () => {
    const processor = new BatchProcessor({ work: (item: string) => item.length });
    expect(await processor.processBatch([])).toEqual([]);
    expect((await processor.processBatch(new Set(['a', 'bb']))).map(({ value }) => value)).toEqual([1, 2]);
    async function* names(): AsyncGenerator<string> {
      yield 'ccc';
      yield 'dddd';
    }
    expect((await processor.processBatch(names())).map(({ value }) => value)).toEqual([3, 4]);
  });

  it('stops after too many failures, and hands over what it has', async () => {
    const clock = new VirtualClock();
    const began: number[] = [];
    const work = async (item: number): Promise<number> => {
      began.push(item);
      await clock.sleep(item === 0 ? 50 : 10);
      if (item % 2 === 1) throw new NetworkError(`item ${item}`);
      return item;
    };
    const processor = new BatchProcessor({ name: 'odd', work, maxConcurrent: 2, maxFailures: 1, clock });
    const processing = processor.processBatch([0, 1, 2, 3, 4, 5]).catch((error: unknown) => error);
    await clock.advance(100);
    const error = await processing;
    expect(error).toBeInstanceOf(BatchFailedError);
    expect(error).toMatchObject({ code: 'BATCH_FAILED', failed: 2, maxFailures: 1 });
    expect((error as BatchFailedError).cause).toEqual(new NetworkError('item 3'));
    expect((error as BatchFailedError).results.map(({ ok }) => ok)).toEqual([true, false, true, false]);
    expect(JSON.stringify(error)).not.toContain('results');
    expect(began).toEqual([0, 1, 2, 3]);
  });

  it('stops when the items cannot be read, after what is under way', async () => {
    const clock = new VirtualClock();
    let ended = 0;
    const work = async (): Promise<void> => {
      await clock.sleep(10);
      ended += 1;
    };
    function* items(): Generator<number> {
      yield 1;
      yield 2;
      throw new NetworkError('the list broke');
    }
    const processing = new BatchProcessor({ work, clock }).processBatch(items()).catch((error: unknown) => error);
    await clock.advance(10);
    expect(await processing).toEqual(new NetworkError('the list broke'));
    expect(ended).toBe(2);
  });

  it('refuses a second batch while one is under way, and takes it afterwards', async () => {
    const processor = new BatchProcessor({ name: 'labels', work: length });
    const first = processor.processBatch(['a']);
    await expect(processor.processBatch(['b'])).rejects.toMatchObject({ reason: 'full' });
    await first;
    expect(await processor.processBatch(['b'])).toHaveLength(1);
  });

  it('waits at the limiter before each item, under its key', async () => {
    const clock = new VirtualClock();
    const begunAtMs: Record<string, number[]> = { a: [], b: [] };
    const processor = new BatchProcessor({
      work: (item: string) => void begunAtMs[item]?.push(clock.monotonic()),
      limiter: new TokenBucketRateLimiter({ ratePerSecond: 1, capacity: 1, clock }),
      limitKeyOf: item => item,
      clock,
    });
    const processing = processor.processBatch(['a', 'b', 'a', 'a', 'b']);
    await clock.advance(2_000);
    await processing;
    expect(begunAtMs).toEqual({ a: [0, 1_000, 2_000], b: [0, 1_000] });
  });

  it('makes a refusal of the limiter the result of its item', async () => {
    const limiter = new TokenBucketRateLimiter({ ratePerSecond: 1, capacity: 1 });
    limiter.close();
    const [result] = await new BatchProcessor({ work: length, limiter }).processBatch(['a']);
    expect(result?.error).toMatchObject({ reason: 'closed' });
  });

  it('works in the request context in which it was called', async () => {
    const seen: (string | undefined)[] = [];
    const processor = new BatchProcessor({
      work: async () => {
        seen.push(getRequestContext()?.requestId);
      },
      maxConcurrent: 1,
    });
    await runWithRequestContext({ requestId: 'r-1' }, () => processor.processBatch([1, 2, 3]));
    expect(seen).toEqual(['r-1', 'r-1', 'r-1']);
  });

  it('gives the failure to name an item to that item alone', async () => {
    const processor = new BatchProcessor({
      work: (item: number) => item,
      keyOf: item => (item === 2 ? (undefined as unknown as string) : `${item}`),
      checkpoint: new MemoryCheckpoint<number>({ job: 'numbers' }),
    });
    const results = await processor.processBatch([1, 2, 3]);
    expect(results.map(({ value }) => value)).toEqual([1, undefined, 3]);
    expect(results[1]?.error).toMatchObject({ code: 'INVALID_ARGUMENT', argument: 'keyOf' });
  });
});

describe('run()', () => {
  it('reads on only as results are taken', async () => {
    let read = 0;
    function* numbers(): Generator<number> {
      for (;;) {
        read += 1;
        yield read;
      }
    }
    const processor = new BatchProcessor({ work: (item: number) => item, maxConcurrent: 3, batchSize: 4 });
    let taken = 0;
    for await (const { value } of processor.run(numbers())) {
      taken += 1;
      expect(value).toBe(taken);
      await new Promise(resolve => setImmediate(resolve));
      expect(read - taken).toBeLessThanOrEqual(4);
      if (taken === 100) break;
    }
    expect(processor.progress()).toBeUndefined();
  });

  it('stops when the loop is left: what is under way ends, and the source is closed', async () => {
    const clock = new VirtualClock();
    const events: string[] = [];
    function* numbers(): Generator<number> {
      try {
        for (let number = 1; ; number += 1) yield number;
      } finally {
        events.push('closed');
      }
    }
    const work = async (item: number): Promise<void> => {
      await clock.sleep(item * 10);
      events.push(`ended ${item}`);
    };
    const processor = new BatchProcessor({ work, maxConcurrent: 2, clock });
    const leaving = (async () => {
      for await (const _ of processor.run(numbers())) break;
      events.push('left');
    })();
    await clock.advance(100);
    await leaving;
    expect(events).toEqual(['ended 1', 'ended 2', 'closed', 'left']);
  });

  it('gives all results before it throws', async () => {
    const processor = new BatchProcessor({ work: () => Promise.reject(new NetworkError('no')), maxFailures: 0 });
    const seen: unknown[] = [];
    const taking = (async () => {
      for await (const result of processor.run(['a', 'b'])) seen.push(result.item);
    })();
    await expect(taking).rejects.toBeInstanceOf(BatchFailedError);
    expect(seen.length).toBeGreaterThan(0);
  });

  it('begins with the first result that is asked for', async () => {
    const began: string[] = [];
    const processor = new BatchProcessor({ work: (item: string) => began.push(item) });
    const results = processor.run(['a']);
    await new Promise(resolve => setImmediate(resolve));
    expect(began).toEqual([]);
    await results.next();
    expect(began).toEqual(['a']);
    await results.return();
  });
});
