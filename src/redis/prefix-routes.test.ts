import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PrefixRoutes } from './prefix-routes.ts';

const prefixes = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', ':'), maxLength: 4 }), { maxLength: 8 });
const key = fc.string({ unit: fc.constantFrom('a', 'b', ':'), maxLength: 6 });

describe('PrefixRoutes', () => {
  it('finds what a linear search would find, after any additions and removals', () => {
    fc.assert(
      fc.property(prefixes, prefixes, key, (added, removed, asked) => {
        const routes = new PrefixRoutes<string>();
        for (const prefix of added) routes.add(prefix, `for ${prefix}`);
        for (const prefix of removed) routes.remove(prefix, `for ${prefix}`);
        const left = [...new Set(added)].filter(prefix => !removed.includes(prefix));
        const expected = left.filter(prefix => asked.startsWith(prefix)).map(prefix => `for ${prefix}`);
        expect([...routes.of(asked)].sort()).toEqual(expected.sort());
        expect([...routes.all()]).toHaveLength(left.length);
        expect(routes.isEmpty).toBe(left.length === 0);
      }),
    );
  });

  it('covers every prefix by the fewest, none of which is the beginning of another', () => {
    fc.assert(
      fc.property(prefixes, added => {
        const routes = new PrefixRoutes<number>();
        for (const [index, prefix] of added.entries()) routes.add(prefix, index);
        const covering = routes.covering();
        for (const prefix of added) expect(covering.filter(one => prefix.startsWith(one))).toHaveLength(1);
        for (const one of covering) expect(added).toContain(one);
      }),
    );
  });

  it('keeps a prefix while one of its values is left', () => {
    const routes = new PrefixRoutes<number>();
    routes.add('a', 1);
    routes.add('a', 2);
    routes.remove('a', 1);
    routes.remove('a', 1);
    routes.remove('b', 1);
    expect([...routes.of('abc')]).toEqual([2]);
  });
});
