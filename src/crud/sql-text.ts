import type { PreparedStatement } from '../database/index.ts';
import type { SqlValue } from './column-value.ts';

/**
 * The text of a statement and its values, apart. Text comes from the table's definition only; everything that a caller
 * gave goes through {@link value}, which leaves `$1` in the text.
 */
export class SqlText {
  readonly #values: SqlValue[] = [];
  #text = '';

  /** Adds text that this room wrote. */
  add(text: string): this {
    this.#text += text;
    return this;
  }

  /** Adds a value. */
  value(value: SqlValue): this {
    this.#values.push(value);
    this.#text += `$${this.#values.length}`;
    return this;
  }

  get text(): string {
    return this.#text;
  }

  get values(): readonly SqlValue[] {
    return this.#values;
  }

  /** The statement, planned each time with its values. */
  statement(reads: boolean): PreparedStatement {
    return { sql: this.#text, reads };
  }
}
