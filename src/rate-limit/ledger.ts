/**
 * What one law remembers of many keys, in numbers only. A key is a slot: a whole number from 1 on. Slot 0 belongs to
 * nobody and stays whole.
 */
export interface Ledger {
  /** The most that can be admitted at once. */
  readonly limit: number;
  /** A key that has taken nothing for so long is whole again, in milliseconds. */
  readonly recoveryMs: number;
  /** Makes room for the next slot, which is whole. */
  reserve(slot: number): void;
  /** Forgets what has expired; comes before every question about a slot at a moment. */
  settle(slot: number, nowMs: number): void;
  /** How long until this cost would be admitted, in whole milliseconds; 0 means now. */
  waitMs(slot: number, cost: number, nowMs: number): number;
  /** Takes what {@link waitMs} has found to be there. */
  take(slot: number, cost: number, nowMs: number): void;
  /** What could be taken now; whole. */
  remaining(slot: number, nowMs: number): number;
  /** How long until the slot is whole, in whole milliseconds. */
  resetAfterMs(slot: number, nowMs: number): number;
  /** Makes the slot whole. */
  clear(slot: number): void;
  /** Makes an unused slot what a slot of a ledger of the same kind is, under this law. */
  copy(from: Ledger, fromSlot: number, slot: number, nowMs: number): void;
}

/** A larger array with the same content. */
export function grown<Numbers extends Float64Array | Uint32Array>(numbers: Numbers, length: number): Numbers {
  const larger = new (numbers.constructor as new (length: number) => Numbers)(length);
  larger.set(numbers);
  return larger;
}
