import { ValidationError } from 'plinth/errors';
import { describe, expect, it } from 'vitest';
import { matchWords, parseDrugName, toWords } from './drug-name.ts';

describe('parseDrugName()', () => {
  it.each([
    ['osimertinib', ['OSIMERTINIB']],
    ['  HY-PAM   "25" ', ['HY', 'PAM', '25']],
    ['Öméprazole', ['OMEPRAZOLE']],
  ])('takes %j apart', (text, words) => {
    expect(parseDrugName(text).words).toEqual(words);
  });

  it.each([
    ['empty text', ''],
    ['spaces', '   '],
    ['1000 characters', 'a'.repeat(1_000)],
    ['a line break', 'tagrisso\n002'],
    ['a NUL', 'tagrisso\u0000'],
    ['an escape', '\u001b[31mtagrisso'],
    ['wildcards only', '*?*'],
    ['punctuation only', '"---"'],
    ['a number', 42],
    ['nothing', undefined],
    ['null', null],
  ])('refuses %s', (_, value) => {
    expect(() => parseDrugName(value)).toThrow(ValidationError);
  });

  it('says what is wrong, by field', () => {
    try {
      parseDrugName('a'.repeat(301));
      expect.unreachable();
    } catch (error) {
      expect((error as ValidationError).fieldErrors).toEqual({
        name: 'The name has 301 characters, at most 300 are allowed',
      });
    }
  });
});

describe('matchWords()', () => {
  it.each([
    ['OSIMERTINIB MESYLATE', 'osimertinib mesylate', 'exact'],
    ['OSIMERTINIB MESYLATE', 'osimertinib', 'leading'],
    ['OSIMERTINIB MESYLATE', 'mesylate', 'contained'],
    ['OSIMERTINIB MESYLATE', 'tinib', undefined],
    ['OSIMERTINIB MESYLATE', 'mesylate osimertinib', undefined],
    ['A B C', 'a c', undefined],
    ['A A B', 'a b', 'contained'],
  ])('%s against %s is %s', (text, name, expected) => {
    expect(matchWords(toWords(text), toWords(name))).toBe(expected);
  });
});
