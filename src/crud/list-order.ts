import { ValidationError } from '../errors/index.ts';
import type { Table, TableColumn } from './table-types.ts';

/** One column that a list is sorted by. */
export interface OrderColumn {
  readonly column: TableColumn;
  readonly isDescending: boolean;
}

/** How many columns a list may be sorted by, without the key that breaks ties. */
const maxSorts = 5;

/**
 * Reads a sort, which may have come from outside, into columns of the table. The key is always the last, so that the
 * order is total.
 *
 * @throws {ValidationError} for a field that is not sortable, twice the same, or too many.
 */
export function readOrder(table: Table, sort: unknown): readonly OrderColumn[] {
  const sorts: readonly unknown[] = sort === undefined ? [] : Array.isArray(sort) ? sort : [sort];
  if (sorts.length > maxSorts) throw wrong('sort', `Expected at most ${maxSorts} fields`);
  const order: OrderColumn[] = [];
  for (const [index, one] of sorts.entries()) {
    const path = `sort[${index}]`;
    if (typeof one !== 'object' || one === null) throw wrong(path, 'Expected { field, order }');
    const { field, order: direction = 'asc' } = one as { readonly field?: unknown; readonly order?: unknown };
    const column = typeof field === 'string' ? table.columns.get(field) : undefined;
    if (column === undefined || !column.isSortable) {
      const fields = [...table.columns.values()].filter(({ isSortable }) => isSortable);
      throw wrong(`${path}.field`, `Expected one of ${fields.map(known => known.field).join(', ')}`);
    }
    if (direction !== 'asc' && direction !== 'desc') throw wrong(`${path}.order`, 'Expected asc or desc');
    if (order.some(earlier => earlier.column === column)) throw wrong(path, `Expected ${column.field} only once`);
    order.push({ column, isDescending: direction === 'desc' });
  }
  const byKey = order.findIndex(({ column }) => column.isKey);
  // What comes after the key can no longer change anything.
  if (byKey !== -1) return order.slice(0, byKey + 1);
  return [...order, { column: table.key, isDescending: order.at(-1)?.isDescending ?? false }];
}

/**
 * The order as SQL. Where nulls stand is PostgreSQL's default, so that a plain index serves: last, first with `desc`.
 * With the name of the table, because a bare name would mean the column of the result, which no index knows.
 */
export function orderText(table: Table, order: readonly OrderColumn[]): string {
  return order
    .map(({ column, isDescending }) => `${table.quotedName}.${column.quoted} ${isDescending ? 'desc' : 'asc'}`)
    .join(', ');
}

/** The order in a few characters, by which a cursor knows that it belongs to it. */
export function orderMark(order: readonly OrderColumn[]): string {
  return order.map(({ column, isDescending }) => (isDescending ? `-${column.field}` : column.field)).join(',');
}

function wrong(path: string, message: string): ValidationError {
  return new ValidationError('The sort cannot be used', { [path]: message });
}
