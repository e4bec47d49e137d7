import { ValidationError } from '../errors/index.ts';
import { comparable, UnfitValue } from './column-value.ts';
import { operatorsOf } from './list-query-schema.ts';
import type { SqlText } from './sql-text.ts';
import type { FilterOperator, Table, TableColumn } from './table-types.ts';

/** How much a filter may ask. */
export interface FilterLimits {
  /** Conditions in all. */
  readonly maxConditions: number;
  /** Groups within groups. */
  readonly maxDepth: number;
  /** Values of one `in`. */
  readonly maxValues: number;
}

const comparisonSigns: Readonly<Partial<Record<FilterOperator, string>>> = {
  eq: '=',
  ne: '<>',
  lt: '<',
  lte: '<=',
  gt: '>',
  gte: '>=',
};

/**
 * Writes filters as SQL. Nothing of a filter reaches the text: fields are looked up in the table, operators here, and
 * values become parameters. What came from outside may have any shape, so the shape is checked too.
 *
 * @throws {ValidationError} for a field that is not filterable, an operator or a value that does not fit, or too much.
 */
export class FilterWriter {
  readonly #table: Table;
  readonly #limits: FilterLimits;
  #conditions = 0;

  constructor(table: Table, limits: FilterLimits) {
    this.#table = table;
    this.#limits = limits;
  }

  write(sql: SqlText, filter: unknown, path = 'filters', depth = 0): void {
    if (typeof filter !== 'object' || filter === null || Array.isArray(filter)) {
      throw wrong(path, 'expected { field, operator, value }, { and }, { or } or { not }');
    }
    const group = (['and', 'or', 'not'] as const).filter(word => Object.hasOwn(filter, word));
    if (group.length === 0) {
      this.#condition(sql, filter as Readonly<Record<string, unknown>>, path);
      return;
    }
    const [word] = group;
    if (word === undefined || Object.keys(filter).length > 1) {
      throw wrong(path, 'expected one of and, or, not, with nothing beside it');
    }
    if (depth >= this.#limits.maxDepth) throw wrong(path, `expected groups at most ${this.#limits.maxDepth} deep`);
    const parts = (filter as Readonly<Record<string, unknown>>)[word];
    if (word === 'not') {
      sql.add('not (');
      this.write(sql, parts, `${path}.not`, depth + 1);
      sql.add(')');
    } else this.#group(sql, word, parts, `${path}.${word}`, depth + 1);
  }

  #group(sql: SqlText, word: 'and' | 'or', parts: unknown, path: string, depth: number): void {
    if (!Array.isArray(parts) || parts.length === 0) throw wrong(path, 'expected a list of filters, not empty');
    sql.add('(');
    for (const [index, part] of parts.entries()) {
      if (index > 0) sql.add(` ${word} `);
      this.write(sql, part, `${path}[${index}]`, depth);
    }
    sql.add(')');
  }

  #condition(sql: SqlText, filter: Readonly<Record<string, unknown>>, path: string): void {
    this.#conditions += 1;
    const { maxConditions } = this.#limits;
    if (this.#conditions > maxConditions) throw wrong(path, `expected at most ${maxConditions} conditions`);
    const column = typeof filter['field'] === 'string' ? this.#table.columns.get(filter['field']) : undefined;
    if (column === undefined || !column.isFilterable) {
      const fields = [...this.#table.columns.values()].filter(({ isFilterable }) => isFilterable);
      throw wrong(`${path}.field`, `expected one of ${fields.map(({ field }) => field).join(', ')}`);
    }
    const { operator, value } = filter;
    const known = operatorsOf({ ...column, isNullable: true }).find(candidate => candidate === operator);
    if (known === undefined) {
      throw wrong(`${path}.operator`, `expected one of ${operatorsOf(column).join(', ')} for ${column.field}`);
    }
    this.#compare(sql, column, known, value, `${path}.value`);
  }

  #compare(sql: SqlText, column: TableColumn, operator: FilterOperator, value: unknown, path: string): void {
    // Patterns are for text only, and the column may be an enumeration, an address, or a number that stays text.
    const isPattern = operator === 'contains' || operator === 'startsWith';
    sql.add(isPattern ? `${column.quoted}::text` : column.quoted);
    if (operator === 'isNull') {
      if (typeof value !== 'boolean') throw wrong(path, 'expected true or false');
      sql.add(value ? ' is null' : ' is not null');
    } else if (operator === 'in') {
      const { maxValues } = this.#limits;
      if (!Array.isArray(value) || value.length > maxValues) throw wrong(path, `expected at most ${maxValues} values`);
      sql
        .add(' = any(')
        .value(value.map((one, index) => parameterOf(column, one, `${path}[${index}]`)))
        .add(')');
    } else if (isPattern) {
      const text = escapeLike(String(parameterOf(column, value, path)));
      sql.add(' like ').value(operator === 'contains' ? `%${text}%` : `${text}%`);
    } else {
      sql.add(` ${comparisonSigns[operator]} `).value(parameterOf(column, value, path));
    }
  }
}

/** Text in which `%`, `_` and `\` stand for themselves in a pattern. */
export function escapeLike(text: string): string {
  return text.replaceAll(/[\\%_]/g, '\\$&');
}

function parameterOf(column: TableColumn, value: unknown, path: string): string | number | boolean {
  const fitting = comparable(column.kind, value);
  if (fitting instanceof UnfitValue) throw wrong(path, `expected ${fitting.expected} for ${column.field}`);
  return fitting;
}

function wrong(path: string, message: string): ValidationError {
  return new ValidationError('The filter cannot be used', { [path]: capitalized(message) });
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
