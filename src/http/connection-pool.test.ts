import { once } from 'node:events';
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { pipeline } from '../pipeline/index.ts';
import { ConnectionPool, type HttpClient } from './index.ts';

const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve));

describe('ConnectionPool', () => {
  let server: Server;
  let origin: string;
  let answer: RequestListener;
  let connections: number;

  beforeEach(async () => {
    connections = 0;
    answer = (_request, response) => response.end('{}');
    server = createServer((request, response) => answer(request, response));
    server.on('connection', () => {
      connections += 1;
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  afterEach(async () => void (await once(server.close(), 'close')));

  const clientOf = (pool: ConnectionPool): HttpClient =>
    pool.client({ baseUrl: origin, guard: pipeline('local').build() });

  const openConnections = (): Promise<number> =>
    new Promise((resolve, reject) => {
      server.getConnections((error, count) => (error ? reject(error) : resolve(count)));
    });

  // undici takes a second one when a request comes in the same moment in which the last answer ends; never a third.
  it('uses its connections again, for any number of requests and clients one after the other', async () => {
    await using pool = new ConnectionPool();
    const clients = [clientOf(pool), clientOf(pool)];
    for (let index = 0; index < 50; index += 1) await clients[index % 2]?.json({ path: '/' });
    expect(connections).toBeLessThanOrEqual(2);
    expect(pool.stats()).toMatchObject([{ origin, requests: 50, active: 0 }]);
  });

  it('uses a connection again after an answer that means failure', async () => {
    await using pool = new ConnectionPool();
    answer = (_request, response) => response.writeHead(503).end('busy');
    for (let index = 0; index < 10; index += 1)
      await clientOf(pool)
        .json({ path: '/' })
        .catch(() => {});
    expect(connections).toBeLessThanOrEqual(2);
  });

  it('opens no more connections than it may, and the other requests wait', async () => {
    await using pool = new ConnectionPool({ maxConnections: 3 });
    const held: ServerResponse[] = [];
    answer = (_request, response) => held.push(response);
    const requests = Array.from({ length: 12 }, () => clientOf(pool).json({ path: '/' }));
    for (let answered = 0; answered < 12; answered += 3) {
      while (held.length < 3) await turn();
      for (let count = 0; count < 20; count += 1) await turn();
      expect(held).toHaveLength(3);
      for (const response of held.splice(0)) response.end('{}');
    }
    await Promise.all(requests);
    expect(connections).toBe(3);
  });

  it('counts the requests under way by origin', async () => {
    await using pool = new ConnectionPool();
    const held: ServerResponse[] = [];
    answer = (_request, response) => held.push(response);
    const requests = [1, 2].map(() => clientOf(pool).json({ path: '/' }));
    while (held.length < 2) await turn();
    expect(pool.stats()).toMatchObject([{ origin, requests: 2, active: 2 }]);
    for (const response of held) response.end('{}');
    await Promise.all(requests);
    expect(pool.stats()).toMatchObject([{ origin, requests: 2, active: 0 }]);
  });

  it('waits at its close for the requests under way, refuses new ones, and leaves no connection', async () => {
    const pool = new ConnectionPool();
    const held: ServerResponse[] = [];
    answer = (_request, response) => held.push(response);
    const underWay = clientOf(pool).json({ path: '/' });
    while (held.length < 1) await turn();

    const closed: string[] = [];
    const closing = [1, 2].map(async which => {
      await pool.close();
      closed.push(`close ${which}`);
    });
    await expect(clientOf(pool).json({ path: '/' })).rejects.toMatchObject({ name: 'RejectedError', reason: 'closed' });
    for (let count = 0; count < 20; count += 1) await turn();
    expect(closed).toEqual([]);

    held[0]?.end('{"late":true}');
    expect((await underWay).value.body).toEqual({ late: true });
    await Promise.all(closing);
    expect(closed).toEqual(['close 1', 'close 2']);
    while ((await openConnections()) > 0) await turn();
  });

  it('closes at the end of its scope', async () => {
    {
      await using pool = new ConnectionPool();
      await clientOf(pool).json({ path: '/' });
    }
    while ((await openConnections()) > 0) await turn();
  });

  describe('an answer that does not come', () => {
    let held: ServerResponse[];

    /** Two requests that both wait: one that its guard ends in an hour, and one that no guard ends. */
    async function twoWaiting(pool: ConnectionPool) {
      held = [];
      answer = (_request, response) => {
        held.push(response);
        server.emit('held');
      };
      const guarded = pool.client({ baseUrl: origin, guard: pipeline('local').deadline(3_600_000).build() });
      const waiting = [guarded.json({ path: '/' }), clientOf(pool).json({ path: '/' })] as const;
      for (const request of waiting) request.catch(() => {});
      while (held.length < 2) await once(server, 'held');
      return waiting;
    }

    // Connections live in real time, on timers of undici, which has this way to put them forward for tests.
    const timers: { tick(delayMs?: number): void } = createRequire(import.meta.url)('undici/lib/util/timers.js');

    function pass(ms: number): void {
      timers.tick();
      timers.tick(ms);
    }

    it('is waited for as long as the guard allows, and without one for 30 s', async () => {
      await using pool = new ConnectionPool();
      const [guarded, bare] = await twoWaiting(pool);
      pass(31_000);
      await expect(bare).rejects.toMatchObject({ code: 'NETWORK_ERROR' });
      for (const response of held) response.end('{}');
      expect((await guarded).value.body).toEqual({});
    });

    it('is not waited for longer than the pool was told, whatever the guard allows', async () => {
      await using pool = new ConnectionPool({ idleTimeoutMs: 10_000 });
      const waiting = await twoWaiting(pool);
      pass(11_000);
      for (const request of waiting) await expect(request).rejects.toMatchObject({ code: 'NETWORK_ERROR' });
    });
  });

  it('takes undefined for the default', async () => {
    const options = { maxConnections: undefined, keepAliveMs: undefined, connectTimeoutMs: undefined };
    await using pool = new ConnectionPool({ ...options, idleTimeoutMs: undefined });
    await clientOf(pool).json({ path: '/' });
  });

  it.each(
    ['maxConnections', 'keepAliveMs', 'connectTimeoutMs', 'idleTimeoutMs'].flatMap(argument =>
      [0, -1, Number.NaN, Number.POSITIVE_INFINITY].map(value => [argument, value] as const),
    ),
  )('refuses %s %d, with its name and value', (argument, value) => {
    expect(() => new ConnectionPool({ [argument]: value })).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', argument, message: expect.stringContaining(`got ${value}`) }),
    );
  });
});
