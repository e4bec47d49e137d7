import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { FailedError, ServiceError } from '../errors/index.ts';
import { createErrorResponse, type ErrorResponse, serializeErrorBody, toErrorResponse } from './error-response.ts';
import { byCode } from './error-statuses.ts';
import type { ServerLogger } from './request-lifecycle.ts';
import { inScope, scopeOf } from './request-scope.ts';

/** What {@link setupErrorHandlers} may be told. */
export interface ErrorHandlersOptions {
  /** Where errors are written. @default nowhere */
  readonly logger?: ServerLogger | undefined;
  /** The methods that a path is answered to, which make an unknown route a wrong method. @default none */
  readonly methodsOf?: ((path: string) => readonly string[]) | undefined;
}

/** The part of a Fastify instance that {@link setupErrorHandlers} needs. */
export type ErrorHandlingApp = Pick<FastifyInstance, 'setErrorHandler' | 'setNotFoundHandler'>;

/**
 * Makes every error of an app an answer of one shape: whatever a handler throws, invalid input, unknown routes, wrong
 * methods. What the client must not see goes to the log only.
 *
 * @example
 * const app = fastify();
 * setupErrorHandlers(app, { logger: getLogger('server') });
 */
export function setupErrorHandlers(app: ErrorHandlingApp, options: ErrorHandlersOptions = {}): void {
  const { logger, methodsOf } = options;
  app.setErrorHandler((error, request, reply) =>
    inScope(request, () => {
      const response = toErrorResponse(explained(error, request), request.id, request.routeOptions.schema);
      if (logger !== undefined) logFailure(logger, error, response);
      return sendErrorResponse(reply, response);
    }),
  );
  app.setNotFoundHandler((request, reply) => {
    const methods = methodsOf?.(request.url.split('?', 1)[0] as string) ?? [];
    if (methods.length > 0) reply.header('allow', methods.join(', '));
    return sendErrorResponse(reply, plainResponse(methods.length > 0 ? 'METHOD_NOT_ALLOWED' : 'NOT_FOUND', request));
  });
}

/** The framework's error with what it knows and does not say: how much would have been read. */
function explained(error: unknown, { routeOptions }: FastifyRequest): unknown {
  if (!(error instanceof Error) || (error as { code?: unknown }).code !== 'FST_ERR_CTP_BODY_TOO_LARGE') return error;
  const { bodyLimit } = routeOptions;
  const message = `The body is larger than ${bodyLimit} bytes, the most that is taken here: send less at once`;
  return new ServiceError(message, 'PAYLOAD_TOO_LARGE', { cause: error, details: { limit_bytes: bodyLimit } });
}

/** Sends an error answer. As text, because a route's schema of success must not reshape it. */
export function sendErrorResponse(reply: FastifyReply, response: ErrorResponse): FastifyReply {
  const scope = scopeOf(reply.request);
  if (scope !== undefined) scope.error = { code: response.body.error_code, message: response.body.error };
  return reply.code(response.status).headers(response.headers).send(serializeErrorBody(response.body));
}

/** The answer to a code of the table, where no error was thrown. */
export function plainResponse(code: string, request: Pick<FastifyRequest, 'id'>): ErrorResponse {
  const { status, message = '' } = byCode(code);
  return createErrorResponse({ message, errorCode: code, statusCode: status, requestId: request.id });
}

/** A bug or a failed dependency is an error, a refusal of ours a warning, a client's mistake no more than a detail. */
function logFailure(logger: ServerLogger, error: unknown, { status, body }: ErrorResponse): void {
  const fields = { error, error_code: body.error_code, status_code: status };
  const isOurFault = status >= 500 && status !== 503;
  // The client may have sent the value that the database refused, or the program has made it.
  const isWarning = status === 503 || status === 429 || error instanceof FailedError;
  const level = isOurFault ? 'error' : isWarning ? 'warning' : 'debug';
  logger[level](`Request failed: ${body.error_code}`, fields);
}
