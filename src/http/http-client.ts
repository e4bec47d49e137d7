import type { Dispatcher } from 'undici';
import { type LoadingCache, MemoryCache } from '../cache/index.ts';
import { getRequestContext, propagationHeaders } from '../context/index.ts';
import { ArgumentError, UpstreamError } from '../errors/index.ts';
import { type Clock, DeadlineQueue, requireInteger, systemClock } from '../kernel/index.ts';
import { type Attempt, type Guard, type Outcome, standardGuard } from '../pipeline/index.ts';
import { BaseAddress } from './address.ts';
import { acceptedCodings } from './content-coding.ts';
import { statusError, transportError } from './failures.ts';
import { lowerCased } from './headers.ts';
import type { HttpAnswer, HttpRequest, HttpStream } from './http-request.ts';
import { follow, type Hop, nameOf, type RedirectRules } from './redirects.ts';
import { Reply } from './reply.ts';
import { type Begun, type Form, readBody, readFailure } from './response-body.ts';
import { findRevalidation, type Revalidation, renewed } from './revalidation.ts';

/** One request as it is sent. */
export interface SentRequest {
  readonly method: NonNullable<HttpRequest['method']>;
  /** Path and query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: HttpRequest['body'];
  /** Whether whoever sends it ends it in time: then it is theirs to say how long the other side may be silent. @default false */
  readonly isTimed?: boolean;
}

/** What a client needs of its connections: {@link ConnectionPool} has it. */
export interface Connections {
  /** Sends one request as it is, and tells the handler what comes of it: no policies, no mapping of errors. */
  send(origin: string, request: SentRequest, handler: Dispatcher.DispatchHandler): void;
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
  readonly form: Form;
  readonly method: NonNullable<HttpRequest['method']>;
  readonly href: string;
  /** Path and query. */
  readonly path: string;
  /** The request in messages: without the query, which may hold personal data or a key. */
  readonly where: string;
  /** Those of the client, and of the form in which the answer is read. */
  readonly headers: Readonly<Record<string, string>>;
  readonly answers: readonly number[] | undefined;
  readonly maxBytes: number;
  /** Of the answer in the cache. */
  readonly key: string | undefined;
}

/** A reply with its headers, and the address that it came from. */
interface Answered extends Begun {
  readonly url: string;
}

/** The methods that ask for nothing to be changed (RFC 9110, section 9.2.1). */
const safeMethods: ReadonlySet<string> = new Set(['GET', 'HEAD']);

/**
 * How long a request is under way before it listens to the signal of its attempt, in milliseconds. An AbortSignal costs
 * a third of a whole request on a fast network, and whatever is answered by then has no use for one.
 */
