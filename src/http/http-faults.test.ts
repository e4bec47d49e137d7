import { getEventListeners, once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NetworkError, RejectedError, ScraperError, TimeoutError } from '../errors/index.ts';
import { type Guard, pipeline } from '../pipeline/index.ts';
import { exponentialBackoff } from '../resilience/index.ts';
import { VirtualClock } from '../testing/index.ts';
import { ConnectionPool, type HttpClient } from './index.ts';

const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve));

/** Faults by the path that asks for them. */
const faults: Readonly<Record<string, RequestListener>> = {
  '/reset': request => request.socket.resetAndDestroy(),
  '/closed': request => request.socket.destroy(),
  '/half': (request, response) => {
    response.writeHead(200, { 'content-length': '100' });
    response.write('{"half":', () => request.socket.destroy());
  },
  '/half-chunked': (request, response) => void response.write('{"half":', () => request.socket.destroy()),
  '/garbage': request => request.socket.end('this is not HTTP\r\n\r\n'),
  '/html': (_request, response) => response.end('<!doctype html><title>Sorry</title>'),
  '/error': (_request, response) => response.writeHead(503).end('busy'),
  '/half-error': (request, response) => {
    response.writeHead(500, { 'content-length': '100' });
    response.write('partly', () => request.socket.destroy());
  },
  '/large': (_request, response) => response.end('x'.repeat(5_000)),
  '/endless': (_request, response) => {
    const more = (): void => {
      while (!response.destroyed && response.write('x'.repeat(16_384)));
      if (!response.destroyed) response.once('drain', more);
    };
    more();
  },
  '/silent': () => {},
  '/stuck': (_request, response) => void response.write('{"never":'),
};

