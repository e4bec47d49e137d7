import type { TrialWords } from './essie.ts';
import type { AgeGroup, StudyType, TrialPhase, TrialSex, TrialStatus } from './trial-terms.ts';

/** Days from and to, both included: `YYYY`, `YYYY-MM` or `YYYY-MM-DD`. At least one of the two. */
export interface DateRange {
  /** @default the beginning of time */
  readonly from?: string | undefined;
  /** @default the end of time */
  readonly to?: string | undefined;
}

/** A circle on the map; a study is in it when one of its locations is. */
export interface TrialArea {
  /** Degrees north, -90 to 90. */
  readonly latitude: number;
  /** Degrees east, -180 to 180. */
  readonly longitude: number;
  /** The radius in kilometres. */
  readonly distanceKm: number;
}

/** An order of studies. Those without a value come last. */
export interface TrialSort {
  /** The piece of the record, a date or a number, such as `LastUpdatePostDate` or `EnrollmentCount`; or `@relevance`. */
  readonly field: string;
  /** @default 'desc' for dates and relevance, 'asc' for numbers, as the source has it */
  readonly direction?: 'asc' | 'desc' | undefined;
}

/**
 * What is looked for at ClinicalTrials.gov. A study is found when everything that is given fits. Words are searched for as
 * words, whatever is in them; only `advanced` is an expression.
 */
export interface TrialQuery {
  /** Conditions or diseases. [query.cond] */
  readonly condition?: TrialWords | undefined;
  /** Drugs, devices, procedures, by any of their names. [query.intr] */
  readonly intervention?: TrialWords | undefined;
  /** Words anywhere in the record. [query.term] */
  readonly term?: TrialWords | undefined;
  /** Cities, states, countries, facilities. [query.locn] */
  readonly location?: TrialWords | undefined;
  /** Titles and acronyms. [query.titles] */
  readonly titles?: TrialWords | undefined;
  /** Measures of outcome. [query.outc] */
  readonly outcome?: TrialWords | undefined;
  /** Sponsors and collaborators. [query.spons] */
  readonly sponsor?: TrialWords | undefined;
  /** Lead sponsors alone. [query.lead] */
  readonly leadSponsor?: TrialWords | undefined;
  /** Words that patients would use, in the widest set of fields. [query.patient] */
  readonly patient?: TrialWords | undefined;
  /** Numbers of other registries and of sponsors, such as `MK-3475-042` or `2014-001473-14`. [query.id] */
  readonly otherIds?: TrialWords | undefined;
  /** Numbers of studies: only these are looked at. [filter.ids] */
  readonly ids?: string | readonly string[] | undefined;
  /** States of studies; `ANY` for all. [filter.overallStatus] @default 'RECRUITING' */
  readonly status?: TrialStatus | readonly TrialStatus[] | 'ANY' | undefined;
  /** Phases: one of them is enough. [AREA[Phase] of filter.advanced] */
  readonly phases?: TrialPhase | readonly TrialPhase[] | undefined;
  /** The kind of study. [AREA[StudyType] of filter.advanced] */
  readonly studyType?: StudyType | readonly StudyType[] | undefined;
  /** Who may take part, as registered: `['FEMALE', 'ALL']` for whatever is open to women. [AREA[Sex] of filter.advanced] */
  readonly sex?: TrialSex | readonly TrialSex[] | undefined;
  /** Groups of ages: one of them is enough. [AREA[StdAge] of filter.advanced] */
  readonly ageGroups?: AgeGroup | readonly AgeGroup[] | undefined;
  /** Where. [filter.geo] */
  readonly geo?: TrialArea | undefined;
  /** When the study begins or began. [AREA[StartDate] of filter.advanced] */
  readonly startDate?: DateRange | undefined;
  /** When the last participant is seen for the primary outcome. [AREA[PrimaryCompletionDate] of filter.advanced] */
  readonly primaryCompletionDate?: DateRange | undefined;
  /** When the study was registered for all to see. [AREA[StudyFirstPostDate] of filter.advanced] */
  readonly firstPosted?: DateRange | undefined;
  /** When the record was last changed. [AREA[LastUpdatePostDate] of filter.advanced] */
  readonly lastUpdate?: DateRange | undefined;
  /** Whether results were posted. [AREA[ResultsFirstPostDate] of filter.advanced] */
  readonly hasResults?: boolean | undefined;
  /** An expression in the source's own language, taken as it is; `AREA[…]`, `RANGE[…]`, `AND`. [filter.advanced] */
  readonly advanced?: string | undefined;
  /** At most two orders. [sort] @default none: the source has its own, and it is faster */
  readonly sort?: TrialSort | readonly TrialSort[] | undefined;
  /** Pieces of the record besides those of {@link TrialSummary}, such as `EligibilityCriteria`, for its `record`. [fields] @default none */
  readonly fields?: readonly string[] | undefined;
  /** How many studies at most, 1 to 100,000. @default 100 for `searchTrials`, all for `trialPages` and `allTrials` */
  readonly limit?: number | undefined;
  /** How many studies one request brings, 1 to 1,000. [pageSize] @default 100, or the limit when it is lower */
  readonly pageSize?: number | undefined;
  /** Whether the source is to count all that fit. [countTotal] @default false */
  readonly countTotal?: boolean | undefined;
}
