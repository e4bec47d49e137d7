import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { type NycDataset, nycDatasets } from './datasets.ts';
import { readDobSafetyViolation } from './dob-safety-violations.ts';
import { readDobViolation } from './dob-violations.ts';
import { readEcbViolation } from './ecb-violations.ts';
import { readHpdViolation } from './hpd-violations.ts';
import { parseBbl } from './index.ts';
import { isTestRecord } from './row-reader.ts';

const folder = fileURLToPath(new URL('../../../shared/data/nyc', import.meta.url));

type Row = Readonly<Record<string, unknown>>;
type Facts = Readonly<Record<string, unknown>>;

/** Which field of a violation a column becomes. */
const mapped: Readonly<Record<NycDataset, Readonly<Record<string, (violation: Facts) => unknown>>>> = {
  dob: fields(`isn_dob_bis_viol:id number:number violation_number:violationNumber block:block lot:lot bin:bin
    issue_date:issueDate violation_category:category violation_type_code:typeCode violation_type:type description:description
    disposition_date:dispositionDate disposition_comments:dispositionComments ecb_number:ecbNumber
    device_number:deviceNumber house_number:houseNumber street:street`),
  ecb: {
    ...fields(`isn_dob_bis_extract:id ecb_violation_number:number ecb_violation_status:status dob_violation_number:dobNumber
      bin:bin block:block lot:lot hearing_date:hearingDate hearing_time:hearingTime served_date:servedDate
      issue_date:issueDate severity:severity violation_type:type violation_description:description
      penality_imposed:penaltyImposed amount_paid:amountPaid balance_due:balanceDue aggravated_level:aggravatedLevel
      hearing_status:hearingStatus certification_status:certificationStatus`),
    ...Object.fromEntries(
      ['name', 'house_number', 'street', 'city', 'zip'].map(column => [
        `respondent_${column}`,
        (violation: Facts) =>
          (violation['respondent'] as Facts)[{ house_number: 'houseNumber', zip: 'postcode' }[column] ?? column],
      ]),
    ),
  },
  hpd: fields(`violationid:id ordernumber:orderNumber bbl:bbl block:block lot:lot bin:bin buildingid:buildingId
    registrationid:registrationId novissueddate:issueDate class:hazardClass violationstatus:status
    currentstatus:currentStatus currentstatusid:currentStatusId currentstatusdate:currentStatusDate
    novdescription:description novid:noticeId novtype:noticeType inspectiondate:inspectionDate approveddate:approvedDate
    originalcertifybydate:originalCertifyByDate originalcorrectbydate:originalCorrectByDate
    newcertifybydate:newCertifyByDate newcorrectbydate:newCorrectByDate certifieddate:certifiedDate
    rentimpairing:isRentImpairing apartment:apartment story:story housenumber:houseNumber streetname:street
    zip:postcode latitude:latitude longitude:longitude`),
  dobSafety: fields(`violation_number:number bbl:bbl block:block lot:lot bin:bin violation_issue_date:issueDate
    violation_status:status violation_type:type violation_remarks:remarks device_number:deviceNumber
    device_type:deviceType cycle_end_date:cycleEndDate house_number:houseNumber street:street zip:postcode
    latitude:latitude longitude:longitude`),
};

const readers = {
  dob: readDobViolation,
  ecb: readEcbViolation,
  hpd: readHpdViolation,
  dobSafety: readDobSafetyViolation,
};

function fields(pairs: string): Readonly<Record<string, (violation: Facts) => unknown>> {
  return Object.fromEntries(
    pairs
      .trim()
      .split(/\s+/)
      .map(pair => {
        const [column = '', field = ''] = pair.split(':');
        return [column, (violation: Facts) => violation[field]] as const;
      }),
  );
}

/** How many rows have something in each mapped column, and how many violations in its field. */
function counts(dataset: NycDataset, rows: readonly Row[]): { sent: Facts; read: Facts } {
  const violations = rows.map(row => readers[dataset](row) as unknown as Facts);
  const columns = Object.entries(mapped[dataset]);
  const isSent = (column: string, value: unknown): boolean =>
    String(value ?? '').trim() !== '' && !(column === 'bin' && /^[1-5]000000$/.test(String(value)));
  const sent = columns.map(([column]) => [column, rows.filter(row => isSent(column, row[column])).length] as const);
  const read = columns.map(([column, field]) => {
    const isUnparsed = (violation: Facts): boolean => column in (violation['unparsed'] as object);
    return [column, violations.filter(each => (field(each) ?? null) !== null || isUnparsed(each)).length] as const;
  });
  return { sent: Object.fromEntries(sent), read: Object.fromEntries(read) };
}

function json(path: string): unknown {
  return JSON.parse(readFileSync(`${folder}/${path}`, 'utf8'));
}

