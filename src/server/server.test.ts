import { afterEach, describe, expect, it } from 'vitest';
import { type ArgumentError, ConfigurationError } from '../errors/index.ts';
import { HealthRegistry } from '../health/index.ts';
import { createMetrics } from '../telemetry/index.ts';
import { VirtualClock } from '../testing/index.ts';
import { createServer, type Server, type ServerOptions } from './index.ts';
import { loadPeer } from './load-peers.ts';

const opened: Server[] = [];

async function make(options: ServerOptions = {}) {
  const clock = new VirtualClock();
  const server = await createServer({ docsUrl: false, clock, ...options });
  opened.push(server);
  return { clock, server };
}

afterEach(async () => {
  for (const server of opened.splice(0)) await server.close();
});

describe('operations', () => {
  it('answers liveness and readiness', async () => {
    const clock = new VirtualClock();
    const health = new HealthRegistry({ clock });
    const { server } = await make({ health, clock });
    health.register({ name: 'redis', critical: false, check: () => ({ status: 'down', message: 'No answer' }) });
    const degraded = await server.app.inject('/health/ready');
    expect([degraded.statusCode, degraded.headers['cache-control']]).toEqual([200, 'no-store']);
    expect(degraded.json()).toEqual({
      status: 'degraded',
      checks: {
        redis: {
          status: 'down',
          critical: false,
          message: 'No answer',
          checked_at: '2026-01-15T23:00:00.000Z',
          duration: 0,
        },
      },
    });
    health.register({ name: 'database', check: () => ({ status: 'down' }) });
    expect((await server.app.inject('/health/ready')).statusCode).toBe(503);
    const live = await server.app.inject('/health/live');
    expect([live.statusCode, live.json()]).toEqual([200, { status: 'up', checks: {} }]);
  });

  it('shows metrics that count its own requests, when it has any', async () => {
    using metrics = await createMetrics({ appName: 'shop' });
    const { server } = await make({ metrics });
    await server.app.inject('/health/live');
    await server.app.inject('/nowhere');
    const answer = await server.app.inject('/metrics');
    expect(answer.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(answer.body).toContain('request_count_total{app_name="shop",endpoint="/health/live"} 1');
    expect(answer.body).toContain('plinth_responses_total{method="GET",endpoint="unmatched",status_class="4xx"} 1');
    const without = await make();
    expect((await without.server.app.inject('/metrics')).statusCode).toBe(404);
  });

  it('sends security headers with every answer and does not say what it is made of', async () => {
    const { server } = await make();
    for (const url of ['/health/live', '/nowhere', '/openapi.json', '/%zz']) {
      const { headers } = await server.app.inject(url);
      expect(headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'referrer-policy': 'no-referrer',
        'content-security-policy': expect.stringContaining("default-src 'none'"),
      });
      expect(headers).not.toHaveProperty('x-powered-by');
      expect(headers).not.toHaveProperty('server');
    }
  });

  it('lists its routes under their final paths', async () => {
    const { server } = await make({ docsUrl: '/docs', apiPrefix: '/api/v2' });
    await server.register(async api => {
      api.get('/users/:id', { schema: { summary: 'Reads a user' } }, async () => ({}));
    });
    server.app.get('/', async () => 'console');
    expect(server.routes()).toEqual([
      { method: 'GET', path: '/', summary: '' },
      { method: 'GET', path: '/api/v2/users/:id', summary: 'Reads a user' },
      { method: 'GET', path: '/docs', summary: 'This API, to read and to try' },
      { method: 'GET', path: '/health/live', summary: 'Whether this process works' },
      { method: 'GET', path: '/health/ready', summary: 'Whether requests should be sent here' },
      { method: 'GET', path: '/openapi.json', summary: 'This API as OpenAPI 3.1' },
    ]);
  });
});

describe('createServer()', () => {
  it.each<[string, ServerOptions]>([
    ['apiPrefix', { apiPrefix: 'api' }],
    ['apiPrefix', { apiPrefix: '/api/' }],
    ['docsUrl', { docsUrl: '' }],
    ['slowRequestMs', { slowRequestMs: -1 }],
    ['requestTimeoutMs', { timeouts: { requestTimeoutMs: Number.NaN } }],
  ])('refuses an unusable %s', async (argument, options) => {
    await expect(createServer(options)).rejects.toThrow(expect.objectContaining({ argument }) as ArgumentError);
  });

  it('takes undefined for the default of every option', async () => {
    const { server } = await make({
      name: undefined,
      apiPrefix: undefined,
      docsUrl: undefined,
      health: undefined,
      metrics: undefined,
      bodyLimitBytes: undefined,
      timeouts: { headersTimeoutMs: undefined, requestTimeoutMs: undefined },
      slowRequestMs: undefined,
      trustProxy: undefined,
    });
    expect((await server.app.inject('/docs')).statusCode).toBe(200);
  });

  it('says which package is missing', async () => {
    const missing = loadPeer('@fastify/swagger@9', () => Promise.reject(new TypeError('Cannot find package')));
    await expect(missing).rejects.toThrow(ConfigurationError);
    await expect(missing).rejects.toThrow(
      '@fastify/swagger: Not installed. Install it with "npm install @fastify/swagger@9"',
    );
  });

  it('says what to do when the port is taken', async () => {
    const first = await make();
    const { port } = await first.server.listen({ port: 0 });
    const second = await make();
    await expect(second.server.listen({ port })).rejects.toThrow(`127.0.0.1:${port} is in use by another process`);
  });
});
