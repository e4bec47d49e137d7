import { type PreparedStatement, prepareStatement } from '../database/index.ts';
import { type OrderColumn, orderText } from './list-order.ts';
import type { Table, TableColumn } from './table-types.ts';

/** Which rows a repository sees. */
export interface Visibility {
  /** Whether only those of one owner, who is the last parameter. */
  readonly isOwned: boolean;
  /** Whether deleted ones too. */
  readonly withDeleted: boolean;
}

/** The time to the millisecond, which is what a `Date` holds: a filter with the value of a row finds that row. */
const now = `date_trunc('milliseconds', now())`;

/** How many statements of a table keep a name; each stays on every connection. */
const maxNamedStatements = 64;

/** The SQL of one table: written once, from its definition alone. */
export class TableSql {
  readonly table: Table;
  /** The columns of a row under their names in code, so that the driver makes rows that need no work. */
  readonly selection: string;
  readonly #named = new Map<string, PreparedStatement>();
  readonly #owner: TableColumn | undefined;
  readonly #softDelete: TableColumn | undefined;
  readonly #version: TableColumn | undefined;

  constructor(table: Table) {
    this.table = table;
    const { columns, owner, softDelete, version } = table;
    this.selection = [...columns.values()].map(column => `${readable(column)} as "${column.field}"`).join(', ');
    this.#owner = owner === undefined ? undefined : columns.get(owner);
    this.#softDelete = softDelete === undefined ? undefined : columns.get(softDelete);
    this.#version = version === undefined ? undefined : columns.get(version);
  }

  /** One row by key: `$1`, and the owner as `$2`. */
  byKey(visibility: Visibility): PreparedStatement {
    return this.#once(`find ${mark(visibility)}`, true, () => this.#select(`$1${castOf(this.table.key)}`, visibility));
  }

