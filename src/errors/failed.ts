import { type ErrorOptions, PlinthError } from './plinth-error.ts';

/**
 * A failure of a dependency: the call reached it, or tried to, and did not succeed. Breakers and retries count these;
 * refusals of our own are {@link RejectedError}.
 */
export class FailedError extends PlinthError {
  constructor(message: string, code = 'DEPENDENCY_FAILED', options: ErrorOptions = {}) {
    super(message, code, options);
  }
}

/** The other side could not be reached, or the connection broke. Retryable. */
export class NetworkError extends FailedError {
  constructor(message: string, options: ErrorOptions = {}) {
    super(message, 'NETWORK_ERROR', { retryable: true, ...options });
  }
}

/** One attempt took longer than it was allowed to. Retryable for safe calls. */
export class TimeoutError extends FailedError {
  /** The limit that was exceeded, in milliseconds. */
  readonly timeoutMs: number;

  constructor(message: string, timeoutMs: number, options: ErrorOptions = {}) {
    super(message, 'TIMEOUT', { retryable: true, ...options });
    this.timeoutMs = timeoutMs;
  }
}

/** The other side said that we ask too often (HTTP 429 and its kin). Retryable after `retryAfterMs`, when known. */
export class RateLimitError extends FailedError {
  constructor(message: string, options: ErrorOptions = {}) {
    super(message, 'RATE_LIMITED', { retryable: true, ...options });
  }
}

/** The other side answered with a status that means failure. Retryable when it may pass: 500, 502, 503, 504. */
export class UpstreamError extends FailedError {
  /** The status of the answer, as its protocol numbers it. */
  readonly status: number;

  constructor(message: string, status: number, options: ErrorOptions = {}) {
    super(message, 'UPSTREAM_ERROR', { retryable: status >= 500 && status <= 504 && status !== 501, ...options });
    this.status = status;
  }
}

/** The other side answered, but not with what was agreed: wrong format, missing column, HTML instead of JSON. */
export class ScraperError extends FailedError {
  constructor(message: string, options: ErrorOptions = {}) {
    super(message, 'SCRAPER_ERROR', options);
  }
}

/** A cache store failed and the cache was told to be strict about it. */
export class CacheError extends FailedError {
  constructor(message: string, options: ErrorOptions = {}) {
    super(message, 'CACHE_ERROR', { retryable: true, ...options });
  }
}