const patienceMs = 10;

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
  readonly #base: BaseAddress;
  readonly #origin: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #jsonHeaders: Readonly<Record<string, string>>;
  readonly #propagates: boolean;
  readonly #redirects: RedirectRules;
  readonly #clock: Clock;
  // Connections live in real time, whatever clock the policies go by.
  readonly #patience = new DeadlineQueue(patienceMs, systemClock);

  constructor(options: HttpClientOptions) {
    this.baseUrl = requireBaseUrl(options.baseUrl);
    this.#base = new BaseAddress(this.baseUrl);
    this.#origin = this.baseUrl.origin;
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
    this.#jsonHeaders = Object.freeze({ accept: 'application/json', ...this.#headers });
  }

  /** The answer's body as JSON. @throws {ScraperError} when it is none. */
  json<Body>(request: HttpRequest): Promise<Outcome<HttpAnswer<Body>>> {
    return this.#exchange(request, 'json') as Promise<Outcome<HttpAnswer<Body>>>;
  }

  /** The answer's body as text. */
  text(request: HttpRequest): Promise<Outcome<HttpAnswer<string>>> {
    return this.#exchange(request, 'text') as Promise<Outcome<HttpAnswer<string>>>;
  }

  /**
   * The answer's body in pieces. The guard stands around the request until the headers have come; the body is the
   * caller's, within `maxBytes`. Never cached.
   */
  async stream(request: HttpRequest): Promise<HttpStream> {
    const outcome = await this.#exchange({ ...request, cacheKey: false }, 'stream');
    return outcome.value as HttpStream;
  }

  #exchange(request: HttpRequest, form: Form): Promise<Outcome<HttpAnswer<unknown>>> {
    try {
      const outgoing = this.#prepare(request, form);
      const { method, key } = outgoing;
      const operation = request.operation ?? method;
      const call = { operation, key, repeatable: isRepeatable(method, request.headers), signal: request.signal };
      return this.#guard.execute(call, attempt => this.#attempt(outgoing, attempt));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #prepare(request: HttpRequest, form: Form): Outgoing {
    const { method = 'GET', maxBytes = defaultMaxBytes, answers } = request;
    if (!(maxBytes >= 0)) {
      throw new ArgumentError(`Cannot use maxBytes: expected 0 or more, got ${maxBytes}`, 'maxBytes');
    }
    const { href, pathname, path } = this.#base.addressOf(request);
    const key = request.cacheKey ?? defaultKey(request, href, form);
    return {
      request,
      form,
      method,
      href,
      path,
      where: `${method} ${this.#origin}${pathname}`,
      headers: form === 'json' ? this.#jsonHeaders : this.#headers,
      answers,
      maxBytes,
      key: key || undefined,
    };
  }

  async #attempt(outgoing: Outgoing, attempt: Attempt): Promise<HttpAnswer<unknown>> {
    try {
      const known = this.#cache === undefined ? undefined : this.#known(outgoing);
      const sent = known === undefined ? outgoing : conditional(outgoing, known);
      const answered = await this.#reach(sent, attempt);
      const { reply, where, url } = answered;
      const { status, headers } = reply;
      const fetchedAt = this.#clock.now();
      if (!isAccepted(status, sent.answers)) {
        const body = await readFailure(answered);
        throw statusError(where, { status, headers, body }, this.#clock);
      }
      if (known !== undefined && status === 304) {
        await reply.discard();
        return renewed(known.older, { status, headers, url, fetchedAt, body: undefined });
      }
      const body = readBody(answered, sent);
      return { status, headers, url, fetchedAt, body: body instanceof Promise ? await body : body };
    } catch (error) {
      const failure = transportError(outgoing.where, error);
      const { toFailure } = outgoing.request;
      throw failure instanceof UpstreamError && toFailure ? toFailure(failure) : failure;
    }
  }

  /** Sends a request, and those that its redirects lead to. */
  async #reach(outgoing: Outgoing, attempt: Attempt): Promise<Answered> {
    const { request, form, method, where, href, path, answers } = outgoing;
    const { body } = request;
    const headers = this.#headersOf(outgoing, attempt);
    // A body in pieces is read when the guard has gone.
    const isTimed = attempt.deadlineMs !== undefined && form !== 'stream';
    const sent: SentRequest = { method, path, headers, body, isTimed };
    const reply = this.#ask(this.#origin, sent, attempt, request.signal !== undefined);
    await reply.begun;
    if (this.#redirects.max === 0 || isAccepted(reply.status, answers)) return { method, reply, where, url: href };
    const rules = { ...this.#redirects, answers };
    const first = { hop: { method, url: new URL(href), headers, body }, reply };
    const last = await follow(first, rules, hop => this.#follow(hop, isTimed, attempt));
    return { method: last.hop.method, reply: last.reply, where: nameOf(last.hop), url: last.hop.url.href };
  }

  async #follow({ method, url, headers, body }: Hop, isTimed: boolean, attempt: Attempt): Promise<Reply> {
    const path = `${url.pathname}${url.search}`;
    const reply = this.#ask(url.origin, { method, path, headers, body, isTimed }, attempt, true);
    await reply.begun;
    return reply;
  }

  /** @param mayEndAtOnce Whether the attempt may be over any moment, and not only when its time is up. */
  #ask(origin: string, request: SentRequest, attempt: Attempt, mayEndAtOnce: boolean): Reply {
    const reply = new Reply();
    if (mayEndAtOnce) reply.endBy(attempt.signal);
    this.#pool.send(origin, request, reply);
    if (!mayEndAtOnce) reply.endWithAttempt(attempt, this.#patience);
    return reply;
  }

  #headersOf({ request, headers: own }: Outgoing, attempt: Attempt): Record<string, string> {
    const headers: Record<string, string> = { ...own };
    if (this.#propagates) this.#carryOn(headers, attempt);
    if (request.headers !== undefined) Object.assign(headers, lowerCased(request.headers));
    return headers;
  }

  /** What the cache still has of an address, if the request is one that the source may be asked that way. */
  #known({ request, method, key, href }: Outgoing): Revalidation<unknown> | undefined {
    return isConditional(method, request.headers) ? undefined : findRevalidation(this.#cache, key, href);
  }

  #carryOn(headers: Record<string, string>, { attempt, deadlineMs }: Attempt): void {
    const context = getRequestContext();
    if (context.traceparent !== undefined) headers['traceparent'] = context.traceparent;
    // A first attempt within a retry of our own caller is a retry, too.
    const callersAttempt = context.attempt ?? 1;
    const carried = { deadlineMs, attempt: Math.max(attempt, callersAttempt) };
    Object.assign(headers, propagationHeaders(carried, this.#clock.monotonic()));
  }
}

/**
 * Answers are shared between calls that would get the same one: the same address, read in the same way, with the same
 * statuses accepted, and no header of their own, which might say who is asking.
 */
function defaultKey(request: HttpRequest, href: string, form: Form): string | false {
  const { method = 'GET', headers, answers } = request;
  if (method !== 'GET' || headers !== undefined) return false;
  const key = `GET ${href} ${form}`;
  return answers === undefined || answers.length === 0 ? key : `${key} ${answers.join(' ')}`;
}

/** A safe request may be made twice; any other only under a key by which the server knows it again. */
function isRepeatable(method: string, headers: HttpRequest['headers']): boolean {
  if (safeMethods.has(method)) return true;
  return Object.entries(headers ?? {}).some(
    ([name, value]) => name.toLowerCase() === 'idempotency-key' && value !== '',
  );
}

/** Whether a request is none that the cache may ask a question of its own with. */
function isConditional(method: string, headers: HttpRequest['headers']): boolean {
  return method !== 'GET' || Object.keys(headers ?? {}).some(name => /^if-/i.test(name));
}

/** The same request, which asks whether an older answer still holds. */
function conditional(outgoing: Outgoing, { headers }: Revalidation<unknown>): Outgoing {
  const answers = [304, ...(outgoing.answers ?? [])];
  return { ...outgoing, answers, headers: { ...outgoing.headers, ...headers } };
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
