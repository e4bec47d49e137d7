import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ServerClock } from './server-clock.ts';

/** What `TIME` answers: whole seconds and the microseconds of the next one. */
function timeOf(serverMs: number): readonly string[] {
  const microseconds = Math.round(serverMs * 1_000);
  return [String(Math.floor(microseconds / 1e6)), String(microseconds % 1e6)];
}

describe('ServerClock', () => {
  it('knows nothing before the server has told, and passes over what is no time', () => {
    const clock = new ServerClock();
    expect([clock.at(5), clock.measuredAtMs]).toEqual([undefined, Number.NEGATIVE_INFINITY]);
    for (const reply of [undefined, 'PONG', ['a', 'b'], []]) clock.measured(reply, 1, 3);
    expect([clock.at(5), clock.measuredAtMs]).toEqual([undefined, 3]);
  });

  it('is never further from the truth than half of the shortest question, and what the clocks may have drifted since', () => {
    const questions = fc.array(
      fc.record({
        pauseMs: fc.double({ min: 0, max: 60_000, noNaN: true }),
        tookMs: fc.double({ min: 0, max: 500, noNaN: true }),
        answeredAfter: fc.double({ min: 0, max: 1, noNaN: true }),
      }),
      { minLength: 1, maxLength: 20 },
    );
    fc.assert(
      fc.property(questions, fc.integer({ min: 0, max: 2e12 }), (asked, offsetMs) => {
        const clock = new ServerClock();
        let nowMs = 0;
        const errors: { readonly errorMs: number; readonly atMs: number }[] = [];
        for (const { pauseMs, tookMs, answeredAfter } of asked) {
          const sentMs = nowMs + pauseMs;
          nowMs = sentMs + tookMs;
          clock.measured(timeOf(sentMs + tookMs * answeredAfter + offsetMs), sentMs, nowMs);
          errors.push({ errorMs: tookMs / 2, atMs: (sentMs + nowMs) / 2 });
          const best = Math.min(...errors.map(({ errorMs, atMs }) => errorMs + (nowMs - atMs) * 0.001));
          expect(Math.abs((clock.at(nowMs) ?? 0) - nowMs - offsetMs)).toBeLessThanOrEqual(best + 0.01);
        }
      }),
    );
  });

  it('believes the server at once when its clock was set, however long the question took', () => {
    const clock = new ServerClock();
    clock.measured(timeOf(1_000_000), 0, 0.2);
    clock.measured(timeOf(5_000_000), 100, 180);
    expect(clock.at(140)).toBeCloseTo(5_000_000, 0);
  });
});
