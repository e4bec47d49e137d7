import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Clock, systemClock } from '../kernel/index.ts';
import { VirtualClock } from '../testing/index.ts';
import { MicroClock } from './micro-clock.ts';

const startMs = Date.UTC(2026, 0, 15, 23);

describe('MicroClock', () => {
  it('writes six digits of a second and Z', async () => {
    const clock = new VirtualClock({ now: startMs });
    await clock.advance(123.456);
    const time = new MicroClock(clock);
    expect(time.iso()).toBe('2026-01-15T23:00:00.123456Z');
  });

  it('has real microseconds on the machine', () => {
    const time = new MicroClock(systemClock);
    const micros = new Set<string>();
    for (let index = 0; index < 1_000; index += 1) {
      time.read();
      micros.add(time.iso().slice(23, 26));
    }
    expect(micros.size).toBeGreaterThan(100);
  });

  it('stays within two milliseconds of the wall clock and does not run backwards', () => {
    const time = new MicroClock(systemClock);
    let earlier = '';
    for (let index = 0; index < 20_000; index += 1) {
      const beforeMs = systemClock.now();
      time.read();
      const now = time.iso();
      expect(now >= earlier).toBe(true);
      expect(time.wallMs).toBeGreaterThan(beforeMs - 2);
      expect(time.wallMs).toBeLessThan(systemClock.now() + 2);
      earlier = now;
    }
  });

  it('is right and does not run backwards however often its process has to wait between two clocks', () => {
    const waits = fc.oneof(fc.constant(0), fc.double({ min: 0, max: 0.3, noNaN: true }), fc.nat(50));
    const steps = fc.array(fc.record({ laterMs: fc.double({ min: 0, max: 30, noNaN: true }), waitMs: waits }));
    fc.assert(
      fc.property(steps, sequence => {
        let [passedMs, waitMs] = [0, 0];
        const clock: Clock = {
          ...systemClock,
          monotonic: () => passedMs,
          now() {
            passedMs += waitMs;
            return Math.floor(startMs + passedMs);
          },
        };
        const time = new MicroClock(clock);
        let earlierMs = time.wallMs;
        for (const step of sequence) {
          passedMs += step.laterMs;
          waitMs = step.waitMs;
          const readMs = startMs + passedMs;
          time.read();
          expect(time.wallMs).toBeGreaterThanOrEqual(earlierMs);
          expect(Math.abs(time.wallMs - readMs)).toBeLessThanOrEqual(1.3);
          earlierMs = time.wallMs;
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('follows a wall clock that is set forward or back', async () => {
    const clock = new VirtualClock({ now: startMs });
    const time = new MicroClock(clock);
    for (const offsetMs of [3_600_000, -7_200_000]) {
      clock.jump(offsetMs);
      await clock.advance(20);
      time.read();
      expect(Math.abs(time.wallMs - clock.now())).toBeLessThan(1);
    }
  });

  it('writes the turn of a second, a day and a year', async () => {
    const clock = new VirtualClock({ now: Date.UTC(2025, 11, 31, 23, 59, 59, 999) });
    const time = new MicroClock(clock);
    expect(time.iso()).toBe('2025-12-31T23:59:59.999000Z');
    await clock.advance(1);
    time.read();
    expect(time.iso()).toBe('2026-01-01T00:00:00.000000Z');
  });
});
