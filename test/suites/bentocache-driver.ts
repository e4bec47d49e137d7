import type { Cache, MemoryCache } from 'plinth/cache';

/** What a driver is given. */
export interface DriverOptions {
  readonly prefix?: string | undefined;
}

/** A cache as a driver of bentocache: keys are put into namespaces by prefixes. */
export class CacheDriver {
  readonly type = 'l2';
  readonly #cache: Cache | MemoryCache<unknown>;
  readonly #prefix: string;

  constructor(cache: Cache | MemoryCache<unknown>, { prefix = '' }: DriverOptions) {
    this.#cache = cache;
    this.#prefix = prefix;
  }

  namespace(name: string): CacheDriver {
    return new CacheDriver(this.#cache, { prefix: this.#key(name) });
  }

  async get(key: string): Promise<unknown> {
    return this.#cache.get(this.#key(key));
  }

  async pull(key: string): Promise<unknown> {
    const value = await this.get(key);
    await this.delete(key);
    return value;
  }

  async set(key: string, value: unknown, ttlMs?: number): Promise<boolean> {
    await this.#cache.set(this.#key(key), value, { ttlMs });
    return true;
  }

  async clear(): Promise<void> {
    await this.#cache.clear(this.#key('*'));
  }

  async delete(key: string): Promise<boolean> {
    return this.#cache.delete(this.#key(key));
  }

  async deleteMany(keys: readonly string[]): Promise<boolean> {
    await this.#cache.deleteMany(keys.map(key => this.#key(key)));
    return true;
  }

  async disconnect(): Promise<void> {}

  #key(key: string): string {
    return this.#prefix === '' ? key : `${this.#prefix}:${key}`;
  }
}