  /** Rows by a list of keys: `$1`, and the owner as `$2`. */
  byKeys(visibility: Visibility): PreparedStatement {
    return this.#once(`gather ${mark(visibility)}`, true, () =>
      this.#select(`any($1${castOf(this.table.key, '[]')})`, visibility),
    );
  }

  /** One new row; the values in the order of {@link insertFields}. */
  insert(): PreparedStatement {
    return this.#once('insert', false, () => {
      const fields = this.#insertColumns(index => `$${index + 1}`);
      const values = fields.length === 0 ? 'default values' : `values (${valuesOf(fields)})`;
      return `${this.#insertInto(fields)} ${values} returning ${this.selection}`;
    });
  }

  /** Many new rows: a list of documents, keyed by column, as `$1`. */
  insertMany(): PreparedStatement {
    return this.#once('insert many', false, () => {
      const columns = this.insertFields;
      const fields = this.#insertColumns(index => columns[index]?.quoted ?? 'null');
      const documents = `json_populate_recordset(${this.#emptyRow()}, $1::json)`;
      return `${this.#insertInto(fields)} select ${valuesOf(fields)} from ${documents} returning ${this.selection}`;
    });
  }

  /** A new row, or a change of the one that is there already in the columns of `changed`; parameters as {@link insert}. */
  upsert(
    conflict: readonly TableColumn[],
    changed: readonly TableColumn[],
    { withDeleted }: Pick<Visibility, 'withDeleted'>,
  ): PreparedStatement {
    const marks = [conflict, changed].map(columns => columns.map(({ field }) => field).join(','));
    return this.#once(`upsert ${marks.join(' ')} ${withDeleted}`, false, () => {
      const fields = this.#insertColumns(index => `$${index + 1}`);
      const { quotedName } = this.table;
      const sets = [...changed.map(taken), ...this.touched(`${quotedName}.`)];
      // Something must be set for a row to be given back; the columns of the conflict stay what they are.
      const changes = sets.length > 0 ? sets : conflict.map(taken);
      const kept = this.#softDelete === undefined ? undefined : `${this.#softDelete.quoted} is null`;
      const conditions: string[] = [];
      if (kept !== undefined && !withDeleted) conditions.push(`${quotedName}.${kept}`);
      if (this.#owner !== undefined) conditions.push(`${quotedName}.${taken(this.#owner)}`);
      // A unique index over all rows is found by this, and one over the rows that are not deleted, too.
      const index = `(${conflict.map(({ quoted }) => quoted).join(', ')})${kept === undefined ? '' : ` where ${kept}`}`;
      const where = conditions.length === 0 ? '' : ` where ${conditions.join(' and ')}`;
      return `${this.#insertInto(fields)} values (${valuesOf(fields)}) on conflict ${index} do update set ${changes.join(', ')}${where} returning ${this.selection}`;
    });
  }

  /** A change of one row: the values of the columns, then the key, the version when it is checked, and the owner. */
  update(changed: readonly TableColumn[], checksVersion: boolean, visibility: Visibility): PreparedStatement {
    const marks = changed.map(({ field }) => field).join(',');
    return this.#once(`update ${marks} ${checksVersion} ${mark(visibility)}`, false, () => {
      const sets = [...changed.map(({ quoted }, index) => `${quoted} = $${index + 1}`), ...this.touched()];
      const where = this.#whereKey(changed.length, checksVersion, visibility);
      return `update ${this.table.quotedName} set ${sets.join(', ')} where ${where} returning ${this.selection}`;
    });
  }

  /** The end of one row: the key, the version when it is checked, and the owner. */
  delete(checksVersion: boolean, visibility: Visibility): PreparedStatement {
    return this.#once(`delete ${checksVersion} ${mark(visibility)}`, false, () => {
      return `${this.deletion()} where ${this.#whereKey(0, checksVersion, visibility)}`;
    });
  }

  /** The end of one row for good, whether it was deleted before or not: the key and the owner. */
  purge(visibility: Visibility): PreparedStatement {
    const all = { ...visibility, withDeleted: true };
    return this.#once(`purge ${mark(all)}`, false, () => {
      return `delete from ${this.table.quotedName} where ${this.#whereKey(0, false, all)}`;
    });
  }

  /** The return of one deleted row: the key and the owner. */
  restore(visibility: Visibility): PreparedStatement {
    const all = { ...visibility, withDeleted: true };
    return this.#once(`restore ${mark(all)}`, false, () => {
      const name = this.#softDelete?.quoted ?? 'null';
      const sets = [`${name} = null`, ...this.touched()];
      return `update ${this.table.quotedName} set ${sets.join(', ')} where ${this.#whereKey(0, false, all)} and ${name} is not null returning ${this.selection}`;
    });
  }

  /** `delete from …`, or the update that stands for it. */
  deletion(): string {
    const { quotedName } = this.table;
    if (this.#softDelete === undefined) return `delete from ${quotedName}`;
    return `update ${quotedName} set ${[`${this.#softDelete.quoted} = ${now}`, ...this.touched()].join(', ')}`;
  }

  /** What every change of a row changes besides: the version and the time. */
  touched(prefix = ''): readonly string[] {
    const version = this.#version;
    const touched = [...this.table.columns.values()].filter(({ generated }) => generated === 'updated');
    return [
      ...(version === undefined ? [] : [`${version.quoted} = ${prefix}${version.quoted} + 1`]),
      ...touched.map(({ quoted }) => `${quoted} = ${now}`),
    ];
  }

  /** The beginning of a list: a row, and in `~0`, `~1` … what a cursor is made of. */
  listed(order: readonly OrderColumn[]): string {
    const places = order.map(({ column }, index) => `${column.quoted}::text as "~${index}"`).join(', ');
    return `select ${this.selection}, ${places} from ${this.table.quotedName}`;
  }

  /** The end of a list. */
  ordered(order: readonly OrderColumn[]): string {
    return ` order by ${orderText(this.table, order)}`;
  }

  /** Columns whose values an insert takes, in their order. */
  get insertFields(): readonly TableColumn[] {
    return [...this.table.columns.values()].filter(({ isInsertable }) => isInsertable);
  }

  /** The column of the owner. */
  get owner(): TableColumn | undefined {
    return this.#owner;
  }

  /** The column that marks deleted rows. */
  get softDelete(): TableColumn | undefined {
    return this.#softDelete;
  }

  #select(wanted: string, visibility: Visibility): string {
    const { quotedName, key } = this.table;
    const visible = this.#visible(visibility, 2);
    return `select ${this.selection} from ${quotedName} where ${key.quoted} = ${wanted}${visible === '' ? '' : ` and ${visible}`}`;
  }

  #whereKey(before: number, checksVersion: boolean, visibility: Visibility): string {
    const checked = checksVersion && this.#version !== undefined ? [this.table.key, this.#version] : [this.table.key];
    const conditions = checked.map((column, index) => `${column.quoted} = $${before + index + 1}${castOf(column)}`);
    const visible = this.#visible(visibility, before + checked.length + 1);
    if (visible !== '') conditions.push(visible);
    return conditions.join(' and ');
  }

  #visible({ isOwned, withDeleted }: Visibility, ownerIndex: number): string {
    const conditions: string[] = [];
    if (this.#softDelete !== undefined && !withDeleted) conditions.push(`${this.#softDelete.quoted} is null`);
    const owner = isOwned ? this.#owner : undefined;
    if (owner !== undefined) conditions.push(`${owner.quoted} = $${ownerIndex}${castOf(owner)}`);
    return conditions.join(' and ');
  }

  /** The beginning of an insert. Without a column PostgreSQL wants no list of them either. */
  #insertInto(fields: InsertColumns): string {
    const names = fields.length === 0 ? '' : ` (${fields.map(([name]) => name).join(', ')})`;
    return `insert into ${this.table.quotedName}${names}`;
  }

  /** Each column of an insert with its value; `given` says where the values of the caller are. */
  #insertColumns(given: (index: number) => string): InsertColumns {
    const fields: [string, string][] = [];
    let index = 0;
    for (const column of this.table.columns.values()) {
      if (column.isInsertable) fields.push([column.quoted, given(index++)]);
      else if (column === this.#version) fields.push([column.quoted, '1']);
      else if (column.generated === 'now' || column.generated === 'updated') fields.push([column.quoted, now]);
      else if (column.generated === 'uuid') fields.push([column.quoted, 'gen_random_uuid()']);
    }
    return fields;
  }

  /**
   * What the rows of documents are made from. They have every column of the table, and a column whose domain is not null
   * refuses nothing at all, though its value is chosen only afterwards.
   */
  #emptyRow(): string {
    const { columns, quotedName } = this.table;
    const placeholders = [...columns.values()].flatMap(column => {
      if (column === this.#version) return [[column.column, 1]];
      const placeholder = column.generated === undefined ? undefined : generatedPlaceholders[column.generated];
      return placeholder === undefined ? [] : [[column.column, placeholder]];
    });
    if (placeholders.length === 0) return `null::${quotedName}`;
    const document = JSON.stringify(Object.fromEntries(placeholders)).replaceAll("'", "''");
    return `json_populate_record(null::${quotedName}, '${document}')`;
  }

  /** Writes a statement the first time it is needed. Beyond the bound it is written each time, and has no name. */
  #once(shape: string, reads: boolean, write: () => string): PreparedStatement {
    const known = this.#named.get(shape);
    if (known !== undefined) return known;
    if (this.#named.size >= maxNamedStatements) return { sql: write(), reads };
    const statement = prepareStatement(write(), { reads });
    this.#named.set(shape, statement);
    return statement;
  }
}

