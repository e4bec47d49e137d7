import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readPropagation, runWithRequestContext } from '../context/index.ts';
import { NetworkError, TimeoutError, UpstreamError } from '../errors/index.ts';
import { type Guard, pipeline } from '../pipeline/index.ts';
import { constantBackoff } from '../resilience/index.ts';
import { VirtualClock } from '../testing/index.ts';
import { ConnectionPool, type HttpClient, type HttpClientOptions } from './index.ts';

const atOnce = { maxAttempts: 3, backoff: constantBackoff({ waitMs: 0 }) };
const attemptsOf = (seen: readonly IncomingMessage[]): unknown[] =>
  seen.map(({ headers }) => headers['request-attempt']);

let server: Server;
let pool: ConnectionPool;
let answer: RequestListener;
let seen: IncomingMessage[];

beforeEach(async () => {
  seen = [];
  answer = (_request, response) => response.end('{}');
  server = createServer((request, response) => {
    seen.push(request);
    answer(request, response);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  pool = new ConnectionPool();
});

afterEach(async () => {
  await pool.close();
  server.closeAllConnections();
  await once(server.close(), 'close');
});

const clientOf = (guard: Guard, options: Partial<HttpClientOptions> = {}): HttpClient =>
  pool.client({ baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, guard, ...options });

const failing: RequestListener = (_request, response) => response.writeHead(503).end();

describe('a request carries on', () => {
  it('how long its caller still waits: the nearer of the guard and the request that it is made for', async () => {
    const clock = new VirtualClock();
    await clock.advance(1_000);
    const client = clientOf(pipeline('local', { clock }).deadline(5_000).build(), { clock });
    await client.json({ path: '/' });
    await runWithRequestContext({ deadlineMs: clock.monotonic() + 800 }, () => client.json({ path: '/' }));
    expect(seen.map(({ headers }) => headers['request-timeout-ms'])).toEqual(['5000', '800']);
  });

  it('the trace that it belongs to', async () => {
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    const ask = (options: Partial<HttpClientOptions> = {}, headers?: Record<string, string>): Promise<unknown> =>
      runWithRequestContext({ traceparent }, () =>
        clientOf(pipeline('local').build(), options).json({ path: '/', headers }),
      );
    await ask();
    await ask({}, { Traceparent: 'of its own' });
    await ask({ propagates: false });
    await clientOf(pipeline('local').build()).json({ path: '/' });
    expect(seen.map(({ headers }) => headers['traceparent'])).toEqual([
      traceparent,
      'of its own',
      undefined,
      undefined,
    ]);
  });

  it('that it is a retry, from the second attempt on', async () => {
    answer = failing;
    const client = clientOf(pipeline('local').retry(atOnce).build());
    await expect(client.json({ path: '/' })).rejects.toThrow(UpstreamError);
    expect(attemptsOf(seen)).toEqual([undefined, '2', '3']);
  });

  it('that its caller retries, and is then not retried itself', async () => {
    answer = failing;
    const client = clientOf(pipeline('local').retry(atOnce).build());
    const retried = runWithRequestContext({ attempt: 2 }, () => client.json({ path: '/' }));
    await expect(retried).rejects.toThrow(UpstreamError);
    expect(attemptsOf(seen)).toEqual(['2']);
  });

  it('nothing to a server that is not to know', async () => {
    answer = failing;
    const client = clientOf(pipeline('local').deadline(5_000).retry(atOnce).build(), { propagates: false });
    await expect(client.json({ path: '/' })).rejects.toThrow(UpstreamError);
    expect(attemptsOf(seen)).toEqual([undefined, undefined, undefined]);
    expect(seen[0]?.headers).not.toHaveProperty('request-timeout-ms');
  });

  it('so much that two services in a row ask the last one three times and not nine', async () => {
    answer = failing;
    const inner = clientOf(pipeline('inner').retry(atOnce).build());
    // A service of its own between the two, as Plinth's server would be: it reads what it is told.
    const between = createServer((request, response) => {
      const told = readPropagation(request.headers, performance.now());
      const asked = runWithRequestContext(told, () => inner.json({ path: '/' }));
      asked.then(
        () => response.end('{}'),
        () => response.writeHead(503).end(),
      );
    });
    await once(between.listen(0, '127.0.0.1'), 'listening');
    const outer = pool.client({
      baseUrl: `http://127.0.0.1:${(between.address() as AddressInfo).port}`,
      guard: pipeline('outer').retry(atOnce).build(),
    });
    await expect(outer.json({ path: '/' })).rejects.toThrow(UpstreamError);
    between.closeAllConnections();
    await once(between.close(), 'close');
    // Three for the first attempt of the outer service, one for each of its retries.
    expect(attemptsOf(seen)).toEqual([undefined, '2', '3', '2', '3']);
  });
});

describe('a POST', () => {
  const breakOff: RequestListener = request => request.socket.destroy();

  it('is never sent twice: not after a broken connection, a 503, or a timeout', async () => {
    const clock = new VirtualClock();
    const client = clientOf(pipeline('local', { clock }).retry(atOnce).attemptTimeout(1_000).build());
    const post = { path: '/', method: 'POST', body: '{}' } as const;
    answer = breakOff;
    await expect(client.json(post)).rejects.toThrow(NetworkError);
    answer = failing;
    await expect(client.json(post)).rejects.toThrow(UpstreamError);
    const arrived = new Promise<void>(resolve => {
      answer = () => resolve();
    });
    const hung = expect(client.json(post)).rejects.toThrow(TimeoutError);
    await arrived;
    await clock.advance(1_000);
    await hung;
    expect(seen).toHaveLength(3);
  });

  it('is sent again under an idempotency key, with the same key', async () => {
    answer = failing;
    const client = clientOf(pipeline('local').retry(atOnce).build());
    const post = { path: '/', method: 'POST', body: '{}', headers: { 'Idempotency-Key': 'order-7' } } as const;
    await expect(client.json(post)).rejects.toThrow(UpstreamError);
    expect(seen.map(({ headers }) => headers['idempotency-key'])).toEqual(['order-7', 'order-7', 'order-7']);
  });

  it('is not sent again under an empty key', async () => {
    answer = failing;
    const client = clientOf(pipeline('local').retry(atOnce).build());
    const post = { path: '/', method: 'POST', body: '{}', headers: { 'idempotency-key': '' } } as const;
    await expect(client.json(post)).rejects.toThrow(UpstreamError);
    expect(seen).toHaveLength(1);
  });
});

describe('a Retry-After', () => {
  it.each([
    ['seconds', () => '3600'],
    ['a date', (nowMs: number) => new Date(nowMs + 3_600_000).toUTCString()],
  ])('in %s that goes beyond the deadline fails at once', async (_form, header) => {
    const clock = new VirtualClock();
    answer = (_request, response) => response.writeHead(503, { 'retry-after': header(clock.now()) }).end();
    const client = clientOf(pipeline('local', { clock }).deadline(10_000).retry(atOnce).build(), { clock });
    await expect(client.json({ path: '/' })).rejects.toMatchObject({ name: 'UpstreamError', retryAfterMs: 3_600_000 });
    expect([seen.length, clock.monotonic()]).toEqual([1, 0]);
  });
});
