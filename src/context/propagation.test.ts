import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { propagationHeaders, readPropagation } from './index.ts';

describe('what a request carries on', () => {
  it('is what is left of the time, not a moment: clocks need not agree', () => {
    const headers = propagationHeaders({ deadlineMs: 5_000, attempt: 2 }, 3_500.5);
    expect(headers).toEqual({ 'request-timeout-ms': '1499', 'request-attempt': '2' });
    expect(readPropagation(headers, 70)).toEqual({ deadlineMs: 1_569, attempt: 2 });
  });

  it('is nothing when nothing limits the call and it is the first attempt', () => {
    expect(propagationHeaders({ deadlineMs: undefined, attempt: 1 }, 0)).toEqual({});
    expect(readPropagation({}, 0)).toEqual({ deadlineMs: undefined, attempt: undefined });
  });

  it('never lengthens the time on its way', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1e6, noNaN: true }),
        fc.double({ min: 1, max: 1e6, noNaN: true }),
        (nowMs, leftMs) => {
          const { deadlineMs } = readPropagation(propagationHeaders({ deadlineMs: nowMs + leftMs }, nowMs), 0);
          expect(deadlineMs).toBeLessThanOrEqual(Math.max(1, leftMs + 1e-6));
        },
      ),
    );
  });

  it.each(['', '0', '-5', '1.5', 'soon', '1e9', '99999999999', ' 5', ['5', '6']])(
    'ignores %j, which is no time and no attempt',
    text => {
      expect(readPropagation({ 'request-timeout-ms': text, 'request-attempt': text }, 10)).toEqual({
        deadlineMs: undefined,
        attempt: undefined,
      });
    },
  );

  it('believes in a day and in a thousand attempts, not in more', () => {
    const most = { 'request-timeout-ms': '86400000', 'request-attempt': '1000' };
    expect(readPropagation(most, 0)).toEqual({ deadlineMs: 86_400_000, attempt: 1_000 });
    const more = { 'request-timeout-ms': '86400001', 'request-attempt': '1001' };
    expect(readPropagation(more, 0)).toEqual({ deadlineMs: undefined, attempt: undefined });
  });
});
