import { ValidationError } from 'plinth/errors';
import { objectOf, sentTextsOf, textOf, textsOf, truthOf } from './open-fda-wire.ts';
import { parseCompactDate } from './orange-book-fields.ts';

/**
 * The sections of a label that have a name here, with the field that openFDA sends them in. What a section contains, its
 * field says in FDA's reference; the first part is of prescription drugs, the second of drugs that are sold without.
 */
export const labelSections = {
  recentMajorChanges: 'recent_major_changes',
  boxedWarning: 'boxed_warning',
  indicationsAndUsage: 'indications_and_usage',
  dosageAndAdministration: 'dosage_and_administration',
  dosageFormsAndStrengths: 'dosage_forms_and_strengths',
  contraindications: 'contraindications',
  warningsAndPrecautions: 'warnings_and_cautions',
  warnings: 'warnings',
  precautions: 'precautions',
  generalPrecautions: 'general_precautions',
  adverseReactions: 'adverse_reactions',
  drugInteractions: 'drug_interactions',
  laboratoryTestInteractions: 'drug_and_or_laboratory_test_interactions',
  useInSpecificPopulations: 'use_in_specific_populations',
  pregnancy: 'pregnancy',
  nursingMothers: 'nursing_mothers',
  pediatricUse: 'pediatric_use',
  geriatricUse: 'geriatric_use',
  drugAbuseAndDependence: 'drug_abuse_and_dependence',
  overdosage: 'overdosage',
  description: 'description',
  clinicalPharmacology: 'clinical_pharmacology',
  mechanismOfAction: 'mechanism_of_action',
  pharmacodynamics: 'pharmacodynamics',
  pharmacokinetics: 'pharmacokinetics',
  pharmacogenomics: 'pharmacogenomics',
  nonclinicalToxicology: 'nonclinical_toxicology',
  clinicalStudies: 'clinical_studies',
  howSupplied: 'how_supplied',
  storageAndHandling: 'storage_and_handling',
  informationForPatients: 'information_for_patients',
  activeIngredient: 'active_ingredient',
  inactiveIngredient: 'inactive_ingredient',
  purpose: 'purpose',
  doNotUse: 'do_not_use',
  askDoctor: 'ask_doctor',
  askDoctorOrPharmacist: 'ask_doctor_or_pharmacist',
  whenUsing: 'when_using',
  stopUse: 'stop_use',
  pregnancyOrBreastFeeding: 'pregnancy_or_breast_feeding',
  keepOutOfReachOfChildren: 'keep_out_of_reach_of_children',
} as const;

/** A section of a label, such as `boxedWarning`. */
export type LabelSection = keyof typeof labelSections;

/** One version of a drug's label (SPL). In brackets: the field of the record. */
export interface DrugLabel {
  /** Stays the same over all versions of the label, a UUID. [set_id] */
  readonly setId: string;
  /** Of this version alone, a UUID. [id] */
  readonly id: string | null;
  /** Counts up from 1. [version] */
  readonly version: number | null;
  /** The day of this version, `YYYY-MM-DD`; `null` when it is missing or not a day. [effective_time] */
  readonly effectiveDate: string | null;
  /** In capitals, such as `KEYTRUDA`. [openfda.brand_name] */
  readonly brandNames: readonly string[];
  /** Such as `PEMBROLIZUMAB`; biologics may have a suffix of four letters. [openfda.generic_name] */
  readonly genericNames: readonly string[];
  /** The active ingredients. [openfda.substance_name] */
  readonly substanceNames: readonly string[];
  /** [openfda.manufacturer_name] */
  readonly manufacturers: readonly string[];
  /** Such as `BLA125514`. [openfda.application_number] */
  readonly applicationNumbers: readonly string[];
  /** NDCs of the products that the label is of, without the package. [openfda.product_ndc] */
  readonly productNdcs: readonly string[];
  /** Such as `ORAL`. [openfda.route] */
  readonly routes: readonly string[];
  /** Such as `HUMAN PRESCRIPTION DRUG`. [openfda.product_type] */
  readonly productTypes: readonly string[];
  /** Identifiers of RxNorm. [openfda.rxcui] */
  readonly rxcuis: readonly string[];
  /** Identifiers of the ingredients. [openfda.unii] */
  readonly uniis: readonly string[];
  /** Whether it is the label of who packs first, not of who packs again; `null` when unknown. [openfda.is_original_packager] */
  readonly isOriginalPackager: boolean | null;
  /**
   * The sections that the label has, each a list of texts exactly as they were sent. Tables have fields of their own, which
   * end in `_table` and hold HTML; they are not read. [the fields that {@link labelSections} names]
   */
  readonly sections: Readonly<Partial<Record<LabelSection, readonly string[]>>>;
}

/**
 * Reads a record of labels.
 *
 * @throws {ValidationError} when it has no `set_id`: then nobody can tell which label it is.
 */
export function readLabel(wire: unknown): DrugLabel {
  const record = objectOf(wire);
  const setId = textOf(record['set_id']);
  if (setId === null) throw new ValidationError('A label needs its set_id', { set_id: 'Expected text' });
  const openfda = objectOf(record['openfda']);
  const version = textOf(record['version']);
  return {
    setId,
    id: textOf(record['id']),
    version: version !== null && /^\d+$/.test(version) ? Number(version) : null,
    effectiveDate: parseCompactDate(record['effective_time']),
    brandNames: textsOf(openfda['brand_name']),
    genericNames: textsOf(openfda['generic_name']),
    substanceNames: textsOf(openfda['substance_name']),
    manufacturers: textsOf(openfda['manufacturer_name']),
    applicationNumbers: textsOf(openfda['application_number']),
    productNdcs: textsOf(openfda['product_ndc']),
    routes: textsOf(openfda['route']),
    productTypes: textsOf(openfda['product_type']),
    rxcuis: textsOf(openfda['rxcui']),
    uniis: textsOf(openfda['unii']),
    isOriginalPackager: truthOf(openfda['is_original_packager']),
    sections: readSections(record),
  };
}

function readSections(record: Readonly<Record<string, unknown>>): DrugLabel['sections'] {
  const found = Object.entries(labelSections).map(([name, field]) => [name, sentTextsOf(record[field])] as const);
  return Object.fromEntries(found.filter(([, texts]) => texts.length > 0));
}
