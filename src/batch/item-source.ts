import { ArgumentError } from '../errors/index.ts';
import { requireInteger, untilAborted } from '../kernel/index.ts';

/** Reads items one by one, from whatever holds or makes them. */
export class ItemSource<Item> {
  /** How many there are, if that is known. */
  readonly total: number | undefined;
  readonly #iterator: Iterator<Item> | AsyncIterator<Item>;
  #isReading = false;
  #isOpen = true;

  constructor(items: Iterable<Item> | AsyncIterable<Item>, total: number | undefined) {
    this.#iterator = iteratorOf(items);
    this.total = total === undefined ? totalOf(items) : requireInteger('total', total, 0);
  }

  /** The next item, or `undefined` when there is none. Only one read at a time. */
  async next(signal: AbortSignal): Promise<{ readonly item: Item } | undefined> {
    this.#isReading = true;
    try {
      const reading = this.#iterator.next();
      const { done, value } = reading instanceof Promise ? await untilAborted(reading, signal) : await reading;
      this.#isReading = false;
      if (done !== true) return { item: value as Item };
    } catch (error) {
      if (signal.aborted) throw error;
      // As the language has it: what fails when it is read has cleaned up by itself.
      this.#isOpen = false;
      throw error;
    }
    this.#isOpen = false;
    return undefined;
  }

  /** Lets the source clean up, if it has more. A read that was given up is not waited for. */
  async close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    const closing = (async () => await this.#iterator.return?.())();
    if (this.#isReading) closing.catch(() => {});
    else await closing;
  }
}

function iteratorOf<Item>(items: Iterable<Item> | AsyncIterable<Item>): Iterator<Item> | AsyncIterator<Item> {
  if (typeof items === 'object' && items !== null) {
    if (Symbol.asyncIterator in items) return items[Symbol.asyncIterator]();
    if (Symbol.iterator in items) return items[Symbol.iterator]();
  }
  throw new ArgumentError(
    `Cannot read items from ${items === null ? 'null' : typeof items}: expected an array, an iterable or an async iterable`,
    'items',
  );
}

function totalOf(items: object): number | undefined {
  if (Array.isArray(items)) return items.length;
  return items instanceof Set || items instanceof Map ? items.size : undefined;
}
