import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Agent, type Dispatcher, fetch, interceptors } from 'undici';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { CacheError } from '../../errors/index.ts';
import { MemoryCache } from '../memory-cache.ts';
import { UndiciCacheStore, type UndiciCacheStoreOptions } from './undici-cache-store.ts';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

describe('UndiciCacheStore under fetch', () => {
  const requests: IncomingMessage[] = [];
  let answer: Handler = () => {};
  const server = createServer((request, response) => {
    requests.push(request);
    answer(request, response);
  });
  let origin = '';
  const agent = new Agent();
  let cache = new MemoryCache<unknown>();

  beforeAll(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    await agent.close();
    server.close();
  });
  beforeEach(() => {
    requests.length = 0;
    cache = new MemoryCache<unknown>();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  function dispatcher(options: UndiciCacheStoreOptions = {}): Dispatcher {
    return agent.compose(interceptors.cache({ store: new UndiciCacheStore(cache, options) }));
  }

  /** Answers with a text that counts the requests. */
  function counting(headers: Record<string, string>): Handler {
    return (_request, response) => {
      // The platform's own header goes by the real time for a while after the clock of a test has been moved.
      response.sendDate = false;
      response.writeHead(200, headers).end(`body ${requests.length}`);
    };
  }

  async function read(through: Dispatcher, path: string, headers: Record<string, string> = {}): Promise<string> {
    const response = await fetch(origin + path, { dispatcher: through, headers });
    return `${response.status} ${await response.text()}`;
  }

  it('answers from the cache while a response is fresh, and says its age', async () => {
    answer = counting({ 'cache-control': 'max-age=60', 'x-rate': '7' });
    const through = dispatcher();
    expect(await read(through, '/drug?q=1')).toBe('200 body 1');
    const response = await fetch(`${origin}/drug?q=1`, { dispatcher: through });
    expect(await response.text()).toBe('body 1');
    expect(response.headers.get('x-rate')).toBe('7');
    expect(response.headers.get('age')).toBe('0');
    expect(await read(through, '/drug?q=2')).toBe('200 body 2');
    expect(requests).toHaveLength(2);
    expect(cache.stats().prefixes['http']).toMatchObject({ entries: 2 });
  });

  it('shares responses between processes that share the cache', async () => {
    answer = counting({ 'cache-control': 'max-age=60' });
    await read(dispatcher(), '/drug');
    expect(await read(dispatcher(), '/drug')).toBe('200 body 1');
    expect(await read(dispatcher({ keyPrefix: 'other:' }), '/drug')).toBe('200 body 2');
  });

  it.each(['no-store', 'private, max-age=60', 'max-age=0'])('does not keep a response that says %s', async control => {
    answer = counting({ 'cache-control': control });
    const through = dispatcher();
    expect(await read(through, '/drug')).toBe('200 body 1');
    expect(await read(through, '/drug')).toBe('200 body 2');
    expect(cache.stats().entries).toBe(0);
  });

  it('asks whether a response has changed, and gives the one it has when it has not', async () => {
    answer = (request, response) => {
      if (request.headers['if-none-match'] === '"v1"') response.writeHead(304, { etag: '"v1"' }).end();
      else counting({ 'cache-control': 'no-cache', etag: '"v1"' })(request, response);
    };
    const through = dispatcher();
    expect(await read(through, '/drug')).toBe('200 body 1');
    expect(await read(through, '/drug')).toBe('200 body 1');
    expect(await read(through, '/drug')).toBe('200 body 1');
    expect(requests.map(({ headers }) => headers['if-none-match'])).toEqual([undefined, '"v1"', '"v1"']);
  });

  it('gives a stale response while a new one is got, when the origin allows it', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    answer = counting({ 'cache-control': 'max-age=10, stale-while-revalidate=60' });
    const through = dispatcher();
    await read(through, '/drug');
    vi.setSystemTime(Date.now() + 20_000);
    expect(await read(through, '/drug')).toBe('200 body 1');
    // Every stale answer asks again: which one comes first is open.
    await vi.waitFor(async () => expect(await read(through, '/drug')).not.toBe('200 body 1'));
  });

  it('gets a new response when the old one is past its time', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    answer = counting({ 'cache-control': 'max-age=10' });
    const through = dispatcher();
    await read(through, '/drug');
    vi.setSystemTime(Date.now() + 60_000);
    expect(await read(through, '/drug')).toBe('200 body 2');
  });

  it('tells responses apart by the headers that Vary names', async () => {
    answer = (request, response) =>
      response
        .writeHead(200, { 'cache-control': 'max-age=60', vary: 'accept-language' })
        .end(`${request.headers['accept-language']} ${requests.length}`);
    const through = dispatcher({ maxVariants: 2 });
    expect(await read(through, '/drug', { 'accept-language': 'de' })).toBe('200 de 1');
    expect(await read(through, '/drug', { 'accept-language': 'fr' })).toBe('200 fr 2');
    expect(await read(through, '/drug', { 'accept-language': 'de', 'x-other': '1' })).toBe('200 de 1');
    expect(await read(through, '/drug', { 'accept-language': 'fr' })).toBe('200 fr 2');
    expect(await read(through, '/drug', { 'accept-language': 'it' })).toBe('200 it 3');
    expect(await read(through, '/drug', { 'accept-language': 'fr' })).toBe('200 fr 2');
    expect(await read(through, '/drug', { 'accept-language': 'de' })).toBe('200 de 4');
  });

  it('forgets all responses of an address after a POST to it', async () => {
    answer = counting({ 'cache-control': 'max-age=60' });
    const through = dispatcher();
    await read(through, '/drug');
    await fetch(`${origin}/drug`, { method: 'POST', body: 'new', dispatcher: through }).then(made => made.text());
    expect(await read(through, '/drug')).toBe('200 body 3');
  });

  it('does not keep a response that was deleted while it came in', async () => {
    let finish = (): void => {};
    answer = (_request, response) => {
      response.writeHead(200, { 'cache-control': 'max-age=60' });
      response.write('begun ');
      finish = () => response.end('and ended');
    };
    const store = new UndiciCacheStore(cache);
    const through = agent.compose(interceptors.cache({ store }));
    const response = await fetch(`${origin}/drug`, { dispatcher: through });
    await store.delete({ origin, path: '/drug', method: 'POST' });
    finish();
    expect(await response.text()).toBe('begun and ended');
    answer = counting({ 'cache-control': 'max-age=60' });
    expect(await read(through, '/drug')).toBe('200 body 2');
  });

  it('does not keep bodies that are too large, whether their length is told or not', async () => {
    const body = 'x'.repeat(2_000);
    answer = (_request, response) => {
      response.writeHead(200, { 'cache-control': 'max-age=60' });
      response.write(body);
      response.end();
    };
    const through = dispatcher({ maxEntryBytes: 1_999 });
    expect(await read(through, '/chunked')).toBe(`200 ${body}`);
    answer = (_request, response) =>
      response.writeHead(200, { 'cache-control': 'max-age=60', 'content-length': '2000' }).end(body);
    expect(await read(through, '/known')).toBe(`200 ${body}`);
    expect(cache.stats().entries).toBe(0);
    await read(dispatcher({ maxEntryBytes: 2_000 }), '/known');
    expect(cache.stats().entries).toBe(1);
  });

  it('keeps empty bodies and bytes of any kind', async () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
    answer = (request, response) =>
      response
        .writeHead(200, { 'cache-control': 'max-age=60' })
        .end(request.url === '/empty' ? undefined : Buffer.from(bytes));
    const through = dispatcher();
    for (let round = 0; round < 2; round += 1) {
      expect(await read(through, '/empty')).toBe('200 ');
      const response = await fetch(`${origin}/bytes`, { dispatcher: through });
      expect(new Uint8Array(await response.arrayBuffer())).toEqual(bytes);
    }
    expect(requests).toHaveLength(2);
  });

  it('does not keep what has too long an address', async () => {
    answer = counting({ 'cache-control': 'max-age=60' });
    const through = dispatcher();
    const path = `/drug?q=${'x'.repeat(3_000)}`;
    await read(through, path);
    expect(await read(through, path)).toBe('200 body 2');
    await fetch(origin + path, { method: 'DELETE', dispatcher: through }).then(done => done.text());
    expect(cache.stats().entries).toBe(0);
  });

  it('takes what it does not know for nothing', async () => {
    answer = counting({ 'cache-control': 'max-age=60' });
    for (const found of ['text', null, { version: 2, responses: [] }, { version: 1 }]) {
      cache.set(`http:${origin}/drug`, found);
      expect(await read(dispatcher(), '/drug')).toMatch('200 body');
    }
    expect(requests).toHaveLength(4);
  });

  it('lets every request through while the cache fails', async () => {
    const away = (): Promise<never> => Promise.reject(new CacheError('Away'));
    cache = { get: away, set: away, delete: away } as unknown as MemoryCache<unknown>;
    answer = counting({ 'cache-control': 'max-age=60' });
    const through = dispatcher();
    expect(await read(through, '/drug')).toBe('200 body 1');
    expect(await read(through, '/drug')).toBe('200 body 2');
    await fetch(`${origin}/drug`, { method: 'POST', dispatcher: through }).then(made => made.text());
  });

  it('does not give the response to a GET to another method', async () => {
    answer = counting({ 'cache-control': 'max-age=60' });
    const store = new UndiciCacheStore(cache);
    await read(agent.compose(interceptors.cache({ store })), '/drug');
    expect(await store.get({ origin, path: '/drug', method: 'GET' })).toMatchObject({ statusCode: 200 });
    expect(await store.get({ origin, path: '/drug', method: 'HEAD' })).toBeUndefined();
  });

  it('does not keep a response that was deleted while the cache was looked at', async () => {
    const kept = new Map<string, unknown>();
    let look = (): void => {};
    const looked = new Promise<void>(resolve => {
      look = resolve;
    });
    cache = {
      get: () => looked,
      set: async (key: string, value: unknown) => void kept.set(key, value),
      delete: async (key: string) => kept.delete(key),
    } as unknown as MemoryCache<unknown>;
    const store = new UndiciCacheStore(cache);
    const request = { origin, path: '/drug', method: 'GET' };
    const times = { cachedAt: Date.now(), staleAt: Date.now() + 60_000, deleteAt: Date.now() + 60_000 };
    const writer = store.createWriteStream(request, { statusCode: 200, statusMessage: 'OK', headers: {}, ...times });
    writer?.end('body');
    await store.delete(request);
    look();
    if (writer !== undefined) await once(writer, 'close');
    expect(kept.size).toBe(0);
  });

  it.each([{ maxEntryBytes: 0 }, { maxVariants: 1.5 }])('refuses %j', options => {
    expect(() => new UndiciCacheStore(cache, options)).toThrow(/^Cannot use/);
  });
});
