import { ArgumentError, CacheError } from '../errors/index.ts';
import { type Clock, type Events, type Random, requireInteger, systemClock, systemRandom } from '../kernel/index.ts';
import type { CacheStore, StoredBytes } from './cache-store.ts';
import type { CacheCodec } from './codecs.ts';
import { requireTtl } from './entry-options.ts';
import { EntryReader } from './entry-reader.ts';
import { EntryWriter, requireStoredTags } from './entry-writer.ts';
import { type EntryEnvelope, maxHeaderBytes, maxHeaderLifetimeMs, type TagMark } from './envelope.ts';
import type { CacheEvents } from './events.ts';
import type { Begun, KeptLifetime } from './fill.ts';
import { type BeginOptions, Fills } from './fills.ts';
import type { FoundEntry } from './found-entry.ts';
import { globPrefix, matchesGlob } from './glob.ts';
import { StoreKeys } from './store-keys.ts';
import { markOf, type TagState, TagStates } from './tag-states.ts';
import { WriteTokens } from './write-tokens.ts';

/** The numbers of {@link StoredEntries}. */
export interface StoredEntriesOptions {
  readonly store: CacheStore;
  /** What the cache is called, for events. */
  readonly name: string;
  /** Keeps the entries apart from those of other caches in the store: 1 to 64 characters, no colon. */
  readonly namespace: string;
  /** What all keys in the store begin with. @default 'cache:' */
  readonly keyPrefix?: string | undefined;
  /** @default 'json' */
  readonly codec?: CacheCodec | undefined;
  /**
   * Values above this are compressed when that saves at least 1,024 bytes and an eighth, in bytes. Infinity never
   * compresses. @default 1_024
   */
  readonly compressAboveBytes?: number | undefined;
  /** The longest value, before it is compressed, in bytes. @default 16_777_216 */
  readonly maxValueBytes?: number | undefined;
  /** The longest that an entry lives, fresh and stale, in milliseconds. @default 2_592_000_000 (30 days) */
  readonly maxLifetimeMs?: number | undefined;
  /** How long what is known of tags is relied upon after changes were last heard of, in milliseconds. @default 1_000 */
  readonly maxStalenessMs?: number | undefined;
  /** @default systemRandom */
  readonly random?: Random | undefined;
  /** @default systemClock */
  readonly clock?: Clock | undefined;
  readonly events: Events<CacheEvents>;
}

/** Who wants to hear of what others change. */
export interface EntryListener {
  /** The entry of this key was changed or deleted, or has expired. */
  changed(key: string): void;
  /** Entries with this tag were deleted, or have become stale. */
  tagChanged(tag: string): void;
  /** Everything may have changed. */
  allChanged(): void;
}

/** How many keys go into one request. */
const batchSize = 500;

/** How often something is tried again when others were faster. */
const maxTries = 16;

const noMarks: readonly TagMark[] = Object.freeze([]);

/**
 * The entries of one cache in a {@link CacheStore}: values, lifetimes, tags and fences on top of bytes. An entry that is
 * stale is found as well; the caller decides what it is good for. What cannot be read is a miss, and told as `unusable`.
 *
 * A fill that has begun on a miss holds the place of its value in the store; one that replaces a stale entry knows which
 * one. If anybody deletes or overwrites it meanwhile, with whatever program, nothing is kept.
 */
export class StoredEntries<Value> {
  readonly #store: CacheStore;
  readonly #maxLifetimeMs: number;
  readonly #keys: StoreKeys;
  readonly #tags: TagStates;
  readonly #reader: EntryReader<Value>;
  readonly #writer: EntryWriter<Value>;
  readonly #fills: Fills<Value>;

  /** @throws {ArgumentError} for a namespace or number that cannot be used. */
  constructor(options: StoredEntriesOptions) {
    const { store, name, namespace, keyPrefix = 'cache:', codec = 'json', events } = options;
    const { clock = systemClock, random = systemRandom, maxStalenessMs = 1_000 } = options;
    const { compressAboveBytes = 1_024, maxValueBytes = 16_777_216, maxLifetimeMs = 2_592_000_000 } = options;
    if (compressAboveBytes !== Number.POSITIVE_INFINITY) requireInteger('compressAboveBytes', compressAboveBytes, 0);
    requireInteger('maxValueBytes', maxValueBytes, 1, maxHeaderBytes);
    requireInteger('maxLifetimeMs', maxLifetimeMs, 1, maxHeaderLifetimeMs);
    const tokens = new WriteTokens(random);
    const form = { codec, compressAboveBytes, maxValueBytes };
    const keys = new StoreKeys(keyPrefix, namespace);
    const tags = new TagStates({
      store,
      prefix: keys.tagPrefix,
      maxLifetimeMs,
      maxStalenessMs,
      tokens,
      clock,
      owner: this,
    });
    const reader = new EntryReader<Value>({ store, name, keys, form, tags, events });
    const writer = new EntryWriter<Value>({ store, form, maxLifetimeMs, tokens });
    const onKept = (key: string): void => this.#announce([key]);
    this.#store = store;
    this.#maxLifetimeMs = maxLifetimeMs;
    this.#keys = keys;
    this.#tags = tags;
    this.#reader = reader;
    this.#writer = writer;
    this.#fills = new Fills<Value>({ store, keys, reader, writer, tags, tokens, clock, onKept });
  }

