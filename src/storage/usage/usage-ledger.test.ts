import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom, VirtualClock } from '../../testing/index.ts';
import { FileStorageManager, type FileStorageManagerOptions, StorageError } from '../index.ts';
import { SlowStrategy } from '../slow-strategy.fixture.ts';

const owners = ['one', 'two'] as const;
const keys = ['a.txt', 'b.txt', 'c.txt', 'd.txt', 'e.txt', 'é.txt'] as const;
const quota = { maxBytes: 100, maxFiles: 4 };
const largest = 40;

/** Calls that follow each other after a pause, most of them before those in front of them are done. */
function stepsOn(someKeys: readonly string[], someOwners: readonly string[], maxPauseMs: number) {
  return fc.record({
    action: fc.constantFrom('save', 'save', 'save', 'repeat', 'delete', 'move', 'copy', 'describe', 'usage', 'recount'),
    key: fc.constantFrom(...someKeys),
    to: fc.constantFrom(...someKeys),
    owner: fc.constantFrom(...someOwners),
    bytes: fc.integer({ min: 0, max: largest }),
    pauseMs: fc.integer({ min: 0, max: maxPauseMs }),
  });
}
type Step = ReturnType<typeof stepsOn> extends fc.Arbitrary<infer Value> ? Value : never;

const anyKey = stepsOn(keys, owners, 30);
const fewKeys = stepsOn(keys.slice(0, 3), ['one'], 12);

/** Files of a store whose calls take time, on a clock that stands still until it is told to move. */
function world(options: Partial<FileStorageManagerOptions> & { seed?: number; failureRate?: number } = {}) {
  const { seed = 1, failureRate = 0, ...rest } = options;
  const clock = new VirtualClock();
  const strategy = new SlowStrategy({ clock, random: seededRandom(seed), maxStepMs: 10, failureRate });
  const open = (more: Partial<FileStorageManagerOptions> = {}): FileStorageManager =>
    new FileStorageManager({ strategy, clock, ...more });
  /** What a call comes to when time passes; it fails if the call hangs. */
  const done = async <Result>(call: Promise<Result>): Promise<Result> => {
    let isOver = false;
    const over = (): void => {
      isOver = true;
    };
    call.then(over, over);
    await clock.advance(100_000);
    expect(isOver, 'it hangs').toBe(true);
    return await call;
  };
  return { clock, strategy, open, done, files: open(rest) };
}

/** What is really stored, by owner. */
function storedBy(strategy: SlowStrategy, owner: string): { files: number; bytes: number } {
  const sizes = [...strategy.objects.values()]
    .filter(({ info }) => (JSON.parse(info.metadata) as { o?: string }).o === owner)
    .map(({ content }) => content.length);
  return { files: sizes.length, bytes: sizes.reduce((sum, bytes) => sum + bytes, 0) };
}

function play(files: FileStorageManager, { action, key, to, owner, bytes }: Step): Promise<unknown> {
  const content = 'x'.repeat(bytes);
  if (action === 'save') return files.saveFile(content, key, { owner });
  if (action === 'repeat') return files.saveFile(content, key, { owner, idempotencyKey: `upload of ${bytes}` });
  if (action === 'delete') return files.deleteFile(key, { owner });
  if (action === 'move') return files.moveFile(key, to, { owner });
  if (action === 'copy') return files.copyFile(key, to, { owner });
  if (action === 'describe') return files.setFileMetadata(key, { bytes }, { owner });
  if (action === 'usage') return files.getOwnerUsage(owner);
  return files.getStorageStats({ recount: true });
}

const expectedErrors = ['NOT_FOUND', 'DUPLICATE', 'QUOTA_EXCEEDED', 'VALIDATION_ERROR', 'STORAGE_ERROR'];

function stepOf([action, key, bytes, pauseMs]: readonly [Step['action'], string, number, number], owner = 'one'): Step {
  return { action, key, to: key, owner, bytes, pauseMs };
}

