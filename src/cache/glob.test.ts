import { array, assert, constantFrom, property, string } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { globPrefix, matchesGlob } from './glob.ts';

describe('matchesGlob', () => {
  it.each([
    ['*', ['', 'a', 'user:1', '\n', '😀'], []],
    ['', [''], ['a']],
    ['user:*', ['user:', 'user:1', 'user:1:2'], ['user', 'Xuser:1']],
    ['*:1', [':1', 'a:1', ':1:1'], ['a:12', '1']],
    ['a*b*c', ['abc', 'aXbXc', 'abbcc', 'abcbc'], ['ab', 'acb', 'abcd']],
    ['h?llo', ['hello', 'hallo', 'h😀llo'], ['hllo', 'heello']],
    ['h[ae]llo', ['hello', 'hallo'], ['hillo', 'hllo']],
    ['h[^e]llo', ['hallo', 'hbllo'], ['hello']],
    ['h[a-c]llo', ['hallo', 'hcllo'], ['hdllo', 'h-llo']],
    ['h[c-a]llo', ['hallo', 'hbllo'], ['hdllo']],
    ['[a-]', ['a', ']', '^', '`'], ['-', 'b']],
    ['[\\a-]', ['a', '-'], ['b', '\\']],
    ['[\\]x]', [']', 'x'], ['\\']],
    ['[]x', [], ['x', ']x', '']],
    ['[^]x', ['ax', '^x'], ['x']],
    ['[ab', ['a', 'b'], ['[ab', 'c']],
    ['[', [], ['[', 'a', '']],
    ['\\*\\?\\[a]', ['*?[a]'], ['aaa]']],
    ['end\\', ['end\\'], ['end']],
    ['**a**', ['a', 'xax'], ['b']],
    ['*?', ['a', '😀'], ['']],
    ['??', ['ab', '😀b'], ['😀', 'a']],
  ])('reads %j as Redis does', (pattern, matching, others) => {
    const matches = matchesGlob(pattern);
    for (const key of matching) expect([key, matches(key)]).toEqual([key, true]);
    for (const key of others) expect([key, matches(key)]).toEqual([key, false]);
  });

  it('agrees with trying every way to divide the key', () => {
    const pieces = constantFrom('a', 'b', '*', '?', '[ab]', '[^a]', '\\*', '😀');
    assert(
      property(
        array(pieces, { maxLength: 7 }),
        array(constantFrom('a', 'b', '*', '😀'), { maxLength: 8 }),
        (parts, key) => {
          expect(matchesGlob(parts.join(''))(key.join(''))).toBe(isDivisible(parts, key));
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('takes a key whose glob characters are escaped as it is', () => {
    assert(
      property(string({ unit: 'binary' }), key => {
        const pattern = key.replace(/[*?[\\]/g, '\\$&');
        expect(globPrefix(pattern)).toBe(key);
        expect(matchesGlob(pattern)(key)).toBe(true);
        expect(matchesGlob(pattern)(`${key}x`)).toBe(false);
      }),
    );
  });

  it('is not slowed down by a pattern that makes others go back', () => {
    const matches = matchesGlob('a*'.repeat(500));
    expect(matches(`${'a'.repeat(499)}${'b'.repeat(3_500)}`)).toBe(false);
  });
});

describe('globPrefix', () => {
  it.each([
    ['', ''],
    ['*', ''],
    ['user:*', 'user:'],
    ['user:?x', 'user:'],
    ['user:[ab]', 'user:'],
    ['us\\*er\\', 'us*er\\'],
    ['whole', 'whole'],
    ['😀?', '😀'],
  ])('of %j is %j', (pattern, prefix) => expect(globPrefix(pattern)).toBe(prefix));
});

/** The slow definition. */
function isDivisible(parts: readonly string[], key: readonly string[]): boolean {
  const [part, ...others] = parts;
  if (part === undefined) return key.length === 0;
  if (part === '*') return isDivisible(others, key) || (key.length > 0 && isDivisible(parts, key.slice(1)));
  const [first, ...rest] = key;
  if (first === undefined) return false;
  const fits: Readonly<Record<string, boolean>> = {
    '?': true,
    '[ab]': first === 'a' || first === 'b',
    '[^a]': first !== 'a',
    '\\*': first === '*',
  };
  return (fits[part] ?? part === first) && isDivisible(others, rest);
}
