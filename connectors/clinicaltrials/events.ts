/** What a `ClinicalTrialsScraper` tells, besides the events of its contracts. */
export interface ClinicalTrialsEvents {
  /** The source no longer knew the page that comes next, as after its daily change: the search began anew, once. */
  restarted: {
    /** How many pages had come. */
    readonly pages: number;
    /** What the source said. */
    readonly error: unknown;
  };
}
