import fc from 'fast-check';
import { ValidationError } from 'plinth/errors';
import { describe, expect, it } from 'vitest';
import { normaliseAlteration, normaliseGene } from './alteration-name.ts';

describe('normaliseAlteration', () => {
  it.each([
    ['T790M', 'T790M'],
    ['p.T790M', 'T790M'],
    [' t790m ', 'T790M'],
    ['p.Thr790Met', 'T790M'],
    ['Thr790Met', 'T790M'],
    ['p.(Thr790Met)', 'T790M'],
    ['NP_005219.2:p.Thr790Met', 'T790M'],
    ['p.Glu746_Ala750del', 'E746_A750del'],
    ['p.Lys558delinsAsnPro', 'K558delinsNP'],
    ['p.His773_Val774insAsnProHis', 'H773_V774insNPH'],
    ['p.Tyr772_Ala775dup', 'Y772_A775dup'],
    ['p.Arg213Ter', 'R213*'],
    ['p.Arg213*', 'R213*'],
    ['p.Arg177ProfsTer126', 'R177Pfs*126'],
    ['p.Ser453fs', 'S453fs'],
    ['p.Ala222=', 'A222='],
    ['p.X1006_splice', 'X1006_splice'],
    ['Amplification', 'Amplification'],
    ['Exon 19  in-frame deletions', 'Exon 19 in-frame deletions'],
    ['Oncogenic Mutations {excluding V600}', 'Oncogenic Mutations {excluding V600}'],
    ['SEC16A1-NOTCH1 Fusion', 'SEC16A1-NOTCH1 Fusion'],
    ['p61BRAF', 'p61BRAF'],
  ])('makes of %s what OncoKB calls it: %s', (name, expected) => {
    expect(normaliseAlteration(name)).toBe(expected);
  });

  it.each([
    '',
    '   ',
    '790',
    'p.',
    'p.Thr790Foo',
    'c.2369C>T',
    'g.55249071C>T',
    '7,140710000,140710000,G,T',
    'T790M\u0000',
    '<script>',
    'x'.repeat(201),
    '!!!',
  ])('refuses %j, and says what was expected', name => {
    expect(() => normaliseAlteration(name)).toThrow(ValidationError);
    expect(() => normaliseAlteration(name)).toThrow(/Cannot use the alteration .*expected/s);
  });

  it('changes nothing the second time', () => {
    const codes = ['Ala', 'Arg', 'Asn', 'Asp', 'Cys', 'Gln', 'Glu', 'Gly', 'His', 'Ile', 'Leu', 'Lys', 'Met'];
    const residue = fc.constantFrom(...codes);
    const result = fc.constantFrom(...codes, 'Ter');
    const position = fc.integer({ min: 1, max: 5_000 });
    const change = fc.oneof(
      fc.tuple(residue, position, result).map(([from, at, to]) => `p.${from}${at}${to}`),
      fc.tuple(residue, position, residue, position).map(([from, at, to, end]) => `p.${from}${at}_${to}${end}del`),
      fc
        .tuple(residue, position, fc.array(residue, { minLength: 1 }))
        .map(([r, at, more]) => `p.${r}${at}delins${more.join('')}`),
    );
    fc.assert(
      fc.property(change, name => {
        const once = normaliseAlteration(name);
        expect(once).toMatch(/^[A-Z*]\d+(?:[A-Z*]|_[A-Z*]\d+del|delins[A-Z*]+)$/);
        expect(normaliseAlteration(once)).toBe(once);
      }),
    );
  });
});

describe('normaliseGene', () => {
  it.each([
    ['egfr', 'EGFR'],
    [' NKX2-1 ', 'NKX2-1'],
    ['c11orf30', 'C11orf30'],
    ['CDKN2A (p14)', 'CDKN2A (p14)'],
  ])('makes of %s the symbol %s', (symbol, expected) => {
    expect(normaliseGene(symbol)).toBe(expected);
  });

  it.each(['', '12', 'EGFR;DROP', '<b>', 'x'.repeat(51)])('refuses %j', symbol => {
    expect(() => normaliseGene(symbol)).toThrow(ValidationError);
  });
});
