import { ValidationError } from 'plinth/errors';
import { bblText } from './bbl.ts';

/** A row as the portal sends it. What is empty is left out; nearly everything else is text, even numbers. */
export type SodaRow = Readonly<Record<string, unknown>>;

/** Values that could not be read as what they should be, as they were sent, by column. */
export type Unparsed = Readonly<Record<string, string>>;

/** Reads the columns of one row. What cannot be read is `null` and is kept in {@link unparsed}; nothing is guessed. */
export class RowReader {
  readonly #row: SodaRow;
  readonly #unparsed: Record<string, string> = {};

  /** @throws {ValidationError} when it is no row */
  constructor(row: unknown) {
    if (typeof row !== 'object' || row === null || Array.isArray(row)) {
      throw new ValidationError(`Expected a row, got ${Array.isArray(row) ? 'a list' : typeof row}`);
    }
    this.#row = row as SodaRow;
  }

  /** What could not be read so far. */
  get unparsed(): Unparsed {
    return this.#unparsed;
  }

  /**
   * Text with its runs of spaces collapsed: fields are padded to fixed widths.
   *
   * @throws {ValidationError} when it is an object or a list
   */
  text(column: string): string | null {
    const value = this.#row[column];
    if (value === undefined || value === null) return null;
    if (typeof value === 'object')
      throw new ValidationError('Expected text', { [column]: 'Expected text, got an object' });
    return String(value).replace(/\s+/g, ' ').trim() || null;
  }

  /**
   * The first of these columns that is not empty.
   *
   * @throws {ValidationError} when all are: nothing would tell the row from others
   */
  key(first: string, ...others: readonly string[]): string {
    for (const column of [first, ...others]) {
      const text = this.text(column);
      if (text !== null) return text;
    }
    throw new ValidationError(`A row without ${[first, ...others].join(', ')}`, { [first]: 'Missing' });
  }

  /** A number, such as `.00` or `4000.00`. */
  number(column: string): number | null {
    const text = this.text(column);
    if (text === null) return null;
    return /^-?(?:\d+\.?\d*|\.\d+)$/.test(text) ? Number(text) : this.#not(column, text);
  }

  /** A day, `YYYY-MM-DD`, of `YYYYMMDD` or an ISO timestamp, if it exists and is of the years 1900 to 2100. */
  day(column: string): string | null {
    const text = this.text(column);
    if (text === null) return null;
    const parts = /^(\d{4})(\d\d)(\d\d)$/.exec(text) ?? /^(\d{4})-(\d\d)-(\d\d)(?:T[\d:.]+)?$/.exec(text);
    const day = parts === null ? null : existingDay(`${parts[1]}-${parts[2]}-${parts[3]}`);
    return day ?? this.#not(column, text);
  }

  /** `true` for Y and YES, `false` for N and NO. */
  flag(column: string): boolean | null {
    const text = this.text(column);
    if (text === null) return null;
    if (/^y(?:es)?$/i.test(text)) return true;
    return /^no?$/i.test(text) ? false : this.#not(column, text);
  }

  /** The number of a building; `null` for those that stand for a whole borough, such as `1000000`. */
  bin(): string | null {
    const text = this.text('bin');
    return text === null || /^[1-5]0{6}$/.test(text) ? null : text;
  }

  /** The BBL that borough, block and lot come to; `null` when one of them is missing or none. */
  bbl(): string | null {
    const parts = ['boro', 'block', 'lot'].map(column => this.text(column) ?? '');
    if (!parts.every(text => /^\d{1,5}$/.test(text))) return null;
    const [borough = 0, block = 0, lot = 0] = parts.map(Number);
    const isLot = borough >= 1 && borough <= 5 && block > 0 && lot > 0 && lot <= 9_999;
    return isLot ? bblText(borough, block, lot) : null;
  }

  /** The columns that are not empty, with a space between. */
  joined(...columns: readonly string[]): string | null {
    return columns.flatMap(column => this.text(column) ?? []).join(' ') || null;
  }

  #not(column: string, text: string): null {
    this.#unparsed[column] = text;
    return null;
  }
}

/** A day if the calendar has it, of the years that can be meant. */
export function existingDay(text: string): string | null {
  if (!/^(?:19\d\d|20\d\d|2100)-\d\d-\d\d$/.test(text)) return null;
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text) ? text : null;
}

/** Rows that the city made to try something out: block and lot 99999, or the house TEST in the street RECORD. */
export function isTestRecord(row: unknown): boolean {
  if (typeof row !== 'object' || row === null) return false;
  const { block, lot, house_number: house, street } = row as SodaRow;
  if (Number(block) === 99_999 && Number(lot) >= 9_999) return true;
  return String(house).trim().toUpperCase() === 'TEST' && String(street).trim().toUpperCase() === 'RECORD';
}
