import { ScraperError, UpstreamError, ValidationError } from 'plinth/errors';
import { describe, expect, it } from 'vitest';
import { readAnnotation } from './annotation-record.ts';
import { hasDrugs, parseDrug, parseRegimens } from './drug-string.ts';
import { OncoKBRightsError, OncoKBTokenError, toOncoKBError } from './errors.ts';
import { readCuratedGene } from './gene-record.ts';
import { compareLevels, type OncoKBLevel, parseLevel, therapeuticLevels } from './levels.ts';
import { answersInOrder } from './questions.ts';
import { rightOf } from './rights.ts';
import { parseActionableVariants } from './table-files.ts';

describe('levels', () => {
  it('have one name, whether an annotation or a table says them', () => {
    expect(['LEVEL_3A', '3A', ' level_3a '].map(parseLevel)).toEqual(['3A', '3A', '3A']);
    expect([parseLevel('LEVEL_Dx1'), parseLevel('LEVEL_Fda2'), parseLevel('LEVEL_R1')]).toEqual(['Dx1', 'Fda2', 'R1']);
    expect(['NO', '', null, undefined, 'LEVEL_9', 3].map(parseLevel)).toEqual(Array(6).fill(undefined));
  });

  it('are ordered as OncoKB orders them: R1 > 1 > 2 > 3A > 3B > 4 > R2', () => {
    expect(therapeuticLevels).toEqual(['R1', '1', '2', '3A', '3B', '4', 'R2']);
    const mixed: OncoKBLevel[] = ['4', 'R2', '3B', '1', 'R1', '3A', '2'];
    expect(mixed.sort(compareLevels)).toEqual(therapeuticLevels);
  });
});

describe('drug strings', () => {
  it('are alternatives separated by commas, of drugs joined by +', () => {
    expect(parseRegimens('Examplinib, Examplinib + Chemotherapy')).toEqual([
      ['Examplinib'],
      ['Examplinib', 'Chemotherapy'],
    ]);
    expect(parseRegimens('A (B, C) + D')).toEqual([['A (B, C)', 'D']]);
    expect([parseRegimens(''), parseRegimens(null)]).toEqual([[], []]);
  });

  it('are found by whole names of drugs, in any case', () => {
    const [regimen = []] = parseRegimens('Examplinib + Chemotherapy');
    expect(hasDrugs(regimen, parseDrug(' EXAMPLINIB '))).toBe(true);
    expect(hasDrugs(regimen, parseDrug('chemotherapy + examplinib'))).toBe(true);
    expect(hasDrugs(regimen, parseDrug('example'))).toBe(false);
    expect(hasDrugs(regimen, parseDrug('examplinib + demotinib'))).toBe(false);
  });

  it.each(['', ' ', ',', 'a, b', '+', 'a\nb', '!!', 'x'.repeat(301)])('that ask for %j are refused', name => {
    expect(() => parseDrug(name)).toThrow(ValidationError);
  });
});

describe('annotations', () => {
  const nothing = { query: {}, geneExist: true, variantExist: false, oncogenic: 'Unknown', treatments: [] };

  it('are known without a variant when a rule for a range or a hotspot applies', () => {
    const treatments = [{ level: 'LEVEL_4', drugs: [{ drugName: 'Examplinib' }], alterations: ['K101'] }];
    expect(readAnnotation(nothing).known).toBe(false);
    expect(readAnnotation({ ...nothing, treatments }).known).toBe(true);
    expect(readAnnotation({ ...nothing, oncogenic: 'Likely Oncogenic' }).known).toBe(true);
    expect(readAnnotation({ ...nothing, geneExist: false, treatments }).known).toBe(false);
  });

  it('read an oncogenicity of "" as unknown', () => {
    expect(readAnnotation({ ...nothing, oncogenic: '' })).toMatchObject({ oncogenic: 'Unknown', known: false });
  });

  it('count treatments that cannot be read, and keep the others', () => {
    const treatments = [{ level: 'LEVEL_99', drugs: [] }, { level: 'LEVEL_R1', drugs: [{ drugName: 'Demotinib' }] }, 7];
    const annotation = readAnnotation({ ...nothing, treatments });
    expect(annotation).toMatchObject({
      unreadable: 2,
      treatments: [{ level: 'R1', drugs: [{ name: 'Demotinib', ncitCode: null }] }],
    });
  });

  it.each([null, 'text', [], {}])('are refused when they are none: %j', value => {
    expect(() => readAnnotation(value)).toThrow(ValidationError);
  });

  it('come back in the order of the questions, by their numbers', () => {
    const reply = (id: string | null, alteration: string): unknown => ({ query: { id, alteration } });
    expect(answersInOrder([reply('1', 'B'), reply('0', 'A')], 2)).toEqual([reply('0', 'A'), reply('1', 'B')]);
    expect(answersInOrder([reply(null, 'A'), reply(null, 'B')], 2)).toEqual([reply(null, 'A'), reply(null, 'B')]);
    expect(() => answersInOrder([reply('0', 'A')], 2)).toThrow(ScraperError);
    expect(() => answersInOrder({}, 1)).toThrow(ScraperError);
  });
});

