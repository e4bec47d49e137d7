import { RowReader, type Unparsed } from './row-reader.ts';

/** A violation of the Department of Buildings, from its newer system (DOB NOW). [855j-jady] */
export interface DobSafetyViolation {
  /** The number: it is the key. [violation_number] */
  readonly id: string;
  /** Such as `VIO-FTC-PS-UNSAFE-202712-0181058`, or `040618LBLVIO00614` when it came from the old system. [violation_number] */
  readonly number: string;
  /** Ten digits. [bbl] */
  readonly bbl: string | null;
  /** Without leading zeros. [block] */
  readonly block: string | null;
  /** Without leading zeros. [lot] */
  readonly lot: string | null;
  /** The building; `null` for numbers that stand for a whole borough. [bin] */
  readonly bin: string | null;
  /** `YYYY-MM-DD`. [violation_issue_date] */
  readonly issueDate: string | null;
  /** As written. [violation_issue_date] */
  readonly issueDateRaw: string | null;
  /** Such as `Active` or `Waived - Pending Dismissal`. [violation_status] */
  readonly status: string | null;
  /** Whether the status begins with Active; `null` when it says neither that nor that it is over. */
  readonly isActive: boolean | null;
  /** Such as `FTC-PS-UNSAFE`. [violation_type] */
  readonly type: string | null;
  /** [violation_remarks] */
  readonly remarks: string | null;
  /** [device_number] */
  readonly deviceNumber: string | null;
  /** Such as `Parking Structures`. [device_type] */
  readonly deviceType: string | null;
  /** `YYYY-MM-DD`. [cycle_end_date] */
  readonly cycleEndDate: string | null;
  /** [house_number] */
  readonly houseNumber: string | null;
  /** [street] */
  readonly street: string | null;
  /** House number and street. */
  readonly address: string | null;
  /** [zip] */
  readonly postcode: string | null;
  /** Degrees, WGS 84. [latitude] */
  readonly latitude: number | null;
  /** Degrees, WGS 84. [longitude] */
  readonly longitude: number | null;
  /** What could not be read, by column. */
  readonly unparsed: Unparsed;
}

/** @throws {ValidationError} when it is no row of this data set */
export function readDobSafetyViolation(row: unknown): DobSafetyViolation {
  const reader = new RowReader(row);
  const number = reader.key('violation_number');
  const status = reader.text('violation_status');
  return {
    id: number,
    number,
    bbl: reader.text('bbl')?.replace(/\.0+$/, '') ?? null,
    block: reader.text('block'),
    lot: reader.text('lot'),
    bin: reader.bin(),
    issueDate: reader.day('violation_issue_date'),
    issueDateRaw: reader.text('violation_issue_date'),
    status,
    isActive: status === null ? null : isActive(status),
    type: reader.text('violation_type'),
    remarks: reader.text('violation_remarks'),
    deviceNumber: reader.text('device_number'),
    deviceType: reader.text('device_type'),
    cycleEndDate: reader.day('cycle_end_date'),
    houseNumber: reader.text('house_number'),
    street: reader.text('street'),
    address: reader.joined('house_number', 'street'),
    postcode: reader.text('zip'),
    latitude: reader.number('latitude'),
    longitude: reader.number('longitude'),
    unparsed: reader.unparsed,
  };
}

function isActive(status: string): boolean | null {
  if (/^active\b/i.test(status)) return true;
  return /dismiss|resolve|close|waive|cure/i.test(status) ? false : null;
}
