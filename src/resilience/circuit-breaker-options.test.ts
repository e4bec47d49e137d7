import { describe, expect, it } from 'vitest';
import { NetworkError, RejectedError } from '../errors/index.ts';
import { VirtualClock } from '../testing/index.ts';
import {
  backoffOf,
  CircuitBreaker,
  type CircuitBreakerOptions,
  type CircuitMode,
  type CircuitRecord,
} from './index.ts';

const fail = (): Promise<never> => Promise.reject(new NetworkError('broken'));
const succeed = async (): Promise<string> => 'value';

/** Makes calls, `-` for a failure and anything else for a success, and gives the state after each. */
async function call(breaker: CircuitBreaker, outcomes: string): Promise<string> {
  let states = '';
  for (const outcome of outcomes) {
    await breaker.execute<unknown>(outcome === '-' ? fail : succeed).catch(() => {});
    states += breaker.state === 'half-open' ? 'h' : breaker.state.charAt(0);
  }
  return states;
}

describe('CircuitBreaker with a window', () => {
  it('opens by the share of failures among the last so many calls, once there are enough', async () => {
    const window = { kind: 'count', size: 4, minimumCalls: 3, failureRate: 0.5 } as const;
    expect(await call(new CircuitBreaker({ window, clock: new VirtualClock() }), '--')).toBe('cc');
    expect(await call(new CircuitBreaker({ window, clock: new VirtualClock() }), '--+')).toBe('cco');
    expect(await call(new CircuitBreaker({ window, clock: new VirtualClock() }), '-++++-+-')).toBe('ccccccco');
  });

  it('lets failures leave a window of time', async () => {
    const clock = new VirtualClock();
    const window = { kind: 'time', windowMs: 1_000, buckets: 10, minimumCalls: 4, failureRate: 0.5 } as const;
    const breaker = new CircuitBreaker({ window, clock });
    await call(breaker, '--+');
    expect(breaker.snapshot()).toMatchObject({ failures: 2, failureThreshold: 2, calls: 3, slowCalls: 0 });
    await clock.advance(1_000);
    expect(breaker.snapshot()).toMatchObject({ failures: 0, calls: 0 });
    expect(await call(breaker, '+--+')).toBe('ccco');
  });

  it('opens when too many calls are slow, though they succeed', async () => {
    const clock = new VirtualClock();
    const window = { kind: 'count', size: 2, slowCallMs: 100, slowCallRate: 0.5 } as const;
    const breaker = new CircuitBreaker({ window, clock });
    const reasons: string[] = [];
    breaker.events.on('state-changed', ({ reason }) => reasons.push(reason));
    for (const latencyMs of [100, 101]) {
      const result = breaker.execute(() => clock.sleep(latencyMs));
      await clock.advance(latencyMs);
      await result;
    }
    expect(breaker.measuresDuration).toBe(true);
    expect(breaker.state).toBe('open');
    expect(reasons).toEqual(['1 slow calls in 2']);
  });

  it('decides by the share of bad probes whether it closes', async () => {
    const clock = new VirtualClock();
    const window = { kind: 'count', size: 2, failureRate: 0.5 } as const;
    const breaker = new CircuitBreaker({ window, halfOpenProbes: 4, recoveryTimeMs: 100, clock });
    await call(breaker, '--');
    await clock.advance(100);
    expect(await call(breaker, '-++-')).toBe('hhho');
    await clock.advance(100);
    expect(await call(breaker, '-+++')).toBe('hhhc');
  });

  it.each<[string, object]>([
    ['window.kind', { kind: 'other' }],
    ['window.size', { kind: 'count', size: 0 }],
    ['window.minimumCalls', { kind: 'count', size: 10, minimumCalls: 11 }],
    ['window.failureRate', { kind: 'count', failureRate: 0 }],
    ['window.failureRate', { kind: 'count', failureRate: 1.1 }],
    ['window.slowCallMs', { kind: 'time', slowCallMs: -1 }],
    ['window.slowCallRate', { kind: 'time', slowCallRate: Number.NaN }],
    ['window.windowMs', { kind: 'time', windowMs: 0 }],
    ['window.buckets', { kind: 'time', buckets: 0.5 }],
    ['window.minimumCalls', { kind: 'time', minimumCalls: 0 }],
  ])('refuses %s in %j', (argument, window) => {
    const options = { window } as CircuitBreakerOptions;
    expect(() => new CircuitBreaker(options)).toThrow(expect.objectContaining({ argument }));
  });

  it('refuses both ways to open at once', () => {
    const options = { failureThreshold: 5, window: { kind: 'count' } } as unknown as CircuitBreakerOptions;
    expect(() => new CircuitBreaker(options)).toThrow(expect.objectContaining({ argument: 'failureThreshold' }));
  });
});

