import { CacheError } from '../../errors/index.ts';
import { type Clock, systemClock } from '../../kernel/index.ts';
import { RedisCommandError, type RedisConnection, type RedisScript } from '../../redis/index.ts';
import type { CacheStore, StoredBytes } from '../cache-store.ts';
import { RedisChanges } from './redis-changes.ts';
import { incrementSource, replaceSource } from './scripts.ts';

/** The options of a {@link RedisCacheStore}. */
export interface RedisCacheStoreOptions {
  /** The connection. It may be shared, and stays open when the store is closed. */
  readonly redis: RedisConnection;
  /** Set before every key, after the prefix of the connection. @default 'cache:' */
  readonly keyPrefix?: string | undefined;
  /** @default systemClock */
  readonly clock?: Clock | undefined;
}

/** How many keys are asked for, or deleted, in one turn. */
const maxKeysInTurn = 500;

/** The longest lifetime that Redis takes with certainty: three thousand years. */
const maxLifetimeMs = 1e14;

/**
 * Entries in Redis, one key each, on a single server or a Redis Cluster. Changes by others are heard of by client tracking,
 * whoever makes them.
 *
 * {@link now} is the clock of the server, of a cluster that of its first master. Before the first connection it is that of
 * this machine: call {@link prepare} first where that matters.
 *
 * @example
 * await using redis = new RedisConnection({ url: 'redis://localhost:6379' });
 * const store = new RedisCacheStore({ redis });
 * await store.write('user:7', '{"name":"Ann"}', 60_000);
 */
export class RedisCacheStore implements CacheStore {
  /** What is heard of changes by others than this connection. */
  readonly changes: RedisChanges;
  readonly #redis: RedisConnection;
  readonly #keyPrefix: string;
  readonly #clock: Clock;
  readonly #replace: RedisScript;
  readonly #increment: RedisScript;

  constructor(options: RedisCacheStoreOptions) {
    const { redis, keyPrefix = 'cache:', clock = systemClock } = options;
    this.#redis = redis;
    this.#keyPrefix = redis.key(keyPrefix);
    this.#clock = clock;
    this.#replace = redis.script(replaceSource);
    this.#increment = redis.script(incrementSource);
    this.changes = new RedisChanges(redis.changes, this.#keyPrefix);
  }

  now(): number {
    return this.#redis.serverTimeMs ?? this.#clock.now();
  }

  /**
   * Connects, so that {@link now} is known to be the clock of the server. Needed only before the first entry is written, if
   * nothing was read before.
   *
   * @throws {RedisUnavailableError} when the first attempt failed.
   */
  async prepare(): Promise<void> {
    if (this.#redis.serverTimeMs === undefined) await this.#redis.connect();
  }

  read(keys: readonly string[]): Promise<readonly (Uint8Array | undefined)[]> {
    if (keys.length !== 1) return this.#readMany(keys);
    return this.#redis.commandForBytes(['GET', this.#keyPrefix + keys[0]]).then(inArray, notTextInArray);
  }

  write(key: string, bytes: StoredBytes, lifetimeMs: number): Promise<void> {
    const words = ['SET', this.#keyPrefix + key, wordOf(bytes), 'PX', wholeMs(lifetimeMs)];
    return this.#redis.command(words) as Promise<void>;
  }

  async replace(key: string, expected: string | undefined, bytes: StoredBytes, lifetimeMs: number): Promise<boolean> {
    const stored = this.#keyPrefix + key;
    if (expected === undefined) {
      const words = ['SET', stored, wordOf(bytes), 'PX', wholeMs(lifetimeMs), 'NX'];
      return (await this.#redis.command(words)) !== null;
    }
    return (await this.#replace.run([stored], [expected, wordOf(bytes), wholeMs(lifetimeMs)])) === 1;
  }

  async delete(keys: readonly string[]): Promise<number> {
    let deleted = 0;
    for (const portion of this.#portions(keys)) {
      const counts = await Promise.all(
        this.#redis.cluster
          ? portion.map(key => this.#redis.command(['UNLINK', key]))
          : [this.#redis.command(['UNLINK', ...portion])],
      );
      for (const count of counts) deleted += Number(count);
    }
    return deleted;
  }

  async increment(key: string, by: number, lifetimeMs: number | undefined, defaultLifetimeMs: number): Promise<number> {
    const lifetime = lifetimeMs === undefined ? '' : wholeMs(lifetimeMs);
    try {
      return Number(
        await this.#increment.run([this.#keyPrefix + key], [String(by), lifetime, wholeMs(defaultLifetimeMs)]),
      );
    } catch (cause) {
      if (!(cause instanceof RedisCommandError)) throw cause;
      throw new CacheError('Cannot increment: what is stored is not a whole number, or the sum is too large', {
        cause,
        retryable: false,
      });
    }
  }

  async *scan(prefix: string): AsyncGenerator<readonly string[], void, undefined> {
    const length = this.#keyPrefix.length;
    for await (const keys of this.#redis.scan(this.#keyPrefix + prefix)) yield keys.map(key => key.slice(length));
  }

  /** Nothing: the connection belongs to who made it. */
  async close(): Promise<void> {}

  /** As {@link close}. */
  async [Symbol.asyncDispose](): Promise<void> {}

  async #readMany(keys: readonly string[]): Promise<readonly (Uint8Array | undefined)[]> {
    const found: (Uint8Array | undefined)[] = [];
    for (const portion of this.#portions(keys)) {
      const values = this.#redis.cluster
        ? await Promise.all(portion.map(key => this.#redis.commandForBytes(['GET', key]).catch(notText)))
        : await this.#redis.commandForBytes(['MGET', ...portion]);
      for (const value of values as readonly unknown[]) found.push(bytesOf(value));
    }
    return found;
  }

  *#portions(keys: readonly string[]): Generator<readonly string[], void, undefined> {
    for (let start = 0; start < keys.length; start += maxKeysInTurn) {
      yield keys.slice(start, start + maxKeysInTurn).map(key => this.#keyPrefix + key);
    }
  }
}

/** Whole milliseconds, as a word of a command; a lifetime never ends early, and is never none. */
function wholeMs(lifetimeMs: number): string {
  return String(Math.min(maxLifetimeMs, Math.max(1, Math.ceil(lifetimeMs))));
}

function wordOf(bytes: StoredBytes): string | Buffer {
  if (typeof bytes === 'string' || Buffer.isBuffer(bytes)) return bytes;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function bytesOf(value: unknown): Uint8Array | undefined {
  return Buffer.isBuffer(value) ? value : undefined;
}

function inArray(value: unknown): readonly (Uint8Array | undefined)[] {
  return [bytesOf(value)];
}

function notTextInArray(error: unknown): readonly undefined[] {
  return [notText(error)];
}

/** What is there under a key and is not text, such as a list of somebody else's, is nothing to us. */
function notText(error: unknown): undefined {
  if (error instanceof RedisCommandError && error.message.includes('WRONGTYPE')) return undefined;
  throw error;
}
