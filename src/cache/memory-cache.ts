import { CacheError } from '../errors/index.ts';
import { type Clock, type EventSource, Events, requireInteger, systemClock } from '../kernel/index.ts';
import { ChangeFence } from './change-fence.ts';
import {
  type EntryLifetime,
  type EntryOptions,
  type Loaded,
  type Loader,
  type LoadOptions,
  type OlderValue,
  requireLoadRules,
  requireStale,
  requireTags,
  requireTtl,
} from './entry-options.ts';
import type { CacheEvents } from './events.ts';
import { matchesGlob } from './glob.ts';
import { type Flight, Loads } from './loads.ts';
import {
  type EvictionPolicyName,
  type MemoryCacheOptions,
  requireEvictionPolicy,
  requireMaxBytes,
  requireMaxEntries,
} from './memory-cache-options.ts';
import { MemoryEntries } from './memory-entries.ts';
import { memoryStats } from './memory-stats.ts';
import { noSlot } from './slots.ts';
import type { CacheStats } from './stats.ts';

// What is imported is looked up at every use, what is of this module is not: for what every hit needs.
const none = noSlot;

const noOptions: LoadOptions = Object.freeze({});

/**
 * A bounded cache in the memory of the process, with lifetimes, tags, single flight and stale answers. Reads and writes
 * are synchronous. Time is taken from a coarse clock, so that a lifetime may be a millisecond longer or shorter.
 *
 * A value is kept as it is, and shared with everybody who reads it: do not change it afterwards. What is past its lifetime
 * is not given any more, but keeps its room until it is needed for something else.
 *
 * @example
 * const cache = new MemoryCache<User>({ maxEntries: 10_000, ttlMs: 60_000 });
 * const user = await cache.getOrSet(`user:${id}`, ({ signal }) => loadUser(id, signal));
 */
export class MemoryCache<Value> {
  readonly name: string;
  readonly maxEntries: number;
  readonly maxBytes: number | undefined;
  readonly ttlMs: number;
  readonly staleMs: number;
  readonly evictionPolicy: EvictionPolicyName;
  // It begins as what it mostly is, so that it is read without a check of its type.
  readonly #clock: Clock = systemClock;
  readonly #entries: MemoryEntries<Value>;
  readonly #loads: Loads<Value>;
  readonly #events = new Events<CacheEvents>();
  readonly #earlyRefreshRatio: number = 1;
  readonly #loading = new Set<Flight<Value>>();
  // Tags that change while something is loaded that will have them.
  readonly #tagFence = new ChangeFence();

