import type { RedisUnavailableError } from './errors.ts';

/** What a {@link RedisConnection} tells. */
export interface RedisEvents {
  /** Commands are carried out from now on. */
  readonly ready: {
    readonly name: string;
    readonly generation: number;
    /** Whether the server is another one than before, so that what the last one held may be lost. */
    readonly forgot: boolean;
    /** How long Redis was away before, in milliseconds; 0 the first time. */
    readonly awayMs: number;
  };
  /** Commands fail at once from now on. */
  readonly away: { readonly name: string; readonly error: RedisUnavailableError };
  /** An attempt to connect has failed; another one follows. */
  readonly 'connect-failed': {
    readonly name: string;
    readonly attempt: number;
    readonly retryInMs: number;
    readonly error: RedisUnavailableError;
  };
  /** The connection was closed by its owner. */
  readonly closed: { readonly name: string };
}
