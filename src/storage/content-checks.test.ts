import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { ArgumentError } from '../errors/index.ts';
import { ContentTag } from './content-tag.ts';
import { CorruptFileError, FileStorageManager, type FileStorageManagerOptions, LocalStorageStrategy } from './index.ts';

const root = mkdtempSync(join(tmpdir(), 'plinth-checks-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let folders = 0;

function open(options: Partial<FileStorageManagerOptions> = {}): { files: FileStorageManager; path: string } {
  const directory = join(root, String(folders++));
  const strategy = new LocalStorageStrategy({ directory, sync: false });
  const files = new FileStorageManager({ strategy, allowedExtensions: ['.bin', '.txt'], ...options });
  return { files, path: join(directory, 'objects', 'a.bin') };
}

function tagOf(parts: readonly Uint8Array[]): string {
  const tag = new ContentTag();
  for (const part of parts) tag.update(part);
  return tag.digest();
}

describe('the tag of a content', () => {
  it('is the same however the content is cut', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 20 }), parts => {
        expect(tagOf(parts)).toBe(tagOf([Buffer.concat(parts)]));
      }),
    );
  });

  it('is another one when a bit, the length or the order is', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 2, maxLength: 2_000 }), fc.nat(), fc.nat({ max: 7 }), (bytes, at, bit) => {
        const tag = tagOf([bytes]);
        const flipped = Uint8Array.from(bytes);
        flipped[at % bytes.length] = (bytes[at % bytes.length] as number) ^ (1 << bit);
        expect(tagOf([flipped])).not.toBe(tag);
        expect(tagOf([bytes.subarray(1)])).not.toBe(tag);
        expect(tagOf([bytes, Uint8Array.of(0)])).not.toBe(tag);
        if (bytes[0] !== bytes[1]) {
          const swapped = Uint8Array.from(bytes);
          [swapped[0], swapped[1]] = [bytes[1] as number, bytes[0] as number];
          expect(tagOf([swapped])).not.toBe(tag);
        }
      }),
    );
  });

  it('finds a flipped byte wherever it is, before the end of the content', async () => {
    const { files, path } = open();
    const content = Buffer.alloc(3_000_000, 'plinth');
    await files.saveFile(content, 'a.bin');
    const whole = readFileSync(path);
    for (const at of [0, 1, 524_287, 524_288, 1_500_000, 2_999_999]) {
      const damaged = Buffer.from(whole);
      damaged[8_192 + at] = (damaged[8_192 + at] as number) ^ 1;
      writeFileSync(path, damaged);
      const { stream } = await files.readFile('a.bin');
      let given = 0;
      const reading = (async () => {
        for await (const chunk of stream) given += (chunk as Uint8Array).byteLength;
      })();
      await expect(reading).rejects.toBeInstanceOf(CorruptFileError);
      expect(given).toBeLessThan(content.length);
    }
  });
});

describe('a description', () => {
  it('of another version is refused as such, and one that is none as damaged', async () => {
    const directory = join(root, String(folders++));
    const strategy = new LocalStorageStrategy({ directory, sync: false });
    const files = new FileStorageManager({ strategy });
    await files.saveFile('one', 'a.txt');
    await strategy.updateMetadata('a.txt', ({ metadata }) => metadata.replace('"v":1', '"v":2'));
    await expect(files.readBytes('a.txt')).rejects.toMatchObject({
      code: 'FILE_CORRUPT',
      message: expect.stringContaining('has the form 2, which another version of the software has written'),
    });
    await strategy.updateMetadata('a.txt', () => 'nothing');
    await expect(files.readBytes('a.txt')).rejects.toThrow('its description cannot be read');
  });
});

describe('the SHA-256 of a content', () => {
  const content = Buffer.from('What it was');
  const sha256 = createHash('sha256').update(content).digest('hex');

  it('is taken when it is asked for, or when an upload may be repeated', async () => {
    const { files } = open();
    expect((await files.saveFile(content, 'a.bin')).checksum).toBeUndefined();
    expect((await files.saveFile(content, 'b.bin', { idempotencyKey: 'once' })).checksum).toBe(sha256);
    const { files: named } = open({ checksum: 'sha256' });
    await named.saveFile(content, 'a.bin');
    expect((await named.getFileInfo('a.bin'))?.checksum).toBe(sha256);
    expect((await named.copyFile('a.bin', 'b.bin')).checksum).toBe(sha256);
  });

  it('finds a content that was changed together with its tag', async () => {
    const { files, path } = open({ checksum: 'sha256' });
    await files.saveFile(content, 'a.bin');
    const forged = Buffer.from('What it is!');
    const bytes = readFileSync(path);
    const description = bytes.indexOf(tagOf([content]));
    bytes.write(tagOf([forged]), description);
    forged.copy(bytes, 8_192);
    const slot = bytes.subarray(0, 4_096);
    const end = 40 + slot.readUInt16BE(12) + slot.readUInt16BE(14);
    createHash('sha256').update(slot.subarray(0, end)).digest().copy(slot, end);
    writeFileSync(path, bytes);
    expect((await files.readBytes('a.bin')).equals(forged)).toBe(true);
    await expect(files.readBytes('a.bin', { verifyChecksum: true })).rejects.toBeInstanceOf(CorruptFileError);
  });

  it('is not compared where none was taken', async () => {
    const { files } = open();
    await files.saveFile(content, 'a.bin');
    expect((await files.readBytes('a.bin', { verifyChecksum: true })).equals(content)).toBe(true);
  });

  it('or the tag is what can be asked for', () => {
    expect(() => open({ checksum: 'md5' as 'sha256' })).toThrow(ArgumentError);
  });
});
