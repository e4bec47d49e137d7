import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { formatOffence } from '../tools/house/offence.ts';
import { readPlanted } from '../tools/house/planted.ts';
import { readTree } from '../tools/house/tree.ts';
import { checkLaws, idleExceptions } from '../tools/laws/check.ts';
import { type LawException, lawExceptions } from '../tools/laws/exceptions.ts';
import { lawRules } from '../tools/laws/rules.ts';
import { layerRules } from '../tools/layers/rules.ts';

const cases = readPlanted('test/planted/laws');

describe('laws', () => {
  it('has a planted offence for every rule, and no other', () => {
    expect(cases.map(({ rule }) => rule).sort()).toEqual(Object.keys(lawRules).sort());
  });

  it.each(cases)('finds every planted offence against $rule, and nothing else', ({ rule, offence, expected }) => {
    const found = checkLaws(offence).map(({ rule: id, file, line }) => `${id} ${file}:${line}`);
    expect(found.sort()).toEqual(expected.map(place => `${rule} ${place}`).sort());
  });

  it.each(cases)('finds nothing in the clean twin of $rule', ({ clean }) => {
    expect(checkLaws(clean).map(found => formatOffence(found, lawRules))).toEqual([]);
  });

  it('excuses a function by its name only', () => {
    const tree = cases.find(({ rule }) => rule === 'function-length')?.offence ?? new Map();
    const excuse = (name: string): LawException => ({
      rule: 'function-length',
      place: 'src/cache/a.ts',
      name,
      reason: 'a table',
    });
    expect(checkLaws(tree, [excuse('long')])).toHaveLength(2);
    expect(checkLaws(tree, [excuse('longer')])).toHaveLength(3);
  });

  it('finds nothing in the tree itself', () => {
    const offences = checkLaws(readTree('.'));
    expect(offences.map(offence => formatOffence(offence, lawRules))).toEqual([]);
  });

  it('names every rule in CONTRIBUTING.md', () => {
    const text = readFileSync('CONTRIBUTING.md', 'utf8');
    expect(Object.keys({ ...layerRules, ...lawRules }).filter(rule => !text.includes(`\`${rule}\``))).toEqual([]);
  });

  it('keeps no exception that excuses nothing', () => {
    expect(idleExceptions(readTree('.'), lawExceptions)).toEqual([]);
  });
});
