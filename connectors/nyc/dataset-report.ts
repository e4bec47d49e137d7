import type { Provenance } from 'plinth/http';
import type { NycDataset } from './datasets.ts';
import type { LeftOutRows } from './violations.ts';

/** What one data set said about a lot. */
export interface DatasetReport {
  readonly dataset: NycDataset;
  /** The portal's identifier, such as `3h2n-5cm9`. */
  readonly datasetId: string;
  /** Whether it had something, had nothing, or could not be asked. */
  readonly status: 'answered' | 'empty' | 'failed';
  /** How many violations it has, without `limit`; 0 when it failed. */
  readonly total: number;
  /** Only of those that answered. */
  readonly leftOut?: LeftOutRows;
  /** Only of those that answered. */
  readonly dataUpdatedAt?: string | null;
  /** Only of those that answered. */
  readonly provenance?: Provenance;
  /** Why it failed. */
  readonly error?: string;
  /** Why it failed, for programs. */
  readonly errorCode?: string;
}
