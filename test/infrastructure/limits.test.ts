import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Infrastructure } from 'plinth';
import { createInfrastructure, Limits } from 'plinth';
import { ArgumentError } from 'plinth/errors';
import { AdaptiveRateLimiter, SlidingWindowRateLimiter, TokenBucketRateLimiter } from 'plinth/rate-limit';
import { limitRequests } from 'plinth/server';
import type { RateLimitingSettings } from 'plinth/settings';
import { VirtualClock } from 'plinth/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

function make(settings: Partial<RateLimitingSettings> = {}): { limits: Limits; clock: VirtualClock } {
  const clock = new VirtualClock();
  const defaults = { strategy: 'token-bucket', defaultRatePerSecond: 1, burst: 10, perDomain: {} } as const;
  return { limits: new Limits({ clock, redis: undefined, rateLimiting: { ...defaults, ...settings } }), clock };
}

describe('Limits of calls to the outside', () => {
  it('are those of the settings for a host, unless the code knows it better or the settings name it', () => {
    const { limits } = make({ perDomain: { 'fda.gov': 2 } });
    const rate = (name: string, options: Parameters<Limits['outbound']>[1]): object => {
      const limiter = limits.outbound(name, options);
      return limiter instanceof TokenBucketRateLimiter ? limiter.settings : {};
    };
    expect(rate('a', { host: 'oncokb.org' })).toMatchObject({ ratePerSecond: 1, capacity: 10 });
    expect(rate('b', { host: 'oncokb.org', ratePerSecond: 3, burst: 60 })).toMatchObject({
      ratePerSecond: 3,
      capacity: 60,
    });
    expect(rate('c', { host: 'api.fda.gov', ratePerSecond: 3, burst: 60 })).toMatchObject({
      ratePerSecond: 2,
      capacity: 10,
    });
    expect(rate('d', { ratePerSecond: 5 })).toMatchObject({ ratePerSecond: 5, capacity: 10 });
    expect(limits.outbound('e', {})).toBeUndefined();
  });

  it('follow the strategy of the settings', async () => {
    const numbers = { ratePerSecond: 2, burst: 4 };
    const window = make({ strategy: 'sliding-window' }).limits.outbound('a', numbers);
    expect(window).toBeInstanceOf(SlidingWindowRateLimiter);
    expect(window?.settings).toMatchObject({ windows: [{ requests: 120, windowMs: 60_000 }] });
    const slow = make({ strategy: 'sliding-window' }).limits.outbound('a', { ratePerSecond: 0.001 });
    expect(slow?.settings).toMatchObject({ windows: [{ requests: 1, windowMs: 1_000_000 }] });
    const adaptive = make({ strategy: 'adaptive' }).limits.outbound('a', numbers);
    expect(adaptive).toBeInstanceOf(AdaptiveRateLimiter);
    expect(adaptive?.settings).toMatchObject({ ratePerSecond: 2, minRatePerSecond: 0.2, maxRatePerSecond: 20 });
    expect(make({ strategy: 'per-domain' }).limits.outbound('a', numbers)).toBeInstanceOf(TokenBucketRateLimiter);
  });
});

describe('Limits of requests', () => {
  it('are told of on one stream, whichever limiter it was, and end together', async () => {
    const { limits } = make();
    const told: string[] = [];
    limits.events.on('denied', ({ name }) => told.push(name));
    limits.events.on('reconfigured', ({ name }) => told.push(`${name} changed`));
    const login = limits.inbound({ name: 'login', requests: 1, windowMs: 1_000, whenUnavailable: 'closed' });
    const search = limits.inbound({ name: 'search', requests: 1, windowMs: 1_000, whenUnavailable: 'open' });
    for (const limiter of [login, search, login]) {
      await limiter.check('a');
      await limiter.check('a');
    }
    login.reconfigure({ requests: 2 });
    expect(told).toEqual(['login', 'search', 'login', 'login', 'login changed']);
    expect(limits.list().map(({ name }) => name)).toEqual(['login', 'search']);
    await limits.close();
    expect(() => login.check('a')).toThrow('closed');
  });

  it('have names of their own, also beside those of calls', () => {
    const { limits } = make();
    limits.outbound('openfda', { ratePerSecond: 1 });
    const options = { requests: 1, windowMs: 1_000, whenUnavailable: 'open' } as const;
    expect(() => limits.inbound({ ...options, name: 'openfda' })).toThrow(ArgumentError);
    expect(() => limits.outbound('openfda', { ratePerSecond: 1 })).toThrow(
      'Cannot make the limit "openfda": there is one of this name already',
    );
  });
});

