import type { RequestRecord } from '../telemetry/index.ts';

/** What one limit decided about a request. */
export interface LimitRecord {
  /** The limiter's name. */
  readonly limiter: string;
  /** What requests were told apart by: `address`, `user`, or a name of one's own. Never the subject itself. */
  readonly by: string;
  readonly allowed: boolean;
  /** `denied` beside `allowed` is a limiter in shadow; `unavailable`: the rule for an outage of the store decided. */
  readonly outcome: 'allowed' | 'denied' | 'unavailable';
  /** The size of the window that decided, and its length in milliseconds. */
  readonly limit: number;
  readonly windowMs?: number;
  /** Requests left in it. */
  readonly remaining: number;
  /** When the same request would be allowed, in milliseconds; 0 when it was. */
  readonly retryAfterMs: number;
  /** How long a store elsewhere took to answer, in milliseconds; absent when the decision was made in memory. */
  readonly askedMs?: number;
}

/** One answered request: the access log, metrics and the answer to why it went so are views of it. */
export interface CompletedRequest extends RequestRecord {
  readonly requestId: string;
  /** Wall-clock time at the beginning, in milliseconds since 1970. */
  readonly startedAt: number;
  /** What the limits on its way decided, in their order. */
  readonly limits?: readonly LimitRecord[];
  /** What the client was told when it got an error answer. */
  readonly error?: { readonly code: string; readonly message: string };
  /** The path as it was asked for, without its query. */
  readonly path: string;
  /** Whether it took longer than `slowRequestMs`. Streams are never slow. */
  readonly slow: boolean;
}

/** What a server tells. */
export interface ServerEvents {
  /** A request was answered, or its client left. */
  'request-completed': CompletedRequest;
  /** The server began to end: it accepts no more connections. */
  'drain-started': { readonly activeRequests: number };
  /** The server has ended. */
  closed: {
    /** How long the draining took, in milliseconds. */
    readonly durationMs: number;
    /** Requests that were cut off because they did not end in time. */
    readonly abandonedRequests: number;
  };
}
