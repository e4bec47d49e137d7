import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Ids } from '../kernel/index.ts';
import { createErrorResponse, type ErrorResponse, serializeErrorBody, toErrorResponse } from './error-response.ts';
import { byCode } from './error-statuses.ts';
import type { ServerLogger } from './request-lifecycle.ts';
import { securityHeaders } from './security-headers.ts';

/** What goes wrong on a connection, below the framework. */
export interface ConnectionErrorOptions {
  readonly ids: Ids;
  readonly logger: ServerLogger;
}

/**
 * Answers what is no HTTP request at all, or did not arrive in time, and closes the connection.
 *
 * @example
 * const app = fastify({ clientErrorHandler: clientErrorHandler({ ids, logger }) });
 */
export function clientErrorHandler(
  options: ConnectionErrorOptions,
): (error: NodeJS.ErrnoException, socket: Socket) => void {
  return (error, socket) => {
    // Node's own record of the answer under way; writing into it would corrupt it.
    const { _httpMessage: underWay } = socket as { _httpMessage?: { headersSent?: boolean } | null };
    if (error.code === 'ECONNRESET' || !socket.writable || underWay?.headersSent) {
      socket.destroy();
      return;
    }
    const response = answer(error, options.ids.next());
    const code = response.body.error_code;
    options.logger.debug(`Request failed: ${code}`, {
      error_code: code,
      status_code: response.status,
      cause: error.code,
    });
    socket.end(serialize(response));
    // The rest of what the client sends is not read, so that it cannot keep the connection open.
    socket.destroySoon();
  };
}

/** Answers an `Expect` header that is not `100-continue`, which Node would answer without a body. */
export function answerExpectations(server: Server, options: ConnectionErrorOptions): void {
  server.on('checkExpectation', (_request: IncomingMessage, response: ServerResponse) => {
    const { status, headers, body } = fromCode('EXPECTATION_FAILED', options.ids.next());
    const text = serializeErrorBody(body);
    response.writeHead(status, {
      ...securityHeaders,
      ...headers,
      connection: 'close',
      'content-length': Buffer.byteLength(text),
    });
    response.end(text);
  });
}

function answer(error: NodeJS.ErrnoException, requestId: string): ErrorResponse {
  const response = toErrorResponse(error, requestId);
  return response.status >= 500 ? fromCode('BAD_REQUEST', requestId) : response;
}

function fromCode(code: string, requestId: string): ErrorResponse {
  const { status, message = '' } = byCode(code);
  return createErrorResponse({ message, errorCode: code, statusCode: status, requestId });
}

function serialize({ status, headers, body }: ErrorResponse): string {
  const text = serializeErrorBody(body);
  const all = {
    ...securityHeaders,
    ...headers,
    connection: 'close',
    'content-length': String(Buffer.byteLength(text)),
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('')}\r\n${text}`;
}
