import { CacheError } from '../errors/index.ts';
import type { Clock, EventSource, Events } from '../kernel/index.ts';
import type { Cache, LoadingCache } from './cache.ts';
import type { CacheStore, ChangeCoverage } from './cache-store.ts';
import {
  type EntryLifetime,
  type EntryOptions,
  type Loaded,
  type Loader,
  type LoadOptions,
  type LoadRules,
  requireStale,
  requireTags,
  requireTtl,
} from './entry-options.ts';
import type { CacheEvents } from './events.ts';
import { type Flight, Loads } from './loads.ts';
import type { MemoryEntries } from './memory-entries.ts';
import { memoryStats } from './memory-stats.ts';
import { OwnChanges } from './own-changes.ts';
import { noSlot } from './slots.ts';
import type { CacheStats } from './stats.ts';
import { StoreLink } from './store-link.ts';
import type { StoredEntries } from './stored-entries.ts';
import { TieredFill } from './tiered-fill.ts';
import { type Lifetime, Tiers } from './tiers.ts';

/** What a {@link TieredCache} is made of. */
export interface TieredCacheParts<Value> {
  readonly name: string;
  readonly memory: MemoryEntries<Value>;
  readonly entries: StoredEntries<Value>;
  readonly store: CacheStore;
  /** Whether memory answers always, or only while the store is away. */
  readonly memoryServes: 'always' | 'outages';
  readonly ttlMs: number;
  readonly staleMs: number;
  readonly memoryTtlMs: number;
  readonly maxStalenessMs: number;
  readonly leaseMs: number;
  readonly strict: boolean;
  readonly rules: LoadRules;
  readonly clock: Clock;
  readonly events: Events<CacheEvents>;
}

/** How memory is kept in step with the store. */
export interface CacheCoherence {
  /** How changes by others are heard of. */
  readonly coverage: ChangeCoverage;
  /** No read gives a value that was changed longer ago than this, in milliseconds. */
  readonly maxStalenessMs: number;
  /** How long ago it was certain that every change had been heard of, in milliseconds; Infinity when it never was. */
  readonly heardAgoMs: number;
  /** How often everything in memory had to be given up, because changes may have been missed. */
  readonly generation: number;
}

/**
 * Entries in memory, in front of those in a store that processes share. Memory is kept in step with the store by what the
 * store tells of changes, and is never relied upon for longer than `maxStalenessMs` without being told. While the store
 * is away, memory goes on alone.
 */
export class TieredCache<Value> implements Cache<Value>, LoadingCache<Value>, AsyncDisposable {
  readonly name: string;
  readonly #parts: TieredCacheParts<Value>;
  readonly #clock: Clock;
  readonly #memory: MemoryEntries<Value>;
  readonly #entries: StoredEntries<Value>;
  readonly #own: OwnChanges<Value>;
  readonly #link: StoreLink<Value>;
  readonly #tiers: Tiers<Value>;
  readonly #loads: Loads<Value>;
  #isConnected = false;

