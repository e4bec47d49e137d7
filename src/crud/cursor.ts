import { ValidationError } from '../errors/index.ts';
import { fitsCursor } from './column-value.ts';
import { type OrderColumn, orderMark } from './list-order.ts';
import type { SqlText } from './sql-text.ts';

/** The values of the last row of a page in the columns of the order, as PostgreSQL writes them: nothing is rounded. */
export type CursorValues = readonly (string | null)[];

const version = 1;
/** The longest cursor that is read, in characters: it holds the texts of a row by which a list is sorted. */
const maxCursorLength = 4_194_304;

/** The place after a row, for whoever wants the next page. */
export function writeCursor(order: readonly OrderColumn[], values: CursorValues): string {
  return Buffer.from(JSON.stringify([version, orderMark(order), ...values])).toString('base64url');
}

/**
 * Reads a cursor. It is not secret and may be forged: so it holds nothing but values to compare with, each is checked
 * to be of its column's kind, and whatever limits the list limits it with a cursor too.
 *
 * @throws {ValidationError} when it is no cursor, or one of another order.
 */
export function readCursor(order: readonly OrderColumn[], cursor: unknown): CursorValues {
  const parts = typeof cursor === 'string' && cursor.length <= maxCursorLength ? parse(cursor) : undefined;
  if (parts === undefined || parts[0] !== version) throw wrong('Expected the nextCursor of a page');
  if (parts[1] !== orderMark(order)) throw wrong('Expected a cursor of the same sort as this request');
  const values = parts.slice(2);
  const isFit = order.every(({ column }, index) => {
    const value = values[index];
    return value === null ? column.isNullable : typeof value === 'string' && fitsCursor(column.kind, value);
  });
  if (!isFit || values.length !== order.length) throw wrong('Expected the nextCursor of a page');
  return values as CursorValues;
}

function parse(cursor: string): readonly unknown[] | undefined {
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    return Array.isArray(parts) ? parts : undefined;
  } catch {
    return undefined;
  }
}

function wrong(message: string): ValidationError {
  return new ValidationError('The cursor cannot be used', { cursor: message });
}

/**
 * Writes "after this row" as SQL. Where all columns go the same way and none can be null it is one comparison of rows,
 * for which an index goes straight to the place; elsewhere it is spelled out, with a bound on the first column.
 */
export function writeAfter(sql: SqlText, order: readonly OrderColumn[], values: CursorValues): void {
  const [first] = order;
  if (first === undefined) return;
  const isUniform = order.every(
    ({ column, isDescending }) => !column.isNullable && isDescending === first.isDescending,
  );
  if (!isUniform) {
    writeFrom(sql, order, values, 0);
    return;
  }
  sql.add(`(${order.map(({ column }) => column.quoted).join(', ')}) ${first.isDescending ? '<' : '>'} (`);
  for (const [index, value] of values.entries()) sql.add(index > 0 ? ', ' : '').value(value);
  sql.add(')');
}

/** What comes after in this column, or is equal in it and comes after in the next ones. */
function writeFrom(sql: SqlText, order: readonly OrderColumn[], values: CursorValues, index: number): void {
  const place = order[index];
  const value = values[index];
  if (place === undefined || value === undefined) {
    // Equal in all columns: the row itself.
    sql.add('false');
    return;
  }
  const { column, isDescending } = place;
  const name = column.quoted;
  if (value === null) {
    // Ascending, nothing comes after the nulls; descending, everything else does.
    sql.add(isDescending ? `(${name} is not null or (${name} is null and ` : `((${name} is null and `);
    writeFrom(sql, order, values, index + 1);
    sql.add('))');
    return;
  }
  const sign = isDescending ? '<' : '>';
  const nullsFollow = column.isNullable && !isDescending;
  sql.add('(');
  if (!nullsFollow) sql.add(`${name} ${sign}= `).value(value).add(' and ');
  sql.add(`(${name} ${sign} `).value(value);
  if (nullsFollow) sql.add(` or ${name} is null`);
  sql.add(` or (${name} = `).value(value).add(' and ');
  writeFrom(sql, order, values, index + 1);
  sql.add(')))');
}
