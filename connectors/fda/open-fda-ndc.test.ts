import { ValidationError } from 'plinth/errors';
import { describe, expect, it } from 'vitest';
import { readLabel } from './open-fda-label.ts';
import { readNdcProduct } from './open-fda-ndc.ts';

describe('readNdcProduct()', () => {
  it('reads a controlled substance that is no longer sold', () => {
    const product = readNdcProduct({
      product_ndc: '00000-001',
      dea_schedule: 'CII',
      finished: false,
      marketing_end_date: '20251231',
      openfda: { spl_set_id: 'a', rxcui: ['1', '2'] },
      packaging: [{ package_ndc: '00000-001-01', sample: true, marketing_end_date: '20251130' }],
    });
    expect(product).toMatchObject({ deaSchedule: 'CII', finished: false, marketingEndDate: '2025-12-31' });
    expect(product).toMatchObject({ labelSetIds: ['a'], rxcuis: ['1', '2'], ingredients: [], routes: [] });
    expect(product.packages).toEqual([
      {
        packageNdc: '00000-001-01',
        description: null,
        marketingStartDate: null,
        marketingEndDate: '2025-11-30',
        sample: true,
      },
    ]);
  });

  it('refuses what has no code', () => {
    expect(() => readNdcProduct({ packaging: [] })).toThrow(ValidationError);
    expect(() => readNdcProduct({ product_ndc: '1-1', packaging: [{}] })).toThrow('needs package_ndc');
  });
});

describe('readLabel()', () => {
  it('keeps the sections exactly as they were sent, and reads no HTML', () => {
    const text = ' 1 INDICATIONS\n  for  <b>  ';
    const label = readLabel({
      set_id: 'a',
      version: '12',
      effective_time: '20250230',
      indications_and_usage: [text, ''],
      warnings_and_cautions: 'one text alone',
      how_supplied_table: ['<table></table>'],
    });
    expect(label.sections).toEqual({ indicationsAndUsage: [text, ''], warningsAndPrecautions: ['one text alone'] });
    expect(label).toMatchObject({ version: 12, effectiveDate: null, brandNames: [], isOriginalPackager: null });
  });

  it('refuses what has no set_id', () => {
    expect(() => readLabel({ id: 'a' })).toThrow(ValidationError);
  });
});
