import { describe, expect, it } from 'vitest';
import { parseDrugName } from './drug-name.ts';
import { mergeApplications, mergeResults, resultOfOrangeBook, resultsOfDrugsFda } from './fda-merge.ts';
import { type DrugsFdaApplication, readApplication } from './open-fda-record.ts';
import type { OrangeBookProduct } from './orange-book-types.ts';

const tagrisso: OrangeBookProduct = {
  applicationNumber: 'NDA208065',
  applicationType: 'NDA',
  productNumber: '001',
  ingredients: ['OSIMERTINIB MESYLATE'],
  tradeName: 'TAGRISSO',
  dosageForm: 'TABLET',
  route: 'ORAL',
  strength: 'EQ 40MG BASE',
  strengths: ['EQ 40MG BASE'],
  notes: [],
  applicant: 'ASTRAZENECA',
  applicantFullName: '',
  teCodes: [],
  approvalDate: '2015-11-13',
  approvalDateText: 'Nov 13, 2015',
  referenceListedDrug: true,
  referenceStandard: false,
  marketingStatus: 'RX',
};

function application(
  number: string,
  products: readonly object[],
  submissions: readonly object[] = [],
): DrugsFdaApplication {
  const record = readApplication({ application_number: number, sponsor_name: 'SPONSOR', products, submissions });
  return record as DrugsFdaApplication;
}

const product = (brand: string, ...names: string[]): object => ({
  product_number: '001',
  brand_name: brand,
  active_ingredients: names.map(name => ({ name, strength: '1MG' })),
  marketing_status: 'Prescription',
});

describe('resultOfOrangeBook()', () => {
  const ingredientsOf = (ingredients: string[], strength: string): unknown =>
    resultOfOrangeBook({
      product: { ...tagrisso, ingredients, strength, strengths: strength.split(';') },
      match: 'exact',
    }).ingredients;

  it('gives each ingredient its strength', () => {
    expect(ingredientsOf(['A', 'B'], '10,000 UNITS/GM;2,000,000 UNITS/GM')).toEqual([
      { name: 'A', strength: '10,000 UNITS/GM' },
      { name: 'B', strength: '2,000,000 UNITS/GM' },
    ]);
    expect(ingredientsOf(['NIACIN'], '375MG;500MG;750MG')).toEqual([{ name: 'NIACIN', strength: '375MG;500MG;750MG' }]);
  });

  it('guesses no strength in packs of several phases', () => {
    const unknown = [
      { name: 'A', strength: null },
      { name: 'B', strength: null },
    ];
    expect(ingredientsOf(['A', 'B'], '15MG,N/A;N/A,250MG')).toEqual(unknown);
    expect(ingredientsOf(['A', 'B'], '1MG')).toEqual(unknown);
  });
});

describe('resultsOfDrugsFda()', () => {
  it('leaves out the products of a record that do not carry the name', () => {
    const record = application('NDA1', [product('ALPHA', 'X'), product('BETA', 'Y')]);
    expect(resultsOfDrugsFda(record, parseDrugName('beta')).map(result => result.brandName)).toEqual(['BETA']);
  });

  it('gives all when the record was found by its openfda block', () => {
    const record = application('NDA1', [product('ALPHA', 'X'), product('BETA', 'Y')]);
    expect(resultsOfDrugsFda(record, parseDrugName('gamma')).map(result => result.match)).toEqual([
      'contained',
      'contained',
    ]);
  });

  it('knows every marketing status', () => {
    const statuses = ['Prescription', 'Over-the-counter', 'Discontinued', 'None (Tentative Approval)', 'Else', null];
    const products = statuses.map(marketing_status => ({ ...product('A', 'X'), marketing_status }));
    expect(resultsOfDrugsFda(application('NDA1', products), parseDrugName('a')).map(result => result.status)).toEqual([
      'prescription',
      'over-the-counter',
      'discontinued',
      'tentative',
      'unknown',
      'unknown',
    ]);
  });
});

describe('mergeResults()', () => {
  it('makes one item of a product that both sources have', () => {
    const name = parseDrugName('tagrisso');
    const record = application('NDA208065', [product('TAGRISSO', 'OSIMERTINIB MESYLATE')]);
    const merged = mergeResults(
      [resultOfOrangeBook({ product: tagrisso, match: 'exact' })],
      resultsOfDrugsFda(record, name),
    );
    expect(merged).toMatchObject([
      { source: 'orange-book', sources: ['orange-book', 'drugsfda'], approvalDate: '2015-11-13' },
    ]);
  });

  it('puts better matches first, and brands before generics', () => {
    const name = parseDrugName('x');
    const records = [
      application('ANDA1', [product('X', 'X')]),
      application('NDA9', [product('Z', 'X Y')]),
      application('BLA2', [product('X', 'Q')]),
      application('NDA3', [product('W', 'A', 'X')]),
    ];
    const merged = mergeResults(records.flatMap(record => resultsOfDrugsFda(record, name)));
    expect(merged.map(result => result.applicationNumber)).toEqual(['BLA2', 'ANDA1', 'NDA9', 'NDA3']);
  });
});

describe('mergeApplications()', () => {
  it('sorts by first approval; what is older than 1982 comes before it, what is not approved last', () => {
    const name = parseDrugName('x');
    const original = (date: string, status = 'AP'): object => ({
      submission_type: 'ORIG',
      submission_status: status,
      submission_status_date: date,
    });
    const records = [
      application('ANDA1', [product('X', 'X')], [original('20190520', 'TA')]),
      application('NDA2', [product('X', 'X')], [original('19811231')]),
      application('NDA3', [product('X', 'X')], [original('19820101')]),
    ];
    const old = {
      ...tagrisso,
      applicationNumber: 'NDA4',
      approvalDate: null,
      approvalDateText: 'Approved Prior to Jan 1, 1982',
    };
    const results = mergeResults(
      [resultOfOrangeBook({ product: old, match: 'exact' })],
      records.flatMap(record => resultsOfDrugsFda(record, name)),
    );
    const applications = mergeApplications(results, records, undefined);
    expect(
      applications.map(found => [found.applicationNumber, found.firstApprovalDate ?? found.firstApprovalText]),
    ).toEqual([
      ['NDA2', '1981-12-31'],
      ['NDA4', 'Approved Prior to Jan 1, 1982'],
      ['NDA3', '1982-01-01'],
      ['ANDA1', null],
    ]);
    expect(applications[1]).toMatchObject({ firstApprovalSource: 'orange-book', supplementCount: null, orphan: null });
  });
});