/** Runs that went wrong once, in the order in which the steps ended. */
const foundOnce: [number, Step[], Step[]][] = [
  [
    1962462702,
    [
      stepOf(['save', 'é.txt', 13, 0]),
      stepOf(['describe', 'a.txt', 0, 0]),
      stepOf(['describe', 'a.txt', 0, 0]),
      stepOf(['save', 'b.txt', 1, 0], 'two'),
      stepOf(['save', 'e.txt', 27, 0]),
    ],
    [
      stepOf(['usage', 'a.txt', 0, 0]),
      stepOf(['save', 'b.txt', 0, 2]),
      stepOf(['save', 'b.txt', 0, 4]),
      { ...stepOf(['move', 'a.txt', 0, 9]), to: 'b.txt' },
      stepOf(['save', 'a.txt', 39, 5]),
      stepOf(['save', 'a.txt', 1, 7]),
      stepOf(['save', 'b.txt', 0, 12]),
      stepOf(['save', 'c.txt', 22, 0]),
    ],
  ],
  [
    788395,
    [stepOf(['save', 'a.txt', 0, 0])],
    [
      stepOf(['save', 'e.txt', 1, 0]),
      stepOf(['save', 'a.txt', 1, 22]),
      stepOf(['save', 'a.txt', 1, 28]),
      stepOf(['save', 'a.txt', 0, 8]),
      stepOf(['save', 'a.txt', 0, 0]),
    ],
  ],
];

describe('what is stored, counted while it changes', () => {
  it.each([
    ['in a store that works', 0],
    ['in a store that fails, before or after it has done what it was asked for', 0.3],
  ])('is right in the end, and never more than the quota allows: %s', async (_, failureRate) => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer(),
        fc.array(anyKey, { maxLength: 6 }),
        fc.oneof(fc.array(anyKey, { minLength: 1, maxLength: 40 }), fc.array(fewKeys, { minLength: 1, maxLength: 40 })),
        async (seed, before, steps) => {
          const { clock, strategy, files, open, done } = world({ seed, quota });
          // Files that were there before this manager.
          const other = open({ quota });
          for (const each of before) await done(play(other, each).catch(() => undefined));
          strategy.failureRate = failureRate;
          // A move needs both places for a moment, and if it fails for good.
          let moves = 0;
          const excesses: unknown[] = [];
          strategy.changed = () => {
            for (const owner of owners) {
              const { files: count, bytes } = storedBy(strategy, owner);
              const isTooMuch = bytes > quota.maxBytes + moves * largest || count > quota.maxFiles + moves;
              if (isTooMuch) excesses.push({ owner, count, bytes, moves, atMs: clock.monotonic() });
            }
          };
          const calls: Promise<unknown>[] = [];
          const errors: unknown[] = [];
          for (const each of steps) {
            const isMove = each.action === 'move';
            if (isMove) moves += 1;
            const call = play(files, each).then(
              () => {
                if (isMove) moves -= 1;
              },
              (error: unknown) => {
                if (isMove && !(error instanceof StorageError)) moves -= 1;
                errors.push(error);
              },
            );
            calls.push(call);
            await clock.advance(each.pauseMs);
          }
          await done(Promise.all(calls));
          expect(excesses).toEqual([]);
          for (const error of errors) expect(expectedErrors).toContain((error as { code?: string }).code);
          strategy.failureRate = 0;
          for (const owner of owners) {
            expect(await done(files.getOwnerUsage(owner))).toMatchObject(storedBy(strategy, owner));
          }
          const stats = await done(files.getStorageStats());
          expect(await done(files.getStorageStats({ recount: true }))).toEqual(stats);
          await expectFreeRoom(files, strategy, done);
        },
      ),
      { numRuns: 300, examples: foundOnce },
    );
  });
});

