/** A timer that waits in a {@link TimerHeap}. */
export interface HeapTimer {
  dueMs: number;
  /** Which one is first among those due at the same moment. */
  order: number;
  isCancelled: boolean;
}

/** Timers, the next one first: a binary heap, so that a day with a million timers can be simulated. */
export class TimerHeap<Entry extends HeapTimer> {
  readonly #entries: Entry[] = [];

  /** The next timer that has not been cancelled. */
  peek(): Entry | undefined {
    while (this.#entries[0]?.isCancelled) this.#removeFirst();
    return this.#entries[0];
  }

  /** Takes the next timer out. */
  pop(): Entry | undefined {
    const first = this.peek();
    if (first !== undefined) this.#removeFirst();
    return first;
  }

  push(entry: Entry): void {
    const entries = this.#entries;
    let index = entries.push(entry) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!isBefore(entry, entries[parent] as Entry)) break;
      entries[index] = entries[parent] as Entry;
      index = parent;
    }
    entries[index] = entry;
  }

  #removeFirst(): void {
    const entries = this.#entries;
    const last = entries.pop() as Entry;
    if (entries.length === 0) return;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= entries.length) break;
      if (child + 1 < entries.length && isBefore(entries[child + 1] as Entry, entries[child] as Entry)) child += 1;
      if (!isBefore(entries[child] as Entry, last)) break;
      entries[index] = entries[child] as Entry;
      index = child;
    }
    entries[index] = last;
  }
}

function isBefore(left: HeapTimer, right: HeapTimer): boolean {
  return left.dueMs < right.dueMs || (left.dueMs === right.dueMs && left.order < right.order);
}
