import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CallRecord, pipeline } from '../pipeline/index.ts';
import { ConnectionPool, type HttpClient, type HttpClientOptions, type HttpRequest } from './index.ts';
import { type Hop, nextHop } from './redirects.ts';

interface Seen {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** A server that keeps what it was asked. */
async function listen(seen: Seen[], answer: RequestListener): Promise<{ server: Server; origin: string }> {
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const { method, url, headers } = request;
    seen.push({ method, url, headers, body });
    answer(request, response);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return { server, origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

describe('HttpClient, when it is redirected', () => {
  let here: { server: Server; origin: string };
  let elsewhere: { server: Server; origin: string };
  let seenHere: Seen[];
  let seenElsewhere: Seen[];
  let pool: ConnectionPool;

  /** `/301/there` redirects to `/there`, with that status; `/301?elsewhere` to the other server. */
  const answer: RequestListener = (request, response) => {
    const url = new URL(request.url ?? '/', 'http://server');
    const [, status = '', target = ''] = url.pathname.split('/');
    if (!/^3\d\d$/.test(status)) return void response.end(`{"path":"${url.pathname}"}`);
    const location = url.searchParams.has('to') ? url.searchParams.get('to') : `/${target}`;
    if (location === null || location === '') response.writeHead(Number(status)).end();
    else response.writeHead(Number(status), { location }).end('moved');
  };

  beforeEach(async () => {
    seenHere = [];
    seenElsewhere = [];
    here = await listen(seenHere, answer);
    elsewhere = await listen(seenElsewhere, answer);
    pool = new ConnectionPool();
  });

  afterEach(async () => {
    await pool.close();
    for (const { server } of [here, elsewhere]) await once(server.close(), 'close');
  });

  const clientOf = (options: Partial<HttpClientOptions> = {}): HttpClient =>
    pool.client({ baseUrl: here.origin, guard: pipeline('local').build(), maxRedirects: 3, ...options });

  it('follows none unless it is told to', async () => {
    const client = clientOf({ maxRedirects: undefined });
    await expect(client.text({ path: '/302/there' })).rejects.toMatchObject({ name: 'UpstreamError', status: 302 });
    expect(seenHere).toHaveLength(1);
  });

  it.each([301, 302, 303, 307, 308])('follows a %i, and says where it has come to', async status => {
    const { value } = await clientOf().json({ path: `/${status}/there` });
    expect(value).toMatchObject({ status: 200, url: `${here.origin}/there`, body: { path: '/there' } });
    expect(seenHere.map(({ url }) => url)).toEqual([`/${status}/there`, '/there']);
  });

  it.each([300, 304, 305, 306])('does not follow a %i', async status => {
    await expect(clientOf().json({ path: `/${status}/there` })).rejects.toMatchObject({ status });
  });

  it('does not follow one without a location', async () => {
    await expect(clientOf().json({ path: '/302?to=' })).rejects.toMatchObject({ status: 302 });
  });

  it('does not follow what the caller takes for an answer', async () => {
    expect((await clientOf().text({ path: '/302/there', answers: [302] })).value.body).toBe('moved');
    const client = clientOf();
    const { value } = await client.text({ path: '/301?to=/302/there', answers: [302] });
    expect([value.status, value.headers['location']]).toEqual([302, '/there']);
  });

  it('follows so many in a row, and not one more', async () => {
    const chain = (length: number): string =>
      Array.from({ length }).reduce<string>(path => `/302?to=${encodeURIComponent(path)}`, '/end');
    expect((await clientOf().text({ path: chain(3) })).value.url).toBe(`${here.origin}/end`);
    await expect(clientOf().text({ path: chain(4) })).rejects.toMatchObject({
      name: 'ScraperError',
      retryable: false,
      message: expect.stringContaining('redirected once more after 3 times'),
    });
  });

  it('follows within one attempt of the guard, over one connection', async () => {
    const records: CallRecord[] = [];
    const guard = pipeline('local').build();
    guard.events.on('call', record => records.push(record));
    let connections = 0;
    here.server.on('connection', () => {
      connections += 1;
    });
    await clientOf({ guard }).text({ path: '/302?to=%2F302%2Fthere' });
    expect([records.length, records[0]?.attempts]).toEqual([1, 1]);
    expect(connections).toBeLessThanOrEqual(2);
  });

  it.each<[HttpRequest['method'], number, string, string]>([
    ['POST', 301, 'GET', ''],
    ['POST', 302, 'GET', ''],
    ['POST', 303, 'GET', ''],
    ['PUT', 303, 'GET', ''],
    ['POST', 307, 'POST', 'body'],
    ['POST', 308, 'POST', 'body'],
    ['PUT', 301, 'PUT', 'body'],
    ['PATCH', 302, 'PATCH', 'body'],
    ['DELETE', 301, 'DELETE', 'body'],
  ])('sends a %s on after a %i as %s', async (method, status, followed, body) => {
    const headers = { 'content-type': 'text/plain', 'x-own': '1' };
    await clientOf().text({ method, path: `/${status}/there`, headers, body: 'body' });
    expect(seenHere[1]).toMatchObject({ method: followed, body, headers: { 'x-own': '1' } });
    expect(seenHere[1]?.headers['content-type']).toBe(body === '' ? undefined : 'text/plain');
  });

  it('keeps a HEAD a HEAD', async () => {
    for (const status of [301, 302, 303, 307, 308]) await clientOf().text({ method: 'HEAD', path: `/${status}/there` });
    expect(new Set(seenHere.map(({ method }) => method))).toEqual(new Set(['HEAD']));
  });

  describe('to another origin', () => {
    const away = (status: number, path = '/'): string =>
      `/${status}?to=${encodeURIComponent(`${elsewhere.origin}${path}`)}`;

    it('does not go unless it is told to', async () => {
      await expect(clientOf().text({ path: away(302) })).rejects.toMatchObject({ status: 302 });
      expect(seenElsewhere).toEqual([]);
    });

    const headers = {
      authorization: 'Bearer secret',
      cookie: 'session=secret',
      'proxy-authorization': 'secret',
      'x-api-key': 'secret',
      'accept-language': 'de',
    };

    it('shows nothing of who asks, and does not show it again on the way back', async () => {
      const client = clientOf({ redirectsTo: 'any-origin', headers, userAgent: 'demo/1' });
      const back = encodeURIComponent(`${here.origin}/end`);
      await client.json({ path: away(302, `/307?to=${back}`), headers: { 'X-Token': 'secret' } });
      expect(JSON.stringify(seenHere[0]?.headers)).toContain('secret');
      for (const { headers: shown } of [...seenElsewhere, ...seenHere.slice(1)]) {
        expect(JSON.stringify(shown)).not.toContain('secret');
        expect(shown).toMatchObject({ 'user-agent': 'demo/1', 'accept-language': 'de', accept: 'application/json' });
        expect(shown['request-timeout-ms']).toBeUndefined();
      }
      expect([seenElsewhere.length, seenHere.length]).toEqual([1, 2]);
    });

    it('sends no request that changes something, and no body', async () => {
      const client = clientOf({ redirectsTo: 'any-origin' });
      for (const status of [307, 308]) {
        const asked = client.text({ method: 'POST', path: away(status), body: 'secret' });
        await expect(asked).rejects.toMatchObject({ status });
      }
      await expect(client.text({ method: 'DELETE', path: away(301) })).rejects.toMatchObject({ status: 301 });
      expect(seenElsewhere).toEqual([]);
      await client.text({ method: 'POST', path: away(303), body: 'secret' });
      expect(seenElsewhere).toMatchObject([{ method: 'GET', body: '' }]);
    });

    it('goes nowhere that the rules of the pool forbid', async () => {
      await using guarded = new ConnectionPool({ publicOnly: true, allowedAddresses: ['127.0.0.1'] });
      const client = guarded.client({
        baseUrl: here.origin,
        guard: pipeline('local').build(),
        maxRedirects: 3,
        redirectsTo: 'any-origin',
      });
      const asked = client.text({ path: `/302?to=${encodeURIComponent('http://169.254.169.254/latest/meta-data')}` });
      await expect(asked).rejects.toMatchObject({ code: 'FORBIDDEN_ADDRESS', rule: 'address' });
    });
  });

  it.each([
    ['http://', 'something that is no address'],
    ['file:///etc/passwd', 'a file: address'],
    ['javascript:alert(1)', 'a javascript: address'],
    ['//me:hunter2@127.0.0.1:1/x', 'an address with credentials in it, on 127.0.0.1:1'],
  ])('refuses the location %s', async (location, found) => {
    const asked = clientOf({ redirectsTo: 'any-origin' }).text({ path: `/302?to=${encodeURIComponent(location)}` });
    await expect(asked).rejects.toMatchObject({
      name: 'ScraperError',
      message: `GET ${here.origin}/302 redirected to ${found}`,
    });
  });

  it.each([-1, 1.5, 21, Number.NaN])('refuses maxRedirects %d', maxRedirects => {
    expect(() => clientOf({ maxRedirects })).toThrow(expect.objectContaining({ argument: 'maxRedirects' }));
  });
});

describe('nextHop', () => {
  const hop: Hop = {
    method: 'GET',
    url: new URL('https://api.example/a/b?c=1#d'),
    headers: { host: 'api.example', authorization: 'secret', accept: '*/*' },
    body: undefined,
  };
  const any = { max: 1, to: 'any-origin' } as const;

  it.each([
    ['e', 'https://api.example/a/e'],
    ['/e', 'https://api.example/e'],
    ['?e', 'https://api.example/a/b?e'],
    ['//other.example/e#f', 'https://other.example/e'],
    ['https://api.example:443/e', 'https://api.example/e'],
  ])('reads the location %s', (location, href) => {
    expect(nextHop(hop, 302, location, any)?.url.href).toBe(href);
  });

  it('does not give up TLS', () => {
    const leave = (): unknown => nextHop(hop, 302, 'http://api.example/', any);
    expect(leave).toThrow('GET https://api.example/a/b redirected from https to http, on api.example');
  });

  it('takes a host that was named for that of the first address', () => {
    expect(nextHop(hop, 302, '/e', any)?.headers).toEqual({ authorization: 'secret', accept: '*/*' });
    expect(nextHop(hop, 302, 'https://api.example:8443/', any)?.headers).toEqual({ accept: '*/*' });
  });
});
