import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { FileStorageManager, type FileStorageManagerOptions, LocalStorageStrategy } from './index.ts';

const root = mkdtempSync(join(tmpdir(), 'plinth-many-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let folders = 0;

function manager(options: Partial<FileStorageManagerOptions> = {}): FileStorageManager {
  const directory = join(root, String(folders++));
  return new FileStorageManager({ strategy: new LocalStorageStrategy({ directory, sync: false }), ...options });
}

const png = Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), randomBytes(3_000)]);

function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => entry.name);
}

/** Does something else between the next copy and what follows it. */
class Interrupted extends LocalStorageStrategy {
  meanwhile: (() => Promise<unknown>) | undefined;

  override async copy(...call: Parameters<LocalStorageStrategy['copy']>): ReturnType<LocalStorageStrategy['copy']> {
    const copied = await super.copy(...call);
    const { meanwhile } = this;
    this.meanwhile = undefined;
    await meanwhile?.();
    return copied;
  }
}

describe('copies and moves', () => {
  it('copies and moves, as the same kind of file only', async () => {
    await using files = manager();
    await files.saveFile(png, 'a.png', { owner: 'one', metadata: { n: 1 } });
    expect(await files.copyFile('a.png', 'x/b.png')).toMatchObject({
      key: 'x/b.png',
      owner: 'one',
      metadata: { n: 1 },
    });
    await expect(files.copyFile('a.png', 'a.pdf')).rejects.toMatchObject({ code: 'VALIDATION_ERROR' });
    await expect(files.copyFile('a.png', 'x/b.png', { ifAbsent: true })).rejects.toMatchObject({ code: 'DUPLICATE' });
    await files.moveFile('a.png', 'c.png');
    expect((await files.listFiles()).files.map(({ key }) => key)).toEqual(['c.png', 'x/b.png']);
    expect(await files.readBytes('c.png')).toEqual(png);
    await expect(files.moveFile('a.png', 'd.png')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(files.moveFile('c.png', 'c.png')).rejects.toMatchObject({ code: 'VALIDATION_ERROR' });
  });

  it('lets one alone move a file', async () => {
    await using files = manager();
    await files.saveFile('job', 'inbox/a.txt');
    const moved: unknown[] = [];
    files.events.on('copied', event => moved.push(event));
    const outcomes = await Promise.allSettled(
      ['one', 'two', 'three'].map(worker => files.moveFile('inbox/a.txt', `${worker}/a.txt`)),
    );
    const winners = outcomes.flatMap(outcome => (outcome.status === 'fulfilled' ? [outcome.value.key] : []));
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'NOT_FOUND' });
    }
    expect(winners).toHaveLength(1);
    expect((await files.listFiles()).files.map(({ key }) => key)).toEqual(winners);
    expect(moved).toEqual([{ from: 'inbox/a.txt', to: winners[0], moved: true }]);
    expect((await files.getStorageStats()).totalFiles).toBe(1);
  });

  it('moves what was put in the place of a file while it was moved, and leaves nothing behind', async () => {
    const directory = join(root, 'moving');
    const strategy = new Interrupted({ directory, sync: false });
    await using files = manager({ strategy });
    await files.saveFile('1', 'a.txt');
    strategy.meanwhile = () => files.saveFile('22', 'a.txt');
    expect((await files.moveFile('a.txt', 'b.txt')).bytes).toBe(2);
    expect((await files.listFiles()).files.map(({ key }) => key)).toEqual(['b.txt']);
    strategy.meanwhile = () => files.deleteFile('b.txt');
    await expect(files.moveFile('b.txt', 'c.txt', { ifAbsent: true })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(filesBelow(directory)).toEqual([]);
  });

  it('keeps the file that several move to one name at once', async () => {
    await using files = manager();
    for (let round = 0; round < 10; round += 1) {
      await files.saveFile(`job ${round}`, 'a.txt');
      const moves = Array.from({ length: 3 }, () => files.moveFile('a.txt', 'b.txt'));
      const outcomes = await Promise.allSettled(moves);
      expect(outcomes.map(outcome => (outcome.status === 'fulfilled' ? 'moved' : outcome.reason.code))).toEqual([
        'moved',
        'NOT_FOUND',
        'NOT_FOUND',
      ]);
      expect((await files.listFiles()).files.map(({ key }) => key)).toEqual(['b.txt']);
      expect((await files.readBytes('b.txt')).toString()).toBe(`job ${round}`);
    }
  });

  it('makes two moves that cross one after the other', async () => {
    await using files = manager();
    for (let round = 0; round < 10; round += 1) {
      await files.saveFile('first', 'a.txt');
      await files.saveFile('second', 'b.txt');
      await Promise.all([files.moveFile('a.txt', 'b.txt'), files.moveFile('b.txt', 'a.txt')]);
      expect((await files.listFiles()).files.map(({ key }) => key)).toEqual(['a.txt']);
      expect((await files.readBytes('a.txt')).toString()).toBe('first');
    }
  });

  it('keeps the last copy when somebody else who uses the folder moves the same file to the same name', async () => {
    const directory = join(root, 'two movers');
    const [early, late] = [new Interrupted({ directory, sync: false }), new Interrupted({ directory, sync: false })];
    await using one = manager({ strategy: early });
    await using other = manager({ strategy: late });
    await one.saveFile('job', 'a.txt');
    let moving: Promise<unknown> | undefined;
    let following: Promise<unknown> | undefined;
    // The second replaces the copy of the first, and finds out only then that the first has moved the file.
    early.meanwhile = () =>
      new Promise<void>(goOn => {
        late.meanwhile = async () => {
          goOn();
          await moving;
        };
        following = other.moveFile('a.txt', 'b.txt').catch((error: unknown) => error);
      });
    moving = one.moveFile('a.txt', 'b.txt');
    expect(await moving).toMatchObject({ key: 'b.txt' });
    expect(await following).toMatchObject({ code: 'NOT_FOUND' });
    expect((await one.listFiles()).files.map(({ key }) => key)).toEqual(['b.txt']);
    expect((await one.readBytes('b.txt')).toString()).toBe('job');
  });

  it('loses no file whatever several who use the folder move at once', async () => {
    const directory = join(root, 'many movers');
    await using one = manager({ strategy: new LocalStorageStrategy({ directory, sync: false }) });
    await using other = manager({ strategy: new LocalStorageStrategy({ directory, sync: false }) });
    for (let round = 0; round < 20; round += 1) {
      await one.saveFile('job', 'a.txt');
      const [from, to] = round % 2 === 0 ? ['a.txt', 'b.txt'] : ['b.txt', 'a.txt'];
      await Promise.allSettled([one.moveFile('a.txt', 'b.txt'), other.moveFile(from, to)]);
      const { files: left } = await one.listFiles();
      expect(left.length).toBeGreaterThan(0);
      for (const { key } of left) expect((await one.readBytes(key)).toString()).toBe('job');
    }
  });
});

