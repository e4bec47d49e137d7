import type { FailedError, UpstreamError } from '../errors/index.ts';

/** One request of an {@link HttpClient}. */
export interface HttpRequest {
  /** The path below the client's base address, with a leading slash; or an address of the same origin (for `Link` headers). */
  readonly path: string;
  /** The method. @default 'GET' */
  readonly method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | undefined;
  /** Query parameters in this order; `undefined` ones are left out. @default none */
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>> | undefined;
  /** Headers besides the client's own. @default none */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** The body as text or bytes. @default none */
  readonly body?: string | Uint8Array | undefined;
  /** Statuses besides 2xx that are answers, not failures. @default [] */
  readonly answers?: readonly number[] | undefined;
  /** The name of the request in records and metrics, from a closed set, such as `drugsfda.search`. @default the method */
  readonly operation?: string | undefined;
  /**
   * The key of the answer in the guard's cache; `false` keeps it out. @default made of the address for a GET without
   * headers of its own, else false
   */
  readonly cacheKey?: string | false | undefined;
  /**
   * Makes the source's own error of an answer that means failure, before retries and breaker judge it: only the connector
   * knows which 500 is a query that cannot be read. @default the error as it is
   */
  readonly toFailure?: ((error: UpstreamError) => FailedError) | undefined;
  /** The largest body that is accepted, in bytes. @default 16 MiB */
  readonly maxBytes?: number | undefined;
  /** Ends the request. @default none */
  readonly signal?: AbortSignal | undefined;
}

/** A complete answer. */
export interface HttpAnswer<Body> {
  readonly status: number;
  /** Header fields with names in lower case; several of one name are joined with `, `. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Body;
  /** The address that answered. */
  readonly url: string;
  /** Wall-clock time when the answer came, in milliseconds since 1970. */
  readonly fetchedAt: number;
}

/** An answer whose body comes in pieces. It must be read to its end, or left early with `break`. */
export type HttpStream = HttpAnswer<AsyncIterable<Uint8Array>>;
