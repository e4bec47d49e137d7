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

  it('sorts a hundred thousand timers in a moment', { timeout: 2_000 }, () => {
    const heap = new TimerHeap<HeapTimer>();
    const random = seededRandom(1);
    for (let order = 0; order < 100_000; order += 1) heap.push(timer(random.next(), order));
    let lastMs = 0;
    let count = 0;
    for (let entry = heap.pop(); entry !== undefined; entry = heap.pop()) {
      expect(entry.dueMs >= lastMs || entry).toBe(true);
      lastMs = entry.dueMs;
      count += 1;
    }
    expect(count).toBe(100_000);
  });
});
