import { describe, expect, it } from 'vitest';
import { fits } from './essie-match.ts';
import { EssieSyntaxError, parseEssie } from './essie-parser.ts';

const study = {
  protocolSection: {
    identificationModule: { nctId: 'NCT00000001', briefTitle: 'Osimertinib in Non-Small Cell Lung Cancer' },
    statusModule: { overallStatus: 'RECRUITING', startDateStruct: { date: '2024-05' } },
    conditionsModule: { conditions: ['Carcinoma, Non-Small-Cell Lung', 'Breast Cancer'] },
    designModule: { phases: ['EARLY_PHASE1'], enrollmentInfo: { count: 30 } },
    eligibilityModule: { minimumAge: '18 Years' },
  },
};

describe('search expressions', () => {
  it.each([
    ['osimertinib', true],
    ['tagrisso', true],
    ['EXPANSION[None]tagrisso', false],
    ['NSCLC', true],
    ['breast lung', true],
    ['"breast lung"', false],
    ['"non-small cell lung cancer"', true],
    ['head OR breast', true],
    ['head OR neck', false],
    ['breast AND NOT lung', false],
    ['breast NOT head', true],
    ['(head OR breast) AND lung', true],
    ['head OR breast AND head', false],
    ['AREA[Phase]PHASE1', false],
    ['AREA[Phase](EARLY_PHASE1 OR PHASE1)', true],
    ['AREA[StartDate]RANGE[2024-01-01,MAX]', true],
    ['AREA[StartDate]RANGE[MIN,2024-04]', false],
    ['AREA[StartDate]RANGE[2024,2024]', true],
    ['AREA[ResultsFirstPostDate]RANGE[MIN,MAX]', false],
    ['NOT AREA[ResultsFirstPostDate]RANGE[MIN,MAX]', true],
    ['AREA[ResultsFirstPostDate]MISSING', true],
    ['AREA[EnrollmentCount]RANGE[10,30]', true],
    ['AREA[MinimumAge]RANGE[MIN, 16 years]', false],
    ['AREA[MinimumAge]RANGE[MIN, 18 years]', true],
    ['\\MISSING', false],
    ['ALL', true],
  ])('%s: %s', (expression, isFound) => {
    expect(fits(study, parseEssie(expression), 'BasicSearch')).toBe(isFound);
  });

  it.each(['(lung', 'lung)', 'lung]', 'AREA[Phase', 'lung AND', 'OR', '"lung', 'RANGE[1]', 'lung, cancer', ''])(
    'cannot be %j',
    expression => {
      expect(() => parseEssie(expression)).toThrow(EssieSyntaxError);
    },
  );
});
