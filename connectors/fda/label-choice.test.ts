import { describe, expect, it } from 'vitest';
import { parseDrugName } from './drug-name.ts';
import { chooseLabels, type LabelChoice, ownApplications } from './label-choice.ts';
import { readLabel } from './open-fda-label.ts';
import { readApplication } from './open-fda-record.ts';

interface Made {
  readonly brand: string;
  readonly generic: string;
  readonly number: string;
  readonly day?: string;
  readonly substances?: readonly string[];
  readonly original?: boolean;
}

/** A label that is known by its brand. */
function label({ brand, generic, number, day = '20250101', substances, original }: Made): ReturnType<typeof readLabel> {
  return readLabel({
    set_id: `${brand} of ${number}${original === false ? ' again' : ''}`,
    effective_time: day,
    openfda: {
      brand_name: [brand],
      generic_name: [generic],
      application_number: [number],
      ...(substances === undefined ? {} : { substance_name: substances }),
      ...(original === undefined ? {} : { is_original_packager: [original] }),
    },
  });
}

function application(number: string, brand: string, options: { ingredients: readonly string[]; approvedOn?: string }) {
  return readApplication({
    application_number: number,
    products: [{ brand_name: brand, active_ingredients: options.ingredients.map(name => ({ name })) }],
    submissions: [
      { submission_type: 'ORIG', submission_status: 'AP', submission_status_date: options.approvedOn ?? '20100101' },
    ],
  });
}

function choose(
  name: string,
  labels: readonly Made[],
  options: { applications?: readonly string[]; isRequired?: boolean } = {},
): Record<string, string> {
  const { applications = [], isRequired = false } = options;
  const choice: LabelChoice = chooseLabels(labels.map(label), parseDrugName(name), { applications, isRequired });
  return Object.fromEntries([
    ...choice.labels.map(({ brandNames }, index) => [brandNames[0], `chosen ${index + 1}`]),
    ...choice.notChosen.map(({ brandNames, reason }) => [brandNames[0], reason]),
  ]);
}

const keytruda: Made = { brand: 'KEYTRUDA', generic: 'PEMBROLIZUMAB', number: 'BLA125514' };
const qlex: Made = {
  brand: 'KEYTRUDA QLEX',
  generic: 'PEMBROLIZUMAB AND BERAHYALURONIDASE ALFA-PMPH',
  number: 'BLA761467',
  day: '20260101',
};
const avastin: Made = { brand: 'AVASTIN', generic: 'BEVACIZUMAB', number: 'BLA125085' };
const mvasi: Made = { brand: 'MVASI', generic: 'BEVACIZUMAB-AWWB', number: 'BLA761028' };

