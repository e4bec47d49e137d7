import { ArgumentError, CacheError } from '../errors/index.ts';
import type { Clock } from '../kernel/index.ts';
import type { CacheStore } from './cache-store.ts';
import { ChangeFence } from './change-fence.ts';
import type { Loaded, OlderValue } from './entry-options.ts';
import type { FoundEntry } from './found-entry.ts';
import { KeyWaiters } from './key-waiters.ts';
import type { MemoryEntries } from './memory-entries.ts';
import { MemoryTrust, reliedOnMs } from './memory-trust.ts';
import type { Forgetful } from './own-changes.ts';
import { noSlot } from './slots.ts';
import type { StoreLink } from './store-link.ts';

/** What {@link Tiers} are made of. */
export interface TiersParts<Value> {
  readonly memory: MemoryEntries<Value>;
  readonly link: StoreLink<Value>;
  readonly store: CacheStore;
  /** Whether memory answers always, or only while the store is away. */
  readonly memoryServes: 'always' | 'outages';
  readonly memoryTtlMs: number;
  readonly maxStalenessMs: number;
  readonly clock: Clock;
  /** This process changes a key, or any of them when none is named: what is loaded for it now is out of date. */
  readonly onChange: (key?: string) => void;
  /** A change by this process, of a key or of what it has no keys of, has ended. */
  readonly onChangeEnd: (key?: string) => void;
  /** A key was changed by others, or somebody has begun to load it; any of them may have been when none is named. */
  readonly onChanged: (key?: string) => void;
}

/** The lifetimes of an entry, filled in. */
export interface Lifetime {
  readonly ttlMs: number;
  readonly staleMs: number;
  readonly tags: readonly string[];
}

/** Something under way at whose end a value may go into memory. */
export interface Ticket {
  /** What the fence gave. */
  readonly fence: number;
  /** When it began, by the monotonic clock. */
  readonly startedMs: number;
}

/** Memory and the store behind it, kept in step: what is read from one goes into the other, unless it changed meanwhile. */
export class Tiers<Value> implements Forgetful {
  readonly memory: MemoryEntries<Value>;
  readonly link: StoreLink<Value>;
  readonly waiters: KeyWaiters;
  readonly #parts: TiersParts<Value>;
  readonly #clock: Clock;
  readonly #trust: MemoryTrust;
  readonly #fence: ChangeFence = new ChangeFence();
  readonly #servesAlways: boolean;
  readonly #stopListening: () => void;

  constructor(parts: TiersParts<Value>) {
    const { memory, link, store, clock, maxStalenessMs, memoryTtlMs, memoryServes } = parts;
    this.#parts = parts;
    this.#clock = clock;
    this.memory = memory;
    this.link = link;
    this.waiters = new KeyWaiters(clock);
    this.#servesAlways = memoryServes === 'always';
    const changes = this.#servesAlways ? store.changes : undefined;
    const onLost = (): void => memory.expireAll(clock.monotonic());
    this.#trust = new MemoryTrust({ changes, maxStalenessMs: reliedOnMs(maxStalenessMs), memoryTtlMs, clock, onLost });
    this.#stopListening = this.#servesAlways ? this.#listen() : () => {};
  }

  /** The slot of a fresh entry in memory, which counts as a hit, or `noSlot`. */
  use(key: string): number {
    const nowMs = this.#clock.monotonicCoarse();
    return this.#serves(nowMs) ? this.memory.use(key, nowMs) : noSlot;
  }

