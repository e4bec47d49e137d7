import { describe, expect, it } from 'vitest';
import { nycDatasets } from './datasets.ts';
import { readDobSafetyViolation } from './dob-safety-violations.ts';
import { readDobViolation, safetyNumberOf } from './dob-violations.ts';
import { readEcbViolation } from './ecb-violations.ts';
import { readHpdViolation } from './hpd-violations.ts';
import { parseBbl } from './index.ts';
import { crossReferencesOf } from './property-violations.ts';
import { isTestRecord, RowReader } from './row-reader.ts';

describe('rows of NYC Open Data', () => {
  it('asks for a lot in five digits and in four: data sets mix the two', () => {
    const bbl = parseBbl('1007200055');
    const asked = "boro = '1' AND block = '00720' AND lot in ('00055','0055')";
    expect(nycDatasets.dob.ofLot(bbl).text).toBe(asked);
    expect(nycDatasets.ecb.ofLot(bbl).text).toBe(asked);
    expect(nycDatasets.hpd.ofLot(bbl).text).toBe("bbl = '1007200055'");
    expect(nycDatasets.dobSafety.ofLot(bbl).text).toBe('bbl = 1007200055');
  });

  it.each([
    ['V-DOB VIOLATION - ACTIVE', true],
    ['V*-DOB VIOLATION - Resolved', false],
    ['V*-DOB VIOLATION - DISMISSED', false],
    ['VW*-VIOLATION - WORK W/O PERMIT DISMISSED', false],
    ['VP*-VIOLATION UNSERVED ECB- DISMISSED', false],
    ['VW-VIOLATION - WORK W/O PERMIT', true],
  ])('reads from the category %s that active is %s', (category, isActive) => {
    expect(readDobViolation({ isn_dob_bis_viol: '1', violation_category: category })).toMatchObject({
      category,
      isActive,
    });
  });

  it('goes by the number when there is no category, and says when nothing tells', () => {
    expect(readDobViolation({ number: 'V%*081500UB4112/00' }).isActive).toBe(false);
    expect(readDobViolation({ number: 'V081500UB4112/00' }).isActive).toBe(true);
    expect(readDobViolation({ isn_dob_bis_viol: '1' }).isActive).toBeNull();
  });

  it('does not take an ACTIVE row for open when its comment says that it was deleted', () => {
    const row = {
      isn_dob_bis_viol: '1',
      violation_category: 'V-DOB VIOLATION - ACTIVE',
      disposition_comments: 'DELETED BY CES ON 06/21/91 BECAUSE DUPLICATE ENTRY',
    };
    expect(readDobViolation(row)).toMatchObject({ isActive: false, isDeleted: true, category: row.violation_category });
  });

  it('collapses the spaces that fields are padded with', () => {
    const row = {
      isn_dob_bis_viol: '1',
      violation_type: 'E-ELEVATOR            ELEVATORREQUIRED',
      description: 'A   B\n C ',
    };
    expect(readDobViolation(row)).toMatchObject({ type: 'E-ELEVATOR ELEVATORREQUIRED', description: 'A B C' });
  });

  it.each(['000000', 'Y9990120', '19950230', '18991231', '21010101', '2009021', '200902177', '20091301'])(
    'gives no date for %s, keeps the text, and throws nothing',
    text => {
      const violation = readDobViolation({ isn_dob_bis_viol: '1', issue_date: text });
      expect(violation).toMatchObject({ issueDate: null, issueDateRaw: text, unparsed: { issue_date: text } });
    },
  );

  it.each([
    ['20000229', '2000-02-29'],
    ['2026-07-15T00:00:00.000', '2026-07-15'],
    ['2026-07-15', '2026-07-15'],
    [undefined, null],
    ['', null],
  ])('reads the date %j', (text, day) => {
    const reader = new RowReader({ day: text });
    expect(reader.day('day')).toBe(day);
    expect(reader.unparsed).toEqual({});
  });

  it('knows the test records of the city', () => {
    expect(isTestRecord({ block: '99999', lot: '99999' })).toBe(true);
    expect(isTestRecord({ block: '00534', lot: '00010', house_number: 'TEST', street: 'RECORD ' })).toBe(true);
    expect(isTestRecord({ block: '99999', lot: '00010', house_number: '1', street: 'RECORD' })).toBe(false);
    expect(isTestRecord({ block: '00534', lot: '00010', house_number: 'TEST', street: 'AVENUE' })).toBe(false);
    expect(isTestRecord(null)).toBe(false);
  });

  it('takes no borough-wide number for a building', () => {
    expect(readDobViolation({ isn_dob_bis_viol: '1', bin: '1000000' }).bin).toBeNull();
    expect(readDobViolation({ isn_dob_bis_viol: '1', bin: '1006014' }).bin).toBe('1006014');
  });

  it('puts the BBL together, and has none where block or lot is missing', () => {
    const bblOf = (block: string | undefined, lot: string): string | null =>
      readDobViolation({ isn_dob_bis_viol: '1', boro: '1', block, lot }).bbl;
    expect([bblOf('00720', '00055'), bblOf('00720', '0055'), bblOf('01516', '07502')]).toEqual([
      '1007200055',
      '1007200055',
      '1015167502',
    ]);
    expect([bblOf(undefined, '0'), bblOf('', '0055'), bblOf('00720', '0'), bblOf('99999', '99999')]).toEqual([
      null,
      null,
      null,
      null,
    ]);
  });

  it('reads amounts that are sent as text, from a column spelled penality_imposed', () => {
    const row = { ecb_violation_number: '1A', penality_imposed: '4000.00', amount_paid: '.00', balance_due: '1,000' };
    expect(readEcbViolation(row)).toMatchObject({
      penaltyImposed: 4_000,
      amountPaid: 0,
      balanceDue: null,
      unparsed: { balance_due: '1,000' },
    });
  });

  it('reads the status of each data set', () => {
    const ecb = (ecb_violation_status?: string): unknown =>
      readEcbViolation({ ecb_violation_number: '1A', ecb_violation_status }).isActive;
    const hpd = (violationstatus?: string): unknown => readHpdViolation({ violationid: '1', violationstatus }).isActive;
    const safety = (violation_status?: string): unknown =>
      readDobSafetyViolation({ violation_number: '1', violation_status }).isActive;
    expect([ecb('ACTIVE'), ecb('RESOLVE'), ecb('OTHER'), ecb()]).toEqual([true, false, null, null]);
    expect([hpd('Open'), hpd('Close'), hpd()]).toEqual([true, false, null]);
    expect([safety('Active'), safety('Waived - Pending Dismissal'), safety('Dismissed'), safety('New')]).toEqual([
      true,
      false,
      false,
      null,
    ]);
  });

  it('knows the same violation in the old and in the new data set', () => {
    const row = { isn_dob_bis_viol: '7', number: 'V*040618LBLVIO00614' };
    expect(safetyNumberOf(readDobViolation(row))).toBe('040618LBLVIO00614');
    const parts = { violation_number: '00614', issue_date: '20180406', violation_type_code: 'LBLVIO' };
    expect(safetyNumberOf(readDobViolation(parts))).toBe('040618LBLVIO00614');
    const safety = readDobSafetyViolation({ violation_number: '040618LBLVIO00614' });
    expect(crossReferencesOf([readDobViolation(row)], [], [safety])).toEqual([
      { kind: 'same-violation', dobId: '7', dataset: 'dobSafety', id: '040618LBLVIO00614' },
    ]);
  });

  it.each([[null], [[]], ['text'], [{}], [{ violationid: { a: 1 } }]])('cannot read %j', row => {
    expect(() => readHpdViolation(row)).toThrow(/./);
  });
});
