import type { JSX } from 'preact';
import type { ConsoleStore } from '../console-store.ts';

export interface ShowMoreProps {
  readonly store: ConsoleStore;
  /** The name of the list; the kind of its question comes first. */
  readonly list: string;
  readonly total: number;
  readonly first: number;
  /** What the list is of, for those who do not see where the button stands. */
  readonly of: string;
}

/** As much of a list as is shown. */
export function shownOf<Item>(
  store: ConsoleStore,
  { list, first }: Pick<ShowMoreProps, 'list' | 'first'>,
  items: readonly Item[],
): readonly Item[] {
  return store.view.wholeLists.has(list) ? items : items.slice(0, first);
}

/** Shows a list to its end, or only its beginning. Nothing when it is short. */
export function ShowMore({ store, list, total, first, of }: ShowMoreProps): JSX.Element | null {
  if (total <= first) return null;
  const whole = store.view.wholeLists.has(list);
  return (
    <button type="button" class="quiet-button" aria-expanded={whole} onClick={() => store.toggleList(list)}>
      {whole ? `Show the first ${first}` : `Show all ${total}`}
      <span class="visually-hidden"> {of}</span>
    </button>
  );
}