  constructor(options: MemoryCacheOptions<Value> = {}) {
    this.name = options.name ?? 'memory';
    this.maxEntries = requireMaxEntries(options.maxEntries ?? 1_000);
    this.maxBytes = requireMaxBytes(options.maxBytes);
    this.ttlMs = requireTtl(options.ttlMs ?? 3_600_000);
    this.staleMs = requireStale(options.staleMs ?? 0);
    this.evictionPolicy = requireEvictionPolicy(options.evictionPolicy ?? 's3-fifo');
    this.#clock = options.clock ?? systemClock;
    const { maxEntries, maxBytes, evictionPolicy, staleMs } = this;
    const bounds = { maxEntries, maxBytes, sizeOf: options.sizeOf, evictionPolicy, staleMs };
    this.#entries = new MemoryEntries(bounds, this.#clock.monotonicCoarse());
    const rules = requireLoadRules(options);
    if (rules.earlyRefreshRatio !== undefined) this.#earlyRefreshRatio = rules.earlyRefreshRatio;
    this.#loads = new Loads<Value>({
      name: this.name,
      clock: this.#clock,
      events: this.#events,
      rules,
      tally: this.#entries.counts,
      standIn: key => this.#standIn(key),
      fill: flight => this.#load(flight),
    });
  }

  /** What there is to listen to. */
  get events(): EventSource<CacheEvents> {
    return this.#events;
  }

  /** The value, if a fresh one is there. */
  get(key: string): Value | undefined {
    return this.#entries.get(key, this.#clock.monotonicCoarse());
  }

  /** The fresh values that are there, by key. */
  getMany(keys: Iterable<string>): Map<string, Value> {
    const found = new Map<string, Value>();
    const nowMs = this.#clock.monotonicCoarse();
    for (const key of keys) {
      const slot = this.#entries.use(key, nowMs);
      if (slot === none) this.#entries.counts.missed(key);
      else found.set(key, this.#entries.value(slot));
    }
    return found;
  }

  /** The value with its age, if a fresh one is there; it counts as a hit. What is not there is not counted as a miss. */
  hit(key: string): Loaded<Value> | undefined {
    const nowMs = this.#clock.monotonicCoarse();
    const slot = this.#entries.use(key, nowMs);
    if (slot === none) return undefined;
    return { value: this.#entries.value(slot), state: 'hit', ageMs: this.#entries.ageMs(slot, nowMs) };
  }

  /** The value with its age, if one is there that is past its freshness and may still stand in. Counts as neither. */
  older(key: string): Loaded<Value> | undefined {
    const nowMs = this.#clock.monotonicCoarse();
    const slot = this.#entries.find(key, nowMs);
    if (slot === none || this.#entries.isFresh(slot, nowMs)) return undefined;
    return { value: this.#entries.value(slot), state: 'stale', ageMs: this.#entries.ageMs(slot, nowMs) };
  }

  /** Whether a fresh value is there. Counts as neither hit nor miss. */
  has(key: string): boolean {
    return this.#entries.findFresh(key, this.#clock.monotonicCoarse()) !== none;
  }

  /** Whether a load for this key is under way. */
  isLoading(key: string): boolean {
    return this.#loads.has(key);
  }

  /**
   * Keeps a value. A load that is under way does not overwrite it. A value that takes more than `maxBytes` is not kept, and
   * the one that was there goes.
   *
   * @throws {ArgumentError} for a lifetime or tags that cannot be used.
   */
  set(key: string, value: Value, options?: EntryOptions): void {
    if (options !== undefined) requireEntryOptions(options);
    this.#loads.forget(key);
    if (options !== undefined) this.#keep(key, value, options);
    else this.#entries.store(key, value, this.ttlMs, this.staleMs, this.#clock.monotonicCoarse());
  }

  /** Keeps many values, all with the same lifetime and tags. */
  setMany(entries: Iterable<readonly [string, Value]>, options?: EntryOptions): void {
    for (const [key, value] of entries) this.set(key, value, options);
  }

  /** Forgets a key, also what a load under way would have kept. Says whether there was anything to forget. */
  delete(key: string): boolean {
    this.#loads.forget(key);
    return this.#entries.delete(key, this.#clock.monotonicCoarse());
  }

  /** Forgets keys; says how many were there. */
  deleteMany(keys: Iterable<string>): number {
    let deleted = 0;
    for (const key of keys) if (this.delete(key)) deleted += 1;
    return deleted;
  }

  /**
   * Forgets every key that a pattern matches, as {@link delete} does: `*` any text, `?` one character, `[abc]` one of them,
   * `\` takes the next character as it is. Without a pattern, everything. Says how many keys that was.
   */
  clear(pattern?: string): number {
    if (pattern === undefined) this.#loads.forgetAll();
    else {
      const matches = matchesGlob(pattern);
      for (const { key } of this.#loading) if (matches(key)) this.#loads.forget(key);
    }
    return this.#entries.clear(pattern, this.#clock.monotonicCoarse());
  }

  /**
   * Adds to a whole number; what is not there counts as 0. Gives the sum. An entry that is there keeps its lifetime, unless
   * one is given.
   *
   * @throws {CacheError} when what is there is not a whole number, or the sum is beyond those that are exact.
   */
  increment(key: string, by = 1, lifetime: Pick<EntryLifetime, 'ttlMs'> = noOptions): number {
    requireInteger('by', by, Number.MIN_SAFE_INTEGER);
    const ttlMs = lifetime.ttlMs === undefined ? undefined : requireTtl(lifetime.ttlMs);
    const nowMs = this.#clock.monotonicCoarse();
    const entries = this.#entries;
    const before = entries.findFresh(key, nowMs);
    const sum = this.#sum(key, before === none ? 0 : entries.value(before), by);
    const freshUntilMs = before === none || ttlMs !== undefined ? undefined : entries.freshUntilMs(before);
    const tags = before === none ? undefined : entries.tags(before);
    this.#loads.forget(key);
    const slot = entries.put(
      key,
      sum as Value,
      { freshForMs: ttlMs ?? this.ttlMs, staleMs: this.staleMs, tags },
      nowMs,
    );
    if (slot !== none && freshUntilMs !== undefined) entries.setFreshUntil(slot, freshUntilMs, nowMs);
    return sum;
  }

  /** Lets a fresh entry be fresh for so many milliseconds from now on; says whether it is there. */
  expire(key: string, ttlMs: number): boolean {
    requireTtl(ttlMs);
    const nowMs = this.#clock.monotonicCoarse();
    const slot = this.#entries.findFresh(key, nowMs);
    if (slot !== none) this.#entries.setFreshFor(slot, ttlMs, nowMs);
    return slot !== none;
  }

  /** Forgets every entry with this tag, also what loads under way would have kept with it. Says how many there were. */
  deleteByTag(tag: string): number {
    this.#tagFence.changed(tag);
    return this.#entries.deleteByTag(tag, this.#clock.monotonicCoarse());
  }

  /**
   * Ends the lifetime of every entry with this tag, which may still stand in as `staleMs` allows. What loads under way
   * would have kept with it is not kept. Says how many entries were fresh.
   */
  expireByTag(tag: string): number {
    this.#tagFence.changed(tag);
    return this.#entries.expireByTag(tag, this.#clock.monotonicCoarse());
  }

  /**
   * The value, loaded if need be: once, however many ask at the same time. All hits of an entry give the same promise.
   *
   * @throws What the loader throws, when no older value may stand in; the reason of the signal.
   */
  getOrSet(key: string, loader: Loader<Value>, options?: LoadOptions): Promise<Value> {
    const nowMs = this.#clock.monotonicCoarse();
    const slot = this.#entries.use(key, nowMs);
    if (slot === none) return this.#miss(key, loader, options);
    if ((options?.earlyRefreshRatio ?? this.#earlyRefreshRatio) < 1) this.#refresh(slot, key, loader, options, nowMs);
    return this.#entries.promise(slot);
  }

  /** As {@link getOrSet}, but a value that is there is given as it is: who awaits only a promise saves a turn. */
  valueOrPromise(key: string, loader: Loader<Value>, options?: LoadOptions): Value | Promise<Value> {
    const nowMs = this.#clock.monotonicCoarse();
    const slot = this.#entries.use(key, nowMs);
    if (slot === none) return this.#miss(key, loader, options);
    if ((options?.earlyRefreshRatio ?? this.#earlyRefreshRatio) < 1) this.#refresh(slot, key, loader, options, nowMs);
    return this.#entries.value(slot);
  }

  /** The value as {@link getOrSet} gives it, and how it was come by. */
  async load(key: string, loader: Loader<Value>, options?: LoadOptions): Promise<Loaded<Value>> {
    const nowMs = this.#clock.monotonicCoarse();
    const slot = this.#entries.use(key, nowMs);
    if (slot === none) {
      this.#entries.counts.missed(key);
      return this.#loads.loaded(key, loader, options ?? noOptions);
    }
    const ageMs = this.#entries.ageMs(slot, nowMs);
    const value = this.#entries.value(slot);
    if ((options?.earlyRefreshRatio ?? this.#earlyRefreshRatio) < 1) this.#refresh(slot, key, loader, options, nowMs);
    return { value, state: 'hit', ageMs };
  }

  /** The keys of the fresh entries, in no particular order. Counts as no use of them. */
  *keys(): IterableIterator<string> {
    for (const [key] of this.entries()) yield key;
  }

  /** The fresh entries, in no particular order. Counts as no use of them. */
  *entries(): IterableIterator<[string, Value]> {
    for (const [key, slot] of this.#entries.slots()) {
      const isFresh = this.#entries.isFresh(slot, this.#clock.monotonicCoarse());
      if (isFresh) yield [key, this.#entries.value(slot)];
    }
  }

  /** What was counted since the cache was made. It goes through all entries: ask every few seconds, not every call. */
  stats(): CacheStats {
    return memoryStats(this.name, this.#entries);
  }

  #miss(key: string, loader: Loader<Value>, options: LoadOptions = noOptions): Promise<Value> {
    this.#entries.counts.missed(key);
    return this.#loads.value(key, loader, options);
  }

  /** Loads an entry anew, for nobody, when it is late in its lifetime. */
  #refresh(slot: number, key: string, loader: Loader<Value>, options: LoadOptions = noOptions, nowMs: number): void {
    const ratio = options.earlyRefreshRatio ?? this.#earlyRefreshRatio;
    const ageMs = this.#entries.ageMs(slot, nowMs);
    const lifetimeMs = ageMs + this.#entries.freshForMs(slot, nowMs);
    if (ageMs >= ratio * lifetimeMs) this.#loads.refresh(key, loader, options);
  }

  async #load(flight: Flight<Value>): Promise<Loaded<Value>> {
    flight.hasLooked();
    this.#loading.add(flight);
    const began = this.#tagFence.begin();
    try {
      const { value, keep } = await flight.load();
      // What was deleted, set or abandoned meanwhile must not come back as it was when the load began.
      if (keep !== undefined && this.#loads.isCurrent(flight)) {
        requireEntryOptions(keep);
        const isUnchanged = (keep.tags ?? []).every(tag => this.#tagFence.unchanged(began, tag));
        if (isUnchanged) this.#keep(flight.key, value, keep);
      }
      return { value, state: 'loaded', ageMs: 0 };
    } finally {
      this.#tagFence.close();
      this.#loading.delete(flight);
    }
  }

  #keep(key: string, value: Value, options: EntryOptions): void {
    const { ttlMs = this.ttlMs, staleMs = this.staleMs } = options;
    const tags = options.tags === undefined ? undefined : requireTags(options.tags);
    this.#entries.put(key, value, { freshForMs: ttlMs, staleMs, tags }, this.#clock.monotonicCoarse());
  }

  #standIn(key: string): OlderValue<Value> | undefined {
    const nowMs = this.#clock.monotonicCoarse();
    const slot = this.#entries.find(key, nowMs);
    if (slot === none) return undefined;
    return { value: this.#entries.value(slot), ageMs: this.#entries.ageMs(slot, nowMs) };
  }

  #sum(key: string, value: unknown, by: number): number {
    const sum = Number.isSafeInteger(value) ? (value as number) + by : Number.NaN;
    if (Number.isSafeInteger(sum)) return sum;
    const found = typeof value === 'number' ? String(value) : typeof value;
    const message = `Cannot add ${by} to "${key}" in the cache "${this.name}": expected a whole number below 2 ** 53, found ${found}`;
    throw new CacheError(message, { retryable: false });
  }
}

/** @throws {ArgumentError} for a lifetime or tags that cannot be used. */
function requireEntryOptions({ ttlMs, staleMs, tags }: EntryOptions): void {
  if (ttlMs !== undefined) requireTtl(ttlMs);
  if (staleMs !== undefined) requireStale(staleMs);
  if (tags !== undefined) requireTags(tags);
}
