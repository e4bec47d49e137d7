import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MemoryCache } from '../cache/index.ts';
import { type CallRecord, pipeline } from '../pipeline/index.ts';
import { VirtualClock } from '../testing/index.ts';
import { ConnectionPool, type HttpClient, type HttpClientOptions } from './index.ts';

const fresh = 60_000;

describe('HttpClient, when it has an older answer', () => {
  let server: Server;
  let origin: string;
  let pool: ConnectionPool;
  let clock: VirtualClock;
  let cache: MemoryCache<unknown>;
  let answer: RequestListener;
  let seen: IncomingMessage[];
  let version: number;

  /** Answers with the version and its validators, or that it has not changed. */
  const versioned: RequestListener = (request, response) => {
    const etag = `"v${version}"`;
    response.setHeader('etag', etag);
    if (request.headers['if-none-match'] === etag) response.writeHead(304, { 'x-checked': 'yes' }).end();
    else response.writeHead(200, { 'content-type': 'application/json', 'x-made': 'yes' }).end(`{"version":${version}}`);
  };

  beforeEach(async () => {
    seen = [];
    version = 1;
    answer = versioned;
    clock = new VirtualClock({ now: 1_000_000 });
    cache = new MemoryCache<unknown>({ ttlMs: fresh, staleMs: 10 * fresh, clock });
    server = createServer((request, response) => {
      seen.push(request);
      answer(request, response);
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    pool = new ConnectionPool();
  });

  afterEach(async () => {
    await pool.close();
    await once(server.close(), 'close');
  });

  const clientOf = (options: Partial<HttpClientOptions> = {}): HttpClient =>
    pool.client({
      baseUrl: origin,
      guard: pipeline('local', { clock }).cache(cache).build(),
      cache,
      clock,
      ...options,
    });
  const validators = (): unknown[] =>
    seen.map(({ headers }) => headers['if-none-match'] ?? headers['if-modified-since']);

  it('asks whether it still holds, and gives it again, as good as new', async () => {
    const client = clientOf();
    const first = await client.json({ path: '/a' });
    await clock.advance(fresh + 1);
    const again = await client.json({ path: '/a' });
    expect(validators()).toEqual([undefined, '"v1"']);
    expect(again).toMatchObject({ freshness: 'fresh', ageMs: 0 });
    expect(again.value.body).toBe(first.value.body);
    expect(again.value).toMatchObject({
      status: 200,
      url: `${origin}/a`,
      fetchedAt: first.value.fetchedAt + fresh + 1,
      headers: { 'content-type': 'application/json', 'x-made': 'yes', 'x-checked': 'yes' },
    });
    // It is kept for its whole time again, and asked about again after it.
    await clock.advance(fresh - 1);
    await client.json({ path: '/a' });
    expect(seen).toHaveLength(2);
    await clock.advance(2);
    await client.json({ path: '/a' });
    expect(validators()).toEqual([undefined, '"v1"', '"v1"']);
  });

  it('takes the new answer where it has changed, and asks about that one from then on', async () => {
    const client = clientOf();
    for (const expected of [1, 2, 2]) {
      version = expected;
      expect((await client.json({ path: '/a' })).value.body).toEqual({ version: expected });
      await clock.advance(fresh + 1);
    }
    expect(validators()).toEqual([undefined, '"v1"', '"v2"']);
  });

  it('goes by the date where there is no tag, and sends both where there are both', async () => {
    const changed = 'Thu, 01 Jan 2026 00:00:00 GMT';
    answer = (request, response) => {
      response.setHeader('last-modified', changed);
      if (request.url === '/both') response.setHeader('etag', 'W/"1"');
      const isKnown = request.headers['if-modified-since'] === changed;
      response.writeHead(isKnown ? 304 : 200).end(isKnown ? undefined : 'old');
    };
    const client = clientOf();
    for (const path of ['/a', '/both']) {
      await client.text({ path });
      await clock.advance(fresh + 1);
      expect((await client.text({ path })).value).toMatchObject({ status: 200, body: 'old' });
    }
    expect(seen[1]?.headers).toMatchObject({ 'if-modified-since': changed });
    expect(seen[1]?.headers['if-none-match']).toBeUndefined();
    expect(seen[3]?.headers).toMatchObject({ 'if-modified-since': changed, 'if-none-match': 'W/"1"' });
  });

  it('does so with compressed answers', async () => {
    answer = (request, response) => {
      response.setHeader('etag', '"z"').setHeader('content-encoding', 'gzip');
      if (request.headers['if-none-match']) response.writeHead(304).end();
      else response.end(gzipSync('{"zipped":true}'));
    };
    const client = clientOf();
    await client.json({ path: '/a' });
    await clock.advance(fresh + 1);
    const { value } = await client.json({ path: '/a' });
    expect(value.body).toEqual({ zipped: true });
    expect(value.headers).not.toHaveProperty('content-encoding');
  });

  it.each<[string, (client: HttpClient) => Promise<unknown>]>([
    ['for the same address under another form', client => client.text({ path: '/a' })],
    ['for another address', client => client.json({ path: '/b' })],
    ['for another address under the same key', client => client.json({ path: '/b', cacheKey: 'same' })],
    ['that must not come from the cache', client => client.json({ path: '/a', cacheKey: false })],
    ['that changes something', client => client.json({ path: '/a', method: 'POST', cacheKey: 'same' })],
    [
      'for a stream',
      client =>
        client.stream({ path: '/a' }).then(async ({ body }) => void (await body[Symbol.asyncIterator]().next())),
    ],
  ])('asks without it %s', async (_what, ask) => {
    const client = clientOf();
    await client.json({ path: '/a' });
    await client.json({ path: '/a', cacheKey: 'same' });
    await clock.advance(fresh + 1);
    await ask(client);
    expect(validators().at(-1)).toBeUndefined();
  });

  it('leaves a question of the caller to the caller', async () => {
    const client = clientOf();
    const asked = { path: '/a', cacheKey: 'own', headers: { 'If-None-Match': '"v1"' }, answers: [304] };
    expect((await client.text(asked)).value.status).toBe(304);
    await clock.advance(fresh + 1);
    version = 2;
    expect((await client.text(asked)).value.body).toBe('{"version":2}');
    await clock.advance(fresh + 1);
    expect((await client.text(asked)).value.status).toBe(200);
    expect(validators()).toEqual(['"v1"', '"v1"', '"v1"']);
  });

  it('does not take the answer of a redirect for that of the address', async () => {
    answer = (request, response) => {
      if (request.url === '/a') response.writeHead(302, { location: '/b', etag: '"r"' }).end();
      else versioned(request, response);
    };
    const client = clientOf({ maxRedirects: 1 });
    for (let round = 0; round < 2; round += 1) {
      expect((await client.json({ path: '/a' })).value).toMatchObject({ url: `${origin}/b`, body: { version: 1 } });
      await clock.advance(fresh + 1);
    }
    expect(validators()).toEqual([undefined, undefined, undefined, undefined]);
  });

  it('does not carry the question to where a redirect leads', async () => {
    const client = clientOf({ maxRedirects: 1 });
    await client.json({ path: '/a' });
    await clock.advance(fresh + 1);
    answer = (request, response) => {
      if (request.url === '/a') response.writeHead(302, { location: '/b' }).end();
      else versioned(request, response);
    };
    expect((await client.json({ path: '/a' })).value.status).toBe(200);
    expect(validators()).toEqual([undefined, '"v1"', undefined]);
  });

  it('still has the older answer where the source fails', async () => {
    const client = clientOf();
    await client.json({ path: '/a' });
    await clock.advance(fresh + 1);
    answer = (_request, response) => response.writeHead(500).end();
    expect(await client.json({ path: '/a' })).toMatchObject({ freshness: 'stale', value: { body: { version: 1 } } });
  });

  it('takes a 304 that nobody asked for as a failure', async () => {
    answer = (_request, response) => response.writeHead(304).end();
    await expect(clientOf().json({ path: '/a' })).rejects.toMatchObject({ status: 304 });
  });

  it('takes other things in the cache for no answer', async () => {
    await cache.set('things', { headers: 'none' });
    await clock.advance(fresh + 1);
    expect((await clientOf().json({ path: '/a', cacheKey: 'things' })).value.body).toEqual({ version: 1 });
  });

  it('counts as one good attempt', async () => {
    const guard = pipeline('local', { clock }).cache(cache).breaker({ failureThreshold: 1 }).build();
    const records: CallRecord[] = [];
    guard.events.on('call', record => records.push(record));
    const client = clientOf({ guard });
    await client.json({ path: '/a' });
    await clock.advance(fresh + 1);
    await client.json({ path: '/a' });
    expect(records.map(({ result, attempts }) => [result, attempts])).toEqual([
      ['ok', 1],
      ['ok', 1],
    ]);
  });

  it('does all this by itself where it is given no guard, for an hour and a day', async () => {
    const client = pool.client({ baseUrl: origin, clock });
    await client.json({ path: '/a' });
    await clock.advance(3_599_000);
    await client.json({ path: '/a' });
    expect(seen).toHaveLength(1);
    await clock.advance(2_000);
    expect((await client.json({ path: '/a' })).value.body).toEqual({ version: 1 });
    expect(validators()).toEqual([undefined, '"v1"']);
  });

  it('does none of it with a guard of the caller and no cache', async () => {
    const guard = pipeline('local', { clock }).cache(cache).build();
    const client = pool.client({ baseUrl: origin, guard, clock });
    await client.json({ path: '/a' });
    await clock.advance(fresh + 1);
    await client.json({ path: '/a' });
    expect(validators()).toEqual([undefined, undefined]);
  });
});
