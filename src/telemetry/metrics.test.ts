import { spawnSync } from 'node:child_process';
import { register as globalRegister } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { ConfigurationError, NetworkError } from '../errors/index.ts';
import { Events } from '../kernel/index.ts';
import type { CallRecord } from '../pipeline/index.ts';
import { TokenBucketRateLimiter } from '../rate-limit/index.ts';
import { Bulkhead, CircuitBreaker, RetryBudget } from '../resilience/index.ts';
import { VirtualClock } from '../testing/index.ts';
import { createMetrics, type Metrics, MetricsCollector, metricDefinitions, type RequestEvents } from './index.ts';
import { loadPromClient } from './load-prom-client.ts';

function call(overrides: Partial<CallRecord> = {}): CallRecord {
  return {
    sequence: 1,
    dependency: 'openfda',
    operation: 'drugsfda.search',
    startedAt: 0,
    durationMs: 250,
    result: 'ok',
    freshness: 'fresh',
    attempts: 2,
    stages: [
      { stage: 'cache', decision: 'miss', atMs: 0 },
      { stage: 'retry', decision: 'retried', atMs: 100 },
      { stage: 'transport', decision: 'ok', atMs: 250 },
    ],
    ...overrides,
  };
}

async function lines(metrics: Metrics, name: string): Promise<string[]> {
  const text = await metrics.render();
  return text.split('\n').filter(line => line.startsWith(name));
}

