import { ValidationError } from 'plinth/errors';
import type { FdaIngredient } from './open-fda-record.ts';
import { objectOf, objectsOf, textOf, textsOf, truthOf, type Wire } from './open-fda-wire.ts';
import { parseCompactDate } from './orange-book-fields.ts';

/** One package of a product. In brackets: the field of `packaging[]`. */
export interface NdcPackage {
  /** Such as `0310-1350-30`. [package_ndc] */
  readonly packageNdc: string;
  /** Such as `30 TABLET, FILM COATED in 1 BOTTLE`. [description] */
  readonly description: string | null;
  /** `YYYY-MM-DD`. [marketing_start_date] */
  readonly marketingStartDate: string | null;
  /** `YYYY-MM-DD`; `null` as long as no end is known. [marketing_end_date] */
  readonly marketingEndDate: string | null;
  /** Whether it is a sample. [sample] */
  readonly sample: boolean | null;
}

/** One product of the NDC directory with its packages. In brackets: the field of the record. */
export interface NdcProduct {
  /** Labeler and product, such as `0310-1350`. [product_ndc] */
  readonly productNdc: string;
  /** Product and label together, unique in the directory. [product_id] */
  readonly productId: string | null;
  /** The version of the label that lists the product, a UUID. [spl_id] */
  readonly labelId: string | null;
  /** The labels that list the product, UUIDs. [openfda.spl_set_id] */
  readonly labelSetIds: readonly string[];
  /** Who sells it. [labeler_name] */
  readonly labeler: string;
  /** As written, often in small letters. [brand_name] */
  readonly brandName: string;
  /** The brand without its suffix. [brand_name_base] */
  readonly brandNameBase: string | null;
  /** Such as `XR`. [brand_name_suffix] */
  readonly brandNameSuffix: string | null;
  /** [generic_name] */
  readonly genericName: string;
  /** Strengths with their unit per unit of the form, such as `80 mg/1`. [active_ingredients] */
  readonly ingredients: readonly FdaIngredient[];
  /** Such as `TABLET, FILM COATED`. [dosage_form] */
  readonly dosageForm: string | null;
  /** Such as `ORAL`. [route] */
  readonly routes: readonly string[];
  /** Such as `HUMAN PRESCRIPTION DRUG`. [product_type] */
  readonly productType: string | null;
  /** Such as `NDA`, `BLA`, `NDA AUTHORIZED GENERIC` or `OTC MONOGRAPH DRUG`. [marketing_category] */
  readonly marketingCategory: string | null;
  /** Such as `NDA208065`, or the number of a monograph. [application_number] */
  readonly applicationNumber: string | null;
  /** `YYYY-MM-DD`. [marketing_start_date] */
  readonly marketingStartDate: string | null;
  /** `YYYY-MM-DD`; `null` as long as no end is known. [marketing_end_date] */
  readonly marketingEndDate: string | null;
  /** Until when the labeler's entry holds, `YYYY-MM-DD`. [listing_expiration_date] */
  readonly listingExpirationDate: string | null;
  /** `CI` to `CV`; `null` for what is no controlled substance. [dea_schedule] */
  readonly deaSchedule: string | null;
  /** Whether it is a finished product, and not a part of one. [finished] */
  readonly finished: boolean | null;
  /** Such as `Kinase Inhibitor [EPC]`. [pharm_class] */
  readonly pharmacologicClasses: readonly string[];
  /** Identifiers of RxNorm. [openfda.rxcui] */
  readonly rxcuis: readonly string[];
  /** Identifiers of the ingredients. [openfda.unii] */
  readonly uniis: readonly string[];
  /** [packaging] */
  readonly packages: readonly NdcPackage[];
}

/**
 * Reads a record of the NDC directory.
 *
 * @throws {ValidationError} when it, or one of its packages, has no NDC.
 */
export function readNdcProduct(wire: unknown): NdcProduct {
  const record = objectOf(wire);
  const openfda = objectOf(record['openfda']);
  return {
    productNdc: requireNdc(record, 'product_ndc'),
    productId: textOf(record['product_id']),
    labelId: textOf(record['spl_id']),
    labelSetIds: textsOf(openfda['spl_set_id']),
    labeler: textOf(record['labeler_name']) ?? '',
    brandName: textOf(record['brand_name']) ?? '',
    brandNameBase: textOf(record['brand_name_base']),
    brandNameSuffix: textOf(record['brand_name_suffix']),
    genericName: textOf(record['generic_name']) ?? '',
    ingredients: objectsOf(record['active_ingredients']).map(ingredient => ({
      name: textOf(ingredient['name']) ?? '',
      strength: textOf(ingredient['strength']),
    })),
    dosageForm: textOf(record['dosage_form']),
    routes: textsOf(record['route']),
    productType: textOf(record['product_type']),
    marketingCategory: textOf(record['marketing_category']),
    applicationNumber: textOf(record['application_number']),
    marketingStartDate: parseCompactDate(record['marketing_start_date']),
    marketingEndDate: parseCompactDate(record['marketing_end_date']),
    listingExpirationDate: parseCompactDate(record['listing_expiration_date']),
    deaSchedule: textOf(record['dea_schedule']),
    finished: truthOf(record['finished']),
    pharmacologicClasses: textsOf(record['pharm_class']),
    rxcuis: textsOf(openfda['rxcui']),
    uniis: textsOf(openfda['unii']),
    packages: objectsOf(record['packaging']).map(readPackage),
  };
}

function readPackage(wire: Wire): NdcPackage {
  return {
    packageNdc: requireNdc(wire, 'package_ndc'),
    description: textOf(wire['description']),
    marketingStartDate: parseCompactDate(wire['marketing_start_date']),
    marketingEndDate: parseCompactDate(wire['marketing_end_date']),
    sample: truthOf(wire['sample']),
  };
}

function requireNdc(wire: Wire, field: 'product_ndc' | 'package_ndc'): string {
  const ndc = textOf(wire[field]);
  if (ndc === null)
    throw new ValidationError(`A record of the NDC directory needs ${field}`, { [field]: 'Expected text' });
  return ndc;
}
