export {
  ClinicalTrialsScraper,
  type ClinicalTrialsScraperOptions,
  clinicalTrialsUrl,
} from './clinical-trials-scraper.ts';
export type { ClinicalTrialsContracts } from './contracts.ts';
export { ClinicalTrialsError, type ClinicalTrialsErrorKind } from './errors.ts';
export type { TrialWords } from './essie.ts';
export type { ClinicalTrialsEvents } from './events.ts';
export { plainMarkup } from './markup.ts';
export { isNctId, parseNctId } from './nct-id.ts';
export type { TrialFacts } from './read-details.ts';
export type { ResultFacts } from './read-results.ts';
export type { DatePrecision, TrialAge, TrialDate } from './trial-date.ts';
export type {
  TrialArm,
  TrialAvailableData,
  TrialContact,
  TrialDates,
  TrialDesign,
  TrialDetails,
  TrialDocument,
  TrialEligibility,
  TrialExpandedAccess,
  TrialIntervention,
  TrialIpdSharing,
  TrialLocation,
  TrialOfficial,
  TrialOtherId,
  TrialOutcome,
  TrialOversight,
  TrialReference,
  TrialResponsibleParty,
  TrialTerm,
  TrialTerms,
} from './trial-details.ts';
export type { DateRange, TrialArea, TrialQuery, TrialSort } from './trial-query.ts';
export type {
  AdverseEvent,
  AdverseEventGroup,
  AdverseEvents,
  BaselineCharacteristics,
  BaselineMeasure,
  Denominator,
  FlowPeriod,
  GroupCount,
  Measure,
  MeasureClass,
  Measurement,
  OutcomeAnalysis,
  OutcomeMeasure,
  ParticipantFlow,
  PostedNumber,
  ResultsAgreement,
  ResultsContact,
  ResultsGroup,
  TrialResults,
} from './trial-results.ts';
export {
  type AgeGroup,
  ageGroups,
  type StudyType,
  studyTypes,
  type TrialPhase,
  type TrialSex,
  type TrialStatus,
  trialPhases,
  trialSexes,
  trialStatuses,
} from './trial-terms.ts';
export type {
  ApiVersion,
  TrialCount,
  TrialEnrollment,
  TrialPage,
  TrialSearchAnswer,
  TrialSponsor,
  TrialSummary,
} from './trial-types.ts';
