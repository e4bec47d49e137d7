import { describe, expect, it } from 'vitest';
import { CoarseClock } from './coarse-clock.ts';
import { systemClock } from './index.ts';

const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve));

describe('the coarse clock', () => {
  it('looks at the clock behind it once for many readings, and never stands still for more than 64 of them', () => {
    let looks = 0;
    const clock = new CoarseClock(() => {
      looks += 1;
      return looks;
    });
    const readings = Array.from({ length: 650 }, () => clock.read());
    expect(looks).toBe(10);
    expect(readings).toEqual([...readings].sort((a, b) => a - b));
  });

  it('looks again in a later turn of the event loop', async () => {
    let nowMs = 5;
    const clock = new CoarseClock(() => nowMs);
    clock.read();
    nowMs = 500;
    for (let turns = 0; clock.read() === 5 && turns < 10_000; turns += 1) await turn();
    expect(clock.read()).toBe(500);
  });

  it('of the machine is never ahead of the exact one', async () => {
    for (let count = 0; count < 1_000; count += 1) {
      expect(systemClock.monotonicCoarse()).toBeLessThanOrEqual(systemClock.monotonic());
      if (count % 50 === 0) await turn();
    }
  });
});
