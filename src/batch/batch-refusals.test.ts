import { describe, expect, it } from 'vitest';
import { NetworkError, RejectedError, type RejectionReason } from '../errors/index.ts';
import { CircuitBreaker } from '../resilience/index.ts';
import { VirtualClock } from '../testing/index.ts';
import { BatchProcessor, MemoryCheckpoint } from './index.ts';

describe('BatchProcessor, when its calls are refused', () => {
  it('waits with all items while a breaker is open, instead of failing those that are left', async () => {
    const clock = new VirtualClock();
    const breaker = new CircuitBreaker({ name: 'source', failureThreshold: 3, recoveryTimeMs: 30_000, clock });
    let isAway = false;
    let calls = 0;
    const processor = new BatchProcessor({
      maxConcurrent: 5,
      clock,
      work: (item: number) =>
        breaker.execute(async () => {
          calls += 1;
          if (isAway) throw new NetworkError('gone');
          return item * 2;
        }),
    });
    const items = Array.from({ length: 500 }, (_, index) => index);
    const processing = processor.processBatch(
      (async function* () {
        for (const item of items) {
          if (item === 100) isAway = true;
          yield item;
        }
      })(),
    );
    await clock.advance(20_000);
    const atOpening = calls;
    expect(breaker.state).toBe('open');
    isAway = false;
    await clock.advance(120_000);
    const results = await processing;
    const failed = results.filter(({ ok }) => !ok);
    // Those that found the source away have failed; those that were refused have waited.
    expect(failed.length).toBeLessThanOrEqual(5);
    expect(failed.every(({ error }) => error instanceof NetworkError)).toBe(true);
    expect(results.map(({ item }) => item)).toEqual(items);
    expect(atOpening).toBeLessThan(120);
  });

  it('rests as long as the refusal says, a second at least and a minute at most', async () => {
    const clock = new VirtualClock();
    const triedMs: number[] = [];
    const waits = [20, 5_000, 3_600_000];
    const processor = new BatchProcessor({
      clock,
      work: (item: string) => {
        triedMs.push(clock.monotonic());
        const retryAfterMs = waits.shift();
        if (retryAfterMs !== undefined) throw new RejectedError('not now', 'limited', { retryAfterMs });
        return item;
      },
    });
    const processing = processor.processBatch(['one']);
    await clock.advance(200_000);
    expect((await processing)[0]).toMatchObject({ ok: true, value: 'one' });
    expect(triedMs).toEqual([0, 1_000, 6_000, 66_000]);
  });

  it('takes the refusal for the result when it does not pass, and does not record it', async () => {
    const clock = new VirtualClock();
    const checkpoint = new MemoryCheckpoint<string>({ job: 'refused' });
    const processor = new BatchProcessor<string, string>({
      clock,
      checkpoint,
      maxRefusalWaitMs: 10_000,
      work: () => {
        throw new RejectedError('not now', 'open');
      },
    });
    const processing = processor.processBatch(['one']);
    await clock.advance(60_000);
    expect((await processing)[0]).toMatchObject({ ok: false, error: { reason: 'open' }, recorded: false });
    expect(clock.monotonic()).toBe(60_000);
    const again = new BatchProcessor({ clock, checkpoint, work: () => 'well' });
    expect((await again.processBatch(['one']))[0]).toMatchObject({ ok: true, value: 'well' });
  });

  it.each<RejectionReason>(['forbidden', 'closed'])('does not wait for what does not pass: %s', async reason => {
    const processor = new BatchProcessor<string, string>({
      clock: new VirtualClock(),
      work: () => {
        throw new RejectedError('never', reason);
      },
    });
    expect((await processor.processBatch(['one']))[0]).toMatchObject({ ok: false, error: { reason } });
  });

  it('ends at once when it is stopped: an item that waits has not begun', async () => {
    const clock = new VirtualClock();
    const processor = new BatchProcessor<string, string>({
      clock,
      work: () => {
        throw new RejectedError('not now', 'open');
      },
    });
    const processing = processor.processBatch(['one']);
    await clock.advance(100);
    await processor.stop();
    expect((await processing)[0]).toMatchObject({ ok: false, error: { reason: 'closed' }, recorded: false });
  });
});
