import type { FieldShape, Shape } from 'plinth/http';

/*
 * What records of openFDA look like: what was seen in real answers (drugsfda 2019 to 2026, label 2026, ndc 2018), and for
 * fields that were not, what FDA's own schemas of the three endpoints say. A field that is in neither is new.
 */

/** Every record had it. */
const always = (...types: FieldShape['types']): FieldShape => ({ types, presence: 'always' });

/** Not every record had it. */
const sometimes = (...types: FieldShape['types']): FieldShape => ({ types, presence: 'sometimes' });

/** Fields that are lists of texts. */
function lists(names: string, prefix = ''): Shape {
  const fields = words(names).flatMap(name => [
    [`${prefix}${name}`, sometimes('array')] as const,
    [`${prefix}${name}[]`, sometimes('string')] as const,
  ]);
  return Object.fromEntries(fields);
}

/** Fields that are texts. */
function texts(names: string, prefix = ''): Shape {
  return Object.fromEntries(words(names).map(name => [`${prefix}${name}`, sometimes('string')] as const));
}

function words(text: string): readonly string[] {
  return text.trim().split(/\s+/);
}

/** The harmonised block: lists, each of them often missing. */
const harmonised = `
  application_number brand_name dosage_form generic_name manufacturer_name nui
  original_packager_product_ndc package_ndc pharm_class_cs pharm_class_epc pharm_class_moa pharm_class_pe
  product_ndc product_type route rxcui rxstring rxtty spl_id spl_set_id substance_name unii upc
`;

const openfda: Shape = {
  openfda: sometimes('object'),
  ...lists(harmonised, 'openfda.'),
  'openfda.is_original_packager': sometimes('array'),
  'openfda.is_original_packager[]': sometimes('boolean'),
};

/** A record of `/drug/drugsfda.json`. */
export const drugsFdaShape: Shape = {
  $: always('object'),
  application_number: always('string'),
  sponsor_name: sometimes('string'),
  ...openfda,
  products: sometimes('array'),
  'products[]': sometimes('object'),
  ...texts('brand_name marketing_status product_number reference_drug reference_standard', 'products[].'),
  'products[].dosage_form': sometimes('null', 'string'),
  'products[].route': sometimes('null', 'string'),
  'products[].te_code': sometimes('null', 'string'),
  'products[].active_ingredients': sometimes('array'),
  'products[].active_ingredients[]': sometimes('object'),
  'products[].active_ingredients[].name': sometimes('string'),
  'products[].active_ingredients[].strength': sometimes('null', 'string'),
  submissions: sometimes('array'),
  'submissions[]': sometimes('object'),
  ...texts('submission_type submission_number submission_status submission_status_date', 'submissions[].'),
  ...texts('review_priority submission_class_code submission_class_code_description', 'submissions[].'),
  ...texts('submission_public_notes', 'submissions[].'),
  'submissions[].submission_property_type': sometimes('array'),
  'submissions[].submission_property_type[]': sometimes('object'),
  ...texts('code id', 'submissions[].submission_property_type[].'),
  'submissions[].application_docs': sometimes('array'),
  'submissions[].application_docs[]': sometimes('object'),
  ...texts('id type title date url', 'submissions[].application_docs[].'),
};

/** The sections of a label. Each may have its tables in a field of its own. */
const sections = `
  abuse accessories active_ingredient adverse_reactions alarms animal_pharmacology_and_or_toxicology ask_doctor
  ask_doctor_or_pharmacist assembly_or_installation_instructions boxed_warning calibration_instructions
  carcinogenesis_and_mutagenesis_and_impairment_of_fertility cleaning clinical_pharmacology clinical_studies
  compatible_accessories components contraindications controlled_substance dependence description diagram_of_device
  disposal_and_waste_handling do_not_use dosage_and_administration dosage_forms_and_strengths
  drug_abuse_and_dependence drug_and_or_laboratory_test_interactions drug_interactions environmental_warning
  food_safety_warning general_precautions geriatric_use guaranteed_analysis_of_feed health_care_provider_letter
  health_claim how_supplied inactive_ingredient indications_and_usage information_for_owners_or_caregivers
  information_for_patients instructions_for_use intended_use_of_the_device keep_out_of_reach_of_children
  labor_and_delivery laboratory_tests mechanism_of_action microbiology nonclinical_toxicology
  nonteratogenic_effects nursing_mothers other_safety_information overdosage package_label_principal_display_panel
  patient_medication_information pediatric_use pharmacodynamics pharmacogenomics pharmacokinetics precautions
  pregnancy pregnancy_or_breast_feeding purpose questions recent_major_changes references residue_warning risks
  route safe_handling_warning spl_indexing_data_elements spl_medguide spl_patient_package_insert
  spl_product_data_elements spl_unclassified_section statement_of_identity stop_use storage_and_handling
  summary_of_safety_and_effectiveness teratogenic_effects troubleshooting use_in_specific_populations
  user_safety_warnings veterinary_indications warnings warnings_and_cautions when_using
`;

/** A record of `/drug/label.json`. */
export const labelShape: Shape = {
  $: always('object'),
  set_id: always('string'),
  ...texts('id version effective_time'),
  ...openfda,
  ...lists(sections),
  ...lists(
    words(sections)
      .map(name => `${name}_table`)
      .join(' '),
  ),
};

/** A record of `/drug/ndc.json`. */
export const ndcShape: Shape = {
  $: always('object'),
  product_ndc: always('string'),
  ...texts('product_id spl_id product_type brand_name brand_name_base brand_name_suffix generic_name labeler_name'),
  ...texts('dosage_form marketing_category application_number dea_schedule'),
  ...texts('marketing_start_date marketing_end_date listing_expiration_date'),
  finished: sometimes('boolean'),
  ...lists('route pharm_class'),
  active_ingredients: sometimes('array'),
  'active_ingredients[]': sometimes('object'),
  ...texts('name strength', 'active_ingredients[].'),
  packaging: sometimes('array'),
  'packaging[]': sometimes('object'),
  ...texts('package_ndc description marketing_start_date marketing_end_date', 'packaging[].'),
  'packaging[].sample': sometimes('boolean'),
  ...openfda,
};
