import type { EntryEnvelope } from './envelope.ts';

/** An entry that a store holds, fresh or stale. */
export interface FoundEntry<Value> {
  readonly value: Value;
  /** What the stored bytes begin with: another one as soon as anybody writes. For a counter, its digits. */
  readonly version: string;
  /** How long ago it was made, in milliseconds; 0 for a counter. */
  readonly ageMs: number;
  /** How long it is still fresh, in milliseconds; 0 or less: it is stale. Infinity for a counter, of which only the store knows. */
  readonly freshForMs: number;
  /** How long it may still stand in, in milliseconds. Infinity for a counter. */
  readonly usableForMs: number;
  readonly tags: readonly string[];
  /** What it takes in the store, in bytes. */
  readonly bytes: number;
}

/** What a key of a store leads to. */
export type Look<Value> =
  | { readonly state: 'nothing' }
  /** An entry, fresh or stale; a counter has no envelope. */
  | { readonly state: 'found'; readonly entry: FoundEntry<Value>; readonly envelope: EntryEnvelope | undefined }
  /** An entry that is past its time, or whose tag was deleted. */
  | { readonly state: 'dead'; readonly version: string }
  /** Somebody is loading. */
  | { readonly state: 'placeholder'; readonly version: string; readonly isFree: boolean }
  | { readonly state: 'unusable' };