describe('chooseLabels()', () => {
  it('trap: KEYTRUDA QLEX comes before KEYTRUDA, and is another product', () => {
    for (const name of ['keytruda', 'Pembrolizumab']) {
      expect(choose(name, [qlex, keytruda])).toEqual({ KEYTRUDA: 'chosen 1', 'KEYTRUDA QLEX': 'combination' });
    }
    for (const name of ['keytruda qlex', 'pembrolizumab and berahyaluronidase alfa-pmph']) {
      expect(choose(name, [keytruda, qlex])).toMatchObject({ 'KEYTRUDA QLEX': 'chosen 1' });
    }
  });

  it('trap: a biologic has biosimilars, whose names have a suffix', () => {
    expect(choose('bevacizumab', [mvasi, avastin])).toEqual({ AVASTIN: 'chosen 1', MVASI: 'biosimilar' });
    expect(choose('mvasi', [mvasi])).toEqual({ MVASI: 'chosen 1' });
    expect(choose('bevacizumab-awwb', [mvasi])).toEqual({ MVASI: 'chosen 1' });
  });

  it('trap: an original may have a suffix as well: without one that has none it is no biosimilar', () => {
    const trodelvy: Made = { brand: 'TRODELVY', generic: 'SACITUZUMAB GOVITECAN-HZIY', number: 'BLA761115' };
    expect(choose('sacituzumab govitecan', [trodelvy])).toEqual({ TRODELVY: 'chosen 1' });
  });

  it('trap: a name inside or at the beginning of another one is another drug', () => {
    const trastuzumab = (brand: string, generic: string, number: string): Made => ({ brand, generic, number });
    const found = [
      trastuzumab('ENHERTU', 'FAM-TRASTUZUMAB DERUXTECAN-NXKI', 'BLA761139'),
      trastuzumab('KADCYLA', 'ADO-TRASTUZUMAB EMTANSINE', 'BLA125427'),
      trastuzumab('HERCEPTIN HYLECTA', 'TRASTUZUMAB AND HYALURONIDASE-OYSK', 'BLA761106'),
      trastuzumab('HERCEPTIN', 'TRASTUZUMAB', 'BLA103792'),
    ];
    expect(choose('trastuzumab', found)).toEqual({
      HERCEPTIN: 'chosen 1',
      ENHERTU: 'otherProduct',
      KADCYLA: 'otherProduct',
      'HERCEPTIN HYLECTA': 'combination',
    });
    expect(choose('trastuzumab deruxtecan', found)).toMatchObject({ ENHERTU: 'chosen 1', HERCEPTIN: 'otherProduct' });
  });

  it('does not mind salts, and knows a salt that is the whole drug', () => {
    const gleevec: Made = { brand: 'GLEEVEC', generic: 'IMATINIB MESYLATE', number: 'NDA021588' };
    expect(choose('imatinib', [gleevec])).toEqual({ GLEEVEC: 'chosen 1' });
    expect(choose('imatinib mesylate', [{ ...gleevec, generic: 'IMATINIB' }])).toEqual({ GLEEVEC: 'chosen 1' });
    const saline: Made = { brand: 'SALINE', generic: 'SODIUM CHLORIDE', number: 'NDA019635' };
    const baking: Made = { brand: 'BAKING', generic: 'SODIUM BICARBONATE', number: 'NDA019636' };
    expect(choose('sodium chloride', [saline, baking])).toEqual({ SALINE: 'chosen 1', BAKING: 'otherProduct' });
  });

  it('prefers the applications that drugsfda has: generics and others step back', () => {
    const found: Made[] = [
      { brand: 'METFORMIN HYDROCHLORIDE', generic: 'METFORMIN', number: 'ANDA091184', day: '20260101' },
      { brand: 'GLUCOPHAGE', generic: 'METFORMIN HYDROCHLORIDE', number: 'NDA020357' },
      { brand: 'RIOMET', generic: 'METFORMIN HYDROCHLORIDE', number: 'NDA021591' },
    ];
    expect(choose('metformin', found, { applications: ['NDA020357'] })).toEqual({
      GLUCOPHAGE: 'chosen 1',
      RIOMET: 'otherApplication',
      'METFORMIN HYDROCHLORIDE': 'generic',
    });
    // Nothing is refused for the sake of an original whose label is not there.
    expect(choose('metformin', found.slice(0, 1), { applications: ['NDA020357'] })).toEqual({
      'METFORMIN HYDROCHLORIDE': 'chosen 1',
    });
    expect(choose('metformin', found, { applications: ['NDA021591', 'NDA020357'] })).toMatchObject({
      RIOMET: 'chosen 1',
      GLUCOPHAGE: 'chosen 2',
    });
  });

  it('takes only the application that is required, even a combination', () => {
    const required = { applications: ['BLA761467'], isRequired: true };
    expect(choose('pembrolizumab', [keytruda, qlex], required)).toEqual({
      'KEYTRUDA QLEX': 'chosen 1',
      KEYTRUDA: 'otherApplication',
    });
    expect(choose('pembrolizumab', [keytruda], required)).toEqual({ KEYTRUDA: 'otherApplication' });
  });

  it('puts those who pack again behind the original, and older versions behind newer ones', () => {
    const of = (day: string, original: boolean): Made => ({ ...keytruda, day, original });
    const labels = [of('20260301', false), of('20240101', true)].map(label);
    const choice = chooseLabels(labels, parseDrugName('keytruda'), { applications: [], isRequired: false });
    expect(choice.labels.map(({ effectiveDate }) => effectiveDate)).toEqual(['2024-01-01', '2026-03-01']);
  });

  it('chooses none when the name is only part of combinations', () => {
    expect(
      choose('berahyaluronidase alfa', [{ ...qlex, substances: ['BERAHYALURONIDASE ALFA', 'PEMBROLIZUMAB'] }]),
    ).toEqual({ 'KEYTRUDA QLEX': 'combination' });
  });
});

describe('ownApplications()', () => {
  it('leaves out combinations, other products, and generics of an original', () => {
    const known = [
      application('BLA761467', 'KEYTRUDA QLEX', { ingredients: ['PEMBROLIZUMAB', 'BERAHYALURONIDASE ALFA'] }),
      application('BLA125514', 'KEYTRUDA', { ingredients: ['PEMBROLIZUMAB'] }),
    ];
    expect(ownApplications(known, parseDrugName('pembrolizumab'))).toEqual(['BLA125514']);
    expect(ownApplications(known, parseDrugName('keytruda'))).toEqual(['BLA125514']);
    expect(ownApplications(known.slice(0, 1), parseDrugName('pembrolizumab'))).toEqual([]);
  });

  it('has the earliest approval first, and generics only when there is nothing else', () => {
    const known = [
      application('NDA206995', 'IRESSA', { ingredients: ['GEFITINIB'], approvedOn: '20150713' }),
      application('NDA021399', 'IRESSA', { ingredients: ['GEFITINIB'], approvedOn: '20030505' }),
      application('ANDA000001', 'GEFITINIB', { ingredients: ['GEFITINIB'], approvedOn: '20000101' }),
    ];
    expect(ownApplications(known, parseDrugName('gefitinib'))).toEqual(['NDA021399', 'NDA206995']);
    expect(ownApplications(known.slice(2), parseDrugName('gefitinib'))).toEqual(['ANDA000001']);
  });
});
