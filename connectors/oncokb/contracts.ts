import { type Quarantine, ResponseContract } from 'plinth/http';
import { readAnnotation, readDrug } from './annotation-record.ts';
import type { OncoKBAnnotation, OncoKBDrug } from './annotation-types.ts';
import { type CancerGene, type CuratedGene, readCancerGene, readCuratedGene } from './gene-record.ts';
import {
  actionableVariantShape,
  annotatedVariantShape,
  annotationShape,
  cancerGeneShape,
  curatedGeneShape,
  drugShape,
} from './shapes.ts';
import {
  type ActionableVariant,
  type AnnotatedVariant,
  readActionableVariant,
  readAnnotatedVariant,
} from './variant-record.ts';

/** What is expected of each kind of record. Their events tell when OncoKB sends something else. */
export interface OncoKBContracts {
  /** Answers of `/annotate/**`. */
  readonly annotations: ResponseContract<OncoKBAnnotation>;
  /** Rows of `/utils/allActionableVariants`. */
  readonly actionableVariants: ResponseContract<ActionableVariant>;
  /** Rows of `/utils/allAnnotatedVariants`. */
  readonly annotatedVariants: ResponseContract<AnnotatedVariant>;
  /** Rows of `/utils/allCuratedGenes`. */
  readonly curatedGenes: ResponseContract<CuratedGene>;
  /** Rows of `/utils/cancerGeneList`. */
  readonly cancerGenes: ResponseContract<CancerGene>;
  /** Rows of `/drugs`. */
  readonly drugs: ResponseContract<OncoKBDrug>;
}

/** The contracts of a scraper, with one place for what cannot be read. */
export function createContracts(quarantine: Quarantine): OncoKBContracts {
  return {
    annotations: new ResponseContract({
      name: 'oncokb.annotation',
      read: readAnnotation,
      shape: annotationShape,
      quarantine,
    }),
    actionableVariants: new ResponseContract({
      name: 'oncokb.actionable-variant',
      read: readActionableVariant,
      shape: actionableVariantShape,
      quarantine,
    }),
    annotatedVariants: new ResponseContract({
      name: 'oncokb.annotated-variant',
      read: readAnnotatedVariant,
      shape: annotatedVariantShape,
      quarantine,
    }),
    curatedGenes: new ResponseContract({
      name: 'oncokb.curated-gene',
      read: readCuratedGene,
      shape: curatedGeneShape,
      quarantine,
    }),
    cancerGenes: new ResponseContract({
      name: 'oncokb.cancer-gene',
      read: readCancerGene,
      shape: cancerGeneShape,
      quarantine,
    }),
    drugs: new ResponseContract({ name: 'oncokb.drug', read: readDrug, shape: drugShape, quarantine }),
  };
}
