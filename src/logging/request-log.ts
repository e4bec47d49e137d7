import { emitAt } from './emit.ts';
import type { LogLevel } from './levels.ts';
import type { Logger } from './logger.ts';
import type { LogFields } from './records.ts';
import { getLogger } from './setup.ts';

/** One answered request. */
export interface RequestRecord {
  /** The correlation id, where the request context does not hold it. */
  readonly requestId?: string | undefined;
  /** Who asked, where the request context does not hold it. */
  readonly userId?: string | undefined;
  readonly method: string;
  /** Path or address; credentials in it are hidden. */
  readonly url: string;
  readonly statusCode: number;
  /** How long it took, in seconds, as logs and metrics have it. */
  readonly durationSeconds?: number | undefined;
  /** Further facts. */
  readonly fields?: LogFields | undefined;
}

/** How requests are logged. */
export interface LogRequestOptions {
  /** Time from which a request counts as slow and is logged as WARNING, in milliseconds. @default 1000 */
  readonly slowRequestMs?: number | undefined;
  /** The logger. @default the one named `api.request`, whose lines also go to api.log */
  readonly logger?: Logger | undefined;
}

/**
 * Logs an answered request: INFO, and WARNING when it was slow or failed on our side (status 500 and above).
 *
 * @example
 * logRequest({ requestId: 'req-123', method: 'POST', url: '/api/users', statusCode: 201, durationSeconds: 0.15, userId: 'user-123' });
 */
export function logRequest(record: RequestRecord, options: LogRequestOptions = {}): void {
  const { requestId, userId, method, url, statusCode, durationSeconds, fields } = record;
  const slow = durationSeconds !== undefined && durationSeconds * 1_000 >= (options.slowRequestMs ?? 1_000);
  const level = slow || statusCode >= 500 ? 'WARNING' : 'INFO';
  const message = slow ? 'Slow request' : 'Request completed';
  const facts = { method, url, status_code: statusCode, duration: durationSeconds, ...(slow ? { slow } : {}) };
  const logger = options.logger ?? getLogger('api.request');
  emitAt(logRequest, logger, level, message, { ...fields, ...facts, ...ids(requestId, userId) });
}

/** What is known about an error besides itself. */
export interface LogErrorOptions {
  /** What was being done, such as `{ operation: 'user_creation' }`. @default {} */
  readonly context?: LogFields | undefined;
  /** Who was being served, where the request context does not hold it. */
  readonly userId?: string | undefined;
  /** The logger. @default the one named `errors` */
  readonly logger?: Logger | undefined;
}

/**
 * Logs an error with its stack, its causes and what was being done.
 *
 * @example
 * logError(error, { context: { operation: 'user_creation' }, userId: 'user-123' });
 */
export function logError(error: unknown, options: LogErrorOptions = {}): void {
  const { context, userId, logger = getLogger('errors') } = options;
  const isError = error instanceof Error;
  const fields = {
    error_type: isError ? error.name : typeof error,
    error,
    ...(context === undefined ? {} : { context }),
  };
  emitAt(logError, logger, 'ERROR', isError ? error.message : String(error), { ...fields, ...ids(undefined, userId) });
}

/** Something that matters for security. */
export interface SecurityEvent {
  /** What happened, such as `login_failed`. */
  readonly event: string;
  /** @default WARNING */
  readonly level?: LogLevel | undefined;
  readonly userId?: string | undefined;
  /** Where the request came from. */
  readonly address?: string | undefined;
  /** Further facts. */
  readonly fields?: LogFields | undefined;
}

/**
 * Logs a security event under the logger `security`.
 *
 * @example
 * logSecurityEvent({ event: 'login_failed', userId: 'user-123', address: '192.0.2.7' });
 */
export function logSecurityEvent({ event, level = 'WARNING', userId, address, fields }: SecurityEvent): void {
  const facts = { ...fields, event, ...(address === undefined ? {} : { address }), ...ids(undefined, userId) };
  emitAt(logSecurityEvent, getLogger('security'), level, `Security event: ${event}`, facts);
}

/** Who did what to which thing. */
export interface AuditEntry {
  /** Who did it. */
  readonly actor: string;
  /** What was done, such as `flag.update`. */
  readonly action: string;
  /** What it was done to, such as `flag:new_dashboard`. */
  readonly target: string;
  /** @default success */
  readonly outcome?: 'success' | 'denied' | 'failure' | undefined;
  /** Why, in the actor's words. */
  readonly reason?: string | undefined;
  /** Further facts. */
  readonly fields?: LogFields | undefined;
}

/**
 * Logs one line of the audit trail under the logger `audit`.
 *
 * @example
 * logAudit({ actor: 'user-123', action: 'flag.update', target: 'flag:new_dashboard', reason: 'Roll-out' });
 */
export function logAudit({ actor, action, target, outcome = 'success', reason, fields }: AuditEntry): void {
  const facts = { ...fields, actor, action, target, outcome, ...(reason === undefined ? {} : { reason }) };
  emitAt(logAudit, getLogger('audit'), 'INFO', `${action} ${target}`, facts);
}

function ids(requestId: string | undefined, userId: string | undefined): LogFields {
  return {
    ...(requestId === undefined ? {} : { request_id: requestId }),
    ...(userId === undefined ? {} : { user_id: userId }),
  };
}