const generatedPlaceholders: Readonly<Partial<Record<NonNullable<TableColumn['generated']>, string>>> = {
  now: 'now',
  updated: 'now',
  uuid: '00000000-0000-0000-0000-000000000000',
};

/** Columns of an insert, each with its value. */
type InsertColumns = readonly (readonly [name: string, value: string])[];

function valuesOf(fields: InsertColumns): string {
  return fields.map(([, value]) => value).join(', ');
}

/** The value of the row that could not be inserted. */
function taken({ quoted }: TableColumn): string {
  return `${quoted} = excluded.${quoted}`;
}

/**
 * What stands behind a parameter that a column is compared with. A whole number may be beyond the column's type: as an
 * `int8` it is equal to no row, where it would be an error otherwise, and the end of a transaction.
 */
export function castOf({ kind }: TableColumn, list: '[]' | '' = ''): string {
  return kind === 'integer' ? `::int8${list}` : '';
}

/** Numbers arrive as numbers: the driver gives `bigint` and `numeric` as text otherwise. */
function readable({ kind, quoted }: TableColumn): string {
  return kind === 'integer' || kind === 'number' ? `${quoted}::float8` : quoted;
}

function mark({ isOwned, withDeleted }: Visibility): string {
  return `${isOwned ? 'owned' : 'all'} ${withDeleted ? 'deleted' : 'kept'}`;
}
