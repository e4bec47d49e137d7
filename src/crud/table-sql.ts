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
    return this.#once(`find ${mark(visibility)}`, true, () => this.#select('= $1', visibility));
  }

  /** Rows by a list of keys: `$1`, and the owner as `$2`. */
  byKeys(visibility: Visibility): PreparedStatement {
    return this.#once(`gather ${mark(visibility)}`, true, () => this.#select('= any($1)', visibility));
  }

  /** One new row; the values in the order of {@link insertFields}. */
  insert(): PreparedStatement {
    return this.#once('insert', false, () => {
      const fields = this.#insertColumns(index => `$${index + 1}`);
      const { quotedName } = this.table;
      const target =
        fields.length === 0
          ? 'default values'
          : `(${fields.map(([name]) => name).join(', ')}) values (${fields.map(([, value]) => value).join(', ')})`;
      return `insert into ${quotedName} ${target} returning ${this.selection}`;
    });
  }

  /** Many new rows: a list of documents, keyed by column, as `$1`. */
  insertMany(): PreparedStatement {
    return this.#once('insert many', false, () => {
      const columns = this.insertFields;
      const fields = this.#insertColumns(index => columns[index]?.quoted ?? 'null');
      const { quotedName } = this.table;
      return `insert into ${quotedName} (${fields.map(([name]) => name).join(', ')}) select ${fields
        .map(([, value]) => value)
        .join(', ')} from json_populate_recordset(null::${quotedName}, $1::json) returning ${this.selection}`;
    });
  }

  /** A new row, or a change of the one that is there already; parameters as {@link insert}, then the owner. */
  upsert(conflict: readonly TableColumn[], visibility: Visibility): PreparedStatement {
    const marks = conflict.map(({ field }) => field).join(',');
    return this.#once(`upsert ${marks} ${mark(visibility)}`, false, () => {
      const { quotedName, columns } = this.table;
      const fields = this.#insertColumns(index => `$${index + 1}`);
      const kept = new Set(conflict);
      const changes = [...columns.values()]
        .filter(column => column.isUpdatable && !kept.has(column))
        .map(({ quoted }) => `${quoted} = excluded.${quoted}`);
      // Something must be set for a row to be given back; the key of the conflict stays what it is.
      const same = conflict.map(({ quoted }) => `${quoted} = excluded.${quoted}`);
      const sets = [...changes, ...this.touched(`${quotedName}.`)];
      const visible = this.#visible(visibility, this.insertFields.length + 1, `${quotedName}.`);
      return `insert into ${quotedName} (${fields.map(([name]) => name).join(', ')}) values (${fields
        .map(([, value]) => value)
        .join(', ')}) on conflict (${conflict.map(({ quoted }) => quoted).join(', ')}) do update set ${(
        sets.length > 0 ? sets : same
      ).join(', ')}${visible === '' ? '' : ` where ${visible}`} returning ${this.selection}`;
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
    return `update ${quotedName} set ${[`${this.#softDelete.quoted} = now()`, ...this.touched()].join(', ')}`;
  }

  /** What every change of a row changes besides: the version and the time. */
  touched(prefix = ''): readonly string[] {
    const version = this.#version;
    const touched = [...this.table.columns.values()].filter(({ generated }) => generated === 'updated');
    return [
      ...(version === undefined ? [] : [`${version.quoted} = ${prefix}${version.quoted} + 1`]),
      ...touched.map(({ quoted }) => `${quoted} = now()`),
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

  #select(comparison: string, visibility: Visibility): string {
    const { quotedName, key } = this.table;
    const visible = this.#visible(visibility, 2);
    return `select ${this.selection} from ${quotedName} where ${key.quoted} ${comparison}${visible === '' ? '' : ` and ${visible}`}`;
  }

  #whereKey(before: number, checksVersion: boolean, visibility: Visibility): string {
    const checked = checksVersion && this.#version !== undefined;
    const conditions = [`${this.table.key.quoted} = $${before + 1}`];
    if (checked) conditions.push(`${this.#version?.quoted} = $${before + 2}`);
    const visible = this.#visible(visibility, before + (checked ? 3 : 2));
    if (visible !== '') conditions.push(visible);
    return conditions.join(' and ');
  }

  #visible({ isOwned, withDeleted }: Visibility, ownerIndex: number, prefix = ''): string {
    const conditions: string[] = [];
    if (this.#softDelete !== undefined && !withDeleted) conditions.push(`${prefix}${this.#softDelete.quoted} is null`);
    if (this.#owner !== undefined && isOwned) conditions.push(`${prefix}${this.#owner.quoted} = $${ownerIndex}`);
    return conditions.join(' and ');
  }

  /** Each column of an insert with its value; `given` says where the values of the caller are. */
  #insertColumns(given: (index: number) => string): readonly (readonly [string, string])[] {
    const fields: [string, string][] = [];
    let index = 0;
    for (const column of this.table.columns.values()) {
      if (column.isInsertable) fields.push([column.quoted, given(index++)]);
      else if (column === this.#version) fields.push([column.quoted, '1']);
      else if (column.generated === 'now' || column.generated === 'updated') fields.push([column.quoted, 'now()']);
      else if (column.generated === 'uuid') fields.push([column.quoted, 'gen_random_uuid()']);
    }
    return fields;
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

/** Numbers arrive as numbers: the driver gives `bigint` and `numeric` as text otherwise. */
function readable({ kind, quoted }: TableColumn): string {
  return kind === 'integer' || kind === 'number' ? `${quoted}::float8` : quoted;
}

function mark({ isOwned, withDeleted }: Visibility): string {
  return `${isOwned ? 'owned' : 'all'} ${withDeleted ? 'deleted' : 'kept'}`;
}
