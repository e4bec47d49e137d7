import { ArgumentError } from '../errors/index.ts';
import type { Clock } from '../kernel/index.ts';
import type { RateLimitDecision } from './decision.ts';
import type { CheckOptions, WaitOptions } from './options.ts';
import { type TokenBucketNumbers, TokenBucketRateLimiter } from './token-bucket-rate-limiter.ts';

/** The options of a {@link DomainRateLimiter}. */
export interface DomainRateLimiterOptions {
  /**
   * Requests per second by domain, evenly spaced; or rate and capacity. A subdomain of a listed domain goes by that entry.
   * `default` is for all others. @default 1 for `default`
   */
  readonly domains: Readonly<Record<string, number | TokenBucketNumbers>>;
  /** What is limited, for people and metrics. @default 'domains' */
  readonly name?: string | undefined;
  /** How many domains are remembered, per entry of the list. @default 10_000 */
  readonly maxKeys?: number | undefined;
  /** How many callers may wait, per entry of the list. @default 1_000 */
  readonly maxQueued?: number | undefined;
  /** @default systemClock */
  readonly clock?: Clock | undefined;
}

/**
 * How fast we may ask each domain. Every domain, and every subdomain, has a bucket of its own.
 *
 * @throws {ArgumentError} that names the domain and its value, at construction.
 * @example
 * const limiter = new DomainRateLimiter({ domains: { 'api.fda.gov': 2, 'oncokb.org': 0.5, default: 1 } });
 * await limiter.waitIfNeeded('https://api.fda.gov/drug/label.json', { signal });
 */
export class DomainRateLimiter {
  readonly name: string;
  readonly #limiters = new Map<string, TokenBucketRateLimiter>();
  readonly #default: TokenBucketRateLimiter;

  constructor({ domains, ...options }: DomainRateLimiterOptions) {
    this.name = options.name ?? 'domains';
    const limiterOf = (entry: string, numbers: number | TokenBucketNumbers): TokenBucketRateLimiter =>
      makeLimiter(`domains['${entry}']`, numbers, { ...options, name: `${this.name}:${entry}` });
    this.#default = limiterOf('default', domains?.['default'] ?? 1);
    for (const [domain, numbers] of Object.entries(domains ?? {})) {
      if (domain !== 'default') this.#limiters.set(hostOf(domain), limiterOf(domain, numbers));
    }
  }

  /** Waits for the turn of a URL's domain, or of a domain; as {@link TokenBucketRateLimiter.wait}. */
  async waitIfNeeded(urlOrDomain: string | URL, options: WaitOptions = {}): Promise<RateLimitDecision> {
    const host = hostOf(urlOrDomain);
    return this.#limiterOf(host).wait(host, options);
  }

  /** Decides now; as {@link TokenBucketRateLimiter.check}. */
  check(urlOrDomain: string | URL, options?: CheckOptions): RateLimitDecision {
    const host = hostOf(urlOrDomain);
    return this.#limiterOf(host).check(host, options);
  }

  /** The limiter of a domain's entry, with its settings and events; the key is the domain. */
  limiterFor(urlOrDomain: string | URL): TokenBucketRateLimiter {
    return this.#limiterOf(hostOf(urlOrDomain));
  }

  /** Refuses everybody who waits, and every later question. */
  close(): void {
    for (const limiter of this.#limiters.values()) limiter.close();
    this.#default.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  /** The nearest entry: of the domain itself, or of the domain that it is under. */
  #limiterOf(host: string): TokenBucketRateLimiter {
    let domain = host;
    for (;;) {
      const limiter = this.#limiters.get(domain);
      if (limiter !== undefined) return limiter;
      const dot = domain.indexOf('.');
      if (dot === -1) return this.#default;
      domain = domain.slice(dot + 1);
    }
  }
}

function makeLimiter(
  path: string,
  numbers: number | TokenBucketNumbers,
  options: Omit<DomainRateLimiterOptions, 'domains'>,
): TokenBucketRateLimiter {
  const { ratePerSecond, capacity } = typeof numbers === 'object' ? numbers : { ratePerSecond: numbers, capacity: 1 };
  try {
    return new TokenBucketRateLimiter({ ...options, maxKeys: options.maxKeys ?? 10_000, ratePerSecond, capacity });
  } catch (error) {
    if (!(error instanceof ArgumentError)) throw error;
    throw new ArgumentError(`${error.message} (${path})`, path, { cause: error });
  }
}

/** The host of a URL or domain as browsers write it: small letters, no port, no dot at the end. */
function hostOf(urlOrDomain: string | URL): string {
  const text = String(urlOrDomain);
  const url = text.includes('://') ? text : `http://${text}`;
  const host = URL.canParse(url) ? new URL(url).hostname.replace(/\.$/, '') : '';
  if (host !== '') return host;
  throw new ArgumentError(
    `Cannot find the domain in "${text}": expected a URL or a domain, such as api.fda.gov`,
    'urlOrDomain',
  );
}
