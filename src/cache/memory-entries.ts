import { ArgumentError } from '../errors/index.ts';
import { EvictedKeys } from './evicted-keys.ts';
import type { EvictionPolicy } from './eviction-policy.ts';
import { matchesGlob } from './glob.ts';
import { Lru } from './lru.ts';
import { PrefixCounts } from './prefix-counts.ts';
import { S3Fifo } from './s3-fifo.ts';
import { fullOfHits, noSlot, oneHit, Slots } from './slots.ts';
import { TagIndex } from './tag-index.ts';
import { weigh } from './weigh.ts';

// What is imported is looked up at every use, what is of this module is not: for what every hit needs.
const none = noSlot;
const hit = oneHit;
const full = fullOfHits;

/** The numbers of {@link MemoryEntries}. */
export interface MemoryEntriesOptions<Value> {
  readonly maxEntries: number;
  readonly maxBytes?: number | undefined;
  /** What an entry weighs, in bytes. @default an estimate, when there is a `maxBytes` */
  readonly sizeOf?: ((value: Value, key: string) => number) | undefined;
  readonly evictionPolicy: 's3-fifo' | 'lru';
  /** How long most entries may stand in: one that differs makes all of them take 4 bytes more. */
  readonly staleMs: number;
}

/** How an entry is put into memory. */
export interface PutOptions {
  /** How long it is fresh from now on, in milliseconds; 0 for what is stale already. */
  readonly freshForMs: number;
  /** How long after that it may stand in, in milliseconds. */
  readonly staleMs: number;
  /** How old it is already, in milliseconds. @default 0 */
  readonly ageMs?: number | undefined;
  readonly tags?: readonly string[] | undefined;
}

/**
 * The entries of a cache in memory: bounded, with lifetimes and tags, counted by prefix. A key leads to a slot, and what is
 * known of a slot lies in arrays. Whoever asks gets the slot, which is good until something is put or deleted.
 *
 * It has no clock: what needs the time is given it, in milliseconds of a monotonic clock.
 */
export class MemoryEntries<Value> {
  readonly maxEntries: number;
  readonly maxBytes: number | undefined;
  readonly counts: PrefixCounts = new PrefixCounts();
  readonly #weigh: ((value: Value, key: string) => number) | undefined;
  readonly #policyName: 's3-fifo' | 'lru';
  readonly #staleMs: number;
  readonly #evicted: EvictedKeys = new EvictedKeys();
  readonly #tags = new TagIndex();
  readonly #slotOf = new Map<string, number>();
  // Fields that begin as what they will be are read without a check of their type: an array with one place is one.
  #slots: Slots = new Slots(0, 0, 0, new Float64Array(0));
  #policy: EvictionPolicy;
  #recency: Lru | undefined;
  #fullOfHits = full;
  #keys: (string | undefined)[] = emptyArray(1);
  #values: (Value | undefined)[] = emptyArray(1);
  // As long as the slots, or empty while nobody has asked for a promise.
  #promises: (Promise<Value> | undefined)[] = [];
  #sizes: Float64Array | undefined;
  #bytes = 0;

  constructor(options: MemoryEntriesOptions<Value>, nowMs: number) {
    this.maxEntries = options.maxEntries;
    this.maxBytes = options.maxBytes;
    this.#weigh = options.sizeOf ?? (options.maxBytes === undefined ? undefined : weigh);
    this.#policyName = options.evictionPolicy;
    this.#staleMs = options.staleMs;
    this.#slots = new Slots(this.maxEntries, this.#staleMs, nowMs, this.counts.hits);
    this.#policy = this.#newPolicy();
  }

  /** How many there are, with those that are stale or can no longer stand in, and whose room nobody has needed yet. */
  get size(): number {
    return this.#slotOf.size;
  }

  /** Keys and slots, as {@link size} counts them. */
  slots(): Iterable<readonly [string, number]> {
    return this.#slotOf;
  }

  /** The value of a fresh entry, which counts as a hit and as used; else `undefined`, which counts as a miss. */
  get(key: string, nowMs: number): Value | undefined {
    const slot = this.use(key, nowMs);
    if (slot !== none) return this.#values[slot];
    this.counts.missed(key);
    return undefined;
  }

