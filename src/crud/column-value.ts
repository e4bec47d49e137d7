import type { ColumnKind } from './column-kind.ts';

/** A value as it is given to the driver. */
export type SqlValue = string | number | boolean | null | readonly (string | number | boolean)[];

/** Said of a value that a column cannot be compared with. */
export class UnfitValue {
  /** What was expected. */
  readonly expected: string;

  constructor(expected: string) {
    this.expected = expected;
  }
}

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const dayPattern = /^\d{4}-\d{2}-\d{2}$/;

/** The longest text that a filter takes, in characters. */
export const maxFilterText = 1_000;

/** The longest text that a key is looked for by, in characters: what PostgreSQL's indexes can hold is shorter. */
export const maxKeyText = 10_000;

/**
 * A value of a filter or a key, checked: what comes out is a parameter that the column can be compared with, and
 * hostile values end here instead of as an error of the database.
 */
export function comparable(
  kind: ColumnKind,
  value: unknown,
  maxText: number = maxFilterText,
): string | number | boolean | UnfitValue {
  switch (kind) {
    case 'integer':
      return Number.isSafeInteger(value) ? (value as number) : new UnfitValue('a whole number');
    case 'number':
      return Number.isFinite(value) ? (value as number) : new UnfitValue('a number');
    case 'boolean':
      return typeof value === 'boolean' ? value : new UnfitValue('true or false');
    case 'uuid':
      return typeof value === 'string' && uuidPattern.test(value) ? value.toLowerCase() : new UnfitValue('a UUID');
    case 'day':
      return isDay(value) ? value : new UnfitValue('a day such as 2026-01-15');
    case 'moment':
      return momentText(value) ?? new UnfitValue('a date between the years 0 and 9999');
    case 'text':
      return isText(value, maxText) ? value : new UnfitValue(`${plainText} of at most ${maxText} characters`);
    case 'json':
      return new UnfitValue('no filter: the column holds a document');
  }
}

function isText(value: unknown, maxText: number): value is string {
  return typeof value === 'string' && value.length <= maxText && !unstorable.test(value);
}

/** What PostgreSQL refuses (a zero byte), and what the driver would change without a word (half of a surrogate pair). */
const unstorable = /[\0\p{Surrogate}]/u;
/** The same as `JSON` escapes it, and not a backslash that happens to stand before the same letters. */
const unstorableInJson = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/;
/** What is expected instead. */
const plainText = 'text without zero bytes and halves of surrogate pairs';

function isDay(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    dayPattern.test(value) &&
    value >= '0001-01-01' &&
    momentText(new Date(`${value}T00:00:00Z`))?.startsWith(value) === true
  );
}

function momentText(value: unknown): string | undefined {
  if (!(value instanceof Date) || Number.isNaN(value.getTime())) return undefined;
  const text = value.toISOString();
  return text >= '0001' && /^\d{4}-/.test(text) ? text : undefined;
}

/** A value of a row that was validated by its schema, as the driver takes it. */
export function storable(kind: ColumnKind, value: unknown): SqlValue | UnfitValue {
  if (value === undefined || value === null) return null;
  if (kind === 'json') return documentText(value);
  if (value instanceof Date) return momentText(value) ?? new UnfitValue('a date between the years 0 and 9999');
  if (typeof value !== 'string') return value as number | boolean;
  if (unstorable.test(value)) return new UnfitValue(plainText);
  // One spelling, as keys and filters have it: a column of text would take capitals for another value.
  return kind === 'uuid' ? value.toLowerCase() : value;
}

function documentText(value: unknown): string | UnfitValue {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch {
    // A big integer, or a circle.
  }
  if (text === undefined) return new UnfitValue('a document of what JSON can hold');
  return unstorableInJson.test(text) ? new UnfitValue(`a document of ${plainText}`) : text;
}

/** A value that came as text, in the address of a request, as the filter takes it. `undefined` when it cannot be read. */
export function fromText(kind: ColumnKind, text: string): unknown {
  switch (kind) {
    case 'integer':
    case 'number':
      return /^-?\d{1,17}(?:\.\d{1,17})?(?:e[+-]?\d{1,3})?$/i.test(text) ? Number(text) : undefined;
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : undefined;
    case 'moment':
      return readMoment(text);
    default:
      return text;
  }
}

const momentPattern = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2}))?$/;

/** `Date` itself would read 31 February as 3 March. */
function readMoment(text: string): Date | undefined {
  if (!momentPattern.test(text) || !isDay(text.slice(0, 10))) return undefined;
  const moment = new Date(text);
  return Number.isNaN(moment.getTime()) ? undefined : moment;
}

/** Whether text from a cursor may be compared with a column, so that the database never has to refuse it. */
export function fitsCursor(kind: ColumnKind, text: string): boolean {
  if (unstorable.test(text)) return false;
  const pattern = cursorPatterns[kind];
  return pattern === undefined || pattern.test(text);
}

const numberPattern = /^(?:-?\d{1,1000}(?:\.\d{1,1000})?(?:e[+-]?\d{1,3})?|NaN|-?Infinity)$/;

const cursorPatterns: Readonly<Partial<Record<ColumnKind, RegExp>>> = {
  integer: numberPattern,
  number: numberPattern,
  boolean: /^(?:true|false)$/,
  uuid: uuidPattern,
  moment: /^(?:\d{4,6}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?[+-]\d\d(?::\d\d){0,2}(?: BC)?|-?infinity)$/,
  day: /^(?:\d{4,7}-\d\d-\d\d(?: BC)?|-?infinity)$/,
};
