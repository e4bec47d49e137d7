import { request } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { getRequestContext } from '../context/index.ts';
import { FailedError } from '../errors/index.ts';
import { VirtualClock } from '../testing/index.ts';
import {
  type CompletedRequest,
  createServer,
  extendRequestContext,
  type Server,
  type ServerLogger,
  type ServerOptions,
} from './index.ts';

interface Line {
  readonly level: string;
  readonly message: string;
  readonly fields: Record<string, unknown>;
  readonly requestId: string | undefined;
  readonly userId: string | undefined;
}

function recordingLogger(): ServerLogger & { readonly lines: Line[] } {
  const lines: Line[] = [];
  const at =
    (level: string) =>
    (message: string, fields: object = {}): void => {
      const { requestId, userId } = getRequestContext();
      lines.push({ level, message, fields: fields as Record<string, unknown>, requestId, userId });
    };
  return { lines, debug: at('debug'), info: at('info'), warning: at('warning'), error: at('error') };
}

const opened: Server[] = [];

async function make(options: ServerOptions = {}) {
  const clock = new VirtualClock();
  const logger = recordingLogger();
  const server = await createServer({ docsUrl: false, clock, logger, ...options });
  opened.push(server);
  return { clock, logger, server, lines: logger.lines };
}

afterEach(async () => {
  for (const server of opened.splice(0)) await server.close();
});

