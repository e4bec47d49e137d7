import { callId } from './call-kind.ts';
import type { CallRecord } from './wire.ts';

/** The newest calls, each once, newest end first, never more than the limit. */
export class RecentCalls {
  readonly #limit: number;
  readonly #byId = new Map<string, CallRecord>();
  readonly #pinned = new Set<string>();
  #newestFirst: readonly CallRecord[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  get list(): readonly CallRecord[] {
    return this.#newestFirst;
  }

  /** Adds what is not there yet, in any order, and says how many that were. */
  add(records: readonly CallRecord[]): number {
    const before = this.#byId.size;
    for (const record of records) {
      const id = callId(record);
      if (!this.#byId.has(id)) this.#byId.set(id, record);
    }
    const added = this.#byId.size - before;
    if (added === 0) return 0;
    const sorted = [...this.#byId.values()].sort(byEndNewestFirst);
    this.#newestFirst = this.#keep(sorted);
    if (this.#newestFirst.length === sorted.length) return added;
    this.#byId.clear();
    for (const record of this.#newestFirst) this.#byId.set(callId(record), record);
    return added;
  }

  /** Keeps a call in the list, for as long as somebody reads it. */
  pin(record: CallRecord, pinned: boolean): void {
    if (pinned) this.#pinned.add(callId(record));
    else this.#pinned.delete(callId(record));
  }

  clear(): void {
    this.#byId.clear();
    this.#pinned.clear();
    this.#newestFirst = [];
  }

  #keep(sorted: readonly CallRecord[]): readonly CallRecord[] {
    let surplus = sorted.length - this.#limit;
    if (surplus <= 0) return sorted;
    const kept: CallRecord[] = [];
    for (let index = sorted.length - 1; index >= 0; index -= 1) {
      const record = sorted[index] as CallRecord;
      if (surplus > 0 && !this.#pinned.has(callId(record))) surplus -= 1;
      else kept.push(record);
    }
    // A page on which everything is pinned still stays within its limit.
    return kept.reverse().slice(0, this.#limit);
  }
}

function byEndNewestFirst(left: CallRecord, right: CallRecord): number {
  return right.startedAt + right.durationMs - (left.startedAt + left.durationMs) || right.sequence - left.sequence;
}