  /** The entry of a key, fresh or stale. @throws {ArgumentError} for a key that cannot be used. */
  async find(key: string): Promise<FoundEntry<Value> | undefined> {
    const look = await this.#reader.look(key);
    return look.state === 'found' ? look.entry : undefined;
  }

  /** The entries that are there, fresh or stale, by key. */
  findMany(keys: readonly string[]): Promise<ReadonlyMap<string, FoundEntry<Value>>> {
    return this.#reader.findMany(keys);
  }

  /** Keeps a value, whatever was there. @throws {ArgumentError} for a key, a value or a lifetime that cannot be used. */
  async keep(key: string, value: Value, lifetime: KeptLifetime): Promise<void> {
    const storeKey = this.#keys.entry(key);
    const lifetimeMs = this.#writer.requireLifetime(lifetime.ttlMs, lifetime.staleMs);
    const marks = await this.#marks(lifetime);
    const encoded = this.#writer.encode(value, lifetime, marks);
    await this.#store.write(storeKey, encoded instanceof Promise ? await encoded : encoded, lifetimeMs);
    this.#announce([key]);
  }

  /** Keeps many values. When one of them cannot be kept, those before it may have been. */
  async keepMany(entries: readonly (readonly [string, Value])[], lifetime: KeptLifetime): Promise<void> {
    const storeKeys = entries.map(([key]) => this.#keys.entry(key));
    const lifetimeMs = this.#writer.requireLifetime(lifetime.ttlMs, lifetime.staleMs);
    const marks = await this.#marks(lifetime);
    for (let start = 0; start < entries.length; start += batchSize) {
      const batch = entries.slice(start, start + batchSize);
      const encoded: (StoredBytes | Promise<StoredBytes>)[] = [];
      for (const [, value] of batch) encoded.push(this.#writer.encode(value, lifetime, marks));
      const bytes = await Promise.all(encoded);
      await Promise.all(
        bytes.map((one, index) => this.#store.write(storeKeys[start + index] as string, one, lifetimeMs)),
      );
    }
    this.#announce(entries.map(([key]) => key));
  }

  /** Forgets keys, also what is being loaded for them; says how many were there. */
  async delete(keys: readonly string[]): Promise<number> {
    const storeKeys = keys.map(key => this.#keys.entry(key));
    let deleted = 0;
    for (let start = 0; start < storeKeys.length; start += batchSize) {
      deleted += await this.#store.delete(storeKeys.slice(start, start + batchSize));
    }
    this.#announce(keys);
    return deleted;
  }

  /** The keys that are there, also those of entries that are stale or being loaded. */
  async *keys(): AsyncGenerator<string, void, undefined> {
    const { prefix } = this.#keys;
    for await (const portion of this.#store.scan(prefix)) {
      for (const storeKey of portion) yield storeKey.slice(prefix.length);
    }
  }

  /** Forgets every key that a pattern matches; without a pattern, every key. Says how many were there. */
  async clear(pattern = '*'): Promise<number> {
    const matches = matchesGlob(pattern);
    const { prefix } = this.#keys;
    let waiting: string[] = [];
    let deleted = 0;
    for await (const portion of this.#store.scan(prefix + globPrefix(pattern))) {
      for (const storeKey of portion) {
        const key = storeKey.slice(prefix.length);
        if (matches(key)) waiting.push(key);
      }
      if (waiting.length < batchSize) continue;
      deleted += await this.delete(waiting);
      waiting = [];
    }
    return waiting.length === 0 ? deleted : deleted + (await this.delete(waiting));
  }

  /**
   * Adds to a whole number, in one step; what is not there, or not fresh, counts as 0. Gives the sum. The lifetime begins
   * anew when `ttlMs` is given; what is counted anew lives for `defaultTtlMs`. What was kept as a value loses its tags.
   *
   * @throws {ArgumentError} when what is there is not a whole number.
   */
  async increment(key: string, by: number, ttlMs: number | undefined, defaultTtlMs: number): Promise<number> {
    const storeKey = this.#keys.entry(key);
    requireInteger('by', by, Number.MIN_SAFE_INTEGER);
    const defaultMs = Math.min(requireTtl(defaultTtlMs), this.#maxLifetimeMs);
    if (ttlMs !== undefined) this.#writer.requireLifetime(ttlMs, 0);
    let failure: unknown;
    for (let tries = 0; tries < maxTries; tries += 1) {
      try {
        const sum = await this.#store.increment(storeKey, by, ttlMs, defaultMs);
        this.#announce([key]);
        return sum;
      } catch (error) {
        if (!(error instanceof CacheError)) throw error;
        failure = error;
      }
      const sum = await this.#countOn(key, by, ttlMs, defaultMs, failure);
      if (sum !== undefined) return sum;
    }
    throw new CacheError(`Cannot increment "${key}": others have changed it ${maxTries} times meanwhile`, {
      cause: failure,
    });
  }

  /** Lets a fresh entry be fresh for so many milliseconds from now on; says whether it was there. */
  async expire(key: string, ttlMs: number): Promise<boolean> {
    const storeKey = this.#keys.entry(key);
    this.#writer.requireLifetime(ttlMs, 0);
    for (let tries = 0; tries < maxTries; tries += 1) {
      const [bytes] = await this.#store.read([storeKey]);
      if (bytes === undefined) return false;
      const look = await this.#reader.lookAt(key, bytes);
      if (look.state !== 'found' || !(look.entry.freshForMs > 0)) return false;
      if (await this.#prolong(storeKey, bytes, look.entry, look.envelope, ttlMs)) {
        this.#announce([key]);
        return true;
      }
    }
    throw new CacheError(`Cannot expire "${key}": others have changed it ${maxTries} times meanwhile`);
  }

  /** Forgets every entry with a tag. */
  async deleteByTag(tag: string): Promise<void> {
    requireStoredTags([tag]);
    await this.#tags.delete(tag);
  }

  /** Makes every entry with a tag stale. */
  async expireByTag(tag: string): Promise<void> {
    requireStoredTags([tag]);
    await this.#tags.expire(tag);
  }

  /**
   * Begins to load a value for a key; `older` is the entry that it replaces, if there is one. The fill keeps its value only
   * if nobody changes the key meanwhile. One trip on a miss; none for an older entry, two when it is exclusive.
   */
  async begin(key: string, older: FoundEntry<Value> | undefined, options: BeginOptions): Promise<Begun<Value>> {
    return this.#fills.begin(key, older, options);
  }

  /** Begins to listen to what others change. Call what it gives to stop. */
  listen(listener: EntryListener): () => void {
    const { changes } = this.#store;
    const { prefix, tagPrefix } = this.#keys;
    if (changes === undefined) return () => {};
    const stops = [
      changes.listen(
        prefix,
        {
          changed: storeKey => listener.changed(storeKey.slice(prefix.length)),
          allChanged: () => listener.allChanged(),
        },
        this,
      ),
      changes.listen(
        tagPrefix,
        {
          changed: storeKey => listener.tagChanged(storeKey.slice(tagPrefix.length)),
          allChanged: () => {},
        },
        this,
      ),
    ];
    return () => {
      for (const stop of stops) stop();
    };
  }

  /** Stops listening to changes of tags. Does not close the store. */
  close(): void {
    this.#tags.close();
  }

  async #marks({ tags }: KeptLifetime): Promise<readonly TagMark[]> {
    if (tags === undefined || tags.length === 0) return noMarks;
    const own = requireStoredTags(tags);
    const states = await this.#tags.ensure(own);
    return own.map((tag, index) => markOf(tag, states[index] as TagState));
  }

  /** As {@link increment}, for a key that holds something else than a counter. */
  async #countOn(
    key: string,
    by: number,
    ttlMs: number | undefined,
    defaultTtlMs: number,
    cause: unknown,
  ): Promise<number | undefined> {
    const storeKey = this.#keys.entry(key);
    const look = await this.#reader.look(key);
    // Whatever it was, it is gone, or a counter now.
    if (look.state === 'nothing' || (look.state === 'found' && look.envelope === undefined)) return undefined;
    if (look.state === 'unusable') {
      await this.#store.delete([storeKey]);
      return undefined;
    }
    const isFresh = look.state === 'found' && look.entry.freshForMs > 0;
    const base = isFresh ? look.entry.value : 0;
    if (typeof base !== 'number' || !Number.isSafeInteger(base)) {
      throw new ArgumentError(`Cannot increment "${key}": what is there is not a whole number`, 'key', { cause });
    }
    const sum = base + by;
    const version = look.state === 'found' ? look.entry.version : look.version;
    const lifetimeMs = Math.ceil(ttlMs ?? (isFresh ? look.entry.freshForMs : defaultTtlMs));
    if (!(await this.#store.replace(storeKey, version, String(sum), lifetimeMs))) return undefined;
    this.#announce([key]);
    return sum;
  }

  /** Gives what is there a new lifetime, unless it has been changed; says whether it was done. */
  async #prolong(
    storeKey: string,
    stored: Uint8Array,
    { ageMs, version }: FoundEntry<Value>,
    envelope: EntryEnvelope | undefined,
    ttlMs: number,
  ): Promise<boolean> {
    if (envelope === undefined) {
      const lifetimeMs = Math.ceil(ttlMs);
      await this.#store.increment(storeKey, 0, lifetimeMs, lifetimeMs);
      return true;
    }
    const lifetimeMs = Math.min(Math.ceil(ttlMs) + envelope.staleMs, this.#maxLifetimeMs);
    if (envelope.marks.length > 0) await this.#tags.ensure(envelope.marks.map(({ tag }) => tag));
    const bytes = this.#writer.prolonged(stored, envelope, ageMs, ttlMs);
    return this.#store.replace(storeKey, version, bytes, lifetimeMs);
  }

  #announce(keys: readonly string[]): void {
    this.#store.changes?.announce(
      keys.map(key => this.#keys.entry(key)),
      this,
    );
  }
}
