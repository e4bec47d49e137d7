import { FailedError, PlinthError, RejectedError, ServiceError, TimeoutError } from '../errors/index.ts';

/** How an error code is answered. */
export interface ErrorAnswer {
  /** The HTTP status. */
  readonly status: number;
  /** The message for the client. Absent when the error's own message was written for the client. */
  readonly message?: string;
}

const dependencyFailed: ErrorAnswer = { status: 502, message: 'A service that this one depends on failed' };
const databaseAway: ErrorAnswer = { status: 503, message: 'The database is not available at the moment' };

/** The one table from error codes to HTTP. A code that is not here is answered as its family, below. */
export const errorStatuses: Readonly<Record<string, ErrorAnswer>> = Object.freeze({
  BAD_REQUEST: { status: 400, message: 'The request cannot be understood' },
  INVALID_ENCODING: { status: 400 },
  INVALID_JSON: { status: 400 },
  IDEMPOTENCY_KEY_MISSING: { status: 400 },
  IDEMPOTENCY_KEY_MALFORMED: { status: 400 },
  NOT_FOUND: { status: 404 },
  METHOD_NOT_ALLOWED: { status: 405, message: 'This method is not allowed here' },
  REQUEST_TIMEOUT: { status: 408, message: 'The request took too long to arrive' },
  URL_REFUSED: { status: 403 },
  DUPLICATE: { status: 409 },
  QUOTA_EXCEEDED: { status: 409 },
  STILL_REFERENCED: { status: 409 },
  IDEMPOTENCY_IN_PROGRESS: { status: 409 },
  IDEMPOTENCY_ANSWER_NOT_KEPT: { status: 409 },
  CONFLICT: { status: 409, message: 'This does not fit to what is there already' },
  VERSION_CONFLICT: { status: 412 },
  PAYLOAD_TOO_LARGE: { status: 413 },
  URI_TOO_LONG: { status: 414, message: 'A part of the path is too long' },
  UNSUPPORTED_MEDIA_TYPE: { status: 415 },
  EXPECTATION_FAILED: { status: 417, message: 'This expectation cannot be met' },
  VALIDATION_ERROR: { status: 422 },
  FORBIDDEN_ADDRESS: { status: 422 },
  INVALID_VALUE: { status: 422, message: 'A value is out of the range or of the kind that can be used' },
  IDEMPOTENCY_KEY_REUSED: { status: 422 },
  LIMIT_EXCEEDED: { status: 429 },
  HEADERS_TOO_LARGE: { status: 431, message: 'The headers are too large' },
  INTERNAL_ERROR: { status: 500, message: 'Internal server error' },
  SERVICE_ERROR: { status: 500 },
  FILE_CORRUPT: { status: 500, message: 'The file is damaged' },
  DEPENDENCY_FAILED: dependencyFailed,
  NETWORK_ERROR: dependencyFailed,
  UPSTREAM_ERROR: dependencyFailed,
  SCRAPER_ERROR: dependencyFailed,
  MODEL_ANSWER_INVALID: dependencyFailed,
  CACHE_ERROR: dependencyFailed,
  RATE_LIMITED: dependencyFailed,
  CONNECTION_LOST: databaseAway,
  TOO_MANY_CONNECTIONS: databaseAway,
  CIRCUIT_OPEN: { status: 503 },
  CAPACITY_FULL: { status: 503 },
  RETRY_BUDGET_EXHAUSTED: { status: 503 },
  DEADLINE_EXCEEDED: { status: 503 },
  LIMITER_UNAVAILABLE: { status: 503 },
  IDEMPOTENCY_UNAVAILABLE: { status: 503 },
  CLOSED: { status: 503 },
  STORAGE_ERROR: { status: 503, message: 'Files are not available at the moment' },
  SERVICE_UNAVAILABLE: { status: 503, message: 'The service is not available at the moment' },
  TIMEOUT: { status: 504, message: 'A service that this one depends on took too long' },
});

