/** How long an entry can be fresh at most, and how long after that it can stand in at most: 24 days, in milliseconds. */
const longestMs = 24 * 86_400_000;

/** Stands for no slot. */
export const noSlot = -1;

/** The bits of {@link Slots.flags} that count uses, up to this number. */
export const mostUses = 3;

/** The bit of {@link Slots.flags} by which a policy tells its lists apart. */
export const listBit = 4;

/** By how many bits the group of a slot is shifted in {@link Slots.flags}; it takes 7 of them. */
const groupShift = 3;

/** A hit that has not been settled yet, as {@link Slots.flags} counts it: in all the bits above the group. */
export const oneHit: number = 1 << 10;

/** Flags from here on must be settled before another hit is added. */
export const fullOfHits: number = 2 ** 30;

const lowestTick = -(2 ** 31);

/** Past this tick `freshUntil` might not fit into 32 bits. */
const highestTick = 2 ** 31 - 1 - longestMs;

/** Where ticks begin: what may still stand in has stopped being fresh above {@link lowestTick}. */
const firstTick = lowestTick + longestMs;

/**
 * Everything numeric that is known of the entries of a cache: 20 bytes for each, which the garbage collector does not walk.
 * Times are whole milliseconds since a moment that moves along, so that 4 bytes hold them.
 *
 * The arrays are replaced when they grow: do not hold on to them.
 */
export class Slots {
  // Fields that begin as what they will be are read without a check of their type.
  /** When the entry stops being fresh, in ticks. */
  freshUntil: Int32Array = new Int32Array(0);
  /** Uses, list, group, and the hits since these were settled. */
  flags: Int32Array = new Int32Array(0);
  /** When the value was come by, in ticks. */
  bornAt: Int32Array = new Int32Array(0);
  /** The slot after it in its list, nearer to the end that is evicted; of a free slot, the next free one. */
  next: Int32Array = new Int32Array(0);
  /** The slot before it in its list. */
  previous: Int32Array = new Int32Array(0);
  /** The tick of a moment is the moment less this, which is a whole number. */
  baseMs = 0;
  readonly #maxSlots: number;
  readonly #staleMs: number;
  readonly #hits: Float64Array;
  #staleFor: Int32Array | undefined;
  #free: number = noSlot;

  /**
   * `staleMs` is how long most entries may stand in: what differs costs all of them 4 bytes more. Hits are added up by group
   * in `hits`.
   */
  constructor(maxSlots: number, staleMs: number, nowMs: number, hits: Float64Array) {
    this.#hits = hits;
    this.#maxSlots = maxSlots;
    this.#staleMs = Math.min(staleMs, longestMs);
    this.baseMs = Math.floor(nowMs) - firstTick;
  }

  /** How many slots there are. */
  get capacity(): number {
    return this.freshUntil.length;
  }

  /** A free slot, or {@link noSlot}. */
  take(): number {
    const slot = this.#free;
    if (slot !== noSlot) this.#free = this.next[slot] as number;
    return slot;
  }

  /** Makes a slot free. */
  release(slot: number): void {
    this.next[slot] = this.#free;
    this.#free = slot;
  }

  /** Doubles, as far as it may. */
  grow(): void {
    const before = this.capacity;
    const capacity = Math.min(this.#maxSlots, Math.max(64, before * 2));
    this.freshUntil = grown(this.freshUntil, capacity);
    this.flags = grown(this.flags, capacity);
    this.bornAt = grown(this.bornAt, capacity);
    this.next = grown(this.next, capacity);
    this.previous = grown(this.previous, capacity);
    if (this.#staleFor !== undefined) this.#staleFor = grown(this.#staleFor, capacity);
    for (let slot = capacity - 1; slot >= before; slot -= 1) this.release(slot);
  }

  /** What is in a slot belongs to this group, and has not been used. */
  setGroup(slot: number, group: number): void {
    this.flags[slot] = group << groupShift;
  }

  /** The group of what is in a slot. */
  group(slot: number): number {
    return ((this.flags[slot] as number) & (oneHit - 1)) >> groupShift;
  }

  /**
   * Adds the hits of a slot to its uses and to its group. A hit is counted beside the uses only, in one number, so that it
   * costs next to nothing; before uses are looked at, or a slot is emptied, they have to be settled.
   */
  settle(slot: number): void {
    const flags = this.flags[slot] as number;
    const hits = flags >> 10;
    if (hits === 0) return;
    const known = flags & (oneHit - 1);
    const uses = Math.min(mostUses, (known & mostUses) + hits);
    this.flags[slot] = (known & ~mostUses) | uses;
    this.#addHits(slot, hits);
  }

  /** Counts a use of a slot that is no hit. */
  addUse(slot: number): void {
    const flags = this.flags[slot] as number;
    if ((flags & mostUses) !== mostUses) this.flags[slot] = flags + 1;
  }

  /** Counts a hit for the group of a slot, but not as a use. */
  addHit(slot: number): void {
    this.#addHits(slot, 1);
  }

  /** What is in a slot is new, fresh for so long from now on, and may stand in for so long after that. */
  setTimes(slot: number, tick: number, freshForMs: number, staleMs: number): void {
    // Rounded, and not up: moments that differ by next to nothing must not differ by a millisecond.
    this.freshUntil[slot] = Math.round(tick + Math.min(freshForMs, longestMs));
    this.bornAt[slot] = Math.floor(tick);
    if (this.#staleFor !== undefined || staleMs !== this.#staleMs) this.#setStale(slot, staleMs);
  }

  /** Says when the value in a slot was come by, in ticks. */
  setBornAt(slot: number, bornAt: number): void {
    this.bornAt[slot] = Math.max(lowestTick, Math.floor(bornAt));
  }

  /** Says when what is in a slot stops being fresh, in ticks; `tick` is now. */
  setFreshUntil(slot: number, freshUntil: number, tick: number): void {
    // Rounded, and not up: moments that differ by next to nothing must not differ by a millisecond.
    this.freshUntil[slot] = Math.max(lowestTick, Math.round(Math.min(freshUntil, tick + longestMs)));
  }

  /** When what is in a slot can no longer stand in, in ticks. */
  usableUntil(slot: number): number {
    return (this.freshUntil[slot] as number) + (this.#staleFor?.[slot] ?? this.#staleMs);
  }

  #setStale(slot: number, staleMs: number): void {
    this.#staleFor ??= new Int32Array(this.capacity).fill(this.#staleMs);
    this.#staleFor[slot] = Math.min(staleMs, longestMs);
  }

  #addHits(slot: number, hits: number): void {
    const group = this.group(slot);
    this.#hits[group] = (this.#hits[group] as number) + hits;
  }

  /** Whether ticks have run so high that they must be counted from a later moment: {@link rebase}. */
  isLate(tick: number): boolean {
    return tick > highestTick;
  }

  /** Counts ticks from a later moment. What can no longer stand in must have been taken out. */
  rebase(tick: number): void {
    const shift = Math.floor(tick) - firstTick;
    for (let slot = 0; slot < this.capacity; slot += 1) {
      this.freshUntil[slot] = Math.max(lowestTick, (this.freshUntil[slot] as number) - shift);
      this.bornAt[slot] = Math.max(lowestTick, (this.bornAt[slot] as number) - shift);
    }
    this.baseMs += shift;
  }
}

function grown(numbers: Int32Array, length: number): Int32Array {
  const larger = new Int32Array(length);
  larger.set(numbers);
  return larger;
}
