/** How far an import is: `GET /api/v1/imports/…`, and `imports` of the state. */
export interface ImportState {
  readonly id: string;
  readonly title: string;
  readonly createdAt: string;
  readonly state: 'running' | 'paused' | 'stopped' | 'completed' | 'failed';
  readonly total: number;
  /** Names that have a result, failed ones included. */
  readonly done: number;
  readonly failed: number;
  /** Names whose result was there already when the import went on. */
  readonly recorded: number;
  readonly active: number;
  readonly ratePerSecond: number;
  readonly elapsedMs: number;
  readonly etaMs: number | null;
  readonly error?: string | undefined;
}

/** What came of one name: one line of `GET /api/v1/imports/…/results`. */
export interface ImportResult {
  readonly index: number;
  readonly name: string;
  readonly ok: boolean;
  readonly value?:
    | {
        readonly applications: number;
        readonly firstApproval: { readonly applicationNumber: string; readonly date: string } | null;
        readonly freshness: 'fresh' | 'stale';
        readonly fetchedAt: string;
      }
    | undefined;
  readonly error?: { readonly code: string; readonly message: string } | undefined;
  readonly recorded: boolean;
}
