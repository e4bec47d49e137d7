import type { Freshness } from 'plinth/pipeline';

/** What the client tells of itself. Nobody's name and no BBL is in it. */
export interface NycEvents {
  /** A request was answered by the portal. Answers from a cache are not told. */
  answered: {
    /** The data set, such as `3h2n-5cm9`. */
    readonly datasetId: string;
    /** Which question it was, from a closed set, such as `dob-violations`. */
    readonly operation: string;
    /** How long the caller waited, in milliseconds: for its turn, retries and the answer. */
    readonly durationMs: number;
    /** How many rows came. */
    readonly records: number;
    readonly freshness: Freshness;
  };
  /**
   * A data set has other columns than it had when this connector was written. Rows leave out what is empty, so only the
   * answer's list of columns can tell. Once for each difference.
   */
  'columns-changed': {
    readonly datasetId: string;
    readonly added: readonly string[];
    readonly missing: readonly string[];
  };
}
