import { ArgumentError } from '../errors/index.ts';
import { begun, type Clock, systemClock } from '../kernel/index.ts';
import { ambientCache } from './ambient-cache.ts';
import type { AnyCache } from './any-cache.ts';
import { cacheKey, isPlain } from './cache-key.ts';
import {
  type EntryOptions,
  type LoadContext,
  type Loader,
  type LoadRules,
  requireLoadRules,
  requireStale,
  requireTags,
  requireTtl,
} from './entry-options.ts';
import { KeptValues } from './kept-values.ts';
import { requireMaxEntries } from './memory-cache-options.ts';

/**
 * Where a cached function keeps its values: a cache; a function that gives the cache for this call, or `undefined` for none;
 * or `ambient`, the cache of `runWithCache` around the call.
 */
export type CacheSource = AnyCache | (() => AnyCache | undefined) | 'ambient';

/** How a function is cached. */
export interface CachedOptions<Args extends readonly unknown[] = readonly unknown[]> extends EntryOptions, LoadRules {
  /**
   * Where values are kept. Where it gives none for a call, the function runs and nothing is kept.
   *
   * @default memory of its own, with a lifetime of 300_000 ms, which counts nothing so that a hit costs next to nothing
   */
  readonly cache?: CacheSource | undefined;
  /**
   * What keys begin with, before a colon, in a cache that was given: by it the cache counts, and `clear` can match it.
   *
   * @default the function's name; of a method, the class's name too
   */
  readonly keyPrefix?: string | undefined;
  /** The key of a call, after the prefix. @default made of the arguments by `cacheKey` */
  readonly key?: ((...args: Args) => string) | undefined;
  /** The most entries of its own memory. @default 1_000 */
  readonly maxEntries?: number | undefined;
  /** The clock of its own memory. @default systemClock */
  readonly clock?: Clock | undefined;
}

/** A function whose values are kept. */
export interface CachedFunction<Args extends readonly unknown[], Value> {
  /** The value that is there, or else what the function gives: it runs once for any number of callers. */
  (...args: Args): Promise<Value>;
  /** The cache that it was given; `undefined` where it has memory of its own, or the cache is decided at each call. */
  readonly cache: AnyCache | undefined;
  /** As the call, but a value that is in memory is given at once, without a promise. */
  valueOrPromise(...args: Args): Value | Promise<Value>;
  /** Forgets the value for these arguments; says whether there was anything to forget. */
  forget(...args: Args): Promise<boolean>;
  /** The key under which the value for these arguments is kept. */
  keyOf(...args: Args): string;
  /** The same function on another cache. */
  with(cache: CacheSource): CachedFunction<Args, Value>;
}

/** What is cached: an asynchronous function, which may take its {@link LoadContext} as `this`. */
export type Cacheable<Args extends readonly unknown[], Value> = (
  this: LoadContext<Value>,
  ...args: Args
) => Promise<Value>;

/** The lifetime of what a function keeps in its own memory, in milliseconds. */
const ownTtlMs = 300_000;

/** Makes a {@link CachedFunction}. */
export function cacheFunction<Args extends readonly unknown[], Value>(
  fn: Cacheable<Args, Value>,
  options: CachedOptions<Args>,
): CachedFunction<Args, Value> {
  const calls = new CachedCalls(fn, options);
  const { direct, loadDirect, source } = calls;
  const { name } = fn;
  // The name is that of a method: to define it afterwards would make every read of a property of the function slow.
  const { [name]: call } = {
    [name](first?: unknown, ...rest: readonly unknown[]): Promise<Value> {
      if (direct !== undefined && typeof first === 'string' && rest.length === 0 && isPlain(first))
        return direct.getOrSet(first, loadDirect);
      return begun(() => calls.promise([first, ...rest]));
    },
  };
  const members = {
    cache: typeof source === 'object' ? source : undefined,
    valueOrPromise(first?: unknown, ...rest: readonly unknown[]): Value | Promise<Value> {
      if (direct !== undefined && typeof first === 'string' && rest.length === 0 && isPlain(first))
        return direct.valueOrPromise(first, loadDirect);
      return calls.valueOrPromise([first, ...rest]);
    },
    forget(...args: Args): Promise<boolean> {
      return begun(() => calls.forget(args));
    },
    keyOf(...args: Args): string {
      return calls.keyOf(args);
    },
    with(cache: CacheSource): CachedFunction<Args, Value> {
      return cacheFunction(fn, { ...options, cache, maxEntries: undefined });
    },
  };
  return Object.assign(call as NonNullable<typeof call>, members) as unknown as CachedFunction<Args, Value>;
}

/**
 * What can be said about the options before there is a function.
 *
 * @throws {ArgumentError} that names the option, its value and what was expected.
 */
