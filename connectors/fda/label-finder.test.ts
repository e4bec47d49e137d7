import { describe, expect, it } from 'vitest';
import { parseDrugName } from './drug-name.ts';
import { findLabel, type LabelSource } from './label-finder.ts';
import { type DrugLabel, readLabel } from './open-fda-label.ts';
import { readApplication } from './open-fda-record.ts';

const copies = ['ANDA000001', 'ANDA000002'].map(number => label(number));
const original = label('NDA020357');

function label(number: string): DrugLabel {
  return readLabel({ set_id: number, openfda: { generic_name: ['METFORMIN'], application_number: [number] } });
}

/** openFDA with so many labels under the name that the original's is not among those that are read. */
function crowded(asked: unknown[]): LabelSource {
  const facts = { total: 900, complete: false, unreadable: 1, lastUpdated: '2026-01-01', provenance: null };
  const application = readApplication({
    application_number: 'NDA020357',
    products: [{ brand_name: 'GLUCOPHAGE', active_ingredients: [{ name: 'METFORMIN HYDROCHLORIDE' }] }],
  });
  return {
    findApplications: async name => {
      asked.push(name);
      return { items: [application], ...facts };
    },
    findLabels: async () => ({ items: copies, ...facts }),
    findLabelsOf: async numbers => {
      asked.push(numbers);
      return { items: [original, ...copies.slice(0, 1)].filter(item => numbers.includes(item.setId)), ...facts };
    },
  };
}

describe('findLabel()', () => {
  it('asks for the labels of the original when a common name has more than are read', async () => {
    const asked: unknown[] = [];
    const answer = await findLabel(crowded(asked), parseDrugName('metformin'), {});
    expect(asked).toEqual(['metformin', ['NDA020357']]);
    expect(answer).toMatchObject({ total: 900, complete: false, unreadable: 1, applicationNumbers: ['NDA020357'] });
    expect(answer.labels).toEqual([original]);
    expect(answer.notChosen.map(({ reason }) => reason)).toEqual(['generic', 'generic']);
  });

  it('asks drugsfda nothing when the application is given, and counts no label twice', async () => {
    const asked: unknown[] = [];
    const options = { applicationNumber: 'ANDA000001' };
    const answer = await findLabel(crowded(asked), parseDrugName('metformin'), options);
    expect(asked).toEqual([['ANDA000001']]);
    expect(answer.labels).toEqual([copies[0]]);
    expect(answer.notChosen).toHaveLength(1);
  });
});