describe('lists', () => {
  it('tells nobody the names of the files of others, when it lists by page', async () => {
    await using files = manager();
    await files.saveFile('x', 'alpha/mine.txt', { owner: 'me' });
    for (let index = 0; index < 5; index += 1) {
      await files.saveFile('x', `beta/secret-${index}.txt`, { owner: 'other' });
    }
    for (const key of ['gamma/mine.txt', 'gamma/mine-2.txt']) await files.saveFile('x', key, { owner: 'me' });
    const first = await files.listFiles({ owner: 'me', limit: 2 });
    expect([first.files.map(({ key }) => key), first.next]).toEqual([
      ['alpha/mine.txt', 'gamma/mine-2.txt'],
      'gamma/mine-2.txt',
    ]);
    const second = await files.listFiles({ owner: 'me', limit: 2, after: first.next });
    expect([second.files.map(({ key }) => key), second.next]).toEqual([['gamma/mine.txt'], undefined]);
    expect(await files.listFiles({ owner: 'nobody' })).toEqual({ files: [], next: undefined });
  });

  it('leaves out what the file system or somebody else has put into the folder, and counts and takes files beside it', async () => {
    const directory = join(root, 'foreign');
    const strategy = new LocalStorageStrategy({ directory, sync: false });
    await using files = manager({ strategy, quota: { maxFiles: 2 } });
    await files.saveFile('x', 'a/b.txt', { owner: 'one' });
    for (const name of ['+a/.nfs0000000000000001', '.hidden', 'con']) {
      writeFileSync(join(directory, 'objects', name), 'foreign');
    }
    expect((await files.listFiles()).files.map(({ key }) => key)).toEqual(['a/b.txt']);
    expect(await strategy.list({ limit: 1 })).toEqual({ keys: ['a/b.txt'], more: false });
    expect((await files.getStorageStats({ recount: true })).totalFiles).toBe(1);
    expect((await files.saveFile('y', 'c.txt', { owner: 'one' })).bytes).toBe(1);
  });

  it('lists by page, of all or of one owner', async () => {
    await using files = manager();
    for (let index = 0; index < 9; index += 1) {
      await files.saveFile('x', `list/${index}.txt`, { owner: index % 3 === 0 ? 'third' : 'other' });
    }
    const pages = [await files.listFiles({ prefix: 'list/', limit: 4 })];
    while (pages.at(-1)?.next !== undefined) {
      pages.push(await files.listFiles({ prefix: 'list/', limit: 4, after: pages.at(-1)?.next }));
    }
    expect(pages.map(({ files: found }) => found.length)).toEqual([4, 4, 1]);
    const { files: thirds } = await files.listFiles({ owner: 'third' });
    expect(thirds.map(({ key }) => key)).toEqual(['list/0.txt', 'list/3.txt', 'list/6.txt']);
  });
});

