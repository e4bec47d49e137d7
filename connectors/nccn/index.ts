export { cancerAliases } from './cancer-aliases.ts';
export type { CatalogueRecord, NccnContracts } from './catalogue-record.ts';
export {
  LicensedContentError,
  type LicensedContentProblem,
  NccnLayoutError,
  NccnLoginRequiredError,
  NccnTruncatedPageError,
} from './errors.ts';
export type { NccnEvents, NccnOperation } from './events.ts';
export type { LicensedContentSource } from './licensed-content.ts';
export type {
  LicensedDocument,
  LicensedEntry,
  LicensedRegimen,
  RecommendationCategory,
  RegimenPreference,
} from './licensed-schema.ts';
export { NCCNScraper, type NCCNScraperOptions } from './nccn-scraper.ts';
export type {
  CatalogueAnswer,
  CatalogueOptions,
  CataloguePage,
  CatalogueVia,
  GuidelineDetail,
  GuidelineOptions,
  GuidelinesAnswer,
  MatchedBy,
  NccnCategory,
  NccnDocument,
  NccnDocumentKind,
  NccnGuideline,
  PatientGuideline,
  PatientGuidelinesAnswer,
} from './nccn-types.ts';
export type { LicensedProvenance, RecommendedMedicationsAnswer, RecommendedRegimen } from './recommendations.ts';
export { parseStage } from './stage.ts';
