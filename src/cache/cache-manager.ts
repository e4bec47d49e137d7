import { ArgumentError } from '../errors/index.ts';
import { type Clock, type EventSource, Events, systemClock } from '../kernel/index.ts';
import type { RedisConnection } from '../redis/index.ts';
import type { Cache, LoadingCache } from './cache.ts';
import type { CacheStore } from './cache-store.ts';
import type { EntryLifetime, EntryOptions, Loaded, Loader, LoadOptions } from './entry-options.ts';
import type { CacheEvents } from './events.ts';
import { LocalCache } from './local-cache.ts';
import { MemoryCache } from './memory-cache.ts';
import { RedisCacheStore } from './redis/redis-cache-store.ts';
import type { CacheStats } from './stats.ts';
import { type CacheCoherence, TieredCache } from './tiered-cache.ts';
import { requireNamespace, type TieredOptions, tieredParts } from './tiered-options.ts';

/** Where a {@link CacheManager} keeps entries: in memory, on Redis, or in both. */
export type CacheBackend = 'memory' | 'redis' | 'hybrid';

/** What may differ between namespaces. */
export interface NamespaceOptions<Value>
  extends Omit<TieredOptions<Value>, 'name' | 'namespace' | 'clock' | 'keyPrefix'> {
  /** How long an entry is fresh in memory at most, when Redis is behind it, in milliseconds. @default 300_000 */
  readonly memoryTtlMs?: number | undefined;
}

/** The numbers of a {@link CacheManager}, for every namespace that says nothing else. */
export interface CacheManagerOptions extends Omit<NamespaceOptions<unknown>, 'sizeOf'> {
  /** What it is called, for people and metrics. @default 'cache' */
  readonly name?: string | undefined;
  /**
   * Where entries are kept. `redis` and `hybrid` without a Redis or store mean `memory`, with a warning.
   * @default 'hybrid' with a Redis or store, else 'memory'
   */
  readonly backend?: CacheBackend | undefined;
  /** The connection that entries are shared by; it remains the caller's to close. */
  readonly redis?: RedisConnection | undefined;
  /** A store of one's own, instead of Redis. */
  readonly store?: CacheStore | undefined;
  /** How long an entry is fresh, in milliseconds. @default 300_000 */
  readonly ttlMs?: number | undefined;
  /** How many entries each namespace keeps in memory. @default 1_000 */
  readonly maxEntries?: number | undefined;
  /** Set before every key in the store. @default 'cache:' */
  readonly keyPrefix?: string | undefined;
  /** @default systemClock */
  readonly clock?: Clock | undefined;
}

/** A cache of a {@link CacheManager}. */
export type NamespaceCache<Value> = Cache<Value> & LoadingCache<Value>;

/** What a {@link CacheManager} tells. */
export interface CacheManagerEvents extends CacheEvents {
  /** A namespace was asked for for the first time. */
  readonly opened: { readonly name: string; readonly cache: NamespaceCache<unknown> };
}

/** How a {@link CacheManager} is. */
export interface CacheHealth {
  /** `degraded`: it works, but not as it was told to. */
  readonly status: 'up' | 'degraded';
  /** Where entries are kept. */
  readonly backend: CacheBackend;
  /** What is the matter; absent when nothing is. */
  readonly message?: string;
  /** How memory is kept in step with the store; absent without one. */
  readonly coherence?: CacheCoherence;
}

/** The name of the namespace that the manager's own verbs speak of. */
const defaultNamespace = 'default';

/**
 * Every cache of a process: namespaces on one backend, with one set of defaults. It has the verbs of a cache itself, for a
 * namespace of its own.
 *
 * @example
 * await using caches = new CacheManager({ redis, ttlMs: 60_000 });
 * const users = caches.namespace<User>('users', { staleMs: 600_000, lease: true });
 * const user = await users.getOrSet(id, ({ key, signal }) => loadUser(key, signal));
 * await caches.set('greeting', 'hello');
 */
