import { ArgumentError } from '../errors/index.ts';
import { requireDuration, requireNumber } from '../kernel/index.ts';

/** How long an entry lives, where it differs from the cache's. */
export interface EntryLifetime {
  /** How long the entry is fresh, in milliseconds. In memory, more than 24 days count as 24 days. @default the cache's */
  readonly ttlMs?: number | undefined;
  /** How long after that it may stand in when its loader fails or is slow, in milliseconds. @default the cache's */
  readonly staleMs?: number | undefined;
}

/** What may be said about one entry. */
export interface EntryOptions extends EntryLifetime {
  /** Names by which many entries can be deleted or expired at once. At most 32. @default none */
  readonly tags?: readonly string[] | undefined;
}

/** How a value is loaded when it is not there. Each of them may be given to the cache, for all loads, or to one load. */
export interface LoadRules {
  /**
   * How long a caller waits for the loader when an older value is there, in milliseconds; then it gets the older value, and
   * the load goes on without it. 0 never waits: stale while revalidate. @default until the loader ends
   */
  readonly softTimeoutMs?: number | undefined;
  /**
   * How long the loader may take, in milliseconds. Then its signal is aborted, and its callers get the older value, or a
   * `TimeoutError` when there is none. @default no limit
   */
  readonly hardTimeoutMs?: number | undefined;
  /**
   * After which share of its lifetime, from 0 to 1, a hit loads the value anew in the background. 1 waits until it has
   * expired. @default 1
   */
  readonly earlyRefreshRatio?: number | undefined;
  /** How long the answer `undefined` or `null` is fresh, in milliseconds; 0 does not keep it. @default as any value */
  readonly negativeTtlMs?: number | undefined;
  /**
   * Whether only one process loads, while the others wait for its value. Without a store that processes share it changes
   * nothing. @default false
   */
  readonly lease?: boolean | undefined;
}

/** What a load may be told. */
export interface LoadOptions extends EntryOptions, LoadRules {
  /** Stops waiting. The loader is aborted when nobody waits any more. */
  readonly signal?: AbortSignal | undefined;
}

/** How a load came by its value. */
export interface Loaded<Value> {
  readonly value: Value;
  /**
   * `hit`: it was there; `loaded`: this call loaded it; `joined`: another call was loading it; `stale`: an older value
   * stands in, because the loader failed, or took longer than `softTimeoutMs`.
   */
  readonly state: 'hit' | 'loaded' | 'joined' | 'stale';
  /** Age of the value, in milliseconds. In memory, more than 24 days count as 24 days. */
  readonly ageMs: number;
  /** Why the loader failed, when that is why the value is stale. */
  readonly error?: unknown;
}

/** A value that is past its freshness, or will be when it is replaced. */
export interface OlderValue<Value> {
  readonly value: Value;
  /** Age of the value, in milliseconds. In memory, more than 24 days count as 24 days. */
  readonly ageMs: number;
}

/** What a loader is given. */
export interface LoadContext<Value> {
  /** The key that is loaded. */
  readonly key: string;
  /** Aborted when nobody waits for the value any more, or at `hardTimeoutMs`. */
  readonly signal: AbortSignal;
  /** The value that is there, for a conditional request. */
  readonly older: OlderValue<Value> | undefined;
  /** Says how long the value lives and what its tags are; what is left out stays as the caller said. */
  keep(options: EntryOptions): void;
  /** Gives the value to those who wait, and keeps it not. */
  skip(): void;
}

/**
 * Gets a value from where it really is.
 *
 * @example
 * const loadUser: Loader<User> = async ({ key, signal, keep }) => {
 *   const { user, maxAgeMs } = await fetchUser(key, signal);
 *   keep({ ttlMs: maxAgeMs });
 *   return user;
 * };
 */
export type Loader<Value> = (load: LoadContext<Value>) => Promise<Value>;

/** The most tags of one entry. */
const maxTags = 32;

/** The most characters of a tag. */
const maxTagLength = 256;

/** @throws {ArgumentError} for a lifetime that is not above 0. */
export function requireTtl(ttlMs: number): number {
  if (Number.isFinite(ttlMs) && ttlMs > 0) return ttlMs;
  throw new ArgumentError(`Cannot use ttlMs: expected a number above 0, got ${String(ttlMs)}`, 'ttlMs');
}

/** @throws {ArgumentError} for a time that is negative or not finite. */
export function requireStale(staleMs: number): number {
  return requireDuration('staleMs', staleMs, 0);
}

/** @throws {ArgumentError} for tags that are empty, too long or too many. */
export function requireTags(tags: readonly string[]): readonly string[] {
  if (tags.length > maxTags) {
    throw new ArgumentError(`Cannot use tags: expected at most ${maxTags}, got ${tags.length}`, 'tags');
  }
  for (const tag of tags) {
    if (typeof tag === 'string' && tag.length > 0 && tag.length <= maxTagLength) continue;
    const found = typeof tag === 'string' ? `${tag.length} characters` : typeof tag;
    throw new ArgumentError(`Cannot use a tag: expected 1 to ${maxTagLength} characters, got ${found}`, 'tags');
  }
  return tags.length > 1 ? [...new Set(tags)] : tags;
}

/** @throws {ArgumentError} that names the rule, its value and what was expected. */
export function requireLoadRules(rules: LoadRules): LoadRules {
  const { softTimeoutMs, hardTimeoutMs, earlyRefreshRatio, negativeTtlMs } = rules;
  if (softTimeoutMs !== undefined) requireDuration('softTimeoutMs', softTimeoutMs, 0);
  if (hardTimeoutMs !== undefined) requireDuration('hardTimeoutMs', hardTimeoutMs, 1);
  if (earlyRefreshRatio !== undefined) requireNumber('earlyRefreshRatio', earlyRefreshRatio, 0, 1);
  if (negativeTtlMs !== undefined) requireDuration('negativeTtlMs', negativeTtlMs, 0);
  return rules;
}

/** @throws {ArgumentError} that names what cannot be used, so that nothing is loaded in vain. */
export function requireLoadOptions(options: LoadOptions): void {
  const { ttlMs, staleMs, tags } = options;
  if (ttlMs !== undefined) requireTtl(ttlMs);
  if (staleMs !== undefined) requireStale(staleMs);
  if (tags !== undefined) requireTags(tags);
  requireLoadRules(options);
}
