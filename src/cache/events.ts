/** Why what a store held was taken for a miss. */
export type UnusableReason = 'unknown-version' | 'corrupt' | 'too-large';

/** What a cache tells. Hits are not told, they are counted. */
export interface CacheEvents {
  /** A loader has given a value. */
  readonly loaded: {
    readonly name: string;
    readonly key: string;
    readonly prefix: string;
    readonly durationMs: number;
    readonly value: unknown;
    /** The value that was there before, with its age. */
    readonly older: { readonly value: unknown; readonly ageMs: number } | undefined;
  };
  /** A loader has failed. */
  readonly 'load-failed': {
    readonly name: string;
    readonly key: string;
    readonly prefix: string;
    readonly durationMs: number;
    readonly error: unknown;
    /** Whether an older value stood in. */
    readonly covered: boolean;
  };
  /** What the store held under a key could not be used, and was taken for a miss. */
  readonly unusable: {
    readonly name: string;
    readonly key: string;
    readonly reason: UnusableReason;
    readonly bytes: number;
  };
  /** What a loader gave cannot be kept in the store, so it was given to those who waited, and not kept. */
  readonly unstorable: { readonly name: string; readonly key: string; readonly error: unknown };
  /** The store is away: the cache goes on in memory. */
  readonly degraded: { readonly name: string; readonly error: unknown };
  /** The store is back, and what was changed meanwhile has been made known to it. */
  readonly recovered: { readonly name: string; readonly awayMs: number };
}
