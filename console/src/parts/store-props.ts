import type { ConsoleStore } from '../console-store.ts';

/** What most parts of the page are given. */
export interface StoreProps {
  readonly store: ConsoleStore;
}
