import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, describe, expect, it } from 'vitest';
import { FileStorageManager, type FileStorageManagerOptions, KeyRing, LocalStorageStrategy } from './index.ts';

const root = mkdtempSync(join(tmpdir(), 'plinth-kept-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let folders = 0;

function manager(options: Partial<FileStorageManagerOptions> = {}): FileStorageManager {
  const directory = join(root, String(folders++));
  return new FileStorageManager({ strategy: new LocalStorageStrategy({ directory, sync: false }), ...options });
}

const png = Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), randomBytes(3_000)]);

describe('what the application keeps with a file', () => {
  const cycle: Record<string, unknown> = {};
  cycle['itself'] = cycle;
  const deep = Array.from({ length: 100_000 }).reduce<object>(inner => ({ inner }), {});

  it.each([
    ['what JSON would change', { when: new Date(0) }],
    ['what JSON leaves out', { nothing: undefined }],
    ['numbers that are none', { count: Number.NaN }],
    ['numbers that JSON does not know', { count: 1n }],
    ['a cycle', cycle],
    ['more levels than a program can climb', deep],
    ['more than 1,000 characters', { text: 'é'.repeat(200) }],
  ])('is refused when it is %s', async (_, metadata) => {
    await using files = manager();
    const refused = { code: 'VALIDATION_ERROR', fieldErrors: { metadata: expect.any(String) } };
    await expect(files.saveFile('x', 'a.txt', { metadata: metadata as never })).rejects.toMatchObject(refused);
    await files.saveFile('x', 'a.txt');
    await expect(files.setFileMetadata('a.txt', metadata as never)).rejects.toMatchObject(refused);
  });

  it.each([
    ['plain', undefined],
    ['encrypted', new KeyRing({ currentKeyId: 'a', keys: { a: KeyRing.generateKey() } })],
  ])('can be changed afterwards, and the content stays: %s', async (_, encryption) => {
    await using files = manager({ encryption, infoTtlMs: 60_000 });
    const before = await files.saveFile('content', 'a.txt', { owner: 'one', metadata: { state: 'new', n: 1 } });
    expect(await files.getFileInfo('a.txt')).toEqual(before);
    await files.getStorageStats();
    const events: unknown[] = [];
    files.events.on('described', event => events.push(event));
    const after = await files.setFileMetadata('a.txt', { state: 'paid' }, { owner: 'one' });
    expect(after).toEqual({ ...before, metadata: { state: 'paid' }, version: after.version });
    expect(after.version).not.toBe(before.version);
    expect(await files.getFileInfo('a.txt')).toEqual(after);
    expect((await files.readBytes('a.txt')).toString()).toBe('content');
    expect(events).toEqual([{ key: 'a.txt', owner: 'one' }]);
    for (const [key, owner] of [
      ['a.txt', 'two'],
      ['b.txt', 'one'],
    ] as const) {
      await expect(files.setFileMetadata(key, {}, { owner })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    }
    expect(await files.deleteFile('a.txt')).toBe(true);
    expect(await files.getStorageStats()).toMatchObject({ totalFiles: 0, totalBytes: 0 });
  });
});

describe('what a sender says that a file is', () => {
  it.each([
    ['a.md', ''],
    ['a.md', 'text/plain'],
    ['a.csv', 'application/vnd.ms-excel'],
    ['a.csv', 'Text/Plain; charset=utf-8'],
    ['a.json', 'text/json'],
    ['a.txt', 'application/octet-stream'],
    ['a.png', 'image/x-png'],
  ])('may be one of the names that browsers have for it: %s as "%s"', async (name, contentType) => {
    await using files = manager();
    const content = name === 'a.png' ? png : '{"a":1}';
    const expected = (await files.saveFile(content, name)).contentType;
    expect((await files.saveFile(content, name, { contentType })).contentType).toBe(expected);
  });

  it.each([
    ['a.png', 'text/plain'],
    ['a.txt', 'application/vnd.ms-excel'],
    ['a.txt', 'image/jpg'],
    ['a.json', 'text/html'],
  ])('is refused when it is something else: %s as "%s"', async (name, contentType) => {
    await using files = manager();
    await expect(files.saveFile('{"a":1}', name, { contentType })).rejects.toThrow('does not fit the extension');
  });

  it('is not asked for with a Blob', async () => {
    await using files = manager();
    await files.saveFile(new Blob(['hé', 'llo']), 'a.txt');
    expect((await files.readBytes('a.txt')).toString()).toBe('héllo');
  });

  it('is not believed of a stream that somebody has read before', async () => {
    await using files = manager();
    const stream = Readable.from(['content']);
    await stream.toArray();
    await expect(files.saveFile(stream, 'a.txt')).rejects.toMatchObject({
      fieldErrors: { content: expect.stringContaining('not been read') },
    });
  });
});

describe('extensions that are allowed', () => {
  it.each(['txt', 'pdf,txt', '.tar.gz', '*.txt', '. txt'])('have a dot in front: %s is refused', extension => {
    expect(() => manager({ allowedExtensions: ['.pdf', extension] })).toThrow('behind one dot');
  });
});
