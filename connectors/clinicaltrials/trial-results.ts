import type { Provenance } from 'plinth/http';

/** What came of a study, as it was posted. Groups are numbered for each part: `FG000`, `BG000`, `OG000`, `EG000`. */
export interface TrialResults extends Provenance {
  /** [identificationModule.nctId] */
  readonly nctId: string;
  /** [resultsSection.participantFlowModule] */
  readonly participantFlow: ParticipantFlow;
  /** [resultsSection.baselineCharacteristicsModule] */
  readonly baseline: BaselineCharacteristics;
  /** [resultsSection.outcomeMeasuresModule.outcomeMeasures] */
  readonly outcomeMeasures: readonly OutcomeMeasure[];
  /** [resultsSection.adverseEventsModule] */
  readonly adverseEvents: AdverseEvents;
  /** What limits the results. [resultsSection.moreInfoModule.limitationsAndCaveats.description] */
  readonly limitations: string | null;
  /** Whether investigators are free to publish. [resultsSection.moreInfoModule.certainAgreement] */
  readonly agreement: ResultsAgreement | null;
  /** [resultsSection.moreInfoModule.pointOfContact] */
  readonly contact: ResultsContact | null;
}

/** Participants of one kind, as one part of the results divides them. */
export interface ResultsGroup {
  /** Its number within this part. [id] */
  readonly id: string;
  /** [title] */
  readonly title: string | null;
  /** [description] */
  readonly description: string | null;
}

/** A number as it was posted. */
export interface PostedNumber {
  /** As a number; `null` for `NA`, `<0.001` and other words. */
  readonly number: number | null;
  /** As it was written. */
  readonly text: string;
}

/** How many of a group something is about. */
export interface GroupCount {
  /** [groupId] */
  readonly groupId: string;
  /** Participants. [numSubjects; value] */
  readonly count: PostedNumber | null;
  /** Other units, such as eyes. [numUnits] */
  readonly units: PostedNumber | null;
  /** [comment] */
  readonly comment: string | null;
}

/** How participants went through the study. */
export interface ParticipantFlow {
  /** [preAssignmentDetails] */
  readonly preAssignmentDetails: string | null;
  /** [recruitmentDetails] */
  readonly recruitmentDetails: string | null;
  /** Other units than participants. [typeUnitsAnalyzed] */
  readonly unitsAnalyzed: string | null;
  /** [groups] */
  readonly groups: readonly ResultsGroup[];
  /** [periods] */
  readonly periods: readonly FlowPeriod[];
}

/** A part of the time. */
export interface FlowPeriod {
  /** [title] */
  readonly title: string | null;
  /** `STARTED`, `COMPLETED`, `NOT COMPLETED` and the sponsor's own. [milestones] */
  readonly milestones: readonly {
    readonly type: string | null;
    readonly comment: string | null;
    readonly counts: readonly GroupCount[];
  }[];
  /** Why participants left. [dropWithdraws] */
  readonly withdrawals: readonly {
    readonly type: string | null;
    readonly comment: string | null;
    readonly counts: readonly GroupCount[];
  }[];
}

/** How many were looked at. */
export interface Denominator {
  /** Such as `Participants`. [units] */
  readonly units: string | null;
  /** [counts] */
  readonly counts: readonly GroupCount[];
}

/** Rows of a measure. */
export interface MeasureClass {
  /** [title] */
  readonly title: string | null;
  /** [denoms] */
  readonly denominators: readonly Denominator[];
  /** [categories] */
  readonly categories: readonly {
    /** [title] */
    readonly title: string | null;
    /** [measurements] */
    readonly measurements: readonly Measurement[];
  }[];
}

/** One value, in the unit of its measure. */
export interface Measurement {
  /** [groupId] */
  readonly groupId: string;
  /** [value] */
  readonly value: PostedNumber | null;
  /** In the unit of the measure, as its dispersion says. [spread] */
  readonly spread: PostedNumber | null;
  /** [lowerLimit] */
  readonly lowerLimit: PostedNumber | null;
  /** [upperLimit] */
  readonly upperLimit: PostedNumber | null;
  /** [comment] */
  readonly comment: string | null;
}

/** What participants were like at the beginning. */
export interface BaselineCharacteristics {
  /** [populationDescription] */
  readonly populationDescription: string | null;
  /** [typeUnitsAnalyzed] */
  readonly unitsAnalyzed: string | null;
  /** [groups] */
  readonly groups: readonly ResultsGroup[];
  /** [denoms] */
  readonly denominators: readonly Denominator[];
  /** [measures] */
  readonly measures: readonly BaselineMeasure[];
}

/** What every measure has. */
export interface Measure {
  /** [title] */
  readonly title: string;
  /** [description] */
  readonly description: string | null;
  /** [populationDescription] */
  readonly populationDescription: string | null;
  /** Such as `MEDIAN`. [paramType] */
  readonly parameter: string | null;
  /** Such as `STANDARD_DEVIATION` or `95% Confidence Interval`. [dispersionType] */
  readonly dispersion: string | null;
  /** The unit of its values. [unitOfMeasure] */
  readonly unit: string | null;
  /** Whether counts are to be shown as percentages too. [calculatePct] */
  readonly showsPercentages: boolean | null;
  /** [denomUnitsSelected] */
  readonly denominatorUnits: string | null;
  /** [denoms] */
  readonly denominators: readonly Denominator[];
  /** [classes] */
  readonly classes: readonly MeasureClass[];
}