/** The framework's codes under our names, so that they are answered from the same table. */
const frameworkCodes: Readonly<Record<string, string>> = Object.freeze({
  FST_ERR_CTP_INVALID_JSON_BODY: 'INVALID_JSON',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'INVALID_JSON',
  FST_ERR_CTP_BODY_TOO_LARGE: 'PAYLOAD_TOO_LARGE',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'UNSUPPORTED_MEDIA_TYPE',
  FST_ERR_MAX_PARAM_LENGTH: 'URI_TOO_LONG',
  FST_ERR_NOT_FOUND: 'NOT_FOUND',
  HPE_HEADER_OVERFLOW: 'HEADERS_TOO_LARGE',
  ERR_HTTP_REQUEST_TIMEOUT: 'REQUEST_TIMEOUT',
});

/** The codes that stand for a status, for errors of plugins that know only a status. */
const statusCodes: Readonly<Record<number, string>> = Object.freeze({
  404: 'NOT_FOUND',
  405: 'METHOD_NOT_ALLOWED',
  408: 'REQUEST_TIMEOUT',
  409: 'CONFLICT',
  413: 'PAYLOAD_TOO_LARGE',
  414: 'URI_TOO_LONG',
  415: 'UNSUPPORTED_MEDIA_TYPE',
  417: 'EXPECTATION_FAILED',
  429: 'LIMIT_EXCEEDED',
  431: 'HEADERS_TOO_LARGE',
  503: 'SERVICE_UNAVAILABLE',
});

/** An error's code and how it is answered. */
export interface ClassifiedError extends ErrorAnswer {
  readonly code: string;
}

/** Finds the answer to anything that was thrown: by its code, then by its family, and otherwise as an internal error. */
export function classifyError(error: unknown): ClassifiedError {
  if (error instanceof PlinthError) {
    const answer = errorStatuses[error.code] ?? familyOf(error);
    if (answer !== undefined) return { code: error.code, ...answer };
  } else if (error instanceof Error) {
    const { code, statusCode } = error as { code?: unknown; statusCode?: unknown };
    const known = typeof code === 'string' ? frameworkCodes[code] : undefined;
    if (known !== undefined) return byCode(known);
    if (typeof statusCode === 'number') {
      const named = statusCodes[statusCode];
      if (named !== undefined) return byCode(named);
      if (statusCode >= 400 && statusCode < 500) return byCode('BAD_REQUEST');
    }
  }
  return byCode('INTERNAL_ERROR');
}

/** The answer to a code of the table; an unknown one is an internal error. */
export function byCode(code: string): ClassifiedError {
  const answer = errorStatuses[code];
  return answer === undefined ? byCode('INTERNAL_ERROR') : { code, message: defaultMessages[code] ?? '', ...answer };
}

/** What stands in the place of an error's own message where there is no error of ours. */
const defaultMessages: Readonly<Record<string, string>> = Object.freeze({
  INVALID_ENCODING: 'The body is not UTF-8',
  INVALID_JSON: 'The body is not valid JSON',
  PAYLOAD_TOO_LARGE: 'The body is too large',
  UNSUPPORTED_MEDIA_TYPE: 'This media type is not supported: expected one such as application/json',
  NOT_FOUND: 'Resource not found',
  VERSION_CONFLICT: 'It was changed by somebody else',
  VALIDATION_ERROR: 'The request is understood, but its content is not acceptable',
  LIMIT_EXCEEDED: 'Too many requests',
});

function familyOf(error: PlinthError): ErrorAnswer | undefined {
  if (error instanceof RejectedError) return errorStatuses['CLOSED'];
  if (error instanceof TimeoutError) return errorStatuses['TIMEOUT'];
  if (error instanceof FailedError) return dependencyFailed;
  if (error instanceof ServiceError) return errorStatuses['SERVICE_ERROR'];
  return undefined;
}
