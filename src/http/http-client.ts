import type { Dispatcher } from 'undici';
import { type LoadingCache, MemoryCache } from '../cache/index.ts';
import { getRequestContext, propagationHeaders } from '../context/index.ts';
import { ArgumentError, UpstreamError } from '../errors/index.ts';
import { abortReason, type Clock, requireInteger, systemClock } from '../kernel/index.ts';
import { type Attempt, type Guard, type Outcome, standardGuard } from '../pipeline/index.ts';
import { parseJson, readText } from './body.ts';
import { acceptedCodings } from './content-coding.ts';
import { statusError, transportError } from './failures.ts';
import { flattened, lowerCased } from './headers.ts';
import type { HttpAnswer, HttpRequest, HttpStream } from './http-request.ts';
import { follow, type Hop, type Reached, type RedirectRules } from './redirects.ts';
import { openBody, readFailure } from './response-body.ts';
import { findRevalidation, type Revalidation, renewed } from './revalidation.ts';

/** What a client needs of its connections: {@link ConnectionPool} has it. */
export interface Connections {
  /** Sends one request as it is: no policies, no mapping of errors. */
  request(origin: string, options: Omit<Dispatcher.RequestOptions, 'origin'>): Promise<Dispatcher.ResponseData>;
}

/** How a {@link HttpClient} reaches its server. */
export interface HttpClientOptions {
  /** The address that paths are appended to, such as `https://api.fda.gov`. */
  readonly baseUrl: string;
  /** The policies around every request. @default standardGuard(the host, { cache }) */
  readonly guard?: Guard | undefined;
  /**
   * The cache of the guard: the source is then asked whether an answer that is past its freshness still holds, instead of
   * for a new one. @default one of 1,000 entries, fresh for an hour, stale for a day; none with a guard of your own
   */
  readonly cache?: LoadingCache<unknown> | undefined;
  /** The connections. They outlive the client. */
  readonly pool: Connections;
  /** Who we say we are. @default 'plinth' */
  readonly userAgent?: string | undefined;
  /** Headers of every request. @default none */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /**
   * Whether requests carry on how long their caller waits (`request-timeout-ms`) and that they are retries
   * (`request-attempt`). @default true
   */
  readonly propagates?: boolean | undefined;
  /** How many redirects in a row are followed. @default 0: an answer that redirects is a failure */
  readonly maxRedirects?: number | undefined;
  /** Where redirects may lead: to another origin without headers that say who asks. @default 'same-origin' */
  readonly redirectsTo?: 'same-origin' | 'any-origin' | undefined;
  /** @default systemClock */
  readonly clock?: Clock | undefined;
}

/** A request as it is sent at every attempt. */
interface Outgoing {
  readonly request: HttpRequest;
  readonly url: URL;
  /** Those of the client, and of the form in which the answer is read. */
  readonly headers: Readonly<Record<string, string>>;
  /** Ends the body that is given on. */
  readonly bodySignal: AbortSignal | undefined;
}

/** The methods that ask for nothing to be changed (RFC 9110, section 9.2.1). */
const safeMethods: ReadonlySet<string> = new Set(['GET', 'HEAD']);

/** The largest body that is accepted unless the request says otherwise: 16 MiB. */
const defaultMaxBytes = 16 * 1024 * 1024;

/**
 * An HTTP client of one origin, with the guarded call inside: deadline, cache, retries, breaker and timeouts are the
 * guard's. Only GET and HEAD are ever repeated, and requests with an `idempotency-key` header.
 *
 * @example
 * await using pool = new ConnectionPool();
 * const client = pool.client({ baseUrl: 'https://api.fda.gov' });
 * const { value, freshness } = await client.json<Labels>({ path: '/drug/label.json', query: { limit: 1 } });
 */
export class HttpClient {
  readonly baseUrl: URL;
  readonly #guard: Guard;
  readonly #cache: LoadingCache<unknown> | undefined;
  readonly #pool: Connections;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #propagates: boolean;
  readonly #redirects: RedirectRules;
  readonly #clock: Clock;