describe('CircuitBreaker while half-open', () => {
  it('closes when all probes have succeeded, and opens again at the first that fails', async () => {
    const clock = new VirtualClock();
    const breaker = new CircuitBreaker({ failureThreshold: 1, halfOpenProbes: 3, recoveryTimeMs: 100, clock });
    await call(breaker, '-');
    await clock.advance(100);
    expect(await call(breaker, '++-')).toBe('hho');
    await clock.advance(100);
    expect(await call(breaker, '+++')).toBe('hhc');
  });

  it('takes longer breaks as it opens again and again, and short ones after it was closed', async () => {
    const clock = new VirtualClock();
    const breaker = new CircuitBreaker({ failureThreshold: 1, recoveryTimeMs: backoffOf([100, 500, 2_000]), clock });
    const breaksMs: unknown[] = [];
    for (const outcome of ['-', '-', '-', '-', '+', '-']) {
      await call(breaker, outcome);
      breaksMs.push(breaker.snapshot().retryInMs);
      await clock.advance(breaker.recoveryTimeMs);
    }
    expect(breaksMs).toEqual([100, 500, 2_000, 2_000, undefined, 100]);
  });
});

describe('CircuitBreaker.admit', () => {
  it('is the same as execute, for those who run the work themselves', async () => {
    const clock = new VirtualClock();
    const breaker = new CircuitBreaker({ failureThreshold: 2, clock });
    breaker.failed(breaker.admit(), new NetworkError('one'));
    breaker.failed(breaker.admit(), new RejectedError('ours', 'full'));
    breaker.released(breaker.admit());
    expect(breaker.snapshot()).toMatchObject({ state: 'closed', failures: 1 });
    breaker.succeeded(breaker.admit());
    expect(breaker.snapshot().failures).toBe(0);
    for (let failure = 0; failure < 2; failure += 1) breaker.failed(breaker.admit(), new NetworkError('one'));
    expect(() => breaker.admit()).toThrow(RejectedError);
    expect(breaker.tryAdmit()).toBeUndefined();
    await clock.advance(30_000);
    const probe = breaker.admit();
    expect(breaker.tryAdmit()).toBeUndefined();
    breaker.released(probe);
    expect(breaker.tryAdmit()).toBeDefined();
  });

  it('gives all calls that are refused within a millisecond one error, and others another', async () => {
    const clock = new VirtualClock();
    const breaker = new CircuitBreaker({ failureThreshold: 1, clock });
    await call(breaker, '-');
    const first = breaker.refusal();
    expect(breaker.refusal()).toBe(first);
    await clock.advance(1);
    expect(breaker.refusal()).not.toBe(first);
    expect(breaker.refusal().retryAfterMs).toBe(29_999);
  });
});

describe('CircuitBreaker modes', () => {
  it('refuse or admit everything by force, and go on afterwards from where the circuit was', async () => {
    const clock = new VirtualClock();
    const breaker = new CircuitBreaker({ failureThreshold: 2, clock });
    const told: string[] = [];
    breaker.events.on('state-changed', ({ from, to, reason, mode }) => told.push(`${from} ${to}: ${reason}, ${mode}`));
    await call(breaker, '-');
    breaker.force('open');
    await clock.advance(1e9);
    await expect(breaker.execute(succeed)).rejects.toMatchObject({
      reason: 'open',
      message: expect.stringContaining('by hand'),
    });
    expect(breaker.snapshot()).toMatchObject({ state: 'open', mode: 'forced-open' });
    breaker.force('closed');
    expect(await call(breaker, '----')).toBe('cccc');
    breaker.reconfigure({ mode: 'normal' });
    expect(await call(breaker, '-')).toBe('o');
    expect(breaker.snapshot()).not.toHaveProperty('mode');
    expect(told).toEqual([
      'closed open: mode forced-open, forced-open',
      'open closed: mode forced-closed, forced-closed',
      'closed open: 2 failures in a row, undefined',
    ]);
  });

  it('decide without acting in the shadow, and can be promoted', async () => {
    const clock = new VirtualClock();
    const breaker = new CircuitBreaker({ failureThreshold: 2, mode: 'shadow', clock });
    let wouldReject = 0;
    breaker.events.on('would-reject', () => {
      wouldReject += 1;
    });
    await call(breaker, '--');
    expect(breaker.snapshot()).toMatchObject({ state: 'open', mode: 'shadow' });
    await expect(breaker.execute(succeed)).resolves.toBe('value');
    expect(wouldReject).toBe(1);
    breaker.reconfigure({ mode: 'normal' });
    await expect(breaker.execute(succeed)).rejects.toThrow(RejectedError);
  });

  it('are known by name only', () => {
    expect(() => new CircuitBreaker({ mode: 'off' as CircuitMode })).toThrow(
      expect.objectContaining({ argument: 'mode' }),
    );
  });
});