describe('genes', () => {
  it('have their resistance level under either spelling of its field', () => {
    expect(readCuratedGene({ hugoSymbol: 'EXMP1', highestResistancLevel: 'R2' }).highestResistanceLevel).toBe('R2');
    expect(readCuratedGene({ hugoSymbol: 'EXMP1', highestResistanceLevel: 'R1' }).highestResistanceLevel).toBe('R1');
  });
});

describe('tables', () => {
  it('are read by their header: the seven columns of 2017', () => {
    const { rows } = parseActionableVariants(
      'Gene\tAlteration\tCancer Type\tLevel\tDrugs(s)\tPMIDs for drug\tAbstracts for drug\nEXMP1\tK101R\tExamplioma\t2A\tExamplinib\t1, 2\t\n',
    );
    expect(rows).toMatchObject([
      { gene: 'EXMP1', level: '2A', regimens: [['Examplinib']], pmids: ['1', '2'], setting: null },
    ]);
  });

  it('are read by their header: the eleven columns of 2019, in any order, with new ones', () => {
    const { rows } = parseActionableVariants(
      'New\tLevel\tIsoform\tRefSeq\tEntrez Gene ID\tHugo Symbol\tAlteration\tProtein Change\tCancer Type\tDrugs(s)\tPMIDs for drug\tAbstracts for drug\r\nx\tR1\tE1\tN1\t-2\tEXMP1\tT222M\tT222M\tExamplioma\tDemotinib\t\t\r\n',
    );
    expect(rows).toMatchObject([
      { gene: 'EXMP1', level: 'R1', entrezGeneId: -2, grch37Isoform: 'E1', proteinChange: 'T222M' },
    ]);
  });

  it('part alterations only at commas outside of brackets', () => {
    const { rows } = parseActionableVariants('Gene\tAlterations\tLevel\nEXMP1\tAny (excluding K9N, K9R), T2M\t4\n');
    expect(rows[0]?.alterations).toEqual(['Any (excluding K9N, K9R)', 'T2M']);
  });

  it('count rows that cannot be read, and refuse what is no table', () => {
    expect(parseActionableVariants('Gene\tAlteration\tLevel\nEXMP1\tK1R\t99\n\tK1R\t1\n')).toEqual({
      rows: [],
      unreadable: 2,
    });
    expect(() => parseActionableVariants('<html>')).toThrow(/table without a column of genes/);
  });
});

describe('refusals', () => {
  const refuse = (status: number, body: string, endpoint = '/drugs'): unknown =>
    toOncoKBError(new UpstreamError(`answered ${status}`, status, { details: { status, body } }), endpoint);
  const problem = (type: string): string =>
    JSON.stringify({ type: `https://www.oncokb.org/problem/${type}`, title: 'x', status: 401, detail: 'Say "no"' });

  it.each([
    ['problem-with-message', 'token-rejected'],
    ['token-expired', 'token-expired'],
    ['license-agreement-not-accepted', 'licence-not-accepted'],
  ])('of the token are of their own kind: %s', (type, kind) => {
    const error = refuse(401, problem(type));
    expect(error).toBeInstanceOf(OncoKBTokenError);
    expect(error).toMatchObject({ kind, status: 401, retryable: false, details: { detail: 'Say "no"' } });
  });

  it('for want of a right are another thing, and name the right', () => {
    const error = refuse(403, problem('problem-with-message'), '/drugs');
    expect(error).toBeInstanceOf(OncoKBRightsError);
    expect(error).toMatchObject({ kind: 'rights', role: 'premium', endpoint: '/drugs', retryable: false });
    expect(String(error)).toMatch(/premium right/);
  });

  it.each([
    [400, 'query', false],
    [404, 'not-found', false],
    [302, 'unexpected', false],
    [500, 'server', true],
    [503, 'server', true],
  ])('with status %i are of kind %s', (status, kind, retryable) => {
    expect(refuse(status, '<html>')).toMatchObject({ kind, status, retryable });
  });

  it('are read from the beginning of their body, which is all there is', () => {
    expect(refuse(401, problem('token-expired').slice(0, -12))).toMatchObject({ kind: 'token-expired' });
  });
});

describe('rights', () => {
  it.each([
    ['/info', 'everybody'],
    ['/utils/allCuratedGenes.txt', 'everybody'],
    ['/annotate/mutations/byProteinChange', 'token'],
    ['/annotate/sample', 'premium'],
    ['/drugs', 'premium'],
    ['/drugs/lookup', 'admin'],
    ['/utils/allActionableVariants', 'premium'],
    ['/utils/allActionableVariants.txt', 'premium-or-download'],
    ['/evidences/lookup', 'website'],
    ['/genes', 'admin'],
  ])('of %s: %s', (path, role) => {
    expect(rightOf(path)).toBe(role);
  });
});
