import { ValidationError } from 'plinth/errors';

/** A record as it came: trust nothing. */
export type WireRecord = Readonly<Record<string, unknown>>;

/** The record itself. @throws {ValidationError} when it is none: the contract puts it into quarantine */
export function requireRecord(value: unknown): WireRecord {
  if (isRecord(value)) return value;
  throw new ValidationError(`Expected an object, got ${value === null ? 'null' : typeof value}`, {
    $: 'Not an object',
  });
}

/** A text that must be there. @throws {ValidationError} that names the field */
export function requireText(record: WireRecord, field: string): string {
  const text = textOf(record[field]);
  if (text !== null) return text;
  throw new ValidationError(`Expected a text in ${field}, got ${JSON.stringify(record[field])}`, {
    [field]: 'Not a text',
  });
}

export function isRecord(value: unknown): value is WireRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A text; `null` when it is missing, empty, or none. The source writes `""` for "nothing". */
export function textOf(value: unknown): string | null {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : null;
}

export function numberOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

export function booleanOf(value: unknown): boolean | null {
  return typeof value === 'boolean' ? value : null;
}

/** The texts of a list; none when there is no list. */
export function textsOf(value: unknown): readonly string[] {
  return listOf(value).flatMap(entry => textOf(entry) ?? []);
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** `MM/DD/YYYY` as `YYYY-MM-DD`; `null` when it is not a day. */
export function dayOf(value: unknown): string | null {
  const match = /^(\d{2})\/(\d{2})\/(\d{4})$/.exec(textOf(value) ?? '');
  return match === null ? null : `${match[3]}-${match[1]}-${match[2]}`;
}

/** The parts of a text between separators that stand in no brackets: `V600 (excluding V600E, V600K), K601` has two. */
export function splitOutsideBrackets(text: string, separator: ',' | '+'): readonly string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index] as string;
    if ('({['.includes(character)) depth += 1;
    else if (')}]'.includes(character)) depth -= 1;
    else if (character === separator && depth <= 0) {
      parts.push(text.slice(start, index));
      start = index + 1;
    }
  }
  parts.push(text.slice(start));
  return parts.map(part => part.trim()).filter(part => part !== '');
}
