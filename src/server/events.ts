import type { RequestRecord } from '../telemetry/index.ts';

/** One answered request. */
export interface CompletedRequest extends RequestRecord {
  readonly requestId: string;
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
