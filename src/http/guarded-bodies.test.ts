import type { RequestListener, ServerResponse } from 'node:http';
import { type Dispatcher, request } from 'undici';
import { beforeEach, describe, expect, it } from 'vitest';
import { CallLog, type CallRecord, type Guard, pipeline } from '../pipeline/index.ts';
import { constantBackoff } from '../resilience/index.ts';
import { VirtualClock } from '../testing/index.ts';
import { type GuardedDispatcherOptions, guardedDispatcher } from './index.ts';
import { turn, useTestServer } from './test-server.fixture.ts';

const threeTimes = { maxAttempts: 3, backoff: constantBackoff({ waitMs: 0 }) };
const retrying = (): Guard => pipeline('sdk').retry(threeTimes).build();

const ok: RequestListener = (_asked, response) => response.end('hello');
const failing: RequestListener = (_asked, response) => response.writeHead(503).end('busy');

describe('guardedDispatcher, around bodies', () => {
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

  describe('when the client leaves', () => {
    it('before the response, asks no further', async () => {
      const controller = new AbortController();
      local.answer = () => controller.abort(new TypeError('left'));
      await expect(ask(through(), { signal: controller.signal })).rejects.toThrow('left');
      while (local.sockets.size > 0) await turn();
      expect([local.seen.length, records()[0]?.result]).toEqual([1, 'failed']);
    });

    it('before it was sent at all, sends nothing', async () => {
      await expect(ask(through(), { signal: AbortSignal.abort(new TypeError('left')) })).rejects.toThrow('left');
      expect(local.seen).toEqual([]);
    });

    it('while a retry waits, closes what it holds', async () => {
      const clock = new VirtualClock();
      const controller = new AbortController();
      local.answer = failing;
      const guard = pipeline('sdk', { clock })
        .retry({ maxAttempts: 2, backoff: constantBackoff({ waitMs: 5_000 }) })
        .build();
      const asked = expect(ask(through(guard), { signal: controller.signal })).rejects.toThrow('left');
      while (clock.pendingTimers === 0) await turn();
      controller.abort(new TypeError('left'));
      await asked;
      expect([local.seen.length, clock.pendingTimers]).toEqual([1, 0]);
    });

    it('in the middle of a body, ends it', async () => {
      const controller = new AbortController();
      local.answer = (_asked, response) => void response.write('first');
      const { body } = await request(local.origin, { dispatcher: through(), signal: controller.signal });
      const read = async (): Promise<void> => {
        for await (const _chunk of body) controller.abort(new TypeError('left'));
      };
      await expect(read()).rejects.toThrow('left');
      while (local.sockets.size > 0) await turn();
    });
  });

  describe('bodies', () => {
    it('pass through piece by piece', async () => {
      let held: ServerResponse | undefined;
      local.answer = (_asked, response) => {
        held = response;
        response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 0\n\n');
      };
      const { body } = await request(local.origin, { dispatcher: through() });
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
      local.answer = (_asked, response) => {
        const more = (): void => {
          while (sentBytes < total && !response.destroyed) {
            sentBytes += chunk.byteLength;
            if (!response.write(chunk)) return void response.once('drain', more);
          }
          response.end();
        };
        more();
      };
      const { body } = await request(local.origin, { dispatcher: through() });
      for (let stillBytes = -1; stillBytes !== sentBytes; ) {
        stillBytes = sentBytes;
        for (let count = 0; count < 50; count += 1) await turn();
      }
      // What fits into the buffers of the two local.sockets, and no more.
      expect(sentBytes).toBeLessThan(20_000_000);
      let readBytes = 0;
      for await (const piece of body) readBytes += (piece as Buffer).byteLength;
      expect(readBytes).toBe(sentBytes);
      expect(readBytes).toBeGreaterThanOrEqual(total);
    });

    it('of failures stand still while a retry waits', async () => {
      const clock = new VirtualClock();
      let sentBytes = 0;
      local.answerInTurn((_asked, response) => {
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
      local.answerInTurn(endless, endless, ok);
      expect(await ask(through())).toBe('200 hello');
      while (local.sockets.size > 1) await turn();
    });

    it.each([
      ['HEAD', 200],
      ['HEAD', 503],
      ['GET', 204],
      ['GET', 304],
    ] as const)('of %s with %i do not come, and nobody waits for them', async (method, status) => {
      local.answer = (_asked, response) => response.writeHead(status).end();
      const dispatcher = through();
      for (let index = 0; index < 3; index += 1) expect(await ask(dispatcher, { method })).toBe(`${status} `);
      // undici closes the connection of a HEAD itself.
      if (method === 'GET') expect(local.connections).toBeLessThanOrEqual(2);
    });
  });
});
