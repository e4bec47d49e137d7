/** What a store keeps: bytes, or text that it keeps as UTF-8. */
export type StoredBytes = string | Uint8Array;

/**
 * Where entries are kept outside the process. A store knows keys and bytes: values, freshness and tags are the cache's
 * affair. To write one, run `cacheStoreContract` of `plinth/testing` against it.
 *
 * Every method settles within a time limit of the store's own: a rejection means that the store is away, and the cache
 * goes on without it. Keys are opaque text of up to 4,300 characters.
 */
export interface CacheStore extends AsyncDisposable {
  /**
   * Milliseconds since 1970 by a clock that everybody who uses the store shares, give or take a few. It must not be the
   * clock of this machine, unless the store is this machine's.
   */
  now(): number;
  /** Makes sure that {@link now} is that clock, if it is not from the beginning. */
  prepare?(): Promise<void>;
  /** What is kept under each key, in the order of the keys. */
  read(keys: readonly string[]): Promise<readonly (Uint8Array | undefined)[]>;
  /** Keeps bytes for so many milliseconds, whatever was there. */
  write(key: string, bytes: StoredBytes, lifetimeMs: number): Promise<void>;
  /**
   * As {@link write}, but only when what is there begins with `expected`, which is ASCII text, or, when that is
   * `undefined`, if nothing is there. Says whether it was done. Compares and writes in one step.
   */
  replace(key: string, expected: string | undefined, bytes: StoredBytes, lifetimeMs: number): Promise<boolean>;
  /** Forgets keys; says how many were there. */
  delete(keys: readonly string[]): Promise<number>;
  /**
   * Adds to a whole number that is kept as decimal digits, in one step; what is not there counts as 0. Gives the sum.
   * `lifetimeMs` begins anew when it is given; what has none yet gets `defaultLifetimeMs`.
   *
   * @throws {CacheError} when what is there is not a whole number.
   */
  increment(key: string, by: number, lifetimeMs: number | undefined, defaultLifetimeMs: number): Promise<number>;
  /** The keys that begin with a prefix, in portions. A key that comes or goes meanwhile may be missed. */
  scan(prefix: string): AsyncIterable<readonly string[]>;
  /** Tells what others change. Without it a cache in front of the store keeps values for a short time only. */
  readonly changes?: StoreChanges | undefined;
  /** Lets go of what the store has opened itself. */
  close(): Promise<void>;
}

/**
 * How changes are heard of. `tracking`: all of them, whoever makes them; `announcements`: those that are made through a
 * cache of this toolkit; `none`: nothing is heard.
 */
export type ChangeCoverage = 'tracking' | 'announcements' | 'none';

/** Who wants to hear of changes. */
export interface ChangeListener {
  /** This key was changed, deleted or has expired. */
  changed(key: string): void;
  /** Every key may have changed, or changes may have been missed: nothing that was read before can be relied on. */
  allChanged(): void;
}

/** What a store tells of changes to its keys by others than this process. */
export interface StoreChanges {
  /** How changes are heard of at present. */
  readonly coverage: ChangeCoverage;
  /**
   * All changes up to this moment of the process's monotonic clock, in milliseconds, have been told. It moves on by
   * itself while the store answers; -Infinity while nothing is heard.
   */
  readonly heardUntilMs: number;
  /** How often everything that was read before had to be given up. */
  readonly generation: number;
  /**
   * Begins to listen to keys that begin with a prefix. Call what it gives to stop.
   *
   * @param owner Who listens: it is not told of what it announces itself.
   */
  listen(prefix: string, listener: ChangeListener, owner?: object): () => void;
  /**
   * Tells of keys that were changed through this store: everybody else in this process, whom the store does not tell of what
   * its own connection does, and, where the coverage is `announcements`, other processes.
   */
  announce(keys: readonly string[], owner?: object): void;
}
