import { Agent, type Dispatcher } from 'undici';
import { ArgumentError, RejectedError } from '../errors/index.ts';
import { CountedHandler, type OriginCounts } from './counted-handler.ts';
import { type DestinationOptions, Destinations } from './destinations.ts';
import { type Connections, HttpClient, type HttpClientOptions } from './http-client.ts';

/** The numbers of a {@link ConnectionPool}, and where its connections may go. */
export interface ConnectionPoolOptions extends DestinationOptions {
  /** How many connections to one origin may be open at once. @default 100 */
  readonly maxConnections?: number | undefined;
  /** How long an unused connection is kept, in milliseconds. @default 30_000 */
  readonly keepAliveMs?: number | undefined;
  /** How long connecting may take, in milliseconds. @default 5_000 */
  readonly connectTimeoutMs?: number | undefined;
  /** How long the other side may be silent within an answer, in milliseconds. @default 30_000 */
  readonly idleTimeoutMs?: number | undefined;
}

/** How many origins are counted. */
const maxCountedOrigins = 1_000;

/** Connections to one origin. */
export interface OriginStats {
  readonly origin: string;
  /** Requests sent to this origin since the pool was made. */
  readonly requests: number;
  /** Requests under way. */
  readonly active: number;
}

/**
 * The connections of a process to HTTP servers, kept and used again. One pool serves any number of origins and clients.
 *
 * @example
 * await using pool = new ConnectionPool({ maxConnections: 20 });
 * const client = pool.client({ baseUrl: 'https://api.example.com' });
 *
 * @example
 * // For addresses that users give: nothing inside the network can be reached through it.
 * await using pool = new ConnectionPool({ publicOnly: true, allowedPorts: [80, 443] });
 * await fetch(address, { dispatcher: pool.dispatcher });
 */
export class ConnectionPool implements Connections {
  readonly #agent: Agent;
  readonly #origins = new Map<string, OriginCounts>();
  #dispatcher: Dispatcher | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: ConnectionPoolOptions = {}) {
    const { maxConnections = 100, keepAliveMs = 30_000, connectTimeoutMs = 5_000, idleTimeoutMs = 30_000 } = options;
    for (const [name, value] of Object.entries({ maxConnections, keepAliveMs, connectTimeoutMs, idleTimeoutMs })) {
      if (!Number.isFinite(value) || value <= 0) {
        throw new ArgumentError(`Cannot use ${name}: expected a number above 0, got ${value}`, name);
      }
    }
    this.#agent = new Agent({
      connections: maxConnections,
      keepAliveTimeout: keepAliveMs,
      keepAliveMaxTimeout: keepAliveMs,
      headersTimeout: idleTimeoutMs,
      bodyTimeout: idleTimeoutMs,
      connect: new Destinations(options).connector(connectTimeoutMs),
    });
  }

  /** A client of one origin that uses these connections. The pool outlives the client. */
  client(options: Omit<HttpClientOptions, 'pool'>): HttpClient {
    return new HttpClient({ ...options, pool: this });
  }

  /** Sends one request as it is: no policies, no mapping of errors. Clients use it; so may you, with care. */
  async request(origin: string, options: Omit<Dispatcher.RequestOptions, 'origin'>): Promise<Dispatcher.ResponseData> {
    if (this.#closing !== undefined) throw closedError();
    const stats = this.#begin(origin);
    try {
      return await this.#agent.request({ ...options, origin });
    } finally {
      stats.active -= 1;
    }
  }

  /**
   * The same connections, rules and counts as a dispatcher of undici, for `fetch` and for clients of others: no policies
   * and no mapping of errors, which {@link guardedDispatcher} adds.
   */
  get dispatcher(): Dispatcher {
    this.#dispatcher ??= this.#agent.compose(
      dispatch => (options, handler) => this.#dispatch(dispatch, options, handler),
    );
    return this.#dispatcher;
  }

  #dispatch(
    dispatch: Dispatcher.Dispatch,
    options: Dispatcher.DispatchOptions,
    handler: Dispatcher.DispatchHandler,
  ): boolean {
    if (this.#closing !== undefined) throw closedError();
    const origin = options.origin instanceof URL ? options.origin.origin : String(options.origin);
    return dispatch(options, new CountedHandler(handler, this.#begin(origin)));
  }

  #begin(origin: string): OriginCounts {
    let counts = this.#origins.get(origin);
    if (counts === undefined) {
      if (this.#origins.size >= maxCountedOrigins) this.#forgetOne();
      counts = { requests: 0, active: 0 };
      this.#origins.set(origin, counts);
    }
    counts.requests += 1;
    counts.active += 1;
    return counts;
  }

  /** Users may name any number of origins: the oldest one without a request under way is counted no longer. */
  #forgetOne(): void {
    for (const [origin, { active }] of this.#origins) {
      if (active === 0) return void this.#origins.delete(origin);
    }
  }

  /** What has gone to each origin; of 1,000 origins at most. */
  stats(): readonly OriginStats[] {
    return [...this.#origins].map(([origin, { requests, active }]) => ({ origin, requests, active }));
  }

  /** Waits for the requests under way, then closes every connection. */
  close(): Promise<void> {
    this.#closing ??= this.#agent.close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function closedError(): RejectedError {
  return new RejectedError('The connection pool is closed', 'closed');
}
