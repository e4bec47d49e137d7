import type { Shape } from 'plinth/http';
import type { Bbl } from './bbl.ts';
import { type Soql, soql } from './soql.ts';

/** A data set that the client knows, by our name for it. */
export type NycDataset = 'dob' | 'ecb' | 'hpd' | 'dobSafety';

/** What the client knows of a data set. */
export interface DatasetFacts {
  /** The portal's identifier. */
  readonly id: string;
  /** The portal's name. */
  readonly title: string;
  /** The name of the question in records and metrics. */
  readonly operation: string;
  /** Every column, as of 2026-07. */
  readonly columns: readonly string[];
  /** The rows of a lot. */
  readonly ofLot: (bbl: Bbl) => Soql;
}

/** The four data sets of violations. */
export const nycDatasets: Readonly<Record<NycDataset, DatasetFacts>> = {
  dob: {
    id: '3h2n-5cm9',
    title: 'DOB Violations',
    operation: 'dob-violations',
    columns:
      words(`isn_dob_bis_viol boro bin block lot issue_date violation_type_code violation_number house_number street
      disposition_date disposition_comments device_number description ecb_number number violation_category violation_type`),
    ofLot: byBoroughBlockLot,
  },
  ecb: {
    id: '6bgk-3dad',
    title: 'DOB ECB Violations',
    operation: 'ecb-violations',
    columns: [
      ...words(`isn_dob_bis_extract ecb_violation_number ecb_violation_status dob_violation_number bin boro block lot
        hearing_date hearing_time served_date issue_date severity violation_type respondent_name respondent_house_number
        respondent_street respondent_city respondent_zip violation_description penality_imposed amount_paid balance_due`),
      ...Array.from({ length: 10 }, (_, index) => `infraction_code${index + 1}`),
      ...Array.from({ length: 10 }, (_, index) => `section_law_description${index + 1}`),
      ...words('aggravated_level hearing_status certification_status'),
    ],
    ofLot: byBoroughBlockLot,
  },
  hpd: {
    id: 'wvxf-dwi5',
    title: 'Housing Maintenance Code Violations',
    operation: 'hpd-violations',
    columns:
      words(`violationid buildingid registrationid boroid boro housenumber lowhousenumber highhousenumber streetname
      streetcode zip apartment story block lot class inspectiondate approveddate originalcertifybydate originalcorrectbydate
      newcertifybydate newcorrectbydate certifieddate ordernumber novid novdescription novissueddate currentstatusid
      currentstatus currentstatusdate novtype violationstatus rentimpairing latitude longitude communityboard
      councildistrict censustract bin bbl nta`),
    ofLot: bbl => soql`bbl = ${bbl.text}`,
  },
  dobSafety: {
    id: '855j-jady',
    title: 'DOB Safety Violations',
    operation: 'dob-safety-violations',
    columns:
      words(`bin violation_issue_date violation_number violation_type violation_remarks violation_status device_number
      device_type cycle_end_date borough block lot house_number street city state zip latitude longitude community_board
      council_district bbl census_tract_2020_ neighborhood_tabulation_area_nta_2020_`),
    // Here the BBL is a number.
    ofLot: bbl => soql`bbl = ${Number(bbl.text)}`,
  },
};

/** What rows look like: everything is text, and what is empty is left out. */
export function shapeOfRows(columns: readonly string[]): Shape {
  return {
    $: { types: ['object'], presence: 'always' },
    ...Object.fromEntries(columns.map(name => [name, { types: ['string'], presence: 'sometimes' }] as const)),
  };
}

/**
 * These data sets have no BBL. Blocks have five digits, but lots have five or four in the same data set (`00055` and `0055`
 * for one and the same lot): asking for one form loses the rows with the other.
 */
function byBoroughBlockLot({ borough, block, lot }: Bbl): Soql {
  const lots = [5, 4].map(digits => String(lot).padStart(digits, '0'));
  return soql`boro = ${String(borough)} AND block = ${String(block).padStart(5, '0')} AND lot in ${lots}`;
}

function words(text: string): readonly string[] {
  return text.trim().split(/\s+/);
}
