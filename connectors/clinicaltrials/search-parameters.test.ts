import { ValidationError } from 'plinth/errors';
import { describe, expect, it } from 'vitest';
import { planSearch, summaryPieces } from './search-parameters.ts';
import type { TrialQuery } from './trial-query.ts';

function parametersOf(query: TrialQuery): Readonly<Record<string, string | number>> {
  return planSearch(query, undefined).parameters;
}

function problemsOf(query: unknown): Readonly<Record<string, string>> {
  try {
    planSearch(query as TrialQuery, undefined);
  } catch (error) {
    expect(error).toBeInstanceOf(ValidationError);
    return (error as ValidationError).fieldErrors;
  }
  return expect.fail('Expected the query to be refused');
}

describe('planSearch()', () => {
  it('asks for recruiting studies unless another state, or any, is given', () => {
    expect(parametersOf({})['filter.overallStatus']).toBe('RECRUITING');
    expect(parametersOf({ status: ['COMPLETED', 'TERMINATED'] })['filter.overallStatus']).toBe('COMPLETED,TERMINATED');
    expect(parametersOf({ status: 'ANY' })).not.toHaveProperty(['filter.overallStatus']);
  });

  it('writes every kind of words to its parameter', () => {
    const words = {
      condition: 'NSCLC',
      intervention: { anyOf: ['osimertinib', 'Tagrisso'] },
      term: { allOf: ['EGFR', 'T790M'] },
      location: 'Boston',
      titles: 'FLAURA',
      outcome: 'survival',
      sponsor: 'Parexel',
      leadSponsor: 'AstraZeneca',
      patient: 'lung cancer',
      otherIds: 'MK-3475-042',
    };
    expect(parametersOf(words)).toMatchObject({
      'query.cond': '"NSCLC"',
      'query.intr': '"osimertinib" OR "Tagrisso"',
      'query.term': '"EGFR" AND "T790M"',
      'query.locn': '"Boston"',
      'query.titles': '"FLAURA"',
      'query.outc': '"survival"',
      'query.spons': '"Parexel"',
      'query.lead': '"AstraZeneca"',
      'query.patient': '"lung cancer"',
      'query.id': '"MK-3475-042"',
    });
  });

  it('writes every filter to filter.advanced, with what is given as it is in brackets of its own', () => {
    const { 'filter.advanced': advanced, ...others } = parametersOf({
      ids: 'nct02220894',
      phases: ['PHASE2', 'PHASE3'],
      studyType: 'INTERVENTIONAL',
      sex: ['FEMALE', 'ALL'],
      ageGroups: 'OLDER_ADULT',
      geo: { latitude: 39.0035707, longitude: -77.1013313, distanceKm: 80 },
      startDate: { from: '2024-01-01' },
      lastUpdate: { from: '2023', to: '2023-06' },
      primaryCompletionDate: { to: '2025' },
      firstPosted: { from: '2020-02-29' },
      hasResults: false,
      advanced: 'AREA[LeadSponsorClass]NIH OR AREA[LeadSponsorClass]FED',
      sort: [{ field: 'LastUpdatePostDate', direction: 'desc' }, { field: 'EnrollmentCount' }],
    });
    expect(advanced).toBe(
      'AREA[Phase](PHASE2 OR PHASE3) AND AREA[StudyType]INTERVENTIONAL AND AREA[Sex](FEMALE OR ALL) AND ' +
        'AREA[StdAge]OLDER_ADULT AND AREA[StartDate]RANGE[2024-01-01,MAX] AND ' +
        'AREA[PrimaryCompletionDate]RANGE[MIN,2025] AND AREA[StudyFirstPostDate]RANGE[2020-02-29,MAX] AND ' +
        'AREA[LastUpdatePostDate]RANGE[2023,2023-06] AND NOT AREA[ResultsFirstPostDate]RANGE[MIN,MAX] AND ' +
        '(AREA[LeadSponsorClass]NIH OR AREA[LeadSponsorClass]FED)',
    );
    expect(others).toMatchObject({
      'filter.ids': 'NCT02220894',
      'filter.geo': 'distance(39.003571,-77.101331,80km)',
      sort: 'LastUpdatePostDate:desc,EnrollmentCount',
    });
  });

  it('asks for the pieces of a summary, so that pages stay small, and for those that are wanted besides', () => {
    expect(parametersOf({})['fields']).toBe(summaryPieces.join(','));
    const fields = parametersOf({ fields: ['EligibilityCriteria', 'NCTId'] })['fields'];
    expect(fields).toBe([...summaryPieces, 'EligibilityCriteria'].join(','));
  });

  it.each([
    ['lung AND cancer', '"lung AND cancer"'],
    ['NOT placebo', '"NOT placebo"'],
    ['a" OR AREA[Phase]PHASE1 OR "b', '"a OR AREA Phase PHASE1 OR b"'],
    ['MISSING', '"MISSING"'],
    ['HER2 (ERBB2), positive', '"HER2 ERBB2 positive"'],
    ['\u201csleep\u201d \\"deprivation\\', '"sleep deprivation"'],
    ["Alzheimer's  disease\n\u0000", '"Alzheimer\'s disease"'],
    ['non-small cell', '"non-small cell"'],
  ])('makes no operators of the words %j (trap: reserved characters, unbalanced brackets)', (text, expression) => {
    expect(parametersOf({ condition: text })['query.cond']).toBe(expression);
    expect(parametersOf({ term: { anyOf: [text, 'x'] } })['query.term']).toBe(`${expression} OR "x"`);
  });

  it.each([
    [
      { status: 'BADSTATUS' },
      'status',
      /^Expected one or several of ACTIVE_NOT_RECRUITING, .* or ANY, got "BADSTATUS"$/,
    ],
    [{ status: [] }, 'status', /an empty list$/],
    [{ phases: ['PHASE3', 'III'] }, 'phases', /NA, EARLY_PHASE1, PHASE1, .* got "III"$/],
    [{ studyType: 'interventional' }, 'studyType', /INTERVENTIONAL, OBSERVATIONAL, EXPANDED_ACCESS/],
    [{ sex: 'F' }, 'sex', /ALL, FEMALE, MALE/],
    [{ ageGroups: 'OLD' }, 'ageGroups', /CHILD, ADULT, OLDER_ADULT/],
    [{ ids: ['NCT02220894', 'NCT1'] }, 'ids', /got "NCT1"$/],
    [{ condition: '()[]' }, 'condition', /no letters or digits/],
    [{ condition: { anyOf: [] } }, 'condition', /empty/],
    [{ condition: 7 }, 'condition', /Expected text.*got 7/],
    [{ condition: 'x'.repeat(1_001) }, 'condition', /1001 characters, at most 1000/],
    [{ geo: { latitude: 91, longitude: 0, distanceKm: 5 } }, 'geo', /latitude -90 to 90/],
    [{ geo: { latitude: 1, longitude: 0 } }, 'geo', /distanceKm/],
    [{ startDate: {} }, 'startDate', /at least one of them/],
    [{ startDate: { from: '2024-02-30' } }, 'startDate', /YYYY-MM-DD/],
    [{ lastUpdate: { from: 'MIN] OR AREA[Phase](' } }, 'lastUpdate', /YYYY-MM-DD/],
    [{ startDate: { from: '2024-05', to: '2023' } }, 'startDate', /from before to/],
    [{ sort: [] }, 'sort', /one or two/],
    [{ sort: { field: 'x,y' } }, 'sort', /one or two/],
    [{ sort: { field: 'StartDate', direction: 'up' } }, 'sort', /asc/],
    [{ fields: ['a b'] }, 'fields', /names of pieces/],
    [{ limit: 0 }, 'limit', /1 to 100000, got 0/],
    [{ pageSize: 1_001 }, 'pageSize', /1 to 1000, got 1001/],
    [{ hasResults: 'yes' }, 'hasResults', /true or false/],
    [{ advanced: ' ' }, 'advanced', /AREA\[Phase\]PHASE3/],
    [{ cond: 'NSCLC' }, 'cond', /^Unknown, expected one of condition, intervention,/],
  ])('refuses %j before anything is sent, and says what is accepted', (query, field, problem) => {
    const problems = problemsOf(query);
    expect(Object.keys(problems)).toEqual([field]);
    expect(problems[field]).toMatch(problem);
  });

  it('refuses words that are nothing but numbers of studies (trap: the source ignores all filters then)', () => {
    for (const term of ['NCT02220894', ' nct02220894, NCT02296125 ', { anyOf: ['NCT02220894', 'NCT02296125'] }]) {
      expect(problemsOf({ term })['term']).toMatch(/Give them as ids/);
    }
    expect(parametersOf({ term: 'NCT02220894 follow-up' })['query.term']).toBe('"NCT02220894 follow-up"');
  });

  it('names everything that is wrong at once', () => {
    expect(Object.keys(problemsOf({ status: 'x', sex: 'x', limit: 1.5 })).sort()).toEqual(['limit', 'sex', 'status']);
    expect(() => planSearch(undefined as never, undefined)).toThrow(ValidationError);
  });
});
