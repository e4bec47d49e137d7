import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { FailedError, NotFoundError } from '../errors/index.ts';
import {
  CorruptFileError,
  FileStorageManager,
  type FileStorageManagerOptions,
  KeyRing,
  LocalStorageStrategy,
  type OpenObject,
} from './index.ts';

const root = mkdtempSync(join(tmpdir(), 'plinth-blocks-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let folders = 0;

/** Counts the objects that nobody has closed. */
class CountingStrategy extends LocalStorageStrategy {
  held = 0;
  /** Told when a read has begun, which then hangs until the object is closed. */
  hanging: (() => void) | undefined;

  override async open(...call: Parameters<LocalStorageStrategy['open']>): Promise<OpenObject | undefined> {
    const found = await super.open(...call);
    if (found === undefined) return undefined;
    this.held += 1;
    const close = found.close.bind(found);
    let isClosed = false;
    found.close = async () => {
      if (!isClosed) this.held -= 1;
      isClosed = true;
      await close();
    };
    const { hanging } = this;
    if (hanging !== undefined) {
      found.read = async function* () {
        hanging();
        await new Promise(() => undefined);
        yield content;
      };
    }
    return found;
  }
}

function world(options: Partial<FileStorageManagerOptions> = {}) {
  const directory = join(root, String(folders++));
  const strategy = new CountingStrategy({ directory, sync: false });
  const files = new FileStorageManager({ strategy, allowedExtensions: ['.bin', '.txt'], ...options });
  return { files, strategy, path: join(directory, 'objects', 'a.bin') };
}

const content = randomBytes(5_300_001);

/** What the blocks say while they are good. */
async function collected(files: FileStorageManager, ...[key, options]: [string, object?]): Promise<Buffer> {
  const parts: Buffer[] = [];
  await files.readBlocks(key, block => parts.push(Buffer.from(block)), options);
  return Buffer.concat(parts);
}

describe('a file that is read block by block', () => {
  it.each<[string, Partial<FileStorageManagerOptions>]>([
    ['plain', {}],
    ['plain, with its SHA-256', { checksum: 'sha256' }],
    ['encrypted', { encryption: new KeyRing({ currentKeyId: 'a', keys: { a: KeyRing.generateKey() } }) }],
  ])('is given as it was, and in parts: %s', async (_, options) => {
    const { files, strategy } = world(options);
    await files.saveFile(content, 'a.bin', { owner: 'user-1' });
    await files.saveFile('word '.repeat(400_000), 'b.txt');
    await files.saveFile('', 'empty.txt');
    expect((await collected(files, 'a.bin', { verifyChecksum: true })).equals(content)).toBe(true);
    for (const [start, end] of [
      [0, 1],
      [524_287, 1_572_865],
      [5_300_000, 5_300_001],
      [7, 7],
    ] as const) {
      const part = await collected(files, 'a.bin', { range: { start, end } });
      expect(part.equals(content.subarray(start, end))).toBe(true);
    }
    expect((await collected(files, 'b.txt')).toString()).toBe('word '.repeat(400_000));
    expect((await collected(files, 'empty.txt')).length).toBe(0);
    const file = await files.readBlocks('a.bin', () => undefined, { owner: 'user-1' });
    expect(file).toEqual(await files.getFileInfo('a.bin'));
    await expect(collected(files, 'a.bin', { owner: 'user-2' })).rejects.toBeInstanceOf(NotFoundError);
    expect(strategy.held).toBe(0);
  });

  it('waits for whoever uses a block, and takes memory for four of them', async () => {
    const { files } = world();
    await files.saveFile(content, 'a.bin');
    const buffers = new Set<ArrayBufferLike>();
    let inUse = 0;
    await files.readBlocks('a.bin', async block => {
      buffers.add(block.buffer);
      inUse += 1;
      expect(inUse).toBe(1);
      const before = Buffer.from(block);
      await new Promise(resolve => setImmediate(resolve));
      expect(before.equals(block)).toBe(true);
      inUse -= 1;
    });
    expect(buffers.size).toBe(4);
  });

  it('is not given to its end when it is damaged', async () => {
    const { files, strategy, path } = world();
    await files.saveFile(content, 'a.bin');
    const damaged = readFileSync(path);
    damaged[8_192] = (damaged[8_192] as number) ^ 1;
    writeFileSync(path, damaged);
    const told: string[] = [];
    files.events.on('corrupt', ({ key }) => told.push(key));
    let given = 0;
    const reading = files.readBlocks('a.bin', block => {
      given += block.byteLength;
    });
    await expect(reading).rejects.toBeInstanceOf(CorruptFileError);
    expect(given).toBeLessThan(content.length);
    expect([told, strategy.held]).toEqual([['a.bin'], 0]);
  });

  it('ends with what its reader throws, or with the signal, and is closed', async () => {
    const { files, strategy } = world();
    await files.saveFile(content, 'a.bin');
    const failure = new FailedError('Enough');
    let blocks = 0;
    const use = (): void => {
      blocks += 1;
      if (blocks === 2) throw failure;
    };
    await expect(files.readBlocks('a.bin', use)).rejects.toBe(failure);
    const leaving = new AbortController();
    const leave = (): void => leaving.abort(failure);
    await expect(files.readBlocks('a.bin', leave, { signal: leaving.signal })).rejects.toBe(failure);
    expect([blocks, strategy.held]).toEqual([2, 0]);
  });

  it('is left in the middle of a block that does not come', async () => {
    const { files, strategy } = world();
    await files.saveFile(content, 'a.bin');
    const leaving = new AbortController();
    const failure = new FailedError('Enough');
    strategy.hanging = () => leaving.abort(failure);
    await expect(files.readBlocks('a.bin', () => undefined, { signal: leaving.signal })).rejects.toBe(failure);
    expect(strategy.held).toBe(0);
  });
});

describe('a disk that reports an error while a file is read', () => {
  it('is told of as the store has failed, to who reads, copies or moves', async () => {
    const { files, path } = world();
    await files.saveFile(content, 'a.bin');
    const handle = await open(path);
    const prototype = Object.getPrototypeOf(handle) as FileHandle;
    await handle.close();
    const read = prototype.read as (...call: unknown[]) => Promise<unknown>;
    const failure = Object.assign(new TypeError('EIO: i/o error, read'), { code: 'EIO' });
    const failing = vi.spyOn(prototype, 'read').mockImplementation(function (this: FileHandle, ...call: unknown[]) {
      // The header alone can be read.
      return call[3] === 0 ? read.apply(this, call) : Promise.reject(failure);
    } as never);
    try {
      for (const reading of [
        () => files.readBytes('a.bin'),
        () => files.readBlocks('a.bin', () => undefined),
        () => files.copyFile('a.bin', 'b.bin'),
        () => files.moveFile('a.bin', 'b.bin'),
      ]) {
        await expect(reading()).rejects.toMatchObject({
          code: 'STORAGE_ERROR',
          message: 'Cannot read "a.bin": the disk reports an error (EIO)',
          details: { system_code: 'EIO' },
        });
      }
    } finally {
      failing.mockRestore();
    }
    expect((await files.readBytes('a.bin')).equals(content)).toBe(true);
  });
});
