import { ValidationError } from 'plinth/errors';
import { describe, expect, it } from 'vitest';
import { firstApproval, readApplication } from './open-fda-record.ts';

const submission = (type: string, status: string, date: string, more: object = {}): object => ({
  submission_type: type,
  submission_number: '1',
  submission_status: status,
  submission_status_date: date,
  ...more,
});

describe('readApplication()', () => {
  it('maps every field', () => {
    const application = readApplication({
      application_number: 'NDA208065',
      sponsor_name: 'ASTRAZENECA',
      openfda: { brand_name: ['TAGRISSO'], generic_name: ['OSIMERTINIB'] },
      products: [
        {
          product_number: '001',
          brand_name: 'TAGRISSO',
          active_ingredients: [{ name: 'OSIMERTINIB MESYLATE', strength: 'EQ 40MG BASE' }],
          dosage_form: 'TABLET',
          route: 'ORAL',
          marketing_status: 'Prescription',
          reference_drug: 'Yes',
          reference_standard: 'No',
          te_code: 'AB1, AB2',
        },
      ],
      submissions: [
        submission('ORIG', 'AP', '20151113', {
          review_priority: 'PRIORITY',
          submission_class_code: 'TYPE 1',
          submission_class_code_description: 'Type 1 - New Molecular Entity',
          submission_property_type: [{ code: 'Orphan' }],
        }),
      ],
    });
    expect(application).toEqual({
      applicationNumber: 'NDA208065',
      applicationType: 'NDA',
      sponsor: 'ASTRAZENECA',
      harmonisedNames: ['TAGRISSO', 'OSIMERTINIB'],
      products: [
        {
          productNumber: '001',
          brandName: 'TAGRISSO',
          ingredients: [{ name: 'OSIMERTINIB MESYLATE', strength: 'EQ 40MG BASE' }],
          dosageForm: 'TABLET',
          route: 'ORAL',
          marketingStatus: 'Prescription',
          referenceDrug: true,
          referenceStandard: false,
          teCodes: ['AB1', 'AB2'],
        },
      ],
      submissions: [
        {
          type: 'ORIG',
          number: '1',
          status: 'AP',
          date: '2015-11-13',
          reviewPriority: 'PRIORITY',
          classCode: 'TYPE 1',
          classDescription: 'Type 1 - New Molecular Entity',
          orphan: true,
        },
      ],
    });
  });

  it('survives whatever is missing, null or of another kind', () => {
    const product = { route: null, reference_drug: 'TBD', reference_standard: '0', active_ingredients: [null, {}] };
    const application = readApplication({
      application_number: 'BLA125514',
      products: [product, 'x', null],
      submissions: {},
      openfda: null,
    });
    expect(application).toMatchObject({ applicationType: 'BLA', sponsor: '', submissions: [], harmonisedNames: [] });
    expect(application.products).toMatchObject([
      { route: null, referenceDrug: null, referenceStandard: null, ingredients: [{ name: '', strength: null }] },
    ]);
    expect(readApplication({ application_number: 'M012', products: undefined })).toMatchObject({
      applicationType: null,
      products: [],
    });
    expect(() => readApplication({})).toThrow(ValidationError);
    expect(() => readApplication(null)).toThrow('needs a number');
  });
});

describe('firstApproval()', () => {
  it('is the earliest approved original, whatever their order', () => {
    const application = readApplication({
      application_number: 'NDA1',
      submissions: [
        submission('SUPPL', 'AP', '19990101'),
        submission('ORIG', 'AP', '20040819'),
        submission('ORIG', 'TA', '20000101'),
        submission('ORIG', 'AP', '20040204'),
        submission('ORIG', 'AP', 'unknown'),
      ],
    });
    expect(firstApproval(application)?.date).toBe('2004-02-04');
  });

  it('is none for a tentative approval', () => {
    const application = readApplication({
      application_number: 'ANDA1',
      submissions: [submission('ORIG', 'TA', '20190520')],
    });
    expect(firstApproval(application)).toBeUndefined();
  });
});
