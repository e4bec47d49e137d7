import { RowReader, type Unparsed } from './row-reader.ts';

/** What was broken. */
export interface EcbInfraction {
  /** [infraction_code1 to infraction_code10] */
  readonly code: string | null;
  /** Section and text of the law. [section_law_description1 to section_law_description10] */
  readonly law: string | null;
}

/** Who has to answer for it. Public, and may be a person. */
export interface EcbRespondent {
  /** [respondent_name] */
  readonly name: string | null;
  /** [respondent_house_number] */
  readonly houseNumber: string | null;
  /** [respondent_street] */
  readonly street: string | null;
  /** [respondent_city] */
  readonly city: string | null;
  /** [respondent_zip] */
  readonly postcode: string | null;
}

/** A violation of building law before the Environmental Control Board (OATH). [6bgk-3dad] */
export interface EcbViolation {
  /** [isn_dob_bis_extract], else `number` */
  readonly id: string;
  /** Such as `34512174K`. [ecb_violation_number] */
  readonly number: string | null;
  /** The Department's number of it. [dob_violation_number] */
  readonly dobNumber: string | null;
  /** Ten digits. [boro, block, lot] */
  readonly bbl: string | null;
  /** As written. [block] */
  readonly block: string | null;
  /** As written, mostly with four digits. [lot] */
  readonly lot: string | null;
  /** The building; `null` for numbers that stand for a whole borough. [bin] */
  readonly bin: string | null;
  /** `YYYY-MM-DD`. [issue_date] */
  readonly issueDate: string | null;
  /** As written. [issue_date] */
  readonly issueDateRaw: string | null;
  /** `ACTIVE` or `RESOLVE`. [ecb_violation_status] */
  readonly status: string | null;
  /** Whether the status is ACTIVE; `null` when it is neither. */
  readonly isActive: boolean | null;
  /** Such as `CLASS - 1` or `Non-Hazardous`. [severity] */
  readonly severity: string | null;
  /** Such as `Elevators`. [violation_type] */
  readonly type: string | null;
  /** [violation_description] */
  readonly description: string | null;
  /** `YYYY-MM-DD`. [served_date] */
  readonly servedDate: string | null;
  /** `YYYY-MM-DD`. [hearing_date] */
  readonly hearingDate: string | null;
  /** As written, such as `830` or `1030`. [hearing_time] */
  readonly hearingTime: string | null;
  /** Such as `DEFAULT` or `IN VIOLATION`. [hearing_status] */
  readonly hearingStatus: string | null;
  /** Such as `NO COMPLIANCE RECORDED`. [certification_status] */
  readonly certificationStatus: string | null;
  /** `NO`, or what makes it worse. [aggravated_level] */
  readonly aggravatedLevel: string | null;
  /** US dollars. [penality_imposed: the data set spells it so] */
  readonly penaltyImposed: number | null;
  /** US dollars. [amount_paid] */
  readonly amountPaid: number | null;
  /** US dollars. [balance_due] */
  readonly balanceDue: number | null;
  readonly respondent: EcbRespondent;
  /** At most ten. */
  readonly infractions: readonly EcbInfraction[];
  /** What could not be read, by column. */
  readonly unparsed: Unparsed;
}

/** @throws {ValidationError} when it is no row of this data set */
export function readEcbViolation(row: unknown): EcbViolation {
  const reader = new RowReader(row);
  const status = reader.text('ecb_violation_status');
  return {
    id: reader.key('isn_dob_bis_extract', 'ecb_violation_number'),
    number: reader.text('ecb_violation_number'),
    dobNumber: reader.text('dob_violation_number'),
    bbl: reader.bbl(),
    block: reader.text('block'),
    lot: reader.text('lot'),
    bin: reader.bin(),
    issueDate: reader.day('issue_date'),
    issueDateRaw: reader.text('issue_date'),
    status,
    isActive: /^active$/i.test(status ?? '') ? true : /^resolve/i.test(status ?? '') ? false : null,
    severity: reader.text('severity'),
    type: reader.text('violation_type'),
    description: reader.text('violation_description'),
    servedDate: reader.day('served_date'),
    hearingDate: reader.day('hearing_date'),
    hearingTime: reader.text('hearing_time'),
    hearingStatus: reader.text('hearing_status'),
    certificationStatus: reader.text('certification_status'),
    aggravatedLevel: reader.text('aggravated_level'),
    penaltyImposed: reader.number('penality_imposed'),
    amountPaid: reader.number('amount_paid'),
    balanceDue: reader.number('balance_due'),
    respondent: {
      name: reader.text('respondent_name'),
      houseNumber: reader.text('respondent_house_number'),
      street: reader.text('respondent_street'),
      city: reader.text('respondent_city'),
      postcode: reader.text('respondent_zip'),
    },
    infractions: infractionsOf(reader),
    unparsed: reader.unparsed,
  };
}

function infractionsOf(reader: RowReader): readonly EcbInfraction[] {
  const infractions: EcbInfraction[] = [];
  for (let index = 1; index <= 10; index += 1) {
    const code = reader.text(`infraction_code${index}`);
    const law = reader.text(`section_law_description${index}`);
    if (code !== null || law !== null) infractions.push({ code, law });
  }
  return infractions;
}
