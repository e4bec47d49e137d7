import { ValidationError } from 'plinth/errors';
import { describe, expect, it } from 'vitest';
import { plainMarkup } from './markup.ts';
import { parseNctId } from './nct-id.ts';
import { readDetails } from './read-details.ts';
import { readResults } from './read-results.ts';
import { readSummary } from './read-trial.ts';
import { calendarDate, parseAge } from './trial-date.ts';

function study(modules: object = {}): object {
  return {
    protocolSection: {
      identificationModule: { nctId: 'NCT00000001' },
      statusModule: { overallStatus: 'COMPLETED' },
      ...modules,
    },
  };
}

describe('a record', () => {
  it('may have nothing but its number and its state: the rest is null or empty', () => {
    expect(readSummary(study())).toEqual({
      nctId: 'NCT00000001',
      briefTitle: null,
      officialTitle: null,
      acronym: null,
      status: 'COMPLETED',
      whyStopped: null,
      startDate: null,
      primaryCompletionDate: null,
      completionDate: null,
      firstPosted: null,
      lastUpdatePosted: null,
      leadSponsor: null,
      conditions: [],
      keywords: [],
      studyType: null,
      phases: [],
      enrollment: null,
      interventions: [],
      sex: null,
      minimumAge: null,
      maximumAge: null,
      ageGroups: [],
      hasResults: null,
    });
    expect(readDetails(study())).toMatchObject({ locations: [], arms: [], ipdSharing: null, documents: [] });
    expect(readResults(study())).toBeNull();
  });

  it('has no number of participants where the source wrote 99999999 (trap: sentinel)', () => {
    const summary = readSummary(study({ designModule: { enrollmentInfo: { count: 99_999_999, type: 'ESTIMATED' } } }));
    expect(summary.enrollment).toEqual({ count: null, type: 'ESTIMATED' });
  });

  it('has dates as exact as they are, and without a type in old records (trap: YYYY-MM, absent type)', () => {
    const statusModule = {
      overallStatus: 'UNKNOWN',
      startDateStruct: { date: '2015-08' },
      completionDateStruct: { date: '1998', type: 'ACTUAL' },
      primaryCompletionDateStruct: { date: '2017-06-19', type: 'ACTUAL' },
      lastUpdatePostDateStruct: { date: 'August 2015', type: 'ACTUAL' },
    };
    expect(readSummary(study({ statusModule }))).toMatchObject({
      startDate: { date: '2015-08', precision: 'month', type: null },
      completionDate: { date: '1998', precision: 'year', type: 'ACTUAL' },
      primaryCompletionDate: { date: '2017-06-19', precision: 'day', type: 'ACTUAL' },
      lastUpdatePosted: { date: 'August 2015', precision: 'unknown', type: 'ACTUAL' },
    });
  });

  it('may have several phases, or none (trap: phases is a list, absent for observational studies)', () => {
    expect(readSummary(study({ designModule: { phases: ['PHASE1', 'PHASE2'] } })).phases).toEqual(['PHASE1', 'PHASE2']);
    expect(readSummary(study({ designModule: { studyType: 'OBSERVATIONAL' } })).phases).toEqual([]);
  });

  it('may have interventions without a type (trap: answers with limited fields)', () => {
    const armsInterventionsModule = { interventions: [{ name: 'Osimertinib' }] };
    expect(readSummary(study({ armsInterventionsModule })).interventions).toEqual([
      { type: null, name: 'Osimertinib' },
    ]);
  });

  it.each([
    [
      { conditionsModule: { conditions: 'NSCLC' } },
      'protocolSection.conditionsModule.conditions',
      'a list, got string',
    ],
    [{ conditionsModule: { conditions: [7] } }, 'protocolSection.conditionsModule.conditions[0]', 'text, got number'],
    [
      { designModule: { enrollmentInfo: { count: '5' } } },
      'protocolSection.designModule.enrollmentInfo.count',
      'a number',
    ],
    [{ statusModule: [] }, 'protocolSection.statusModule', 'an object, got a list'],
    [{ statusModule: {} }, 'protocolSection.statusModule.overallStatus', 'text, got nothing'],
  ])('is unreadable with %j, and the error says where', (modules, path, expected) => {
    let problem: unknown;
    try {
      readSummary(study(modules));
    } catch (error) {
      problem = error;
    }
    expect(problem).toBeInstanceOf(ValidationError);
    expect((problem as ValidationError).fieldErrors[path]).toContain(expected);
    expect(() => readSummary('x')).toThrow(ValidationError);
  });

  it('has numbers of results where they are numbers, and always the text (trap: NA, <0.001)', () => {
    const outcome = (value: string): object => ({
      title: 'PFS',
      classes: [{ categories: [{ measurements: [{ groupId: 'OG000', value }] }] }],
    });
    const values = ['18.9', 'NA', '<0.001', '1,234', '-0.5', '.05'];
    const resultsSection = { outcomeMeasuresModule: { outcomeMeasures: values.map(outcome) } };
    const results = readResults({ ...study(), resultsSection });
    expect(results?.outcomeMeasures.map(({ classes }) => classes[0]?.categories[0]?.measurements[0]?.value)).toEqual([
      { number: 18.9, text: '18.9' },
      { number: null, text: 'NA' },
      { number: null, text: '<0.001' },
      { number: 1_234, text: '1,234' },
      { number: -0.5, text: '-0.5' },
      { number: 0.05, text: '.05' },
    ]);
  });
});

describe('parseAge()', () => {
  it.each([
    ['18 Years', 18],
    ['1 Year', 1],
    ['6 Months', 0.5],
    ['0 Days', 0],
    ['N/A', null],
  ])('reads %j', (text, years) => {
    expect(parseAge(text)).toEqual({ years, text });
  });

  it('reads weeks, hours and minutes as parts of a year', () => {
    expect(parseAge('52 Weeks').years).toBeCloseTo(0.9966, 3);
    expect(parseAge('24 Hours').years).toBeCloseTo(1 / 365.25, 6);
    expect(parseAge('30 Minutes').years).toBeCloseTo(0.5 / 8_766, 8);
  });
});

describe('calendarDate()', () => {
  it.each(['2023-02-29', '2023-13', '20230101', '', '2023-1', '2023-01-01T00:00'])(
    'does not take %j for a date',
    text => {
      expect(calendarDate(text)).toBe('unknown');
    },
  );
});

describe('parseNctId()', () => {
  it('accepts lower case and outer spaces', () => {
    expect(parseNctId(' nct02220894 ')).toBe('NCT02220894');
  });

  it.each(['NCT0222089', 'NCT022208944', '02220894', 'NCT02220894/x', '', undefined, 7])('refuses %j', nctId => {
    expect(() => parseNctId(nctId)).toThrow(ValidationError);
  });
});

describe('plainMarkup()', () => {
  it('takes the backslashes of Markdown away (trap: escaped characters in criteria)', () => {
    expect(plainMarkup('* ANC \\>= 1.5\n* 5\\* ULN \\[a\\] C:\\\\x')).toBe('* ANC >= 1.5\n* 5* ULN [a] C:\\x');
  });
});
