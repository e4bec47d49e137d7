import { noSlot, type Slots } from './slots.ts';

/** A list of slots, linked through {@link Slots}. A slot is in one list at most. */
export class SlotList {
  readonly #slots: Slots;
  #first: number = noSlot;
  #last: number = noSlot;
  #size = 0;

  constructor(slots: Slots) {
    this.#slots = slots;
  }

  get size(): number {
    return this.#size;
  }

  /** The slot that was put in front before all others. */
  get last(): number {
    return this.#last;
  }

  /** Puts a slot in front of all others. */
  addFirst(slot: number): void {
    const { next, previous } = this.#slots;
    const first = this.#first;
    previous[slot] = noSlot;
    next[slot] = first;
    if (first === noSlot) this.#last = slot;
    else previous[first] = slot;
    this.#first = slot;
    this.#size += 1;
  }

  /** Takes a slot out. */
  remove(slot: number): void {
    const { next, previous } = this.#slots;
    const after = next[slot] as number;
    const before = previous[slot] as number;
    if (before === noSlot) this.#first = after;
    else next[before] = after;
    if (after === noSlot) this.#last = before;
    else previous[after] = before;
    this.#size -= 1;
  }

  /** Puts a slot that is in it in front of all others. */
  moveFirst(slot: number): void {
    if (this.#first === slot) return;
    this.remove(slot);
    this.addFirst(slot);
  }
}