  /** The value in memory, with its age, whatever its freshness. */
  inMemory(key: string): (OlderValue<Value> & { readonly isFresh: boolean }) | undefined {
    const nowMs = this.#clock.monotonic();
    if (!this.#serves(nowMs)) return undefined;
    const slot = this.memory.find(key, nowMs);
    if (slot === noSlot) return undefined;
    const isFresh = this.memory.isFresh(slot, nowMs);
    return { value: this.memory.value(slot), ageMs: this.memory.ageMs(slot, nowMs), isFresh };
  }

  /** A hit as a load tells it. */
  hit(slot: number): Loaded<Value> {
    const ageMs = this.memory.ageMs(slot, this.#clock.monotonic());
    return { value: this.memory.value(slot), state: 'hit', ageMs };
  }

  /** What the store has, which goes into memory; nothing when it is away, or does not know of a change yet. */
  async find(key: string): Promise<FoundEntry<Value> | undefined> {
    if (this.link.missed.has(key)) {
      this.link.skipped();
      return undefined;
    }
    const ticket = this.begin();
    let found: FoundEntry<Value> | undefined;
    let unchanged = false;
    try {
      found = await this.link.entries.find(key);
      this.link.answered();
    } catch (error) {
      this.link.failed(error);
    } finally {
      unchanged = this.#fence.end(ticket.fence, key);
    }
    if (found === undefined || !this.#believes(key, found)) return undefined;
    if (unchanged) this.#rememberFound(key, found, ticket);
    return found;
  }

  /** As {@link find}, for many keys. */
  async findMany(keys: readonly string[]): Promise<ReadonlyMap<string, FoundEntry<Value>>> {
    const believed = new Map<string, FoundEntry<Value>>();
    const ticket = this.begin();
    try {
      const found = await this.link.entries.findMany(keys.filter(key => !this.link.missed.has(key)));
      this.link.answered();
      for (const [key, entry] of found) {
        if (!this.#believes(key, entry)) continue;
        believed.set(key, entry);
        if (this.#fence.unchanged(ticket.fence, key)) this.#rememberFound(key, entry, ticket);
      }
    } catch (error) {
      this.link.failed(error);
    } finally {
      this.#fence.close();
    }
    return believed;
  }

  /**
   * Changes the store, and what it does not learn of is remembered for later.
   *
   * @returns What the store says, or `undefined` when it is away.
   */
  async tell<Result>(change: () => Promise<Result>, missed: () => void): Promise<Result | undefined> {
    try {
      const result = await change();
      this.link.answered();
      return result;
    } catch (error) {
      // What cannot be done at all has changed nothing.
      if (error instanceof ArgumentError || error instanceof CacheError) throw error;
      // Whether it was carried out is not known.
      missed();
      this.link.owe();
      this.link.failed(error);
      return undefined;
    }
  }

  /** Begins something at whose end {@link remember} is asked to keep a value; {@link end} must follow. */
  begin(): Ticket {
    return { fence: this.#fence.begin(), startedMs: this.#clock.monotonic() };
  }

  /** It has ended. */
  end(): void {
    this.#fence.close();
  }

  /**
   * Keeps a value in memory, unless its key has changed since the ticket was given.
   *
   * @param isShared Whether the store has the same entry, so that its changes are told.
   */
  remember(key: string, value: Value, lifetime: Lifetime, ticket: Ticket, isShared: boolean): void {
    if (!this.#keeps() || !this.#fence.unchanged(ticket.fence, key)) return;
    // What is being read since before the store had it must not take its place.
    this.#fence.changed(key);
    const freshForMs = Math.min(lifetime.ttlMs, this.#trust.freshForMs(ticket.startedMs, isShared));
    this.memory.put(key, value, { ...lifetime, freshForMs }, this.#clock.monotonic());
  }

  /** As {@link remember}, at the end of a change of the key to this value. */
  changedTo(key: string, value: Value, lifetime: Lifetime, ticket: Ticket, isShared: boolean): void {
    const isLast = this.#fence.unchanged(ticket.fence, key);
    if (isLast) this.remember(key, value, lifetime, ticket, isShared);
    else this.memory.delete(key, this.#clock.monotonic());
    this.#fence.changed(key);
    this.#parts.onChangeEnd(key);
  }

  /** This process begins to change a key: what is known of it, and what is on its way, is out of date. */
  change(key: string): boolean {
    this.#fence.changed(key);
    this.#parts.onChange(key);
    return this.memory.delete(key, this.#clock.monotonic());
  }

  /** The change of a key has ended: what was read meanwhile may be of before. */
  changed(key: string): void {
    this.#fence.changed(key);
    this.#parts.onChangeEnd(key);
    this.memory.delete(key, this.#clock.monotonic());
  }

  /** This process begins to change what it has no keys of. */
  changeAll(): void {
    this.#fence.allChanged();
    this.#parts.onChange();
  }

  /** As {@link changed}, for the keys that a pattern matches; without one, for all. */
  changedMatching(pattern: string | undefined): void {
    this.#fence.allChanged();
    this.#parts.onChangeEnd();
    this.memory.clear(pattern, this.#clock.monotonic());
  }

  /** As {@link changed}, for what has a tag. */
  changedTag(tag: string, change: 'deleted' | 'expired'): void {
    this.#fence.allChanged();
    this.#parts.onChangeEnd();
    if (change === 'deleted') this.memory.deleteByTag(tag, this.#clock.monotonic());
    else this.memory.expireByTag(tag, this.#clock.monotonic());
  }

  /** Lets a fresh entry in memory be fresh for so long at most; how long it can be relied upon stays as it is. */
  shorten(key: string, ttlMs: number): boolean {
    const nowMs = this.#clock.monotonic();
    this.#fence.changed(key);
    this.#parts.onChange(key);
    const slot = this.#serves(nowMs) ? this.memory.findFresh(key, nowMs) : noSlot;
    if (slot === noSlot) return false;
    this.memory.setFreshFor(slot, Math.min(ttlMs, this.memory.freshForMs(slot, nowMs)), nowMs);
    return true;
  }

  close(): void {
    this.#stopListening();
    this.link.entries.close();
    this.link.close();
    this.waiters.wakeAll();
  }

  #serves(nowMs: number): boolean {
    if (nowMs >= this.#trust.checkAtMs) this.#trust.check(nowMs);
    return this.#keeps();
  }

  #keeps(): boolean {
    return this.#servesAlways || this.link.isAway;
  }

  #believes(key: string, found: FoundEntry<Value>): boolean {
    const { missed } = this.link;
    return missed.isEmpty || !(missed.has(key) || missed.hasTag(found.tags));
  }

  #rememberFound(key: string, found: FoundEntry<Value>, ticket: Ticket): void {
    const { value, ageMs, tags } = found;
    // Of a counter only the store knows how long it lives.
    if (!this.#keeps() || found.freshForMs === Number.POSITIVE_INFINITY) return;
    const freshForMs = Math.max(0, found.freshForMs);
    const staleMs = found.usableForMs - freshForMs;
    const trustedForMs = Math.min(freshForMs, this.#trust.freshForMs(ticket.startedMs, true));
    this.memory.put(key, value, { freshForMs: trustedForMs, staleMs, ageMs, tags }, this.#clock.monotonic());
  }

  #listen(): () => void {
    const { onChanged, clock } = this.#parts;
    return this.link.entries.listen({
      changed: key => {
        this.#fence.changed(key);
        this.memory.delete(key, clock.monotonic());
        this.waiters.wake(key);
        onChanged(key);
      },
      tagChanged: tag => {
        this.#fence.allChanged();
        this.memory.deleteByTag(tag, clock.monotonic());
      },
      allChanged: () => {
        this.#fence.allChanged();
        this.memory.expireAll(clock.monotonic());
        this.waiters.wakeAll();
        onChanged();
        this.link.answered();
      },
    });
  }
}
