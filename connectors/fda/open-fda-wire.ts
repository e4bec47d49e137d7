/** Reading what openFDA sends. Everything may be missing, `null`, or of an older form: nothing is trusted. */

/** A JSON object whose fields are not known. */
export type Wire = Readonly<Record<string, unknown>>;

/** Text without outer spaces; `null` when it is missing, blank or no text. */
export function textOf(value: unknown): string | null {
  const text = typeof value === 'string' ? value.trim() : '';
  return text === '' ? null : text;
}

/** Texts without outer spaces. One text alone is a list of one: the same field is sent in both forms. */
export function textsOf(value: unknown): readonly string[] {
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  return values.flatMap(entry => textOf(entry) ?? []);
}

/** Texts exactly as they were sent. */
export function sentTextsOf(value: unknown): readonly string[] {
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  return values.filter(entry => typeof entry === 'string');
}

/** An object; empty when it is none. */
export function objectOf(value: unknown): Wire {
  return typeof value === 'object' && value !== null ? (value as Wire) : {};
}

/** The objects of a list. */
export function objectsOf(value: unknown): readonly Wire[] {
  return Array.isArray(value) ? value.filter(entry => typeof entry === 'object' && entry !== null) : [];
}

/** A truth, also the first one of a list; `null` when it is none. */
export function truthOf(value: unknown): boolean | null {
  const first: unknown = Array.isArray(value) ? value[0] : value;
  return typeof first === 'boolean' ? first : null;
}

/** `Yes` and `No`; `null` for everything else. */
export function yesOrNo(value: unknown): boolean | null {
  return value === 'Yes' ? true : value === 'No' ? false : null;
}
