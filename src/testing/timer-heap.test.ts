import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from './index.ts';
import { type HeapTimer, TimerHeap } from './timer-heap.ts';

const timer = (dueMs: number, order: number): HeapTimer => ({ dueMs, order, isCancelled: false });

describe('TimerHeap', () => {
  it('gives what a sorted list would give, whatever is pushed, taken and cancelled in between', () => {
    const step = fc.oneof(
      { weight: 3, arbitrary: fc.record({ push: fc.nat(20) }) },
      { weight: 2, arbitrary: fc.constant('pop' as const) },
      { weight: 1, arbitrary: fc.record({ cancel: fc.nat(1_000) }) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), steps => {
        const heap = new TimerHeap<HeapTimer>();
        let list: HeapTimer[] = [];
        let made = 0;
        const before = (left: HeapTimer, right: HeapTimer): number =>
          left.dueMs - right.dueMs || left.order - right.order;
        for (const step of steps) {
          if (step === 'pop') {
            expect(heap.pop()).toBe(list.shift());
          } else if ('push' in step) {
            const entry = timer(step.push, made);
            made += 1;
            heap.push(entry);
            list = [...list, entry].sort(before);
          } else {
            const [cancelled] = list.splice(step.cancel % Math.max(1, list.length), 1);
            if (cancelled !== undefined) cancelled.isCancelled = true;
          }
          expect(heap.peek()).toBe(list[0]);
        }
        for (const entry of list) expect(heap.pop()).toBe(entry);
        expect([heap.peek(), heap.pop()]).toEqual([undefined, undefined]);
      }),
    );
  });

  it('sorts a hundred thousand timers with few looks at each', () => {
    const heap = new TimerHeap<HeapTimer>();
    const random = seededRandom(1);
    const count = 100_000;
    let looks = 0;
    for (let order = 0; order < count; order += 1) {
      const dueMs = random.next();
      heap.push({
        get dueMs() {
          looks += 1;
          return dueMs;
        },
        order,
        isCancelled: false,
      });
    }
    const sorted = Array.from({ length: count }, () => heap.pop());
    // A heap of n looks at two of its timers on each of its levels, for each that comes and each that goes.
    expect(looks).toBeLessThan(count * 2 * 4 * Math.ceil(Math.log2(count)));
    expect(heap.pop()).toBeUndefined();
    expect(sorted.every((entry, index) => index === 0 || (sorted[index - 1]?.dueMs ?? 1) <= (entry?.dueMs ?? 0))).toBe(
      true,
    );
  });
});