describe('a count', () => {
  it('waits for no change, and no change waits for it', async () => {
    const { files, done, clock } = world();
    await done(files.saveFile('one', 'a.txt'));
    const deleting = files.deleteFile('a.txt');
    await clock.advance(5);
    const counting = files.getStorageStats();
    await clock.advance(5);
    const saving = files.saveFile('two', 'a.txt');
    expect(await done(Promise.all([deleting, counting, saving]))).toHaveLength(3);
    expect(await done(files.getStorageStats())).toMatchObject({ totalFiles: 1, totalBytes: 3 });
  });

  it('is only ever one: those who ask for another wait for the next, and get the same one', async () => {
    const { files, strategy, done, clock } = world();
    for (const key of keys) await done(files.saveFile('x', key));
    let lists = 0;
    let listing = 0;
    const { list } = strategy;
    strategy.list = async options => {
      lists += options.after === undefined ? 1 : 0;
      listing += 1;
      expect(listing).toBe(1);
      const page = await list.call(strategy, options);
      listing -= 1;
      return page;
    };
    const counts = [files.getStorageStats({ recount: true })];
    await clock.advance(1);
    for (let index = 0; index < 4; index += 1) counts.push(files.getStorageStats({ recount: true }));
    for (const stats of await done(Promise.all(counts))) expect(stats.totalFiles).toBe(keys.length);
    expect(lists).toBe(2);
    expect((await done(files.getStorageStats())).totalFiles).toBe(keys.length);
  });

  it('looks at several files at the same time', async () => {
    const { files, strategy, done } = world();
    for (const key of keys) await done(files.saveFile('x', key));
    let most = 0;
    let opening = 0;
    const { open } = strategy;
    strategy.open = async key => {
      opening += 1;
      most = Math.max(most, opening);
      return await open.call(strategy, key).finally(() => {
        opening -= 1;
      });
    };
    await done(files.getStorageStats());
    expect(most).toBe(3);
  });

  it('lets those go who do not want to wait for the first one', async () => {
    const { files, strategy, done } = world({ quota });
    let goOn: () => void = () => undefined;
    const { list } = strategy;
    strategy.list = async options => {
      await new Promise<void>(resolve => {
        goOn = resolve;
      });
      return await list.call(strategy, options);
    };
    const leaving = new AbortController();
    const { signal } = leaving;
    const waiting = [
      files.saveFile('x', 'a.txt', { owner: 'one', signal }),
      files.getStorageStats({ signal }),
      files.getOwnerUsage('one', { signal }),
    ].map(call => expect(call).rejects.toThrow('Left'));
    expect(await done(files.deleteFile('b.txt'))).toBe(false);
    leaving.abort(new Error('Left'));
    await Promise.all(waiting);
    const saving = files.saveFile('x', 'a.txt', { owner: 'one' });
    goOn();
    expect((await done(saving)).bytes).toBe(1);
  });

  it('that fails is made again', async () => {
    const { files, strategy, done } = world();
    await done(files.saveFile('x', 'a.txt'));
    const { list } = strategy;
    strategy.list = () => Promise.reject(new StorageError('The store has failed'));
    await expect(done(files.getStorageStats())).rejects.toMatchObject({ code: 'STORAGE_ERROR' });
    strategy.list = list;
    expect((await done(files.getStorageStats())).totalFiles).toBe(1);
  });

  it('ends with the manager', async () => {
    const { files, strategy } = world();
    strategy.list = ({ signal }) =>
      new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
    const counting = files.getStorageStats();
    await files.close();
    await expect(counting).rejects.toMatchObject({ name: 'RejectedError', reason: 'closed' });
  });
});

