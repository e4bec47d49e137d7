import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  joinRow,
  parseCompactDate,
  parseOrangeBookDate,
  splitList,
  splitRow,
  splitStrength,
} from './orange-book-fields.ts';

describe('splitRow()', () => {
  it('splits at the tilde and removes outer spaces', () => {
    expect(splitRow('A~ B ~~D')).toEqual(['A', 'B', '', 'D']);
  });

  it('unfolds quotation marks as CSV does', () => {
    expect(splitRow('HYDROXYZINE PAMOATE~"HY-PAM ""25"""~TEVA')).toEqual([
      'HYDROXYZINE PAMOATE',
      'HY-PAM "25"',
      'TEVA',
    ]);
    expect(splitRow('"GERMA-MEDICA ""MG"""')).toEqual(['GERMA-MEDICA "MG"']);
    expect(splitRow('"A~B"~C')).toEqual(['A~B', 'C']);
    expect(splitRow('""~""""')).toEqual(['', '"']);
  });

  it('leaves marks alone that do not enclose a whole field', () => {
    expect(splitRow('5" TUBE~"OPEN~X')).toEqual(['5" TUBE', '"OPEN', 'X']);
    expect(splitRow('"A" B~C')).toEqual(['"A" B', 'C']);
  });

  it('reads back whatever joinRow() wrote', () => {
    const field = fc.stringMatching(/^[ -~]{0,20}$/).map(text => text.trim());
    const quoted = fc.stringMatching(/^["~A]{0,8}$/);
    fc.assert(
      fc.property(fc.array(fc.oneof(field, quoted), { minLength: 1, maxLength: 14 }), fields => {
        expect(splitRow(joinRow(fields))).toEqual(fields);
      }),
    );
  });
});

describe('parseOrangeBookDate()', () => {
  it.each([
    ['Nov 13, 2015', '2015-11-13'],
    ['Mar 4, 1985', '1985-03-04'],
    ['Feb 29, 2024', '2024-02-29'],
  ])('reads %s', (text, expected) => {
    expect(parseOrangeBookDate(text)).toBe(expected);
  });

  it.each([
    'Approved Prior to Jan 1, 1982',
    '',
    'Feb 30, 2024',
    'Feb 29, 2023',
    'nov 13, 2015',
    'November 13, 2015',
    'Nov 13 2015',
    '2015-11-13',
    'Nov 0, 2015',
    ' Nov 13, 2015',
    'Nov 13, 0015',
  ])('gives null for %j', text => {
    expect(parseOrangeBookDate(text)).toBeNull();
  });
});

describe('parseCompactDate()', () => {
  it('reads eight digits that are a day, and nothing else', () => {
    expect(parseCompactDate('20151113')).toBe('2015-11-13');
    for (const value of ['20151313', '2015-11-13', '', undefined, null, 20151113, '00000000']) {
      expect(parseCompactDate(value)).toBeNull();
    }
  });
});

describe('splitStrength()', () => {
  const determination = 'Federal Register determination that product was not discontinued';

  it.each([
    ['EQ 80MG BASE', 'EQ 80MG BASE', []],
    [`EQ 100MG BASE **${determination}**`, 'EQ 100MG BASE', [determination]],
    [`0.1% **${determination}*`, '0.1%', [determination]],
    [`10MG/ML ***${determination}**`, '10MG/ML', [determination]],
    ['0.025MG **See 1.8, Levothyroxine Sodium', '0.025MG', ['See 1.8, Levothyroxine Sodium']],
    [`0.1MG **See 1.8 **${determination}**`, '0.1MG', ['See 1.8', determination]],
  ])('splits the notes off %s', (text, strength, notes) => {
    expect(splitStrength(text)).toEqual({ strength, notes });
  });
});

describe('splitList()', () => {
  it.each([
    ['A; B', ['A', 'B']],
    ['25MG;0.125MG', ['25MG', '0.125MG']],
    ['TRIPLE SULFA (SULFABENZAMIDE;SULFACETAMIDE)', ['TRIPLE SULFA (SULFABENZAMIDE;SULFACETAMIDE)']],
    ['4%;EQ 0.017MG BASE/1.7ML (4%; EQ 0.01MG BASE/ML)', ['4%', 'EQ 0.017MG BASE/1.7ML (4%; EQ 0.01MG BASE/ML)']],
    ['A (B; C', ['A (B', 'C']],
    ['A) ;B', ['A)', 'B']],
    ['', []],
    ['A;', ['A']],
  ])('splits %j', (text, parts) => {
    expect(splitList(text)).toEqual(parts);
  });
});
