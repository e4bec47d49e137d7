import type { RequestListener } from 'node:http';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { NetworkError, ScraperError } from '../errors/index.ts';
import { pipeline } from '../pipeline/index.ts';
import type { HttpClient, HttpClientOptions } from './index.ts';
import { turn, useTestServer } from './test-server.fixture.ts';

const text = JSON.stringify({ words: Array.from({ length: 500 }, (_, index) => `word ${index}`) });
const mebibyte = 1024 * 1024;

describe('HttpClient, when bodies are compressed', () => {
  const local = useTestServer();

  const clientOf = (options: Partial<HttpClientOptions> = {}): HttpClient =>
    local.pool.client({ baseUrl: local.origin, guard: pipeline('local').build(), ...options });

  const coded =
    (coding: string, body: Uint8Array, status = 200): RequestListener =>
    (_request, response) =>
      response.writeHead(status, { 'content-encoding': coding, 'content-length': body.byteLength }).end(body);

  it.each([
    ['gzip', gzipSync(text)],
    ['x-gzip', gzipSync(text)],
    ['GZIP', gzipSync(text)],
    ['br', brotliCompressSync(text)],
    ['deflate', deflateSync(text)],
    ['identity', Buffer.from(text)],
    ['gzip, br', brotliCompressSync(gzipSync(text))],
    ['identity, gzip', gzipSync(text)],
  ])('reads %s, and says nothing of it any more', async (coding, body) => {
    local.answer = coded(coding, body);
    const { value } = await clientOf().text({ path: '/' });
    expect(value.body).toBe(text);
    expect(value.headers).not.toHaveProperty('content-encoding');
    expect(value.headers).not.toHaveProperty('content-length');
    const { body: stream } = await clientOf().stream({ path: '/' });
    const pieces: Uint8Array[] = [];
    for await (const piece of stream) pieces.push(piece);
    expect(Buffer.concat(pieces).toString()).toBe(text);
  });

  it('asks for what it can read, unless it is told otherwise', async () => {
    local.answer = (_request, response) => response.end('{}');
    await clientOf().json({ path: '/' });
    await clientOf({ headers: { 'Accept-Encoding': 'identity' } }).json({ path: '/' });
    expect(local.seen.map(({ headers }) => headers['accept-encoding'])).toEqual(['gzip, br', 'identity']);
  });

  it.each([
    ['HEAD', 200],
    ['GET', 204],
  ] as const)('expects no body of %s with %i', async (method, status) => {
    local.answer = (_request, response) =>
      response
        .writeHead(status, method === 'HEAD' ? { 'content-encoding': 'gzip', 'content-length': 10 ** 9 } : {})
        .end();
    expect((await clientOf().text({ method, path: '/' })).value.body).toBe('');
  });

  it('uses the connection again afterwards', async () => {
    local.answer = coded('gzip', gzipSync(text));
    let connections = 0;
    local.server.on('connection', () => {
      connections += 1;
    });
    for (let index = 0; index < 20; index += 1) await clientOf().text({ path: '/' });
    expect(connections).toBeLessThanOrEqual(2);
  });

  it.each([
    ['gzip', gzipSync(Buffer.alloc(64 * mebibyte))],
    ['br', brotliCompressSync(Buffer.alloc(64 * mebibyte))],
    ['gzip, gzip', gzipSync(gzipSync(Buffer.alloc(64 * mebibyte)))],
  ])('stops a small body of %s that becomes a large one at its limit', async (coding, bomb) => {
    expect(bomb.byteLength).toBeLessThan(mebibyte / 10);
    local.answer = coded(coding, bomb);
    await expect(clientOf().text({ path: '/', maxBytes: mebibyte })).rejects.toMatchObject({
      name: 'ScraperError',
      message: `GET ${local.origin}/ sent more than the ${mebibyte} bytes that are accepted`,
    });
    let bytes = 0;
    const read = async (): Promise<void> => {
      const { body } = await clientOf().stream({ path: '/', maxBytes: mebibyte });
      for await (const chunk of body) bytes += chunk.byteLength;
    };
    await expect(read()).rejects.toThrow(ScraperError);
    expect(bytes).toBeLessThanOrEqual(mebibyte);
  });

  it('stops a stream that never ends and becomes nothing', async () => {
    // An empty stored block, again and again: five bytes that decompress to none.
    const blocks = Buffer.concat(Array.from({ length: 2_000 }, () => Buffer.of(0, 0, 0, 0xff, 0xff)));
    local.answer = (_request, response) => {
      response.writeHead(200, { 'content-encoding': 'deflate' }).write(Buffer.of(0x78, 0x9c));
      const more = (): void => {
        while (!response.destroyed && response.write(blocks));
        if (!response.destroyed) response.once('drain', more);
      };
      more();
    };
    await expect(clientOf().text({ path: '/', maxBytes: 100_000 })).rejects.toThrow(ScraperError);
    while (local.sockets.size > 0) await turn();
  });

  it.each(['gzip', 'br', 'deflate'])('says that a body is no %s', async coding => {
    local.answer = coded(coding, Buffer.from(text));
    await expect(clientOf().json({ path: '/' })).rejects.toMatchObject({
      name: 'ScraperError',
      retryable: false,
      message: `GET ${local.origin}/ sent a body that cannot be decompressed as ${coding}`,
    });
  });

  it('tells a body that was cut off by its sender from a connection that broke', async () => {
    const half = gzipSync(text).subarray(0, 200);
    local.answer = coded('gzip', half);
    await expect(clientOf().text({ path: '/' })).rejects.toThrow(ScraperError);
    local.answer = (request, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': 1_000 });
      response.write(half, () => request.socket.destroy());
    };
    await expect(clientOf().text({ path: '/' })).rejects.toThrow(NetworkError);
  });

  it.each(['zip', 'constructor', 'gzip, gzip, gzip', ''])('knows what to do with the coding "%s"', async coding => {
    local.answer = coded(coding, gzipSync(text));
    const asked = clientOf().text({ path: '/' });
    if (coding === '') expect((await asked).value.status).toBe(200);
    else {
      await expect(asked).rejects.toMatchObject({
        name: 'ScraperError',
        message: `GET ${local.origin}/ answered in the content coding "${coding}", expected gzip, br`,
      });
    }
  });

  it.each([
    ['gzip', gzipSync('why'), 'why'],
    ['zip', Buffer.from('why'), 'why'],
    ['gzip', Buffer.from('why'), ''],
    ['gzip', gzipSync(Buffer.alloc(mebibyte)), ''],
  ])('keeps the status of a failure whose body is in %s', async (coding, body, kept) => {
    local.answer = coded(coding, body, 500);
    await expect(clientOf().text({ path: '/' })).rejects.toMatchObject({ status: 500, details: { body: kept } });
  });

  it('does not begin to read what says that it is too large', async () => {
    local.answer = (_request, response) => response.writeHead(200, { 'content-length': 2_000_000_000 }).write('x');
    const asked = clientOf().stream({ path: '/' });
    await expect(asked).rejects.toThrow(`GET ${local.origin}/ sent more than the 16777216 bytes that are accepted`);
    while (local.sockets.size > 0) await turn();
  });

  it('ends a compressed stream with the reason of the caller who leaves', async () => {
    const controller = new AbortController();
    local.answer = (_request, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' });
      response.write(gzipSync(Buffer.from(Array.from({ length: 100_000 }, (_, index) => (index * 7919) % 251))));
    };
    const { body } = await clientOf().stream({ path: '/', signal: controller.signal });
    const read = async (): Promise<void> => {
      for await (const _chunk of body) controller.abort(new TypeError('left'));
    };
    await expect(read()).rejects.toThrow('left');
    while (local.sockets.size > 0) await turn();
  });
});
