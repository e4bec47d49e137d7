import { ConfigurationError } from '../errors/index.ts';
import type { Table } from './table-types.ts';

/**
 * Sees to it that whole numbers are read as they are. Beyond 2^53 a number of JavaScript stands for several of them, so
 * two rows would show the same key, and a change could meet the wrong one.
 */
export class ExactNumbers {
  readonly #table: Table;
  readonly #fields: readonly string[];

  constructor(table: Table) {
    this.#table = table;
    this.#fields = [...table.columns.values()].filter(({ kind }) => kind === 'integer').map(({ field }) => field);
  }

  /** The rows as they came. @throws {ConfigurationError} when one holds a whole number beyond 2^53. */
  check<Rows extends readonly unknown[]>(rows: Rows): Rows {
    for (const row of rows) this.checkRow(row);
    return rows;
  }

  /** The row as it came, if one did. @throws {ConfigurationError} when it holds a whole number beyond 2^53. */
  checkRow<Row>(row: Row): Row {
    if (row === undefined) return row;
    for (const field of this.#fields) {
      const value = (row as Readonly<Record<string, number | null>>)[field] ?? 0;
      if (value > Number.MAX_SAFE_INTEGER || value < Number.MIN_SAFE_INTEGER) throw this.#problem(field);
    }
    return row;
  }

  #problem(field: string): ConfigurationError {
    const { name, columns } = this.#table;
    const message = `holds a whole number beyond 2^53, which field ${field} (integer) cannot show: make it z.string(), which reads every digit`;
    return new ConfigurationError('The tables in code and in the database differ', [
      { name: `${name}.${columns.get(field)?.column}`, message },
    ]);
  }
}
