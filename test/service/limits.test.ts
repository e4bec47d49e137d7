import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseRateLimit, parseRateLimitPolicy } from 'plinth/rate-limit';
import { VirtualClock } from 'plinth/testing';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Service, type ServiceOptions, startService } from '../../service/service.ts';
import { settle } from '../../service/stand-in/settle.fixture.ts';
import { type RedisServer, startRedis } from '../servers/redis.ts';
import { serverOrSkip } from '../servers/require.ts';

const redisServer = serverOrSkip('redis-server');
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'plinth-service-limits-'));
});

afterAll(() => rm(directory, { recursive: true, force: true }));

function start(name: string, environment: Record<string, string>, options: ServiceOptions = {}): Promise<Service> {
  return startService({
    logging: { console: false },
    ...options,
    settings: {
      envFile: false,
      yamlFile: false,
      environment: { ENVIRONMENT: 'test', PORT: '0', DATA_DIR: join(directory, name), ...environment },
    },
  });
}

function ask({ url }: Service, requestId?: string): Promise<Response> {
  const headers: Record<string, string> = requestId === undefined ? {} : { 'x-request-id': requestId };
  return fetch(`${url}/api/v1/medications?name=osimertinib`, { headers });
}

async function why({ url }: Service, requestId: string): Promise<readonly string[]> {
  const answer = await fetch(`${url}/api/v1/console/why/${requestId}`);
  expect(answer.status).toBe(200);
  return ((await answer.json()) as { lines: readonly string[] }).lines;
}

describe('the limit on requests of the reference service', () => {
  const clock = new VirtualClock();
  let service: Service;

  beforeAll(async () => {
    service = await start('memory', {}, { clock });
  });

  afterAll(() => service.close());

  it('is that of the settings, 100 a minute, and every answer tells of it', async () => {
    const answers = await Promise.all(Array.from({ length: 130 }, () => ask(service)));
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter(status => status === 200)).toHaveLength(100);
    expect(statuses.filter(status => status === 429)).toHaveLength(30);
    for (const { headers } of answers) {
      expect(parseRateLimitPolicy(headers.get('ratelimit-policy') ?? '')).toEqual([
        { name: 'api', quota: 100, windowSeconds: 60 },
      ]);
      expect(parseRateLimit(headers.get('ratelimit') ?? '')).toMatchObject([{ name: 'api' }]);
    }
  });

  it('that nobody has chosen is told in development, and not enforced', async () => {
    const tried = await start('development', { ENVIRONMENT: 'development' });
    const chosen = await start('chosen', { ENVIRONMENT: 'development', RATE_LIMIT_REQUESTS: '5' });
    const statusesOf = async (service: Service): Promise<readonly number[]> =>
      (await Promise.all(Array.from({ length: 120 }, () => ask(service)))).map(({ status }) => status);
    expect(new Set(await statusesOf(tried))).toEqual(new Set([200]));
    expect((await ask(tried)).headers.get('ratelimit')).toMatch(/^"api";r=0;t=\d+$/);
    expect((await statusesOf(chosen)).filter(status => status === 200)).toHaveLength(5);
    await Promise.all([tried.close(), chosen.close()]);
  });

  it('leaves the page, its stream, health, metrics and the documentation alone', async () => {
    expect((await ask(service)).status).toBe(429);
    const open = (path: string): Promise<Response> => settle(clock, fetch(service.url + path));
    const stream = await open('/api/v1/console/events');
    const reader = stream.body?.getReader();
    expect(new TextDecoder().decode((await reader?.read())?.value)).toContain('event: state');
    const page = await (await open('/')).text();
    const parts = [...page.matchAll(/(?:src|href)="(\/console\/[^"]+)"/g)].map(([, path]) => path ?? '');
    const paths = [
      '/',
      '/api/v1/console/state',
      '/health/live',
      '/health/ready',
      '/metrics',
      '/docs/',
      '/openapi.json',
    ];
    for (const path of [...paths, ...parts, ...paths]) {
      const { status, headers } = await open(path);
      expect([path, status, headers.get('ratelimit')]).toEqual([path, 200, null]);
    }
    await reader?.cancel();
  });

  it('answers why: the refusal, and the calls of a request that was answered', async () => {
    await ask(service, 'refused-1');
    expect((await why(service, 'refused-1'))[0]).toMatch(
      /^GET \/api\/v1\/medications: 429 LIMIT_EXCEEDED after 0ms because the limit "api" allows 100 within 1m by address, 0 left, again in (1m|\d+s)$/,
    );
    await clock.advance(61_000);
    await ask(service, 'answered-1');
    const lines = await why(service, 'answered-1');
    expect(lines[0]).toBe('GET /api/v1/medications: 200 after 0ms');
    expect(lines[1]).toContain('Limit allowed: the limit "api" allows 100 within 1m by address, 99 left');
    expect(lines.slice(2).join('\n')).toContain('Call openfda drugsfda.search: answered after 0ms (cache hit)');
    expect((await fetch(`${service.url}/api/v1/console/why/unheard-of`)).status).toBe(404);
  });

  it('holds calls to openFDA within what openFDA allows, and says where the numbers came from', () => {
    const { guard } = service.infrastructure.dependencies.get('openfda') ?? expect.fail('There is no such dependency');
    const rate = guard.explain().find(({ stage }) => stage === 'rate');
    expect(rate?.settings).toMatchObject({ name: 'openfda', ratePerSecond: 3, capacity: 60 });
  });
});

