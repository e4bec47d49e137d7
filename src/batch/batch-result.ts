/** What came of one item. Every item that was read has exactly one. */
export type BatchResult<Item, Value> = ProcessedItem<Item, Value> | FailedItem<Item>;

/** An item whose work succeeded. */
export interface ProcessedItem<Item, Value> {
  readonly ok: true;
  /** The item as it was given. */
  readonly item: Item;
  /** Its place among the items, from 0. */
  readonly index: number;
  /** What the work made of it. */
  readonly value: Value;
  readonly error?: undefined;
  /** Whether it comes from the checkpoint and was not worked on this time. */
  readonly recorded: boolean;
}

/** An item whose work failed, or that was read and did not begin because the batch ended before. */
export interface FailedItem<Item> {
  readonly ok: false;
  /** The item as it was given. */
  readonly item: Item;
  /** Its place among the items, from 0. */
  readonly index: number;
  readonly value?: undefined;
  /**
   * What the work threw. A `RejectedError` with reason `closed` if the item did not begin; a {@link RecordedError} if it
   * comes from the checkpoint.
   */
  readonly error: unknown;
  /** Whether it comes from the checkpoint and was not worked on this time. */
  readonly recorded: boolean;
}