export class CacheManager implements Cache<unknown>, AsyncDisposable {
  readonly name: string;
  /** Where entries are kept. */
  readonly backend: CacheBackend;
  readonly #options: CacheManagerOptions;
  readonly #clock: Clock;
  readonly #store: CacheStore | undefined;
  readonly #warning: string | undefined;
  readonly #events = new Events<CacheManagerEvents>();
  readonly #namespaces = new Map<string, TieredCache<unknown> | LocalCache<unknown>>();
  #opened: NamespaceCache<unknown> | undefined;

  /** @throws {ArgumentError} that names the option, its value and what was expected. */
  constructor(options: CacheManagerOptions = {}) {
    this.name = options.name ?? 'cache';
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    const { redis, store, backend } = options;
    const isShared = store !== undefined || redis !== undefined;
    const asked = requireBackend(backend ?? (isShared ? 'hybrid' : 'memory'));
    if (asked !== 'memory') this.#store = store ?? (redis && new RedisCacheStore({ redis, keyPrefix: '' }));
    this.backend = this.#store === undefined ? 'memory' : asked;
    if (asked !== this.backend) {
      this.#warning = `The cache "${this.name}" was told to keep entries on Redis (${asked}) and was given none: they stay in memory, and are not shared`;
      process.emitWarning(this.#warning, 'CacheWarning');
    }
  }

  /** What there is to listen to, for all namespaces together; their events carry the namespace's name. */
  get events(): EventSource<CacheManagerEvents> {
    return this.#events;
  }

  /** Whether the store is away, so that this process goes on in its own memory. */
  get degraded(): boolean {
    return [...this.#namespaces.values()].some(cache => cache instanceof TieredCache && cache.degraded);
  }

  /**
   * The cache of a namespace, made when it is asked for the first time; options count then only.
   *
   * @param name From a closed set: letters, digits, `.`, `_` and `-`.
   * @throws {ArgumentError} for a name that cannot be used.
   */
  namespace<Value = unknown>(name: string, options: NamespaceOptions<Value> = {}): NamespaceCache<Value> {
    const known = this.#namespaces.get(requireNamespace(name));
    // Whoever names a namespace says what is in it.
    if (known !== undefined) return known as unknown as NamespaceCache<Value>;
    const cache = this.#open(name, options);
    this.#namespaces.set(name, cache as unknown as TieredCache<unknown>);
    this.#events.emit('opened', { name, cache: cache as unknown as NamespaceCache<unknown> });
    return cache;
  }

  /** The names of the namespaces that were asked for. */
  get namespaces(): readonly string[] {
    return [...this.#namespaces.keys()];
  }

  get(key: string): Promise<unknown> {
    return this.#default.get(key);
  }

  getMany(keys: readonly string[]): Promise<ReadonlyMap<string, unknown>> {
    return this.#default.getMany(keys);
  }

  set(key: string, value: unknown, options?: EntryOptions): Promise<void> {
    return this.#default.set(key, value, options);
  }

  setMany(entries: Iterable<readonly [string, unknown]>, options?: EntryOptions): Promise<void> {
    return this.#default.setMany(entries, options);
  }

  delete(key: string): Promise<boolean> {
    return this.#default.delete(key);
  }

  deleteMany(keys: readonly string[]): Promise<number> {
    return this.#default.deleteMany(keys);
  }

  exists(key: string): Promise<boolean> {
    return this.#default.exists(key);
  }

  clear(pattern?: string): Promise<number> {
    return this.#default.clear(pattern);
  }

  increment(key: string, by?: number, lifetime?: Pick<EntryLifetime, 'ttlMs'>): Promise<number> {
    return this.#default.increment(key, by, lifetime);
  }

  expire(key: string, ttlMs: number): Promise<boolean> {
    return this.#default.expire(key, ttlMs);
  }

  deleteByTag(tag: string): Promise<void> {
    return this.#default.deleteByTag(tag);
  }

  expireByTag(tag: string): Promise<void> {
    return this.#default.expireByTag(tag);
  }

  getOrSet<Value>(key: string, loader: Loader<Value>, options?: LoadOptions): Promise<Value> {
    return (this.#default as NamespaceCache<Value>).getOrSet(key, loader, options);
  }

  load<Value>(key: string, loader: Loader<Value>, options?: LoadOptions): Promise<Loaded<Value>> {
    return (this.#default as NamespaceCache<Value>).load(key, loader, options);
  }

  keys(): AsyncIterableIterator<string> {
    return this.#default.keys();
  }

  /** What the manager's own namespace has counted; {@link statsByNamespace} has all. */
  stats(): CacheStats {
    return this.#default.stats();
  }

  /** What every namespace has counted. */
  statsByNamespace(): Readonly<Record<string, CacheStats>> {
    return Object.fromEntries([...this.#namespaces].map(([name, cache]) => [name, cache.stats()]));
  }

  /** How it is. Asks nothing: what it tells was noticed at the last requests, and by what the store tells of changes. */
  health(): CacheHealth {
    const tiered = [...this.#namespaces.values()].filter(cache => cache instanceof TieredCache);
    const away = tiered.find(cache => cache.degraded);
    const coherence = tiered[0]?.coherence;
    const { backend } = this;
    const known = { backend, ...(coherence === undefined ? {} : { coherence }) };
    if (this.#warning !== undefined) return { status: 'degraded', message: this.#warning, ...known };
    if (away !== undefined) {
      const message = 'The store is away: every process goes on in its own memory, with short lifetimes';
      return { status: 'degraded', message, ...known };
    }
    if (backend === 'hybrid' && coherence !== undefined && coherence.coverage !== 'tracking') {
      return { status: 'degraded', message: coverageMessages[coherence.coverage], ...known };
    }
    return { status: 'up', ...known };
  }

  /**
   * Connects to Redis now, instead of with the first request.
   *
   * @throws {RedisUnavailableError} when the first attempt failed; the cache works in memory meanwhile.
   */
  async connect(): Promise<void> {
    await this.#options.redis?.connect();
  }

  /** Stops listening to changes. The connection or store remains open: it is the caller's. */
  async close(): Promise<void> {
    for (const cache of this.#namespaces.values()) if (cache instanceof TieredCache) await cache.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  get #default(): NamespaceCache<unknown> {
    this.#opened ??= this.namespace(defaultNamespace);
    return this.#opened;
  }

  #open<Value>(namespace: string, own: NamespaceOptions<Value>): TieredCache<Value> | LocalCache<Value> {
    const { redis: _, store: __, backend: ___, ...defaults } = this.#options;
    const said = Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined));
    const options = {
      ttlMs: 300_000,
      maxEntries: 1_000,
      ...defaults,
      ...said,
      name: namespace,
      namespace,
      clock: this.#clock,
    };
    const cache = this.#make<Value>(options);
    for (const type of ['loaded', 'load-failed', 'unusable', 'unstorable', 'degraded', 'recovered'] as const) {
      cache.events.on(type, event => this.#events.emit(type, event as never));
    }
    return cache;
  }

  #make<Value>(options: NamespaceOptions<Value> & TieredOptions<Value>): TieredCache<Value> | LocalCache<Value> {
    const store = this.#store;
    if (store === undefined) return new LocalCache(new MemoryCache<Value>(options));
    return new TieredCache<Value>(
      tieredParts(store, options, {
        name: this.name,
        maxEntries: 1_000,
        ttlMs: 300_000,
        memoryTtlMs: options.memoryTtlMs ?? 300_000,
        memoryServes: this.backend === 'redis' ? 'outages' : 'always',
      }),
    );
  }
}

const coverageMessages = {
  announcements: 'Redis does not tell of changes: only those made through this cache are heard of at once',
  none: 'Nothing tells of changes: entries in memory live for a short time only',
} as const;

function requireBackend(backend: CacheBackend): CacheBackend {
  if (backend === 'memory' || backend === 'redis' || backend === 'hybrid') return backend;
  throw new ArgumentError(
    `Cannot use the backend "${String(backend)}": expected "memory", "redis" or "hybrid"`,
    'backend',
  );
}
