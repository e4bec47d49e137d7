import { describe, expect, it } from 'vitest';
import { NetworkError, RejectedError } from '../errors/index.ts';
import { BatchProcessor, MemoryCheckpoint, type WorkContext } from './index.ts';

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
    await new BatchProcessor({ work, checkpoint, maxRefusalWaitMs: 0 }).processBatch(items);
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
      const processor = new BatchProcessor({ work: (item: string) => item.length, checkpoint });
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
