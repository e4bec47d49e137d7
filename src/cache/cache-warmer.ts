import { type Clock, requireInteger, systemClock } from '../kernel/index.ts';
import {
  type EntryOptions,
  type Loaded,
  type Loader,
  type LoadOptions,
  requireStale,
  requireTags,
  requireTtl,
} from './entry-options.ts';

/** What a {@link CacheWarmer} needs of a cache. */
export interface WarmedCache<Value> {
  load(key: string, loader: Loader<Value>, options?: LoadOptions): Promise<Loaded<Value>>;
}

/** How a {@link CacheWarmer} works. */
export interface CacheWarmerOptions<Value> extends EntryOptions {
  /** The cache that is to be filled: any of them. */
  readonly cache: WarmedCache<Value>;
  /** Gets the value of a key. */
  readonly load: Loader<Value>;
  /** How many keys are loaded at the same time. @default 10 */
  readonly concurrency?: number | undefined;
  /** @default systemClock */
  readonly clock?: Clock | undefined;
}

/** What a {@link CacheWarmer} has done. */
export interface WarmingResult {
  /** Keys whose value was loaded. */
  readonly loaded: number;
  /** Keys that had a value already. */
  readonly present: number;
  /** Keys whose loader failed. */
  readonly failed: readonly { readonly key: string; readonly error: unknown }[];
  /** Whether the signal stopped it before it came to the last key. */
  readonly stopped: boolean;
  readonly durationMs: number;
}

/**
 * Fills a cache before it is asked: what is fresh stays, the rest is loaded. A key whose loader fails does not stop the
 * others.
 *
 * @example
 * const warmer = new CacheWarmer({ cache, load: ({ key, signal }) => fetchDrug(key, signal) });
 * const { loaded, present, failed } = await warmer.warm(['aspirin', 'ibuprofen']);
 */
export class CacheWarmer<Value> {
  readonly #cache: WarmedCache<Value>;
  readonly #load: Loader<Value>;
  readonly #concurrency: number;
  readonly #entry: EntryOptions;
  readonly #clock: Clock;

  constructor(options: CacheWarmerOptions<Value>) {
    const { cache, load, ttlMs, staleMs, tags } = options;
    this.#cache = cache;
    this.#load = load;
    this.#concurrency = requireInteger('concurrency', options.concurrency ?? 10, 1, 10_000);
    if (ttlMs !== undefined) requireTtl(ttlMs);
    if (staleMs !== undefined) requireStale(staleMs);
    if (tags !== undefined) requireTags(tags);
    this.#entry = { ttlMs, staleMs, tags };
    this.#clock = options.clock ?? systemClock;
  }

  /**
   * Sees to it that every key has a value.
   *
   * @param options.signal Stops it: no further key is begun, what is being loaded for nobody else is aborted, and the
   *   result says what was done until then.
   */
  async warm(
    keys: Iterable<string> | AsyncIterable<string>,
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<WarmingResult> {
    const startedMs = this.#clock.monotonic();
    const round = new WarmingRound(keys, options.signal);
    const load = (key: string): Promise<Loaded<Value>> =>
      this.#cache.load(key, this.#load, { ...this.#entry, signal: options.signal });
    await Promise.all(Array.from({ length: this.#concurrency }, () => round.work(load)));
    return { ...round.result(), durationMs: this.#clock.monotonic() - startedMs };
  }
}

/** One call of {@link CacheWarmer.warm}: several workers take keys from one list. */
class WarmingRound {
  readonly #keys: Iterator<string> | AsyncIterator<string>;
  readonly #signal: AbortSignal | undefined;
  readonly #failed: { key: string; error: unknown }[] = [];
  #loaded = 0;
  #present = 0;
  #isAtEnd = false;

  constructor(keys: Iterable<string> | AsyncIterable<string>, signal: AbortSignal | undefined) {
    this.#keys = Symbol.asyncIterator in keys ? keys[Symbol.asyncIterator]() : keys[Symbol.iterator]();
    this.#signal = signal;
  }

  async work(load: (key: string) => Promise<Loaded<unknown>>): Promise<void> {
    while (!this.#isAtEnd && !this.#signal?.aborted) {
      const next = await this.#keys.next();
      if (next.done) this.#isAtEnd = true;
      else if (!this.#signal?.aborted) await this.#one(next.value, load);
    }
  }

  result(): Omit<WarmingResult, 'durationMs'> {
    const stopped = this.#signal?.aborted === true && !this.#isAtEnd;
    return { loaded: this.#loaded, present: this.#present, failed: this.#failed, stopped };
  }

  async #one(key: string, load: (key: string) => Promise<Loaded<unknown>>): Promise<void> {
    try {
      const { state, error } = await load(key);
      if (error !== undefined) this.#failed.push({ key, error });
      else if (state === 'loaded' || state === 'joined') this.#loaded += 1;
      else this.#present += 1;
    } catch (error) {
      if (!this.#signal?.aborted) this.#failed.push({ key, error });
    }
  }
}