  constructor(parts: TieredCacheParts<Value>) {
    const { name, memory, entries, clock, strict, leaseMs, rules, events } = parts;
    this.name = name;
    this.#parts = parts;
    this.#clock = clock;
    this.#memory = memory;
    this.#entries = entries;
    this.#own = new OwnChanges<Value>(entries, {
      changed: key => tiers.changed(key),
      changedMatching: pattern => tiers.changedMatching(pattern),
      changedTag: (tag, change) => tiers.changedTag(tag, change),
    });
    this.#link = new StoreLink({ name, entries, own: this.#own, strict, clock, events });
    const tiers: Tiers<Value> = new Tiers<Value>({
      ...parts,
      link: this.#link,
      onChange: key => (key === undefined ? loads.forgetAll() : loads.forget(key)),
      onChangeEnd: key => loads.lookAgain(key),
      onChanged: key => loads.outdate(key),
    });
    const lifetimeOf = (options: EntryOptions): Lifetime => this.#lifetimeOf(options);
    const isCurrent = (flight: Flight<Value>): boolean => loads.isCurrent(flight);
    const filling = new TieredFill<Value>({ name, tiers, events, leaseMs, lifetimeOf, isCurrent });
    const loads: Loads<Value> = new Loads<Value>({
      name,
      clock,
      events,
      rules,
      tally: memory.counts,
      standIn: key => tiers.inMemory(key),
      fill: flight => filling.fill(flight),
    });
    this.#tiers = tiers;
    this.#loads = loads;
  }

  get maxEntries(): number {
    return this.#memory.maxEntries;
  }

  get ttlMs(): number {
    return this.#parts.ttlMs;
  }

  get staleMs(): number {
    return this.#parts.staleMs;
  }

  /** What there is to listen to. */
  get events(): EventSource<CacheEvents> {
    return this.#parts.events;
  }

  /** Whether the store is away, so that this process goes on in its own memory. */
  get degraded(): boolean {
    return this.#link.isAway;
  }

  /** Why the store is away. */
  get degradedBecause(): unknown {
    return this.#link.error;
  }

  /** How memory is kept in step with the store at present. */
  get coherence(): CacheCoherence {
    const { store, maxStalenessMs } = this.#parts;
    const { coverage = 'none', heardUntilMs = Number.NEGATIVE_INFINITY, generation = 0 } = store.changes ?? {};
    return { coverage, maxStalenessMs, heardAgoMs: this.#clock.monotonic() - heardUntilMs, generation };
  }

  get(key: string): Promise<Value | undefined> {
    const slot = this.#tiers.use(key);
    return slot === noSlot ? this.#get(key) : this.#memory.promise(slot);
  }

  async getMany(keys: readonly string[]): Promise<ReadonlyMap<string, Value>> {
    const values = new Map<string, Value>();
    const missing: string[] = [];
    for (const key of new Set(keys)) {
      const slot = this.#tiers.use(key);
      if (slot === noSlot) missing.push(key);
      else values.set(key, this.#memory.value(slot));
    }
    if (missing.length === 0) return values;
    const found = await this.#tiers.findMany(missing);
    for (const key of missing) {
      const entry = found.get(key);
      const isFresh = entry !== undefined && entry.freshForMs > 0;
      if (isFresh) values.set(key, entry.value);
      this.#memory.counts.readFromStore(key, isFresh);
    }
    return values;
  }

  set(key: string, value: Value, options: EntryOptions = {}): Promise<void> {
    return this.setMany([[key, value]], options);
  }

  async setMany(entries: Iterable<readonly [string, Value]>, options: EntryOptions = {}): Promise<void> {
    const lifetime = this.#lifetimeOf(options);
    const all = [...new Map(entries)];
    for (const [key] of all) this.#tiers.change(key);
    const ticket = this.#tiers.begin();
    const missed = (): void => {
      for (const [key] of all) this.#link.missed.add(key);
    };
    try {
      const kept = await this.#tiers.tell(() => this.#keepInStore(all, lifetime), missed);
      for (const [key, value] of all) this.#tiers.changedTo(key, value, lifetime, ticket, kept === true);
    } catch (error) {
      for (const [key] of all) this.#tiers.changed(key);
      throw error;
    } finally {
      this.#tiers.end();
    }
  }

  async delete(key: string): Promise<boolean> {
    return (await this.deleteMany([key])) > 0;
  }

  async deleteMany(keys: readonly string[]): Promise<number> {
    let inMemory = 0;
    for (const key of keys) if (this.#tiers.change(key)) inMemory += 1;
    const inStore = await this.#tiers.tell(
      () => this.#own.delete(keys),
      () => {
        for (const key of keys) {
          this.#link.missed.add(key);
          this.#tiers.changed(key);
        }
      },
    );
    return inStore ?? inMemory;
  }

  async exists(key: string): Promise<boolean> {
    if (this.#tiers.inMemory(key)?.isFresh) return true;
    const found = await this.#tiers.find(key);
    return found !== undefined && found.freshForMs > 0;
  }

  async clear(pattern?: string): Promise<number> {
    const inMemory = this.#memory.clear(pattern, this.#clock.monotonic());
    this.#tiers.changeAll();
    const inStore = await this.#tiers.tell(
      () => this.#own.clear(pattern),
      () => {
        this.#link.missed.addEverything();
        this.#tiers.changedMatching(pattern);
      },
    );
    return inStore ?? inMemory;
  }

  /** @throws {CacheError} when the store is away: a sum that other processes do not know of would be wrong. */
  async increment(key: string, by = 1, lifetime: Pick<EntryLifetime, 'ttlMs'> = {}): Promise<number> {
    const { ttlMs } = lifetime;
    if (ttlMs !== undefined) requireTtl(ttlMs);
    this.#tiers.change(key);
    if (this.#link.missed.has(key)) await this.#link.tell();
    if (!this.#link.missed.has(key)) {
      const sum = await this.#tiers.tell(
        () => this.#own.increment(key, by, ttlMs, this.#parts.ttlMs),
        () => this.#tiers.changed(key),
      );
      if (sum !== undefined) return sum;
    }
    throw new CacheError(`Cannot increment "${key}" in the cache "${this.name}": its store is away`, {
      cause: this.#link.error,
    });
  }

  async expire(key: string, ttlMs: number): Promise<boolean> {
    requireTtl(ttlMs);
    const wasInMemory = this.#tiers.shorten(key, ttlMs);
    const wasInStore = await this.#tiers.tell(
      () => this.#entries.expire(key, ttlMs),
      () => this.#link.missed.add(key),
    );
    // What was read meanwhile may live as long as before.
    if (wasInStore === undefined) this.#tiers.shorten(key, ttlMs);
    else this.#tiers.changed(key);
    return wasInStore ?? wasInMemory;
  }

  async deleteByTag(tag: string): Promise<void> {
    requireTags([tag]);
    this.#memory.deleteByTag(tag, this.#clock.monotonic());
    this.#tiers.changeAll();
    await this.#tiers.tell(
      () => this.#own.deleteByTag(tag),
      () => {
        this.#link.missed.addTag(tag, 'deleted');
        this.#tiers.changedTag(tag, 'deleted');
      },
    );
  }

  async expireByTag(tag: string): Promise<void> {
    requireTags([tag]);
    this.#memory.expireByTag(tag, this.#clock.monotonic());
    this.#tiers.changeAll();
    await this.#tiers.tell(
      () => this.#own.expireByTag(tag),
      () => {
        this.#link.missed.addTag(tag, 'expired');
        this.#tiers.changedTag(tag, 'expired');
      },
    );
  }

  getOrSet(key: string, loader: Loader<Value>, options: LoadOptions = {}): Promise<Value> {
    const slot = this.#tiers.use(key);
    if (slot === noSlot) return this.#loads.value(key, loader, options);
    this.#refreshEarly(slot, key, loader, options);
    return this.#memory.promise(slot);
  }

  /** As {@link getOrSet}, and gives the value itself when it is in memory: for those who await only what is a promise. */
  valueOrPromise(key: string, loader: Loader<Value>, options: LoadOptions = {}): Value | Promise<Value> {
    const slot = this.#tiers.use(key);
    if (slot === noSlot) return this.#loads.value(key, loader, options);
    this.#refreshEarly(slot, key, loader, options);
    return this.#memory.value(slot);
  }

  async load(key: string, loader: Loader<Value>, options: LoadOptions = {}): Promise<Loaded<Value>> {
    const hit = this.hit(key);
    return hit ?? this.#loads.loaded(key, loader, options);
  }

  /** The value with its age, if a fresh one is in memory; it counts as a hit. What is not there counts as nothing. */
  hit(key: string): Loaded<Value> | undefined {
    const slot = this.#tiers.use(key);
    return slot === noSlot ? undefined : this.#tiers.hit(slot);
  }

  /** The value with its age, if one is in memory that is past its freshness and may still stand in. */
  older(key: string): Loaded<Value> | undefined {
    const found = this.#tiers.inMemory(key);
    if (found === undefined || found.isFresh) return undefined;
    return { value: found.value, state: 'stale', ageMs: found.ageMs };
  }

  /** Whether a load of this key is under way in this process. */
  isLoading(key: string): boolean {
    return this.#loads.has(key);
  }

  /** @throws {RedisUnavailableError} or what else the store says when it is away: memory does not know all keys. */
  keys(): AsyncIterableIterator<string> {
    return this.#entries.keys();
  }

  stats(): CacheStats {
    return memoryStats(this.name, this.#memory);
  }

  /** Stops listening to changes. Does not close the store, which others may use. */
  async close(): Promise<void> {
    this.#tiers.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #keepInStore(entries: readonly (readonly [string, Value])[], lifetime: Lifetime): Promise<boolean> {
    // An entry says when it was made, and must not say it by the clock of this machine.
    if (!this.#isConnected) await this.#parts.store.prepare?.();
    this.#isConnected = true;
    await this.#entries.keepMany(entries, lifetime);
    return true;
  }

  async #get(key: string): Promise<Value | undefined> {
    const found = await this.#tiers.find(key);
    const isFresh = found !== undefined && found.freshForMs > 0;
    this.#memory.counts.readFromStore(key, isFresh);
    return isFresh ? found.value : undefined;
  }

  #refreshEarly(slot: number, key: string, loader: Loader<Value>, options: LoadOptions): void {
    const ratio = options.earlyRefreshRatio ?? this.#parts.rules.earlyRefreshRatio;
    if (ratio === undefined || ratio >= 1 || this.#loads.has(key)) return;
    const nowMs = this.#clock.monotonic();
    const ageMs = this.#memory.ageMs(slot, nowMs);
    if (ageMs >= ratio * (ageMs + this.#memory.freshForMs(slot, nowMs))) this.#loads.refresh(key, loader, options);
  }

  #lifetimeOf({ ttlMs, staleMs, tags }: EntryOptions): Lifetime {
    return {
      ttlMs: ttlMs === undefined ? this.#parts.ttlMs : requireTtl(ttlMs),
      staleMs: staleMs === undefined ? this.#parts.staleMs : requireStale(staleMs),
      tags: tags === undefined ? [] : requireTags(tags),
    };
  }
}
