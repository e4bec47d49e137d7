import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { MemoryCache } from '../cache/index.ts';
import { ArgumentError, RateLimitError, ScraperError, UpstreamError } from '../errors/index.ts';
import { type CallRecord, type Guard, pipeline } from '../pipeline/index.ts';
import { exponentialBackoff } from '../resilience/index.ts';
import { VirtualClock } from '../testing/index.ts';
import { HttpClient, type HttpClientOptions, type HttpRequest } from './index.ts';
import { textOf, useTestServer } from './test-server.fixture.ts';

const atOnce = exponentialBackoff({ initialDelayMs: 0, maxDelayMs: 0 });
const bare = (): Guard => pipeline('local').build();
const cached = (): Guard => pipeline('local').cache(new MemoryCache()).build();

describe('HttpClient', () => {
  const local = useTestServer(() => (request, response) => response.end(JSON.stringify({ url: request.url })));

  const clientOf = (options: Partial<HttpClientOptions> = {}): HttpClient =>
    local.pool.client({ baseUrl: local.origin, guard: bare(), ...options });

  describe('reads', () => {
    it('JSON, with what is known about the answer', async () => {
      const clock = new VirtualClock({ now: 5_000 });
      local.answer = (_request, response) => response.writeHead(201, { 'X-Rows': '3' }).end('{"rows":[1,2,3]}');
      const { value, freshness } = await clientOf({ clock }).json<{ rows: number[] }>({ path: '/rows' });
      expect(freshness).toBe('fresh');
      expect(value).toMatchObject({
        status: 201,
        headers: { 'x-rows': '3' },
        body: { rows: [1, 2, 3] },
        url: `${local.origin}/rows`,
        fetchedAt: 5_000,
      });
      expect(local.seen[0]?.headers).toMatchObject({ accept: 'application/json', 'user-agent': 'plinth' });
    });

    it('text, in whatever pieces its characters come', async () => {
      const bytes = Buffer.from('grüße 🗝');
      local.answer = (_request, response) => {
        for (const byte of bytes) response.write(Buffer.of(byte));
        response.end();
      };
      expect((await clientOf().text({ path: '/' })).value.body).toBe('grüße 🗝');
    });

    it('a stream, piece by piece', async () => {
      const pieces: string[] = [];
      local.answer = (_request, response) => {
        response.write('first');
        local.server.once('continue', () => response.end('second'));
      };
      const { body, status } = await clientOf().stream({ path: '/' });
      for await (const piece of body) {
        pieces.push(Buffer.from(piece).toString());
        local.server.emit('continue');
      }
      expect([status, ...pieces]).toEqual([200, 'first', 'second']);
    });

    it('a stream that is left early, and uses no more of it', async () => {
      local.answer = (request, response) => {
        response.write('first');
        request.socket.once('close', () => local.server.emit('left'));
      };
      const left = once(local.server, 'left');
      const { body } = await clientOf().stream({ path: '/' });
      for await (const _piece of body) break;
      await left;
    });
  });

  describe('asks', () => {
    it.each<[string, HttpRequest, string]>([
      ['', { path: '/a' }, '/a'],
      ['/v1', { path: '/a' }, '/v1/a'],
      ['/v1/', { path: '/a' }, '/v1/a'],
      ['/v1', { path: '/a/../b' }, '/v1/b'],
      [
        '',
        { path: '/a', query: { q: 'a b&c=d/é', n: 1, yes: true, none: undefined } },
        '/a?q=a+b%26c%3Dd%2F%C3%A9&n=1&yes=true',
      ],
      ['', { path: '/a?x=1', query: { y: 2 } }, '/a?x=1&y=2'],
      ['', { path: '/a?search=x+AND+y' }, '/a?search=x+AND+y'],
      ['', { path: '/a#part' }, '/a'],
    ])('below %j for %j', async (prefix, request, expected) => {
      await clientOf({ baseUrl: `${local.origin}${prefix}` }).text(request);
      expect(local.seen.map(({ url }) => url)).toEqual([expected]);
    });

    it('an address of the same origin, as a Link header gives it', async () => {
      await clientOf({ baseUrl: `${local.origin}/v1` }).text({ path: `${local.origin}/v2/next?skip=1` });
      expect(local.seen[0]?.url).toBe('/v2/next?skip=1');
    });

    it.each([
      '//example.org/x',
      'https://example.org/x',
      '/\\example.org/x',
      'ftp://127.0.0.1/',
      'http://127.0.0.1:1/',
    ])('nobody else: %s is refused', async path => {
      const refused = clientOf().text({ path });
      await expect(refused).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', argument: 'path' });
      expect(local.seen).toEqual([]);
    });

    it.each(['/../admin', '/a/../../admin', '/%2e%2e/admin', '/..\\admin', '/../v10/x'])(
      'nothing above its base address: %s is refused',
      async path => {
        const refused = clientOf({ baseUrl: `${local.origin}/v1` }).text({ path });
        await expect(refused).rejects.toThrow(ArgumentError);
        expect(local.seen).toEqual([]);
      },
    );

    it('with its headers, those of the request first, whatever the case of their names', async () => {
      const client = clientOf({ userAgent: 'demo/1', headers: { 'X-Api-Key': 'of the client', Accept: 'text/csv' } });
      await client.json({ path: '/', headers: { 'x-API-key': 'of the request', 'X-Other': '1' } });
      expect(local.seen[0]?.headers).toMatchObject({
        'user-agent': 'demo/1',
        'x-api-key': 'of the request',
        'x-other': '1',
        accept: 'text/csv',
      });
      expect(local.seen[0]?.rawHeaders.filter(name => name.toLowerCase() === 'x-api-key')).toHaveLength(1);
    });

    it('with a body of text or bytes', async () => {
      const bodies: Promise<string>[] = [];
      local.answer = (request, response) => {
        bodies.push(textOf(request));
        request.once('end', () => response.end('{}'));
      };
      await clientOf().json({ method: 'POST', path: '/', body: '{"name":"grüße"}' });
      await clientOf().json({ method: 'PUT', path: '/', body: Buffer.from('bytes') });
      expect(await Promise.all(bodies)).toEqual(['{"name":"grüße"}', 'bytes']);
    });

    it('without a header that breaks out of its line: that is our mistake, and no failure of theirs', async () => {
      const refused = clientOf().text({ path: '/', headers: { 'x-a': 'b\r\nx-c: d' } });
      await expect(refused).rejects.toThrow(ArgumentError);
      expect(local.seen).toEqual([]);
    });
  });

  it('gives the headers of the answer in lower case, several of one name joined', async () => {
    local.answer = (_request, response) => {
      response.setHeader('X-Several', ['a', 'b']);
      response.writeHead(200, { 'X-MiXed': 'c' }).end('{}');
    };
    const { value } = await clientOf().json({ path: '/' });
    expect(value.headers).toMatchObject({ 'x-several': 'a, b', 'x-mixed': 'c' });
  });

  describe('takes a status', () => {
    const withStatus = (status: number, headers: Record<string, string> = {}): void => {
      local.answer = (_request, response) => response.writeHead(status, headers).end('{"message":"why"}');
    };

    it.each([301, 400, 401, 404, 500, 503])('%i for a failure', async status => {
      withStatus(status);
      const failed = clientOf().json({ path: '/things', query: { api_key: 'k-123' } });
      await expect(failed).rejects.toMatchObject({
        name: 'UpstreamError',
        status,
        message: `GET ${local.origin}/things answered ${status}`,
        details: { status, body: '{"message":"why"}' },
      });
    });

    it('for an answer when the request says so', async () => {
      withStatus(404);
      const { value } = await clientOf().json({ path: '/', answers: [404] });
      expect(value).toMatchObject({ status: 404, body: { message: 'why' } });
    });

    it.each([
      ['7', 7_000],
      ['Thu, 15 Jan 2026 23:01:00 GMT', 60_000],
      ['soon', undefined],
    ])('429 with Retry-After %j for "too many requests"', async (retryAfter, retryAfterMs) => {
      withStatus(429, { 'Retry-After': retryAfter });
      const clock = new VirtualClock({ now: Date.UTC(2026, 0, 15, 23) });
      const failed = clientOf({ clock }).text({ path: '/' });
      await expect(failed).rejects.toThrow(RateLimitError);
      await expect(clientOf({ clock }).text({ path: '/' })).rejects.toMatchObject({ retryAfterMs });
    });

    it.each(['GET', 'HEAD'] as const)('503 for a reason to repeat a %s', async method => {
      local.answer = (_request, response) => response.writeHead(local.seen.length < 3 ? 503 : 200).end();
      const guard = pipeline('local').retry({ maxAttempts: 3, backoff: atOnce }).build();
      expect((await clientOf({ guard }).text({ method, path: '/' })).value.status).toBe(200);
      expect(local.seen).toHaveLength(3);
    });

    it.each(['POST', 'PUT', 'PATCH', 'DELETE'] as const)('503 for no reason to repeat a %s', async method => {
      withStatus(503);
      const guard = pipeline('local').retry({ maxAttempts: 3, backoff: atOnce }).build();
      await expect(clientOf({ guard }).text({ method, path: '/' })).rejects.toThrow(UpstreamError);
      expect(local.seen).toHaveLength(1);
    });

    it.each([400, 404, 501])('%i for no reason to repeat anything', async status => {
      withStatus(status);
      const guard = pipeline('local').retry({ maxAttempts: 3, backoff: atOnce }).build();
      await expect(clientOf({ guard }).text({ path: '/' })).rejects.toThrow(UpstreamError);
      expect(local.seen).toHaveLength(1);
    });
  });

  describe('expects JSON', () => {
    it.each([
      ['<!DOCTYPE html><p>Maintenance', 'an HTML page'],
      ['\n <html lang="en">', 'an HTML page'],
      ['', '0 characters of text/plain'],
      ['{"cut":', '7 characters of text/plain'],
    ])('and says what came instead of it: %j', async (text, found) => {
      local.answer = (_request, response) => response.setHeader('content-type', 'text/plain').end(text);
      const failed = clientOf().json({ path: '/things', query: { api_key: 'k-123' } });
      await expect(failed).rejects.toThrow(ScraperError);
      await expect(clientOf().json({ path: '/things', query: { api_key: 'k-123' } })).rejects.toMatchObject({
        retryable: false,
        message: `GET ${local.origin}/things answered with ${found} where JSON was expected`,
        details: { body: text },
      });
    });
  });

  describe('shares answers by their address', () => {
    it('from the cache of its guard', async () => {
      const client = clientOf({ guard: cached() });
      for (const path of ['/a', '/a', '/b', '/a?x=1']) await client.json({ path });
      expect(local.seen.map(({ url }) => url)).toEqual(['/a', '/b', '/a?x=1']);
    });

    it.each<[string, (client: HttpClient) => Promise<unknown>]>([
      ['read in another way', client => client.text({ path: '/a' })],
      ['read as a stream', async client => textOf((await client.stream({ path: '/a' })).body)],
      ['with other statuses accepted', client => client.json({ path: '/a', answers: [404] })],
      [
        'with headers of its own, which may say who asks',
        client => client.json({ path: '/a', headers: { cookie: 'a' } }),
      ],
      ['asked by another method', client => client.json({ path: '/a', method: 'POST' })],
      ['kept out of the cache', client => client.json({ path: '/a', cacheKey: false })],
    ])('but not with a request %s', async (_what, ask) => {
      const client = clientOf({ guard: cached() });
      await client.json({ path: '/a' });
      await ask(client);
      expect(local.seen).toHaveLength(2);
    });

    it('under the key that the request names', async () => {
      const client = clientOf({ guard: cached() });
      await client.json({ path: '/a', cacheKey: 'things' });
      await client.json({ path: '/b', cacheKey: 'things', method: 'POST' });
      expect(local.seen).toHaveLength(1);
    });
  });

  it('tells its operation to the record of the guard', async () => {
    const records: CallRecord[] = [];
    const guard = bare();
    guard.events.on('call', record => records.push(record));
    await clientOf({ guard }).json({ path: '/a', operation: 'things.list' });
    await clientOf({ guard }).json({ path: '/a', method: 'POST' });
    expect(records.map(({ operation, key }) => [operation, key])).toEqual([
      ['things.list', `GET ${local.origin}/a json`],
      ['POST', undefined],
    ]);
  });

  it('has the standard guard around it unless it is given another', async () => {
    local.answer = (_request, response) => response.end(`{"count":${local.seen.length}}`);
    const client = local.pool.client({ baseUrl: local.origin });
    await client.json({ path: '/' });
    expect((await client.json({ path: '/' })).value.body).toEqual({ count: 1 });
  });

  it.each(['', 'example.org', '/v1', 'ftp://example.org', 'file:///etc'])('refuses the base address %j', baseUrl => {
    expect(() => new HttpClient({ baseUrl, pool: local.pool })).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', argument: 'baseUrl' }),
    );
  });

  it.each([-1, Number.NaN])('refuses maxBytes %d', async maxBytes => {
    await expect(clientOf().text({ path: '/', maxBytes })).rejects.toMatchObject({ argument: 'maxBytes' });
    expect(local.seen).toEqual([]);
  });
});
