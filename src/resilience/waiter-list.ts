import type { Timer } from '../kernel/index.ts';

/** How a {@link Waiter} is made. */
export interface WaiterOptions {
  readonly tenant: string | undefined;
  /** Who came first: the lower. */
  readonly order: number;
  readonly list: WaiterList;
  resolve(): void;
}

/** One call that waits for a slot, a link in a list. */
export class Waiter {
  readonly tenant: string | undefined;
  readonly order: number;
  readonly resolve: () => void;
  list: WaiterList;
  timer: Timer | undefined;
  previous: Waiter | undefined;
  next: Waiter | undefined;
  #signal: AbortSignal | undefined;
  #onAbort: (() => void) | undefined;

  constructor(options: WaiterOptions) {
    this.tenant = options.tenant;
    this.order = options.order;
    this.resolve = options.resolve;
    this.list = options.list;
    options.list.add(this);
  }

  /** Calls back when the signal is aborted, as long as it waits. */
  listen(signal: AbortSignal, onAbort: () => void): void {
    this.#signal = signal;
    this.#onAbort = onAbort;
    signal.addEventListener('abort', onAbort, { once: true });
  }

  /** Takes it out of its list, and back whatever would wake it. */
  leave(): void {
    this.list.remove(this);
    this.timer?.cancel();
    if (this.#onAbort !== undefined) this.#signal?.removeEventListener('abort', this.#onAbort);
  }
}

/** Calls of one priority and one tenant, in the order of their arrival. */
export class WaiterList {
  first: Waiter | undefined;
  last: Waiter | undefined;
  readonly #onEmpty: () => void;

  constructor(onEmpty: () => void) {
    this.#onEmpty = onEmpty;
  }

  add(waiter: Waiter): void {
    waiter.previous = this.last;
    if (this.last === undefined) this.first = waiter;
    else this.last.next = waiter;
    this.last = waiter;
  }

  remove(waiter: Waiter): void {
    const { previous, next } = waiter;
    if (previous === undefined) this.first = next;
    else previous.next = next;
    if (next === undefined) this.last = previous;
    else next.previous = previous;
    waiter.previous = undefined;
    waiter.next = undefined;
    if (this.first === undefined) this.#onEmpty();
  }
}
