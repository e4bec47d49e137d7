import { describe, expect, it } from 'vitest';
import { getRequestContext, runWithRequestContext } from '../context/index.ts';
import { ArgumentError, NetworkError, RejectedError } from '../errors/index.ts';
import { TokenBucketRateLimiter } from '../rate-limit/index.ts';
import { VirtualClock } from '../testing/index.ts';
import {
  BatchFailedError,
  BatchProcessor,
  type BatchProcessorOptions,
  type BatchResult,
  MemoryCheckpoint,
  type WorkContext,
} from './index.ts';

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
      progressIntervalMs: 250,
    });
  });

  it.each<[string, Partial<BatchProcessorOptions<string, number>>]>([
    ['maxConcurrent', { maxConcurrent: 0 }],
    ['maxConcurrent', { maxConcurrent: 1.5 }],
    ['batchSize', { maxConcurrent: 5, batchSize: 4 }],
    ['maxFailures', { maxFailures: -1 }],
    ['maxFailures', { maxFailures: Number.NaN }],
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
    await processor.stop();
    const results = await processing;
    expect(results[0]?.value).toBe(1);
    expect(results[1]?.error).toMatchObject({
      reason: 'closed',
      message: 'The batch "batch" ended before this item began',
    });
    expect(limiter.waiting).toBe(0);
  });

  it('stop() does not wait for a source that gives nothing', async () => {
    const source = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<IteratorResult<number>>(() => {}) }) };
    const processor = new BatchProcessor({ work: (item: number) => item });
    const processing = processor.processBatch(source);
    await processor.stop();
    expect(await processing).toEqual([]);
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
});

describe('a checkpoint', () => {
  it('gives each place of the same item a result of its own, and each its own idempotency key', async () => {
    const keys: string[] = [];
    const work = (item: string, { idempotencyKey }: WorkContext): string => {
      keys.push(idempotencyKey);
      return `${item} ${keys.length}`;
    };
    const checkpoint = new MemoryCheckpoint<string>({ job: 'twice' });
    const processor = new BatchProcessor({ work, checkpoint, maxConcurrent: 1 });
    const first = await processor.processBatch(['a', 'b', 'a']);
    expect(first.map(({ value }) => value)).toEqual(['a 1', 'b 2', 'a 3']);
    expect(new Set(keys).size).toBe(3);
    expect(keys[0]).toMatch(/^[0-9a-f]{32}$/);
    const again = await processor.processBatch(['a', 'a', 'b', 'a']);
    expect(again.map(({ value, recorded }) => [value, recorded])).toEqual([
      ['a 1', true],
      ['a 3', true],
      ['b 2', true],
      ['a 4', false],
    ]);
  });

  it('gives an item the same idempotency key in every run of the job, and in no other job', async () => {
    const keysOf = async (job: string | undefined): Promise<readonly string[]> => {
      const checkpoint = job === undefined ? undefined : new MemoryCheckpoint<string>({ job });
      const work = (_: number, context: WorkContext): string => context.idempotencyKey;
      const results = await new BatchProcessor({ work, checkpoint }).processBatch([1, 2]);
      return results.map(({ value }) => value ?? '');
    };
    expect(await keysOf('x')).toEqual(await keysOf('x'));
    expect(await keysOf('x')).not.toEqual(await keysOf('y'));
    expect(await keysOf(undefined)).not.toEqual(await keysOf(undefined));
  });

  it('keeps failures, unless they are to be repeated; refusals are none', async () => {
    let health: 'broken' | 'open' | 'well' = 'broken';
    const work = (item: number): string => {
      if (item === 1 && health === 'broken') throw new NetworkError('no answer', { details: { host: 'x' } });
      if (item === 2 && health !== 'well') throw new RejectedError('not now', 'open');
      return health;
    };
    const checkpoint = new MemoryCheckpoint<string>({ job: 'failures' });
    const items = [1, 2, 3];
    await new BatchProcessor({ work, checkpoint }).processBatch(items);
    health = 'well';
    const kept = await new BatchProcessor({ work, checkpoint }).processBatch(items);
    expect(kept.map(({ recorded, value }) => [recorded, value])).toEqual([
      [true, undefined],
      [false, 'well'],
      [true, 'broken'],
    ]);
    expect(kept[0]?.error).toMatchObject({
      name: 'RecordedError',
      recordedName: 'NetworkError',
      code: 'NETWORK_ERROR',
      message: 'no answer',
      retryable: true,
      details: { host: 'x' },
    });
    const repeated = await new BatchProcessor({ work, checkpoint, repeatFailures: true }).processBatch(items);
    expect(repeated.map(({ recorded, value }) => [recorded, value])).toEqual([
      [false, 'well'],
      [true, 'well'],
      [true, 'broken'],
    ]);
    const last = await new BatchProcessor({ work, checkpoint }).processBatch(items);
    expect(last.every(({ ok, recorded }) => ok && recorded)).toBe(true);
  });

  it('that cannot be opened or written ends the batch', async () => {
    const broken = new NetworkError('the disk is gone');
    const cannotOpen = { job: 'x', open: () => Promise.reject(broken) };
    const cannotRecord = {
      job: 'x',
      open: async () => ({
        size: 0,
        find: () => undefined,
        record: () => Promise.reject(broken),
        close: async () => {},
      }),
    };
    for (const checkpoint of [cannotOpen, cannotRecord]) {
      const processor = new BatchProcessor({ work: length, checkpoint });
      await expect(processor.processBatch(['a', 'b'])).rejects.toBe(broken);
    }
  });

  it('does not record what an abort has cut off', async () => {
    const checkpoint = new MemoryCheckpoint<string>({ job: 'cut' });
    const controller = new AbortController();
    const work = (_: string, { signal }: WorkContext): Promise<string> =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new NetworkError('cut off'))));
    const processing = new BatchProcessor({ work, checkpoint }).processBatch(['a'], { signal: controller.signal });
    await new Promise(resolve => setImmediate(resolve));
    controller.abort();
    await expect(processing).rejects.toMatchObject({ name: 'AbortError' });
    expect((await checkpoint.open()).size).toBe(0);
  });
});
