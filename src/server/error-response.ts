import { FailedError, PlinthError } from '../errors/index.ts';
import { byCode, classifyError } from './error-statuses.ts';

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

/** At most so many fields are named in a validation answer, so that a hostile body cannot blow it up. */
const maxFieldErrors = 100;

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
 * those of failed dependencies and unknown errors are replaced.
 */
export function toErrorResponse(error: unknown, requestId: string | undefined): ErrorResponse {
  const fieldErrors = validationErrors(error);
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
    details: forClient ? ours.details : {},
    requestId,
    // A refusal without a time of its own still tells a client to hold back.
    retryAfterMs: ours?.retryAfterMs ?? (status === 503 || status === 429 ? 1_000 : undefined),
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

/** What the framework's validation found, by field; undefined for every other error. */
function validationErrors(error: unknown): Record<string, string> | undefined {
  if (!(error instanceof Error)) return undefined;
  const { validation, validationContext } = error as { validation?: unknown; validationContext?: unknown };
  if (!Array.isArray(validation)) return undefined;
  const root = typeof validationContext === 'string' ? validationContext : 'body';
  const messages = new Map<string, string>();
  for (const issue of validation as readonly { instancePath?: unknown; message?: unknown }[]) {
    const field = fieldName(issue.instancePath) || root;
    const message = String(issue.message ?? 'Invalid value');
    const before = messages.get(field);
    if (before === undefined && messages.size >= maxFieldErrors) break;
    messages.set(field, before === undefined ? message : `${before}; ${message}`.slice(0, 500));
  }
  return Object.fromEntries(messages);
}

/** Turns the path `/address/city` into `address.city`. */
function fieldName(path: unknown): string {
  return typeof path === 'string' ? path.split('/').slice(1).join('.').slice(0, 200) : '';
}