  /** The slot of a fresh entry, which counts as a hit and as used, or {@link noSlot}, which counts as nothing. */
  use(key: string, nowMs: number): number {
    // The path of every hit: no private methods, whose owner would be checked at every call.
    const slot = this.#slotOf.get(key);
    if (slot === undefined) return none;
    const slots = this.#slots;
    if ((slots.freshUntil[slot] as number) <= nowMs - slots.baseMs) return none;
    const flags = slots.flags[slot] as number;
    if (flags < this.#fullOfHits) slots.flags[slot] = flags + hit;
    else this.#countHit(slot);
    return slot;
  }

  /** The slot of an entry that is fresh or may stand in, or {@link noSlot}. Counts as nothing. */
  find(key: string, nowMs: number): number {
    const slot = this.#slotOf.get(key);
    return slot !== undefined && this.isUsable(slot, nowMs) ? slot : noSlot;
  }

  /** The slot of an entry that is fresh, or {@link noSlot}. Counts as nothing. */
  findFresh(key: string, nowMs: number): number {
    const slot = this.#slotOf.get(key);
    return slot !== undefined && this.isFresh(slot, nowMs) ? slot : noSlot;
  }

  /** Whether what is in a slot is fresh. */
  isFresh(slot: number, nowMs: number): boolean {
    return this.freshUntilMs(slot) > nowMs;
  }

  /** Whether what is in a slot is fresh or may stand in. */
  isUsable(slot: number, nowMs: number): boolean {
    return this.#slots.usableUntil(slot) > nowMs - this.#slots.baseMs;
  }

  /** When what is in a slot stops being fresh. */
  freshUntilMs(slot: number): number {
    return (this.#slots.freshUntil[slot] as number) + this.#slots.baseMs;
  }

  /** How long what is in a slot is fresh from now on, in milliseconds. */
  freshForMs(slot: number, nowMs: number): number {
    return Math.max(0, this.freshUntilMs(slot) - nowMs);
  }

  /** How old the value in a slot is, in whole milliseconds. */
  ageMs(slot: number, nowMs: number): number {
    return Math.max(0, Math.floor(nowMs) - this.#slots.baseMs - (this.#slots.bornAt[slot] as number));
  }

  /** The value in a slot. */
  value(slot: number): Value {
    return this.#values[slot] as Value;
  }

  /** A promise of the value in a slot, the same one every time: to await it costs less than to await a value. */
  promise(slot: number): Promise<Value> {
    if (slot >= this.#promises.length) this.#promises = emptyArray(this.#slots.capacity);
    const known = this.#promises[slot];
    if (known !== undefined) return known;
    const promise = Promise.resolve(this.#values[slot] as Value);
    this.#promises[slot] = promise;
    return promise;
  }

  /** The tags of what is in a slot. */
  tags(slot: number): readonly string[] {
    return this.#tags.of(slot);
  }

  /** As {@link store}, for an entry of which more is to be said. */
  put(key: string, value: Value, options: PutOptions, nowMs: number): number {
    const { freshForMs, staleMs, ageMs, tags } = options;
    const slot = this.store(key, value, freshForMs, staleMs, nowMs);
    if (slot === noSlot) return noSlot;
    if (ageMs !== undefined) this.#slots.setBornAt(slot, nowMs - this.#slots.baseMs - ageMs);
    if (tags !== undefined && tags.length > 0) this.#tags.set(slot, tags);
    return slot;
  }

  /**
   * Keeps a value in place of what was there, new and without tags, and gives its slot; {@link noSlot} when it takes more
   * than `maxBytes`, and is not kept.
   *
   * @throws {ArgumentError} when `sizeOf` gives something that is not a size.
   */
  store(key: string, value: Value, freshForMs: number, staleMs: number, nowMs: number): number {
    const slots = this.#slots;
    const tick = nowMs - slots.baseMs;
    let slot = this.#slotOf.get(key);
    if (slot !== undefined && this.#weigh === undefined && !slots.isLate(tick)) {
      // The path of every value that only takes the place of another one.
      if (this.#tags.size > 0) this.#tags.delete(slot);
      if (this.#promises.length > 0) this.#promises[slot] = undefined;
      this.#values[slot] = value;
      slots.setTimes(slot, tick, freshForMs, staleMs);
      this.#countUse(slot);
      return slot;
    }
    const bytes = this.#weighed(key, value);
    slot = this.#slotFor(key, slot, bytes, nowMs);
    if (slot === noSlot) return noSlot;
    this.#values[slot] = value;
    if (this.#weigh !== undefined) this.#resize(slot, bytes);
    slots.setTimes(slot, nowMs - slots.baseMs, freshForMs, staleMs);
    return slot;
  }

  /** Says until when what is in a slot is fresh; what lies in the past makes it stale. */
  setFreshUntil(slot: number, freshUntilMs: number, nowMs: number): void {
    const tick = this.#tick(nowMs);
    this.#slots.setFreshUntil(slot, freshUntilMs - this.#slots.baseMs, tick);
  }

  /** Lets what is in a slot be fresh for so many milliseconds from now on. */
  setFreshFor(slot: number, freshForMs: number, nowMs: number): void {
    this.setFreshUntil(slot, nowMs + freshForMs, nowMs);
  }

  /** Ends the lifetime of everything that is fresh; it may still stand in, as it might have after its lifetime. */
  expireAll(nowMs: number): void {
    for (const slot of this.#slotOf.values()) this.#expire(slot, nowMs);
  }

  /** Ends the lifetime of what has a tag, as {@link expireAll} does; says how much of it was fresh. */
  expireByTag(tag: string, nowMs: number): number {
    let expired = 0;
    for (const slot of this.#tags.slotsOf(tag)) if (this.#expire(slot, nowMs)) expired += 1;
    return expired;
  }

  /** Forgets what has a tag; says how much of it was fresh or could stand in. */
  deleteByTag(tag: string, nowMs: number): number {
    let deleted = 0;
    for (const slot of this.#tags.slotsOf(tag)) {
      if (this.isUsable(slot, nowMs)) deleted += 1;
      this.#remove(this.#keys[slot] as string, slot);
    }
    return deleted;
  }

  /** Forgets a key; says whether there was something that was fresh or could stand in. */
  delete(key: string, nowMs: number): boolean {
    const slot = this.#slotOf.get(key);
    if (slot === undefined) return false;
    const isUsable = this.isUsable(slot, nowMs);
    this.#remove(key, slot);
    return isUsable;
  }

  /** Forgets every key that a pattern matches, or everything; says how much of it was fresh or could stand in. */
  clear(pattern: string | undefined, nowMs: number): number {
    const matches = pattern === undefined ? undefined : matchesGlob(pattern);
    let cleared = 0;
    for (const [key, slot] of this.#slotOf) {
      if (matches !== undefined && !matches(key)) continue;
      if (this.isUsable(slot, nowMs)) cleared += 1;
      if (matches !== undefined) this.#remove(key, slot);
    }
    if (matches === undefined) this.#clearAll(nowMs);
    return cleared;
  }

  /** The group of what is in a slot, as {@link counts} knows it. */
  group(slot: number): number {
    return this.#slots.group(slot);
  }

  /** What an entry weighs, if it has been weighed. */
  sizeOf(slot: number): number | undefined {
    return this.#sizes?.[slot];
  }

  /** Forgets everything, and gives the memory back. */
  #clearAll(nowMs: number): void {
    this.settle();
    this.#slotOf.clear();
    this.#tags.clear();
    this.#evicted.clear();
    this.#slots = new Slots(this.maxEntries, this.#staleMs, nowMs, this.counts.hits);
    this.#policy = this.#newPolicy();
    this.#keys = emptyArray(1);
    this.#values = emptyArray(1);
    this.#promises = [];
    this.#sizes = undefined;
    this.#bytes = 0;
  }

  /** Adds up the hits of all entries. */
  settle(): void {
    for (const slot of this.#slotOf.values()) this.#slots.settle(slot);
  }

  #expire(slot: number, nowMs: number): boolean {
    if (!this.isFresh(slot, nowMs)) return false;
    this.setFreshUntil(slot, Math.floor(nowMs), nowMs);
    return true;
  }

  #newPolicy(): EvictionPolicy {
    this.#recency = this.#policyName === 'lru' ? new Lru(this.#slots) : undefined;
    // It wants to know of every use at once.
    this.#fullOfHits = this.#recency === undefined ? full : 0;
    return this.#recency ?? new S3Fifo(this.#slots);
  }

  /** The tick of a moment, after ticks have been made to begin later if need be. */
  #tick(nowMs: number): number {
    const tick = nowMs - this.#slots.baseMs;
    if (!this.#slots.isLate(tick)) return tick;
    for (const [key, slot] of this.#slotOf) if (!this.isUsable(slot, nowMs)) this.#remove(key, slot);
    this.#slots.rebase(tick);
    return nowMs - this.#slots.baseMs;
  }

  #weighed(key: string, value: Value): number {
    if (this.#weigh === undefined) return 0;
    const bytes = this.#weigh(value, key);
    if (Number.isFinite(bytes) && bytes >= 0) return bytes;
    throw new ArgumentError(
      `Cannot use sizeOf: expected it to give a number of bytes of at least 0, got ${bytes}`,
      'sizeOf',
    );
  }

  #fits(bytes: number): boolean {
    return this.maxBytes === undefined || this.#bytes + bytes <= this.maxBytes;
  }

  /** The slot for a value of so many bytes, without what belonged to the one that was found there. */
  #slotFor(key: string, found: number | undefined, bytes: number, nowMs: number): number {
    const isLate = this.#slots.isLate(nowMs - this.#slots.baseMs);
    const tick = this.#tick(nowMs);
    const slot = isLate ? this.#slotOf.get(key) : found;
    if (slot !== undefined && this.#fits(bytes - (this.#sizes?.[slot] ?? 0))) {
      this.#tags.delete(slot);
      if (this.#promises.length > 0) this.#promises[slot] = undefined;
      this.#countUse(slot);
      return slot;
    }
    if (slot !== undefined) this.#remove(key, slot);
    return this.maxBytes !== undefined && bytes > this.maxBytes ? noSlot : this.#fill(key, bytes, tick);
  }

  /** A slot for a key that has none. */
  #fill(key: string, bytes: number, tick: number): number {
    const group = this.counts.groupOf(key);
    const eviction = this.#evicted.take(key, this.size);
    if (eviction !== 'none') this.counts.regretted(group);
    while (this.size >= this.maxEntries || !this.#fits(bytes)) this.#evict(tick);
    let slot = this.#slots.take();
    if (slot === noSlot) {
      this.#grow();
      slot = this.#slots.take();
    }
    this.#slots.setGroup(slot, group);
    this.#slotOf.set(key, slot);
    this.#keys[slot] = key;
    this.#policy.added(slot, eviction === 'new');
    return slot;
  }

  #countUse(slot: number): void {
    if (this.#recency !== undefined) this.#recency.used(slot);
    else this.#slots.addUse(slot);
  }

  /** Counts a hit that the path of every hit does not. */
  #countHit(slot: number): void {
    if (this.#recency !== undefined) this.#recency.used(slot);
    else this.#slots.settle(slot);
    this.#slots.addHit(slot);
  }

  #resize(slot: number, bytes: number): void {
    this.#sizes ??= new Float64Array(this.#slots.capacity);
    this.#bytes += bytes - (this.#sizes[slot] as number);
    this.#sizes[slot] = bytes;
  }

  #evict(tick: number): void {
    const slot = this.#policy.next(tick);
    const key = this.#keys[slot] as string;
    if (this.#slots.usableUntil(slot) > tick) {
      this.counts.evicted(this.group(slot));
      this.#evicted.add(key, this.#policy.isNew(slot), this.size);
    }
    this.#remove(key, slot);
  }

  #remove(key: string, slot: number): void {
    this.#slots.settle(slot);
    this.#policy.removed(slot);
    this.#slotOf.delete(key);
    this.#keys[slot] = undefined;
    this.#values[slot] = undefined;
    if (this.#promises.length > 0) this.#promises[slot] = undefined;
    if (this.#sizes !== undefined) this.#resize(slot, 0);
    if (this.#tags.size > 0) this.#tags.delete(slot);
    this.#slots.release(slot);
  }

  #grow(): void {
    this.#slots.grow();
    const { capacity } = this.#slots;
    this.#keys = grownArray(this.#keys, capacity);
    this.#values = grownArray(this.#values, capacity);
    if (this.#promises.length > 0) this.#promises = grownArray(this.#promises, capacity);
    if (this.#sizes === undefined) return;
    const sizes = new Float64Array(capacity);
    sizes.set(this.#sizes);
    this.#sizes = sizes;
  }
}

/** An array of exactly so many elements: one that grows by itself takes half as much again. */
function emptyArray<Element>(length: number): (Element | undefined)[] {
  return new Array<Element | undefined>(length).fill(undefined);
}

function grownArray<Element>(array: readonly (Element | undefined)[], length: number): (Element | undefined)[] {
  const grown = emptyArray<Element>(length);
  for (let index = 0; index < array.length; index += 1) grown[index] = array[index];
  return grown;
}