describe('HttpClient, when things break', () => {
  let server: Server;
  let origin: string;
  let pool: ConnectionPool;
  let sockets: Set<Socket>;
  let seen: IncomingMessage[];
  let unhandled: unknown[];
  const onUnhandled = (error: unknown): number => unhandled.push(error);

  beforeEach(async () => {
    unhandled = [];
    process.on('unhandledRejection', onUnhandled);
    sockets = new Set();
    seen = [];
    server = createServer((request, response) => {
      seen.push(request);
      const fault = faults[request.url ?? ''];
      if (fault) fault(request, response);
      else response.end('{"ok":true}');
      server.emit('seen');
    });
    server.on('connection', socket => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    pool = new ConnectionPool({ maxConnections: 4 });
  });

  afterEach(async () => {
    await pool.close();
    await turn();
    server.closeAllConnections();
    await once(server.close(), 'close');
    process.off('unhandledRejection', onUnhandled);
    expect(unhandled).toEqual([]);
  });

  const clientOf = (guard: Guard = pipeline('local').build()): HttpClient => pool.client({ baseUrl: origin, guard });

  it('says that nobody listens', async () => {
    const closed = createServer();
    await once(closed.listen(0, '127.0.0.1'), 'listening');
    const { port } = closed.address() as AddressInfo;
    await once(closed.close(), 'close');
    const client = pool.client({ baseUrl: `http://127.0.0.1:${port}`, guard: pipeline('local').build() });
    await expect(client.json({ path: '/things', query: { key: 'k-123' } })).rejects.toMatchObject({
      name: 'NetworkError',
      retryable: true,
      message: `GET http://127.0.0.1:${port}/things could not be reached (ECONNREFUSED)`,
    });
  });

  it.each(['/reset', '/closed', '/half', '/half-chunked', '/garbage'])(
    'makes a NetworkError of %s, whichever way it is read',
    async path => {
      const client = clientOf();
      await expect(client.json({ path })).rejects.toThrow(NetworkError);
      await expect(client.text({ path })).rejects.toThrow(NetworkError);
      const read = async (): Promise<void> => {
        const { body } = await client.stream({ path });
        for await (const _chunk of body);
      };
      await expect(read()).rejects.toThrow(NetworkError);
    },
  );

  it('repeats a GET on a broken connection, and no POST', async () => {
    const retry = { maxAttempts: 3, backoff: exponentialBackoff({ initialDelayMs: 0, maxDelayMs: 0 }) };
    const client = clientOf(pipeline('local').retry(retry).build());
    await expect(client.json({ path: '/reset' })).rejects.toThrow(NetworkError);
    expect(seen).toHaveLength(3);
    await expect(client.json({ path: '/reset', method: 'POST', body: '{}' })).rejects.toThrow(NetworkError);
    expect(seen).toHaveLength(4);
  });

  it('keeps the status of an error whose body breaks off', async () => {
    await expect(clientOf().json({ path: '/half-error' })).rejects.toMatchObject({ status: 500 });
  });

  it.each(['/silent', '/stuck'])(
    'gives up on %s when the time of the attempt is over, and closes the connection',
    async path => {
      const clock = new VirtualClock();
      const client = clientOf(pipeline('local', { clock }).attemptTimeout(2_000).build());
      const failed = expect(client.json({ path })).rejects.toThrow(TimeoutError);
      await once(server, 'seen');
      await clock.advance(2_000);
      await failed;
      while (sockets.size > 0) await turn();
      expect(clock.pendingTimers).toBe(0);
    },
  );

  it('accepts a body up to its limit, and not one byte more', async () => {
    const client = clientOf();
    expect((await client.text({ path: '/large', maxBytes: 5_000 })).value.body).toHaveLength(5_000);
    await expect(client.text({ path: '/large', maxBytes: 4_999 })).rejects.toMatchObject({
      name: 'ScraperError',
      message: `GET ${origin}/large sent more than the 4999 bytes that are accepted`,
      details: { maxBytes: 4_999 },
    });
  });

  it('stops reading a body that never ends', async () => {
    const client = clientOf();
    await expect(client.text({ path: '/endless', maxBytes: 100_000 })).rejects.toThrow(ScraperError);
    while (sockets.size > 0) await turn();
  });

  it.each(['/silent', '/stuck'])('closes the connection of %s when the caller leaves', async path => {
    const controller = new AbortController();
    const failed = expect(clientOf().json({ path, signal: controller.signal })).rejects.toThrow('left');
    await once(server, 'seen');
    controller.abort(new TypeError('left'));
    await failed;
    while (sockets.size > 0) await turn();
  });

  it('ends a stream with the reason of the caller who leaves', async () => {
    const controller = new AbortController();
    const clock = new VirtualClock();
    const guard = pipeline('local', { clock }).deadline(1_000).attemptTimeout(500).build();
    const { body } = await clientOf(guard).stream({ path: '/stuck', signal: controller.signal });
    const read = async (): Promise<void> => {
      for await (const _chunk of body) controller.abort(new TypeError('left'));
    };
    await expect(read()).rejects.toThrow('left');
    while (sockets.size > 0) await turn();
  });

  it('lets the other side wait while nobody reads a stream, and goes on when somebody does', async () => {
    const { body } = await clientOf().stream({ path: '/endless', maxBytes: Number.POSITIVE_INFINITY });
    let sentBytes = -1;
    const sent = (): number => [...sockets].reduce((sum, socket) => sum + socket.bytesWritten, 0);
    for (let stillTurns = 0; stillTurns < 50; stillTurns = sent() === sentBytes ? stillTurns + 1 : 0) {
      sentBytes = sent();
      await turn();
    }
    // What the operating system keeps for both sides, and no more of ours than a few pieces.
    expect(sentBytes).toBeLessThan(16 * 1024 * 1024);
    let readBytes = 0;
    for await (const chunk of body) {
      readBytes += chunk.byteLength;
      if (readBytes > 2 * sentBytes) break;
    }
    while (sockets.size > 0) await turn();
  });

  it('listens to nobody any more once a stream has ended', async () => {
    const { signal } = new AbortController();
    const { body } = await clientOf().stream({ path: '/endless', signal });
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    for await (const _chunk of body) break;
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  it('does not count the time of a stream after its headers as that of the attempt', async () => {
    const clock = new VirtualClock();
    const guard = pipeline('local', { clock }).deadline(1_000).attemptTimeout(500).build();
    const { body } = await clientOf(guard).stream({ path: '/large' });
    await clock.advance(10_000);
    let bytes = 0;
    for await (const chunk of body) bytes += chunk.byteLength;
    expect(bytes).toBe(5_000);
  });

  it('goes on working, and leaks nothing, through 200 faults', async () => {
    const client = clientOf();
    const paths = Object.keys(faults).filter(path => path !== '/silent' && path !== '/stuck');
    for (let cycle = 0; cycle < 200; cycle += 1) {
      const path = paths[cycle % paths.length] ?? '/';
      await expect(client.json({ path, maxBytes: 1_000 })).rejects.toThrow();
      if (cycle % 10 === 0) expect((await client.json({ path: '/' })).value.body).toEqual({ ok: true });
      expect(sockets.size).toBeLessThanOrEqual(8);
    }
    expect(pool.stats()).toMatchObject([{ origin, requests: 220, active: 0 }]);
    await pool.close();
    while (sockets.size > 0) await turn();
  });

  it('refuses when its pool is closed', async () => {
    await pool.close();
    await expect(clientOf().json({ path: '/' })).rejects.toThrow(RejectedError);
  });
});