export function requireCachedOptions(options: CachedOptions<never>): EntryOptions & LoadRules {
  const { cache, maxEntries, ttlMs, staleMs, tags } = options;
  if (cache !== undefined && maxEntries !== undefined) {
    const message = 'Cannot use maxEntries together with cache: how much it keeps is said where that cache is made';
    throw new ArgumentError(message, 'maxEntries');
  }
  if (maxEntries !== undefined) requireMaxEntries(maxEntries);
  if (ttlMs !== undefined) requireTtl(ttlMs);
  if (staleMs !== undefined) requireStale(staleMs);
  if (tags !== undefined) requireTags(tags);
  const { softTimeoutMs, hardTimeoutMs, earlyRefreshRatio, negativeTtlMs, lease } = requireLoadRules(options);
  const rules: LoadRules = { softTimeoutMs, hardTimeoutMs, earlyRefreshRatio, negativeTtlMs, lease };
  return Object.freeze({ ttlMs, staleMs, tags, ...rules });
}

/** The calls of one cached function. */
class CachedCalls<Args extends readonly unknown[], Value> {
  readonly source: CacheSource | undefined;
  /** Its own memory, where one plain string is its own key: a hit costs no more than to look it up. */
  readonly direct: KeptValues<Value> | undefined;
  readonly #own: KeptValues<Value> | undefined;
  readonly #rules: EntryOptions & LoadRules;
  readonly #fn: Cacheable<Args, Value>;
  readonly #prefix: string;
  readonly #key: ((...args: Args) => string) | undefined;

  constructor(fn: Cacheable<Args, Value>, options: CachedOptions<Args>) {
    this.#fn = fn;
    this.#key = options.key;
    this.#rules = requireCachedOptions(options);
    this.source = options.cache;
    const name = options.keyPrefix ?? fn.name;
    if (options.cache === undefined) {
      const { maxEntries = 1_000, ttlMs = ownTtlMs, staleMs = 0, clock = systemClock } = options;
      this.#own = new KeptValues({ name, maxEntries, ttlMs, staleMs, rules: this.#rules, clock });
    }
    this.#prefix = options.cache === undefined ? '' : prefixFrom(name);
    this.direct = options.key === undefined ? this.#own : undefined;
    this.loadDirect = this.loadDirect.bind(this);
  }

  /** Loads a value in {@link direct}, whose key is the argument. */
  loadDirect(load: LoadContext<Value>): Promise<Value> {
    return Reflect.apply(this.#fn, load, [load.key] as unknown as Args);
  }

  promise(args: readonly unknown[]): Promise<Value> {
    const key = this.keyOf(args);
    const loader = this.#loader(args);
    if (this.#own !== undefined) return this.#own.getOrSet(key, loader);
    const cache = this.#cacheNow();
    if (cache === undefined) return loader(unkept(key));
    return cache.getOrSet(key, loader as Loader<unknown>, this.#rules) as Promise<Value>;
  }

  valueOrPromise(args: readonly unknown[]): Value | Promise<Value> {
    if (this.#own !== undefined) return this.#own.valueOrPromise(this.keyOf(args), this.#loader(args));
    const cache = this.#cacheNow();
    if (cache?.valueOrPromise === undefined) return this.promise(args);
    return cache.valueOrPromise(this.keyOf(args), this.#loader(args) as Loader<unknown>, this.#rules) as Value;
  }

  async forget(args: readonly unknown[]): Promise<boolean> {
    const cache = this.#own ?? this.#cacheNow();
    return (await cache?.delete(this.keyOf(args))) ?? false;
  }

  keyOf(args: readonly unknown[]): string {
    if (this.#key !== undefined) return this.#prefix + this.#key(...(args as Args));
    // To leave an argument out at the end is to call with `undefined`.
    const count = args.findLastIndex(argument => argument !== undefined) + 1;
    return this.#prefix + cacheKey(count === args.length ? args : args.slice(0, count));
  }

  #loader(args: readonly unknown[]): Loader<Value> {
    return load => Reflect.apply(this.#fn, load, args as unknown as Args);
  }

  #cacheNow(): AnyCache | undefined {
    const { source } = this;
    if (typeof source === 'object') return source;
    return source === 'ambient' ? ambientCache() : source?.();
  }
}

/** @throws {ArgumentError} when there is no name, so that functions would read each other's values. */
function prefixFrom(name: string): string {
  if (name === '') {
    const message = 'Cannot share a cache without a key prefix: the function has no name; give keyPrefix';
    throw new ArgumentError(message, 'keyPrefix');
  }
  return name.endsWith(':') ? name : `${name}:`;
}

/** What a function is given when nothing is kept. */
function unkept(key: string): LoadContext<never> {
  return { key, signal: new AbortController().signal, older: undefined, keep() {}, skip() {} };
}
