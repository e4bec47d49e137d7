import { once } from 'node:events';
import type { RequestListener, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { type Dispatcher, fetch, getGlobalDispatcher, Pool, request, setGlobalDispatcher } from 'undici';
import { beforeEach, describe, expect, it } from 'vitest';
import { RejectedError, TimeoutError } from '../errors/index.ts';
import { CallLog, type CallRecord, type Guard, pipeline } from '../pipeline/index.ts';
import { constantBackoff } from '../resilience/index.ts';
import { VirtualClock } from '../testing/index.ts';
import { type GuardedDispatcherOptions, guardedDispatcher } from './index.ts';
import { turn, useTestServer } from './test-server.fixture.ts';

const threeTimes = { maxAttempts: 3, backoff: constantBackoff({ waitMs: 0 }) };
const retrying = (): Guard => pipeline('sdk').retry(threeTimes).build();

const ok: RequestListener = (_asked, response) => response.end('hello');
const failing: RequestListener = (_asked, response) => response.writeHead(503).end('busy');

describe('guardedDispatcher', () => {
  const local = useTestServer(() => ok);
  let log: CallLog;

  beforeEach(() => {
    log = new CallLog();
  });

  const through = (guard: Guard = retrying(), options: Partial<GuardedDispatcherOptions> = {}): Dispatcher => {
    log.observe(guard.events);
    return guardedDispatcher({ guard, dispatcher: local.pool.dispatcher, ...options });
  };
  const records = (): CallRecord[] => [...log.latest(100)];

  async function ask(dispatcher: Dispatcher, options: Partial<Dispatcher.RequestOptions> = {}): Promise<string> {
    const response = await request(`${local.origin}/path?key=secret`, { dispatcher, ...options } as object);
    return `${response.statusCode} ${await response.body.text()}`;
  }

  it('passes a request through, and its record is in the call log', async () => {
    local.answer = (_asked, response) => response.writeHead(201, { 'x-own': ['a', 'b'] }).end('made');
    const response = await request(`${local.origin}/`, { dispatcher: through(), headers: { 'x-asked': '1' } });
    expect([response.statusCode, response.headers['x-own'], await response.body.text()]).toEqual([
      201,
      ['a', 'b'],
      'made',
    ]);
    expect(local.seen[0]?.headers['x-asked']).toBe('1');
    expect(records()).toMatchObject([{ dependency: 'sdk', operation: 'GET', result: 'ok', attempts: 1 }]);
    expect(local.pool.stats()).toMatchObject([{ origin: local.origin, requests: 1, active: 0 }]);
  });

  it.each([
    ['fetch of undici', fetch],
    ['fetch of the platform', globalThis.fetch as unknown as typeof fetch],
  ])('covers %s, if it is the global dispatcher', async (_name, anyFetch) => {
    const before = getGlobalDispatcher();
    local.answerInTurn(failing, (_asked, response) =>
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('{"ok":true}')),
    );
    setGlobalDispatcher(through());
    try {
      const response = await anyFetch(`${local.origin}/`);
      expect([response.status, await response.json()]).toEqual([200, { ok: true }]);
    } finally {
      setGlobalDispatcher(before);
    }
    expect(records()).toMatchObject([{ result: 'ok', attempts: 2 }]);
  });

  it('names its operations as it is told, and takes a guard for each origin', async () => {
    const guards = new Map<string, Guard>();
    const guardOf = ({ host }: URL): Guard => {
      const guard = guards.get(host) ?? pipeline(host).build();
      if (!guards.has(host)) log.observe(guard.events);
      guards.set(host, guard);
      return guard;
    };
    const operation = ({ path }: Dispatcher.DispatchOptions): string => path.split('?', 1)[0] ?? '';
    await ask(guardedDispatcher({ guard: guardOf, dispatcher: local.pool.dispatcher, operation }));
    expect(records()).toMatchObject([{ dependency: new URL(local.origin).host, operation: '/path' }]);
  });

  describe('repeats', () => {
    it.each([429, 500, 502, 503, 504])('a GET after %i, and shows only what came in the end', async status => {
      local.answerInTurn(
        (_asked, response) => response.writeHead(status).end('busy'),
        (_asked, response) => response.writeHead(status).end('busy'),
        ok,
      );
      expect(await ask(through())).toBe('200 hello');
      expect([local.seen.length, records()[0]?.attempts]).toEqual([3, 3]);
    });

    it('over the connections that it has', async () => {
      local.answerInTurn(failing, failing, ok);
      await ask(through());
      expect(local.connections).toBeLessThanOrEqual(2);
    });

    it('after the wait that is asked for', async () => {
      const clock = new VirtualClock();
      local.answerInTurn((_asked, response) => response.writeHead(429, { 'retry-after': '7' }).end(), ok);
      const asked = ask(
        through(pipeline('sdk', { clock }).deadline(60_000).retry({ maxAttempts: 2 }).build(), { clock }),
      );
      while (clock.pendingTimers < 2) await turn();
      await clock.advance(6_999);
      expect(local.seen).toHaveLength(1);
      await clock.advance(60_000 - 7_000);
      expect(await asked).toBe('200 hello');
    });

    it('a GET whose connection breaks before it is answered', async () => {
      local.answerInTurn(asked => asked.socket.destroy(), ok);
      expect(await ask(through())).toBe('200 hello');
    });

    it('what can be sent again under an idempotency key, with the same body', async () => {
      const bodies: string[] = [];
      local.answer = async (asked, response) => {
        let body = '';
        for await (const chunk of asked) body += String(chunk);
        bodies.push(body);
        response.writeHead(bodies.length < 3 ? 503 : 200).end();
      };
      const dispatcher = through();
      const key = 'Idempotency-Key';
      for (const headers of [{ [key]: '7' }, [key, '7'], new Map([[key, '7']])]) {
        bodies.length = 0;
        await ask(dispatcher, { method: 'POST', body: 'order', headers } as Dispatcher.RequestOptions);
        expect(bodies).toEqual(['order', 'order', 'order']);
      }
    });

    it.each<[string, Partial<Dispatcher.RequestOptions>]>([
      ['a POST', { method: 'POST', body: 'order' }],
      ['a DELETE', { method: 'DELETE' }],
      ['an empty key', { method: 'POST', headers: { 'idempotency-key': '' } }],
      ['a body that can be read once', { method: 'POST', headers: { 'idempotency-key': '7' } }],
    ])('nothing with %s', async (what, options) => {
      local.answer = failing;
      const body = what.includes('once') ? { body: Readable.from(['order']) } : {};
      expect(await ask(through(), { ...options, ...body })).toBe('503 busy');
      expect(local.seen).toHaveLength(1);
    });

    it('nothing once the response was given on', async () => {
      local.answer = (asked, response) => {
        response.writeHead(200, { 'content-length': 100 });
        response.write('half', () => asked.socket.destroy());
      };
      await expect(ask(through())).rejects.toMatchObject({ code: 'UND_ERR_SOCKET' });
      expect(local.seen).toHaveLength(1);
    });

    it.each([200, 301, 400, 404, 408, 501])('no %i', async status => {
      local.answer = (_asked, response) => response.writeHead(status).end('answer');
      expect(await ask(through())).toBe(`${status} answer`);
      expect(local.seen).toHaveLength(1);
    });
  });

  describe('when it gives up, gives', () => {
    it('the response that came, whole, however large', async () => {
      const body = 'x'.repeat(3_000_000);
      local.answer = (_asked, response) => response.writeHead(503, { 'x-own': '1' }).end(body);
      const response = await request(`${local.origin}/`, { dispatcher: through() });
      expect([response.statusCode, response.headers['x-own'], await response.body.text()]).toEqual([503, '1', body]);
      expect([local.seen.length, records()[0]?.error?.code]).toEqual([3, 'UPSTREAM_ERROR']);
    });

    it('the error as the client knows it', async () => {
      local.answer = asked => asked.socket.destroy();
      await expect(ask(through())).rejects.toMatchObject({ code: 'UND_ERR_SOCKET' });
      expect([local.seen.length, records()[0]?.error?.code]).toEqual([3, 'NETWORK_ERROR']);
    });

    it('a refusal of ours, and asks nobody', async () => {
      local.answer = failing;
      const dispatcher = through(pipeline('sdk').breaker({ failureThreshold: 2 }).build());
      for (let index = 0; index < 2; index += 1) expect(await ask(dispatcher)).toBe('503 busy');
      await expect(ask(dispatcher)).rejects.toThrow(RejectedError);
      await expect(fetch(local.origin, { dispatcher })).rejects.toMatchObject({ cause: { code: 'CIRCUIT_OPEN' } });
      expect(local.seen).toHaveLength(2);
    });

    it('nothing that a fallback made up', async () => {
      local.answer = failing;
      const guard = pipeline('sdk')
        .fallback(() => 'made up')
        .build();
      await expect(ask(through(guard))).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', argument: 'guard' });
    });

    it('an error for what cannot be sent', async () => {
      const dispatcher = through();
      await expect(ask(dispatcher, { headers: { 'x-a': 'b\r\nc' } })).rejects.toMatchObject({
        code: 'UND_ERR_INVALID_ARG',
      });
      expect(records()[0]).toMatchObject({ attempts: 1, error: { code: 'INVALID_ARGUMENT' } });
    });
  });

  it('ends an attempt whose time is over, and closes its connection', async () => {
    const clock = new VirtualClock();
    local.answer = () => local.server.emit('asked');
    const asked = expect(ask(through(pipeline('sdk', { clock }).attemptTimeout(1_000).build()))).rejects.toThrow(
      TimeoutError,
    );
    await once(local.server, 'asked');
    await clock.advance(1_000);
    await asked;
    while (local.sockets.size > 0) await turn();
  });

  it('does not count the time of a body as that of the attempt', async () => {
    const clock = new VirtualClock();
    let held: ServerResponse | undefined;
    local.answer = (_asked, response) => {
      response.write('first ');
      held = response;
    };
    const guard = pipeline('sdk', { clock }).deadline(5_000).attemptTimeout(1_000).build();
    const { body } = await request(local.origin, { dispatcher: through(guard) });
    await clock.advance(60_000);
    held?.end('second');
    expect(await body.text()).toBe('first second');
    expect(clock.pendingTimers).toBe(0);
  });

  it('gives on one response of two that are asked for side by side', async () => {
    const clock = new VirtualClock();
    local.answerInTurn(
      ok,
      () => {},
      (_asked, response) => response.end('second'),
    );
    const guard = pipeline('sdk', { clock }).hedge({ minSamples: 1, minDelayMs: 100, maxDelayMs: 100 }).build();
    const dispatcher = through(guard);
    await ask(dispatcher);
    const asked = ask(dispatcher);
    while (local.seen.length < 2) await turn();
    await clock.advance(100);
    expect(await asked).toBe('200 second');
    while (!local.seen[1]?.socket.destroyed) await turn();
  });

  it('stays as it is through 300 requests of every kind at once', async () => {
    const unhandled: unknown[] = [];
    const onUnhandled = (error: unknown): number => unhandled.push(error);
    process.on('unhandledRejection', onUnhandled);
    local.answer = (asked, response) => {
      const kind = local.seen.length % 5;
      if (kind === 0) asked.socket.destroy();
      else if (kind === 1) failing(asked, response);
      else if (kind === 2) response.write('half', () => asked.socket.destroy());
      else ok(asked, response);
    };
    const dispatcher = through();
    const asked = await Promise.allSettled(Array.from({ length: 300 }, () => ask(dispatcher)));
    for (const result of asked) {
      if (result.status === 'fulfilled') expect(['200 hello', '503 busy']).toContain(result.value);
    }
    await turn();
    process.off('unhandledRejection', onUnhandled);
    expect(unhandled).toEqual([]);
    expect(log.totals().calls).toBe(300);
    expect(local.pool.stats()[0]?.active).toBe(0);
  });

  it('lets a tunnel pass', async () => {
    local.server.on('connect', (_asked, socket) => socket.end('HTTP/1.1 200 OK\r\n\r\n'));
    const { statusCode, socket } = await through().connect({ origin: local.origin, path: 'example.org:443' });
    expect([statusCode, records()]).toEqual([200, []]);
    socket.destroy();
  });

  it('needs to know the origin', async () => {
    const single = new Pool(local.origin);
    const dispatcher = guardedDispatcher({ guard: retrying(), dispatcher: single });
    await expect(dispatcher.request({ path: '/', method: 'GET' } as Dispatcher.RequestOptions)).rejects.toMatchObject({
      argument: 'dispatcher',
    });
    await single.close();
  });
});
