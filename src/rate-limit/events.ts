import type { RejectionReason } from '../errors/index.ts';

/** What a limiter tells. */
export interface RateLimiterEvents {
  /** A request was refused by the law; in shadow it was let through all the same. */
  denied: {
    readonly name: string;
    readonly key: string;
    readonly cost: number;
    readonly retryAfterMs: number;
    readonly shadow: boolean;
  };
  /** A caller began to wait. */
  queued: { readonly name: string; readonly key: string; readonly waiting: number };
  /** A caller that had waited was admitted. */
  admitted: { readonly name: string; readonly key: string; readonly waitedMs: number };
  /** A caller that wanted to wait was refused. */
  rejected: { readonly name: string; readonly key: string; readonly reason: RejectionReason };
  /** The state of a key was given up because there were too many keys: its limit begins anew. */
  evicted: { readonly name: string; readonly key: string };
  /** The numbers changed. */
  reconfigured: { readonly name: string; readonly from: object; readonly to: object };
}

/** What an adaptive limiter tells besides. */
export interface AdaptiveRateLimiterEvents {
  /** The rate went up or down because of what was recorded. */
  'rate-changed': {
    readonly name: string;
    readonly from: number;
    readonly to: number;
    readonly reason: 'fast' | 'slow' | 'error' | 'reconfigured';
  };
  /** The other side asked us to pause. */
  paused: { readonly name: string; readonly pauseMs: number };
}
