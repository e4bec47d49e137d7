import type { Events } from '../kernel/index.ts';
import type { CacheStore } from './cache-store.ts';
import { type Decoded, decodeEntry, type EntryForm } from './entry.ts';
import type { CounterEnvelope } from './envelope.ts';
import type { CacheEvents } from './events.ts';
import type { FoundEntry, Look } from './found-entry.ts';
import type { StoreKeys } from './store-keys.ts';
import type { TagState, TagStates } from './tag-states.ts';

/** What an {@link EntryReader} works with. */
export interface EntryReaderParts {
  readonly store: CacheStore;
  /** What the cache is called, for events. */
  readonly name: string;
  readonly keys: StoreKeys;
  readonly form: EntryForm;
  readonly tags: TagStates;
  readonly events: Events<CacheEvents>;
}

const nothing = Object.freeze({ state: 'nothing' } as const);
const noTags: readonly string[] = Object.freeze([]);

/** Reads what a store holds, and tells what it is good for. What cannot be read is told as `unusable`. */
export class EntryReader<Value> {
  readonly #parts: EntryReaderParts;
  readonly #noStates: ReadonlyMap<string, TagState> = new Map();

  constructor(parts: EntryReaderParts) {
    this.#parts = parts;
  }

  /** What a key leads to. */
  async look(key: string): Promise<Look<Value>> {
    const { store, keys } = this.#parts;
    const [bytes] = await store.read([keys.entry(key)]);
    return bytes === undefined ? nothing : this.lookAt(key, bytes);
  }

  /** What stored bytes are good for now. */
  lookAt(key: string, stored: Uint8Array): Look<Value> | Promise<Look<Value>> {
    const decoded = this.#decode(key, stored);
    if (decoded instanceof Promise) return decoded.then(known => this.#judgeWithTags(known, stored.length));
    return this.#judgeWithTags(decoded, stored.length);
  }

  /** The entries that keys lead to, fresh or stale. */
  async findMany(keys: readonly string[]): Promise<ReadonlyMap<string, FoundEntry<Value>>> {
    const { store, keys: storeKeys } = this.#parts;
    const found = new Map<string, FoundEntry<Value>>();
    if (keys.length === 0) return found;
    const all = await store.read(keys.map(key => storeKeys.entry(key)));
    const decoded = await Promise.all(all.map((bytes, index) => bytes && this.#decode(keys[index] as string, bytes)));
    const tags = new Set<string>();
    for (const one of decoded) if (one?.state === 'entry') for (const { tag } of one.envelope.marks) tags.add(tag);
    const states = await this.#statesOf([...tags]);
    for (const [index, one] of decoded.entries()) {
      if (one === undefined) continue;
      const look = this.#judge(one, all[index]?.length ?? 0, states);
      if (look.state === 'found') found.set(keys[index] as string, look.entry);
    }
    return found;
  }

  #judgeWithTags(decoded: Decoded, bytes: number): Look<Value> | Promise<Look<Value>> {
    if (decoded.state !== 'entry' || decoded.envelope.marks.length === 0)
      return this.#judge(decoded, bytes, this.#noStates);
    const tags = decoded.envelope.marks.map(({ tag }) => tag);
    return this.#statesOf(tags).then(states => this.#judge(decoded, bytes, states));
  }

  /** What an entry is good for now. */
  #judge(decoded: Decoded, bytes: number, states: ReadonlyMap<string, TagState>): Look<Value> {
    if (decoded.state === 'counter') return counterOf<Value>(decoded, bytes);
    if (decoded.state !== 'entry') return decoded;
    const { envelope } = decoded;
    const { version, ttlMs, staleMs, marks } = envelope;
    const ageMs = Math.max(0, this.#parts.store.now() - envelope.createdAtMs);
    const usableForMs = ttlMs + staleMs - ageMs;
    let freshForMs = ttlMs - ageMs;
    if (usableForMs <= 0) return { state: 'dead', version };
    for (const { tag, deletion, expiry } of marks) {
      const state = states.get(tag);
      if (state === undefined || state.deletion !== deletion) return { state: 'dead', version };
      if (state.expiry !== expiry) freshForMs = Math.min(freshForMs, 0);
    }
    const tags = marks.length === 0 ? noTags : marks.map(({ tag }) => tag);
    const value = decoded.value as Value;
    return { state: 'found', entry: { value, version, ageMs, freshForMs, usableForMs, tags, bytes }, envelope };
  }

  #decode(key: string, stored: Uint8Array): Decoded | Promise<Decoded> {
    const bytes = Buffer.isBuffer(stored) ? stored : Buffer.from(stored.buffer, stored.byteOffset, stored.byteLength);
    const decoded = decodeEntry(bytes, this.#parts.form);
    if (decoded instanceof Promise) return decoded.then(known => this.#told(key, known, stored.length));
    return this.#told(key, decoded, stored.length);
  }

  #told(key: string, decoded: Decoded, bytes: number): Decoded {
    const { events, name } = this.#parts;
    if (decoded.state === 'unusable' && events.has('unusable')) {
      events.emit('unusable', { name, key, reason: decoded.reason, bytes });
    }
    return decoded;
  }

  async #statesOf(tags: readonly string[]): Promise<ReadonlyMap<string, TagState>> {
    if (tags.length === 0) return this.#noStates;
    const states = await this.#parts.tags.read(tags);
    const known = new Map<string, TagState>();
    for (const [index, tag] of tags.entries()) {
      const state = states[index];
      if (state !== undefined) known.set(tag, state);
    }
    return known;
  }
}

function counterOf<Value>({ value, version }: CounterEnvelope, bytes: number): Look<Value> {
  const forever = Number.POSITIVE_INFINITY;
  return {
    state: 'found',
    // Whoever increments a key says that its values are numbers.
    entry: { value: value as Value, version, ageMs: 0, freshForMs: forever, usableForMs: forever, tags: noTags, bytes },
    envelope: undefined,
  };
}
