import fc from 'fast-check';
import { ValidationError } from 'plinth/errors';
import { describe, expect, it } from 'vitest';
import { parseStage } from './index.ts';
import { concernsStage } from './stage.ts';

describe('parseStage', () => {
  it.each([
    ['stage_iv', 'IV'],
    ['Stage IV', 'IV'],
    ['iv', 'IV'],
    ['4', 'IV'],
    [4, 'IV'],
    [' STAGE-IV ', 'IV'],
    ['stage 3b', 'IIIB'],
    ['IIIA', 'IIIA'],
    ['ia1', 'IA1'],
    ['II', 'II'],
    ['0', '0'],
    ['limited_stage', 'limited'],
    ['Extensive-Stage', 'extensive'],
    ['any', 'any'],
  ])('reads %j as %s', (text, stage) => {
    expect(parseStage(text)).toBe(stage);
  });

  it.each(['', 'stage', '5', 'v', 'iiii', '4x', '41', 'i1', 'IV; drop', '-1', 'x'.repeat(100)])('refuses %j', text => {
    expect(() => parseStage(text)).toThrow(ValidationError);
  });

  it('reads what it has written as the same', () => {
    fc.assert(
      fc.property(fc.constantFrom('0', '1', 'ii', 'III', '4'), fc.constantFrom('', 'a', 'B', 'c2'), (number, part) => {
        const stage = parseStage(`stage_${number}${part}`);
        expect(parseStage(stage)).toBe(stage);
      }),
    );
  });
});

describe('concernsStage', () => {
  it.each([
    [['IV'], 'IV', true],
    [['IV'], 'IVA', true],
    [['IVA'], 'IV', false],
    [['IA'], 'IA2', true],
    [['I'], 'IA2', true],
    [['IA2'], 'IA', false],
    [['I'], 'II', false],
    [['I'], 'IV', false],
    [['any'], 'limited', true],
    [['limited'], 'extensive', false],
  ])('what is said for %j, at %s: %s', (stages, asked, expected) => {
    expect(concernsStage(stages, asked)).toBe(expected);
  });
});
