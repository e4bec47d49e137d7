import type { JsonType } from './value-type.ts';

/**
 * A difference between the recorded shape and what the source sends now. `missing-field`: it was always there, and no
 * record of late has it. `new-field`: with all that is below it.
 */
export interface Drift {
  readonly kind: 'new-field' | 'missing-field' | 'retyped-field';
  /** Where, as in a shape: `products[].name`. */
  readonly path: string;
  /** What the shape says its values are; empty for a new field. */
  readonly expected: readonly JsonType[];
  /** What was found; `undefined` for a missing field. */
  readonly found: JsonType | undefined;
  /** The beginning of the value as JSON, at most 200 characters, as the source sent it; `undefined` for a missing field. */
  readonly sample: string | undefined;
  /** How many records had been compared when it was found. */
  readonly records: number;
}

const sampleCharacters = 200;

/** The beginning of a value as JSON. */
export function sampleOf(value: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(typeof value === 'string' ? value.slice(0, sampleCharacters) : value);
  } catch {
    text = undefined;
  }
  return (text ?? String(typeof value)).slice(0, sampleCharacters);
}
