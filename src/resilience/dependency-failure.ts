import { FailedError, PlinthError, RateLimitError, UpstreamError } from '../errors/index.ts';
import { isAbortError } from '../kernel/index.ts';

/**
 * Whether an error speaks against the dependency: failures of theirs and errors of unknown kind do; refusals of ours,
 * aborts, bad arguments, "too many requests", answers below 500 and answers that would be the same again do not.
 */
export function isDependencyFailure(error: unknown): boolean {
  if (isAbortError(error) || error instanceof RateLimitError) return false;
  if (error instanceof UpstreamError) return error.status >= 500 && error.retryable;
  return error instanceof FailedError || !(error instanceof PlinthError);
}
