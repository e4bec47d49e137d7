import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { VirtualClock } from '../testing/index.ts';
import { FileStorageManager, KeyRing, LocalStorageStrategy, type OpenObject } from './index.ts';

const root = mkdtempSync(join(tmpdir(), 'plinth-infos-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let folders = 0;

/** Counts how often a file is opened, and lets a test do something in between. */
class CountingStrategy extends LocalStorageStrategy {
  opened = 0;
  meanwhile: (() => Promise<unknown>) | undefined;

  override async open(...call: Parameters<LocalStorageStrategy['open']>): Promise<OpenObject | undefined> {
    this.opened += 1;
    const found = await super.open(...call);
    const { meanwhile } = this;
    this.meanwhile = undefined;
    await meanwhile?.();
    return found;
  }
}

function world(infoTtlMs = 60_000) {
  const clock = new VirtualClock();
  const directory = join(root, String(folders++));
  const strategy = new CountingStrategy({ directory, sync: false, clock });
  const encryption = new KeyRing({ currentKeyId: 'a', keys: { a: KeyRing.generateKey() } });
  const files = new FileStorageManager({ strategy, infoTtlMs, clock, encryption });
  const opensFor = async (key: string): Promise<number> => {
    const before = strategy.opened;
    await files.getFileInfo(key);
    return strategy.opened - before;
  };
  return { clock, strategy, files, opensFor };
}

describe('what is known of a file', () => {
  it('is remembered for its time, and asked for each time without one', async () => {
    const { files, clock, opensFor } = world();
    await files.saveFile('one', 'a.txt');
    expect([await opensFor('a.txt'), await opensFor('a.txt')]).toEqual([1, 0]);
    await clock.advance(59_999);
    expect(await opensFor('a.txt')).toBe(0);
    await clock.advance(1);
    expect([await opensFor('a.txt'), await opensFor('a.txt')]).toEqual([1, 0]);
    const asking = world(0);
    await asking.files.saveFile('one', 'a.txt');
    expect([await asking.opensFor('a.txt'), await asking.opensFor('a.txt')]).toEqual([1, 1]);
  });

  it('is not remembered of files that are not there', async () => {
    const { opensFor } = world();
    expect([await opensFor('a.txt'), await opensFor('a.txt')]).toEqual([1, 1]);
  });

  it('is nothing to other owners', async () => {
    const { files } = world();
    await files.saveFile('one', 'a.txt', { owner: 'user-1' });
    expect(await files.getFileInfo('a.txt')).toMatchObject({ owner: 'user-1' });
    expect(await files.getFileInfo('a.txt', { owner: 'user-2' })).toBeUndefined();
    expect(await files.getFileInfo('a.txt', { owner: 'user-1' })).toMatchObject({ bytes: 3 });
  });

  it("is nobody's to change for others", async () => {
    const { files } = world();
    const saved = await files.saveFile('one', 'a.txt', { metadata: { tags: ['a', { b: [] }] } });
    for (let times = 0; times < 3; times += 1) {
      const known = await files.getFileInfo('a.txt');
      expect(known).toEqual(saved);
      known?.createdAt.setFullYear(1999);
      const { tags } = (known ?? saved).metadata as unknown as { tags: unknown[] };
      expect(() => tags.push('evil')).toThrow(TypeError);
      expect(() => (tags[1] as { b: unknown[] }).b.push('evil')).toThrow(TypeError);
    }
  });

  it('is forgotten with every change, also one that fails', async () => {
    const { files } = world();
    const changes: readonly (() => Promise<unknown>)[] = [
      () => files.saveFile('one', 'a.txt'),
      () => files.saveFile('three', 'a.txt'),
      () => files.saveFile('x', 'a.txt', { ifAbsent: true }).catch(() => undefined),
      () => files.setFileMetadata('a.txt', { n: 1 }),
      () => files.copyFile('a.txt', 'b.txt'),
      () => files.moveFile('a.txt', 'c.txt'),
      () => files.deleteFile('b.txt'),
    ];
    for (const change of changes) {
      await change();
      for (const key of ['a.txt', 'b.txt', 'c.txt']) {
        const known = await files.getFileInfo(key);
        const actual = (await files.listFiles({ prefix: key })).files[0];
        expect(known).toEqual(actual);
      }
    }
  });

  it('is not remembered when the file was changed while it was asked for', async () => {
    const { files, strategy } = world();
    await files.saveFile('one', 'a.txt');
    strategy.meanwhile = () => files.saveFile('three', 'a.txt');
    expect((await files.getFileInfo('a.txt'))?.bytes).toBe(3);
    expect((await files.getFileInfo('a.txt'))?.bytes).toBe(5);
  });

  it('is remembered of 1,000 files, those that were asked for last', async () => {
    const { files, opensFor } = world();
    await Promise.all(Array.from({ length: 1_001 }, (_, index) => files.saveFile('x', `${index}.txt`)));
    for (let index = 0; index < 1_000; index += 1) await files.getFileInfo(`${index}.txt`);
    expect(await opensFor('0.txt')).toBe(0);
    await files.getFileInfo('1000.txt');
    expect([await opensFor('0.txt'), await opensFor('1.txt')]).toEqual([0, 1]);
  });
});
