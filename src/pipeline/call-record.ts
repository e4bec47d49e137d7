/** The stages of a guarded call, from outside to inside. The order is law, not taste: see ARCHITECTURE. */
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

/** The name of a stage. */
export type StageName = (typeof stageOrder)[number];

/** What a stage decided. */
export type StageDecision =
  /** cache: a fresh value was there. */
  | 'hit'
  /** cache: nothing usable was there, the call goes on. */
  | 'miss'
  /** cache: another call for the same key is under way, this one waits for it. */
  | 'joined'
  /** cache: the call failed or was refused, and an older value was served. */
  | 'stale'
  /** The stage let the call through and it succeeded. */
  | 'ok'
  /** The stage let the call through and it failed. */
  | 'failed'
  /** The stage refused the call. */
  | 'rejected'
  /** retry: the attempt failed and another one follows after a wait. */
  | 'retried'
  /** retry: the attempt failed and no other one follows. */
  | 'gave-up'
  /** hedge: the first attempt took long, and a second one was started beside it. */
  | 'hedged'
  /** concurrency, rate: the call had to wait for its turn. */
  | 'waited'
  /** breaker, rate: in shadow, the call would have been refused. */
  | 'would-reject'
  /** fault: the call was disturbed on purpose. */
  | 'injected'
  /** fallback: the substitute value was given. */
  | 'substituted'
  /** attemptTimeout, deadline: time ran out. */
  | 'timed-out';

/** One decision of one stage. */
export interface StageRecord {
  readonly stage: StageName;
  readonly decision: StageDecision;
  /** When the stage decided, in milliseconds after the call began. */
  readonly atMs: number;
  /** transport, attemptTimeout: how long the dependency took or was given, in milliseconds. */
  readonly durationMs?: number;
  /** Why, in a few words for people, such as `expired 12s ago` or `HTTP 503`. */
  readonly reason?: string;
}

/** How a call ended: with a value, with a refusal of ours, or with a failure of theirs. */
export type CallResult = 'ok' | 'rejected' | 'failed';

/** Where the value came from: the dependency or an entry within its lifetime, an entry past it, or a substitute. */
export type Freshness = 'fresh' | 'stale' | 'fallback';

/**
 * Everything that happened in one guarded call. Logs, metrics, spans, the console and `why()` are views of this record.
 * Plain data: it can be sent and stored as JSON.
 */
export interface CallRecord {
  /** Counts up within the guard. */
  readonly sequence: number;
  /** The dependency that is called, such as `openfda`. From a closed set: it becomes a metric label. */
  readonly dependency: string;
  /** What is asked of it, such as `drugsfda.search`. From a closed set. */
  readonly operation: string;
  /** Present when nobody waited: the call was made to renew a value while an older one was served. */
  readonly background?: true;
  /** Present when the call might be made twice. */
  readonly repeatable?: true;
  /** The cache key, when the call has one. Never a metric label. */
  readonly key?: string;
  /** The request that the call was made for. */
  readonly requestId?: string;
  /** Wall-clock time at the beginning, in milliseconds since 1970. */
  readonly startedAt: number;
  readonly durationMs: number;
  readonly result: CallResult;
  /** Present when the result is `ok`. */
  readonly freshness?: Freshness;
  /** Age of the value in milliseconds: 0 when it was just fetched. */
  readonly ageMs?: number;
  /** How many times the dependency was really asked. 0 for hits, joined and refused calls. */
  readonly attempts: number;
  /** Present when the result is not `ok`, or when an older value stands in for it. */
  readonly error?: { readonly name: string; readonly code: string; readonly message: string };
  /** Every decision in the order it was taken. */
  readonly stages: readonly StageRecord[];
}

/** What a guarded call gives back: the value, and how far it can be trusted. */
export interface Outcome<Value> {
  readonly value: Value;
  readonly freshness: Freshness;
  /** Age of the value in milliseconds: 0 when it was just fetched. */
  readonly ageMs: number;
  /** Why the value is not fresh. */
  readonly reason?: string;
}
