/** Counts of what was asked of a cache, for all keys or for those of one prefix. */
export interface CacheCounts {
  /** Reads that found a fresh value in memory. */
  readonly hits: number;
  /** Reads that found a fresh value in the store. */
  readonly storeHits: number;
  /** Reads that found none. */
  readonly misses: number;
  /** Older values that stood in. */
  readonly stale: number;
  /** Loaders that ran. */
  readonly loads: number;
  /** Loaders that failed. */
  readonly loadFailures: number;
  /** Reads that waited for a load that was under way. */
  readonly joined: number;
  /** Entries that had to go because memory was full. */
  readonly evictions: number;
  /** Of those, how many were kept anew soon after: with more room they would have been hits. */
  readonly regrets: number;
  /** What all loaders took, in milliseconds. */
  readonly loadMs: number;
  /** What the hits would have taken, had each been loaded, in milliseconds. */
  readonly savedMs: number;
  /** Hits, in memory or in the store, by reads, from 0 to 1; 0 before the first read. */
  readonly hitRate: number;
}

/** What a cache has counted since it was made. */
export interface CacheStats extends CacheCounts {
  readonly name: string;
  /** Entries in memory. */
  readonly entries: number;
  readonly maxEntries: number;
  /** What the entries in memory take, in bytes: exact when the cache has a size in bytes, else estimated from a sample. */
  readonly bytes: number;
  readonly maxBytes: number | undefined;
  /** The same by prefix, the part of a key before its first colon; `*` for what is beyond the first 64 prefixes. */
  readonly prefixes: Readonly<Record<string, CacheCounts & { readonly entries: number; readonly bytes: number }>>;
}
