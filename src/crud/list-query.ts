import { ValidationError } from '../errors/index.ts';
import { comparable, fromText, UnfitValue } from './column-value.ts';
import { readOrder } from './list-order.ts';
import { filterName, operatorsOf } from './list-query-schema.ts';
import type { Filter, FilterOperator, ListOptions, Sort, Table, TableColumn } from './table-types.ts';

/**
 * Reads the query of a list request, as the server gives it: flat, names and texts.
 *
 * ```text
 * ?page=2&size=50&sort=-createdAt,email&total=true
 * ?filter[price][gte]=10&filter[status][in]=open,paused&filter[deletedAt][isNull]=true&search=ada
 * ?cursor=eyJ…&size=50
 * ```
 *
 * All conditions must hold. Groups (`and`, `or`, `not`) do not fit into an address: take them as JSON from a body.
 *
 * @throws {ValidationError} parameter by parameter, unknown ones included.
 * @example
 * const page = await service.getAll(parseListQuery(users, request.query));
 */
export function parseListQuery<T extends Table>(table: T, query: Readonly<Record<string, unknown>>): ListOptions<T> {
  // Without a prototype, because names come from outside: `__proto__` is a name like any other here.
  const problems: Record<string, string> = Object.create(null);
  const filters: unknown[] = [];
  const known = filterNames(table);
  const text = (name: string): string | undefined => {
    const value = Object.hasOwn(query, name) ? query[name] : undefined;
    if (value === undefined || typeof value === 'string') return value;
    if (typeof value === 'number' || typeof value === 'boolean') return String(value);
    problems[name] = 'Expected it once';
    return undefined;
  };
  for (const name of Object.keys(query)) {
    const filter = known.get(name);
    if (filter !== undefined) filters.push(readFilter(filter, query[name], name, problems));
    else if (!plainNames.has(name)) problems[name] = 'It is not known here';
  }
  const options = {
    pagination: {
      page: whole(text('page'), 'page', problems),
      size: whole(text('size'), 'size', problems),
      cursor: text('cursor'),
    },
    sort: readSort(table, text('sort'), problems),
    filters,
    search: text('search'),
    total: readFlag(text('total'), 'total', problems),
  };
  if (Object.keys(problems).length > 0) throw new ValidationError('The query cannot be used', problems);
  return options as unknown as ListOptions<T>;
}

const plainNames: ReadonlySet<string> = new Set(['page', 'size', 'cursor', 'sort', 'search', 'total']);

interface NamedFilter {
  readonly column: TableColumn;
  readonly operator: FilterOperator;
}

function filterNames(table: Table): ReadonlyMap<string, NamedFilter> {
  const names = new Map<string, NamedFilter>();
  for (const column of table.columns.values()) {
    if (!column.isFilterable) continue;
    for (const operator of operatorsOf(column)) names.set(filterName(column.field, operator), { column, operator });
  }
  return names;
}

function readFilter(
  { column, operator }: NamedFilter,
  given: unknown,
  name: string,
  problems: Record<string, string>,
): Filter | undefined {
  const texts = Array.isArray(given) ? given : [given];
  if (texts.some(one => typeof one !== 'string') || (texts.length > 1 && operator !== 'in')) {
    problems[name] = 'Expected it once';
    return undefined;
  }
  const { field, kind } = column;
  const split = operator === 'in' && texts.length === 1 ? String(texts[0]).split(',') : (texts as readonly string[]);
  const values = split.map(text => fromText(operator === 'isNull' ? 'boolean' : kind, text));
  if (values.includes(undefined)) {
    problems[name] = operator === 'isNull' ? 'Expected true or false' : `Expected ${expectations[kind] ?? 'text'}`;
    return undefined;
  }
  const unfit = operator === 'isNull' ? undefined : values.map(value => comparable(kind, value)).find(isUnfit);
  if (unfit !== undefined) problems[name] = `Expected ${unfit.expected}`;
  return { field, operator, value: operator === 'in' ? values : values[0] } as unknown as Filter;
}

function isUnfit(value: unknown): value is UnfitValue {
  return value instanceof UnfitValue;
}

const expectations: Readonly<Record<string, string>> = {
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  moment: 'a time that exists, such as 2026-01-15T10:00:00Z',
};

function readSort(
  table: Table,
  text: string | undefined,
  problems: Record<string, string>,
): readonly Sort[] | undefined {
  if (text === undefined || text === '') return undefined;
  const sort = text.split(',').map(part => {
    const isDescending = part.startsWith('-');
    return { field: isDescending ? part.slice(1) : part, order: isDescending ? 'desc' : 'asc' } as unknown as Sort;
  });
  try {
    readOrder(table, sort);
  } catch (error) {
    if (!(error instanceof ValidationError)) throw error;
    // There it is known by its place in a list, here by the name of the parameter.
    problems['sort'] = Object.values(error.fieldErrors).join('; ');
  }
  return sort;
}

function whole(text: string | undefined, name: string, problems: Record<string, string>): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  problems[name] = 'Expected a whole number';
  return undefined;
}

function readFlag(text: string | undefined, name: string, problems: Record<string, string>): boolean | undefined {
  if (text === undefined || text === 'true' || text === 'false')
    return text === undefined ? undefined : text === 'true';
  problems[name] = 'Expected true or false';
  return undefined;
}
