import { FailedError, PlinthError, ValidationError } from '../errors/index.ts';
import { byCode, classifyError } from './error-statuses.ts';
import { boundedFieldErrors, fieldErrorsOf } from './field-errors.ts';

/** The body of every error answer. */
export interface ErrorBody {
  readonly success: false;
  /** What went wrong, for people. */
  readonly error: string;
  /** What went wrong, for programs: stable. */
  readonly error_code: string;
  /** Facts: the id of the request, and what the error knows. */
  readonly details: Readonly<Record<string, unknown>>;
}

/** An error answer, ready to be sent. */
export interface ErrorResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: ErrorBody;
}

/** What an error answer says. */
export interface ErrorResponseOptions {
  /** For people. It reaches the client: no secrets, no SQL, no paths. */
  readonly message: string;
  /** For programs, such as `NOT_FOUND`. */
  readonly errorCode: string;
  /** The HTTP status. @default 500 */
  readonly statusCode?: number | undefined;
  /** Facts for the client. @default {} */
  readonly details?: Readonly<Record<string, unknown>> | undefined;
  /** The id of the request, which goes into the details. @default none */
  readonly requestId?: string | undefined;
  /** How long the client should wait before it asks again, in milliseconds. @default none */
  readonly retryAfterMs?: number | undefined;
}

/**
 * Makes an error answer in the one shape that all of them have.
 *
 * @example
 * createErrorResponse({
 *   message: 'Resource not found',
 *   errorCode: 'NOT_FOUND',
 *   statusCode: 404,
 *   details: { resource_type: 'User', resource_id: 'user-456' },
 * });
 */
export function createErrorResponse(options: ErrorResponseOptions): ErrorResponse {
  const { message, errorCode, statusCode = 500, details, requestId, retryAfterMs } = options;
  return {
    status: statusCode,
    headers: {
      'content-type': 'application/json; charset=utf-8',
      'cache-control': 'no-store',
      ...(retryAfterMs === undefined ? {} : { 'retry-after': String(Math.max(1, Math.ceil(retryAfterMs / 1_000))) }),
    },
    body: {
      success: false,
      error: message,
      error_code: errorCode,
      details: { ...(requestId === undefined ? {} : { request_id: requestId }), ...details },
    },
  };
}

/**
 * Makes the answer to anything that was thrown. Only messages and details that were written for the client reach it:
 * those of failed dependencies and unknown errors are replaced. With the schemas of the route, a name that it does not know is
 * answered with those that it does.
 */
export function toErrorResponse(error: unknown, requestId: string | undefined, schemas: object = {}): ErrorResponse {
  const fieldErrors = fieldErrorsOf(error, schemas);
  if (fieldErrors !== undefined) {
    return createErrorResponse({
      message: 'The request is not valid',
      errorCode: 'VALIDATION_ERROR',
      statusCode: 422,
      details: { field_errors: fieldErrors },
      requestId,
    });
  }
  const { code, status, message } = classifyError(error);
  const ours = error instanceof PlinthError ? error : undefined;
  const forClient = ours !== undefined && message === undefined && !(ours instanceof FailedError);
  return createErrorResponse({
    message: message ?? (forClient ? ours.message : (byCode('DEPENDENCY_FAILED').message ?? '')),
    errorCode: code,
    statusCode: status,
    details: forClient ? detailsOf(ours) : {},
    requestId,
    retryAfterMs: ours?.retryAfterMs ?? (mayComeAgain(error, status) ? 1_000 : undefined),
  });
}

/** The body as text. Facts that cannot be written as JSON are left out rather than failing the answer. */
export function serializeErrorBody(body: ErrorBody): string {
  try {
    return JSON.stringify(body);
  } catch {
    const { request_id } = body.details as { request_id?: unknown };
    return JSON.stringify({ ...body, details: request_id === undefined ? {} : { request_id } });
  }
}

function detailsOf(error: PlinthError): Readonly<Record<string, unknown>> {
  if (!(error instanceof ValidationError)) return error.details;
  return { ...error.details, field_errors: boundedFieldErrors(Object.entries(error.fieldErrors)) };
}

/** A refusal without a time of its own still tells a client to hold back, unless sending it again may do it twice. */
function mayComeAgain(error: unknown, status: number): boolean {
  return (status === 503 || status === 429) && (!(error instanceof FailedError) || error.retryable);
}
