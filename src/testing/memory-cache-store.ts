import type { CacheStore, ChangeCoverage, ChangeListener, StoreChanges, StoredBytes } from '../cache/index.ts';
import { CacheError, NetworkError, TimeoutError } from '../errors/index.ts';
import { type Clock, systemClock } from '../kernel/index.ts';

/**
 * What a {@link MemoryCacheStore} does with requests. `there`: it answers. `refusing`: it rejects at once. `hanging`: it does
 * nothing, and rejects when the time is up. `unanswered`: it does what it is asked to, and rejects when the time is up.
 */
export type StoreHealth = 'there' | 'refusing' | 'hanging' | 'unanswered';

/** The numbers of a {@link MemoryCacheStore}. */
export interface MemoryCacheStoreOptions {
  /** @default systemClock */
  readonly clock?: Clock | undefined;
  /** How long an answer takes, in milliseconds; the request is carried out at its beginning. @default 0 */
  readonly latencyMs?: number | undefined;
  /** How long a request may take, in milliseconds. @default 100 */
  readonly timeoutMs?: number | undefined;
}

/** What all connections to one store have in common. */
interface SharedState {
  readonly entries: Map<string, { readonly bytes: Buffer; readonly expiresAtMs: number }>;
  readonly connections: Set<MemoryCacheStore>;
}

/** How many keys a scan gives at a time. */
const scanPortion = 100;

/**
 * A `CacheStore` in the memory of the process, which can be made to fail. Each {@link connect} is another process that uses
 * the same store, and hears of the changes of the others.
 *
 * @example
 * const clock = new VirtualClock();
 * const store = new MemoryCacheStore({ clock });
 * const other = store.connect();
 * await other.write('key', 'text', 60_000);
 * store.health = 'hanging';
 */
export class MemoryCacheStore implements CacheStore {
  /** What becomes of requests of this connection. */
  health: StoreHealth = 'there';
  /** How often this connection has asked the store. */
  requests = 0;
  readonly changes: MemoryStoreChanges;
  readonly #options: MemoryCacheStoreOptions;
  readonly #clock: Clock;
  readonly #shared: SharedState;

  constructor(options: MemoryCacheStoreOptions = {}, shared?: SharedState) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#shared = shared ?? { entries: new Map(), connections: new Set() };
    this.#shared.connections.add(this);
    this.changes = new MemoryStoreChanges(this.#clock, keys => this.#tellOthers(keys, 'announced'));
  }

  /** Another process that uses the same store. */
  connect(): MemoryCacheStore {
    return new MemoryCacheStore(this.#options, this.#shared);
  }

  now(): number {
    return this.#clock.now();
  }

  /** How many keys there are. */
  get size(): number {
    for (const key of [...this.#shared.entries.keys()]) this.#peek(key);
    return this.#shared.entries.size;
  }

  read(keys: readonly string[]): Promise<readonly (Uint8Array | undefined)[]> {
    return this.#answer(() =>
      keys.map(key => {
        const bytes = this.#peek(key);
        return bytes === undefined ? undefined : Buffer.from(bytes);
      }),
    );
  }

  write(key: string, bytes: StoredBytes, lifetimeMs: number): Promise<void> {
    return this.#answer(() => this.#put(key, bytes, lifetimeMs));
  }

  replace(key: string, expected: string | undefined, bytes: StoredBytes, lifetimeMs: number): Promise<boolean> {
    return this.#answer(() => {
      const there = this.#peek(key);
      const isExpected =
        expected === undefined
          ? there === undefined
          : there?.subarray(0, expected.length).equals(Buffer.from(expected));
      if (isExpected === true) this.#put(key, bytes, lifetimeMs);
      return isExpected === true;
    });
  }

