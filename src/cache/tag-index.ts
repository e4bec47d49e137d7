/** Which slots have which tags. */
export class TagIndex {
  readonly #slots = new Map<string, Set<number>>();
  readonly #tags = new Map<number, readonly string[]>();

  /** How many slots have tags. */
  get size(): number {
    return this.#tags.size;
  }

  /** Says which tags a slot has. */
  set(slot: number, tags: readonly string[]): void {
    this.delete(slot);
    if (tags.length === 0) return;
    this.#tags.set(slot, tags);
    for (const tag of tags) {
      const slots = this.#slots.get(tag);
      if (slots === undefined) this.#slots.set(tag, new Set([slot]));
      else slots.add(slot);
    }
  }

  /** A slot has no tags any more. */
  delete(slot: number): void {
    const tags = this.#tags.get(slot);
    if (tags === undefined) return;
    this.#tags.delete(slot);
    for (const tag of tags) {
      const slots = this.#slots.get(tag);
      slots?.delete(slot);
      if (slots?.size === 0) this.#slots.delete(tag);
    }
  }

  /** The tags of a slot. */
  of(slot: number): readonly string[] {
    return this.#tags.get(slot) ?? [];
  }

  /** No slot has tags any more. */
  clear(): void {
    this.#slots.clear();
    this.#tags.clear();
  }

  /** The slots that have a tag, as they are now. */
  slotsOf(tag: string): readonly number[] {
    return [...(this.#slots.get(tag) ?? [])];
  }
}
