import type { ImportState } from './import-wire.ts';

/**
 * What the service sends, as this page understands it. Written out here and not imported, because the console is a
 * client like any other: it may use nothing but HTTP.
 */

/** The stages of a guarded call, from outside to inside. */
export const stageOrder = [
  'deadline',
  'fallback',
  'cache',
  'retry',
  'hedge',
  'concurrency',
  'breaker',
  'rate',
  'attemptTimeout',
  'fault',
  'transport',
] as const;

export type StageName = (typeof stageOrder)[number];

export type StageDecision =
  | 'hit'
  | 'miss'
  | 'joined'
  | 'stale'
  | 'ok'
  | 'failed'
  | 'rejected'
  | 'retried'
  | 'gave-up'
  | 'hedged'
  | 'waited'
  | 'would-reject'
  | 'injected'
  | 'substituted'
  | 'timed-out';

export interface StageRecord {
  readonly stage: StageName;
  readonly decision: StageDecision;
  readonly atMs: number;
  readonly durationMs?: number;
  readonly reason?: string;
}

export type Freshness = 'fresh' | 'stale' | 'fallback';

/** One guarded call, after it ended. Its dependency and its sequence together are its own. */
export interface CallRecord {
  readonly sequence: number;
  readonly dependency: string;
  readonly operation: string;
  readonly background?: true;
  readonly repeatable?: true;
  readonly key?: string;
  readonly requestId?: string;
  readonly startedAt: number;
  readonly durationMs: number;
  readonly result: 'ok' | 'rejected' | 'failed';
  readonly freshness?: Freshness;
  readonly ageMs?: number;
  readonly attempts: number;
  readonly error?: { readonly name: string; readonly code: string; readonly message: string };
  readonly stages: readonly StageRecord[];
}

export type Condition = 'up' | 'degraded' | 'down';

export interface HealthCheck {
  readonly name: string;
  readonly status: Condition;
  readonly message?: string;
  readonly durationMs?: number;
}

export interface Breaker {
  readonly name: string;
  readonly state: 'closed' | 'open' | 'half-open';
  readonly failures: number;
  readonly failureThreshold: number;
  readonly retryInMs?: number;
}

export interface Cache {
  readonly name: string;
  readonly entries: number;
  readonly maxEntries: number;
  readonly hits: number;
  readonly misses: number;
  readonly stale: number;
  readonly loads: number;
  readonly joined: number;
  readonly evictions: number;
  /** Answered by the store that processes share; absent from a service that has none. */
  readonly storeHits?: number;
  readonly hitRate: number | null;
}

/** Where entries are kept, and how memory is kept in step with what processes share. */
export interface CacheTiers {
  readonly status: 'up' | 'degraded';
  readonly backend: 'memory' | 'redis' | 'hybrid';
  readonly message?: string;
  readonly coherence?: {
    readonly coverage: 'tracking' | 'announcements' | 'none';
    readonly maxStalenessMs: number;
    /** `null`: it never was certain. */
    readonly heardAgoMs: number | null;
    readonly generation: number;
  };
}

export interface Totals {
  readonly calls: number;
  readonly ok: number;
  readonly stale: number;
  readonly rejected: number;
  readonly failed: number;
  readonly upstreamCalls: number;
}

/** `GET /api/v1/console/state`, and the data of each `state` event. */
export interface ConsoleState {
  readonly service: {
    readonly name: string;
    readonly version: string;
    readonly environment: string;
    readonly upstreams: 'recorded' | 'live';
    /** Where the stand-in is that plays the recordings. */
    readonly standIn?: string;
    readonly startedAt: string;
    readonly uptimeSeconds: number;
    readonly database: string;
  };
  readonly health: { readonly status: Condition; readonly checks: readonly HealthCheck[] };
  readonly breakers: readonly Breaker[];
  readonly caches: readonly Cache[];
  /** Absent from a service that does not tell. */
  readonly cacheTiers?: CacheTiers;
  readonly totals: Totals;
  /** Newest first. Absent from a service that has none. */
  readonly imports?: readonly ImportState[];
  /** Newest first, at most 100. */
  readonly calls: readonly CallRecord[];
}

/** One approved product, as far as the page shows it. */
export interface Product {
  readonly source: string;
  readonly applicationNumber: string;
  readonly brandName: string;
  readonly ingredients: readonly { readonly name: string; readonly strength: string | null }[];
  readonly dosageForm: string | null;
  readonly route: string | null;
  readonly strength: string;
  readonly status: string;
  readonly sponsor: string;
}

/** How one source took part in an answer. */
export interface SourceReport {
  readonly source: string;
  readonly status: 'answered' | 'empty' | 'failed';
  readonly origin: 'live' | 'recorded' | null;
  readonly freshness: Freshness | null;
  readonly ageMs: number;
  readonly fetchedAt: string;
  readonly edition?: string;
  readonly reason?: string;
  readonly found: number;
  readonly error?: string;
  readonly errorCode?: string;
}

/** `GET /api/v1/medications?name=…` */
export interface MedicationAnswer {
  readonly name: string;
  /** `stale` when an older answer stands in. */
  readonly freshness: 'fresh' | 'stale';
  readonly fetchedAt: string;
  /** Why the answer is stale. */
  readonly reason?: string;
  /** How many products were found; more than are listed when there are very many. */
  readonly total: number;
  readonly results: readonly Product[];
  readonly sources: readonly SourceReport[];
}

/** What the service answers when it cannot. */
export interface ErrorAnswer {
  readonly success: false;
  readonly error: string;
  readonly error_code: string;
  readonly details?: { readonly request_id?: string };
}
