import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, describe, expect, it } from 'vitest';
import { type Ids, systemIds } from '../../kernel/index.ts';
import { storageStrategyContract, VirtualClock } from '../../testing/index.ts';
import { FileStorageManager, LocalStorageStrategy, StorageError } from '../index.ts';
import { leavingName } from './temporary-files.ts';

const root = mkdtempSync(join(tmpdir(), 'plinth-storage-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let folders = 0;

function folder(): string {
  return join(root, String(folders++));
}

async function* chunks(...parts: readonly (string | Buffer)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield Buffer.from(part);
}

async function write(strategy: LocalStorageStrategy, key: string, text: string): Promise<void> {
  await strategy.put(key, chunks(text), { finish: () => `metadata of ${text}` });
}

async function read(strategy: LocalStorageStrategy, key: string): Promise<string | undefined> {
  await using found = await strategy.open(key);
  if (found === undefined) return undefined;
  const parts: Uint8Array[] = [];
  for await (const part of found.read()) parts.push(part);
  return Buffer.concat(parts).toString();
}

describe.each([true, false])('LocalStorageStrategy with sync %s keeps the promises of a strategy', sync => {
  const strategy = new LocalStorageStrategy({ directory: folder(), sync });
  for (const { name, run } of storageStrategyContract) it(name, () => run({ strategy }));
});

describe('LocalStorageStrategy', () => {
  it('follows no link out of its folder, for any call', async () => {
    const directory = folder();
    const outside = folder();
    mkdirSync(outside);
    writeFileSync(join(outside, 'secret.txt'), 'secret');
    await using strategy = new LocalStorageStrategy({ directory });
    await write(strategy, 'inside.txt', 'x');
    symlinkSync(outside, join(directory, 'objects', '+linked'));
    symlinkSync(join(outside, 'secret.txt'), join(directory, 'objects', 'link.txt'));
    symlinkSync(join(outside, 'new.txt'), join(directory, 'objects', 'dangling.txt'));
    for (const key of ['linked/secret.txt', 'linked/new.txt', 'linked/deep/new.txt', 'link.txt', 'dangling.txt']) {
      if (key !== 'linked/deep/new.txt') await expect(strategy.open(key)).rejects.toBeInstanceOf(StorageError);
      await expect(write(strategy, key, 'x')).rejects.toBeInstanceOf(StorageError);
      await expect(strategy.copy('inside.txt', key, { finish: () => '' })).rejects.toBeInstanceOf(StorageError);
      expect(await strategy.delete(key).catch(() => false)).toBe(false);
      expect(await strategy.updateMetadata(key, () => '').catch(() => undefined)).toBeUndefined();
    }
    expect((await strategy.list({ limit: 100 })).keys).toEqual(['inside.txt']);
    expect(readdirSync(outside)).toEqual(['secret.txt']);
    expect(readFileSync(join(outside, 'secret.txt'), 'utf8')).toBe('secret');
    expect(readdirSync(join(directory, 'temporary'))).toEqual([]);
  });

  it('refuses to begin where its own folders are links', async () => {
    const directory = folder();
    mkdirSync(directory);
    symlinkSync(tmpdir(), join(directory, 'objects'));
    await using strategy = new LocalStorageStrategy({ directory });
    await expect(write(strategy, 'a.txt', 'x')).rejects.toThrow('not a folder');
  });

  it('keeps the old metadata when it is killed while it writes the new ones', async () => {
    const directory = folder();
    await using strategy = new LocalStorageStrategy({ directory });
    const path = join(directory, 'objects', 'a.txt');
    await write(strategy, 'a.txt', 'content');
    for (const [old, changed] of [
      ['metadata of content', 'second'],
      ['second', 'third'],
    ] as const) {
      const before = readFileSync(path);
      await strategy.updateMetadata('a.txt', () => changed);
      const after = readFileSync(path);
      // The slot that is written first: that of its generation.
      const first = (after.readUInt32BE(8) % 2) * 4_096;
      const torn = Buffer.from(before);
      after.copy(torn, first, first, first + 80);
      writeFileSync(path, torn);
      await using found = await strategy.open('a.txt');
      expect(found?.info.metadata).toBe(old);
      expect((await strategy.updateMetadata('a.txt', () => changed))?.metadata).toBe(changed);
      expect(await read(strategy, 'a.txt')).toBe('content');
    }
  });

  it('leaves nothing of metadata that were replaced, not even when an earlier change was interrupted', async () => {
    const directory = folder();
    await using strategy = new LocalStorageStrategy({ directory });
    const path = join(directory, 'objects', 'a.txt');
    await write(strategy, 'a.txt', 'content');
    const before = readFileSync(path);
    await strategy.updateMetadata('a.txt', () => 'wrapped anew');
    const after = readFileSync(path);
    expect(after.includes('metadata of content')).toBe(false);
    const interrupted = Buffer.concat([before.subarray(0, 4_096), after.subarray(4_096)]);
    for (const half of [interrupted, Buffer.from(interrupted).fill('half', 200, 260)]) {
      writeFileSync(path, half);
      expect((await strategy.updateMetadata('a.txt', () => undefined))?.metadata).toBe('wrapped anew');
      expect(readFileSync(path)).toEqual(after);
    }
  });

  it('reads metadata whose newest copy is damaged from the other', async () => {
    const directory = folder();
    await using strategy = new LocalStorageStrategy({ directory });
    const path = join(directory, 'objects', 'a.txt');
    await write(strategy, 'a.txt', 'content');
    await strategy.updateMetadata('a.txt', () => 'second');
    for (const slot of [0, 4_096]) {
      const whole = readFileSync(path);
      writeFileSync(path, Buffer.from(whole).fill('x', slot + 60, slot + 64));
      await using found = await strategy.open('a.txt');
      expect(found?.info.metadata).toBe('second');
      writeFileSync(path, whole);
    }
  });

  it('says which file is damaged, and lets it be replaced or deleted', async () => {
    const directory = folder();
    await using strategy = new LocalStorageStrategy({ directory });
    for (const damage of ['', 'x'.repeat(20_000)]) {
      await write(strategy, 'a.txt', 'content');
      writeFileSync(join(directory, 'objects', 'a.txt'), damage);
      await expect(strategy.open('a.txt')).rejects.toThrow('"a.txt" is damaged');
      await write(strategy, 'a.txt', 'new');
      expect(await read(strategy, 'a.txt')).toBe('new');
      writeFileSync(join(directory, 'objects', 'a.txt'), damage);
      expect(await strategy.delete('a.txt')).toBe(true);
    }
  });

  it('finds a file that was put under another name', async () => {
    const directory = folder();
    await using strategy = new LocalStorageStrategy({ directory });
    await write(strategy, 'a.txt', 'content');
    writeFileSync(join(directory, 'objects', 'b.txt'), readFileSync(join(directory, 'objects', 'a.txt')));
    await expect(strategy.open('b.txt')).rejects.toThrow('it was stored as "a.txt"');
  });

  it('lets one of two users of the folder create a file', async () => {
    const directory = folder();
    await using one = new LocalStorageStrategy({ directory });
    await using other = new LocalStorageStrategy({ directory });
    for (let round = 0; round < 20; round += 1) {
      const create = (strategy: LocalStorageStrategy): Promise<unknown> =>
        strategy.put(`${round}.txt`, chunks('x'), {
          finish: current => {
            if (current !== undefined) throw new RangeError('There is one already');
            return '';
          },
        });
      const outcomes = await Promise.allSettled([create(one), create(other), create(one), create(other)]);
      expect(outcomes.filter(({ status }) => status === 'fulfilled').length).toBe(1);
    }
  });

  it('deletes no version but the one that is meant, when another user of the folder replaces it meanwhile', async () => {
    const directory = folder();
    const path = join(directory, 'objects', 'a.txt');
    let meanwhile = (): void => undefined;
    const ids: Ids = {
      next() {
        meanwhile();
        return systemIds.next();
      },
    };
    await using strategy = new LocalStorageStrategy({ directory, ids });
    await write(strategy, 'a.txt', 'other');
    renameSync(path, join(root, 'other'));
    await write(strategy, 'a.txt', 'meant');
    const version = (await strategy.updateMetadata('a.txt', () => undefined))?.version;
    // Its file is taken out under a new name: between the look at the version and that, another one takes its place.
    meanwhile = () => renameSync(join(root, 'other'), path);
    expect(await strategy.delete('a.txt', { version })).toBe(false);
    meanwhile = () => undefined;
    expect(await read(strategy, 'a.txt')).toBe('other');
    expect(readdirSync(join(directory, 'temporary'))).toEqual([]);
  });

  it('gives back what a dead process has taken out by mistake, unless there is a newer one', async () => {
    const directory = folder();
    const [path, temporary] = [join(directory, 'objects', '+b', 'a.txt'), join(directory, 'temporary')];
    await using strategy = new LocalStorageStrategy({ directory });
    await write(strategy, 'b/a.txt', 'taken');
    const taken = readFileSync(path);
    const version = (await strategy.updateMetadata('b/a.txt', () => undefined))?.version ?? '';
    const other = `${'0'.repeat(32)}.0`;
    const sweep = async (meant: string): Promise<string | undefined> => {
      const left = join(temporary, leavingName('another-machine_1_2_', 'id', meant));
      writeFileSync(left, taken);
      utimesSync(left, 1_000, 1_000);
      expect(await strategy.sweep()).toBe(1);
      expect(readdirSync(temporary)).toEqual([]);
      return await read(strategy, 'b/a.txt');
    };
    rmSync(join(directory, 'objects', '+b'), { recursive: true });
    expect(await sweep(version)).toBeUndefined();
    expect(await sweep(other)).toBe('taken');
    await write(strategy, 'b/a.txt', 'newer');
    expect(await sweep(other)).toBe('newer');
  });

  it('lists what stays while folders with long names come and go', async () => {
    await using strategy = new LocalStorageStrategy({ directory: folder(), sync: false });
    await write(strategy, 'stays.txt', 'x');
    let isDone = false;
    const comeAndGo = async (name: string): Promise<void> => {
      while (!isDone) {
        await write(strategy, `${name}/deep/a.txt`, 'x');
        await strategy.delete(`${name}/deep/a.txt`);
      }
    };
    const coming = ['1', '2', '3', '4'].map(name => comeAndGo('Ж'.repeat(100) + name));
    try {
      for (let round = 0; round < 300; round += 1) {
        expect((await strategy.list({ limit: 100 })).keys).toContain('stays.txt');
      }
    } finally {
      isDone = true;
      await Promise.all(coming);
    }
  });

  it('leaves no empty folders', async () => {
    const directory = folder();
    await using strategy = new LocalStorageStrategy({ directory });
    await write(strategy, 'a/b/c/d.txt', 'x');
    await write(strategy, 'a/e.txt', 'x');
    await strategy.delete('a/b/c/d.txt');
    expect(readdirSync(join(directory, 'objects', '+a'))).toEqual(['e.txt']);
    await strategy.delete('a/e.txt');
    expect(readdirSync(join(directory, 'objects'))).toEqual([]);
  });

  it('deletes temporary files that are old, and not those in use', async () => {
    const directory = folder();
    const clock = new VirtualClock({ now: 1_800_000_000_000 });
    await using strategy = new LocalStorageStrategy({ directory, clock });
    await write(strategy, 'a.txt', 'x');
    const temporary = join(directory, 'temporary');
    const leave = (name: string, ageMs: number): void => {
      writeFileSync(join(temporary, name), 'left');
      const seconds = (clock.now() - ageMs) / 1_000;
      utimesSync(join(temporary, name), seconds, seconds);
    };
    leave('another-machine_1_2_old', 90_000_000);
    leave('another-machine_1_2_new', 1_000);
    mkdirSync(join(temporary, 'a folder'));
    expect(await strategy.sweep()).toBe(1);
    expect(readdirSync(temporary).sort()).toEqual(['a folder', 'another-machine_1_2_new']);
    await clock.advance(90_000_000);
    await expect.poll(() => readdirSync(temporary)).toEqual(['a folder']);
  });

  it('says what the system refused', async () => {
    const directory = folder();
    writeFileSync(directory, 'a file');
    await using strategy = new LocalStorageStrategy({ directory });
    await expect(strategy.open('a.txt')).rejects.toMatchObject({
      code: 'STORAGE_ERROR',
      message: expect.stringMatching(/^Cannot open "a.txt": /),
    });
    await strategy.close();
    await expect(strategy.open('a.txt')).rejects.toMatchObject({ reason: 'closed' });
  });

  it('refuses metadata that it cannot keep', async () => {
    await using strategy = new LocalStorageStrategy({ directory: folder() });
    for (const metadata of ['é', 'a\nb', 'x'.repeat(2_001)]) {
      await expect(strategy.put('a.txt', chunks('x'), { finish: () => metadata })).rejects.toBeInstanceOf(StorageError);
    }
    expect(await strategy.open('a.txt')).toBeUndefined();
  });
});

/** Programs that are killed: started from one bundle, because compiling it two hundred times would take minutes. */
describe('a process that is killed while it writes', () => {
  it('leaves the old file or the new one two hundred times, and nothing else', { timeout: 120_000 }, async () => {
    const bundle = join(root, 'writer.mjs');
    await build({
      entryPoints: ['src/storage/killed-writer.fixture.ts'],
      outfile: bundle,
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      logLevel: 'silent',
    });
    const directory = folder();
    const lane = async (name: string, rounds: number): Promise<void> => {
      for (let round = 0; round < rounds; round += 1) {
        const child = fork(bundle, [directory, name, String(round)], { silent: true });
        await ready(child);
        child.kill('SIGKILL');
        await once(child, 'exit');
      }
    };
    await Promise.all([lane('one', 100), lane('two', 100)]);
    expect(readdirSync(join(directory, 'temporary')).length).toBeGreaterThan(0);
    await using files = new FileStorageManager({ strategy: new LocalStorageStrategy({ directory }) });
    const { files: found } = await files.listFiles({ limit: 1_000 });
    for (const file of found) {
      const content = await files.readBytes(file.key);
      const { letter, length } = file.metadata as { letter: string; length: number };
      expect([file.key, content.equals(Buffer.alloc(length, letter))]).toEqual([file.key, true]);
    }
    expect(found.length).toBeGreaterThan(2);
    expect(readdirSync(join(directory, 'temporary'))).toEqual([]);
    const kept = readdirSync(join(directory, 'objects'), { recursive: true, withFileTypes: true });
    expect(kept.filter(entry => entry.isFile()).length).toBe(found.length);
  });
});

/** Waits until the program is somewhere in the middle of its writes: where, differs every time. */
async function ready(child: ChildProcess): Promise<void> {
  const leaving = new AbortController();
  const { signal } = leaving;
  const ended = once(child, 'exit', { signal }).then(([code]) => {
    throw new Error(`The program ended by itself with ${code}`);
  });
  const midway = new Promise<void>(resolve => {
    let left: number | undefined;
    child.on('message', message => {
      left = left === undefined ? Number(message) : left - 1;
      if (left <= 0) resolve();
    });
  });
  try {
    await Promise.race([midway, ended]);
  } finally {
    leaving.abort();
    await Promise.allSettled([ended]);
  }
}
