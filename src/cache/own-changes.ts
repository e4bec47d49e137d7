import type { StoredEntries } from './stored-entries.ts';

/** What is known besides the store, and can be forgotten. */
export interface Forgetful {
  /** What is known of a key. */
  changed(key: string): void;
  /** What is known of the keys that a pattern matches; without one, of all. */
  changedMatching(pattern: string | undefined): void;
  /** That entries with a tag are there, or fresh. */
  changedTag(tag: string, change: 'deleted' | 'expired'): void;
}

/**
 * The changes that this process makes to what the store holds. Of them the store does not tell this process, and what it
 * reads while one is under way may be of before: when it is done, that is forgotten.
 */
export class OwnChanges<Value> {
  readonly #entries: StoredEntries<Value>;
  readonly #known: Forgetful;

  constructor(entries: StoredEntries<Value>, known: Forgetful) {
    this.#entries = entries;
    this.#known = known;
  }

  async delete(keys: readonly string[]): Promise<number> {
    const deleted = await this.#entries.delete(keys);
    for (const key of keys) this.#known.changed(key);
    return deleted;
  }

  async clear(pattern?: string): Promise<number> {
    const cleared = await this.#entries.clear(pattern);
    this.#known.changedMatching(pattern);
    return cleared;
  }

  async deleteByTag(tag: string): Promise<void> {
    await this.#entries.deleteByTag(tag);
    this.#known.changedTag(tag, 'deleted');
  }

  async expireByTag(tag: string): Promise<void> {
    await this.#entries.expireByTag(tag);
    this.#known.changedTag(tag, 'expired');
  }

  async increment(key: string, by: number, ttlMs: number | undefined, defaultTtlMs: number): Promise<number> {
    const sum = await this.#entries.increment(key, by, ttlMs, defaultTtlMs);
    this.#known.changed(key);
    return sum;
  }
}
