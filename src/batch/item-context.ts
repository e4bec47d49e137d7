import { ArgumentError } from '../errors/index.ts';
import type { WorkContext } from './batch-options.ts';
import { type ItemIds, idempotencyKeyOf } from './checkpoint.ts';

/** What an {@link ItemContext} is made of. */
export interface ItemContextParts<Item> {
  readonly item: Item;
  readonly index: number;
  readonly keyOf: (item: Item) => string;
  /** Names the places of the input; without a checkpoint their index is enough. */
  readonly ids: ItemIds | undefined;
  /** The job, or, without a checkpoint, something new. */
  readonly batchId: string;
  readonly signal: AbortSignal;
}

/** One item on its way. Keys are made when somebody asks for them. */
export class ItemContext<Item> implements WorkContext {
  readonly item: Item;
  readonly index: number;
  readonly signal: AbortSignal;
  /** What it is known by in the checkpoint. */
  readonly id: string;
  /** Why it can be known by nothing: that is the failure of this item, and of no other. */
  readonly misnamed?: { readonly error: unknown };
  readonly #keyOf: (item: Item) => string;
  readonly #batchId: string;

  constructor({ item, index, keyOf, ids, batchId, signal }: ItemContextParts<Item>) {
    this.item = item;
    this.index = index;
    this.signal = signal;
    this.#keyOf = keyOf;
    this.#batchId = batchId;
    this.id = String(index);
    if (ids === undefined) return;
    try {
      this.id = ids.next(this.key);
    } catch (error) {
      this.misnamed = { error };
    }
  }

  get key(): string {
    const key: unknown = this.#keyOf(this.item);
    if (typeof key === 'string') return key;
    throw new ArgumentError(
      `Cannot name item ${this.index}: expected keyOf to give a text, got ${typeof key}`,
      'keyOf',
    );
  }

  get idempotencyKey(): string {
    return idempotencyKeyOf(this.#batchId, this.id);
  }
}