  constructor(options: HttpClientOptions) {
    this.baseUrl = requireBaseUrl(options.baseUrl);
    this.#clock = options.clock ?? systemClock;
    const clock = this.#clock;
    const name = this.baseUrl.hostname;
    this.#cache = options.cache;
    if (options.guard === undefined) {
      this.#cache ??= new MemoryCache({ name, ttlMs: 3_600_000, staleMs: 86_400_000, clock });
    }
    this.#guard = options.guard ?? standardGuard(name, { clock, cache: this.#cache });
    this.#pool = options.pool;
    this.#propagates = options.propagates ?? true;
    const max = requireInteger('maxRedirects', options.maxRedirects ?? 0, 0, 20);
    this.#redirects = { max, to: options.redirectsTo ?? 'same-origin' };
    this.#headers = Object.freeze({
      'user-agent': options.userAgent ?? 'plinth',
      'accept-encoding': acceptedCodings,
      ...lowerCased(options.headers ?? {}),
    });
  }

  /** The answer's body as JSON. @throws {ScraperError} when it is none. */
  json<Body>(request: HttpRequest): Promise<Outcome<HttpAnswer<Body>>> {
    return this.#exchange(request, 'json', async (answer, where) => {
      const text = await readText(answer.body);
      // The caller says what the body is; checking it against a schema is the connector's work.
      return { ...answer, body: parseJson(text, answer.headers['content-type'], where) as Body };
    });
  }

  /** The answer's body as text. */
  text(request: HttpRequest): Promise<Outcome<HttpAnswer<string>>> {
    return this.#exchange(request, 'text', async answer => ({ ...answer, body: await readText(answer.body) }));
  }

  /**
   * The answer's body in pieces. The guard stands around the request until the headers have come; the body is the
   * caller's, within `maxBytes`. Never cached.
   */
  async stream(request: HttpRequest): Promise<HttpStream> {
    const outcome = await this.#exchange(
      { ...request, cacheKey: false },
      'stream',
      answer => Promise.resolve(answer),
      request.signal,
    );
    return outcome.value;
  }

  async #exchange<Body>(
    request: HttpRequest,
    form: 'json' | 'text' | 'stream',
    read: (answer: HttpStream, where: string) => Promise<HttpAnswer<Body>>,
    bodySignal?: AbortSignal,
  ): Promise<Outcome<HttpAnswer<Body>>> {
    const method = request.method ?? 'GET';
    const url = this.#address(request);
    // Without the query, which may hold personal data or a key.
    const where = `${method} ${url.origin}${url.pathname}`;
    const headers = { ...(form === 'json' ? { accept: 'application/json' } : {}), ...this.#headers };
    const outgoing = { request, url, headers, bodySignal };
    const call = {
      operation: request.operation ?? method,
      key: (request.cacheKey ?? defaultKey(request, url, form)) || undefined,
      repeatable: isRepeatable(method, request),
      signal: request.signal,
    };
    return this.#guard.execute(call, async attempt => {
      try {
        const known = isConditional(request) ? undefined : findRevalidation<Body>(this.#cache, call.key, url.href);
        const answer = await this.#send(known === undefined ? outgoing : conditional(outgoing, known), attempt);
        return await (known !== undefined && answer.status === 304 ? unchanged(known, answer) : read(answer, where));
      } catch (error) {
        const failure = transportError(where, error);
        throw failure instanceof UpstreamError && request.toFailure ? request.toFailure(failure) : failure;
      }
    });
  }

  async #send({ request, url, headers, bodySignal }: Outgoing, attempt: Attempt): Promise<HttpStream> {
    const { method = 'GET', maxBytes = defaultMaxBytes, answers } = request;
    if (!(maxBytes >= 0))
      throw new ArgumentError(`Cannot use maxBytes: expected 0 or more, got ${maxBytes}`, 'maxBytes');
    const sent = { ...headers, ...this.#carriedOn(attempt), ...lowerCased(request.headers ?? {}) };
    const first = { method, url, headers: sent, body: request.body };
    const { hop, response } = await this.#reach(first, answers, attempt);
    const where = `${hop.method} ${hop.url.origin}${hop.url.pathname}`;
    const received = flattened(response.headers);
    const begun = { method: hop.method, response, headers: received, where };
    const answer = {
      status: response.statusCode,
      headers: received,
      url: hop.url.href,
      fetchedAt: this.#clock.now(),
    };
    if (!isAccepted(answer.status, answers)) {
      throw statusError(where, { ...answer, body: await readFailure(begun) }, this.#clock);
    }
    const body = openBody(begun, maxBytes);
    if (bodySignal !== undefined) {
      const destroy = (): void => void response.body.destroy(toError(abortReason(bodySignal)));
      bodySignal.addEventListener('abort', destroy, { once: true });
      response.body.once('close', () => bodySignal.removeEventListener('abort', destroy));
    }
    return { ...answer, body };
  }

  /** Sends a request, and those that its redirects lead to. */
  async #reach(first: Hop, answers: readonly number[] | undefined, attempt: Attempt): Promise<Reached> {
    const response = await this.#ask(first, attempt);
    const reached = { hop: first, response };
    if (this.#redirects.max === 0 || isAccepted(response.statusCode, answers)) return reached;
    return follow(reached, { ...this.#redirects, answers }, hop => this.#ask(hop, attempt));
  }

  #ask({ method, url, headers, body }: Hop, { signal }: Attempt): Promise<Dispatcher.ResponseData> {
    const path = `${url.pathname}${url.search}`;
    return this.#pool.request(url.origin, { method, path, headers, ...(body === undefined ? {} : { body }), signal });
  }

  #carriedOn({ attempt, deadlineMs }: Attempt): Record<string, string> {
    if (!this.#propagates) return {};
    // A first attempt within a retry of our own caller is a retry, too.
    const callersAttempt = getRequestContext().attempt ?? 1;
    return propagationHeaders({ deadlineMs, attempt: Math.max(attempt, callersAttempt) }, this.#clock.monotonic());
  }

  #address(request: HttpRequest): URL {
    const prefix = this.baseUrl.pathname.replace(/\/$/, '');
    const isPath = request.path.startsWith('/');
    const url = new URL(isPath ? `${prefix}${request.path}` : request.path, this.baseUrl);
    if (url.origin !== this.baseUrl.origin) {
      throw new ArgumentError(`Cannot request ${url.origin}: this client is for ${this.baseUrl.origin} only`, 'path');
    }
    if (isPath && !url.pathname.startsWith(`${prefix}/`)) {
      throw new ArgumentError(`Cannot request ${url.pathname}: it leads out of ${prefix}`, 'path');
    }
    for (const [name, value] of Object.entries(request.query ?? {})) {
      if (value !== undefined) url.searchParams.append(name, String(value));
    }
    return url;
  }
}

/**
 * Answers are shared between calls that would get the same one: the same address, read in the same way, with the same
 * statuses accepted, and no header of their own, which might say who is asking.
 */
function defaultKey(request: HttpRequest, url: URL, form: string): string | false {
  if ((request.method ?? 'GET') !== 'GET' || request.headers !== undefined) return false;
  return ['GET', url.href, form, ...(request.answers ?? [])].join(' ');
}

/** A safe request may be made twice; any other only under a key by which the server knows it again. */
function isRepeatable(method: string, { headers = {} }: HttpRequest): boolean {
  if (safeMethods.has(method)) return true;
  return Object.entries(headers).some(([name, value]) => name.toLowerCase() === 'idempotency-key' && value !== '');
}

/** Whether a request is none that the cache may ask a question of its own with. */
function isConditional({ method = 'GET', headers = {} }: HttpRequest): boolean {
  return method !== 'GET' || Object.keys(headers).some(name => /^if-/i.test(name));
}

/** The same request, which asks whether an older answer still holds. */
function conditional(outgoing: Outgoing, { headers }: Revalidation<unknown>): Outgoing {
  const answers = [304, ...(outgoing.request.answers ?? [])];
  return { ...outgoing, request: { ...outgoing.request, answers }, headers: { ...outgoing.headers, ...headers } };
}

async function unchanged<Body>({ older }: Revalidation<Body>, answer: HttpStream): Promise<HttpAnswer<Body>> {
  for await (const _chunk of answer.body);
  return renewed(older, answer);
}

function isAccepted(status: number, answers: readonly number[] | undefined): boolean {
  return (status >= 200 && status < 300) || answers?.includes(status) === true;
}

function requireBaseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    const shown = text.replace(/\/\/[^/]*@/, '//');
    throw new ArgumentError(`Cannot use baseUrl: expected an http or https address, got "${shown}"`, 'baseUrl');
  }
  return url;
}

function toError(reason: unknown): Error {
  return reason instanceof Error ? reason : new DOMException(String(reason), 'AbortError');
}
