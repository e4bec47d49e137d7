import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '../testing/index.ts';
import { DatabaseLockedError } from './errors.ts';
import { acquireFolderLock } from './folder-lock.ts';

describe('acquireFolderLock()', () => {
  let directory: string;
  let path: string;
  let clock: VirtualClock;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'plinth-lock-'));
    path = join(directory, 'lock');
    clock = new VirtualClock();
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  const acquire = (signal?: AbortSignal) => acquireFolderLock(path, directory, { clock, signal });
  /** What a process on this machine would have written. */
  const writtenBy = async (changes: object): Promise<void> => {
    const lock = await acquire();
    const own = JSON.parse(readFileSync(path, 'utf8')) as object;
    lock.release();
    writeFileSync(path, JSON.stringify({ ...own, ...changes }));
  };

  it('refuses a second owner and says who holds it and what to do', async () => {
    const lock = await acquire();
    const failure = await acquire().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(DatabaseLockedError);
    expect(failure).toMatchObject({ pid: process.pid, directory, code: 'DATABASE_LOCKED' });
    expect(String(failure)).toContain(`${directory} is in use by this process already`);
    expect(String(failure)).toContain('stop the other one');
    lock.release();
  });

  it('can be taken again after its release, and leaves no files', async () => {
    (await acquire()).release();
    (await acquire()).release();
    expect(readdirSync(directory)).toEqual([]);
    expect(clock.pendingTimers).toBe(0);
  });

  it('gives one of many who ask at once the lock', async () => {
    const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => acquire()));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it.runIf(process.platform === 'linux')('takes over from a dead process', async () => {
    await writtenBy({ pid: 2 ** 22 + 1 });
    (await acquire()).release();
    expect(readdirSync(directory)).toEqual([]);
  });

  it.runIf(process.platform === 'linux')('takes over when the pid belongs to another process by now', async () => {
    await writtenBy({ startedAt: '1' });
    (await acquire()).release();
  });

  it('names a live process', async () => {
    await writtenBy({ pid: process.ppid, startedAt: '' });
    await expect(acquire()).rejects.toMatchObject({
      pid: process.ppid,
      message: expect.stringContaining(`process ${process.ppid}`),
    });
  });

  it('takes over from another machine that shows no life while it watches', async () => {
    await writtenBy({ machine: `${hostname()} another-boot pid:[1]` });
    const pending = acquire();
    await clock.advance(20_000);
    (await pending).release();
  });

  it('refuses when the owner on another machine touches its lock', async () => {
    await writtenBy({ machine: 'elsewhere another-boot pid:[1]', pid: 77 });
    const pending = acquire().catch((error: unknown) => error);
    await clock.advance(3_000);
    utimesSync(path, 1, 1);
    await clock.advance(3_000);
    expect(await pending).toMatchObject({ pid: 77, message: expect.stringContaining('process 77 on elsewhere') });
  });

  it('touches its own lock while it is held, and keeps its text', async () => {
    const lock = await acquire();
    const text = readFileSync(path, 'utf8');
    utimesSync(path, 1, 1);
    await clock.advance(5_000);
    const { statSync } = await import('node:fs');
    expect(statSync(path).mtimeMs).toBeGreaterThan(1_000_000);
    expect(readFileSync(path, 'utf8')).toBe(text);
    lock.release();
  });

  it('stops watching when the signal fires', async () => {
    await writtenBy({ machine: 'elsewhere another-boot pid:[1]' });
    const controller = new AbortController();
    const pending = acquire(controller.signal).catch((error: unknown) => error);
    await clock.advance(1_000);
    controller.abort();
    expect(await pending).toMatchObject({ name: 'AbortError' });
  });

  it('leaves a lock alone that it cannot read', async () => {
    writeFileSync(path, 'not ours');
    await expect(acquire()).rejects.toThrow(`then delete ${path}`);
    expect(readFileSync(path, 'utf8')).toBe('not ours');
  });

  it('does not remove the lock of a later owner', async () => {
    const lock = await acquire();
    writeFileSync(path, 'somebody else');
    lock.release();
    expect(readFileSync(path, 'utf8')).toBe('somebody else');
  });
});