describe('Metrics', () => {
  it('counts guarded calls from their records', async () => {
    using metrics = await createMetrics();
    const events = new Events<{ call: CallRecord }>();
    metrics.observeCalls(events);
    events.emit('call', call());
    const { freshness: _, ...refused } = call({ result: 'rejected', attempts: 0, stages: [] });
    events.emit('call', refused);
    expect(await lines(metrics, 'plinth_calls_total{')).toEqual([
      'plinth_calls_total{dependency="openfda",operation="drugsfda.search",result="ok",freshness="fresh"} 1',
      'plinth_calls_total{dependency="openfda",operation="drugsfda.search",result="rejected",freshness="none"} 1',
    ]);
    expect(await lines(metrics, 'plinth_call_attempts_total{')).toEqual([
      'plinth_call_attempts_total{dependency="openfda"} 2',
    ]);
    expect(await lines(metrics, 'plinth_call_duration_seconds_sum')).toEqual([
      'plinth_call_duration_seconds_sum{dependency="openfda",operation="drugsfda.search"} 0.5',
    ]);
    expect(await lines(metrics, 'plinth_stage_decisions_total{')).toContain(
      'plinth_stage_decisions_total{stage="retry",decision="retried"} 1',
    );
  });

  it('reads the state of a real breaker, and what it would have refused in shadow', async () => {
    using metrics = await createMetrics();
    const clock = new VirtualClock();
    const breaker = new CircuitBreaker({ name: 'billing', failureThreshold: 1, clock });
    metrics.observeBreaker(breaker);
    expect(() => metrics.observeBreaker(breaker)).toThrow('Cannot observe two circuits named "billing"');
    const state = async (): Promise<string | undefined> => (await lines(metrics, 'circuit_breaker_state{'))[0];
    expect(await state()).toBe('circuit_breaker_state{service_name="billing"} 0');
    await breaker.execute(() => Promise.reject(new NetworkError('gone'))).catch(() => {});
    expect(await state()).toBe('circuit_breaker_state{service_name="billing"} 2');

    breaker.reconfigure({ mode: 'shadow' });
    await breaker.execute(async () => 'let through');
    expect(await state()).toBe('circuit_breaker_state{service_name="billing"} 0');
    expect(await lines(metrics, 'plinth_circuit_shadow_rejections_total{')).toEqual([
      'plinth_circuit_shadow_rejections_total{service_name="billing"} 1',
    ]);
    breaker.reconfigure({ mode: 'normal' });
    expect(await state()).toBe('circuit_breaker_state{service_name="billing"} 2');
    await clock.advance(30_000);
    breaker.admit();
    expect(await state()).toBe('circuit_breaker_state{service_name="billing"} 1');
  });

  it('counts what limits decide about requests, and tells shadow and outage apart', async () => {
    using metrics = await createMetrics();
    const events = new Events<RequestEvents>();
    metrics.observeRequests(events);
    const request = { method: 'POST', endpoint: '/login', status: 429, durationMs: 1 };
    const limiter = 'login';
    const limits = [
      { limiter, allowed: true, outcome: 'allowed' },
      { limiter, allowed: false, outcome: 'denied' },
      { limiter, allowed: true, outcome: 'denied' },
      { limiter, allowed: true, outcome: 'unavailable' },
      { limiter, allowed: false, outcome: 'unavailable' },
    ] as const;
    events.emit('request-completed', { ...request, limits });
    events.emit('request-completed', request);
    expect(await lines(metrics, 'plinth_limiter_decisions_total{')).toEqual(
      ['allowed', 'denied', 'would-deny', 'unavailable-allowed', 'unavailable-denied'].map(
        outcome => `plinth_limiter_decisions_total{limiter="login",outcome="${outcome}"} 1`,
      ),
    );
  });

  it('counts who waits for a real limiter, and reads who waits now', async () => {
    using metrics = await createMetrics();
    const clock = new VirtualClock();
    const limiter = new TokenBucketRateLimiter({ name: 'openfda', ratePerSecond: 1, capacity: 1, maxKeys: 1, clock });
    metrics.observeLimiter(limiter);
    await limiter.wait();
    const waiting = limiter.wait();
    await limiter.wait('', { timeoutMs: 10 }).catch(() => {});
    expect(await lines(metrics, 'plinth_limiter_waiting{')).toEqual(['plinth_limiter_waiting{limiter="openfda"} 1']);
    await clock.advance(1_000);
    await waiting;
    limiter.check('another key');
    expect(await lines(metrics, 'plinth_limiter_waiting{')).toEqual(['plinth_limiter_waiting{limiter="openfda"} 0']);
    expect(await lines(metrics, 'plinth_limiter_decisions_total{')).toEqual([
      'plinth_limiter_decisions_total{limiter="openfda",outcome="rejected"} 1',
      'plinth_limiter_decisions_total{limiter="openfda",outcome="waited"} 1',
    ]);
    expect(await lines(metrics, 'plinth_limiter_evicted_keys_total{')).toEqual([
      'plinth_limiter_evicted_keys_total{limiter="openfda"} 1',
    ]);
    limiter.close();
  });

  it('counts retries and hedges, and reads budgets, slots and connections', async () => {
    using metrics = await createMetrics();
    const events = new Events<{ call: CallRecord }>();
    metrics.observeCalls(events);
    events.emit('call', call({ stages: [{ stage: 'retry', decision: 'retried', atMs: 0 }] }));
    events.emit('call', call({ stages: [{ stage: 'hedge', decision: 'hedged', atMs: 0 }] }));
    const clock = new VirtualClock();
    const budget = new RetryBudget({ name: 'openfda', clock });
    for (let count = 0; count < 4; count += 1) budget.recordCall();
    budget.tryWithdraw();
    metrics.observeRetryBudget('openfda', () => budget.stats());
    const slots = new Bulkhead({ name: 'openfda', maxConcurrent: 1, clock });
    slots.tryAcquire();
    void slots.acquire();
    metrics.observeConcurrency('openfda', () => ({ ...slots.snapshot(), limit: slots.settings.maxConcurrent }));
    const redis: { name: string; status: 'ready' | 'away' } = { name: 'redis', status: 'ready' };
    metrics.observeRedis(redis);
    const text = await metrics.render();
    for (const line of [
      'plinth_call_retries_total{dependency="openfda"} 1',
      'plinth_call_hedges_total{dependency="openfda"} 1',
      'plinth_retry_amplification_ratio{dependency="openfda"} 1.25',
      `plinth_retry_budget_available{dependency="openfda"} ${budget.available}`,
      'plinth_concurrency_active{dependency="openfda"} 1',
      'plinth_concurrency_queued{dependency="openfda"} 1',
      'plinth_concurrency_limit{dependency="openfda"} 1',
      'plinth_redis_up{connection="redis"} 1',
    ])
      expect(text.split('\n')).toContain(line);
    redis.status = 'away';
    expect(await lines(metrics, 'plinth_redis_up{')).toEqual(['plinth_redis_up{connection="redis"} 0']);
  });

  it('counts requests under the labels of the documents', async () => {
    using metrics = await createMetrics({ appName: 'shop' });
    const events = new Events<RequestEvents>();
    metrics.observeRequests(events);
    events.emit('request-completed', { method: 'GET', endpoint: '/users/:id', status: 200, durationMs: 40 });
    events.emit('request-completed', { method: 'GET', endpoint: '/users/:id', status: 0, durationMs: 60 });
    expect(await lines(metrics, 'request_count_total{')).toEqual([
      'request_count_total{app_name="shop",endpoint="/users/:id"} 2',
    ]);
    expect(await lines(metrics, 'request_latency_seconds_sum')).toEqual([
      'request_latency_seconds_sum{app_name="shop",endpoint="/users/:id"} 0.1',
    ]);
    expect(await lines(metrics, 'plinth_responses_total{')).toEqual([
      'plinth_responses_total{method="GET",endpoint="/users/:id",status_class="2xx"} 1',
      'plinth_responses_total{method="GET",endpoint="/users/:id",status_class="aborted"} 1',
    ]);
  });

  it('reads caches at the scrape, until they are taken away', async () => {
    using metrics = await createMetrics();
    const stats = { hits: 1, misses: 2, stale: 0, evictions: 4, entries: 5 };
    const subscription = metrics.observeCache('prices', () => stats);
    expect(() => metrics.observeCache('prices', () => stats)).toThrow('Cannot observe two caches named "prices"');
    await metrics.render();
    stats.hits = 10;
    expect(await lines(metrics, 'plinth_cache_hits_total{')).toEqual(['plinth_cache_hits_total{cache="prices"} 10']);
    expect(await lines(metrics, 'plinth_cache_entries{')).toEqual(['plinth_cache_entries{cache="prices"} 5']);
    subscription.unsubscribe();
    expect(await lines(metrics, 'plinth_cache_hits_total{')).toEqual([]);
  });

  it('keeps 200 label sets per metric and counts the rest as other, without losing any', async () => {
    using metrics = await createMetrics({ appName: 'shop' });
    const events = new Events<RequestEvents>();
    metrics.observeRequests(events);
    for (let index = 0; index < 1_000; index += 1) {
      events.emit('request-completed', { method: 'GET', endpoint: `/path-${index}`, status: 200, durationMs: 1 });
    }
    events.emit('request-completed', { method: 'GET', endpoint: '/path-0', status: 200, durationMs: 1 });
    const counted = await lines(metrics, 'request_count_total{');
    expect(counted).toHaveLength(201);
    expect(counted).toContain('request_count_total{app_name="shop",endpoint="other"} 800');
    expect(counted).toContain('request_count_total{app_name="shop",endpoint="/path-0"} 2');
    expect(await lines(metrics, 'plinth_metric_overflow_total{')).toContain(
      'plinth_metric_overflow_total{metric="request_count_total"} 800',
    );
  });

  it('stops listening when closed, keeps what it counted, and leaves the global registry alone', async () => {
    const metrics = await createMetrics();
    const events = new Events<{ call: CallRecord }>();
    metrics.observeCalls(events);
    events.emit('call', call());
    metrics.close();
    metrics.close();
    expect(events.has('call')).toBe(false);
    expect(await lines(metrics, 'plinth_calls_total{')).toHaveLength(1);
    expect(globalRegister.getMetricsAsArray()).toEqual([]);
  });

  it('knows when the process started', async () => {
    const clock = new VirtualClock();
    using metrics = await createMetrics({ clock });
    const [line = ''] = await lines(metrics, 'process_start_time_seconds ');
    const agoSeconds = clock.now() / 1_000 - Number(line.split(' ')[1]);
    expect(agoSeconds).toBeGreaterThanOrEqual(0);
    expect(agoSeconds).toBeLessThan(3_600);
  });

  it('refuses a bound that is none', async () => {
    await expect(createMetrics({ maxLabelSets: 0 })).rejects.toThrow(
      'maxLabelSets must be a whole number of at least 1, got 0',
    );
  });

  it('exposes each metric of the table, under its help, and nothing else', async () => {
    using metrics = await createMetrics();
    const text = await metrics.render();
    for (const { name, type, help } of metricDefinitions) {
      expect(text).toContain(`# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`);
    }
    expect(text.match(/^# TYPE /gm)).toHaveLength(metricDefinitions.length);
    expect(metrics.contentType).toBe('text/plain; version=0.0.4; charset=utf-8');
  });

  const promtool = spawnSync('promtool', ['--version']).status === 0;
  if (!promtool && process.env['PLINTH_REQUIRE_SERVERS'] === '1')
    throw new TypeError('promtool is not on this machine');
  it.skipIf(!promtool)('is clean for promtool check metrics', async () => {
    using metrics = await createMetrics();
    const calls = new Events<{ call: CallRecord }>();
    metrics.observeCalls(calls);
    calls.emit('call', call());
    metrics.observeCache('prices', () => ({ hits: 1, misses: 2, stale: 0, evictions: 4, entries: 5 }));
    new MetricsCollector({ metrics }).recordRequest('fda_api', { durationSeconds: 0.5, status: 200 });
    const checked = spawnSync('promtool', ['check', 'metrics'], { input: await metrics.render(), encoding: 'utf8' });
    expect(checked.stdout + checked.stderr).toBe('');
    expect(checked.status).toBe(0);
  });
});

describe('MetricsCollector', () => {
  it('sums up what it was told', () => {
    const collector = new MetricsCollector();
    expect(collector.stats()).toMatchObject({ cacheHitRate: 0, averageLatencySeconds: 0 });
    collector.recordRequest('fda_api', { durationSeconds: 0.5, status: 200 });
    collector.recordRequest('fda_api', { durationSeconds: 1.5, status: 503 });
    collector.recordCacheHit('memory');
    collector.recordCacheHit('memory');
    collector.recordCacheHit('redis');
    collector.recordCacheMiss('redis');
    collector.recordRateLimit('clinicaltrials.gov');
    expect(collector.stats()).toEqual({
      requests: 2,
      failures: 1,
      averageLatencySeconds: 1,
      cacheHits: 3,
      cacheMisses: 1,
      cacheHitRate: 0.75,
      rateLimited: 1,
    });
    expect(() => collector.recordRequest('fda_api', { durationSeconds: Number.NaN, status: 200 })).toThrow(
      'NaN seconds',
    );
  });

  it('counts on the registry as well', async () => {
    using metrics = await createMetrics();
    const collector = new MetricsCollector({ metrics });
    collector.recordRequest('fda_api', { durationSeconds: 0.5, status: 429 });
    collector.recordCacheHit('memory');
    collector.recordRateLimit('clinicaltrials.gov');
    const text = await metrics.render();
    expect(text).toContain('plinth_source_requests_total{source="fda_api",status_class="4xx"} 1');
    expect(text).toContain('plinth_cache_tier_reads_total{tier="memory",outcome="hit"} 1');
    expect(text).toContain('plinth_rate_limited_total{domain="clinicaltrials.gov"} 1');
  });
});

describe('loadPromClient()', () => {
  it('names the package to install when it is missing', async () => {
    const missing = (): Promise<never> => Promise.reject(new TypeError('Cannot find package'));
    await expect(loadPromClient(missing)).rejects.toThrow(ConfigurationError);
    await expect(loadPromClient(missing)).rejects.toThrow('npm install prom-client@15');
  });
});
