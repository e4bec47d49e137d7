import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '../testing/index.ts';
import { LineWriter } from './line-writer.ts';

let folder: string;
let path: string;
let file: FileHandle;
let syncs: number;
let clock: VirtualClock;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'plinth-lines-'));
  path = join(folder, 'lines');
  file = await open(path, 'a+');
  syncs = 0;
  clock = new VirtualClock();
  const sync = file.datasync.bind(file);
  file.datasync = () => {
    syncs += 1;
    return sync();
  };
});

afterEach(async () => {
  await file.close();
  rmSync(folder, { recursive: true, force: true });
});

const writerOf = (syncIntervalMs: number): LineWriter => new LineWriter({ file, path, size: 0, syncIntervalMs, clock });

describe('LineWriter', () => {
  it('writes lines in the order in which they come, those that come meanwhile together', async () => {
    const writer = writerOf(0);
    const lines = Array.from({ length: 100 }, (_, index) => `${index}\n`);
    await Promise.all(lines.map(line => writer.append(line)));
    expect(readFileSync(path, 'utf8')).toBe(lines.join(''));
    expect(syncs).toBe(2);
  });

  it('forces every line onto the disk before it is written, with an interval of 0', async () => {
    const writer = writerOf(0);
    for (let count = 1; count <= 3; count += 1) {
      await writer.append('line\n');
      expect(syncs).toBe(count);
    }
  });

  it('forces lines onto the disk once per interval, and the last at the end', async () => {
    const writer = writerOf(1_000);
    for (let count = 0; count < 5; count += 1) await writer.append('line\n');
    expect(syncs).toBe(0);
    await clock.advance(1_000);
    expect(syncs).toBe(1);
    await clock.advance(5_000);
    expect(syncs).toBe(1);
    await writer.append('line\n');
    await writer.close();
    expect([syncs, clock.pendingTimers]).toEqual([2, 0]);
  });

  it('leaves it to the system otherwise', async () => {
    const writer = writerOf(Number.POSITIVE_INFINITY);
    await writer.append('line\n');
    await writer.close();
    expect([syncs, clock.pendingTimers]).toEqual([0, 0]);
  });

  it('writes what waits before it closes', async () => {
    const writer = writerOf(1_000);
    const written = [writer.append('a\n'), writer.append('b\n')];
    await writer.close();
    expect(readFileSync(path, 'utf8')).toBe('a\nb\n');
    await Promise.all(written);
  });

  it('writes nothing after a failure: a piece of a line stays the last thing in the file', async () => {
    const writer = writerOf(1_000);
    const append = file.appendFile.bind(file);
    file.appendFile = async () => {
      await append('a pie');
      throw Object.assign(new TypeError('no space left on device'), { code: 'ENOSPC' });
    };
    const [first, second] = await Promise.allSettled([writer.append('a piece\n'), writer.append('b\n')]);
    file.appendFile = append;
    for (const outcome of [first, second]) {
      expect(outcome).toMatchObject({
        status: 'rejected',
        reason: { problem: 'not-written', message: expect.stringContaining('no space left'), retryable: true },
      });
    }
    await expect(writer.append('c\n')).rejects.toMatchObject({ problem: 'not-written' });
    await expect(writer.close()).rejects.toMatchObject({ problem: 'not-written' });
    expect(readFileSync(path, 'utf8')).toBe('a pie');
  });

  it('tells of a disk that does not take what was written at the next line, or at the end', async () => {
    for (const isClosed of [true, false]) {
      const size = readFileSync(path).length;
      const writer = new LineWriter({ file, path, size, syncIntervalMs: 1_000, clock });
      file.datasync = () => Promise.reject(new TypeError('input/output error'));
      await writer.append('a\n');
      await clock.advance(1_000);
      await expect(isClosed ? writer.close() : writer.append('b\n')).rejects.toThrow('input/output error');
    }
  });
});
