import { describe, expect, it } from 'vitest';
import { NetworkError } from '../errors/index.ts';
import { VirtualClock } from '../testing/index.ts';
import { Bulkhead, CircuitBreaker, protectedBy, RetryManager, retryWithBackoff, Timeout } from './index.ts';

describe('protectedBy', () => {
  it('puts a method behind any policy, with its arguments, its this and its type', async () => {
    const clock = new VirtualClock();
    const breaker = new CircuitBreaker({ failureThreshold: 1, clock });
    class Billing {
      readonly prefix = 'invoice';

      @protectedBy(breaker)
      @protectedBy(new Bulkhead({ clock }))
      @protectedBy(new Timeout({ timeoutMs: 1_000, clock }))
      async fetch(id: number): Promise<string> {
        if (id < 0) throw new NetworkError('broken');
        return `${this.prefix} ${id}`;
      }
    }
    const billing = new Billing();
    const invoice: string = await billing.fetch(7);
    expect(invoice).toBe('invoice 7');
    await expect(billing.fetch(-1)).rejects.toThrow('broken');
    await expect(new Billing().fetch(7)).rejects.toMatchObject({ reason: 'open' });
  });

  it('lets the upper decorator stand outside', async () => {
    const clock = new VirtualClock();
    const breaker = new CircuitBreaker({ failureThreshold: 2, clock });
    const retry = new RetryManager({ maxAttempts: 3, clock, isRetryable: error => error instanceof NetworkError });
    class Rates {
      calls = 0;

      @protectedBy(retry)
      @protectedBy(breaker)
      async fetch(): Promise<number> {
        this.calls += 1;
        throw new NetworkError('broken');
      }
    }
    const rates = new Rates();
    const failed = expect(rates.fetch()).rejects.toMatchObject({ reason: 'open' });
    await clock.advance(10_000);
    await failed;
    expect(rates.calls).toBe(2);
  });
});

describe('retryWithBackoff', () => {
  it('tries a method again after waits that double, four times in all by default', async () => {
    const clock = new VirtualClock();
    const beganMs: number[] = [];
    class Rates {
      @retryWithBackoff({ baseDelayMs: 100, clock, random: { next: () => 1 } })
      async fetch(): Promise<never> {
        beganMs.push(clock.monotonic());
        throw new NetworkError('broken');
      }
    }
    const failed = expect(new Rates().fetch()).rejects.toThrow('broken');
    await clock.advance(10_000);
    await failed;
    expect(beganMs).toEqual([0, 100, 300, 700]);
  });

  it('refuses numbers that make no sense when the class is defined', () => {
    expect(() => retryWithBackoff({ maxAttempts: 0 })).toThrow(expect.objectContaining({ argument: 'maxAttempts' }));
  });
});
