import { EventEmitter, once } from 'node:events';
import { describe, expect, it } from 'vitest';
import {
  NetworkError,
  NotFoundError,
  RateLimitError,
  RejectedError,
  ScraperError,
  TimeoutError,
  UpstreamError,
  ValidationError,
} from '../errors/index.ts';
import { VirtualClock } from '../testing/index.ts';
import { CircuitBreaker, isDependencyFailure } from './index.ts';

const fail =
  (error: unknown = new NetworkError('broken')) =>
  () =>
    Promise.reject(error);
const succeed = async (): Promise<string> => 'value';

async function trip(breaker: CircuitBreaker): Promise<void> {
  while (breaker.state !== 'open') await breaker.execute(fail()).catch(() => {});
}

describe('CircuitBreaker', () => {
  it('passes values and errors through while closed', async () => {
    const breaker = new CircuitBreaker();
    await expect(breaker.execute(succeed)).resolves.toBe('value');
    await expect(breaker.execute(fail(new TypeError('theirs')))).rejects.toThrow('theirs');
    expect(breaker.state).toBe('closed');
  });

  it('opens after so many failures in a row, and a success in between starts the count anew', async () => {
    const breaker = new CircuitBreaker({ failureThreshold: 3, clock: new VirtualClock() });
    for (const work of [fail(), fail(), succeed, fail(), fail()]) await breaker.execute<unknown>(work).catch(() => {});
    expect(breaker.snapshot()).toMatchObject({ state: 'closed', failures: 2 });
    await breaker.execute(fail()).catch(() => {});
    expect(breaker.snapshot()).toMatchObject({ state: 'open', failures: 3, failureThreshold: 3 });
  });

  it('refuses without running the work while open, and says for how long', async () => {
    const clock = new VirtualClock();
    const breaker = new CircuitBreaker({ name: 'billing', recoveryTimeMs: 30_000, clock });
    await trip(breaker);
    await clock.advance(12_000);
    let ran = false;
    const refused = breaker.execute(async () => {
      ran = true;
    });
    await expect(refused).rejects.toMatchObject({
      name: 'RejectedError',
      code: 'CIRCUIT_OPEN',
      reason: 'open',
      retryAfterMs: 18_000,
      retryable: false,
      message: expect.stringContaining('"billing"'),
    });
    expect(ran).toBe(false);
    expect(breaker.snapshot().retryInMs).toBe(18_000);
  });

  it('lets one probe through after the recovery time, and closes when it succeeds', async () => {
    const clock = new VirtualClock();
    const breaker = new CircuitBreaker({ clock });
    await trip(breaker);
    await clock.advance(29_999);
    await expect(breaker.execute(succeed)).rejects.toThrow(RejectedError);
    await clock.advance(1);
    const probe = breaker.execute(succeed);
    expect(breaker.state).toBe('half-open');
    await expect(breaker.execute(succeed)).rejects.toMatchObject({ reason: 'open', retryAfterMs: 1_000 });
    await probe;
    expect(breaker.snapshot()).toEqual({ name: 'circuit', state: 'closed', failures: 0, failureThreshold: 5 });
  });

  it('opens for another recovery time when the probe fails', async () => {
    const clock = new VirtualClock();
    const breaker = new CircuitBreaker({ clock });
    await trip(breaker);
    await clock.advance(30_000);
    await breaker.execute(fail()).catch(() => {});
    expect(breaker.snapshot()).toMatchObject({ state: 'open', retryInMs: 30_000, failures: 6 });
  });

  it('is not moved by a call that was admitted before it opened', async () => {
    const clock = new VirtualClock();
    const breaker = new CircuitBreaker({ clock });
    const leaving = new EventEmitter();
    const slow = breaker.execute(() => once(leaving, 'done'));
    await trip(breaker);
    leaving.emit('done');
    await slow;
    expect(breaker.state).toBe('open');
  });

  it('gives a probe that never ends up for lost, and ignores it when it ends after all', async () => {
    const clock = new VirtualClock();
    const breaker = new CircuitBreaker({ clock });
    await trip(breaker);
    await clock.advance(30_000);
    const probe = new EventEmitter();
    const lost = breaker.execute(() => once(probe, 'done'));
    await clock.advance(29_999);
    await expect(breaker.execute(succeed)).rejects.toThrow(RejectedError);
    await clock.advance(1);
    await breaker.execute(succeed);
    expect(breaker.state).toBe('closed');
    probe.emit('error', new NetworkError('late'));
    await expect(lost).rejects.toThrow('late');
    expect(breaker.snapshot()).toMatchObject({ state: 'closed', failures: 0 });
  });

  it.each([
    ['a refusal of ours', new RejectedError('m', 'limited')],
    ['an abort', new DOMException('m', 'AbortError')],
    ['too many requests', new RateLimitError('m')],
    ['a wrong question', new UpstreamError('m', 404)],
  ])('gives the slot of a probe back when it ends with %s, which says nothing', async (_what, error) => {
    const clock = new VirtualClock();
    const breaker = new CircuitBreaker({ clock });
    await trip(breaker);
    await clock.advance(30_000);
    await breaker.execute(fail(error)).catch(() => {});
    expect(breaker.state).toBe('half-open');
    await breaker.execute(succeed);
    expect(breaker.state).toBe('closed');
  });

  it('gives the slot back when the rule of the caller throws', async () => {
    const clock = new VirtualClock();
    let broken = false;
    const isFailure = (): boolean => {
      if (broken) throw new TypeError('broken rule');
      return true;
    };
    const breaker = new CircuitBreaker({ clock, isFailure });
    await trip(breaker);
    await clock.advance(30_000);
    broken = true;
    await expect(breaker.execute(fail())).rejects.toThrow('broken rule');
    await breaker.execute(succeed);
    expect(breaker.state).toBe('closed');
  });

  it('does not count what fails after its caller has left, whatever the reason of leaving', async () => {
    const breaker = new CircuitBreaker({ failureThreshold: 1, clock: new VirtualClock() });
    const reason = new TypeError('the client went away');
    await expect(breaker.execute(fail(reason), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(breaker.state).toBe('closed');
  });

  it('counts a dependency that lets the deadline of its caller pass', async () => {
    const breaker = new CircuitBreaker({ failureThreshold: 1, clock: new VirtualClock() });
    const reason = new TimeoutError('m', 100);
    await expect(breaker.execute(fail(reason), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(breaker.state).toBe('open');
  });

  it('counts work that throws before it waits', async () => {
    const breaker = new CircuitBreaker({ failureThreshold: 1, clock: new VirtualClock() });
    const thrower = (): Promise<never> => {
      throw new TypeError('at once');
    };
    await expect(breaker.execute(thrower)).rejects.toThrow('at once');
    expect(breaker.state).toBe('open');
  });

  it('tells of every change of state and of every refusal', async () => {
    const clock = new VirtualClock();
    const breaker = new CircuitBreaker({ name: 'billing', failureThreshold: 1, clock });
    const told: string[] = [];
    breaker.events.on('state-changed', ({ name, from, to, reason }) => told.push(`${name} ${from} ${to}: ${reason}`));
    breaker.events.on('rejected', ({ name, retryAfterMs }) => told.push(`${name} rejected ${retryAfterMs}`));
    await trip(breaker);
    await breaker.execute(succeed).catch(() => {});
    await clock.advance(30_000);
    await breaker.execute(succeed);
    expect(told).toEqual([
      'billing closed open: 1 failures in a row',
      'billing rejected 30000',
      'billing open half-open: recovery time passed',
      'billing half-open closed: probe succeeded',
    ]);
  });

  it('protects a function and passes its arguments', async () => {
    const add = new CircuitBreaker().protect(async (a: number, b: number) => a + b);
    await expect(add(2, 3)).resolves.toBe(5);
  });

  it('takes undefined for the default', () => {
    const breaker = new CircuitBreaker({
      name: undefined,
      failureThreshold: undefined,
      recoveryTimeMs: undefined,
      halfOpenProbes: undefined,
      isFailure: undefined,
      clock: undefined,
    });
    expect(breaker).toMatchObject({ name: 'circuit', failureThreshold: 5, recoveryTimeMs: 30_000 });
  });

  it.each(
    ['failureThreshold', 'recoveryTimeMs', 'halfOpenProbes'].flatMap(argument =>
      [0, -1, Number.NaN, Number.POSITIVE_INFINITY].map(value => [argument, value] as const),
    ),
  )('refuses %s %d, with its name and value', (argument, value) => {
    expect(() => new CircuitBreaker({ [argument]: value })).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', argument, message: expect.stringContaining(`got ${value}`) }),
    );
  });
});

describe('isDependencyFailure', () => {
  it.each<[boolean, unknown]>([
    [true, new NetworkError('m')],
    [true, new TimeoutError('m', 5)],
    [true, new ScraperError('m')],
    [true, new UpstreamError('m', 500)],
    [true, new UpstreamError('m', 503)],
    [true, new TypeError('of unknown kind')],
    [true, 'not even an error'],
    [false, new UpstreamError('m', 404)],
    [false, new RateLimitError('m')],
    [false, new RejectedError('m', 'open')],
    [false, new ValidationError('m')],
    [false, new NotFoundError('User', 1)],
    [false, new DOMException('m', 'AbortError')],
  ])('is %s for %s', (expected, error) => {
    expect(isDependencyFailure(error)).toBe(expected);
  });
});
