import { RowReader, type Unparsed } from './row-reader.ts';

/** A violation of the Department of Buildings, from its old system (BIS). [3h2n-5cm9] */
export interface DobViolation {
  /** [isn_dob_bis_viol], else `number`, else `violationNumber` */
  readonly id: string;
  /** The full number, such as `V040618LBLVIO00614`; an asterisk in it means closed. [number] */
  readonly number: string | null;
  /** The last part of the number. Not unique. [violation_number] */
  readonly violationNumber: string | null;
  /** Ten digits; `null` when borough, block or lot is missing. [boro, block, lot] */
  readonly bbl: string | null;
  /** As written. [block] */
  readonly block: string | null;
  /** As written, with five digits or four. [lot] */
  readonly lot: string | null;
  /** The building; `null` for numbers that stand for a whole borough. [bin] */
  readonly bin: string | null;
  /** `YYYY-MM-DD`; `null` when the text is no day of the years 1900 to 2100. [issue_date] */
  readonly issueDate: string | null;
  /** As written. [issue_date] */
  readonly issueDateRaw: string | null;
  /** Such as `V-DOB VIOLATION - ACTIVE`. [violation_category] */
  readonly category: string | null;
  /** Whether it is open: by the category, else by the number. `false` when it was deleted; `null` when nothing tells. */
  readonly isActive: boolean | null;
  /** Whether a comment says `DELETED BY …`. The category may still say ACTIVE. [disposition_comments] */
  readonly isDeleted: boolean;
  /** Such as `LBLVIO`. [violation_type_code] */
  readonly typeCode: string | null;
  /** Such as `LBLVIO-LOW PRESSURE BOILER BOILER REQUIRED`. [violation_type] */
  readonly type: string | null;
  /** [description] */
  readonly description: string | null;
  /** `YYYY-MM-DD`. [disposition_date] */
  readonly dispositionDate: string | null;
  /** [disposition_comments] */
  readonly dispositionComments: string | null;
  /** The violation before the Environmental Control Board that goes with it. [ecb_number] */
  readonly ecbNumber: string | null;
  /** [device_number] */
  readonly deviceNumber: string | null;
  /** [house_number] */
  readonly houseNumber: string | null;
  /** [street] */
  readonly street: string | null;
  /** House number and street. */
  readonly address: string | null;
  /** What could not be read, by column: dates that are none. */
  readonly unparsed: Unparsed;
}

/** @throws {ValidationError} when it is no row of this data set */
export function readDobViolation(row: unknown): DobViolation {
  const reader = new RowReader(row);
  const number = reader.text('number');
  const category = reader.text('violation_category');
  const dispositionComments = reader.text('disposition_comments');
  const isDeleted = dispositionComments !== null && /\bDELETED BY\b/i.test(dispositionComments);
  return {
    id: reader.key('isn_dob_bis_viol', 'number', 'violation_number'),
    number,
    violationNumber: reader.text('violation_number'),
    bbl: reader.bbl(),
    block: reader.text('block'),
    lot: reader.text('lot'),
    bin: reader.bin(),
    issueDate: reader.day('issue_date'),
    issueDateRaw: reader.text('issue_date'),
    category,
    isActive: isDeleted ? false : isActive(category, number),
    isDeleted,
    typeCode: reader.text('violation_type_code'),
    type: reader.text('violation_type'),
    description: reader.text('description'),
    dispositionDate: reader.day('disposition_date'),
    dispositionComments,
    ecbNumber: reader.text('ecb_number'),
    deviceNumber: reader.text('device_number'),
    houseNumber: reader.text('house_number'),
    street: reader.text('street'),
    address: reader.joined('house_number', 'street'),
    unparsed: reader.unparsed,
  };
}

/** The code before the first dash says it: an asterisk is closed, in whatever case the word behind is. */
function isActive(category: string | null, number: string | null): boolean | null {
  if (category !== null) {
    return !category.split('-')[0]?.includes('*') && !/\b(?:dismissed|resolved)\b/i.test(category);
  }
  return number === null ? null : !/^[A-Z%]*\*/i.test(number);
}

/**
 * The number without its status: date, type and number (`040618LBLVIO00614`). Under it the same violation is also in the
 * newer data set.
 */
export function safetyNumberOf({ number, violationNumber, typeCode, issueDate }: DobViolation): string | null {
  if (number !== null) return number.replace(/^[A-Z%*]+(?=\d)/i, '');
  if (violationNumber === null || typeCode === null || issueDate === null) return null;
  const [year = '', month = '', day = ''] = issueDate.split('-');
  return `${month}${day}${year.slice(2)}${typeCode}${violationNumber}`;
}
