import { type AnyCache, cached, cacheKey } from '../cache/index.ts';
import { ArgumentError } from '../errors/index.ts';
import { untilAborted } from '../kernel/index.ts';

/** How a {@link CachedScraper} keeps answers. */
export interface CachedScraperOptions {
  /** Where answers are kept. What is kept must fit the cache: a Redis cache keeps JSON unless told otherwise. */
  readonly cache: AnyCache;
  /** How long an answer is fresh, in milliseconds. @default 3_600_000 */
  readonly ttlMs?: number | undefined;
  /** How long after that it may stand in for a failing source, in milliseconds. @default the cache's own */
  readonly staleMs?: number | undefined;
  /** What keys begin with, before the method's name. @default the scraper's `name`, else its class's */
  readonly keyPrefix?: string | undefined;
  /** Methods that are passed on as they are. @default ['close'] */
  readonly except?: readonly string[] | undefined;
}

/**
 * A scraper of the same type, whose `async` methods answer from a cache: each call is known by the method and its
 * arguments, any number of equal calls ask once, and a caller's `signal` ends only that caller's wait. What is kept are the
 * answers of methods that are declared `async`; everything else, `close`, and what `except` names, is passed on as it is.
 * Closing this closes the scraper.
 *
 * @throws {ArgumentError} that names the option and its value.
 * @example
 * const trials = new CachedScraper(new ClinicalTrialsScraper(), { cache, ttlMs: 3_600_000 });
 * const { trials: found } = await trials.searchTrials({ condition: 'nsclc' }); // as the scraper itself, kept for an hour
 */
export const CachedScraper: new <Scraper extends object>(scraper: Scraper, options: CachedScraperOptions) => Scraper =
  class {
    constructor(scraper: object, options: CachedScraperOptions) {
      // biome-ignore lint/correctness/noConstructorReturn: the type is the scraper's own, so the value has to be a view of it
      return new Proxy(scraper, new CachedMethods(scraper, options));
    }
  } as never;

type Method = (...args: readonly unknown[]) => unknown;

/** Gives a scraper's methods with a cache around them. */
class CachedMethods implements ProxyHandler<object> {
  readonly #options: CachedScraperOptions;
  readonly #except: ReadonlySet<string>;
  readonly #prefix: string;
  readonly #methods = new Map<string, { readonly original: Method; readonly cached: Method }>();

  constructor(scraper: object, options: CachedScraperOptions) {
    if (typeof options?.cache?.getOrSet !== 'function') {
      throw new ArgumentError(
        'Cannot make a cached scraper without a cache: expected cache, such as a MemoryCache',
        'cache',
      );
    }
    this.#options = options;
    this.#except = new Set(['close', ...(options.except ?? [])]);
    const { name } = scraper as { readonly name?: unknown };
    this.#prefix = options.keyPrefix ?? (typeof name === 'string' && name !== '' ? name : scraper.constructor.name);
  }

  get(scraper: object, property: string | symbol): unknown {
    // The scraper itself is asked, not this view of it: a class's own fields are not visible through a view.
    const found: unknown = Reflect.get(scraper, property, scraper);
    if (typeof found !== 'function' || property === 'constructor') return found;
    const original = found as Method;
    if (typeof property === 'symbol' || this.#except.has(property) || !isAsync(original)) return original.bind(scraper);
    const known = this.#methods.get(property);
    if (known?.original === original) return known.cached;
    const cachedMethod = this.#cache(scraper, property, original);
    this.#methods.set(property, { original, cached: cachedMethod });
    return cachedMethod;
  }

  set(scraper: object, property: string | symbol, value: unknown): boolean {
    return Reflect.set(scraper, property, value, scraper);
  }

  #cache(scraper: object, name: string, original: Method): Method {
    const { cache, ttlMs = 3_600_000, staleMs } = this.#options;
    const load = cached(
      function (this: { readonly signal: AbortSignal }, _key: string, args: readonly unknown[]): Promise<unknown> {
        // What is loaded is for everybody who asks: nobody's signal ends it but that of the load.
        return Promise.resolve(Reflect.apply(original, scraper, withSignal(args, this.signal)));
      },
      { cache, ttlMs, staleMs, keyPrefix: `${this.#prefix}.${name}`, key: key => key },
    );
    return async (...args) => {
      const signal = signalOf(args);
      signal?.throwIfAborted();
      const answer = load(cacheKey(withSignal(args, undefined)), args);
      return untilAborted(answer, signal);
    };
  }
}

/** Whether a function is declared `async`: what others give is not known before they are called. */
function isAsync(method: Method): boolean {
  return Object.prototype.toString.call(method) === '[object AsyncFunction]';
}

/** The signal that the last argument, an object of options, has. */
function signalOf(args: readonly unknown[]): AbortSignal | undefined {
  const last = args.at(-1);
  if (typeof last !== 'object' || last === null || !('signal' in last)) return undefined;
  return last.signal instanceof AbortSignal ? last.signal : undefined;
}

/** The arguments with another signal in their options, or without any. */
function withSignal(args: readonly unknown[], signal: AbortSignal | undefined): readonly unknown[] {
  if (signalOf(args) === undefined) return args;
  const { signal: _own, ...rest } = args.at(-1) as { readonly signal: AbortSignal };
  const options = signal === undefined ? rest : { ...rest, signal };
  return Object.keys(options).length === 0 ? args.slice(0, -1) : [...args.slice(0, -1), options];
}
