import type { Provenance } from 'plinth/http';
import type { TrialAge, TrialDate } from './trial-date.ts';
import type { AgeGroup, StudyType, TrialPhase, TrialSex, TrialStatus } from './trial-terms.ts';

/** An organisation that pays for a study or answers for it. */
export interface TrialSponsor {
  /** [leadSponsor.name; collaborators.name] */
  readonly name: string;
  /** Such as `INDUSTRY`, `NIH`, `OTHER`; `null` where the answer was limited. [class] */
  readonly class: string | null;
}

/** How many take part. */
export interface TrialEnrollment {
  /** Persons (or units of an observation); `null` for the source's `99999999`, which means that it was not given. [enrollmentInfo.count] */
  readonly count: number | null;
  /** Whether they were counted or are expected. [enrollmentInfo.type] */
  readonly type: 'ACTUAL' | 'ESTIMATED' | null;
}

/** What a study says about itself in a list. `null` is what its record does not say. */
export interface TrialSummary {
  /** [identificationModule.nctId] */
  readonly nctId: string;
  /** [identificationModule.briefTitle] */
  readonly briefTitle: string | null;
  /** [identificationModule.officialTitle] */
  readonly officialTitle: string | null;
  /** [identificationModule.acronym] */
  readonly acronym: string | null;
  /** [statusModule.overallStatus] */
  readonly status: TrialStatus;
  /** Why it was ended or halted. [statusModule.whyStopped] */
  readonly whyStopped: string | null;
  /** [statusModule.startDateStruct] */
  readonly startDate: TrialDate | null;
  /** When the last participant was or will be seen for the primary outcome. [statusModule.primaryCompletionDateStruct] */
  readonly primaryCompletionDate: TrialDate | null;
  /** [statusModule.completionDateStruct] */
  readonly completionDate: TrialDate | null;
  /** [statusModule.studyFirstPostDateStruct] */
  readonly firstPosted: TrialDate | null;
  /** [statusModule.lastUpdatePostDateStruct] */
  readonly lastUpdatePosted: TrialDate | null;
  /** [sponsorCollaboratorsModule.leadSponsor] */
  readonly leadSponsor: TrialSponsor | null;
  /** [conditionsModule.conditions] */
  readonly conditions: readonly string[];
  /** [conditionsModule.keywords] */
  readonly keywords: readonly string[];
  /** [designModule.studyType] */
  readonly studyType: StudyType | null;
  /** Empty for observational studies, `['NA']` for interventional ones without a phase. [designModule.phases] */
  readonly phases: readonly TrialPhase[];
  /** [designModule.enrollmentInfo] */
  readonly enrollment: TrialEnrollment | null;
  /** [armsInterventionsModule.interventions, type and name] */
  readonly interventions: readonly { readonly type: string | null; readonly name: string }[];
  /** [eligibilityModule.sex] */
  readonly sex: TrialSex | null;
  /** `null` for no lower limit. [eligibilityModule.minimumAge] */
  readonly minimumAge: TrialAge | null;
  /** `null` for no upper limit. [eligibilityModule.maximumAge] */
  readonly maximumAge: TrialAge | null;
  /** [eligibilityModule.stdAges] */
  readonly ageGroups: readonly AgeGroup[];
  /** Whether results were posted; `null` where the record does not say. [hasResults] */
  readonly hasResults: boolean | null;
  /** The record as it came, when a query asked for more `fields`. */
  readonly record?: Readonly<Record<string, unknown>>;
}

/** One page of a search. */
export interface TrialPage extends Provenance {
  /** May be fewer than were asked for, or none, on any page. */
  readonly trials: readonly TrialSummary[];
  /** How many studies fit in all; `null` unless `countTotal` was given and this is the first page. [totalCount] */
  readonly total: number | null;
  /** How many records of the page could not be read; they are in quarantine. */
  readonly unreadable: number;
  /** Whether it is the last one. [no nextPageToken] */
  readonly isLast: boolean;
}

/** The answer of `searchTrials`. */
export interface TrialSearchAnswer extends Provenance {
  readonly trials: readonly TrialSummary[];
  /** How many studies fit in all; `null` unless `countTotal` was given. [totalCount of the first page] */
  readonly total: number | null;
  /** Whether these are all: `false` when the limit was reached and there are more. */
  readonly complete: boolean;
  /** How many records could not be read; they are in quarantine. */
  readonly unreadable: number;
}

/** The answer of `countTrials`. */
export interface TrialCount extends Provenance {
  /** [totalCount] */
  readonly total: number;
}

/** The answer of `getVersion`. */
export interface ApiVersion extends Provenance {
  /** [apiVersion] */
  readonly apiVersion: string;
  /** When the data were made, in UTC without a zone, such as `2026-03-25T09:00:05`. [dataTimestamp] */
  readonly dataTimestamp: string;
}
