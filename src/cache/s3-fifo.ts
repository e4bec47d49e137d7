import type { EvictionPolicy } from './eviction-policy.ts';
import { SlotList } from './slot-list.ts';
import { listBit, mostUses, type Slots } from './slots.ts';

/** How often an entry on trial must have been used to be kept. */
const usesToStay = 2;

/** How many entries are on trial, as a part of all. */
const trialPart = 0.1;

/**
 * S3-FIFO (Yang et al., SOSP 2023): new entries are on trial in a short queue; those that are used there more than once go on
 * to the main queue, where every use gives them one more round. What returns soon after its trial goes straight to
 * the main queue. A use only counts, so that a hit is cheap and a scan of keys that are asked for once displaces nothing.
 */
export class S3Fifo implements EvictionPolicy {
  readonly #slots: Slots;
  readonly #trial: SlotList;
  readonly #main: SlotList;

  constructor(slots: Slots) {
    this.#slots = slots;
    this.#trial = new SlotList(slots);
    this.#main = new SlotList(slots);
  }

  added(slot: number, returns: boolean): void {
    if (returns) this.#toMain(slot);
    else this.#trial.addFirst(slot);
  }

  removed(slot: number): void {
    const isMain = ((this.#slots.flags[slot] as number) & listBit) !== 0;
    (isMain ? this.#main : this.#trial).remove(slot);
  }

  next(tick: number): number {
    const slots = this.#slots;
    const { flags } = slots;
    for (;;) {
      const isTrial = this.#main.size === 0 || this.#trial.size >= trialPart * (this.#trial.size + this.#main.size);
      const slot = isTrial ? this.#trial.last : this.#main.last;
      if (slots.usableUntil(slot) <= tick) return slot;
      const known = flags[slot] as number;
      const uses = known & mostUses;
      if (uses < (isTrial ? usesToStay : 1)) return slot;
      if (isTrial) {
        flags[slot] = known - uses;
        this.#trial.remove(slot);
        this.#toMain(slot);
      } else {
        flags[slot] = known - 1;
        this.#main.moveFirst(slot);
      }
    }
  }

  #toMain(slot: number): void {
    const { flags } = this.#slots;
    flags[slot] = (flags[slot] as number) | listBit;
    this.#main.addFirst(slot);
  }
}
