import { RowReader, type Unparsed } from './row-reader.ts';

/** A violation of the Housing Maintenance Code, from the Department of Housing Preservation. [wvxf-dwi5] */
export interface HpdViolation {
  /** [violationid] */
  readonly id: string;
  /** The order that was broken, such as `510`. [ordernumber] */
  readonly orderNumber: string | null;
  /** Ten digits. [bbl] */
  readonly bbl: string | null;
  /** Without leading zeros. [block] */
  readonly block: string | null;
  /** Without leading zeros. [lot] */
  readonly lot: string | null;
  /** The building; `null` for numbers that stand for a whole borough. [bin] */
  readonly bin: string | null;
  /** HPD's own number of the building. [buildingid] */
  readonly buildingId: string | null;
  /** [registrationid] */
  readonly registrationId: string | null;
  /** When the notice was issued, `YYYY-MM-DD`. [novissueddate] */
  readonly issueDate: string | null;
  /** As written. [novissueddate] */
  readonly issueDateRaw: string | null;
  /** `A` is not hazardous, `B` hazardous, `C` immediately hazardous, `I` an order for information. [class] */
  readonly hazardClass: string | null;
  /** `Open` or `Close`. [violationstatus] */
  readonly status: string | null;
  /** Whether the status is Open; `null` when it is neither. */
  readonly isActive: boolean | null;
  /** Such as `VIOLATION DISMISSED`. [currentstatus] */
  readonly currentStatus: string | null;
  /** [currentstatusid] */
  readonly currentStatusId: string | null;
  /** `YYYY-MM-DD`. [currentstatusdate] */
  readonly currentStatusDate: string | null;
  /** [novdescription] */
  readonly description: string | null;
  /** [novid] */
  readonly noticeId: string | null;
  /** `Original` or `Reissued`. [novtype] */
  readonly noticeType: string | null;
  /** `YYYY-MM-DD`. [inspectiondate] */
  readonly inspectionDate: string | null;
  /** `YYYY-MM-DD`. [approveddate] */
  readonly approvedDate: string | null;
  /** `YYYY-MM-DD`. [originalcertifybydate] */
  readonly originalCertifyByDate: string | null;
  /** `YYYY-MM-DD`. [originalcorrectbydate] */
  readonly originalCorrectByDate: string | null;
  /** `YYYY-MM-DD`. [newcertifybydate] */
  readonly newCertifyByDate: string | null;
  /** `YYYY-MM-DD`. [newcorrectbydate] */
  readonly newCorrectByDate: string | null;
  /** When the owner said that it was mended, `YYYY-MM-DD`. [certifieddate] */
  readonly certifiedDate: string | null;
  /** Whether it may lower the rent. [rentimpairing] */
  readonly isRentImpairing: boolean | null;
  /** [apartment] */
  readonly apartment: string | null;
  /** [story] */
  readonly story: string | null;
  /** [housenumber] */
  readonly houseNumber: string | null;
  /** [streetname] */
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
export function readHpdViolation(row: unknown): HpdViolation {
  const reader = new RowReader(row);
  const status = reader.text('violationstatus');
  return {
    id: reader.key('violationid'),
    orderNumber: reader.text('ordernumber'),
    bbl: reader.text('bbl'),
    block: reader.text('block'),
    lot: reader.text('lot'),
    bin: reader.bin(),
    buildingId: reader.text('buildingid'),
    registrationId: reader.text('registrationid'),
    issueDate: reader.day('novissueddate'),
    issueDateRaw: reader.text('novissueddate'),
    hazardClass: reader.text('class'),
    status,
    isActive: /^open$/i.test(status ?? '') ? true : /^close/i.test(status ?? '') ? false : null,
    currentStatus: reader.text('currentstatus'),
    currentStatusId: reader.text('currentstatusid'),
    currentStatusDate: reader.day('currentstatusdate'),
    description: reader.text('novdescription'),
    noticeId: reader.text('novid'),
    noticeType: reader.text('novtype'),
    inspectionDate: reader.day('inspectiondate'),
    approvedDate: reader.day('approveddate'),
    originalCertifyByDate: reader.day('originalcertifybydate'),
    originalCorrectByDate: reader.day('originalcorrectbydate'),
    newCertifyByDate: reader.day('newcertifybydate'),
    newCorrectByDate: reader.day('newcorrectbydate'),
    certifiedDate: reader.day('certifieddate'),
    isRentImpairing: reader.flag('rentimpairing'),
    apartment: reader.text('apartment'),
    story: reader.text('story'),
    houseNumber: reader.text('housenumber'),
    street: reader.text('streetname'),
    address: reader.joined('housenumber', 'streetname'),
    postcode: reader.text('zip'),
    latitude: reader.number('latitude'),
    longitude: reader.number('longitude'),
    unparsed: reader.unparsed,
  };
}
