import { Agent, type Dispatcher, Pool } from 'undici';
import { ArgumentError, RejectedError } from '../errors/index.ts';
import { type Clock, requireInteger, systemClock } from '../kernel/index.ts';
import { CountedHandler, type OriginCounts } from './counted-handler.ts';
import { type DestinationOptions, Destinations } from './destinations.ts';
import { transportError } from './failures.ts';
import { type Connections, HttpClient, type HttpClientOptions, type SentRequest } from './http-client.ts';
import { pinnedConnector } from './pinned-connector.ts';
import { requireTls, type TlsOptions } from './tls-options.ts';
import { WarmConnections } from './warm-connections.ts';

/** The numbers of a {@link ConnectionPool}, and where its connections may go. */
export interface ConnectionPoolOptions extends DestinationOptions {
  /** How many connections to one origin may be open at once. @default 100 */
  readonly maxConnections?: number | undefined;
  /** How long an unused connection is kept, in milliseconds. @default 30_000 */
  readonly keepAliveMs?: number | undefined;
  /** How long connecting may take, in milliseconds. @default 5_000 */
  readonly connectTimeoutMs?: number | undefined;
  /**
   * How long the other side may be silent before and within an answer, in milliseconds. @default 30_000, and what a guard
   * ends by its deadline, as long as the guard allows
   */
  readonly idleTimeoutMs?: number | undefined;
  /** How TLS is spoken. @default the platform's issuers, TLS 1.2 or newer */
  readonly tls?: TlsOptions | undefined;
  /** @default systemClock */
  readonly clock?: Clock | undefined;
}

/** How far {@link ConnectionPool.warmUp} goes. */
export interface WarmUpOptions {
  /** How many connections are open in the end, at most `maxConnections`. @default 1 */
  readonly connections?: number | undefined;
}

/** How many origins are counted. */
const maxCountedOrigins = 1_000;

/** What goes on between a pool and one origin. */
export interface OriginStats {
  readonly origin: string;
  /** Requests sent to this origin since the pool was made. */
  readonly requests: number;
  /** Requests that got no complete answer, those that were left included. */
  readonly errors: number;
  /** Requests whose answers have not begun. */
  readonly active: number;
  /** Connections that are open. */
  readonly connected: number;
  /** Open connections without a request. */
  readonly free: number;
  /** Requests on connections, until their answers have come as a whole. */
  readonly running: number;
  /** Requests that wait for a connection. */
  readonly pending: number;
  /** Those of them for which no further connection may be opened. */
  readonly queued: number;
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
  readonly #warm: WarmConnections;
  readonly #maxConnections: number;
  /** Of requests that somebody ends in time; 0 is without end. */
  readonly #timedIdleMs: number;
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
    const tls = requireTls(options.tls ?? {});
    const allowed = new Destinations(options).connector(connectTimeoutMs, tls.connection);
    const connect = tls.pins === undefined ? allowed : pinnedConnector(allowed, tls.pins);
    this.#warm = new WarmConnections({ connect, keepAliveMs, clock: options.clock ?? systemClock });
    this.#maxConnections = maxConnections;
    this.#timedIdleMs = options.idleTimeoutMs ?? 0;
    this.#agent = new Agent({
      connections: maxConnections,
      keepAliveTimeout: keepAliveMs,
      keepAliveMaxTimeout: keepAliveMs,
      headersTimeout: idleTimeoutMs,
      bodyTimeout: idleTimeoutMs,
      connect: this.#warm.connector(),
      // Also for a single connection, so that the numbers are the same ones.
      factory: (origin, poolOptions) => new Pool(origin, poolOptions),
    });
  }

  /** A client of one origin that uses these connections. The pool outlives the client. */
  client(options: Omit<HttpClientOptions, 'pool'>): HttpClient {
    return new HttpClient({ ...options, pool: this });
  }

  /**
   * Opens connections before the first request needs them: afterwards so many are open, with those that were. One that
   * nobody uses is closed after `keepAliveMs`.
   *
   * @throws {NetworkError} when one could not be opened; those that could are kept.
   * @throws {ForbiddenAddressError} when the origin may not be asked.
   * @throws {ArgumentError} for what is no http or https address, and for more connections than the pool may have.
   * @example
   * await pool.warmUp('https://api.fda.gov', { connections: 4 });
   */
  async warmUp(origin: string | URL, { connections = 1 }: WarmUpOptions = {}): Promise<void> {
    if (this.#closing !== undefined) throw closedError();
    const url = requireOrigin(origin);
    requireInteger('connections', connections, 1, this.#maxConnections);
    this.#countsOf(url.origin);
    const open = Number(this.#agent.stats[url.origin]?.connected ?? 0) + this.#warm.countWithOpening(url);
    const opening = Array.from({ length: Math.max(0, connections - open) }, () => this.#warm.open(url));
    for (const result of await Promise.allSettled(opening)) {
      if (result.status === 'rejected') throw transportError(url.origin, result.reason);
    }
  }

  /**
   * Sends one request as it is, and tells the handler what comes of it: no policies, no mapping of errors. Clients use
   * it; so may you, with care.
   */
  send(origin: string, request: SentRequest, handler: Dispatcher.DispatchHandler): void {
    if (this.#closing !== undefined) throw closedError();
    const { method, path, headers, body = null, isTimed } = request;
    const idleMs = isTimed === true ? this.#timedIdleMs : null;
    this.#agent.dispatch(
      { origin, method, path, headers, body, headersTimeout: idleMs, bodyTimeout: idleMs },
      new CountedHandler(handler, this.#begin(origin)),
    );
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
    const counts = this.#countsOf(origin);
    counts.requests += 1;
    counts.active += 1;
    return counts;
  }

  #countsOf(origin: string): OriginCounts {
    let counts = this.#origins.get(origin);
    if (counts === undefined) {
      if (this.#origins.size >= maxCountedOrigins) this.#forgetOne();
      counts = { requests: 0, active: 0, errors: 0 };
      this.#origins.set(origin, counts);
    }
    return counts;
  }

  /** Users may name any number of origins: the oldest one without a request under way is counted no longer. */
  #forgetOne(): void {
    for (const [origin, { active }] of this.#origins) {
      if (active === 0) return void this.#origins.delete(origin);
    }
  }

  /** What goes on with each origin; of 1,000 origins at most. */
  stats(): readonly OriginStats[] {
    const { stats } = this.#agent;
    return [...this.#origins].map(([origin, counts]) => {
      const { connected, free, running, pending, queued } =
        (stats[origin] as Pool['stats'] | undefined) ?? noConnections;
      const warm = URL.canParse(origin) ? this.#warm.count(new URL(origin)) : 0;
      return { origin, ...counts, connected: connected + warm, free: free + warm, running, pending, queued };
    });
  }

  /** Waits for the requests under way, then closes every connection. */
  close(): Promise<void> {
    this.#warm.close();
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

const noConnections = Object.freeze({ connected: 0, free: 0, running: 0, pending: 0, queued: 0 });

function requireOrigin(origin: string | URL): URL {
  const text = String(origin);
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url;
  const shown = text.replace(/\/\/[^/]*@/, '//');
  throw new ArgumentError(`Cannot use origin: expected an http or https address, got "${shown}"`, 'origin');
}
