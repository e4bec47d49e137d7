import { once } from 'node:events';
import { createReadStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { chunksOf } from './content-source.ts';
import {
  FileStorageManager,
  type FileStorageManagerOptions,
  LocalStorageStrategy,
  type SaveFileOptions,
} from './index.ts';

const root = mkdtempSync(join(tmpdir(), 'plinth-sources-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let folders = 0;

function manager(options: Partial<FileStorageManagerOptions> = {}): FileStorageManager {
  const directory = join(root, String(folders++));
  return new FileStorageManager({ strategy: new LocalStorageStrategy({ directory, sync: false }), ...options });
}

describe('a stream that fails before anybody reads it', () => {
  const uncaught: unknown[] = [];
  const onUncaught = (error: unknown): void => void uncaught.push(error);
  beforeEach(() => {
    process.on('uncaughtException', onUncaught);
  });
  afterEach(() => {
    process.off('uncaughtException', onUncaught);
    uncaught.length = 0;
  });

  it.each<[string, () => Readable, string, object]>([
    ['is of a file that does not exist', () => createReadStream(join(root, 'none')), 'a.txt', { code: 'ENOENT' }],
    [
      'unpacks what was not packed',
      () => Readable.from([Buffer.from('garbage')]).pipe(createGunzip()),
      'a.txt',
      { code: 'Z_DATA_ERROR' },
    ],
    ['was destroyed', () => new Readable().destroy(), 'a.txt', { code: 'ERR_STREAM_PREMATURE_CLOSE' }],
    ['was destroyed for a reason', () => new Readable().destroy(new RangeError('Left')), 'a.txt', { message: 'Left' }],
    ['has a name that is refused', () => createReadStream(join(root, 'none')), '../a', { code: 'VALIDATION_ERROR' }],
  ])('ends the upload and not the process: one that %s', async (_, open, name, expected) => {
    await using files = manager();
    const stream = open();
    // Not `once` of node:events, which would listen to errors itself.
    const closing = new Promise(resolve => stream.on('close', resolve));
    await expect(files.saveFile(stream, name)).rejects.toMatchObject(expected);
    await closing;
    expect(uncaught).toEqual([]);
  });
});

describe('the source of a file that is refused', () => {
  const refusals: readonly (readonly [string, string, SaveFileOptions])[] = [
    ['its name', '../a.txt', { owner: 'one' }],
    ['its extension', 'a.exe', { owner: 'one' }],
    ['its type', 'a.txt', { owner: 'one', contentType: 'image/png' }],
    ['its owner', 'a.txt', { owner: '' }],
    ['its metadata', 'a.txt', { owner: 'one', metadata: { long: 'x'.repeat(5_000) } }],
    ['its idempotency key', 'a.txt', { owner: 'one', idempotencyKey: '' }],
    ['what stands there', 'there.txt', { owner: 'one', ifAbsent: true }],
    ['whose the file there is', 'there.txt', { owner: 'two' }],
    ['the quota', 'b.txt', { owner: 'one' }],
    ['a caller who has left', 'there.txt', { owner: 'one', signal: AbortSignal.abort() }],
  ];

  it.each(refusals)('is closed, for %s', async (_, name, options) => {
    await using files = manager({ quota: { maxFiles: 1 } });
    await files.saveFile('x', 'there.txt', { owner: 'one' });
    const path = join(root, `source-${folders}`);
    writeFileSync(path, 'content');
    const stream = createReadStream(path);
    const closing = once(stream, 'close');
    await expect(files.saveFile(stream, name, options)).rejects.toThrow();
    expect(stream.destroyed).toBe(true);
    await closing;

    const left: string[] = [];
    const web = new ReadableStream<Uint8Array>({ cancel: () => void left.push('web stream') });
    await expect(files.saveFile(web, name, options)).rejects.toThrow();
    const iterator: AsyncIterableIterator<string> = {
      [Symbol.asyncIterator]: () => iterator,
      next: () => Promise.reject(new RangeError('It was read')),
      return: async () => {
        left.push('iterator');
        return { done: true, value: undefined };
      },
    };
    await expect(files.saveFile(iterator, name, options)).rejects.toThrow(/^(?!It was read)/);
    expect(left).toEqual(['web stream', 'iterator']);

    const broken: AsyncIterable<string> = {
      [Symbol.asyncIterator]() {
        throw new RangeError('It was read');
      },
    };
    await expect(files.saveFile(broken, name, options)).rejects.toThrow(/^(?!It was read)/);
  });

  it('is left alone when somebody else reads it', async () => {
    await using files = manager();
    const web = new ReadableStream<Uint8Array>({ start: controller => controller.enqueue(Buffer.from('theirs')) });
    const reader = web.getReader();
    await expect(files.saveFile(web, '../a.txt')).rejects.toMatchObject({ code: 'VALIDATION_ERROR' });
    expect(Buffer.from((await reader.read()).value ?? []).toString()).toBe('theirs');
  });
});

describe('the body of a request whose file is refused', () => {
  it.each([
    ['its name', '../a.txt', 'text'],
    ['its content', 'a.png', 'no picture'],
  ])('leaves the connection for the answer, for %s', async (_, name, start) => {
    await using files = manager();
    const server = createServer((request, response) => {
      files.saveFile(request, name).catch((error: Error) => response.writeHead(422).end(error.message));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    for (const body of [start, start.padEnd(3_000_000, '.')]) {
      const answer = await fetch(`http://127.0.0.1:${port}`, { method: 'PUT', body });
      expect([answer.status, await answer.text()]).toEqual([422, expect.any(String)]);
    }
    server.closeAllConnections();
    await new Promise(resolve => server.close(resolve));
  });
});

describe('text in chunks', () => {
  async function bytesOf(parts: readonly (string | Uint8Array)[]): Promise<Buffer> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of chunksOf(Readable.from(parts), undefined)) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  it('is the same bytes wherever it is cut', async () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: fc.constantFrom('😀', 'a', '\ud83d', '\ude00') }),
    );
    await fc.assert(
      fc.asyncProperty(text, fc.array(fc.nat({ max: 40 })), async (whole, cuts) => {
        const places = [0, ...cuts.sort((one, other) => one - other), whole.length];
        const parts = places.slice(1).map((end, index) => whole.slice(places[index], end));
        expect((await bytesOf(parts)).equals(Buffer.from(whole))).toBe(true);
      }),
    );
  });

  it('ends before bytes, and what is half a character stays one that cannot be read', async () => {
    const half = '\ud83d';
    expect(await bytesOf([`a${half}`, Buffer.from('b'), half])).toEqual(Buffer.from('a\ufffdb\ufffd'));
    const large = 'x'.repeat(40_000);
    expect((await bytesOf([large + half, `\ude00${large}`])).toString()).toBe(`${large}😀${large}`);
  });
});
