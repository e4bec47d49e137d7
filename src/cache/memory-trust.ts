import type { Clock } from '../kernel/index.ts';
import type { StoreChanges } from './cache-store.ts';

/** What a {@link MemoryTrust} needs to know, and whom it tells. */
export interface MemoryTrustOptions {
  /** What is told of changes by others; `undefined` when nothing is. */
  readonly changes: StoreChanges | undefined;
  readonly maxStalenessMs: number;
  /** How long an entry in memory is fresh at most while changes are heard of. */
  readonly memoryTtlMs: number;
  readonly clock: Clock;
  /** Changes may have been missed: what is in memory is no longer fresh. */
  readonly onLost: () => void;
}

/** What is kept back of the bound: the turn of the event loop in which a read is made may be held up. */
const heldBackShare = 0.1;

/** How long something may be relied upon without news, so that no read breaks the bound, in milliseconds. */
export function reliedOnMs(maxStalenessMs: number): number {
  return maxStalenessMs * (1 - heldBackShare);
}

/** How often it is looked whether changes are heard of again, in milliseconds. */
const lookAgainMs = 25;

/**
 * How far what is in memory can be relied upon. While changes by others are heard of, an entry is fresh until one is heard,
 * and no longer than `maxStalenessMs` after the last moment up to which all of them have been. While they are not, an
 * entry is fresh for `maxStalenessMs` at most.
 */
export class MemoryTrust {
  /** When {@link check} has to be called next, by the monotonic clock: compared at every read. */
  checkAtMs: number = Number.NEGATIVE_INFINITY;
  readonly #options: MemoryTrustOptions;
  #hears = false;

  constructor(options: MemoryTrustOptions) {
    this.#options = options;
  }

  /**
   * How long an entry that is kept now may be fresh, in milliseconds.
   *
   * @param asOfMs When its value was certainly right: when it was asked for.
   * @param isShared Whether the store has the same entry, so that its changes are told.
   */
  freshForMs(asOfMs: number, isShared: boolean): number {
    const { memoryTtlMs, maxStalenessMs, clock } = this.#options;
    const nowMs = clock.monotonic();
    this.check(nowMs);
    if (this.#hears && isShared) return memoryTtlMs;
    return Math.max(0, Math.min(memoryTtlMs, asOfMs + maxStalenessMs - nowMs));
  }

  /** Looks until when memory can be relied upon. */
  check(nowMs: number): void {
    const { changes, maxStalenessMs, onLost } = this.#options;
    if (changes === undefined) {
      this.checkAtMs = Number.POSITIVE_INFINITY;
      return;
    }
    const untilMs = changes.heardUntilMs + maxStalenessMs;
    const hears = nowMs < untilMs;
    this.checkAtMs = hears ? untilMs : nowMs + lookAgainMs;
    if (this.#hears && !hears) onLost();
    this.#hears = hears;
  }
}