describe('an infrastructure with limits', () => {
  const clock = new VirtualClock();
  let directory: string;
  let infrastructure: Infrastructure;
  let url: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'plinth-limits-'));
    infrastructure = await createInfrastructure({
      clock,
      logging: { console: false },
      settings: { envFile: false, yamlFile: false, environment: { ENVIRONMENT: 'test', DATA_DIR: directory } },
    });
    const limiter = infrastructure.rateLimiter({
      name: 'login',
      requests: 1,
      windowMs: 60_000,
      whenUnavailable: 'closed',
    });
    const { guard } = infrastructure.dependency('billing', { ratePerSecond: 1, burst: 1, maxConcurrent: 2 });
    const server = await infrastructure.createServer({ apiPrefix: '' });
    await server.register(async api => {
      api.post('/login', { onRequest: limitRequests({ limiter }) }, async () => {
        const { value } = await guard.execute({ operation: 'account.read' }, async () => 'paid');
        return { value };
      });
    });
    ({ url } = await server.listen({ port: 0 }));
  });

  afterAll(async () => {
    await infrastructure.close();
    await rm(directory, { recursive: true, force: true });
  });

  it('says in plain words why a request was refused, and what the one before it did', async () => {
    const post = (id: string): Promise<Response> =>
      fetch(`${url}/login`, { method: 'POST', headers: { 'x-request-id': id } });
    expect((await post('first')).status).toBe(200);
    await clock.advance(48_000);
    expect((await post('second')).status).toBe(429);
    expect(infrastructure.why('second')?.lines).toEqual([
      'POST /login: 429 LIMIT_EXCEEDED after 0ms because the limit "login" allows 1 within 1m by address, 0 left, again in 12s',
      'Limit denied: the limit "login" allows 1 within 1m by address, 0 left, again in 12s; decided in memory',
    ]);
    expect(infrastructure.why('first')?.lines).toEqual([
      'POST /login: 200 after 0ms',
      'Limit allowed: the limit "login" allows 1 within 1m by address, 0 left; decided in memory',
      expect.stringContaining('Call billing account.read: answered after 0ms'),
    ]);
    expect(infrastructure.why('unheard of')).toBeUndefined();

    // Clients choose ids, so that several requests may have the same one.
    await post('second');
    expect(infrastructure.why('second')?.requests).toHaveLength(2);
    expect(infrastructure.why('second')?.lines).toHaveLength(4);
  });

  it('shows limits, slots and retries in metrics, and denials and changes in the logs without the subject', async () => {
    const { guard, breaker } = infrastructure.dependencies.get('billing') ?? expect.fail('There is no such dependency');
    guard.reconfigure({ retry: { maxAttempts: 2 } });
    infrastructure.limits.list()[0]?.reconfigure({ requests: 3 });
    breaker.reconfigure({ mode: 'shadow' });
    const metrics = ((await infrastructure.metrics?.render()) ?? '').split('\n');
    for (const line of [
      'plinth_limiter_decisions_total{limiter="login",outcome="allowed"} 1',
      'plinth_limiter_decisions_total{limiter="login",outcome="denied"} 2',
      'plinth_limiter_waiting{limiter="billing"} 0',
      'plinth_concurrency_limit{dependency="billing"} 2',
      'plinth_retry_amplification_ratio{dependency="billing"} 1',
    ])
      expect(metrics).toContain(line);

    infrastructure.logging.flush();
    const log = await readFile(join(directory, 'logs', 'app.log'), 'utf8');
    expect(log).toMatch(/rate_limit .*\[second\] \| Limit login: denied/);
    expect(log).toMatch(/api\.billing .*Numbers changed/);
    expect(log).toMatch(/Limit login: numbers changed/);
    expect(log).not.toContain('127.0.0.1');
  });

  it('does not take a breaker in shadow for an outage', async () => {
    const { guard, breaker } = infrastructure.dependency('shipping', { failureThreshold: 1, maxAttempts: 1 });
    breaker.reconfigure({ mode: 'shadow' });
    await guard.execute({ operation: 'read' }, () => Promise.reject(new TypeError('broken'))).catch(() => {});
    await breaker.execute(() => Promise.reject(new TypeError('broken'))).catch(() => {});
    breaker.importState({ ...breaker.exportState(), state: 'open', retryInMs: 60_000, breakMs: 60_000 });
    expect(breaker.state).toBe('open');
    expect((await infrastructure.health.ready()).checks['shipping']).toMatchObject({ status: 'up' });
    expect(await infrastructure.metrics?.render()).toContain('circuit_breaker_state{service_name="shipping"} 0');
  });
});
