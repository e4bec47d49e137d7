import { ArgumentError } from '../errors/index.ts';
import type { CacheStore, StoredBytes } from './cache-store.ts';
import { type EntryForm, encodeEntry, withHeader } from './entry.ts';
import { requireStale, requireTags, requireTtl } from './entry-options.ts';
import { type EntryEnvelope, maxHeaderLifetimeMs, type TagMark } from './envelope.ts';
import type { KeptLifetime } from './fill.ts';
import { requireText } from './store-keys.ts';
import type { WriteTokens } from './write-tokens.ts';

/** What an {@link EntryWriter} works with. */
export interface EntryWriterParts {
  readonly store: CacheStore;
  readonly form: EntryForm;
  /** The longest that an entry lives, fresh and stale, in milliseconds. */
  readonly maxLifetimeMs: number;
  readonly tokens: WriteTokens;
}

/** Makes what a store is to hold. Each time under a new token. */
export class EntryWriter<Value> {
  readonly #parts: EntryWriterParts;

  constructor(parts: EntryWriterParts) {
    this.#parts = parts;
  }

  /**
   * The bytes of an entry.
   *
   * @throws {ArgumentError} for a value that cannot be kept.
   */
  encode(value: Value, lifetime: KeptLifetime, marks: readonly TagMark[]): StoredBytes | Promise<StoredBytes> {
    const { store, tokens, form } = this.#parts;
    const ttlMs = Math.ceil(lifetime.ttlMs);
    const staleMs = Math.ceil(lifetime.staleMs);
    return encodeEntry(
      value,
      { token: tokens.next(), createdAtMs: Math.floor(store.now()), ttlMs, staleMs, marks },
      form,
    );
  }

  /** The bytes of an entry that is fresh for so long from now on; its value is as old as before. */
  prolonged(stored: Uint8Array, envelope: EntryEnvelope, ageMs: number, ttlMs: number): Buffer {
    const wholeTtlMs = Math.min(Math.ceil(ageMs + ttlMs), maxHeaderLifetimeMs);
    return withHeader(stored, envelope, { ...envelope, token: this.#parts.tokens.next(), ttlMs: wholeTtlMs });
  }

  /**
   * How long the store keeps an entry, in milliseconds.
   *
   * @throws {ArgumentError} for a lifetime that cannot be used.
   */
  requireLifetime(ttlMs: number, staleMs: number): number {
    const { maxLifetimeMs } = this.#parts;
    const lifetimeMs = Math.ceil(requireTtl(ttlMs)) + Math.ceil(requireStale(staleMs));
    if (lifetimeMs <= maxLifetimeMs) return lifetimeMs;
    throw new ArgumentError(
      `Cannot use ttlMs: expected at most ${maxLifetimeMs} ms together with staleMs, got ${lifetimeMs}`,
      'ttlMs',
    );
  }
}

/** @throws {ArgumentError} for tags that cannot be used. */
export function requireStoredTags(tags: readonly string[]): readonly string[] {
  const own = requireTags(tags);
  for (const tag of own) requireText('a tag', 'tags', tag);
  return own;
}
