import { type Quarantine, ResponseContract } from 'plinth/http';
import { readDetails, type TrialFacts } from './read-details.ts';
import { type ResultFacts, readResults } from './read-results.ts';
import { readSummary, readSummaryWithRecord } from './read-trial.ts';
import { resultsShape } from './shapes/results-shape.ts';
import { studyShape } from './shapes/study-shape.ts';
import { summaryShape } from './shapes/summary-shape.ts';
import type { TrialSummary } from './trial-types.ts';

/** What is expected of each kind of answer; their events tell when the source has changed. */
export interface ClinicalTrialsContracts {
  /** Records of a search. */
  readonly search: ResponseContract<TrialSummary>;
  /** Records of a search that asked for more `fields`, which may be anything. */
  readonly wideSearch: ResponseContract<TrialSummary>;
  /** Whole records. */
  readonly study: ResponseContract<TrialFacts>;
  /** Records with their results. */
  readonly results: ResponseContract<ResultFacts | null>;
}

/** Makes the contracts. */
export function createContracts(quarantine: Quarantine | undefined): ClinicalTrialsContracts {
  return {
    search: new ResponseContract({ name: 'clinicaltrials.search', read: readSummary, shape: summaryShape, quarantine }),
    wideSearch: new ResponseContract({ name: 'clinicaltrials.wide-search', read: readSummaryWithRecord, quarantine }),
    study: new ResponseContract({ name: 'clinicaltrials.study', read: readDetails, shape: studyShape, quarantine }),
    results: new ResponseContract({
      name: 'clinicaltrials.results',
      read: readResults,
      shape: resultsShape,
      quarantine,
    }),
  };
}
