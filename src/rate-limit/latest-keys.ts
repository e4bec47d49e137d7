/**
 * What is remembered of the keys that were asked for lately: of the last `maxKeys / 2` of them at least, and of no more than
 * `maxKeys`. Two maps: when the newer one is full it becomes the older one, whose rest is dropped as a whole.
 */
export class LatestKeys<V> {
  readonly #halfOfKeys: number;
  #newer = new Map<string, V>();
  #older: Map<string, V> = new Map();

  constructor(maxKeys: number) {
    this.#halfOfKeys = Math.max(1, Math.floor(maxKeys / 2));
  }

  /** What is remembered of a key; it counts as asked for. */
  get(key: string): V | undefined {
    const value = this.#newer.get(key);
    if (value !== undefined) return value;
    const old = this.#older.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  set(key: string, value: V): void {
    if (this.#newer.size >= this.#halfOfKeys && !this.#newer.has(key)) {
      this.#older = this.#newer;
      this.#newer = new Map();
    }
    this.#newer.set(key, value);
  }

  delete(key: string): void {
    this.#newer.delete(key);
    this.#older.delete(key);
  }
}
