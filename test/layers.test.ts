import { describe, expect, it } from 'vitest';
import { formatOffence } from '../tools/house/offence.ts';
import { readPlanted } from '../tools/house/planted.ts';
import { readTree } from '../tools/house/tree.ts';
import { checkLayers } from '../tools/layers/check.ts';
import { layerRules } from '../tools/layers/rules.ts';

const cases = readPlanted('test/planted/layers');

describe('layers', () => {
  it('has a planted offence for every rule, and no other', () => {
    expect(cases.map(({ rule }) => rule).sort()).toEqual(Object.keys(layerRules).sort());
  });

  it.each(cases)('finds every planted offence against $rule, and nothing else', ({ rule, offence, expected }) => {
    const found = checkLayers(offence).map(({ rule: id, file, line }) => `${id} ${file}:${line}`);
    expect(found.sort()).toEqual(expected.map(place => `${rule} ${place}`).sort());
  });

  it.each(cases)('finds nothing in the clean twin of $rule', ({ clean }) => {
    expect(checkLayers(clean).map(found => formatOffence(found, layerRules))).toEqual([]);
  });

  it('finds nothing in the tree itself', () => {
    const offences = checkLayers(readTree('.'));
    expect(offences.map(offence => formatOffence(offence, layerRules))).toEqual([]);
  });
});
