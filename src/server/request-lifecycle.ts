import type { Socket } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type RequestContext, readPropagation, runWithRequestContext } from '../context/index.ts';
import type { Clock, Events, Random } from '../kernel/index.ts';
import type { Logger } from '../logging/index.ts';
import type { ServerEvents } from './events.ts';
import { openScope, type RequestScope } from './request-scope.ts';
import { securityHeaders } from './security-headers.ts';
import { newTraceparent, parseTraceparent } from './traceparent.ts';

/** What the server needs of a logger. */
export type ServerLogger = Pick<Logger, 'debug' | 'info' | 'warning' | 'error'>;

/** What a {@link RequestLifecycle} works with. */
export interface RequestLifecycleOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: ServerLogger;
  readonly events: Events<ServerEvents>;
  readonly slowRequestMs: number;
}

/** What happens at the beginning and at the end of every request, whichever way it goes in between. */
export class RequestLifecycle {
  readonly #options: RequestLifecycleOptions;
  readonly #active = new Set<FastifyReply['raw']>();
  #draining = false;

  constructor(options: RequestLifecycleOptions) {
    this.#options = options;
  }

  /** How many requests are being answered. */
  get activeRequests(): number {
    return this.#active.size;
  }

  /** Opens the request's scope, sets the headers that every answer has, and logs the start. */
  begin(request: FastifyRequest, reply: FastifyReply): RequestContext {
    const { clock, random, logger } = this.#options;
    const inbound = request.raw.headers['traceparent'];
    const traceparent = parseTraceparent(inbound) === undefined ? newTraceparent(random) : (inbound as string);
    // Named although empty: the context in which the server was made must not shine through.
    const caller = readPropagation(request.raw.headers, clock.monotonic());
    const context = Object.freeze({ requestId: request.id, traceparent, userId: undefined, ...caller });
    const path = pathOf(request.url);
    const scope: RequestScope = {
      context,
      startedAtMs: clock.monotonic(),
      path,
      quiet: isQuiet(path),
      streaming: false,
    };
    openScope(request, scope);
    reply.headers(securityHeaders);
    reply.header('x-request-id', request.id);
    if (this.#draining) {
      reply.header('connection', 'close');
      // While the server ends, silent connections are closed; this one is not silent but busy.
      request.raw.socket.setTimeout(0);
    }
    this.#active.add(reply.raw);
    reply.raw.once('close', () => this.#end(request, reply, scope));
    runWithRequestContext(context, () => {
      const { method } = request;
      logger[scope.quiet ? 'debug' : 'info'](`Request started: ${method} ${path}`, { method, path });
    });
    return context;
  }

  /** From now on every answer closes its connection. @returns the connections on which one is being made. */
  drain(): ReadonlySet<Socket> {
    this.#draining = true;
    const busy = new Set<Socket>();
    for (const response of this.#active) {
      if (!response.headersSent) response.setHeader('connection', 'close');
      if (response.socket !== null) busy.add(response.socket);
    }
    return busy;
  }

  #end(request: FastifyRequest, reply: FastifyReply, scope: RequestScope): void {
    const { clock, logger, events, slowRequestMs } = this.#options;
    this.#active.delete(reply.raw);
    const { method, id: requestId } = request;
    const { path, streaming } = scope;
    const durationMs = clock.monotonic() - scope.startedAtMs;
    const answered = reply.raw.writableEnded || (streaming && reply.raw.headersSent);
    const status = answered ? reply.raw.statusCode : 0;
    const slow = !streaming && durationMs >= slowRequestMs;
    runWithRequestContext(scope.context, () => {
      const level = slow ? 'warning' : scope.quiet ? 'debug' : 'info';
      const duration = Math.round(durationMs * 1_000) / 1_000_000;
      const fields = { method, path, duration, ...(answered && { status_code: status }), ...(slow && { slow }) };
      logger[level](answered ? `Request completed: ${status}` : `Request aborted: ${method} ${path}`, fields);
    });
    if (events.has('request-completed')) {
      const endpoint = request.routeOptions.url ?? 'unmatched';
      const startedAt = clock.now() - durationMs;
      const { limits, error } = scope;
      events.emit('request-completed', {
        requestId,
        method,
        endpoint,
        path,
        startedAt,
        status,
        durationMs,
        slow,
        ...(limits && { limits }),
        ...(error && { error }),
      });
    }
  }
}

/** The path without its query, short enough for a log line. */
function pathOf(url: string): string {
  const end = url.search(/[?#]/);
  const path = end === -1 ? url : url.slice(0, end);
  return path.length > 500 ? `${path.slice(0, 500)}…` : path;
}

function isQuiet(path: string): boolean {
  return path === '/metrics' || path.startsWith('/health/');
}
