/** The states of a study, as the API spells them. */
export const trialStatuses = [
  'ACTIVE_NOT_RECRUITING',
  'COMPLETED',
  'ENROLLING_BY_INVITATION',
  'NOT_YET_RECRUITING',
  'RECRUITING',
  'SUSPENDED',
  'TERMINATED',
  'WITHDRAWN',
  'AVAILABLE',
  'NO_LONGER_AVAILABLE',
  'TEMPORARILY_NOT_AVAILABLE',
  'APPROVED_FOR_MARKETING',
  'WITHHELD',
  'UNKNOWN',
] as const;

/** The state of a study. The last ones from `AVAILABLE` on are those of expanded access and of withheld or forgotten records. */
export type TrialStatus = (typeof trialStatuses)[number];

/** The phases of a study; `NA` is an interventional study without one, such as of a device. */
export const trialPhases = ['NA', 'EARLY_PHASE1', 'PHASE1', 'PHASE2', 'PHASE3', 'PHASE4'] as const;

/** A phase of a study. */
export type TrialPhase = (typeof trialPhases)[number];

/** The kinds of studies. */
export const studyTypes = ['INTERVENTIONAL', 'OBSERVATIONAL', 'EXPANDED_ACCESS'] as const;

/** A kind of study. */
export type StudyType = (typeof studyTypes)[number];

/** Who may take part, by sex. */
export const trialSexes = ['ALL', 'FEMALE', 'MALE'] as const;

/** Who may take part, by sex. */
export type TrialSex = (typeof trialSexes)[number];

/** The standard groups of ages: under 18, 18 to 64, 65 and more. */
export const ageGroups = ['CHILD', 'ADULT', 'OLDER_ADULT'] as const;

/** A standard group of ages. */
export type AgeGroup = (typeof ageGroups)[number];
