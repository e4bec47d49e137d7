import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { type Dispatcher, request } from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CallLog, type CallRecord, type Guard, pipeline } from '../pipeline/index.ts';
import { constantBackoff } from '../resilience/index.ts';
import { VirtualClock } from '../testing/index.ts';
import { ConnectionPool, type GuardedDispatcherOptions, guardedDispatcher } from './index.ts';

const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve));
const threeTimes = { maxAttempts: 3, backoff: constantBackoff({ waitMs: 0 }) };
const retrying = (): Guard => pipeline('sdk').retry(threeTimes).build();

describe('guardedDispatcher, around bodies', () => {
  let server: Server;
  let origin: string;
  let pool: ConnectionPool;
  let answer: RequestListener;
  let seen: IncomingMessage[];
  let sockets: Set<Socket>;
  let connections: number;
  let log: CallLog;

  beforeEach(async () => {
    seen = [];
    sockets = new Set();
    connections = 0;
    log = new CallLog();
    answer = (_request, response) => response.end('hello');
    server = createServer((asked, response) => {
      seen.push(asked);
      answer(asked, response);
    });
    server.on('connection', socket => {
      connections += 1;
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    pool = new ConnectionPool();
  });

  afterEach(async () => {
    await pool.close();
    server.closeAllConnections();
    await once(server.close(), 'close');
  });

  const through = (guard: Guard = retrying(), options: Partial<GuardedDispatcherOptions> = {}): Dispatcher => {
    log.observe(guard.events);
    return guardedDispatcher({ guard, dispatcher: pool.dispatcher, ...options });
  };
  const inTurn =
    (...answers: readonly RequestListener[]): RequestListener =>
    (asked, response) =>
      answers[Math.min(seen.length, answers.length) - 1]?.(asked, response);
  const ok: RequestListener = (_asked, response) => response.end('hello');
  const failing: RequestListener = (_asked, response) => response.writeHead(503).end('busy');
  const records = (): CallRecord[] => [...log.latest(100)];

  async function ask(dispatcher: Dispatcher, options: Partial<Dispatcher.RequestOptions> = {}): Promise<string> {
    const response = await request(`${origin}/path?key=secret`, { dispatcher, ...options } as object);
    return `${response.statusCode} ${await response.body.text()}`;
  }

  describe('when the client leaves', () => {
    it('before the response, asks no further', async () => {
      const controller = new AbortController();
      answer = () => controller.abort(new TypeError('left'));
      await expect(ask(through(), { signal: controller.signal })).rejects.toThrow('left');
      while (sockets.size > 0) await turn();
      expect([seen.length, records()[0]?.result]).toEqual([1, 'failed']);
    });

    it('before it was sent at all, sends nothing', async () => {
      await expect(ask(through(), { signal: AbortSignal.abort(new TypeError('left')) })).rejects.toThrow('left');
      expect(seen).toEqual([]);
    });

    it('while a retry waits, closes what it holds', async () => {
      const clock = new VirtualClock();
      const controller = new AbortController();
      answer = failing;
      const guard = pipeline('sdk', { clock })
        .retry({ maxAttempts: 2, backoff: constantBackoff({ waitMs: 5_000 }) })
        .build();
      const asked = expect(ask(through(guard), { signal: controller.signal })).rejects.toThrow('left');
      while (clock.pendingTimers === 0) await turn();
      controller.abort(new TypeError('left'));
      await asked;
      expect([seen.length, clock.pendingTimers]).toEqual([1, 0]);
    });

    it('in the middle of a body, ends it', async () => {
      const controller = new AbortController();
      answer = (_asked, response) => void response.write('first');
      const { body } = await request(origin, { dispatcher: through(), signal: controller.signal });
      const read = async (): Promise<void> => {
        for await (const _chunk of body) controller.abort(new TypeError('left'));
      };
      await expect(read()).rejects.toThrow('left');
      while (sockets.size > 0) await turn();
    });
  });

  describe('bodies', () => {
    it('pass through piece by piece', async () => {
      let held: ServerResponse | undefined;
      answer = (_asked, response) => {
        held = response;
        response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 0\n\n');
      };
      const { body } = await request(origin, { dispatcher: through() });
      const pieces: string[] = [];
      for await (const piece of body) {
        pieces.push(String(piece));
        if (pieces.length < 4) held?.write(`data: ${pieces.length}\n\n`);
        else held?.end();
      }
      expect(pieces).toEqual([0, 1, 2, 3].map(index => `data: ${index}\n\n`));
    });

    it('wait for whoever reads them: nothing is collected', async () => {
      const chunk = Buffer.alloc(65_536);
      const total = 100_000_000;
      let sentBytes = 0;
      answer = (_asked, response) => {
        const more = (): void => {
          while (sentBytes < total && !response.destroyed) {
            sentBytes += chunk.byteLength;
            if (!response.write(chunk)) return void response.once('drain', more);
          }
          response.end();
        };
        more();
      };
      const { body } = await request(origin, { dispatcher: through() });
      for (let stillBytes = -1; stillBytes !== sentBytes; ) {
        stillBytes = sentBytes;
        for (let count = 0; count < 50; count += 1) await turn();
      }
      // What fits into the buffers of the two sockets, and no more.
      expect(sentBytes).toBeLessThan(20_000_000);
      let readBytes = 0;
      for await (const piece of body) readBytes += (piece as Buffer).byteLength;
      expect(readBytes).toBe(sentBytes);
      expect(readBytes).toBeGreaterThanOrEqual(total);
    });

    it('of failures stand still while a retry waits', async () => {
      const clock = new VirtualClock();
      let sentBytes = 0;
      answer = inTurn((_asked, response) => {
        response.writeHead(503);
        const more = (): void => {
          while (!response.destroyed && sentBytes < 100_000_000) {
            sentBytes += 65_536;
            if (!response.write('x'.repeat(65_536))) return void response.once('drain', more);
          }
        };
        more();
      }, ok);
      const backoff = constantBackoff({ waitMs: 5_000 });
      const asked = ask(through(pipeline('sdk', { clock }).retry({ maxAttempts: 2, backoff }).build()));
      while (clock.pendingTimers === 0) await turn();
      for (let count = 0; count < 500; count += 1) await turn();
      expect(sentBytes).toBeLessThan(20_000_000);
      await clock.advance(5_000);
      expect(await asked).toBe('200 hello');
    });

    it('of failures that never end do not keep a connection', async () => {
      const endless: RequestListener = (_asked, response) => {
        response.writeHead(503);
        const more = (): void => {
          while (!response.destroyed && response.write('x'.repeat(65_536)));
          if (!response.destroyed) response.once('drain', more);
        };
        more();
      };
      answer = inTurn(endless, endless, ok);
      expect(await ask(through())).toBe('200 hello');
      while (sockets.size > 1) await turn();
    });

    it.each([
      ['HEAD', 200],
      ['HEAD', 503],
      ['GET', 204],
      ['GET', 304],
    ] as const)('of %s with %i do not come, and nobody waits for them', async (method, status) => {
      answer = (_asked, response) => response.writeHead(status).end();
      const dispatcher = through();
      for (let index = 0; index < 3; index += 1) expect(await ask(dispatcher, { method })).toBe(`${status} `);
      // undici closes the connection of a HEAD itself.
      if (method === 'GET') expect(connections).toBeLessThanOrEqual(2);
    });
  });
});
