import type { KeyListener, RedisKeyChanges } from '../../redis/index.ts';
import type { ChangeCoverage, ChangeListener, StoreChanges } from '../cache-store.ts';

/** The changes of a connection to Redis, as a store with a prefix of its own sees them. */
export class RedisChanges implements StoreChanges {
  readonly #changes: RedisKeyChanges;
  readonly #keyPrefix: string;

  constructor(changes: RedisKeyChanges, keyPrefix: string) {
    this.#changes = changes;
    this.#keyPrefix = keyPrefix;
  }

  get coverage(): ChangeCoverage {
    return this.#changes.coverage;
  }

  /** Why the coverage is not `tracking`. */
  get reason(): string | undefined {
    return this.#changes.reason;
  }

  get heardUntilMs(): number {
    return this.#changes.heardUntilMs;
  }

  get generation(): number {
    return this.#changes.generation;
  }

  listen(prefix: string, listener: ChangeListener, owner?: object): () => void {
    return this.#changes.listen(this.#keyPrefix + prefix, new WithoutPrefix(listener, this.#keyPrefix.length), owner);
  }

  announce(keys: readonly string[], owner?: object): void {
    const prefix = this.#keyPrefix;
    this.#changes.announce(prefix === '' ? keys : keys.map(key => prefix + key), owner);
  }
}

/** A listener that is told keys without so many characters at their beginning. */
class WithoutPrefix implements KeyListener {
  readonly #listener: ChangeListener;
  readonly #length: number;

  constructor(listener: ChangeListener, length: number) {
    this.#listener = listener;
    this.#length = length;
  }

  changed(key: string): void {
    this.#listener.changed(key.slice(this.#length));
  }

  allChanged(): void {
    this.#listener.allChanged();
  }
}
