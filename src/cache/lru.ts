import type { EvictionPolicy } from './eviction-policy.ts';
import { SlotList } from './slot-list.ts';
import type { Slots } from './slots.ts';

/** Evicts what has not been used for the longest time. It has to be told of every use, and counts none. */
export class Lru implements EvictionPolicy {
  readonly #list: SlotList;

  constructor(slots: Slots) {
    this.#list = new SlotList(slots);
  }

  added(slot: number): void {
    this.#list.addFirst(slot);
  }

  removed(slot: number): void {
    this.#list.remove(slot);
  }

  /** A slot has been read or overwritten. */
  used(slot: number): void {
    this.#list.moveFirst(slot);
  }

  isNew(): boolean {
    return true;
  }

  next(): number {
    return this.#list.last;
  }
}
