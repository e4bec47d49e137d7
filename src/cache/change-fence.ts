/** How many changes are kept apart while something is under way. */
const maxKeys = 10_000;

/**
 * Tells whether a key has changed since something began, so that what was read or loaded before a change is not kept in
 * memory after it. Changes are remembered only while something is under way.
 *
 * @example
 * const ticket = fence.begin();
 * const value = await read(key);
 * if (fence.end(ticket, key)) keep(key, value);
 */
export class ChangeFence {
  readonly #changedAt = new Map<string, number>();
  #changes = 0;
  #allChangedAt = 0;
  #underWay = 0;

  /** Something begins; call {@link end} once when it has ended. */
  begin(): number {
    this.#underWay += 1;
    return this.#changes;
  }

  /** It has ended; says whether the key is as it was when it began. */
  end(ticket: number, key: string): boolean {
    const unchanged = this.unchanged(ticket, key);
    this.close();
    return unchanged;
  }

  /** Whether the key is as it was, for things that read many keys. */
  unchanged(ticket: number, key: string): boolean {
    return this.#allChangedAt <= ticket && (this.#changedAt.get(key) ?? 0) <= ticket;
  }

  /** Ends without asking. */
  close(): void {
    this.#underWay -= 1;
    if (this.#underWay === 0) this.#changedAt.clear();
  }

  /** A key changes. */
  changed(key: string): void {
    this.#changes += 1;
    if (this.#underWay === 0) return;
    if (this.#changedAt.size >= maxKeys) this.allChanged();
    else this.#changedAt.set(key, this.#changes);
  }

  /** Any key may have changed. */
  allChanged(): void {
    this.#changes += 1;
    this.#allChangedAt = this.#changes;
    this.#changedAt.clear();
  }
}