describe('request context and access log', () => {
  it('logs start and completion with the words of the documents, and no query', async () => {
    const { server, lines, clock } = await make();
    await server.register(async api => {
      api.get('/users/:id', async () => {
        await clock.advance(150);
        return { ok: true };
      });
    });
    await server.app.inject({ url: '/api/v1/users/7?token=secret', headers: { 'x-request-id': 'req-123' } });
    expect(lines).toEqual([
      {
        level: 'info',
        message: 'Request started: GET /api/v1/users/7',
        fields: { method: 'GET', path: '/api/v1/users/7' },
        requestId: 'req-123',
        userId: undefined,
      },
      {
        level: 'info',
        message: 'Request completed: 200',
        fields: { method: 'GET', path: '/api/v1/users/7', status_code: 200, duration: 0.15 },
        requestId: 'req-123',
        userId: undefined,
      },
    ]);
  });

  it('echoes an acceptable request id and replaces any other', async () => {
    const { server } = await make();
    const ask = async (id: string) =>
      (await server.app.inject({ url: '/', headers: { 'x-request-id': id } })).headers['x-request-id'];
    expect(await ask('req-123')).toBe('req-123');
    for (const bad of ['a b', 'ä', '~'.repeat(129)]) {
      const given = String(await ask(bad));
      expect(given).not.toBe(bad);
      expect(given).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    }
  });

  it('holds the context from the first hook through body parsing and waiting hooks to the handler', async () => {
    const { server } = await make();
    const seen: Record<string, unknown>[] = [];
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    await server.register(async api => {
      api.addHook('preHandler', async request => {
        await Promise.resolve();
        extendRequestContext(request, { userId: 'user-123' });
      });
      api.post('/items', async () => {
        await Promise.resolve();
        seen.push({ ...getRequestContext() });
        return {};
      });
    });
    const { url } = await server.listen({ port: 0 });
    const answer = await fetch(`${url}/api/v1/items`, {
      method: 'POST',
      body: JSON.stringify({ text: 'x'.repeat(200_000) }),
      headers: { 'content-type': 'application/json', 'x-request-id': 'req-7', traceparent },
    });
    expect(answer.status).toBe(200);
    expect(seen).toEqual([{ requestId: 'req-7', userId: 'user-123', traceparent, deadlineMs: undefined }]);
  });

  it('logs in the context of the request also what fails while the body is read, or behind a hook that waited', async () => {
    const { server, lines, logger } = await make();
    await server.register(async api => {
      api.addHook('preHandler', async request => {
        logger.info('hook');
        await Promise.resolve();
        extendRequestContext(request, { userId: 'user-123' });
      });
      api.post('/items', async () => {
        throw new FailedError('broken');
      });
    });
    const { url } = await server.listen({ port: 0 });
    const post = async (body: string) => {
      const headers = { 'content-type': 'application/json', 'x-request-id': 'req-8' };
      const answer = await fetch(`${url}/api/v1/items`, { method: 'POST', body, headers });
      return answer.status;
    };
    expect(await post('{'.repeat(500_000))).toBe(400);
    expect(await post(JSON.stringify({ text: 'x'.repeat(500_000) }))).toBe(502);
    const line = (message: string) => lines.find(candidate => candidate.message === message);
    expect(line('Request failed: INVALID_JSON')).toMatchObject({ requestId: 'req-8' });
    expect(line('hook')).toMatchObject({ requestId: 'req-8' });
    expect(line('Request failed: DEPENDENCY_FAILED')).toMatchObject({ requestId: 'req-8', userId: 'user-123' });
    expect(line('Request completed: 502')).toMatchObject({ requestId: 'req-8', userId: 'user-123' });
  });

  it('gives a trace to requests that come without a valid one', async () => {
    const { server } = await make();
    const seen: unknown[] = [];
    await server.register(async api => {
      api.get('/', async () => seen.push(getRequestContext().traceparent));
    });
    await server.app.inject('/api/v1/');
    await server.app.inject({ url: '/api/v1/', headers: { traceparent: '00-nonsense' } });
    expect(seen).toHaveLength(2);
    for (const traceparent of seen) expect(traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
  });

  it('keeps a hundred parallel requests apart', async () => {
    const { server, logger } = await make();
    await server.register(async api => {
      api.post('/items/:id', async request => {
        const { id } = request.params as { id: string };
        await new Promise(resolve => setImmediate(resolve));
        logger.info(`handled ${id}`);
        if (Number(id) % 5 === 0) throw new FailedError(`broken ${id}`);
        return { id };
      });
    });
    const { url } = await server.listen({ port: 0 });
    const ids = Array.from({ length: 100 }, (_, index) => String(index));
    const answers = await Promise.all(
      ids.map(async id => {
        const answer = await fetch(`${url}/api/v1/items/${id}`, {
          method: 'POST',
          body: JSON.stringify({ id }),
          headers: { 'content-type': 'application/json', 'x-request-id': `req-${id}` },
        });
        await answer.arrayBuffer();
        return answer.headers.get('x-request-id');
      }),
    );
    expect(answers).toEqual(ids.map(id => `req-${id}`));
    await server.close();
    for (const id of ids) {
      const own = logger.lines.filter(line => line.requestId === `req-${id}`).map(line => line.message);
      const failed = Number(id) % 5 === 0;
      expect(own).toEqual([
        `Request started: POST /api/v1/items/${id}`,
        `handled ${id}`,
        ...(failed ? ['Request failed: DEPENDENCY_FAILED'] : []),
        `Request completed: ${failed ? 502 : 200}`,
      ]);
    }
    expect(logger.lines.every(line => line.requestId !== undefined)).toBe(true);
  });

  it('warns of slow requests, and keeps health and metrics out of the log', async () => {
    const { server, clock, lines } = await make({ slowRequestMs: 500 });
    const completed: CompletedRequest[] = [];
    server.events.on('request-completed', event => completed.push(event));
    await server.register(async api => {
      api.get('/slow/:id', async () => {
        await clock.advance(500);
        return {};
      });
    });
    await server.app.inject({ url: '/api/v1/slow/1?x=1', headers: { 'x-request-id': 'r' } });
    await server.app.inject('/health/live');
    await server.app.inject('/nowhere');
    expect(lines.map(line => [line.level, line.message])).toEqual([
      ['info', 'Request started: GET /api/v1/slow/1'],
      ['warning', 'Request completed: 200'],
      ['debug', 'Request started: GET /health/live'],
      ['debug', 'Request completed: 200'],
      ['info', 'Request started: GET /nowhere'],
      ['info', 'Request completed: 404'],
    ]);
    expect(completed.map(event => [event.endpoint, event.status, event.slow])).toEqual([
      ['/api/v1/slow/:id', 200, true],
      ['/health/live', 200, false],
      ['unmatched', 404, false],
    ]);
    expect(completed[0]).toEqual({
      requestId: 'r',
      method: 'GET',
      endpoint: '/api/v1/slow/:id',
      path: '/api/v1/slow/1',
      startedAt: clock.now() - 500,
      status: 200,
      durationMs: 500,
      slow: true,
    });
  });

  it('tells a client that left from one that was answered', async () => {
    const { server, lines } = await make();
    let enter = (): void => {};
    const entered = new Promise<void>(resolve => {
      enter = resolve;
    });
    await server.register(async api => {
      api.get('/hang', () => {
        enter();
        return new Promise(() => {});
      });
    });
    const completed = new Promise<CompletedRequest>(resolve => {
      server.events.on('request-completed', resolve);
    });
    const { url } = await server.listen({ port: 0 });
    const asking = request(`${url}/api/v1/hang`).on('error', () => {});
    asking.end();
    await entered;
    asking.destroy();
    expect((await completed).status).toBe(0);
    expect(lines.at(-1)?.message).toBe('Request aborted: GET /api/v1/hang');
  });
});
