import { ArgumentError } from '../errors/index.ts';
import { type Clock, Events, requireDuration, requireInteger, systemClock } from '../kernel/index.ts';
import type { CacheStore } from './cache-store.ts';
import type { CacheCodec } from './codecs.ts';
import { type LoadRules, requireLoadRules, requireStale, requireTtl } from './entry-options.ts';
import type { CacheEvents } from './events.ts';
import { MemoryEntries } from './memory-entries.ts';
import { reliedOnMs } from './memory-trust.ts';
import { StoredEntries } from './stored-entries.ts';
import type { TieredCacheParts } from './tiered-cache.ts';

/** How values are kept in a store, and what is done when the store is away. */
export interface StoreOptions {
  /** Sets keys of different uses apart: letters, digits, `.`, `_` and `-`. From a closed set. @default 'default' */
  readonly namespace?: string | undefined;
  /** Set before every key in the store, after the store's own prefix. @default 'cache:' */
  readonly keyPrefix?: string | undefined;
  /**
   * How values become bytes. `json` can be read by other languages; `structured` also keeps dates, maps, sets, typed arrays,
   * bigints and circles. Both read what the other has written. @default 'json'
   */
  readonly codec?: CacheCodec | undefined;
  /** Larger values are compressed when that pays, in bytes. @default 1_024 */
  readonly compressAboveBytes?: number | undefined;
  /** Larger values are refused, and taken for a miss when they are found, in bytes. @default 16_777_216 */
  readonly maxValueBytes?: number | undefined;
  /**
   * Whether a store that is away is an error of the caller's, a `CacheError`, instead of something that memory covers.
   * @default false
   */
  readonly strict?: boolean | undefined;
  /** How long a lease outlives a process that died with it, in milliseconds. @default 5_000 */
  readonly leaseMs?: number | undefined;
  /**
   * How old what memory says can be at most: a value that was changed longer ago is never given as fresh, whatever
   * becomes of the store and of connections, in milliseconds. @default 1_000
   */
  readonly maxStalenessMs?: number | undefined;
}

/** What is kept in memory. */
export interface MemoryTierOptions<Value> {
  /** How many entries are kept in memory. */
  readonly maxEntries?: number | undefined;
  /** How many bytes the entries in memory may take. @default no limit */
  readonly maxBytes?: number | undefined;
  /** What an entry takes, in bytes. @default an estimate */
  readonly sizeOf?: ((value: Value, key: string) => number) | undefined;
  /** Which entry goes when memory is full. @default 's3-fifo' */
  readonly evictionPolicy?: 's3-fifo' | 'lru' | undefined;
}

/** What the faces of `TieredCache` have in common. */
export interface TieredOptions<Value> extends StoreOptions, MemoryTierOptions<Value>, LoadRules {
  /** What it is called, for people and metrics. From a closed set. */
  readonly name?: string | undefined;
  /** How long an entry is fresh, in milliseconds. */
  readonly ttlMs?: number | undefined;
  /** How long after that an entry may still stand in when its loader fails or is slow, in milliseconds. @default 0 */
  readonly staleMs?: number | undefined;
  /** @default systemClock */
  readonly clock?: Clock | undefined;
}

/** What differs between the faces. */
interface TieredDefaults {
  readonly name: string;
  readonly maxEntries: number;
  readonly ttlMs: number;
  readonly memoryTtlMs: number;
  readonly memoryServes: 'always' | 'outages';
}

/**
 * Fills in the defaults and makes the parts.
 *
 * @throws {ArgumentError} that names the option, its value and what was expected.
 */
export function tieredParts<Value>(
  store: CacheStore,
  options: TieredOptions<Value>,
  defaults: TieredDefaults,
): TieredCacheParts<Value> {
  const { name = defaults.name, clock = systemClock, evictionPolicy = 's3-fifo' } = options;
  const namespace = requireNamespace(options.namespace ?? 'default');
  const maxStalenessMs = requireDuration('maxStalenessMs', options.maxStalenessMs ?? 1_000, 1);
  const staleMs = requireStale(options.staleMs ?? 0);
  const events = new Events<CacheEvents>();
  const { codec, keyPrefix, compressAboveBytes, maxValueBytes } = options;
  return {
    ...defaults,
    name,
    store,
    clock,
    events,
    staleMs,
    maxStalenessMs,
    ttlMs: requireTtl(options.ttlMs ?? defaults.ttlMs),
    leaseMs: requireDuration('leaseMs', options.leaseMs ?? 5_000, 1),
    strict: options.strict ?? false,
    rules: requireLoadRules(options),
    memory: new MemoryEntries<Value>(
      {
        maxEntries: requireInteger('maxEntries', options.maxEntries ?? defaults.maxEntries, 1),
        maxBytes: options.maxBytes === undefined ? undefined : requireInteger('maxBytes', options.maxBytes, 1),
        sizeOf: options.sizeOf,
        evictionPolicy,
        staleMs,
      },
      clock.monotonic(),
    ),
    entries: new StoredEntries<Value>({
      store,
      name,
      namespace,
      keyPrefix,
      codec,
      compressAboveBytes,
      maxValueBytes,
      maxStalenessMs: reliedOnMs(maxStalenessMs),
      clock,
      events,
    }),
  };
}

/** @throws {ArgumentError} for a name that could be mistaken for another namespace and a key. */
export function requireNamespace(namespace: string): string {
  if (/^[a-z0-9][a-z0-9._-]{0,63}$/i.test(namespace)) return namespace;
  throw new ArgumentError(
    `Cannot use the namespace "${namespace}": expected 1 to 64 letters, digits, ".", "_" or "-", beginning with a letter or digit`,
    'namespace',
  );
}
