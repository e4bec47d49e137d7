import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ErrorRecord } from '../errors/index.ts';
import { VirtualClock } from '../testing/index.ts';
import {
  type BatchCheckpoint,
  BatchProcessor,
  CheckpointError,
  FileCheckpoint,
  type FileCheckpointOptions,
  MemoryCheckpoint,
} from './index.ts';

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plinth-batch-'));
  path = join(folder, 'below', 'job.jsonl');
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const make = <Value = unknown>(options: Partial<FileCheckpointOptions<Value>> = {}): FileCheckpoint<Value> =>
  new FileCheckpoint<Value>({ path, job: 'names', ...options });

/** Records values under their place, in one opening. */
async function record(values: readonly unknown[], checkpoint: BatchCheckpoint<unknown> = make()): Promise<void> {
  const open = await checkpoint.open();
  await Promise.all(values.map((value, index) => open.record(`item ${index}`, index, { ok: true, value })));
  await open.close();
}

async function valuesOf(count: number, checkpoint: BatchCheckpoint<unknown> = make()): Promise<unknown[]> {
  const open = await checkpoint.open();
  const found = await Promise.all(Array.from({ length: count }, (_, index) => open.find(`item ${index}`)));
  await open.close();
  return found.map(outcome => (outcome?.ok ? outcome.value : outcome));
}

describe.each<[string, () => BatchCheckpoint<unknown>]>([
  ['FileCheckpoint', () => make()],
  ['MemoryCheckpoint', () => new MemoryCheckpoint<unknown>({ job: 'names' })],
])('%s keeps the contract of a checkpoint', (_, create) => {
  it('knows nothing at first, and afterwards what was recorded, in every later opening', async () => {
    const checkpoint = create();
    const error: ErrorRecord = { name: 'E', code: 'C', message: 'm', retryable: true, details: { a: 1 } };
    const first = await checkpoint.open();
    expect([first.size, await first.find('a')]).toEqual([0, undefined]);
    await first.record('a', 0, { ok: true, value: { deep: [1, 'ä\n"', null, true] } });
    await first.record('b', 1, { ok: false, error });
    await first.record('c', 2, { ok: true, value: undefined });
    await first.close();
    const second = await checkpoint.open();
    expect(second.size).toBe(3);
    expect(await second.find('a')).toEqual({ ok: true, value: { deep: [1, 'ä\n"', null, true] } });
    expect(await second.find('b')).toEqual({ ok: false, error });
    expect(await second.find('c')).toEqual({ ok: true, value: undefined });
    await second.close();
  });

  it('knows the latest outcome of an item', async () => {
    const checkpoint = create();
    for (const value of [1, 2, 3]) {
      const open = await checkpoint.open();
      await open.record('a', 0, { ok: true, value });
      await open.close();
    }
    const open = await checkpoint.open();
    expect([open.size, await open.find('a')]).toEqual([1, { ok: true, value: 3 }]);
    await open.close();
  });
});