describe('CircuitBreaker.reconfigure', () => {
  it('changes numbers at once, all or none, and tells', async () => {
    const breaker = new CircuitBreaker({ failureThreshold: 5, clock: new VirtualClock() });
    const told: unknown[] = [];
    breaker.events.on('reconfigured', settings => told.push(settings));
    await call(breaker, '--');
    breaker.reconfigure({ failureThreshold: 3 });
    const wrong = { failureThreshold: 4, halfOpenProbes: 0 };
    expect(() => breaker.reconfigure(wrong)).toThrow(expect.objectContaining({ argument: 'halfOpenProbes' }));
    expect(told).toEqual([breaker.settings]);
    expect(Object.isFrozen(breaker.settings)).toBe(true);
    expect(breaker.settings.failureThreshold).toBe(3);
    expect(await call(breaker, '-')).toBe('o');
  });

  it('goes from failures in a row to a window and back', async () => {
    const breaker = new CircuitBreaker({ failureThreshold: 2, clock: new VirtualClock() });
    const before = breaker.settings;
    breaker.reconfigure({ window: { kind: 'count', size: 4 } });
    expect(breaker.settings).toMatchObject({ failureThreshold: undefined, window: { size: 4, minimumCalls: 4 } });
    expect(await call(breaker, '--')).toBe('cc');
    // The settings of a moment ago are a change like any other; what is counted already is kept.
    breaker.reconfigure(breaker.settings);
    expect(breaker.snapshot().failures).toBe(2);
    breaker.reconfigure(before);
    expect(breaker.settings).toEqual(before);
    expect(await call(breaker, '--')).toBe('co');
  });

  it('gives a number back its default', () => {
    const breaker = new CircuitBreaker({ failureThreshold: 2, recoveryTimeMs: 5 });
    breaker.reconfigure({ recoveryTimeMs: undefined });
    expect(breaker.settings).toMatchObject({ failureThreshold: 2, recoveryTimeMs: 30_000 });
  });
});

describe('CircuitBreaker.exportState', () => {
  it('goes on in another process, however its clock stands', async () => {
    const clock = new VirtualClock();
    const breaker = new CircuitBreaker({ failureThreshold: 1, clock });
    await call(breaker, '-');
    await clock.advance(10_000);
    const record: CircuitRecord = JSON.parse(JSON.stringify(breaker.exportState()));
    const elsewhere = new VirtualClock();
    await elsewhere.advance(1e6);
    const other = new CircuitBreaker({ failureThreshold: 1, clock: elsewhere });
    other.importState(record);
    expect(other.snapshot()).toMatchObject({ state: 'open', retryInMs: 20_000, failures: 1 });
    await elsewhere.advance(20_000);
    expect(await call(other, '+')).toBe('c');
  });

  it('leaves out what a window of another size has counted', async () => {
    const clock = new VirtualClock();
    const breaker = new CircuitBreaker({ window: { kind: 'count', size: 10 }, clock });
    await call(breaker, '---');
    const other = new CircuitBreaker({ window: { kind: 'time' }, clock });
    other.importState(breaker.exportState());
    expect(other.snapshot()).toMatchObject({ state: 'closed', calls: 0 });
  });

  it.each<[string, object | null]>([
    ['record', null],
    ['version', { version: 2 }],
    ['state', { state: 'half-open' }],
    ['failures', { failures: -1 }],
    ['breaks', { breaks: 0.5 }],
    ['breakMs', { breakMs: Number.NaN }],
    ['retryInMs', { retryInMs: '5' }],
    ['outcomes', { outcomes: [1, -1] }],
    ['outcomes', { outcomes: 'none' }],
  ])('is not taken back when its %s is %j', (argument, change) => {
    const breaker = new CircuitBreaker();
    const before = breaker.exportState();
    const record = (change && { ...before, ...change }) as CircuitRecord;
    expect(() => breaker.importState(record)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT', argument }));
    expect(breaker.exportState()).toEqual(before);
  });
});
