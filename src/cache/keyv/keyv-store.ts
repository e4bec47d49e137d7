import type { AnyCache } from '../any-cache.ts';

/** How a {@link KeyvCacheStore} behaves. */
export interface KeyvCacheStoreOptions {
  /**
   * What its keys begin with in the cache, so that what others keep there is not touched by `clear()`.
   *
   * @default nothing
   */
  readonly keyPrefix?: string | undefined;
}

type Milliseconds = number;

/** One entry of `setMany`, as Keyv names what is in it. */
export interface KeyvEntry {
  readonly key: string;
  readonly value: unknown;
  readonly ttl?: Milliseconds | undefined;
}

/**
 * A cache as the store of a Keyv, version 5, for libraries that want one. A value that is set without a lifetime lives as
 * long as the cache says: nothing is kept for ever.
 *
 * @example
 * const keyv = new Keyv({ store: new KeyvCacheStore(cache), namespace: 'sessions' });
 * await keyv.set('7', { user: 'ada' }, 60_000);
 */
export class KeyvCacheStore {
  /** Set by Keyv: its keys begin with it, and `clear()` forgets no others. */
  namespace: string | undefined;
  /** What Keyv looks at: it iterates over stores only whose dialect it knows, and this is the nearest. */
  readonly opts: Record<string, unknown> = { dialect: 'redis', url: '' };
  /** The entries, for `keyv.iterator()`; only where the cache can say which keys it has. */
  declare readonly iterator?: <Value>(
    namespace?: string,
  ) => AsyncGenerator<(string | Awaited<Value> | undefined)[], void>;
  readonly #cache: AnyCache;
  readonly #keyPrefix: string;
  readonly #listeners: ((error: unknown) => void)[] = [];

  constructor(cache: AnyCache, options: KeyvCacheStoreOptions = {}) {
    this.#cache = cache;
    this.#keyPrefix = options.keyPrefix ?? '';
    if (cache.keys !== undefined) this.iterator = namespace => this.#entries(namespace);
  }

  /** The value, if it is there. A failure is told to those who listen to `error`, because Keyv keeps silent about it. */
  async get<Value>(key: string): Promise<Value | undefined> {
    try {
      return (await this.#cache.get(this.#keyPrefix + key)) as Value | undefined;
    } catch (error) {
      for (const listener of this.#listeners) listener(error);
      throw error;
    }
  }

  /** The values in the order of the keys. */
  async getMany<Value>(keys: string[]): Promise<(Value | undefined)[]> {
    const found = await this.#cache.getMany(keys.map(key => this.#keyPrefix + key));
    return keys.map(key => found.get(this.#keyPrefix + key) as Value | undefined);
  }

  /** Keeps a value for so many milliseconds, or as long as the cache does. A lifetime that is over forgets the key. */
  async set(key: string, value: unknown, ttlMs?: number): Promise<boolean> {
    if (ttlMs !== undefined && ttlMs <= 0) await this.#cache.delete(this.#keyPrefix + key);
    else await this.#cache.set(this.#keyPrefix + key, value, { ttlMs });
    return true;
  }

  /** Keeps many values, each with its own lifetime. */
  async setMany(entries: readonly KeyvEntry[]): Promise<void> {
    await Promise.all(entries.map(({ key, value, ttl }) => this.set(key, value, ttl)));
  }

  /** Forgets a key; says whether it was there. */
  async delete(key: string): Promise<boolean> {
    return this.#cache.delete(this.#keyPrefix + key);
  }

  /** Forgets keys; says whether all of them were there. */
  async deleteMany(keys: string[]): Promise<boolean> {
    const count = await this.#cache.deleteMany([...new Set(keys)].map(key => this.#keyPrefix + key));
    return count === new Set(keys).size;
  }

  /** Forgets what is in the namespace; without one, all that begins with the key prefix. */
  async clear(): Promise<void> {
    const beginning = this.#beginning(this.namespace);
    await this.#cache.clear(beginning === '' ? undefined : `${escapeGlob(beginning)}*`);
  }

  /** Whether a key is there. */
  async has(key: string): Promise<boolean> {
    const found = this.#cache.has?.(this.#keyPrefix + key) ?? (await this.#cache.exists?.(this.#keyPrefix + key));
    return found ?? (await this.get(key)) !== undefined;
  }

  /** Whether each key is there. */
  async hasMany(keys: string[]): Promise<boolean[]> {
    return Promise.all(keys.map(key => this.has(key)));
  }

  /** Listens to `error`. */
  on(event: string, listener: (...args: unknown[]) => void): this {
    if (event === 'error') this.#listeners.push(listener);
    return this;
  }

  #beginning(namespace: string | undefined): string {
    return namespace ? `${this.#keyPrefix}${namespace}:` : this.#keyPrefix;
  }

  async *#entries<Value>(namespace: string | undefined): AsyncGenerator<(string | Awaited<Value> | undefined)[], void> {
    const beginning = this.#beginning(namespace);
    for await (const key of this.#cache.keys?.() ?? []) {
      if (!key.startsWith(beginning)) continue;
      const value = (await this.#cache.get(key)) as Awaited<Value> | undefined;
      if (value !== undefined) yield [key.slice(this.#keyPrefix.length), value];
    }
  }
}

/** A pattern that matches this text only. */
function escapeGlob(text: string): string {
  return text.replaceAll(/[\\*?[\]]/g, '\\$&');
}
