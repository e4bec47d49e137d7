export { normaliseAlteration, normaliseGene } from './alteration-name.ts';
export { readAnnotation } from './annotation-record.ts';
export type {
  OncoKBAbstract,
  OncoKBAnnotation,
  OncoKBCancerType,
  OncoKBDrug,
  OncoKBImplication,
  OncoKBMutationEffect,
  OncoKBQuery,
  OncoKBReferences,
  OncoKBTreatment,
} from './annotation-types.ts';
export type { OncoKBContracts } from './contracts.ts';
export { parseRegimens, type Regimen } from './drug-string.ts';
export {
  OncoKBError,
  type OncoKBErrorFacts,
  type OncoKBErrorKind,
  OncoKBRightsError,
  OncoKBTokenError,
} from './errors.ts';
export {
  type CancerGene,
  type CancerGeneList,
  type CuratedGene,
  cancerGeneLists,
  type OncoKBTranscripts,
} from './gene-record.ts';
export type { OncoKBDataVersion, OncoKBInfo } from './info.ts';
export {
  compareLevels,
  type DiagnosticLevel,
  diagnosticLevels,
  type FdaLevel,
  type FormerLevel,
  fdaLevels,
  formerLevels,
  isResistanceLevel,
  type OncoKBLevel,
  type PrognosticLevel,
  parseLevel,
  prognosticLevels,
  type TherapeuticLevel,
  therapeuticLevels,
} from './levels.ts';
export { OncoKBScraper, type OncoKBScraperOptions } from './oncokb-scraper.ts';
export {
  type ActionableVariantsAnswer,
  type AnnotatedVariantsAnswer,
  type AnnotationAnswer,
  type AnnotationOptions,
  type AnnotationsAnswer,
  type Biomarker,
  type CancerGenesAnswer,
  type CopyNumberAlterationType,
  type CuratedGenesAnswer,
  type DrugAnnotation,
  type DrugAnnotationsAnswer,
  type DrugAnnotationsOptions,
  type DrugsAnswer,
  type InfoAnswer,
  type MutationOptions,
  type MutationQuery,
  type OncoKBAnswer,
  oncoKBTerms,
  type ReferenceGenome,
  type ResistanceAnswer,
  type StructuralVariantQuery,
  type StructuralVariantType,
} from './oncokb-types.ts';
export { describeRole, type EndpointRight, endpointRights, type OncoKBRole, rightOf } from './rights.ts';
export {
  type OncoKBTable,
  parseActionableVariants,
  parseAnnotatedVariants,
  parseCuratedGenes,
} from './table-files.ts';
export type { ActionableVariant, AnnotatedVariant, TableVariant } from './variant-record.ts';
