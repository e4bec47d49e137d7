import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cacheKey } from './cache-key.ts';

/** Arguments of every kind that is allowed. */
const value = fc.anything({
  withBigInt: true,
  withDate: true,
  withMap: true,
  withSet: true,
  withNullPrototype: false,
  maxDepth: 3,
  values: [
    fc.constantFrom(
      '',
      '~',
      '~1',
      '1',
      '"1"',
      'null',
      'undefined',
      '1n',
      ',',
      '[]',
      '{}',
      'D0',
      '\\',
      'true',
      '\ud800',
    ),
    fc.constantFrom(0, -0, 1, Number.NaN, Number.POSITIVE_INFINITY, true, false, null, undefined, 1n),
    fc.string(),
    fc.double(),
  ],
});
const args = fc.array(value, { maxLength: 3 });

/** The same arguments, with every property, entry and element of a set put in another order. */
function reordered(part: unknown): unknown {
  if (Array.isArray(part)) return part.map(reordered);
  if (part instanceof Date) return new Date(part.getTime());
  if (part instanceof Map) return new Map([...part].reverse().map(([key, item]) => [reordered(key), reordered(item)]));
  if (part instanceof Set) return new Set([...part].reverse().map(reordered));
  if (typeof part !== 'object' || part === null) return part;
  const copy = {};
  for (const [name, item] of Object.entries(part).reverse()) {
    Object.defineProperty(copy, name, { value: reordered(item), enumerable: true, writable: true, configurable: true });
  }
  return copy;
}

describe('cacheKey', () => {
  it('is the string itself for one string', () => {
    expect(cacheKey(['user:7'])).toBe('user:7');
  });

  it('is readable for everything else', () => {
    expect(cacheKey([])).toBe('~');
    expect(cacheKey(['a', 7])).toBe('~"a",7');
    expect(cacheKey([{ page: 2, city: 'Bern' }, true])).toBe('~{"city":"Bern","page":2},true');
    expect(cacheKey([new Date(5), [1n, null], undefined])).toBe('~D5,[1n,null],undefined');
    expect(cacheKey([new Set([2, 1]), new Map([['a', 1]])])).toBe('~S{1,2},M{"a":1}');
  });

  it('never takes a string for something that was written', () => {
    const keys = [
      [],
      [0],
      [-0],
      [Number.NaN],
      [1],
      ['1'],
      ['~1'],
      ['"1"'],
      ['~"1"'],
      ['', ''],
      [''],
      ['~'],
      ['","'],
    ].map(cacheKey);
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('gives different keys to different arguments, and the same key to equal ones', () => {
    fc.assert(
      fc.property(args, args, (left, right) => {
        expect(cacheKey(left) === cacheKey(right)).toBe(isDeepStrictEqual(left, right));
      }),
      { numRuns: 2_000 },
    );
  });

  it('does not depend on the order of properties, entries and elements', () => {
    fc.assert(
      fc.property(args, given => {
        expect(cacheKey(given.map(reordered))).toBe(cacheKey(given));
      }),
    );
  });

  const circle: { self?: unknown } = {};
  circle.self = circle;
  const wide: { left?: unknown; right?: unknown } = {};
  Object.assign(wide, { left: wide, right: wide });
  it.each([
    ['a function', () => 1, 'a function'],
    ['a symbol', Symbol('s'), 'a symbol'],
    ['an instance', new (class User {})(), 'an instance of User'],
    ['an expression', /a/, 'an instance of RegExp'],
    ['bytes', new Uint8Array(1), 'an instance of Uint8Array'],
    ['what only looks like a map', Object.create(Map.prototype), 'an instance of Map'],
    ['a promise', Promise.resolve(), 'an instance of Promise'],
    ['a boxed number', Object(1), 'an instance of Number'],
    ['a nameless kind', Object.create({ constructor: undefined }), 'an object of its own kind'],
    ['a circle', circle, 'in a circle'],
    ['a circle with two ways round', wide, 'more than'],
    ['a hole', Array(2), 'an array with holes'],
    ['an array with a property', Object.assign([1], { page: 1 }), 'further properties'],
    ['a date with a property', Object.assign(new Date(0), { zone: 'x' }), 'an instance of Date'],
    ['a property named by a symbol', { [Symbol('s')]: 1 }, 'named by symbols'],
    ['an array of 20,000', Array.from({ length: 20_000 }, () => 0), 'more than 10000 parts'],
  ])('refuses %s, and says which argument it is', (_what, given, found) => {
    expect(() => cacheKey(['fine', given])).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', argument: '2', message: expect.stringContaining(found) }),
    );
    expect(() => cacheKey([[{ deep: given }]])).toThrow(/argument 1.*give `key`$/s);
  });
});
