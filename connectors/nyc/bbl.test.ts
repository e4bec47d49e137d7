import { assert, constantFrom, integer, property } from 'fast-check';
import { ValidationError } from 'plinth/errors';
import { describe, expect, it } from 'vitest';
import { parseBbl } from './index.ts';

describe('parseBbl', () => {
  it.each([
    '1007200055',
    1007200055,
    ' 1007200055 ',
    '1007200055.00000000',
    '1-00720-0055',
    '1-00720-00055',
    '1/720/55',
    '1 720 55',
    '1 - 720 - 55',
  ])('reads %j', bbl => {
    expect(parseBbl(bbl)).toEqual({
      borough: 1,
      boroughName: 'Manhattan',
      block: 720,
      lot: 55,
      text: '1007200055',
      lotKind: 'ordinary',
    });
  });

  it.each([
    ['', /ten digits/],
    ['100720055', /ten digits/],
    ['10072000550', /ten digits/],
    [720, /ten digits/],
    [1007200055.5, /ten digits/],
    [Number.NaN, /ten digits/],
    ['1-720', /ten digits/],
    ['1-00720-12345', /ten digits/],
    ["1007200055' OR 1=1", /ten digits/],
    ['0007200055', /borough is 0, expected 1 Manhattan/],
    ['6007200055', /borough is 6, expected 1 Manhattan/],
    ['6-720-55', /borough is 6/],
    ['1000000055', /block is 0/],
    ['1-720-0', /lot is 0/],
  ])('refuses %j', (bbl, problem) => {
    const read = (): unknown => parseBbl(bbl);
    expect(read).toThrow(ValidationError);
    expect(read).toThrow(problem);
  });

  it('knows every borough', () => {
    const names = [1, 2, 3, 4, 5].map(borough => parseBbl(`${borough}000010001`).boroughName);
    expect(names).toEqual(['Manhattan', 'Bronx', 'Brooklyn', 'Queens', 'Staten Island']);
  });

  it('says of the lot of one apartment that violations are listed under the whole building', () => {
    expect(parseBbl('1015161109')).toMatchObject({
      lotKind: 'condo-unit',
      note: expect.stringMatching(/7501 to 7599/),
    });
    expect(parseBbl('1015167502').lotKind).toBe('condo-billing');
    expect(parseBbl('1015167502')).not.toHaveProperty('note');
    expect(
      [1_000, 1_001, 6_999, 7_000, 7_500, 7_501, 7_599, 7_600].map(lot => parseBbl(`1-1516-${lot}`).lotKind),
    ).toEqual([
      'ordinary',
      'condo-unit',
      'condo-unit',
      'ordinary',
      'ordinary',
      'condo-billing',
      'condo-billing',
      'ordinary',
    ]);
  });

  it('gives the same lot for every way of writing it', () => {
    const mark = constantFrom('-', '/', ' ');
    assert(
      property(
        integer({ min: 1, max: 5 }),
        integer({ min: 1, max: 99_999 }),
        integer({ min: 1, max: 9_999 }),
        mark,
        (...parts) => {
          const [borough, block, lot, between] = parts;
          const read = parseBbl([borough, block, lot].join(between));
          expect([read.borough, read.block, read.lot]).toEqual([borough, block, lot]);
          expect(parseBbl(read.text)).toEqual(read);
          expect(parseBbl(Number(read.text))).toEqual(read);
        },
      ),
    );
  });
});