describe('counts', () => {
  it('says of one deletion alone that it was one, and counts on, whoever saves meanwhile', async () => {
    await using files = manager();
    await files.getStorageStats();
    const deletedKeys: string[] = [];
    files.events.on('deleted', ({ key }) => deletedKeys.push(key));
    const answers: Promise<boolean>[] = [];
    const saves: Promise<unknown>[] = [];
    for (let index = 0; index < 50; index += 1) {
      saves.push(files.saveFile('x', `${index}.txt`));
      for (let times = 0; times < 5; times += 1) {
        answers.push(files.deleteFile(`${index}.txt`));
        await new Promise(resolve => setImmediate(resolve));
      }
    }
    await Promise.all(saves);
    const deleted = (await Promise.all(answers)).filter(Boolean).length;
    expect(deletedKeys).toHaveLength(deleted);
    const stats = await files.getStorageStats();
    expect(stats.totalFiles).toBe(50 - deleted);
    expect(await files.getStorageStats({ recount: true })).toEqual(stats);
  });

  it('counts a damaged file no more when it was deleted, and gives its room back', async () => {
    const directory = join(root, 'damaged');
    await using files = manager({ strategy: new LocalStorageStrategy({ directory }), quota: { maxFiles: 1 } });
    await files.saveFile('hello', 'a.txt', { owner: 'one' });
    truncateSync(join(directory, 'objects', 'a.txt'), 100);
    const events: unknown[] = [];
    files.events.on('deleted', event => events.push(event));
    expect([await files.deleteFile('a.txt', { owner: 'one' }).catch(String), await files.deleteFile('a.txt')]).toEqual([
      expect.stringContaining('damaged'),
      true,
    ]);
    expect(events).toEqual([{ key: 'a.txt', owner: undefined, bytes: 0 }]);
    expect((await files.saveFile('x', 'b.txt', { owner: 'one' })).bytes).toBe(1);
    expect(await files.getOwnerUsage('one')).toMatchObject({ files: 1, bytes: 1 });
  });

  it('counts files once, and then what changes', async () => {
    await using files = manager();
    await files.saveFile('12345', 'a.txt');
    await files.saveFile(png, 'b.png');
    const counting = files.getStorageStats();
    const meanwhile = Promise.all([
      files.saveFile('123', 'c.txt'),
      files.saveFile('1', 'a.txt'),
      files.deleteFile('b.png'),
    ]);
    await Promise.all([counting, meanwhile]);
    await files.copyFile('a.txt', 'd.txt');
    const stats = await files.getStorageStats();
    expect(stats).toEqual({
      totalFiles: 3,
      totalBytes: 5,
      storedBytes: 5,
      byExtension: { '.txt': { files: 3, bytes: 5, storedBytes: 5 } },
    });
    expect(await files.getStorageStats({ recount: true })).toEqual(stats);
  });
});
