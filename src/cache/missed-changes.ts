/** How many keys are remembered; beyond it everything counts as changed. */
const maxKeys = 10_000;

/**
 * What could not be told to the store: keys and tags that were changed while it was away, or of which it is not known
 * whether the change was carried out. Until the store knows, nothing that it holds for them is believed.
 */
export class MissedChanges {
  readonly #keys = new Map<string, number>();
  readonly #tags = new Map<string, 'deleted' | 'expired'>();
  #everything = false;
  #count = 0;

  /** Whether there is nothing to tell. */
  get isEmpty(): boolean {
    return !this.#everything && this.#keys.size === 0 && this.#tags.size === 0;
  }

  /** Whether the store may hold something for this key that has been changed. */
  has(key: string): boolean {
    if (this.#keys.size === 0 && !this.#everything) return false;
    return this.#everything || this.#keys.has(key);
  }

  /** Whether the store may hold something for one of these tags that has been changed. */
  hasTag(tags: readonly string[]): boolean {
    return this.#tags.size > 0 && tags.some(tag => this.#tags.has(tag));
  }

  /** The change of a key was missed. */
  add(key: string): void {
    this.#count += 1;
    if (this.#keys.size >= maxKeys && !this.#keys.has(key)) this.addEverything();
    else this.#keys.set(key, this.#count);
  }

  /** The change of a tag was missed. Which of the store's entries have it is not known. */
  addTag(tag: string, change: 'deleted' | 'expired'): void {
    if (this.#tags.get(tag) === 'deleted') return;
    if (this.#tags.size >= maxKeys) this.addEverything();
    else this.#tags.set(tag, change);
  }

  /** Any key may have been changed. */
  addEverything(): void {
    this.#count += 1;
    this.#everything = true;
    this.#keys.clear();
    this.#tags.clear();
  }

  /**
   * Tells the store, part by part; what it has been told is no longer remembered, unless it was changed again meanwhile.
   * Rejects when the store is away again; the rest stays.
   */
  async tell(store: {
    delete(keys: readonly string[]): Promise<unknown>;
    deleteByTag(tag: string): Promise<unknown>;
    expireByTag(tag: string): Promise<unknown>;
    clear(): Promise<unknown>;
  }): Promise<void> {
    if (this.#everything) {
      const before = this.#count;
      await store.clear();
      if (before === this.#count) this.#everything = false;
    }
    for (const [tag, change] of [...this.#tags]) {
      await (change === 'deleted' ? store.deleteByTag(tag) : store.expireByTag(tag));
      if (this.#tags.get(tag) === change) this.#tags.delete(tag);
    }
    const told = [...this.#keys];
    for (let start = 0; start < told.length; start += 500) {
      const batch = told.slice(start, start + 500);
      await store.delete(batch.map(([key]) => key));
      for (const [key, change] of batch) if (this.#keys.get(key) === change) this.#keys.delete(key);
    }
  }
}
