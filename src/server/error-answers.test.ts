import type { InjectOptions } from 'fastify';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { getRequestContext } from '../context/index.ts';
import { FailedError, NotFoundError, RejectedError, TimeoutError, ValidationError } from '../errors/index.ts';
import { VirtualClock } from '../testing/index.ts';
import {
  createServer,
  type ErrorBody,
  type Server,
  type ServerLogger,
  type ServerOptions,
  setupErrorHandlers,
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

const visible = /^[\x21-\x7e]{1,128}$/;

describe('error answers', () => {
  async function failing() {
    const made = await make({ bodyLimitBytes: 1_000 });
    const errors: Record<string, unknown> = {
      'not-found': new NotFoundError('User', 'user-456'),
      validation: new ValidationError('Invalid user data', { email: 'Invalid email format' }),
      open: new RejectedError('The circuit openfda is open', 'open', { retryAfterMs: 12_300 }),
      limited: new RejectedError('Too many requests', 'limited', { retryAfterMs: 100 }),
      failed: new FailedError('connect to 10.0.0.1 failed'),
      timeout: new TimeoutError('GET http://10.0.0.1/x took 5s', 5_000),
      bug: new TypeError('Cannot read properties of undefined at /srv/app.ts'),
      text: 'SELECT 1',
    };
    await made.server.register(async api => {
      api.get('/fail/:how', async request => {
        throw errors[(request.params as { how: string }).how];
      });
      api.post(
        '/users',
        {
          schema: {
            querystring: z.object({ notify: z.enum(['yes', 'no']).default('no') }),
            body: z.object({ email: z.email(), address: z.object({ city: z.string().min(2) }), age: z.number().int() }),
            response: { 200: z.object({ email: z.string() }) },
          },
        },
        async request => ({ email: request.body.email, hidden: 'not in the schema' }),
      );
      api.get(
        '/lying',
        { schema: { response: { 200: z.object({ count: z.number() }) } } },
        async () => ({ count: 'many' }) as never,
      );
    });
    return made;
  }

  it('has one shape for all of them', async () => {
    const { server, lines } = await failing();
    const ask = async (how: string) => {
      const answer = await server.app.inject({ url: `/api/v1/fail/${how}`, headers: { 'x-request-id': 'req-123' } });
      return { status: answer.statusCode, retryAfter: answer.headers['retry-after'], body: answer.json<ErrorBody>() };
    };
    expect(await ask('not-found')).toEqual({
      status: 404,
      retryAfter: undefined,
      body: {
        success: false,
        error: 'User not found',
        error_code: 'NOT_FOUND',
        details: { request_id: 'req-123', resource_type: 'User', resource_id: 'user-456' },
      },
    });
    expect((await ask('validation')).body.details).toEqual({
      request_id: 'req-123',
      field_errors: { email: 'Invalid email format' },
    });
    expect(await ask('open')).toMatchObject({ status: 503, retryAfter: '13', body: { error_code: 'CIRCUIT_OPEN' } });
    expect(await ask('limited')).toMatchObject({
      status: 429,
      retryAfter: '1',
      body: { error_code: 'LIMIT_EXCEEDED' },
    });
    expect(await ask('failed')).toMatchObject({ status: 502, body: { error_code: 'DEPENDENCY_FAILED' } });
    expect(await ask('timeout')).toMatchObject({ status: 504, body: { error_code: 'TIMEOUT' } });
    for (const how of ['bug', 'text']) {
      expect(await ask(how)).toEqual({
        status: 500,
        retryAfter: undefined,
        body: {
          success: false,
          error: 'Internal server error',
          error_code: 'INTERNAL_ERROR',
          details: { request_id: 'req-123' },
        },
      });
    }
    const failure = lines.find(line => line.fields['error'] instanceof TypeError);
    expect(failure).toMatchObject({ level: 'error', message: 'Request failed: INTERNAL_ERROR', requestId: 'req-123' });
  });

  it('names invalid fields', async () => {
    const { server } = await failing();
    const answer = await server.app.inject({
      method: 'POST',
      url: '/api/v1/users',
      payload: { email: 'nobody', address: { city: 'X' } },
    });
    expect(answer.statusCode).toBe(422);
    const body = answer.json<ErrorBody>();
    expect(body.error_code).toBe('VALIDATION_ERROR');
    expect(Object.keys(body.details['field_errors'] as object)).toEqual(['email', 'address.city', 'age']);
    const query = await server.app.inject({ method: 'POST', url: '/api/v1/users?notify=maybe', payload: {} });
    expect(query.statusCode).toBe(422);
  });

  it('names what a route knows to who sends a name that it does not know', async () => {
    const { server } = await make();
    const filters = ['name', 'age'].flatMap(field => ['eq', 'lt'].map(operator => `filter[${field}][${operator}]`));
    const names = [...filters, ...Array.from({ length: 24 }, (_, index) => `n${index}`)];
    await server.register(async api => {
      const querystring = z.strictObject(Object.fromEntries(names.map(name => [name, z.string().optional()])));
      api.get('/list', { schema: { querystring } }, async () => ({ done: true }));
      const count = z.strictObject({ count: z.int().optional(), deep: z.strictObject({ one: z.int() }).optional() });
      api.post('/counts', { schema: { body: z.preprocess(body => body ?? {}, count) } }, async ({ body }) => body);
    });
    const told = async (method: 'GET' | 'POST', url: string, payload?: object) => {
      const answer = await server.app.inject({ method, url: `/api/v1${url}`, ...(payload && { payload }) });
      expect(answer.statusCode).toBe(422);
      return answer.json<ErrorBody>().details['field_errors'] as Record<string, string>;
    };
    expect(await told('GET', '/list?filter[name][gte]=1')).toEqual({
      'filter[name][gte]': 'It is unknown here: expected filter[name][eq], filter[name][lt]',
    });
    const { nope = '' } = await told('GET', '/list?nope=1');
    expect(nope).toMatch(
      /^It is unknown here: expected filter\[name\]\[…\], filter\[age\]\[…\], n0, .*n17 and 6 more$/,
    );
    expect(await told('POST', '/counts', { size: 1 })).toEqual({ size: 'It is unknown here: expected count, deep' });
    expect(await told('POST', '/counts', { deep: { one: 1, two: 2 } })).toEqual({ deep: 'Unrecognized key: "two"' });
  });

  it('sends only what the schema of the answer names, and hides an answer that breaks it', async () => {
    const { server, lines } = await failing();
    const payload = { email: 'a@example.com', address: { city: 'Bern' }, age: 7 };
    const answer = await server.app.inject({ method: 'POST', url: '/api/v1/users', payload });
    expect([answer.statusCode, answer.body]).toEqual([200, '{"email":"a@example.com"}']);
    const lying = await server.app.inject('/api/v1/lying');
    expect(lying.statusCode).toBe(500);
    expect(lying.json()).toMatchObject({ error: 'Internal server error', error_code: 'INTERNAL_ERROR' });
    expect(lines.some(line => line.level === 'error' && line.message === 'Request failed: INTERNAL_ERROR')).toBe(true);
  });

  it.each<[string, InjectOptions, number, string]>([
    [
      'malformed JSON',
      { method: 'POST', url: '/api/v1/users', payload: '{"a":', headers: { 'content-type': 'application/json' } },
      400,
      'INVALID_JSON',
    ],
    [
      'an empty body',
      { method: 'POST', url: '/api/v1/users', payload: '', headers: { 'content-type': 'application/json' } },
      400,
      'INVALID_JSON',
    ],
    [
      'a poisoned body',
      {
        method: 'POST',
        url: '/api/v1/users',
        payload: '{"__proto__":{"admin":true}}',
        headers: { 'content-type': 'application/json' },
      },
      400,
      'INVALID_JSON',
    ],
    ['no body', { method: 'POST', url: '/api/v1/users' }, 422, 'VALIDATION_ERROR'],
    [
      'a large body',
      { method: 'POST', url: '/api/v1/users', payload: { email: 'x'.repeat(1_001) } },
      413,
      'PAYLOAD_TOO_LARGE',
    ],
    [
      'another media type',
      { method: 'POST', url: '/api/v1/users', payload: '<a/>', headers: { 'content-type': 'application/xml' } },
      415,
      'UNSUPPORTED_MEDIA_TYPE',
    ],
    ['an unknown route', { url: '/api/v1/nowhere' }, 404, 'NOT_FOUND'],
    ['a long parameter', { url: `/api/v1/fail/${'x'.repeat(200)}` }, 414, 'URI_TOO_LONG'],
    ['broken encoding', { url: '/api/v1/fail/%zz' }, 400, 'BAD_REQUEST'],
    ['a null byte', { url: '/api/v1/fail/%00' }, 400, 'BAD_REQUEST'],
  ])('answers %s', async (_, asked, status, code) => {
    const { server, lines } = await failing();
    const answer = await server.app.inject(asked);
    expect(answer.statusCode).toBe(status);
    expect(answer.json()).toMatchObject({
      success: false,
      error_code: code,
      details: { request_id: expect.stringMatching(visible) },
    });
    expect(answer.headers).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'x-request-id': answer.json<ErrorBody>().details['request_id'],
    });
    expect(lines.map(line => line.message)).toContain(`Request completed: ${status}`);
  });

  it('names the allowed methods', async () => {
    const { server } = await failing();
    for (const method of ['DELETE', 'PROPFIND', 'OPTIONS'] as const) {
      const answer = await server.app.inject({ method: method as 'DELETE', url: '/api/v1/fail/x?y=1' });
      expect([answer.statusCode, answer.headers['allow'], answer.json<ErrorBody>().error_code]).toEqual([
        405,
        'GET, HEAD',
        'METHOD_NOT_ALLOWED',
      ]);
    }
  });

  it('can be set up on any Fastify app', async () => {
    const { fastify } = await import('fastify');
    const app = fastify();
    setupErrorHandlers(app);
    app.get('/', async () => {
      throw new NotFoundError('User', 7);
    });
    expect((await app.inject('/')).json()).toMatchObject({
      success: false,
      error_code: 'NOT_FOUND',
      details: { resource_id: '7' },
    });
    expect((await app.inject('/nowhere')).json()).toMatchObject({ success: false, error_code: 'NOT_FOUND' });
    await app.close();
  });
});
