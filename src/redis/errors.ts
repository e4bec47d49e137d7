import { type ErrorOptions, FailedError } from '../errors/index.ts';

/** Why Redis gave no answer. */
export type RedisUnavailableReason = 'not-connected' | 'timed-out' | 'not-answering' | 'connection-lost' | 'refused';

/**
 * Redis gave no answer in time, or there is no connection. Whether the command was carried out is not known when the
 * reason is `timed-out` or `connection-lost`. Retryable.
 *
 * It carries no stack: while Redis is away every command ends in one, and taking a stack is most of an error's cost.
 */
export class RedisUnavailableError extends FailedError {
  /** What went wrong, in one word. */
  readonly reason: RedisUnavailableReason;

  constructor(message: string, reason: RedisUnavailableReason, options: ErrorOptions = {}) {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(message, 'REDIS_UNAVAILABLE', { retryable: true, ...options });
    Error.stackTraceLimit = stackTraceLimit;
    this.reason = reason;
  }
}

/** Redis answered with an error: a wrong type, a wrong argument, no permission, out of memory. Not retryable. */
export class RedisCommandError extends FailedError {
  constructor(message: string, options: ErrorOptions = {}) {
    super(message, 'REDIS_COMMAND_FAILED', options);
  }
}
