import type {
  FastifyBaseLogger,
  FastifyInstance,
  FastifyPluginAsync,
  FastifyPluginOptions,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { ConfigurationError } from '../errors/index.ts';
import type { Clock, EventSource, Events } from '../kernel/index.ts';
import type { ServerEvents } from './events.ts';
import type { OpenConnections } from './open-connections.ts';
import type { ListenOptions, ServerAddress, ServerHealth } from './options.ts';
import type { RequestLifecycle } from './request-lifecycle.ts';
import type { RouteEntry, RouteTable } from './route-table.ts';

/** Fastify with zod as its schema language: schemas of routes give the types of their handlers. */
export type ServerApp = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression<RawServerDefault>,
  RawReplyDefaultExpression<RawServerDefault>,
  FastifyBaseLogger,
  ZodTypeProvider
>;

/** A group of routes. */
export type ServerRoutes = FastifyPluginAsync<FastifyPluginOptions, RawServerDefault, ZodTypeProvider>;

/** What a {@link Server} is put together from. */
export interface ServerParts {
  readonly app: ServerApp;
  readonly apiPrefix: string;
  readonly table: RouteTable;
  readonly lifecycle: RequestLifecycle;
  readonly connections: OpenConnections;
  readonly events: Events<ServerEvents>;
  readonly closing: AbortController;
  readonly health: ServerHealth;
  readonly clock: Clock;
  readonly drainTimeoutMs: number;
  readonly readyOffDelayMs: number;
}

/**
 * The HTTP edge of a service. Made by {@link createServer}.
 *
 * @example
 * await using server = await createServer({ name: 'Shop' });
 * await server.register(async api => {
 *   api.get('/hello', { schema: { summary: 'Greets' } }, async () => ({ message: 'Hello World' }));
 * });
 * const { url } = await server.listen({ port: 0 });
 * await fetch(`${url}/api/v1/hello`);
 */
export class Server implements AsyncDisposable {
  /** The framework's app, for routes outside the API's prefix. */
  readonly app: ServerApp;
  readonly #parts: ServerParts;
  #closed: Promise<void> | undefined;

  constructor(parts: ServerParts) {
    this.app = parts.app;
    this.#parts = parts;
  }

  /** Tells of answered requests and of the end. */
  get events(): EventSource<ServerEvents> {
    return this.#parts.events;
  }

  /** How many requests are being answered. */
  get activeRequests(): number {
    return this.#parts.lifecycle.activeRequests;
  }

  /**
   * Adds routes below the API's prefix.
   *
   * @example
   * await server.register(async api => {
   *   api.get('/users/:id', { schema: { params: z.object({ id: z.string() }) } }, async request => find(request.params.id));
   * });
   */
  async register(routes: ServerRoutes): Promise<void> {
    await this.app.register(routes, { prefix: this.#parts.apiPrefix });
  }

  /** Every route with its final path. */
  routes(): readonly RouteEntry[] {
    return this.#parts.table.entries();
  }

  /** The API as an OpenAPI 3.1 document. */
  async openapi(): Promise<object> {
    await this.app.ready();
    return this.app.swagger();
  }

  /**
   * Accepts connections.
   *
   * @throws {ConfigurationError} when the address is taken or may not be used.
   */
  async listen(options: ListenOptions = {}): Promise<ServerAddress> {
    const { port = 8_000, host = '127.0.0.1' } = options;
    try {
      // The framework binds the name to two addresses and lets the second one go its own way at the end.
      await this.app.listen({ port, host: host === 'localhost' ? '127.0.0.1' : host });
    } catch (error) {
      throw listenProblem(error, host, port);
    }
    const bound = this.app.server.address();
    const boundPort = typeof bound === 'object' && bound !== null ? bound.port : port;
    return { host, port: boundPort, url: `http://${host.includes(':') ? `[${host}]` : host}:${boundPort}` };
  }

  /**
   * Ends in good order: says that it is not ready, stops accepting, ends streams, lets requests finish for
   * `drainTimeoutMs`, cuts off the rest. Does it once, however often it is called.
   */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    const { app, clock, closing, connections, drainTimeoutMs, events, health, lifecycle, readyOffDelayMs } =
      this.#parts;
    const startedAtMs = clock.monotonic();
    health.setAccepting(false);
    if (readyOffDelayMs > 0) await clock.sleep(readyOffDelayMs);
    events.emit('drain-started', { activeRequests: lifecycle.activeRequests });
    const drained = connections.drain(lifecycle.drain());
    closing.abort(new DOMException('The server is closing', 'AbortError'));
    let abandonedRequests = 0;
    const timer = clock.setTimer(
      drainTimeoutMs,
      () => {
        abandonedRequests = lifecycle.activeRequests;
        connections.destroy();
      },
      { keepsProcessAlive: true },
    );
    await drained;
    timer.cancel();
    await app.close();
    events.emit('closed', { durationMs: clock.monotonic() - startedAtMs, abandonedRequests });
  }
}

function listenProblem(error: unknown, host: string, port: number): unknown {
  const { code } = error as NodeJS.ErrnoException;
  const message =
    code === 'EADDRINUSE'
      ? `${host}:${port} is in use by another process. End that one, or choose another port`
      : code === 'EACCES'
        ? `Not allowed to listen at ${host}:${port}. Choose a port of 1024 or above`
        : code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND'
          ? `${host} is not an address of this machine. Use 127.0.0.1 or 0.0.0.0`
          : undefined;
  if (message === undefined) return error;
  return new ConfigurationError('Cannot start the server', [{ name: 'port', message }], { cause: error });
}