describe('a quota', () => {
  it('holds while everything is counted again', async () => {
    const { files, strategy, done, clock } = world({ quota });
    await done(files.saveFile('x'.repeat(75), 'a.txt', { owner: 'one' }));
    const { list } = strategy;
    strategy.list = async options => {
      await clock.sleep(1_000);
      return await list.call(strategy, options);
    };
    const counting = files.getStorageStats({ recount: true });
    const saving = files.saveFile('x'.repeat(26), 'b.txt', { owner: 'one' });
    await expect(done(saving)).rejects.toMatchObject({ code: 'QUOTA_EXCEEDED' });
    expect((await done(counting)).totalBytes).toBe(75);
  });

  it('holds when a count has found more while a file was on its way', async () => {
    const { files, open, done } = world({ quota: { maxBytes: 20_050 } });
    async function* content(): AsyncGenerator<string> {
      yield 'x'.repeat(20_000);
      // By another manager, as another process has one.
      await open().saveFile('x'.repeat(90), 'other.txt', { owner: 'one' });
      await files.getStorageStats({ recount: true });
    }
    const saving = files.saveFile(content(), 'a.txt', { owner: 'one' });
    await expect(done(saving)).rejects.toMatchObject({ code: 'QUOTA_EXCEEDED' });
    expect(await done(files.getOwnerUsage('one'))).toMatchObject({ files: 1, bytes: 90 });
  });

  it('counts what was stored although the answer got lost', async () => {
    const { files, strategy, done } = world({ quota: { maxFiles: 2 } });
    const { put } = strategy;
    strategy.put = async (...call) => {
      await put.apply(strategy, call);
      throw new StorageError('The answer got lost');
    };
    const codes: unknown[] = [];
    for (const key of keys) {
      await done(files.saveFile('x', key, { owner: 'one' })).catch((error: { code: string }) => codes.push(error.code));
    }
    expect(codes.slice(0, 3)).toEqual(['STORAGE_ERROR', 'STORAGE_ERROR', 'QUOTA_EXCEEDED']);
    expect(await done(files.getOwnerUsage('one'))).toMatchObject(storedBy(strategy, 'one'));
    expect(strategy.objects.size).toBe(2);
  });

  it('keeps the room of what nobody knows of until it is counted', async () => {
    const { files, strategy, done } = world({ quota: { maxFiles: 1 } });
    await done(files.getOwnerUsage('one'));
    const { put, open, list } = strategy;
    const failing = (): Promise<never> => Promise.reject(new StorageError('The store has failed'));
    strategy.put = async (...call) => {
      await put.apply(strategy, call);
      strategy.open = failing;
      throw new StorageError('The answer got lost');
    };
    await expect(done(files.saveFile('x', 'a.txt', { owner: 'one' }))).rejects.toThrow('got lost');
    Object.assign(strategy, { put, open, list: failing });
    await expect(done(files.saveFile('x', 'b.txt', { owner: 'one' }))).rejects.toThrow('has failed');
    strategy.list = list;
    await expect(done(files.saveFile('x', 'b.txt', { owner: 'one' }))).rejects.toThrow('does not fit');
    expect(await done(files.getOwnerUsage('one'))).toMatchObject({ files: 1 });
    await done(files.deleteFile('a.txt'));
    expect((await done(files.saveFile('x', 'b.txt', { owner: 'one' }))).bytes).toBe(1);
  });

  it('gives the room of a file to what replaces it, and needs none to move it', async () => {
    const { files, done } = world({ quota: { maxBytes: 100, maxFiles: 1 } });
    await done(files.saveFile('x'.repeat(60), 'a.txt', { owner: 'one' }));
    await done(files.saveFile('y'.repeat(100), 'a.txt', { owner: 'one' }));
    await expect(done(files.saveFile('y'.repeat(101), 'a.txt', { owner: 'one' }))).rejects.toThrow('100 bytes');
    expect((await done(files.moveFile('a.txt', 'b.txt', { owner: 'one' }))).bytes).toBe(100);
    await expect(done(files.copyFile('b.txt', 'c.txt'))).rejects.toThrow('1 file');
    expect(await done(files.getOwnerUsage('one'))).toEqual({ files: 1, bytes: 100, storedBytes: 100 });
  });

  it('counts one upload once, however often it is made at the same time', async () => {
    const { files, done } = world({ quota: { maxBytes: 100, maxFiles: 1 } });
    const options = { owner: 'one', idempotencyKey: 'upload 1' };
    const all = Array.from({ length: 8 }, () => files.saveFile('x'.repeat(60), 'a.txt', options));
    const saved = await done(Promise.all(all));
    expect(new Set(saved.map(({ version }) => version)).size).toBe(1);
  });
});

/** All room that is not used can be used: nothing is held any more. */
async function expectFreeRoom(
  files: FileStorageManager,
  strategy: SlowStrategy,
  done: <Result>(call: Promise<Result>) => Promise<Result>,
): Promise<void> {
  for (const owner of owners) {
    const { files: count, bytes } = storedBy(strategy, owner);
    const room = quota.maxBytes - bytes;
    if (room < 0 || count >= quota.maxFiles) continue;
    const tooMuch = files.saveFile('x'.repeat(room + 1), `last-${owner}.txt`, { owner });
    await expect(done(tooMuch)).rejects.toMatchObject({ code: 'QUOTA_EXCEEDED' });
    await done(files.saveFile('x'.repeat(room), `last-${owner}.txt`, { owner }));
  }
}
