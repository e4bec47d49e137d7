import pg, { Query, type QueryConfig } from 'pg';
import { toDatabaseError } from './error-translation.ts';

/** Called once, when the answer is complete. */
export type LaneCallback = (error: Error | null, result: { readonly rows: readonly never[] }) => void;

/** How the driver describes the columns of an answer. */
interface RowDescription {
  readonly fields: readonly unknown[];
}

/** The half of the driver that writes messages. */
interface MessageWriter {
  describe(message: unknown): void;
}

/** The driver's own query, with what its types leave out. */
interface DriverQuery {
  readonly name: string | undefined;
  submit(writer: MessageWriter): Error | null;
  handleRowDescription(description: RowDescription): void;
}

const DriverQuery = Query as unknown as new (config: QueryConfig, callback: LaneCallback) => DriverQuery;

/** How the driver writes a value. */
const { prepareValue } = (pg as unknown as { readonly utils: { prepareValue(value: unknown): unknown } }).utils;

/**
 * Values as they are sent: texts, bytes, `null`. The driver itself writes a value when the beginning of its statement is
 * on the way already: one that cannot be written would break the statements around it.
 *
 * @throws {QueryError} when one cannot be written, such as JSON with a bigint in it.
 */
export function writeValues(values: readonly unknown[]): readonly unknown[] {
  for (const value of values) if (!isPrimitive(value)) return values.map(writeValue);
  return values;
}

function isPrimitive(value: unknown): boolean {
  return value === null || (typeof value !== 'object' && typeof value !== 'function');
}

function writeValue(value: unknown): unknown {
  try {
    return prepareValue(value);
  } catch (cause) {
    throw toDatabaseError(cause);
  }
}

/** What one connection has said of the columns of its named statements. */
export class KnownColumns {
  readonly #byName = new Map<string, RowDescription>();
  #undescribed: MessageWriter | undefined;

  get(name: string | undefined): RowDescription | undefined {
    return name === undefined ? undefined : this.#byName.get(name);
  }

  learn(name: string | undefined, description: RowDescription): void {
    if (name !== undefined) this.#byName.set(name, description);
  }

  /** The same writer, which does not ask what the columns are. */
  undescribed(writer: MessageWriter): MessageWriter {
    this.#undescribed ??= Object.create(writer, { describe: { value: ignore } }) as MessageWriter;
    return this.#undescribed;
  }
}

/**
 * A statement that asks for its columns only as long as its connection has not described them: that saves a message each
 * way for every read. They cannot change under a name, because the server refuses a statement whose columns would be
 * others (0A000), and the connection ends then.
 */
export class LaneQuery extends DriverQuery {
  readonly #columns: KnownColumns;

  constructor(config: QueryConfig, columns: KnownColumns, callback: LaneCallback) {
    super(config, callback);
    this.#columns = columns;
  }

  override submit(writer: MessageWriter): Error | null {
    const known = this.#columns.get(this.name);
    if (known === undefined) return super.submit(writer);
    super.handleRowDescription(known);
    return super.submit(this.#columns.undescribed(writer));
  }

  override handleRowDescription(description: RowDescription): void {
    this.#columns.learn(this.name, description);
    super.handleRowDescription(description);
  }
}

function ignore(): void {}
