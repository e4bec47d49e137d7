import type { FastifyInstance, FastifyReply, FastifyRequest, FastifyServerOptions } from 'fastify';
import { ArgumentError } from '../errors/index.ts';
import { HealthRegistry } from '../health/index.ts';
import { Events, type Ids, systemClock, systemIds, systemRandom } from '../kernel/index.ts';
import { setBodyParsers } from './body-parsers.ts';
import { answerExpectations, clientErrorHandler } from './connection-errors.ts';
import { sendErrorResponse, setupErrorHandlers } from './error-handlers.ts';
import { createErrorResponse, toErrorResponse } from './error-response.ts';
import { byCode } from './error-statuses.ts';
import type { ServerEvents } from './events.ts';
import { loadPeers } from './load-peers.ts';
import { OpenConnections } from './open-connections.ts';
import { describeApi } from './openapi.ts';
import { addDocumentation, addHealthRoutes, addMetricsRoute } from './operations.ts';
import type { ServerOptions } from './options.ts';
import { acceptRequestId } from './request-id.ts';
import { RequestLifecycle, type ServerLogger } from './request-lifecycle.ts';
import { inScope } from './request-scope.ts';
import { syntaxProblem } from './request-syntax.ts';
import { RouteTable } from './route-table.ts';
import { Server, type ServerApp } from './server.ts';
import { setSurroundings } from './surroundings.ts';

const nothing = (): void => {};
const silent: ServerLogger = Object.freeze({ debug: nothing, info: nothing, warning: nothing, error: nothing });

/**
 * Makes a server with request context, access log, error answers, health, metrics and OpenAPI. Loads Fastify and its
 * plugins, optional packages, at this moment.
 *
 * @throws {ConfigurationError} when one of the packages is not installed.
 * @throws {ArgumentError} when an option is unusable.
 * @example
 * const server = await createServer({ name: 'Shop', logger: getLogger('server'), health, metrics });
 * await server.register(orderRoutes);
 * await server.listen({ port: 8_000 });
 */
export async function createServer(options: ServerOptions = {}): Promise<Server> {
  const { apiPrefix = '/api/v1', docsUrl = '/docs', clock = systemClock, ids = systemIds, logger = silent } = options;
  const { random = systemRandom, slowRequestMs = 1_000, drainTimeoutMs = 10_000, readyOffDelayMs = 0 } = options;
  validate(options, apiPrefix, docsUrl);
  const peers = await loadPeers();
  const health = options.health ?? new HealthRegistry({ clock });
  const events = new Events<ServerEvents>();
  const table = new RouteTable();
  const closing = new AbortController();
  const lifecycle = new RequestLifecycle({ clock, random, logger, events, slowRequestMs });

  const app: FastifyInstance = peers.fastify(frameworkOptions(options, ids, logger, lifecycle));
  answerExpectations(app.server, { ids, logger });
  setSurroundings(app, { clock, closing: closing.signal });
  app.setValidatorCompiler(peers.zodProvider.validatorCompiler);
  app.setSerializerCompiler(peers.zodProvider.serializerCompiler);
  setBodyParsers(app);
  addRequestHooks(app, lifecycle, table, docsUrl);
  setupErrorHandlers(app, { logger, methodsOf: path => table.methodsOf(path) });

  await describeApi(app, peers, { name: options.name ?? 'Plinth service', version: options.version ?? '0.0.0' });
  addHealthRoutes(app, health);
  if (options.metrics !== undefined) {
    options.metrics.observeRequests(events);
    addMetricsRoute(app, options.metrics);
  }
  await addDocumentation(app, docsUrl);
  return new Server({
    app: app.withTypeProvider() as ServerApp,
    apiPrefix,
    table,
    lifecycle,
    connections: new OpenConnections(app.server),
    events,
    closing,
    health,
    clock,
    drainTimeoutMs,
    readyOffDelayMs,
  });
}

function frameworkOptions(
  options: ServerOptions,
  ids: Ids,
  logger: ServerLogger,
  lifecycle: RequestLifecycle,
): FastifyServerOptions {
  const { timeouts = {}, trustProxy = false } = options;
  return {
    logger: false,
    requestIdHeader: false,
    genReqId: request => acceptRequestId(request.headers['x-request-id']) ?? ids.next(),
    bodyLimit: options.bodyLimitBytes ?? 1_048_576,
    requestTimeout: timeouts.requestTimeoutMs ?? 30_000,
    keepAliveTimeout: timeouts.keepAliveTimeoutMs ?? 72_000,
    trustProxy: typeof trustProxy === 'object' ? [...trustProxy] : trustProxy,
    // While the server drains, requests on open connections are still answered; new connections are not accepted.
    return503OnClosing: false,
    http: {
      headersTimeout: timeouts.headersTimeoutMs ?? 10_000,
      connectionsCheckingInterval: timeouts.connectionsCheckingIntervalMs ?? 1_000,
      // Looked at by our own hook, which can answer with a body.
      requireHostHeader: false,
    },
    clientErrorHandler: clientErrorHandler({ ids, logger }),
    // Called in place of all hooks, before there is a route.
    frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) => {
      lifecycle.begin(request, reply);
      sendErrorResponse(reply, toErrorResponse(error, request.id));
    },
  } as FastifyServerOptions;
}

function addRequestHooks(
  app: FastifyInstance,
  lifecycle: RequestLifecycle,
  table: RouteTable,
  docsUrl: string | false,
): void {
  app.addHook('onRoute', route => {
    // The documentation's own routes are its plugin's and have no summary.
    const documented =
      route.url === docsUrl ? { ...route, schema: { summary: 'This API, to read and to try' } } : route;
    table.add(documented, docsUrl !== false && route.url.startsWith(`${docsUrl}/`));
    const { handler } = route;
    // A hook that waits leaves the context behind, so the handler enters it anew.
    route.handler = function handle(request, reply) {
      return inScope(request, () => handler.call(this, request, reply));
    };
  });
  app.addHook('onRequest', (request, reply, done) => {
    lifecycle.begin(request, reply);
    const problem = syntaxProblem(request.raw);
    if (problem === undefined) return inScope(request, done);
    const { status } = byCode('BAD_REQUEST');
    reply.header('connection', 'close');
    const requestId = request.id;
    sendErrorResponse(
      reply,
      createErrorResponse({ message: problem, errorCode: 'BAD_REQUEST', statusCode: status, requestId }),
    );
  });
}

function validate(options: ServerOptions, apiPrefix: string, docsUrl: string | false): void {
  const pathPattern = /^(?:\/[A-Za-z0-9._~-]+)+$/;
  for (const [argument, path] of Object.entries({ apiPrefix, docsUrl })) {
    const usable = path === false || pathPattern.test(path) || (argument === 'apiPrefix' && path === '');
    if (!usable) {
      throw new ArgumentError(
        `Cannot make a server with ${argument} "${path}": expected a path such as /api/v1, without a slash at the end`,
        argument,
      );
    }
  }
  const { bodyLimitBytes, drainTimeoutMs, readyOffDelayMs, slowRequestMs, timeouts = {} } = options;
  for (const [argument, value] of Object.entries({
    bodyLimitBytes,
    drainTimeoutMs,
    readyOffDelayMs,
    slowRequestMs,
    ...timeouts,
  })) {
    if (value === undefined || (Number.isFinite(value) && value >= 0)) continue;
    throw new ArgumentError(`Cannot make a server with ${argument} ${value}: expected a number of 0 or more`, argument);
  }
}
