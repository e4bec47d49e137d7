import { array, assert, property, string } from 'fast-check';
import { ArgumentError } from 'plinth/errors';
import { describe, expect, it } from 'vitest';
import { column, soql } from './index.ts';

describe('soql', () => {
  it('doubles quotation marks in text', () => {
    expect(soql`street = ${"O'BRIEN"}`.text).toBe("street = 'O''BRIEN'");
  });

  it('puts in lists, numbers, truths, columns and other pieces', () => {
    const lots = soql`lot in ${['00055', '0055']}`;
    const where = soql`(${lots} OR ${column('bbl')} = ${1007200055}) AND irrlotcode = ${true}`;
    expect(where.text).toBe("(lot in ('00055','0055') OR bbl = 1007200055) AND irrlotcode = true");
    expect(`${where}`).toBe(where.text);
  });

  it('lets no text out of its quotation marks', () => {
    assert(
      property(string({ unit: 'binary' }), array(string(), { minLength: 1, maxLength: 3 }), (text, list) => {
        for (const sent of [soql`a = ${text}`.text.slice(4), soql`${list}`.text.slice(1, -1)]) {
          const outside = sent.replaceAll("''", '').replace(/'[^']*'/g, '');
          expect(outside).toMatch(/^,*$/);
        }
        expect(soql`${text}`.text.slice(1, -1).replaceAll("''", "'")).toBe(text);
      }),
    );
  });

  it.each([
    [() => soql`lot in ${[]}`, /an empty list/],
    [() => soql`a = ${Number.NaN}`, /NaN/],
    [() => soql`a = ${undefined as never}`, /undefined/],
    [() => soql`a = '${'x'}'`, /inside quotation marks/],
    [() => soql`a like '%' AND b = '${'x'}`, /inside quotation marks/],
    [() => soql`\`${'x'}\` = 1`, /inside quotation marks/],
  ])('refuses what cannot be put in', (build, problem) => {
    expect(build).toThrow(ArgumentError);
    expect(build).toThrow(problem);
  });

  it.each(['issue_date', ':id', 'census_tract_2020_'])('takes %s for a column', name => {
    expect(column(name).text).toBe(name);
  });

  it.each(['', 'Issue Date', 'a;b', "a'", 'a)--', '1a', 'a b'])('does not take %j for a column', name => {
    expect(() => column(name)).toThrow(ArgumentError);
  });
});