describe.skipIf(redisServer === undefined)('two instances of the reference service with one Redis', () => {
  let redis: RedisServer;
  let services: readonly Service[];

  beforeAll(async () => {
    redis = await startRedis();
    const environment = { REDIS_URL: redis.url, RATE_LIMIT_REQUESTS: '6' };
    services = await Promise.all(['first', 'second'].map(name => start(name, environment)));
  });

  afterAll(async () => {
    for (const service of services ?? []) await service.close();
    await redis?.dispose();
  });

  const readiness = async (service: Service): Promise<unknown> => {
    const { status } = (await (await fetch(`${service.url}/health/ready`)).json()) as { status: string };
    return status;
  };

  it('share the limit, go on without it while Redis is away, and share it again', async () => {
    const [first, second] = services;
    if (first === undefined || second === undefined) expect.fail('Two services were started');
    const asked = [first, second, first, second, first, second, first, second];
    const statuses: number[] = [];
    for (const service of asked) statuses.push((await ask(service)).status);
    expect(statuses).toEqual([200, 200, 200, 200, 200, 200, 429, 429]);
    await ask(first, 'refused-2');
    expect((await why(first, 'refused-2'))[1]).toMatch(
      /^Limit denied: the limit "api" allows 6 within 1m by address, 0 left, again in \w+; its store answered in [\d.]+ms$/,
    );
    expect(await readiness(first)).toBe('up');

    await redis.kill();
    await vi.waitFor(async () => expect(await readiness(first)).toBe('degraded'), { timeout: 10_000 });
    expect((await fetch(`${first.url}/health/ready`)).status).toBe(200);
    const without = await Promise.all(Array.from({ length: 20 }, () => ask(first)));
    expect(new Set(without.map(({ status }) => status))).toEqual(new Set([200]));
    expect(await (await fetch(`${first.url}/metrics`)).text()).toContain('plinth_redis_up{connection="redis"} 0');

    await redis.start();
    for (const service of [first, second])
      await vi.waitFor(async () => expect(await readiness(service)).toBe('up'), { timeout: 10_000 });
    const again: number[] = [];
    for (const service of asked) again.push((await ask(service)).status);
    expect(again).toEqual([200, 200, 200, 200, 200, 200, 429, 429]);
  }, 60_000);

  it('start all the same when Redis is away, and say so', async () => {
    const service = await start('without', { REDIS_URL: 'redis://127.0.0.1:1' });
    expect((await ask(service)).status).toBe(200);
    expect(await readiness(service)).toBe('degraded');
    await service.close();
  }, 30_000);
});