/** Something that was measured at the beginning. */
export type BaselineMeasure = Measure;

/** Something that the study was to find out. */
export interface OutcomeMeasure extends Measure {
  /** `PRIMARY`, `SECONDARY`, `OTHER_PRE_SPECIFIED` or `POST_HOC`. [type] */
  readonly type: string | null;
  /** `POSTED` or `NOT_POSTED`. [reportingStatus] */
  readonly reportingStatus: string | null;
  /** `YYYY-MM`. [anticipatedPostingDate] */
  readonly anticipatedPostingDate: string | null;
  /** [timeFrame] */
  readonly timeFrame: string | null;
  /** [typeUnitsAnalyzed] */
  readonly unitsAnalyzed: string | null;
  /** [groups] */
  readonly groups: readonly ResultsGroup[];
  /** [analyses] */
  readonly analyses: readonly OutcomeAnalysis[];
}

/** A comparison of groups. */
export interface OutcomeAnalysis {
  /** [groupIds] */
  readonly groupIds: readonly string[];
  /** [groupDescription] */
  readonly groupDescription: string | null;
  /** Such as `Hazard Ratio (HR)`. [paramType] */
  readonly parameter: string | null;
  /** [paramValue] */
  readonly value: PostedNumber | null;
  /** [dispersionType] */
  readonly dispersion: string | null;
  /** [dispersionValue] */
  readonly dispersionValue: PostedNumber | null;
  /** Such as `Log Rank`. [statisticalMethod] */
  readonly method: string | null;
  /** [statisticalComment] */
  readonly methodComment: string | null;
  /** [pValue] */
  readonly pValue: PostedNumber | null;
  /** [pValueComment] */
  readonly pValueComment: string | null;
  /** `ONE_SIDED` or `TWO_SIDED`. [ciNumSides] */
  readonly confidenceSides: string | null;
  /** Per cent. [ciPctValue] */
  readonly confidencePercent: PostedNumber | null;
  /** [ciLowerLimit] */
  readonly confidenceLower: PostedNumber | null;
  /** [ciUpperLimit] */
  readonly confidenceUpper: PostedNumber | null;
  /** [ciLowerLimitComment] */
  readonly confidenceLowerComment: string | null;
  /** [ciUpperLimitComment] */
  readonly confidenceUpperComment: string | null;
  /** [estimateComment] */
  readonly estimateComment: string | null;
  /** [testedNonInferiority] */
  readonly testedNonInferiority: boolean | null;
  /** Such as `SUPERIORITY`. [nonInferiorityType] */
  readonly hypothesis: string | null;
  /** [nonInferiorityComment] */
  readonly hypothesisComment: string | null;
  /** [otherAnalysisDescription] */
  readonly otherDescription: string | null;
}

/** What happened to participants. */
export interface AdverseEvents {
  /** Other events are listed when at least so many per cent of a group had them. [frequencyThreshold] */
  readonly frequencyThresholdPercent: PostedNumber | null;
  /** [timeFrame] */
  readonly timeFrame: string | null;
  /** [description] */
  readonly description: string | null;
  /** [allCauseMortalityComment] */
  readonly mortalityComment: string | null;
  /** [eventGroups] */
  readonly groups: readonly AdverseEventGroup[];
  /** [seriousEvents] */
  readonly serious: readonly AdverseEvent[];
  /** [otherEvents] */
  readonly other: readonly AdverseEvent[];
}

/** A group with its numbers of participants. */
export interface AdverseEventGroup extends ResultsGroup {
  /** [deathsNumAffected] */
  readonly deaths: number | null;
  /** [deathsNumAtRisk] */
  readonly deathsAtRisk: number | null;
  /** Participants with a serious event. [seriousNumAffected] */
  readonly serious: number | null;
  /** [seriousNumAtRisk] */
  readonly seriousAtRisk: number | null;
  /** Participants with another event. [otherNumAffected] */
  readonly other: number | null;
  /** [otherNumAtRisk] */
  readonly otherAtRisk: number | null;
}

/** A kind of event. */
export interface AdverseEvent {
  /** [term] */
  readonly term: string;
  /** [organSystem] */
  readonly organSystem: string | null;
  /** Such as `MedDRA 23.1`. [sourceVocabulary] */
  readonly vocabulary: string | null;
  /** Whether participants were asked for it. [assessmentType] */
  readonly assessment: string | null;
  /** [notes] */
  readonly notes: string | null;
  /** [stats] */
  readonly counts: readonly {
    /** [groupId] */
    readonly groupId: string;
    /** Occurrences. [numEvents] */
    readonly events: number | null;
    /** Participants who had it. [numAffected] */
    readonly affected: number | null;
    /** Participants who could have had it. [numAtRisk] */
    readonly atRisk: number | null;
  }[];
}

/** Whether investigators are free to publish. */
export interface ResultsAgreement {
  /** Investigators are employed by the sponsor. [piSponsorEmployee] */
  readonly areInvestigatorsEmployees: boolean | null;
  /** [restrictiveAgreement] */
  readonly isRestrictive: boolean | null;
  /** [restrictionType] */
  readonly restriction: string | null;
  /** [otherDetails] */
  readonly details: string | null;
}

/** Whom to ask about the results. */
export interface ResultsContact {
  /** [title] */
  readonly title: string | null;
  /** [organization] */
  readonly organization: string | null;
  /** [email] */
  readonly email: string | null;
  /** [phone] */
  readonly phone: string | null;
  /** [phoneExt] */
  readonly phoneExtension: string | null;
}
