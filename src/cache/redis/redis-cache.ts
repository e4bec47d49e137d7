import { RedisConnection } from '../../redis/index.ts';
import { TieredCache } from '../tiered-cache.ts';
import { type TieredOptions, tieredParts } from '../tiered-options.ts';
import { RedisCacheStore } from './redis-cache-store.ts';

/** How to make a {@link RedisCache}; `ttlMs` is a day by default. `maxEntries` counts what memory keeps in an outage: 1,000. */
export interface RedisCacheOptions<Value> extends TieredOptions<Value> {
  /** The connection to use; it remains the caller's to close. @default one of its own, to `url` */
  readonly redis?: RedisConnection | undefined;
  /** @default made of `host`, `port` and `database` */
  readonly url?: string | undefined;
  /** @default 'localhost' */
  readonly host?: string | undefined;
  /** @default 6_379 */
  readonly port?: number | undefined;
  /** The number of the database. @default 0 */
  readonly database?: number | undefined;
}

/**
 * A cache that processes share on a Redis; every read asks it. Only while Redis is away does memory cover for it, in the
 * state `degraded`.
 *
 * @example
 * await using cache = new RedisCache<User>({ host: 'localhost', ttlMs: 60_000 });
 * await cache.set('7', user);
 * const visits = await cache.increment('visits');
 */
export class RedisCache<Value = unknown> extends TieredCache<Value> {
  readonly #own: RedisConnection | undefined;

  /** @throws {ArgumentError} that names the option, its value and what was expected. */
  constructor(options: RedisCacheOptions<Value> = {}) {
    const own = options.redis === undefined ? new RedisConnection({ url: urlOf(options) }) : undefined;
    const store = new RedisCacheStore({ redis: options.redis ?? (own as RedisConnection), keyPrefix: '' });
    super(
      tieredParts(store, options, {
        name: 'redis',
        maxEntries: 1_000,
        ttlMs: 86_400_000,
        memoryTtlMs: 300_000,
        memoryServes: 'outages',
      }),
    );
    this.#own = own;
  }

  /** Closes its own connection, if it made one. */
  override async close(): Promise<void> {
    await super.close();
    await this.#own?.close();
  }
}

function urlOf({ url, host = 'localhost', port = 6_379, database = 0 }: RedisCacheOptions<never>): string {
  return url ?? `redis://${host}:${port}/${database}`;
}
