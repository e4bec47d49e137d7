import type { HealthReport } from '../health/index.ts';
import type { Clock, EventSource, Ids, Random, Subscription } from '../kernel/index.ts';
import type { RequestEvents } from '../telemetry/index.ts';
import type { ServerLogger } from './request-lifecycle.ts';

/** The part of a health registry that a server asks. */
export interface ServerHealth {
  live(): Promise<HealthReport>;
  ready(): Promise<HealthReport>;
  setAccepting(accepting: boolean): void;
}

/** The part of metrics that a server exposes and feeds. */
export interface ServerMetrics {
  readonly contentType: string;
  render(): Promise<string>;
  observeRequests(source: EventSource<RequestEvents>): Subscription;
}

/** How long the server waits for its clients. */
export interface ServerTimeouts {
  /** For all headers of a request, in milliseconds. @default 10_000 */
  readonly headersTimeoutMs?: number | undefined;
  /** For a whole request with its body, in milliseconds. @default 30_000 */
  readonly requestTimeoutMs?: number | undefined;
  /** How often these two are looked at, in milliseconds. @default 1_000 */
  readonly connectionsCheckingIntervalMs?: number | undefined;
  /** For the next request on a connection, in milliseconds. Longer than a load balancer's own. @default 72_000 */
  readonly keepAliveTimeoutMs?: number | undefined;
}

/** What a {@link Server} is made of. */
export interface ServerOptions {
  /** The title of the API in its documentation. @default 'Plinth service' */
  readonly name?: string | undefined;
  /** The version of the API in its documentation. @default '0.0.0' */
  readonly version?: string | undefined;
  /** Where {@link Server.register} puts routes. @default '/api/v1' */
  readonly apiPrefix?: string | undefined;
  /** Where the interactive documentation is; false switches it off. `/openapi.json` is there in any case. @default '/docs' */
  readonly docsUrl?: string | false | undefined;
  /** What `/health/live` and `/health/ready` ask. @default a registry without checks */
  readonly health?: ServerHealth | undefined;
  /** What `/metrics` shows; without it there is no such route. @default none */
  readonly metrics?: ServerMetrics | undefined;
  /** Where access and errors are written. @default nowhere */
  readonly logger?: ServerLogger | undefined;
  /** @default systemClock */
  readonly clock?: Clock | undefined;
  /** Gives request ids. @default systemIds */
  readonly ids?: Ids | undefined;
  /** Gives trace ids. @default systemRandom */
  readonly random?: Random | undefined;
  /** The largest body that is read, in bytes. @default 1_048_576 */
  readonly bodyLimitBytes?: number | undefined;
  /** How long the server waits for its clients. @default see {@link ServerTimeouts} */
  readonly timeouts?: ServerTimeouts | undefined;
  /** From how many milliseconds on a request is logged as a warning. @default 1_000 */
  readonly slowRequestMs?: number | undefined;
  /** How long {@link Server.close} lets requests finish before it cuts them off, in milliseconds. @default 10_000 */
  readonly drainTimeoutMs?: number | undefined;
  /**
   * How long the server goes on as before after it has said that it is not ready, in milliseconds, so that load balancers
   * notice first. @default 0
   */
  readonly readyOffDelayMs?: number | undefined;
  /** Which proxies in front may say who the client is: addresses, ranges or a number of hops. @default false */
  readonly trustProxy?: boolean | string | readonly string[] | number | undefined;
}

/** Where to listen. */
export interface ListenOptions {
  /** 0 takes a free one. @default 8_000 */
  readonly port?: number | undefined;
  /** `0.0.0.0` for every interface. @default '127.0.0.1' */
  readonly host?: string | undefined;
}

/** Where a server listens. */
export interface ServerAddress {
  readonly host: string;
  readonly port: number;
  /** Such as `http://127.0.0.1:8000`. */
  readonly url: string;
}
