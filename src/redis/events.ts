import type { RedisUnavailableError } from './errors.ts';

/**
 * How changes to keys are heard of. `tracking`: all of them; `announcements`: those that are announced; `none`: nothing is
 * heard.
 */
export type KeyChangeCoverage = 'tracking' | 'announcements' | 'none';

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
  /** From now on changes to keys are heard of in another way than before. */
  readonly coverage: {
    readonly name: string;
    readonly coverage: KeyChangeCoverage;
    /** Why it is not `tracking`. */
    readonly reason: string | undefined;
  };
  /** The connection was closed by its owner. */
  readonly closed: { readonly name: string };
}