describe.skipIf(!existsSync(folder))('real rows of NYC Open Data (skipped without ../shared/data/nyc)', () => {
  it.each([
    ['dob', 'soda_recordings/sample_3h2n-5cm9.json', 2],
    ['dob', 'soda_recordings/query_3h2n-5cm9_bin1006014_positive.json', 3],
    ['dob', 'soda_transcribed/3h2n-5cm9_active_rows.json', 19],
    ['ecb', 'soda_recordings/sample_6bgk-3dad.json', 2],
    ['ecb', 'soda_recordings/query_6bgk-3dad_bin1006014_positive.json', 3],
    ['dobSafety', 'soda_recordings/sample_855j-jady.json', 2],
  ] as const)('are read without loss (%s, %s)', (dataset, path, expected) => {
    const rows = json(path) as readonly Row[];
    expect(rows).toHaveLength(expected);
    const { sent, read } = counts(dataset, rows);
    expect(read).toEqual({ ...sent, ...(dataset === 'dob' || dataset === 'ecb' ? idsOf(dataset, rows) : {}) });
    for (const row of rows) for (const name of Object.keys(row)) expect(nycDatasets[dataset].columns).toContain(name);
  });

  it.each([
    ['dob', 'csv/dob_violations.csv', 80],
    ['ecb', 'csv/ecb_violations.csv', 5],
    ['hpd', 'csv/hpd_violations.csv', 80],
  ] as const)('are read without loss from the exports as well (%s, %s)', (dataset, path, expected) => {
    const rows = exported(path);
    expect(rows).toHaveLength(expected);
    const { sent, read } = counts(dataset, rows);
    expect(read).toEqual(sent);
    const infractions = rows.flatMap(row =>
      Object.keys(row).filter(name => /^infraction_code/.test(name) && row[name]),
    );
    if (dataset === 'ecb') {
      expect(rows.flatMap(row => readEcbViolation(row).infractions)).toHaveLength(infractions.length);
    }
  });

  it('know whether they are open: by their category, and the one without a category by its number', () => {
    const rows = exported('csv/dob_violations.csv');
    const violations = rows.map(readDobViolation);
    const isOpen = rows.filter(row => /- ACTIVE$/.test(String(row['violation_category']))).length;
    expect(violations.filter(({ isActive }) => isActive === true)).toHaveLength(isOpen);
    expect(violations.filter(({ isActive }) => isActive === null)).toEqual([]);
    expect(violations.filter(({ category }) => category === null).map(({ isActive }) => isActive)).toEqual([false]);
  });

  it('have a BBL that is one, except the row without a block', () => {
    for (const { bbl, block } of exported('csv/dob_violations.csv').map(readDobViolation)) {
      if (block === null) expect(bbl).toBeNull();
      else expect(parseBbl(bbl ?? '').text).toBe(bbl);
    }
  });

  it('have lots of four and of five digits in one data set', () => {
    const lengths = (path: string): unknown =>
      [...new Set(exported(path).map(row => String(row['lot']).length))].sort();
    expect(lengths('csv/dob_violations.csv')).toEqual([1, 4, 5]);
    expect(lengths('csv/ecb_violations.csv')).toEqual([4, 5]);
  });

  it('are test records in the sample of two', () => {
    expect((json('soda_recordings/sample_3h2n-5cm9.json') as readonly Row[]).filter(isTestRecord)).toHaveLength(2);
    for (const file of readdirSync(`${folder}/csv`)) expect(exported(`csv/${file}`).filter(isTestRecord)).toEqual([]);
  });

  it('have dates that exist, every one', () => {
    const rows = json('soda_transcribed/3h2n-5cm9_active_rows.json') as readonly Row[];
    const violations = rows.map(readDobViolation);
    expect(violations.filter(({ issueDate }) => issueDate === null)).toEqual([]);
    expect(violations.map(({ issueDate }) => issueDate?.replaceAll('-', ''))).toEqual(
      rows.map(row => row['issue_date']),
    );
  });
});

/** Recorded answers with a part of the columns have no key: their id is the number. */
function idsOf(dataset: 'dob' | 'ecb', rows: readonly Row[]): Facts {
  return { [dataset === 'dob' ? 'isn_dob_bis_viol' : 'isn_dob_bis_extract']: rows.length };
}

/** The rows of an export, under the names and in the form of the API. */
function exported(path: string): readonly Row[] {
  const [header = [], ...lines] = csvOf(readFileSync(`${folder}/${path}`, 'utf8'));
  const others: Readonly<Record<string, string>> = { borough: 'boro', postcode: 'zip' };
  return lines.map(line => {
    const cells = line.flatMap((cell, index): [string, string][] => {
      const name = header[index]?.toLowerCase() ?? '';
      const day = /^(\d\d)\/(\d\d)\/(\d{4})$/.exec(cell);
      const value = day === null ? cell : `${day[3]}-${day[1]}-${day[2]}T00:00:00.000`;
      return cell === '' ? [] : [[others[name] ?? name, value]];
    });
    return Object.fromEntries(cells);
  });
}

function csvOf(text: string): readonly (readonly string[])[] {
  const rows: string[][] = [[]];
  for (const [, quoted, bare, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^,"\r\n]*))(,|\r?\n|$)/g)) {
    rows.at(-1)?.push(quoted?.replaceAll('""', '"') ?? bare ?? '');
    if (end === '') break;
    if (end !== ',') rows.push([]);
  }
  return rows.filter(row => row.length > 1);
}
