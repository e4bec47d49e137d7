/** Finds what belongs to a key by its beginning: one look-up for each length of prefix, whatever their number. */
export class PrefixRoutes<Value> {
  readonly #values = new Map<string, Set<Value>>();
  #lengths: readonly number[] = [];

  /** Whether there is nothing. */
  get isEmpty(): boolean {
    return this.#values.size === 0;
  }

  /** Adds a value for all keys that begin with a prefix. */
  add(prefix: string, value: Value): void {
    const values = this.#values.get(prefix);
    if (values !== undefined) values.add(value);
    else {
      this.#values.set(prefix, new Set([value]));
      this.#measure();
    }
  }

  /** Takes a value away again. */
  remove(prefix: string, value: Value): void {
    const values = this.#values.get(prefix);
    if (values === undefined || !values.delete(value) || values.size > 0) return;
    this.#values.delete(prefix);
    this.#measure();
  }

  /** Every value whose prefix the key begins with. */
  *of(key: string): Generator<Value, void, undefined> {
    for (const length of this.#lengths) {
      if (length > key.length) return;
      const values = this.#values.get(key.slice(0, length));
      if (values !== undefined) yield* values;
    }
  }

  /** Every value. */
  *all(): Generator<Value, void, undefined> {
    for (const values of this.#values.values()) yield* values;
  }

  /** The fewest prefixes that cover all others, and some more, none of which is the beginning of another. */
  covering(more: readonly string[] = []): readonly string[] {
    const covering: string[] = [];
    // In this order a prefix comes right before what begins with it.
    for (const prefix of [...this.#values.keys(), ...more].sort()) {
      const last = covering.at(-1);
      if (last === undefined || !prefix.startsWith(last)) covering.push(prefix);
    }
    return covering;
  }

  #measure(): void {
    const lengths = new Set<number>();
    for (const prefix of this.#values.keys()) lengths.add(prefix.length);
    this.#lengths = [...lengths].sort((left, right) => left - right);
  }
}
