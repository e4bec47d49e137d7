import { Agent, type Dispatcher } from 'undici';
import { ArgumentError, RejectedError } from '../errors/index.ts';
import { type Connections, HttpClient, type HttpClientOptions } from './http-client.ts';

/** The numbers of a {@link ConnectionPool}. */
export interface ConnectionPoolOptions {
  /** How many connections to one origin may be open at once. @default 100 */
  readonly maxConnections?: number | undefined;
  /** How long an unused connection is kept, in milliseconds. @default 30_000 */
  readonly keepAliveMs?: number | undefined;
  /** How long connecting may take, in milliseconds. @default 5_000 */
  readonly connectTimeoutMs?: number | undefined;
  /** How long the other side may be silent within an answer, in milliseconds. @default 30_000 */
  readonly idleTimeoutMs?: number | undefined;
}

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
 */
export class ConnectionPool implements Connections {
  readonly #agent: Agent;
  readonly #origins = new Map<string, { requests: number; active: number }>();
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
      connect: { timeout: connectTimeoutMs },
    });
  }

  /** A client of one origin that uses these connections. The pool outlives the client. */
  client(options: Omit<HttpClientOptions, 'pool'>): HttpClient {
    return new HttpClient({ ...options, pool: this });
  }

  /** Sends one request as it is: no policies, no mapping of errors. Clients use it; so may you, with care. */
  async request(origin: string, options: Omit<Dispatcher.RequestOptions, 'origin'>): Promise<Dispatcher.ResponseData> {
    if (this.#closing !== undefined) throw new RejectedError('The connection pool is closed', 'closed');
    const stats = this.#origins.get(origin) ?? { requests: 0, active: 0 };
    this.#origins.set(origin, stats);
    stats.requests += 1;
    stats.active += 1;
    try {
      return await this.#agent.request({ ...options, origin });
    } finally {
      stats.active -= 1;
    }
  }

  /** What has gone to each origin. */
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
