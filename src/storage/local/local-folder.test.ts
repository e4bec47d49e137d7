import { mkdirSync, mkdtempSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { LocalFolder } from './local-folder.ts';

const root = mkdtempSync(join(tmpdir(), 'plinth-folder-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** A folder whose empty folders are taken away behind whoever has just made them, some times. */
class VanishingFolder extends LocalFolder {
  left: number;

  constructor(path: string, times: number) {
    super(path, false);
    this.left = times;
  }

  override async sync(parts: readonly string[]): Promise<void> {
    await super.sync(parts);
    if (this.left === 0) return;
    this.left -= 1;
    for (const name of readdirSync(join(this.root, ...parts))) rmdirSync(join(this.root, ...parts, name));
  }
}

function pathOf(name: string): string {
  const path = join(root, name);
  mkdirSync(path);
  return path;
}

describe('the folders above a file', () => {
  it('are made again when whoever deletes the last file of one takes it away meanwhile', async () => {
    const folder = new VanishingFolder(pathOf('again'), 5);
    await folder.makeParents('2026/11/22/a.txt');
    expect(folder.left).toBe(0);
    expect(readdirSync(folder.root, { recursive: true })).toEqual(['+2026', '+2026/+11', '+2026/+11/+22']);
  });

  it('are given up when they are taken away again and again', async () => {
    const folder = new VanishingFolder(pathOf('never'), Number.POSITIVE_INFINITY);
    await expect(folder.makeParents('2026/11/a.txt')).rejects.toMatchObject({ code: 'STORAGE_ERROR', retryable: true });
  });

  it('are not made where the folder of the store itself is gone', async () => {
    const path = pathOf('gone');
    const folder = new LocalFolder(path, false);
    rmdirSync(path);
    await expect(folder.makeParents('2026/11/a.txt')).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
