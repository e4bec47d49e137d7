import { type Quarantine, ResponseContract } from 'plinth/http';
import { type DrugLabel, readLabel } from './open-fda-label.ts';
import { type NdcProduct, readNdcProduct } from './open-fda-ndc.ts';
import { type DrugsFdaApplication, readApplication } from './open-fda-record.ts';
import { drugsFdaShape, labelShape, ndcShape } from './shapes.ts';

/** What records of each endpoint are expected to look like, and where those go that cannot be read. */
export interface OpenFdaContracts {
  /** Of `/drug/drugsfda.json`. */
  readonly drugsfda: ResponseContract<DrugsFdaApplication>;
  /** Of `/drug/label.json`. */
  readonly label: ResponseContract<DrugLabel>;
  /** Of `/drug/ndc.json`. */
  readonly ndc: ResponseContract<NdcProduct>;
}

/** An endpoint of openFDA that is searched by a drug's name. */
export interface OpenFdaEndpoint {
  readonly path: string;
  /** The name of its requests in records and metrics. */
  readonly operation: string;
  /** The fields that hold a drug's names. */
  readonly nameFields: readonly string[];
  /** Records of one request; a label is some hundred kilobytes. */
  readonly pageSize: number;
  /** Records of one search, over all its pages. */
  readonly maxRecords: number;
}

/** The endpoints that are searched. */
export const openFdaEndpoints: Readonly<Record<keyof OpenFdaContracts, OpenFdaEndpoint>> = {
  drugsfda: {
    path: '/drug/drugsfda.json',
    operation: 'drugsfda.search',
    // The `openfda` block is often missing, so the products are asked too.
    nameFields: [
      'openfda.brand_name',
      'openfda.generic_name',
      'products.brand_name',
      'products.active_ingredients.name',
    ],
    pageSize: 100,
    maxRecords: 1_000,
  },
  label: {
    path: '/drug/label.json',
    operation: 'label.search',
    nameFields: ['openfda.brand_name', 'openfda.generic_name', 'openfda.substance_name'],
    pageSize: 20,
    maxRecords: 100,
  },
  ndc: {
    path: '/drug/ndc.json',
    operation: 'ndc.search',
    nameFields: ['brand_name', 'generic_name', 'active_ingredients.name'],
    pageSize: 500,
    maxRecords: 25_000,
  },
};

/** The contracts of the three endpoints, with one quarantine for all of them if one is given. */
export function openFdaContracts(quarantine?: Quarantine): OpenFdaContracts {
  return {
    drugsfda: new ResponseContract({
      name: 'openfda.drugsfda',
      shape: drugsFdaShape,
      read: readApplication,
      quarantine,
    }),
    label: new ResponseContract({ name: 'openfda.label', shape: labelShape, read: readLabel, quarantine }),
    ndc: new ResponseContract({ name: 'openfda.ndc', shape: ndcShape, read: readNdcProduct, quarantine }),
  };
}
