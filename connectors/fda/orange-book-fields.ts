/** What separates the fields of a row. */
export const separator = '~';

/**
 * Splits a row at `~`. A field in quotation marks is CSV-style: doubled marks inside it mean one, and a `~` inside it
 * separates nothing. A mark that is never closed is an ordinary character. Outer spaces are removed.
 */
export function splitRow(row: string): string[] {
  if (!row.includes('"')) return row.split(separator).map(field => field.trim());
  const fields: string[] = [];
  for (let start = 0; start <= row.length; ) {
    const quoted = readQuoted(row, start);
    const end = quoted?.end ?? indexOrEnd(row, start);
    fields.push((quoted?.text ?? row.slice(start, end)).trim());
    start = end + 1;
  }
  return fields;
}

/** Writes a row so that {@link splitRow} reads the same fields again. Fields must not have outer spaces. */
export function joinRow(fields: readonly string[]): string {
  return fields.map(field => (/["~]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field)).join(separator);
}

function indexOrEnd(row: string, start: number): number {
  const index = row.indexOf(separator, start);
  return index === -1 ? row.length : index;
}

const quotedField = / *"((?:[^"]|"")*)" *(?=~|$)/y;

function readQuoted(row: string, start: number): { readonly text: string; readonly end: number } | undefined {
  quotedField.lastIndex = start;
  const found = quotedField.exec(row);
  if (found === null) return undefined;
  return { text: (found[1] ?? '').replaceAll('""', '"'), end: quotedField.lastIndex };
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/**
 * Reads a date as the Orange Book writes it, `Nov 13, 2015`, as `2015-11-13`. Anything else, such as `Approved Prior to
 * Jan 1, 1982` or a day that does not exist, is `null`.
 */
export function parseOrangeBookDate(text: string): string | null {
  const found = /^([A-Z][a-z]{2}) (\d{1,2}), (\d{4})$/.exec(text);
  const month = months.indexOf(found?.[1] ?? '') + 1;
  if (found === null || month === 0) return null;
  return toIsoDate(Number(found[3]), month, Number(found[2]));
}

/** Reads a date as openFDA writes it, `20151113`, as `2015-11-13`. Anything else is `null`. */
export function parseCompactDate(text: unknown): string | null {
  const found = typeof text === 'string' ? /^(\d{4})(\d{2})(\d{2})$/.exec(text) : null;
  return found === null ? null : toIsoDate(Number(found[1]), Number(found[2]), Number(found[3]));
}

function toIsoDate(year: number, month: number, day: number): string | null {
  const date = new Date(Date.UTC(year, month - 1, day));
  const exists = year >= 1000 && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  return exists ? date.toISOString().slice(0, 10) : null;
}

/** A strength without the notes that the FDA appends to it. */
export interface StrengthParts {
  /** The strength, such as `EQ 100MG BASE`. */
  readonly strength: string;
  /** The notes, such as `Federal Register determination that product was not discontinued or withdrawn …`. */
  readonly notes: readonly string[];
}

/** Splits the `**notes**` off a strength. Notes need not be closed, and the number of stars varies. */
export function splitStrength(text: string): StrengthParts {
  const start = text.search(/\*{2}/);
  if (start === -1) return { strength: text, notes: [] };
  const notes = text.slice(start).split(/\*{2,}/);
  return {
    strength: text.slice(0, start).trim(),
    notes: notes.map(note => note.replace(/\*$/, '').trim()).filter(note => note !== ''),
  };
}

/**
 * Splits a list at `;`, but not inside parentheses: `TRIPLE SULFA (SULFABENZAMIDE;SULFACETAMIDE)` is one ingredient and
 * `4%;EQ 0.01MG BASE/ML (4%; EQ 0.005MG BASE/ML)` are two strengths. Where the parentheses do not match, every `;` splits.
 */
export function splitList(text: string): string[] {
  if (!text.includes(';')) return text === '' ? [] : [text];
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index];
    if (character === '(') depth += 1;
    else if (character === ')') depth -= 1;
    if (depth < 0) return splitPlainly(text);
    if (character === ';' && depth === 0) {
      parts.push(text.slice(start, index));
      start = index + 1;
    }
  }
  if (depth !== 0) return splitPlainly(text);
  parts.push(text.slice(start));
  return trimmed(parts);
}

function splitPlainly(text: string): string[] {
  return trimmed(text.split(';'));
}

function trimmed(parts: readonly string[]): string[] {
  return parts.map(part => part.trim()).filter(part => part !== '');
}
