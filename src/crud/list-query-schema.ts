import { z } from 'zod';
import type { ColumnKind } from './column-kind.ts';
import type { FilterOperator, TableColumn } from './table-types.ts';

/** The largest page, in rows. */
export const maxPageSize = 100;
/** The size of a page that nobody gave one, in rows. */
export const defaultPageSize = 20;

const comparisons = ['eq', 'ne', 'lt', 'lte', 'gt', 'gte', 'in'] as const;

/** Which operators make sense for a column. */
export function operatorsOf({
  kind,
  isNullable,
}: {
  kind: ColumnKind;
  isNullable: boolean;
}): readonly FilterOperator[] {
  const nulls = isNullable ? (['isNull'] as const) : [];
  if (kind === 'json') return nulls;
  if (kind === 'boolean') return ['eq', 'ne', ...nulls];
  return kind === 'text' ? [...comparisons, 'contains', 'startsWith', ...nulls] : [...comparisons, ...nulls];
}

/** The name of a filter in the address of a request: `filter[price][gte]`. */
export function filterName(field: string, operator: FilterOperator): string {
  return `filter[${field}][${operator}]`;
}

/** The flat schema of a list request. Values of filters stay text here; `parseListQuery` reads them. */
export function listQuerySchema(columns: ReadonlyMap<string, TableColumn>): z.ZodObject {
  const all = [...columns.values()];
  const sortable = all.filter(({ isSortable }) => isSortable).map(({ field }) => field);
  const shape: Record<string, z.ZodType> = {
    page: whole('The number of the page, from 1', 1_000_000),
    size: whole(`How many rows; ${defaultPageSize} when left out`, maxPageSize),
    cursor: z.string().optional().describe('`nextCursor` of the page before, instead of `page`'),
    sort: z
      .string()
      .optional()
      .describe(`Fields with a comma between them, each with - in front for descending: ${sortable.join(', ')}`),
    total: z.enum(['true', 'false']).optional().describe('Whether the rows are counted'),
  };
  if (all.some(({ isSearchable }) => isSearchable)) {
    shape['search'] = z.string().optional().describe('Text that one of the searchable fields contains');
  }
  for (const column of all.filter(({ isFilterable }) => isFilterable)) {
    for (const operator of operatorsOf(column)) {
      const one = z.string();
      // The same name twice is a list of values.
      const type = operator === 'in' ? z.union([one, z.array(one)]) : one;
      shape[filterName(column.field, operator)] = type.optional().describe(descriptions[operator]);
    }
  }
  return z.strictObject(shape);
}

function whole(description: string, maximum: number): z.ZodType {
  return z.coerce.number().int().min(1).max(maximum).optional().describe(description);
}

const descriptions: Readonly<Record<FilterOperator, string>> = {
  eq: 'Equal',
  ne: 'Not equal',
  lt: 'Less than',
  lte: 'Less than or equal',
  gt: 'Greater than',
  gte: 'Greater than or equal',
  in: 'One of these: with a comma between them, or the name repeated',
  contains: 'Contains this text',
  startsWith: 'Begins with this text',
  isNull: 'true for rows without a value, false for those with one',
};
