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
  type OpenFdaOptions,
} from './fda-scraper.ts';
export type {
  ApprovalAnswer,
  ApprovedApplication,
  DrugSearchResult,
  FdaSource,
  MarketingStatus,
  SearchAnswer,
  SourceReport,
} from './fda-types.ts';
export { type OpenFdaAnswer, OpenFdaClient, type OpenFdaClientOptions } from './open-fda-client.ts';
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
