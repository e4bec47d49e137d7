import type { LoadingCache } from '../cache/index.ts';
import { type Clock, systemClock } from '../kernel/index.ts';
import { type Guard, type Outcome, standardGuard } from '../pipeline/index.ts';
import { ConnectionPool } from './connection-pool.ts';
import { HostPace } from './host-pace.ts';
import type { HttpClient } from './http-client.ts';
import type { HttpAnswer, HttpRequest, HttpStream } from './http-request.ts';
import { type Provenance, provenanceOf } from './provenance.ts';

/** What every scraper may be told by those who use it. */
export interface ScraperOptions {
  /** Its base address, for what stands in for the source. @default the source's own */
  readonly baseUrl?: string | undefined;
  /** Requests per second, at most. Says nothing with a guard of your own. @default the source's own */
  readonly ratePerSecond?: number | undefined;
  /** Requests that may go out at once after a pause. Says nothing with a guard of your own. @default 1 */
  readonly burst?: number | undefined;
  /**
   * How long one question may take, its wait for a turn included, in milliseconds. Says nothing with a guard of your own.
   * @default 30_000, or the time of 30 turns at the source's rate when that is longer
   */
  readonly deadlineMs?: number | undefined;
  /** The connections. They outlive the scraper. @default a pool of its own, closed with it */
  readonly pool?: ConnectionPool | undefined;
  /**
   * The policies around every request, rate included. @default standardGuard(name), with a pace that never goes above the
   * rate and learns from 429 and `Retry-After`
   */
  readonly guard?: Guard | undefined;
  /** The cache of the guard, so that the source is asked whether an older answer still holds. @default none */
  readonly cache?: LoadingCache<unknown> | undefined;
  /** The source's `robots.txt` is asked before every request. @default not asked: APIs have terms instead */
  readonly robots?: RobotsRules | undefined;
  /** Who we say we are. @default 'plinth' */
  readonly userAgent?: string | undefined;
  /** @default systemClock */
  readonly clock?: Clock | undefined;
}

/** What a scraper needs of a `RobotsPolicy`. */
export interface RobotsRules {
  /** Resolves when the address may be asked; rejects when it may not. */
  require(
    url: string | URL,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<{ readonly crawlDelayMs?: number | undefined }>;
}

/** What a subclass says of its source. */
export interface SourceFacts {
  /** The source's name, from a closed set: it becomes a metric label. */
  readonly name: string;
  /** Where the source is, such as `https://api.example.com/v1`. */
  readonly baseUrl: string;
  /** What the source allows, in requests per second. @default 1 */
  readonly ratePerSecond?: number | undefined;
  /** Headers of every request, such as credentials. @default none */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** How many redirects in a row are followed, within the source's origin. @default 0 */
  readonly maxRedirects?: number | undefined;
}

/** What every question may say. */
export interface QuestionOptions {
  /** Ends the question. @default none */
  readonly signal?: AbortSignal | undefined;
}

/**
 * What all scrapers have in common: a subclass has a name, a base address and a rate, and asks its source with
 * {@link json}, {@link text} and {@link stream}. Every request goes through one guard (deadline, cache, retries on a
 * budget, breaker, pace, timeout) and one pool.
 *
 * @example
 * class RatesScraper extends BaseScraper<string, number> {
 *   constructor(options: ScraperOptions = {}) {
 *     super({ name: 'rates', baseUrl: 'https://rates.example.com', ratePerSecond: 2 }, options);
 *   }
 *   async fetchData(currency: string, { signal }: QuestionOptions = {}): Promise<number> {
 *     const { value } = await this.json<{ rate: number }>({ path: `/v1/${currency}`, operation: 'rate', signal });
 *     return value.body.rate;
 *   }
 * }
 */
export abstract class BaseScraper<Query = string, Data = unknown> implements AsyncDisposable {
  readonly name: string;
  /** The policies around every request. */
  readonly guard: Guard;
  /** How fast the source is asked; `undefined` with a guard that was given. */
  readonly pace: HostPace | undefined;
  readonly #client: HttpClient;
  readonly #ownPool: ConnectionPool | undefined;
  readonly #robots: RobotsRules | undefined;
  protected readonly clock: Clock;

  protected constructor(source: SourceFacts, options: ScraperOptions = {}) {
    const { clock = systemClock } = options;
    const baseUrl = options.baseUrl ?? source.baseUrl;
    this.name = source.name;
    this.clock = clock;
    const pool = options.pool ?? new ConnectionPool();
    this.#ownPool = options.pool === undefined ? pool : undefined;
    this.#robots = options.robots;
    const { ratePerSecond = source.ratePerSecond ?? 1, burst, cache } = options;
    if (options.guard === undefined) this.pace = new HostPace({ name: source.name, ratePerSecond, burst, clock });
    const deadlineMs = options.deadlineMs ?? Math.max(30_000, 30_000 / ratePerSecond);
    this.guard = options.guard ?? standardGuard(source.name, { clock, limiter: this.pace, cache, deadlineMs });
    this.#client = pool.client({
      baseUrl,
      guard: this.guard,
      clock,
      cache: options.cache,
      userAgent: options.userAgent,
      headers: source.headers,
      maxRedirects: source.maxRedirects,
    });
  }

  /** Where the source is. */
  get baseUrl(): URL {
    return this.#client.baseUrl;
  }

  /** The scraper's main question: what `BatchProcessor`, warmers and caches ask it. */
  abstract fetchData(query: Query, options?: QuestionOptions): Promise<Data>;

  /**
   * One page of the source as text, by its path or its whole address, through the same guard.
   *
   * @throws {ArgumentError} when the address is of another origin
   */
  fetch(pathOrUrl: string, options: QuestionOptions = {}): Promise<Outcome<HttpAnswer<string>>> {
    return this.text({ path: pathOrUrl, operation: 'fetch', signal: options.signal });
  }

  /** Asks for JSON. */
  protected async json<Body>(request: HttpRequest): Promise<Outcome<HttpAnswer<Body>>> {
    if (this.#robots !== undefined) await this.#obey(this.#robots, request);
    return this.#client.json<Body>(request);
  }

  /** Asks for text, such as a page. */
  protected async text(request: HttpRequest): Promise<Outcome<HttpAnswer<string>>> {
    if (this.#robots !== undefined) await this.#obey(this.#robots, request);
    return this.#client.text(request);
  }

  /** Asks for a body in pieces; it is never kept. */
  protected async stream(request: HttpRequest): Promise<HttpStream> {
    if (this.#robots !== undefined) await this.#obey(this.#robots, request);
    return this.#client.stream(request);
  }

  /** Where what was made of these answers came from. */
  protected provenance(
    first: Outcome<HttpAnswer<unknown>>,
    ...others: readonly Outcome<HttpAnswer<unknown>>[]
  ): Provenance {
    return provenanceOf(this.name, [first, ...others]);
  }

  /** Closes the connections, if they are its own, and refuses those who wait for their turn. */
  async close(): Promise<void> {
    this.pace?.close();
    await this.#ownPool?.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #obey(robots: RobotsRules, { path, signal }: HttpRequest): Promise<void> {
    const prefix = path.startsWith('/') ? this.baseUrl.pathname.replace(/\/$/, '') : '';
    const { crawlDelayMs } = await robots.require(new URL(`${prefix}${path}`, this.baseUrl), { signal });
    if (crawlDelayMs !== undefined && crawlDelayMs > 0) this.pace?.slowTo(1_000 / crawlDelayMs);
  }
}
