import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NetworkError, RateLimitError, RejectedError, UpstreamError, ValidationError } from '../errors/index.ts';
import { seededRandom, VirtualClock } from '../testing/index.ts';
import { exponentialBackoff, type RetryEvent, RetryManager } from './index.ts';

const always = (error: unknown) => () => Promise.reject(error);

describe('RetryManager', () => {
  it('gives the first success, and says which attempt it is', async () => {
    const clock = new VirtualClock();
    const attempts: number[] = [];
    const result = new RetryManager({ clock }).execute(async attempt => {
      attempts.push(attempt);
      if (attempt < 3) throw new NetworkError('broken');
      return 'done';
    });
    await clock.advance(10_000);
    await expect(result).resolves.toBe('done');
    expect(attempts).toEqual([1, 2, 3]);
    expect(clock.pendingTimers).toBe(0);
  });

  it.each([1, 2, 5])('counts the first call: maxAttempts %i means as many calls', async maxAttempts => {
    const clock = new VirtualClock();
    let calls = 0;
    const last = new NetworkError('broken');
    const result = new RetryManager({ maxAttempts, clock }).execute(async () => {
      calls += 1;
      throw calls === maxAttempts ? last : new NetworkError('earlier');
    });
    const failed = expect(result).rejects.toBe(last);
    await clock.advance(1_000_000);
    await failed;
    expect(calls).toBe(maxAttempts);
  });

  it.each([
    ['a wrong question', new ValidationError('m')],
    ['a refusal of ours', new RejectedError('m', 'open')],
    ['an answer that is no passing failure', new UpstreamError('m', 501)],
    ['an abort', new DOMException('m', 'AbortError')],
  ])('does not repeat %s', async (_what, error) => {
    let calls = 0;
    const result = new RetryManager({ clock: new VirtualClock() }).execute(() => {
      calls += 1;
      return Promise.reject(error);
    });
    await expect(result).rejects.toBe(error);
    expect(calls).toBe(1);
  });

  it('repeats errors of unknown kind, and whatever its own rule says', async () => {
    const clock = new VirtualClock();
    const calls = { foreign: 0, chosen: 0 };
    const foreign = new RetryManager({ clock }).execute(async () => {
      calls.foreign += 1;
      throw new TypeError('unknown');
    });
    const isRetryable = (error: unknown): boolean => error instanceof ValidationError;
    const chosen = new RetryManager({ clock, isRetryable }).execute(async () => {
      calls.chosen += 1;
      throw new ValidationError('m');
    });
    const settled = Promise.allSettled([foreign, chosen]);
    await clock.advance(10_000);
    await settled;
    expect(calls).toEqual({ foreign: 3, chosen: 3 });
  });

  it('makes a failure of work that throws before it waits', async () => {
    const clock = new VirtualClock();
    let calls = 0;
    const result = new RetryManager({ clock }).execute((): Promise<never> => {
      calls += 1;
      throw new NetworkError('at once');
    });
    const failed = expect(result).rejects.toThrow('at once');
    await clock.advance(10_000);
    await failed;
    expect(calls).toBe(3);
  });

  it('waits as long as the other side asks, when that is longer than its backoff', async () => {
    const clock = new VirtualClock();
    const waits: RetryEvent[] = [];
    const backoff = exponentialBackoff({ initialDelayMs: 1_000, jitter: 'none' });
    const errors = [
      new RateLimitError('m', { retryAfterMs: 7_000 }),
      new RateLimitError('m', { retryAfterMs: 5 }),
      new NetworkError('m'),
    ];
    const result = new RetryManager({ clock, backoff, maxAttempts: 4 }).execute(
      async attempt => {
        const error = errors[attempt - 1];
        if (error) throw error;
        return clock.monotonic();
      },
      { onRetry: event => waits.push(event) },
    );
    await clock.advance(100_000);
    await expect(result).resolves.toBe(13_000);
    expect(waits).toEqual([
      { attempt: 1, delayMs: 7_000, error: errors[0] },
      { attempt: 2, delayMs: 2_000, error: errors[1] },
      { attempt: 3, delayMs: 4_000, error: errors[2] },
    ]);
  });

  it('gives up at once when the other side asks for a longer wait than is allowed', async () => {
    const clock = new VirtualClock();
    const patient = new RetryManager({ clock, maxAttempts: 2 });
    const hurried = new RetryManager({ clock, maxRetryAfterMs: 60_000 });
    const askingFor = (retryAfterMs: number) => always(new RateLimitError('m', { retryAfterMs }));
    await expect(hurried.execute(askingFor(60_001))).rejects.toThrow('m');
    await expect(patient.execute(askingFor(86_400_001))).rejects.toThrow('m');
    expect(clock.monotonic()).toBe(0);
    const waited = expect(patient.execute(askingFor(86_400_000))).rejects.toThrow('m');
    await clock.advance(86_400_000);
    await waited;
  });

  it('throws at once instead of waiting past the deadline', async () => {
    const clock = new VirtualClock();
    const retry = new RetryManager({ clock });
    const asking = always(new RateLimitError('m', { retryAfterMs: 5_000 }));
    await expect(retry.execute(asking, { deadlineMs: 5_000 })).rejects.toThrow('m');
    expect([clock.monotonic(), clock.pendingTimers]).toEqual([0, 0]);
  });

  it('never begins an attempt after the deadline, and never waits longer than its law', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          maxAttempts: fc.integer({ min: 1, max: 8 }),
          initialDelayMs: fc.nat(1_000),
          maxDelayMs: fc.integer({ min: 1_000, max: 5_000 }),
          deadlineMs: fc.integer({ min: 1, max: 20_000 }),
          askedMs: fc.array(fc.nat(8_000), { minLength: 8, maxLength: 8 }),
          seed: fc.integer(),
        }),
        async ({ maxAttempts, initialDelayMs, maxDelayMs, deadlineMs, askedMs, seed }) => {
          const clock = new VirtualClock();
          const backoff = exponentialBackoff({ initialDelayMs, maxDelayMs });
          const retry = new RetryManager({ clock, backoff, maxAttempts, random: seededRandom(seed) });
          const beganMs: number[] = [];
          const delaysMs: number[] = [];
          const result = retry.execute(
            async attempt => {
              beganMs.push(clock.monotonic());
              throw new RateLimitError('m', { retryAfterMs: askedMs[attempt - 1] ?? 0 });
            },
            { deadlineMs, onRetry: ({ delayMs }) => delaysMs.push(delayMs) },
          );
          const failed = expect(result).rejects.toThrow();
          await clock.advance(1_000_000);
          await failed;
          expect(beganMs.length).toBeLessThanOrEqual(maxAttempts);
          expect(delaysMs).toHaveLength(beganMs.length - 1);
          for (const atMs of beganMs) expect(atMs).toBeLessThan(deadlineMs);
          delaysMs.forEach((delayMs, index) => {
            const longestMs = Math.min(maxDelayMs, initialDelayMs * 2 ** index);
            expect(delayMs).toBeGreaterThanOrEqual(askedMs[index] ?? 0);
            expect(delayMs).toBeLessThanOrEqual(Math.max(longestMs, askedMs[index] ?? 0));
          });
          expect(clock.pendingTimers).toBe(0);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('wakes from its wait when it is aborted, and does not try again', async () => {
    const clock = new VirtualClock();
    const controller = new AbortController();
    let calls = 0;
    const result = new RetryManager({ clock }).execute(
      async () => {
        calls += 1;
        throw new RateLimitError('m', { retryAfterMs: 60_000 });
      },
      { signal: controller.signal },
    );
    const failed = expect(result).rejects.toThrow('left');
    await clock.advance(10);
    controller.abort(new TypeError('left'));
    await failed;
    expect([calls, clock.pendingTimers]).toEqual([1, 0]);
  });

  it('does not begin when it is aborted before, and tells of no retry when it is aborted during an attempt', async () => {
    const retry = new RetryManager({ clock: new VirtualClock() });
    const controller = new AbortController();
    const told: RetryEvent[] = [];
    const options = { signal: controller.signal, onRetry: (event: RetryEvent) => void told.push(event) };
    const during = retry.execute(async () => {
      controller.abort(new TypeError('left'));
      throw new NetworkError('because of the abort');
    }, options);
    await expect(during).rejects.toThrow('because of the abort');
    await expect(retry.execute(async () => 'never', options)).rejects.toThrow('left');
    expect(told).toEqual([]);
  });

  it('protects a function and passes its arguments', async () => {
    const clock = new VirtualClock();
    let calls = 0;
    const add = new RetryManager({ clock }).protect(async (a: number, b: number) => {
      calls += 1;
      if (calls === 1) throw new NetworkError('m');
      return a + b;
    });
    const sum = add(2, 3);
    await clock.advance(1_000);
    await expect(sum).resolves.toBe(5);
  });

  it.each([
    ['maxAttempts', { maxAttempts: 0 }, 0],
    ['maxAttempts', { maxAttempts: -1 }, -1],
    ['maxAttempts', { maxAttempts: 1.5 }, 1.5],
    ['maxAttempts', { maxAttempts: Number.NaN }, Number.NaN],
    ['maxAttempts', { maxAttempts: Number.POSITIVE_INFINITY }, Number.POSITIVE_INFINITY],
    ['maxRetryAfterMs', { maxRetryAfterMs: -1 }, -1],
    ['maxRetryAfterMs', { maxRetryAfterMs: Number.NaN }, Number.NaN],
  ])('refuses %s in %j, with its name and value', (argument, options, value) => {
    expect(() => new RetryManager(options)).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', argument, message: expect.stringContaining(`got ${value}`) }),
    );
  });
});
