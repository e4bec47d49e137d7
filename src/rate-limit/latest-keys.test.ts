import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LatestKeys } from './latest-keys.ts';

describe('LatestKeys', () => {
  it('remembers the last half of its keys at least, and forgets what was not asked for', () => {
    const keys = new LatestKeys<number>(4);
    for (const [index, key] of ['a', 'b', 'c', 'd'].entries()) keys.set(key, index);
    expect(keys.get('a')).toBe(0);
    keys.set('e', 4);
    keys.set('f', 5);
    expect(['a', 'b', 'c', 'd', 'e', 'f'].map(key => keys.get(key))).toEqual([
      0,
      undefined,
      undefined,
      undefined,
      4,
      5,
    ]);
  });

  it('never gives another value than the last one, nor one that was deleted', () => {
    const step = fc.record({ key: fc.constantFrom('a', 'b', 'c', 'd', 'e'), value: fc.option(fc.nat(9)) });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), fc.array(step), (maxKeys, steps) => {
        const keys = new LatestKeys<number>(maxKeys);
        const all = new Map<string, number>();
        for (const { key, value } of steps) {
          if (value === null) {
            keys.delete(key);
            all.delete(key);
          } else {
            keys.set(key, value);
            all.set(key, value);
            expect(keys.get(key)).toBe(value);
          }
          expect([undefined, all.get(key)]).toContain(keys.get(key));
        }
      }),
    );
  });
});