describe('FileCheckpoint', () => {
  it('is a file of JSON lines that people can read', async () => {
    await new BatchProcessor({
      work: (name: string) => ({ name, letters: name.length }),
      checkpoint: make<{ name: string; letters: number }>(),
    }).processBatch(['aspirin']);
    expect(
      readFileSync(path, 'utf8')
        .trimEnd()
        .split('\n')
        .map(line => JSON.parse(line)),
    ).toEqual([
      { format: 'plinth-batch-checkpoint', version: 1, job: 'names' },
      { id: '"aspirin"', index: 0, value: { name: 'aspirin', letters: 7 } },
    ]);
  });

  it('loses what was cut off, at any byte, and nothing else', async () => {
    const values = ['one', { two: 'zwei ä' }, 3];
    await record(values);
    const whole = readFileSync(path);
    for (let bytes = whole.length - 1; bytes >= 0; bytes -= 1) {
      writeFileSync(path, whole);
      truncateSync(path, bytes);
      const lines = whole.subarray(0, bytes).toString('utf8').split('\n').length - 1;
      const kept = Math.max(0, lines - 1);
      expect(await valuesOf(3), `after ${bytes} bytes`).toEqual(
        values.map((value, at) => (at < kept ? value : undefined)),
      );
      // Goes on at once, too, and not only after it has been opened once.
      if (bytes % 2 === 0) writeFileSync(path, whole.subarray(0, bytes));
      await record(values);
      expect(await valuesOf(3)).toEqual(values);
    }
  });

  it('loses what a power cut has left of its last block', async () => {
    await record(['one', 'two']);
    appendFileSync(path, `{"id":"item 2","val\0\0\0\0\n\0\0\0`);
    await record([], make());
    expect(await valuesOf(3)).toEqual(['one', 'two', undefined]);
    expect(readFileSync(path, 'utf8')).not.toContain('\0');
  });

  it('refuses a file that is broken in its middle, and leaves it as it is', async () => {
    await record(['one', 'two']);
    const text = readFileSync(path, 'utf8').replace('"one"', 'one');
    writeFileSync(path, text);
    await expect(make().open()).rejects.toMatchObject({
      problem: 'unreadable',
      message: expect.stringContaining('broken at line 2'),
    });
    expect(readFileSync(path, 'utf8')).toBe(text);
  });

  it('refuses the checkpoint of another job, of a later version, and other files', async () => {
    await record(['one']);
    await expect(make({ job: 'labels' }).open()).rejects.toMatchObject({
      code: 'CHECKPOINT_OF_ANOTHER_JOB',
      message: expect.stringMatching(/belongs to the job "names", and this is the job "labels"/),
    });
    writeFileSync(path, readFileSync(path, 'utf8').replace('"version":1', '"version":2'));
    await expect(make().open()).rejects.toThrow(/has version 2, and this program reads version 1/);
    for (const text of ['drug,name\n1,aspirin\n', 'no line', '{"format":"else"}\n', '\n']) {
      writeFileSync(path, text);
      await expect(make().open(), text).rejects.toMatchObject({ problem: 'unreadable' });
      expect(readFileSync(path, 'utf8')).toBe(text);
    }
  });

  it('notices that somebody else writes to it, or that it is gone', async () => {
    const [first, second] = [await make().open(), await make().open()];
    await first.record('a', 0, { ok: true, value: 1 });
    await expect(second.record('b', 1, { ok: true, value: 2 })).rejects.toMatchObject({ problem: 'in-use' });
    await expect(first.record('c', 2, { ok: true, value: 3 })).rejects.toThrow('one job runs in one process at a time');
    await expect(first.record('d', 3, { ok: true, value: 4 })).rejects.toBeInstanceOf(CheckpointError);
    await expect(first.close()).rejects.toMatchObject({ problem: 'in-use' });
    await expect(second.close()).rejects.toMatchObject({ problem: 'in-use' });
    const third = await make().open();
    rmSync(path);
    await expect(third.record('a', 0, { ok: true, value: 1 })).rejects.toThrow('was deleted while it was in use');
    await third.close().catch(() => {});
  });

  it.each<[string, unknown, string]>([
    ['a date', { at: new Date(0) }, 'loses what value.at is: a Date'],
    ['a map in a list', [1, new Map()], 'loses what value[1] is: a Map'],
    ['not a number', { share: Number.NaN }, 'makes null of value.share, which is NaN'],
    ['a hole', [undefined], 'makes null of value[0], which is undefined'],
    ['a function', { call: () => 1 }, 'loses value.call, a function'],
    ['a big integer', 1n, 'cannot be written'],
  ])('refuses to record %s, which would come back as something else', async (_, value, message) => {
    const processing = new BatchProcessor({ work: () => value, checkpoint: make() }).processBatch(['a']);
    await expect(processing).rejects.toMatchObject({
      problem: 'unfit-value',
      message: expect.stringContaining(message),
    });
  });

  it('refuses a value that contains itself', async () => {
    const value: { self?: unknown } = {};
    value.self = value;
    const processing = new BatchProcessor({ work: () => value, checkpoint: make() }).processBatch(['a']);
    await expect(processing).rejects.toMatchObject({ problem: 'unfit-value' });
  });

  it('keeps any value that its parse can make again, and says when it cannot', async () => {
    const parse = (json: unknown): Date => {
      if (typeof json !== 'string') throw new TypeError('expected a text');
      return new Date(json);
    };
    const processor = new BatchProcessor({ work: () => new Date(7), checkpoint: make({ parse }) });
    await processor.processBatch(['a']);
    expect((await processor.processBatch(['a']))[0]).toMatchObject({ value: new Date(7), recorded: true });
    writeFileSync(path, readFileSync(path, 'utf8').replace('"1970-01-01T00:00:00.007Z"', '7'));
    await expect(processor.processBatch(['a'])).rejects.toThrow(/Cannot read the outcome of "a".*expected a text/);
  });

  it('forces onto the disk once per interval, and at the end', async () => {
    const clock = new VirtualClock();
    const open = await make({ clock, syncIntervalMs: 1_000 }).open();
    expect(clock.pendingTimers).toBe(1);
    await clock.advance(1_000);
    expect(clock.pendingTimers).toBe(0);
    for (let index = 0; index < 10; index += 1) await open.record(`item ${index}`, index, { ok: true, value: index });
    expect(clock.pendingTimers).toBe(1);
    await open.close();
    expect(clock.pendingTimers).toBe(0);
    expect(await valuesOf(10, make({ syncIntervalMs: 0 }))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(await valuesOf(10, make({ syncIntervalMs: Number.POSITIVE_INFINITY }))).toHaveLength(10);
    expect(() => make({ syncIntervalMs: -1 })).toThrow(expect.objectContaining({ argument: 'syncIntervalMs' }));
  });

  it('finds lines again wherever they stand, also those larger than what is read at once', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(1, 100, 70_000, 262_144, 600_000), { minLength: 1, maxLength: 8 }),
        fc.boolean(),
        async (sizes, isReversed) => {
          rmSync(path, { force: true });
          const values = sizes.map((size, index) => String(index).repeat(size));
          await record(values);
          const open = await make().open();
          const order = isReversed ? [...values.keys()].reverse() : [...values.keys()];
          for (const index of order)
            expect(await open.find(`item ${index}`)).toEqual({ ok: true, value: values[index] });
          await open.close();
        },
      ),
      { numRuns: 30 },
    );
  });

  it('leaves an existing file alone when there is nothing to do', async () => {
    const names = ['a', 'b', 'c'];
    const processor = new BatchProcessor({ work: (name: string) => name, checkpoint: make<string>() });
    await processor.processBatch(names);
    const { size } = statSync(path);
    const results = await processor.processBatch(names);
    expect(results.every(({ recorded }) => recorded)).toBe(true);
    expect(statSync(path).size).toBe(size);
  });

  it('cannot be opened where nothing can be written', async () => {
    writeFileSync(join(folder, 'below'), 'a file');
    await expect(make().open()).rejects.toMatchObject({ code: 'EEXIST' });
  });
});
