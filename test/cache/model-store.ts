import type { CacheStore, StoredBytes } from 'plinth/cache';
import { NetworkError, TimeoutError } from 'plinth/errors';
import type { MemoryCacheStore, MemoryStoreChanges, VirtualClock } from 'plinth/testing';

/** What happened, in its order: every moment has a number of its own. */
export class History {
  readonly events: StoreEvent[] = [];
  readonly #clock: VirtualClock;
  readonly #tagTokens = new Map<string, string>();
  #count = 0;

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  /** The number of this moment. */
  next(): number {
    this.#count += 1;
    return this.#count;
  }

  get nowMs(): number {
    return this.#clock.monotonic();
  }

  /** Bytes went into the store. */
  stored(at: number, ms: number, by: number, storeKey: string, bytes: StoredBytes): void {
    const text = typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString('latin1');
    const [kind, key] = splitKey(storeKey);
    if (kind === 'entry') this.events.push({ at, ms, by, kind: 'stored', key, value: /"(v\d+)"$/.exec(text)?.[1] });
    if (kind !== 'tag') return;
    // After two bytes that say what it is: of its last deletion and of its last expiry a token of 12 characters each, and
    // the time of the last of them, zero for none.
    const tokens = text.slice(2, 26);
    const isMade = !this.#tagTokens.has(key) && /^0+$/.test(text.slice(26, 33));
    if (this.#tagTokens.get(key) !== tokens && !isMade) this.events.push({ at, ms, by, kind: 'tag', key });
    this.#tagTokens.set(key, tokens);
  }

  /** A key is deleted. Nobody can be told of one that is not there. */
  async deleting(storeKey: string, deleting: Promise<number>, by?: number): Promise<number> {
    const [at, ms] = [this.next(), this.nowMs];
    const [kind, key] = splitKey(storeKey);
    const deleted = await deleting;
    if (kind === 'entry' && deleted > 0) this.events.push({ at, ms, by, kind: 'gone', key });
    return deleted;
  }

  /** Everything is deleted. */
  flushed(): void {
    this.events.push({ at: this.next(), ms: this.nowMs, by: undefined, kind: 'gone', key: undefined });
    this.#tagTokens.clear();
  }
}

/** What happened in the store, and by which of the processes that have a cache, if it was one of them. */
export type StoreEvent = { readonly at: number; readonly ms: number; readonly by: number | undefined } & (
  | { readonly kind: 'stored'; readonly key: string; readonly value: string | undefined }
  | { readonly kind: 'gone'; readonly key: string | undefined }
  | { readonly kind: 'tag'; readonly key: string }
);

/**
 * What becomes of requests. `refusing`: nothing, and they reject at once. `hanging`: nothing. `unanswered`: they are
 * carried out. `late`: they are carried out when it is over. Of the last three nobody hears, and their time runs out.
 */
export type ModelHealth = 'there' | 'refusing' | 'hanging' | 'unanswered' | 'late';

/** How long a request takes to the store, and its answer back, in milliseconds. */
export const tripMs = 1;

const timeoutMs = 100;

/** The connection of one process to a store in memory, with trips that take time, and everything noted. */
export class ModelStore implements CacheStore {
  readonly changes: MemoryStoreChanges;
  readonly #inner: MemoryCacheStore;
  readonly #who: number;
  readonly #clock: VirtualClock;
  readonly #history: History;
  #health: ModelHealth = 'there';
  #late: (() => void)[] = [];

  constructor(inner: MemoryCacheStore, who: number, clock: VirtualClock, history: History) {
    this.#inner = inner;
    this.#who = who;
    this.#clock = clock;
    this.#history = history;
    this.changes = inner.changes;
  }

  set health(health: ModelHealth) {
    this.#health = health;
    if (health === 'there') for (const act of this.#late.splice(0)) act();
  }

  now(): number {
    return this.#clock.now();
  }

  read(keys: readonly string[]): Promise<readonly (Uint8Array | undefined)[]> {
    return this.#request(() => this.#inner.read(keys));
  }

  write(key: string, bytes: StoredBytes, lifetimeMs: number): Promise<void> {
    return this.#request(() => {
      this.#history.stored(this.#history.next(), this.#history.nowMs, this.#who, key, bytes);
      return this.#inner.write(key, bytes, lifetimeMs);
    });
  }

  replace(key: string, expected: string | undefined, bytes: StoredBytes, lifetimeMs: number): Promise<boolean> {
    return this.#request(async () => {
      const [at, ms] = [this.#history.next(), this.#history.nowMs];
      const isDone = await this.#inner.replace(key, expected, bytes, lifetimeMs);
      if (isDone) this.#history.stored(at, ms, this.#who, key, bytes);
      // Redis does not know of whom a script is that compares and writes, and tells everybody.
      if (isDone && expected !== undefined) this.changes.tell([key], 'tracked');
      return isDone;
    });
  }

  delete(keys: readonly string[]): Promise<number> {
    return this.#request(async () => {
      const counts = await Promise.all(
        keys.map(key => this.#history.deleting(key, this.#inner.delete([key]), this.#who)),
      );
      return counts.reduce((sum, count) => sum + count, 0);
    });
  }

  increment(key: string, by: number, lifetimeMs: number | undefined, defaultLifetimeMs: number): Promise<number> {
    return this.#request(() => this.#inner.increment(key, by, lifetimeMs, defaultLifetimeMs));
  }

  async *scan(prefix: string): AsyncGenerator<readonly string[], void, undefined> {
    const all = await this.#request(async () => {
      const portions: (readonly string[])[] = [];
      for await (const portion of this.#inner.scan(prefix)) portions.push(portion);
      return portions.flat();
    });
    // In portions of one key, so that something happens between them.
    for (const key of all) yield await this.#request(async () => [key]);
  }

  async close(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {}

  async #request<Result>(act: () => Promise<Result>): Promise<Result> {
    const health = this.#health;
    if (health === 'refusing') throw new NetworkError('Cannot reach the store');
    await this.#clock.sleep(tripMs);
    if (health === 'there') {
      const result = await act();
      await this.#clock.sleep(tripMs);
      return result;
    }
    if (health === 'unanswered') void act().catch(() => undefined);
    if (health === 'late') this.#late.push(() => void act().catch(() => undefined));
    await this.#clock.sleep(timeoutMs);
    throw new TimeoutError(`No answer within ${timeoutMs} ms`, timeoutMs);
  }
}

/** What a key of the store is the key of. */
function splitKey(storeKey: string): [kind: 'entry' | 'tag' | 'lease', key: string] {
  const [base = '', , ...rest] = storeKey.split(':');
  return [base === 'cache' ? 'entry' : base === 'cache-tags' ? 'tag' : 'lease', rest.join(':')];
}
