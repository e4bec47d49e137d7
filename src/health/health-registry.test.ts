import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ArgumentError, FailedError, TimeoutError } from '../errors/index.ts';
import { VirtualClock } from '../testing/index.ts';
import {
  eventLoopCheck,
  type HealthCheckResult,
  type HealthEvents,
  HealthRegistry,
  type HealthStatus,
} from './index.ts';

const up = (): HealthCheckResult => ({ status: 'up' });

function setUp() {
  const clock = new VirtualClock();
  return { clock, health: new HealthRegistry({ clock }) };
}

describe('HealthRegistry', () => {
  it('is up when there is nothing to check', async () => {
    const { health } = setUp();
    expect(await health.live()).toEqual({ status: 'up', checks: {} });
    expect(await health.ready()).toEqual({ status: 'up', checks: {} });
  });

  it('consults only live checks for liveness', async () => {
    const { health } = setUp();
    let outside = 0;
    health.register({ name: 'loop', kind: 'live', check: up });
    health.register({ name: 'memory', kind: 'both', check: up });
    health.register({
      name: 'database',
      check: () => {
        outside += 1;
        return { status: 'down', message: 'No connection' };
      },
    });
    const live = await health.live();
    expect(live.status).toBe('up');
    expect(Object.keys(live.checks)).toEqual(['loop', 'memory']);
    expect(outside).toBe(0);
    const ready = await health.ready();
    expect(ready.status).toBe('down');
    expect(Object.keys(ready.checks)).toEqual(['memory', 'database']);
    expect(ready.checks['database']).toMatchObject({ status: 'down', message: 'No connection', critical: true });
  });

  it('is degraded when only something dispensable is down', async () => {
    const { health } = setUp();
    health.register({ name: 'database', check: up });
    health.register({ name: 'redis', critical: false, check: () => ({ status: 'down' }) });
    expect((await health.ready()).status).toBe('degraded');
  });

  it('calls a hanging check down in time and aborts its work', async () => {
    const { clock, health } = setUp();
    let aborted: unknown;
    health.register({
      name: 'upstream',
      timeoutMs: 500,
      check: signal =>
        new Promise(() => {
          signal.addEventListener('abort', () => {
            aborted = signal.reason;
          });
        }),
    });
    const asking = health.ready();
    await clock.advance(499);
    expect(aborted).toBeUndefined();
    await clock.advance(1);
    const report = await asking;
    expect(aborted).toBeInstanceOf(TimeoutError);
    expect(report.checks['upstream']).toMatchObject({
      status: 'down',
      message: 'No answer within 500ms',
      durationMs: 500,
    });
    expect(clock.pendingTimers).toBe(0);
  });

  it('starts no further run while ten abandoned ones hang, and goes on when they end', async () => {
    const { clock, health } = setUp();
    const endings: (() => void)[] = [];
    health.register({
      name: 'stuck',
      timeoutMs: 10,
      cacheMs: 0,
      check: () => new Promise(resolve => endings.push(() => resolve(up()))),
    });
    for (let round = 0; round < 15; round += 1) {
      const asking = health.ready();
      await clock.advance(10);
      await asking;
    }
    expect(endings).toHaveLength(10);
    expect((await health.ready()).checks['stuck']?.message).toBe('10 earlier runs of this check still hang');
    for (const end of endings) end();
    await clock.advance(1);
    const asking = health.ready();
    await clock.advance(1);
    endings.at(-1)?.();
    expect((await asking).status).toBe('up');
  });

  it('shares one run among all who ask, and reuses its answer until it is old', async () => {
    const { clock, health } = setUp();
    let runs = 0;
    health.register({
      name: 'database',
      cacheMs: 1_000,
      check: async signal => {
        runs += 1;
        await clock.sleep(50, signal);
        return { status: 'up' };
      },
    });
    const asking = Promise.all(Array.from({ length: 50 }, () => health.ready()));
    await clock.advance(50);
    await asking;
    expect(runs).toBe(1);
    await clock.advance(999);
    await health.ready();
    expect(runs).toBe(1);
    await clock.advance(1);
    const again = health.ready();
    await clock.advance(50);
    await again;
    expect(runs).toBe(2);
  });

  it('shows what a check throws only when the message is ours', async () => {
    const { health } = setUp();
    const foreign = Object.assign(new TypeError('connect to postgres://admin:hunter2@10.0.0.1 failed'), {
      code: 'ECONNREFUSED',
    });
    health.register({ name: 'ours', check: () => Promise.reject(new FailedError('The pool is empty')) });
    health.register({
      name: 'foreign',
      check() {
        throw foreign;
      },
    });
    health.register({ name: 'wrong', check: () => undefined as unknown as HealthCheckResult });
    const errors: unknown[] = [];
    health.events.on('status-changed', event => errors.push(event.error));
    const { checks } = await health.ready();
    expect(checks['ours']?.message).toBe('The pool is empty');
    expect(checks['foreign']?.message).toBe('The check failed: ECONNREFUSED');
    expect(checks['wrong']).toMatchObject({ status: 'down', message: 'The check gave no status' });
    expect(errors).toContain(foreign);
  });

  it('tells changes only', async () => {
    const { clock, health } = setUp();
    const events: HealthEvents['status-changed'][] = [];
    health.events.on('status-changed', event => events.push(event));
    let status: HealthStatus = 'up';
    health.register({ name: 'redis', cacheMs: 0, check: () => ({ status }) });
    await health.ready();
    await health.ready();
    status = 'degraded';
    await clock.advance(1);
    await health.ready();
    expect(events).toEqual([
      { name: 'redis', from: 'unknown', to: 'up' },
      { name: 'redis', from: 'up', to: 'degraded' },
    ]);
  });

  it('gives a snapshot without running anything', async () => {
    const { health } = setUp();
    let runs = 0;
    health.register({
      name: 'database',
      check: () => {
        runs += 1;
        return { status: 'up', details: { idle: 3 } };
      },
    });
    expect(health.snapshot().ready).toEqual({
      status: 'degraded',
      checks: { database: { status: 'unknown', critical: true } },
    });
    expect(runs).toBe(0);
    await health.ready();
    expect(health.snapshot().ready).toMatchObject({
      status: 'up',
      checks: { database: { status: 'up', details: { idle: 3 } } },
    });
    expect(runs).toBe(1);
  });

  it('is not ready, but live, while it accepts nothing', async () => {
    const { health } = setUp();
    const accepted: boolean[] = [];
    health.events.on('accepting-changed', event => accepted.push(event.accepting));
    health.register({ name: 'loop', kind: 'both', check: up });
    health.setAccepting(false);
    health.setAccepting(false);
    expect((await health.ready()).status).toBe('down');
    expect((await health.live()).status).toBe('up');
    expect(health.snapshot()).toMatchObject({ accepting: false, ready: { status: 'down' } });
    health.setAccepting(true);
    expect((await health.ready()).status).toBe('up');
    expect(accepted).toEqual([false, true]);
  });

  it('forgets an unregistered check and aborts its run', async () => {
    const { clock, health } = setUp();
    let signal: AbortSignal | undefined;
    const registration = health.register({
      name: 'slow',
      check: given => {
        signal = given;
        return new Promise(() => {});
      },
    });
    const asking = health.ready();
    await clock.advance(0);
    registration.unregister();
    registration.unregister();
    expect(signal?.aborted).toBe(true);
    expect((await asking).status).toBe('down');
    expect(await health.ready()).toEqual({ status: 'up', checks: {} });
    expect(clock.pendingTimers).toBe(0);
    using _ = health.register({ name: 'slow', check: up });
  });

  it.each([
    ['name', { name: '', check: up }],
    ['name', { name: 'taken', check: up }],
    ['timeoutMs', { name: 'a', check: up, timeoutMs: 0 }],
    ['timeoutMs', { name: 'a', check: up, timeoutMs: Number.NaN }],
    ['cacheMs', { name: 'a', check: up, cacheMs: -1 }],
  ])('refuses an unusable %s', (argument, check) => {
    const { health } = setUp();
    health.register({ name: 'taken', check: up });
    expect(() => health.register(check)).toThrow(expect.objectContaining({ argument }) as ArgumentError);
  });

  it('is as bad as its worst check that counts', async () => {
    const status = fc.constantFrom<HealthStatus>('up', 'degraded', 'down');
    await fc.assert(
      fc.asyncProperty(fc.array(fc.record({ status, critical: fc.boolean() }), { maxLength: 8 }), async checks => {
        const { health } = setUp();
        for (const [index, check] of checks.entries()) {
          health.register({
            name: `check-${index}`,
            critical: check.critical,
            check: () => ({ status: check.status }),
          });
        }
        const expected = checks.some(check => check.critical && check.status === 'down')
          ? 'down'
          : checks.every(check => check.status === 'up')
            ? 'up'
            : 'degraded';
        expect((await health.ready()).status).toBe(expected);
        expect(health.snapshot().ready.status).toBe(expected);
      }),
      { numRuns: 50 },
    );
  });
});

describe('eventLoopCheck()', () => {
  it('is up while timers fire in time', async () => {
    const { clock, health } = setUp();
    health.register(eventLoopCheck({ clock }));
    const asking = health.live();
    await clock.advance(5);
    expect((await asking).checks['event-loop']).toMatchObject({ status: 'up', details: { lag_seconds: 0 } });
  });

  it('is down when a timer fires too late', async () => {
    const clock = new VirtualClock();
    let lateMs = 0;
    const late = {
      ...clock,
      monotonic: () => lateMs,
      sleep: async () => {
        lateMs += 1_505;
      },
    } as unknown as VirtualClock;
    const result = await eventLoopCheck({ clock: late, maxLagMs: 1_000 }).check(new AbortController().signal);
    expect(result).toMatchObject({
      status: 'down',
      message: 'The event loop is 1500 ms late, expected at most 1000 ms',
    });
  });
});
