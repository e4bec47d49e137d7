/** How long an entry can be fresh at most, and how long after that it can stand in at most: 24 days, in milliseconds. */
const longestMs = 24 * 86_400_000;

/** Stands for no slot. */
export const noSlot = -1;

/** The bits of {@link Slots.flags} that count uses, up to this number. */
export const mostUses = 3;

/** The bit of {@link Slots.flags} by which a policy tells its lists apart. */
export const listBit = 4;

/** By how many bits the group of a slot is shifted in {@link Slots.flags}. */
export const groupShift = 3;

const lowestTick = -(2 ** 31);

/** Past this tick `freshUntil` might not fit into 32 bits. */
const highestTick = 2 ** 31 - 1 - longestMs;

/** Where ticks begin: what may still stand in has stopped being fresh above {@link lowestTick}. */
const firstTick = lowestTick + longestMs;

/**
 * Everything numeric that is known of the entries of a cache: 18 bytes for each, which the garbage collector does not walk.
 * Times are whole milliseconds since a moment that moves along, so that 4 bytes hold them.
 *
 * The arrays are replaced when they grow: do not hold on to them.
 */
export class Slots {
  // Fields that begin as what they will be are read without a check of their type.
  /** When the entry stops being fresh, in ticks. */
  freshUntil: Int32Array = new Int32Array(0);
  /** Uses, list and group. */
  flags: Uint16Array = new Uint16Array(0);
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
  #staleFor: Int32Array | undefined;
  #free: number = noSlot;

  /** `staleMs` is how long most entries may stand in: what differs costs all of them 4 bytes more. */
  constructor(maxSlots: number, staleMs: number, nowMs: number) {
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
    this.freshUntil = grown(this.freshUntil, new Int32Array(capacity));
    this.flags = grown(this.flags, new Uint16Array(capacity));
    this.bornAt = grown(this.bornAt, new Int32Array(capacity));
    this.next = grown(this.next, new Int32Array(capacity));
    this.previous = grown(this.previous, new Int32Array(capacity));
    if (this.#staleFor !== undefined) this.#staleFor = grown(this.#staleFor, new Int32Array(capacity));
    for (let slot = capacity - 1; slot >= before; slot -= 1) this.release(slot);
  }

  /** The group of what is in a slot. */
  group(slot: number): number {
    return (this.flags[slot] as number) >> groupShift;
  }

  /** What is in a slot is new, fresh for so long from now on, and may stand in for so long after that. */
  setTimes(slot: number, tick: number, freshForMs: number, staleMs: number): void {
    this.setFreshUntil(slot, tick + freshForMs, tick);
    this.bornAt[slot] = Math.floor(tick);
    if (this.#staleFor === undefined) {
      if (staleMs === this.#staleMs) return;
      this.#staleFor = new Int32Array(this.capacity).fill(this.#staleMs);
    }
    this.#staleFor[slot] = Math.min(staleMs, longestMs);
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

function grown<Numbers extends Int32Array | Uint16Array>(numbers: Numbers, larger: Numbers): Numbers {
  larger.set(numbers);
  return larger;
}
