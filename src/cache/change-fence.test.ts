import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ChangeFence } from './change-fence.ts';

describe('ChangeFence', () => {
  it('tells what changed since, and nothing else', () => {
    const fence = new ChangeFence();
    fence.changed('a');
    const first = fence.begin();
    const second = fence.begin();
    expect(fence.end(first, 'a')).toBe(true);
    fence.changed('b');
    expect(fence.unchanged(second, 'a')).toBe(true);
    expect(fence.end(second, 'b')).toBe(false);
    expect(fence.end(fence.begin(), 'b')).toBe(true);
  });

  it('forgets what has changed when nothing is under way, and gives up when too much does', () => {
    const fence = new ChangeFence();
    const ticket = fence.begin();
    for (let index = 0; index <= 10_000; index += 1) fence.changed(`key${index}`);
    expect(fence.unchanged(ticket, 'other')).toBe(false);
    fence.close();
    expect(fence.end(fence.begin(), 'key1')).toBe(true);
  });

  it('agrees with a list of everything that happened', () => {
    const step = fc.oneof(
      fc.record({ do: fc.constantFrom('begin', 'end', 'change'), which: fc.nat(3) }),
      fc.constant({ do: 'all', which: 0 }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), steps => {
        const fence = new ChangeFence();
        const log: string[] = [];
        const open: { ticket: number; since: number }[] = [];
        for (const { do: what, which } of steps) {
          const key = `k${which}`;
          if (what === 'begin') open.push({ ticket: fence.begin(), since: log.length });
          else if (what === 'change') {
            fence.changed(key);
            log.push(key);
          } else if (what === 'all') {
            fence.allChanged();
            log.push('*');
          } else {
            const ended = open.splice(which % Math.max(1, open.length), 1)[0];
            if (ended === undefined) continue;
            const since = log.slice(ended.since);
            expect(fence.end(ended.ticket, key)).toBe(!since.includes(key) && !since.includes('*'));
          }
        }
      }),
    );
  });
});
