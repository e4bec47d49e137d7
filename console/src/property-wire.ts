import type { Freshness } from './wire.ts';

/** The four data sets, as the answer names them. */
export type Dataset = 'dob' | 'ecb' | 'hpd' | 'dobSafety';

/** A violation, as far as the page shows it. Which of the texts are there depends on the data set. */
export interface Violation {
  readonly id: string;
  readonly issueDate: string | null;
  /** `null`: the city does not say. */
  readonly isActive: boolean | null;
  readonly number?: string | null;
  readonly type?: string | null;
  readonly severity?: string | null;
  readonly hazardClass?: string | null;
  readonly description?: string | null;
  readonly remarks?: string | null;
  readonly balanceDue?: number | null;
}

/** What one data set said about a lot. */
export interface DatasetReport {
  readonly dataset: Dataset;
  readonly datasetId: string;
  readonly status: 'answered' | 'empty' | 'failed';
  readonly total: number;
  readonly leftOut?:
    | { readonly testRecords: number; readonly unreadable: number; readonly undated: number }
    | undefined;
  readonly dataUpdatedAt?: string | null | undefined;
  readonly provenance?:
    | {
        readonly origin: 'live' | 'recorded';
        readonly freshness: Freshness;
        readonly ageMs: number;
        readonly reason?: string | undefined;
      }
    | undefined;
  readonly error?: string | undefined;
  readonly errorCode?: string | undefined;
}

/** Two entries of different data sets that belong together. */
export interface CrossReference {
  readonly kind: 'ecb-number' | 'same-violation';
  readonly dobId: string;
  readonly dataset: 'ecb' | 'dobSafety';
  readonly id: string;
}

/** `GET /api/v1/properties/…/violations` */
export interface PropertyViolations {
  readonly bbl: {
    readonly boroughName: string;
    readonly block: number;
    readonly lot: number;
    readonly text: string;
    readonly lotKind: 'ordinary' | 'condo-unit' | 'condo-billing';
    readonly note?: string | undefined;
  };
  readonly dob: readonly Violation[];
  readonly ecb: readonly Violation[];
  readonly hpd: readonly Violation[];
  readonly dobSafety: readonly Violation[];
  readonly counts: { readonly listed: number; readonly distinct: number; readonly active: number };
  readonly crossReferences: readonly CrossReference[];
  readonly sources: readonly DatasetReport[];
  /** Whether all four answered. */
  readonly complete: boolean;
}
