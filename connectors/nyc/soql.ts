import { ArgumentError } from 'plinth/errors';

/** A piece of a SoQL query that is safe to send. Made by {@link soql} and {@link column} only. */
export class Soql {
  /** As it is sent. */
  readonly text: string;

  constructor(parts: { readonly text: string }) {
    this.text = parts.text;
  }

  toString(): string {
    return this.text;
  }
}

/** What may be put into {@link soql}: pieces as they are, everything else as a literal. */
export type SoqlValue = Soql | string | number | boolean | readonly (string | number)[];

/**
 * A piece of SoQL. What is put in becomes a literal: text in single quotes with `'` doubled, lists in parentheses. Only
 * other pieces are put in as they are.
 *
 * @throws {ArgumentError} for a list without elements, a number that is not finite, and what stands inside quotation marks.
 * @example
 * soql`upper(street) like ${"%O'BRIEN%"} AND lot in ${['00055', '0055']}`.text;
 * // upper(street) like '%O''BRIEN%' AND lot in ('00055','0055')
 */
export function soql(pieces: TemplateStringsArray, ...values: readonly SoqlValue[]): Soql {
  let text = '';
  let quoted = '';
  for (const [index, piece] of pieces.entries()) {
    text += piece;
    quoted += piece;
    if (index === values.length) break;
    if (isOpen(quoted, "'") || isOpen(quoted, '`')) {
      throw new ArgumentError(
        `Cannot put a value inside quotation marks: write it without, as in name = \${value} (after ${JSON.stringify(piece)})`,
        'pieces',
      );
    }
    text += literal(values[index]);
  }
  return new Soql({ text });
}

/**
 * A column by its API name, such as `issue_date` or `:id`.
 *
 * @throws {ArgumentError} when it cannot be one.
 */
export function column(name: string): Soql {
  if (!/^:?[a-z_][a-z0-9_]*$/.test(name)) {
    const shown = JSON.stringify(name)?.slice(0, 60);
    throw new ArgumentError(`Cannot use ${shown} as a column: expected small letters, digits and _`, 'name');
  }
  return new Soql({ text: name });
}

function literal(value: SoqlValue | undefined): string {
  if (value instanceof Soql) return value.text;
  if (typeof value === 'string') return `'${value.replaceAll("'", "''")}'`;
  if (typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value))) return String(value);
  if (Array.isArray(value) && value.length > 0) {
    return `(${(value as readonly (string | number)[]).map(literal).join(',')})`;
  }
  const found = Array.isArray(value) ? 'an empty list' : String(value);
  throw new ArgumentError(
    `Cannot put ${found} into SoQL: expected text, a finite number, true, false, a list with elements, or another piece`,
    'values',
  );
}

function isOpen(text: string, mark: string): boolean {
  return text.split(mark).length % 2 === 0;
}
