import { ValidationError } from 'plinth/errors';
import { objectOf, objectsOf, textOf, textsOf, type Wire, yesOrNo } from './open-fda-wire.ts';
import { parseCompactDate } from './orange-book-fields.ts';

/** `BLA` is a biologic's licence; the Orange Book never lists those. */
export type FdaApplicationType = 'NDA' | 'ANDA' | 'BLA';

/** One ingredient with the strength that belongs to it, if it is known which one does. */
export interface FdaIngredient {
  /** In capitals with its salt, such as `OSIMERTINIB MESYLATE`. */
  readonly name: string;
  /** Such as `EQ 80MG BASE`; `null` when the source does not say. */
  readonly strength: string | null;
}

/** One product of a drugsfda record. In brackets: the field of `products[]`. */
export interface DrugsFdaProduct {
  /** [product_number] */
  readonly productNumber: string;
  /** [brand_name] */
  readonly brandName: string;
  /** [active_ingredients] */
  readonly ingredients: readonly FdaIngredient[];
  /** [dosage_form] */
  readonly dosageForm: string | null;
  /** Often absent. [route] */
  readonly route: string | null;
  /** As written, such as `Prescription` or `None (Tentative Approval)`. [marketing_status] */
  readonly marketingStatus: string | null;
  /** `null` when the FDA has not decided (`TBD`) or does not say. [reference_drug] */
  readonly referenceDrug: boolean | null;
  /** `null` when the source does not say. [reference_standard] */
  readonly referenceStandard: boolean | null;
  /** [te_code, split at `,`] */
  readonly teCodes: readonly string[];
}

/** One submission of a drugsfda record. In brackets: the field of `submissions[]`. */
export interface DrugsFdaSubmission {
  /** `ORIG` is the application itself, `SUPPL` a later change. [submission_type] */
  readonly type: string;
  /** [submission_number] */
  readonly number: string;
  /** `AP` is approved, `TA` tentatively approved. [submission_status] */
  readonly status: string;
  /** `YYYY-MM-DD`, or `null` when it is missing or not a day. [submission_status_date] */
  readonly date: string | null;
  /** `PRIORITY`, `STANDARD` and rarer ones. [review_priority] */
  readonly reviewPriority: string | null;
  /** Such as `TYPE 1` or `LABELING`. [submission_class_code] */
  readonly classCode: string | null;
  /** Such as `Type 1 - New Molecular Entity`. [submission_class_code_description] */
  readonly classDescription: string | null;
  /** Whether it was an orphan drug's. [submission_property_type has the code `Orphan`] */
  readonly orphan: boolean;
}

/** One drugsfda record: an application with its products and its history. */
export interface DrugsFdaApplication {
  /** Such as `NDA208065`. [application_number] */
  readonly applicationNumber: string;
  /** `null` when the number begins with something else. [application_number] */
  readonly applicationType: FdaApplicationType | null;
  /** [sponsor_name] */
  readonly sponsor: string;
  readonly products: readonly DrugsFdaProduct[];
  /** In the order of their dates. */
  readonly submissions: readonly DrugsFdaSubmission[];
  /** Names from the harmonised block, often none. [openfda.brand_name and openfda.generic_name] */
  readonly harmonisedNames: readonly string[];
}

/**
 * Reads a record of drugsfda.
 *
 * @throws {ValidationError} when it has no number: then it is none.
 */
export function readApplication(wire: unknown): DrugsFdaApplication {
  const record = objectOf(wire);
  const applicationNumber = textOf(record['application_number']);
  if (applicationNumber === null) {
    throw new ValidationError('A record of drugsfda needs a number', { application_number: 'Expected text' });
  }
  const openfda = objectOf(record['openfda']);
  return {
    applicationNumber,
    applicationType: (/^(NDA|ANDA|BLA)\d/.exec(applicationNumber)?.[1] ?? null) as FdaApplicationType | null,
    sponsor: textOf(record['sponsor_name']) ?? '',
    products: objectsOf(record['products']).map(readProduct),
    submissions: objectsOf(record['submissions']).map(readSubmission).sort(byDate),
    harmonisedNames: [...textsOf(openfda['brand_name']), ...textsOf(openfda['generic_name'])],
  };
}

function readProduct(product: Wire): DrugsFdaProduct {
  return {
    productNumber: textOf(product['product_number']) ?? '',
    brandName: textOf(product['brand_name']) ?? '',
    ingredients: objectsOf(product['active_ingredients']).map(ingredient => ({
      name: textOf(ingredient['name']) ?? '',
      strength: textOf(ingredient['strength']),
    })),
    dosageForm: textOf(product['dosage_form']),
    route: textOf(product['route']),
    marketingStatus: textOf(product['marketing_status']),
    referenceDrug: yesOrNo(product['reference_drug']),
    referenceStandard: yesOrNo(product['reference_standard']),
    teCodes: (textOf(product['te_code']) ?? '')
      .split(',')
      .map(code => code.trim())
      .filter(code => code !== ''),
  };
}

function readSubmission(submission: Wire): DrugsFdaSubmission {
  const properties = objectsOf(submission['submission_property_type']);
  return {
    type: textOf(submission['submission_type']) ?? '',
    number: textOf(submission['submission_number']) ?? '',
    status: textOf(submission['submission_status']) ?? '',
    date: parseCompactDate(submission['submission_status_date']),
    reviewPriority: textOf(submission['review_priority']),
    classCode: textOf(submission['submission_class_code']),
    classDescription: textOf(submission['submission_class_code_description']),
    orphan: properties.some(property => property['code'] === 'Orphan'),
  };
}

/**
 * The submission by which an application was first approved: the earliest one of type `ORIG` with status `AP` and a
 * date. Supplements are later changes; a tentative approval is none.
 */
export function firstApproval(application: DrugsFdaApplication): DrugsFdaSubmission | undefined {
  return application.submissions.find(({ type, status, date }) => type === 'ORIG' && status === 'AP' && date !== null);
}

function byDate(one: DrugsFdaSubmission, other: DrugsFdaSubmission): number {
  return (one.date ?? '').localeCompare(other.date ?? '');
}