  delete(keys: readonly string[]): Promise<number> {
    return this.#answer(() => {
      const there = keys.filter(key => this.#peek(key) !== undefined && this.#shared.entries.delete(key));
      this.#tellOthers(there, 'tracked');
      return there.length;
    });
  }

  increment(key: string, by: number, lifetimeMs: number | undefined, defaultLifetimeMs: number): Promise<number> {
    return this.#answer(() => {
      const text = this.#peek(key)?.toString('latin1');
      if (text !== undefined && !/^(0|-?[1-9]\d{0,17})$/.test(text)) {
        throw new CacheError('Cannot increment: what is there is not a whole number', { retryable: false });
      }
      const sum = Number(text ?? 0) + by;
      const expiresAtMs = this.#shared.entries.get(key)?.expiresAtMs;
      const remainingMs = expiresAtMs === undefined ? defaultLifetimeMs : expiresAtMs - this.#clock.monotonic();
      this.#put(key, String(sum), lifetimeMs ?? remainingMs);
      return sum;
    });
  }

  async *scan(prefix: string): AsyncGenerator<readonly string[], void, undefined> {
    const keys = await this.#answer(() => [...this.#shared.entries.keys()].filter(key => key.startsWith(prefix)));
    for (let start = 0; start < keys.length; start += scanPortion) {
      yield await this.#answer(() =>
        keys.slice(start, start + scanPortion).filter(key => this.#peek(key) !== undefined),
      );
    }
  }

  /** Forgets everything, as `FLUSHDB` does: every connection is told that everything may have changed. */
  flush(): void {
    this.#shared.entries.clear();
    for (const connection of this.#shared.connections) connection.changes.loseTrack();
  }

  async close(): Promise<void> {
    this.#shared.connections.delete(this);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #answer<Result>(act: () => Result): Promise<Result> {
    const { latencyMs = 0, timeoutMs = 100 } = this.#options;
    const { health } = this;
    this.requests += 1;
    if (health === 'refusing') throw new NetworkError('Cannot reach the store: it was told to refuse');
    if (health === 'hanging' || health === 'unanswered') {
      if (health === 'unanswered') act();
      await this.#clock.sleep(timeoutMs);
      throw new TimeoutError(`No answer of the store within ${timeoutMs} ms`, timeoutMs);
    }
    const result = act();
    if (latencyMs > 0) await this.#clock.sleep(latencyMs);
    return result;
  }

  #put(key: string, bytes: StoredBytes, lifetimeMs: number): void {
    const copy = typeof bytes === 'string' ? Buffer.from(bytes) : Buffer.from(bytes);
    this.#shared.entries.set(key, { bytes: copy, expiresAtMs: this.#clock.monotonic() + lifetimeMs });
    this.#tellOthers([key], 'tracked');
  }

  /** What is there; what has expired goes, and everybody is told, this connection as well. */
  #peek(key: string): Buffer | undefined {
    const entry = this.#shared.entries.get(key);
    if (entry === undefined || entry.expiresAtMs > this.#clock.monotonic()) return entry?.bytes;
    this.#shared.entries.delete(key);
    for (const connection of this.#shared.connections) connection.changes.tell([key], 'tracked');
    return undefined;
  }

  #tellOthers(keys: readonly string[], how: 'tracked' | 'announced'): void {
    for (const connection of this.#shared.connections) {
      if (connection !== this) connection.changes.tell(keys, how);
    }
  }
}

/** What one connection hears of the changes of the others. */
export class MemoryStoreChanges implements StoreChanges {
  /** How long a change takes to be heard of, in milliseconds. */
  delayMs = 0;
  generation = 0;
  readonly #clock: Clock;
  readonly #announce: (keys: readonly string[]) => void;
  readonly #listeners = new Set<{
    readonly prefix: string;
    readonly listener: ChangeListener;
    readonly owner: object | undefined;
  }>();
  #coverage: ChangeCoverage = 'tracking';
  #heldAtMs: number | undefined;
  #dropping = false;

  constructor(clock: Clock, announce: (keys: readonly string[]) => void) {
    this.#clock = clock;
    this.#announce = announce;
  }

  get coverage(): ChangeCoverage {
    return this.#coverage;
  }

  /** How changes are heard of from now on. Those before may have been missed. */
  set coverage(coverage: ChangeCoverage) {
    this.#coverage = coverage;
    this.loseTrack();
  }

  get heardUntilMs(): number {
    if (this.#coverage === 'none') return Number.NEGATIVE_INFINITY;
    return this.#heldAtMs ?? this.#clock.monotonic() - this.delayMs;
  }

  /** Changes are lost from now on, and nothing confirms that all of them were heard of. */
  drop(): void {
    this.#dropping = true;
    this.#heldAtMs = this.heardUntilMs;
  }

  /** Changes are heard of again; those in between were missed. */
  resume(): void {
    this.#dropping = false;
    this.#heldAtMs = undefined;
    this.loseTrack();
  }

  /** Everything may have changed. */
  loseTrack(): void {
    this.generation += 1;
    for (const { listener } of [...this.#listeners]) listener.allChanged();
  }

  /** Tells the listeners of keys that were changed, if this is a way in which changes are heard of. */
  tell(keys: readonly string[], how: 'tracked' | 'announced'): void {
    const isHeard = this.#coverage === (how === 'tracked' ? 'tracking' : 'announcements');
    if (!isHeard || this.#dropping || keys.length === 0) return;
    if (this.delayMs === 0) this.#tellNow(keys);
    else this.#clock.setTimer(this.delayMs, () => this.#tellNow(keys));
  }

  listen(prefix: string, listener: ChangeListener, owner?: object): () => void {
    const entry = { prefix, listener, owner };
    this.#listeners.add(entry);
    return () => {
      this.#listeners.delete(entry);
    };
  }

  announce(keys: readonly string[], owner?: object): void {
    this.#tellNow(keys, owner);
    if (this.#coverage === 'announcements') this.#announce(keys);
  }

  #tellNow(keys: readonly string[], by?: object): void {
    for (const key of keys) {
      for (const { prefix, listener, owner } of [...this.#listeners]) {
        if (key.startsWith(prefix) && (by === undefined || owner !== by)) listener.changed(key);
      }
    }
  }
}
