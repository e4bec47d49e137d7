/** What a column holds, as the portal names it. */
export type SodaType = 'text' | 'number' | 'floating_timestamp' | 'checkbox' | 'point';

/** A row as it is sent: what is empty is left out, numbers are text. */
export type SodaRow = Readonly<Record<string, unknown>>;

/** A data set with all its rows. */
export interface SodaDataset {
  /** Such as `3h2n-5cm9`. */
  readonly id: string;
  /** In the portal's order. */
  readonly columns: ReadonlyMap<string, SodaType>;
  readonly rows: readonly SodaRow[];
  /** The column that tells rows apart; the row's place in the list when there is none. */
  readonly key: string | undefined;
}

/** The portal's own identifier of a row: the column `:id`. */
export function rowIdOf(index: number): string {
  const code = (index * 2_654_435_761) % 2 ** 32;
  const text = code.toString(36).padStart(8, '0').slice(-8);
  return `row-${text.slice(0, 4)}.${text.slice(4)}-${String(index).padStart(4, '0')}`;
}
