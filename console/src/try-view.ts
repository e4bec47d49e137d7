/** What can be tried, in the order of the tabs. */
export const tryViews = ['products', 'evidence', 'property', 'import'] as const;

export type TryView = (typeof tryViews)[number];

/** The view that the fragment of an address names; `undefined` when it names none, such as `#calls`. */
export function viewOfFragment(fragment: string): TryView | undefined {
  return tryViews.find(view => `#${view}` === fragment);
}
