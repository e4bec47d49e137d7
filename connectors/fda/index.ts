export { type DrugName, type NameMatch, parseDrugName } from './drug-name.ts';
export {
  FdaUnavailableError,
  OpenFdaError,
  type OpenFdaErrorKind,
  OrangeBookError,
  type OrangeBookLocation,
} from './errors.ts';
export type { OrangeBookEvents } from './events.ts';
export {
  FDAOrangeBookScraper,
  type FDAOrangeBookScraperOptions,
  type FdaQuestionOptions,
  type LabelQuestionOptions,
  type OpenFdaOptions,
  type PackagesQuestionOptions,
} from './fda-scraper.ts';
export type {
  ApprovalAnswer,
  ApprovedApplication,
  DrugSearchResult,
  FdaSource,
  LabelAnswer,
  MarketingStatus,
  OpenFdaFacts,
  PackagedProduct,
  PackagesAnswer,
  SearchAnswer,
  SourceReport,
} from './fda-types.ts';
export type { LabelChoice, LabelRefusal, RefusedLabel } from './label-choice.ts';
export { type OpenFdaAnswer, OpenFdaClient, type OpenFdaClientOptions } from './open-fda-client.ts';
export type { OpenFdaContracts } from './open-fda-endpoints.ts';
export { type DrugLabel, type LabelSection, labelSections } from './open-fda-label.ts';
export type { NdcPackage, NdcProduct } from './open-fda-ndc.ts';
export type {
  DrugsFdaApplication,
  DrugsFdaProduct,
  DrugsFdaSubmission,
  FdaApplicationType,
  FdaIngredient,
} from './open-fda-record.ts';
export {
  OrangeBook,
  type OrangeBookOptions,
  type OrangeBookSource,
  orangeBookUrl,
  type ServingEdition,
} from './orange-book.ts';
export type { OrangeBookEdition, OrangeBookHit } from './orange-book-edition.ts';
export type {
  OrangeBookApplicationType,
  OrangeBookExclusivity,
  OrangeBookMarketingStatus,
  OrangeBookPatent,
  OrangeBookProduct,
} from './orange-book-types.ts';
