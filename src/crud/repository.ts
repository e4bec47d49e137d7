import { ArgumentError, DuplicateError, ValidationError } from '../errors/index.ts';
import { comparable, type SqlValue, UnfitValue } from './column-value.ts';
import { readCursor, writeAfter, writeCursor } from './cursor.ts';
import { VersionConflictError } from './errors.ts';
import { type OrderColumn, readOrder } from './list-order.ts';
import { defaultPageSize } from './list-query-schema.ts';
import {
  openCore,
  type QueryRunner,
  type RepositoryCore,
  type RepositoryOptions,
  type RepositoryScope,
  type RepositorySource,
} from './repository-core.ts';
import { type Fields, isGiven, readInsert, readUpdate, toSql } from './row-input.ts';
import { SqlText } from './sql-text.ts';
import type {
  Filter,
  Insert,
  Key,
  ListOptions,
  OwnerKey,
  Page,
  Pagination,
  Row,
  Table,
  TableColumn,
  Update,
} from './table-types.ts';
import {
  explainConflict,
  explainDelete,
  explainKey,
  explainRead,
  explainWrite,
  isUnfitValue,
} from './write-failure.ts';

/** A condition on the version of a row. */
export interface ChangeOptions {
  /** The version that was read: the change is refused when the row is at another one. @default not checked */
  readonly expectedVersion?: number | undefined;
}

/** How far a change reaches. */
export interface ManyOptions {
  /** Whether it is meant for all rows when there is no filter. @default false */
  readonly all?: boolean | undefined;
}

/** One filter or several, of which all must hold. */
export type Filters<T extends Table> = Filter<T> | readonly Filter<T>[];

/**
 * Reads and writes the rows of one table. Values are parameters always; names come from the table's definition only.
 *
 * A subclass takes `(source, options)` and passes them on, so that `ownedBy`, `withDeleted` and `withSession` give one of
 * its own kind.
 *
 * @example
 * class UserRepository extends Repository<typeof users> {
 *   constructor(source: RepositorySource, options?: RepositoryOptions) {
 *     super(users, source, options);
 *   }
 *   findByEmail(email: string) {
 *     return this.findOne({ field: 'email', operator: 'eq', value: email });
 *   }
 * }
 * const repository = new UserRepository(database);
 * const ada = await repository.findByEmail('ada@example.com');
 */
export class Repository<T extends Table> {
  /** The table. */
  readonly table: T;
  /** Whether an owner is known or not: only for what narrows the scope. */
  readonly #anyCore: RepositoryCore;

  /** @throws {ArgumentError} when an option cannot be used. */
  constructor(table: T, source: RepositorySource, options: RepositoryOptions = {}) {
    this.table = table;
    this.#anyCore = openCore(table, source, options);
  }

  /** For everything that reads or writes. @throws {ArgumentError} when it was not said whose rows are meant. */
  get #core(): RepositoryCore {
    this.#anyCore.requireOwner();
    return this.#anyCore;
  }

  /**
   * The same repository for the rows of one owner: it sees and changes no others, and gives them to new ones.
   *
   * @throws {ArgumentError} when the table has no owner, or this repository has another one.
   */
  ownedBy(owner: OwnerKey<T>): this {
    const column = this.#ownerColumn();
    const kept = this.#anyCore.scope.owner;
    const value = comparable(column.kind, owner);
    if (value instanceof UnfitValue || typeof value === 'boolean' || value === '')
      throw new ArgumentError(`Cannot use this as ${column.field}, the owner of ${this.table.name} rows`, 'owner');
    if (kept !== undefined && kept !== value)
      throw new ArgumentError('This repository belongs to an owner already: begin with the one that does not', 'owner');
    return this.#derive({ owner: value, isForAllOwners: false });
  }

  /**
   * The same repository for the rows of all owners: for jobs of the system, such as a cleanup or a report about
   * everybody, and never for a request of one of them. New rows name their owner themselves.
   *
   * A table that is defined with an owner gives and takes nothing without `ownedBy` or this.
   *
   * @throws {ArgumentError} when the table has no owner, or this repository belongs to one.
   * @example
   * const stale = await ads.forAllOwners().deleteMany({ field: 'createdAt', operator: 'lt', value: lastYear });
   */
  forAllOwners(): this {
    this.#ownerColumn();
    if (this.#anyCore.scope.owner !== undefined)
      throw new ArgumentError('This repository belongs to an owner: begin with the one that does not', 'owner');
    return this.#derive({ isForAllOwners: true });
  }

  /** The same repository, seeing deleted rows too. It may change them; deleted they are already. */
  withDeleted(): this {
    return this.#derive({ withDeleted: true });
  }

  /**
   * The same repository inside a session or a transaction, or on `database.read` for replicas.
   *
   * @example
   * await database.transaction(async transaction => {
   *   await repository.withSession(transaction).insert({ email: 'ada@example.com' });
   * });
   */
  withSession(session: QueryRunner | { readonly db: QueryRunner }): this {
    return this.#derive({ runner: 'db' in session ? session.db : session });
  }

  /**
   * The row with this key, if there is one.
   *
   * @throws {ConfigurationError} for a whole number beyond 2^53 in the row, which `z.int()` cannot show; all that read
   * rows do so.
   * @throws {ValidationError} inside a session, for a text that the column of the key cannot hold; as `delete` and `purge`.
   */
  async findById(id: Key<T>): Promise<Row<T> | undefined> {
    const key = this.#core.key(id);
    if (key === undefined) return undefined;
    try {
      return this.#core.numbers.checkRow(await this.#core.find(key)) as Row<T> | undefined;
    } catch (error) {
      this.#requireUnfitKey(error);
      return undefined;
    }
  }

  /** The first row, by key, that fulfils the filters. */
  async findOne(filters: Filters<T>): Promise<Row<T> | undefined> {
    const sql = new SqlText().add(`select ${this.#core.sql.selection} from ${this.table.quotedName}`);
    this.#core.where(sql, listOf(filters));
    sql.add(this.#core.sql.ordered(readOrder(this.table, undefined))).add(' limit 1');
    return (await this.#core.query<Row<T>>(sql))[0];
  }

  /**
   * A part of the rows, sorted. Follow `nextCursor` for the rest: no row comes twice or is missed while others are
   * inserted, and a deep page costs what the first does when an index fits the sort.
   *
   * @throws {ValidationError} for filters, sorts, pages and cursors that cannot be used.
   */
  async list(options: ListOptions<T> = {}): Promise<Page<Row<T>>> {
    const { pagination = {}, search, total = false } = options;
    const filters = listOf(options.filters);
    const order = readOrder(this.table, options.sort);
    const { size, page, skip } = this.#readPagination(pagination);
    const sql = new SqlText().add(this.#core.sql.listed(order));
    this.#core.where(sql, filters, search);
    if (pagination.cursor !== undefined) {
      sql.add(' and ');
      writeAfter(sql, order, readCursor(order, pagination.cursor));
    }
    sql
      .add(this.#core.sql.ordered(order))
      .add(' limit ')
      .value(size + 1);
    if (skip > 0) sql.add(' offset ').value(skip);
    const rows = await this.#core.query<Fields>(sql);
    const last = rows.length > size ? rows[size - 1] : undefined;
    return {
      items: rows.slice(0, size).map(row => this.#withoutPlaces(row)),
      size,
      ...(page === undefined ? {} : { page }),
      ...(total ? { total: await this.#count(filters, search) } : {}),
      hasMore: last !== undefined,
      ...(last === undefined ? {} : { nextCursor: writeCursor(order, placesOf(order, last)) }),
    };
  }

  /** How many rows fulfil the filters. */
  count(filters: Filters<T> = []): Promise<number> {
    return this.#count(listOf(filters), undefined);
  }

  /** Whether a row fulfils the filters. */
  async exists(filters: Filters<T>): Promise<boolean> {
    const sql = new SqlText().add(`select 1 as found from ${this.table.quotedName}`);
    this.#core.where(sql, listOf(filters));
    return (await this.#core.query(sql.add(' limit 1'))).length > 0;
  }

  /**
   * Inserts a row and gives it as it was stored. What was left out is the schema's default, or null.
   *
   * @throws {ValidationError} field by field.
   * @throws {DuplicateError} when a unique value exists already.
   */
  async insert(data: Insert<T>): Promise<Row<T>> {
    const fields = readInsert(this.table, data, this.#core.scope.owner);
    const values = this.#core.sql.insertFields.map(({ field }) => toSql(this.table, field, fields[field]));
    const rows = await this.#write(this.#core.sql.insert(), values, fields);
    return rows[0] as Row<T>;
  }

  /**
   * Inserts rows in one statement, all or none, and gives them in their order.
   *
   * @throws {ValidationError} with the row in the field's name, `[3].email`. What only the database finds, such as a row
   * that refers to nothing, is told by field alone.
   * @throws {DuplicateError} when a unique value exists already.
   */
  async insertMany(data: readonly Insert<T>[]): Promise<Row<T>[]> {
    const { maxBulkRows } = this.#core.limits;
    if (data.length > maxBulkRows)
      throw new ValidationError(`Invalid ${this.table.resource}`, { data: `Expected at most ${maxBulkRows} at once` });
    if (data.length === 0) return [];
    const documents = data.map((one, index) => this.#document(one, index));
    return await this.#write(this.#core.sql.insertMany(), [JSON.stringify(documents)], undefined);
  }

  /**
   * Inserts a row, or changes the one that has the same values in the fields of `conflict`, over which there must be a
   * unique index. As in an update, only what was given changes, and what is immutable stays. Over a table with soft
   * delete the index may be for all rows or for those that are not deleted (`where deleted_at is null`): then a deleted
   * row is in nobody's way, and a new one is inserted beside it.
   *
   * @throws {DuplicateError} when that row belongs to another owner, or is deleted.
   * @throws {ArgumentError} when there is no unique index over exactly the fields of `conflict`.
   */
  async upsert(data: Insert<T>, options: { readonly conflict: readonly (keyof Row<T> & string)[] }): Promise<Row<T>> {
    const conflict = options.conflict.map(field => {
      const column = this.table.columns.get(field);
      if (column?.isInsertable === true) return column;
      throw new ArgumentError(`Cannot use ${field} for conflict: expected a field that callers set`, 'conflict');
    });
    const [first] = conflict;
    if (first === undefined) throw new ArgumentError('Cannot upsert without a field in conflict', 'conflict');
    const fields = readInsert(this.table, data, this.#core.scope.owner);
    const values = this.#core.sql.insertFields.map(({ field }) => toSql(this.table, field, fields[field]));
    const changed = [...this.table.columns.values()].filter(
      column => column.isUpdatable && isGiven(data, column.field) && !conflict.includes(column),
    );
    const statement = this.#core.sql.upsert(conflict, changed, this.#core.visibility);
    const [row] = await this.#write(statement, values, fields).catch((error: unknown) => {
      throw explainConflict(this.table, error, conflict);
    });
    if (row !== undefined) return row;
    const { field } = conflict.find(({ field }) => field !== this.table.owner) ?? first;
    throw new DuplicateError(this.table.resource, field, fields[field]);
  }

  /**
   * Changes a row and gives it as it is then, or `undefined` when there is none.
   *
   * @throws {ValidationError} field by field.
   * @throws {DuplicateError} when a unique value exists already.
   * @throws {VersionConflictError} when the row is at another version than expected.
   */
  async update(id: Key<T>, changes: Update<T>, options: ChangeOptions = {}): Promise<Row<T> | undefined> {
    const fields = readUpdate(this.table, changes);
    const expectedVersion = this.#readVersion(options);
    const key = this.#core.key(id);
    if (key === undefined) return undefined;
    const changed = this.#columnsOf(fields);
    const statement = this.#core.sql.update(changed, expectedVersion !== undefined, this.#core.visibility);
    const values = changed.map(({ field }) => toSql(this.table, field, fields[field]));
    const checked = expectedVersion === undefined ? [key] : [key, expectedVersion];
    const [row] = await this.#write(statement, this.#core.owned([...values, ...checked]), fields);
    if (row === undefined && expectedVersion !== undefined)
      await this.#refuseConflict(this.#core, key, expectedVersion);
    return row;
  }

  /** Changes all rows that fulfil the filters; says how many. @throws {ArgumentError} without a filter and without `all`. */
  async updateMany(filters: Filters<T>, changes: Update<T>, options: ManyOptions = {}): Promise<number> {
    const fields = readUpdate(this.table, changes);
    const sql = new SqlText().add(`update ${this.table.quotedName} set `);
    for (const [index, { quoted, field }] of this.#columnsOf(fields).entries()) {
      sql.add(`${index === 0 ? '' : ', '}${quoted} = `).value(toSql(this.table, field, fields[field]));
    }
    for (const touched of this.#core.sql.touched()) sql.add(`, ${touched}`);
    this.#core.where(sql, requireFilters(filters, options));
    return await this.#change(sql, error => explainWrite(this.table, error, fields));
  }

  /**
   * Deletes a row, softly when the table says so; says whether there was one. A row that is deleted softly stays as it
   * is, also in the eyes of `withDeleted`: `purge` ends it.
   *
   * @throws {VersionConflictError} when the row is at another version than expected.
   * @throws {StillReferencedError} when other rows refer to it.
   */
  async delete(id: Key<T>, options: ChangeOptions = {}): Promise<boolean> {
    const expectedVersion = this.#readVersion(options);
    const key = this.#core.key(id);
    if (key === undefined) return false;
    const core = this.#core.with({ withDeleted: false });
    const statement = core.sql.delete(expectedVersion !== undefined, core.visibility);
    const values = core.owned(expectedVersion === undefined ? [key] : [key, expectedVersion]);
    const isGone = await this.#end(statement, values);
    if (!isGone && expectedVersion !== undefined) await this.#refuseConflict(core, key, expectedVersion);
    return isGone;
  }

  /**
   * Deletes all rows that fulfil the filters, softly when the table says so; says how many. Those that are deleted softly
   * already are not among them.
   *
   * @throws {ArgumentError} without a filter and without `all`.
   */
  async deleteMany(filters: Filters<T>, options: ManyOptions = {}): Promise<number> {
    const sql = new SqlText().add(this.#core.sql.deletion());
    this.#core.with({ withDeleted: false }).where(sql, requireFilters(filters, options));
    return await this.#change(sql, error => explainDelete(this.table, explainRead(error)));
  }

  /** Takes a soft delete back and gives the row, or `undefined` when no deleted row has this key. */
  async restore(id: Key<T>): Promise<Row<T> | undefined> {
    if (this.#core.sql.softDelete === undefined)
      throw new ArgumentError(`Table ${this.table.name} deletes for good: define it with softDelete`, 'softDelete');
    const key = this.#core.key(id);
    if (key === undefined) return undefined;
    try {
      return (await this.#core.rows<Row<T>>(this.#core.sql.restore(this.#core.visibility), this.#core.owned([key])))[0];
    } catch (error) {
      if (!isUnfitValue(error)) throw explainWrite(this.table, error, undefined);
      this.#requireUnfitKey(error);
      return undefined;
    }
  }

  /** Deletes a row for good, deleted or not; says whether there was one. */
  async purge(id: Key<T>): Promise<boolean> {
    const key = this.#core.key(id);
    if (key === undefined) return false;
    return await this.#end(this.#core.sql.purge(this.#core.visibility), this.#core.owned([key]));
  }

  #ownerColumn(): TableColumn {
    const { owner } = this.#anyCore.sql;
    if (owner !== undefined) return owner;
    throw new ArgumentError(`Table ${this.table.name} has no owner: define it with owner`, 'owner');
  }

  #derive(change: Partial<RepositoryScope>): this {
    const core = this.#anyCore.with(change);
    const type: unknown = this.constructor;
    if (type === Repository) return new Repository(this.table, core) as this;
    const derived = new (type as new (source: RepositorySource) => this)(core);
    if (derived.#anyCore === core) return derived;
    // Otherwise the owner, or the transaction, would be lost in silence.
    const message = `Class ${derived.constructor.name} does not pass its source on: let its constructor take (source, options) and give both to super`;
    throw new ArgumentError(message, 'source');
  }

  async #write(
    statement: Parameters<RepositoryCore['run']>[0],
    values: readonly SqlValue[],
    data: Fields | undefined,
  ): Promise<Row<T>[]> {
    try {
      return await this.#core.rows<Row<T>>(statement, values);
    } catch (error) {
      throw explainWrite(this.table, error, data);
    }
  }

  async #end(statement: Parameters<RepositoryCore['run']>[0], values: readonly SqlValue[]): Promise<boolean> {
    try {
      return ((await this.#core.run(statement, values)).numAffectedRows ?? 0n) > 0n;
    } catch (error) {
      if (!isUnfitValue(error)) throw explainDelete(this.table, error);
      this.#requireUnfitKey(error);
      return false;
    }
  }

  /**
   * A key that its column cannot hold, `abc` in a column of numbers, is the key of no row. In a session it is an error all
   * the same: it may have ended a transaction, and no later statement would say why.
   */
  #requireUnfitKey(error: unknown): void {
    if (!isUnfitValue(error) || this.#core.scope.runner !== undefined) throw explainKey(this.table, error);
  }

  async #change(sql: SqlText, explain: (error: unknown) => unknown): Promise<number> {
    try {
      return Number((await this.#core.run(sql.statement(false), sql.values)).numAffectedRows ?? 0n);
    } catch (error) {
      throw explain(error);
    }
  }

  async #count(filters: readonly unknown[], search: unknown): Promise<number> {
    const sql = new SqlText().add(`select count(*)::float8 as count from ${this.table.quotedName}`);
    this.#core.where(sql, filters, search);
    return (await this.#core.query<{ readonly count: number }>(sql))[0]?.count ?? 0;
  }

  #document(data: unknown, index: number): Fields {
    try {
      const fields = readInsert(this.table, data, this.#core.scope.owner);
      return Object.fromEntries(
        this.#core.sql.insertFields.map(({ field, column, kind }) => {
          const value = toSql(this.table, field, fields[field]);
          return [column, kind === 'json' ? (fields[field] ?? null) : value];
        }),
      );
    } catch (error) {
      if (!(error instanceof ValidationError)) throw error;
      const problems = Object.entries(error.fieldErrors).map(([field, message]) => [`[${index}].${field}`, message]);
      throw new ValidationError(error.message, Object.fromEntries(problems));
    }
  }

  #readPagination({ page, size: wanted, cursor }: Pagination): {
    size: number;
    page: number | undefined;
    skip: number;
  } {
    const { maxPageSize, maxOffset } = this.#core.limits;
    const size = wanted ?? Math.min(defaultPageSize, maxPageSize);
    const problems: Record<string, string> = {};
    if (!Number.isInteger(size) || size < 1 || size > maxPageSize)
      problems['size'] = `Expected a whole number from 1 to ${maxPageSize}`;
    if (page !== undefined && (!Number.isSafeInteger(page) || page < 1))
      problems['page'] = 'Expected a whole number from 1';
    if (page !== undefined && cursor !== undefined) problems['cursor'] = 'Expected a page or a cursor, not both';
    const skip = cursor === undefined ? ((page ?? 1) - 1) * size : 0;
    if (skip > maxOffset)
      problems['page'] ??= `Expected a page within the first ${maxOffset} rows: follow cursors instead`;
    if (Object.keys(problems).length > 0) throw new ValidationError('The page cannot be used', problems);
    return { size, page: cursor === undefined ? (page ?? 1) : undefined, skip };
  }

  #readVersion({ expectedVersion }: ChangeOptions): number | undefined {
    if (expectedVersion === undefined) return undefined;
    if (this.table.version === undefined)
      throw new ArgumentError(`Table ${this.table.name} has no version: define it with version`, 'expectedVersion');
    if (Number.isSafeInteger(expectedVersion)) return expectedVersion;
    throw new ValidationError(`Invalid ${this.table.resource}`, { [this.table.version]: 'Expected a whole number' });
  }

  async #refuseConflict(core: RepositoryCore, key: string | number, expectedVersion: number): Promise<void> {
    if ((await core.find(key)) === undefined) return;
    throw new VersionConflictError(this.table.resource, key, expectedVersion);
  }

  #columnsOf(fields: Fields): readonly TableColumn[] {
    return [...this.table.columns.values()].filter(({ field }) => Object.hasOwn(fields, field));
  }

  #withoutPlaces(row: Fields): Row<T> {
    const kept: Record<string, unknown> = {};
    for (const field of this.table.columns.keys()) kept[field] = row[field];
    return kept as Row<T>;
  }
}

function listOf(filters: unknown): readonly unknown[] {
  if (filters === undefined) return [];
  return Array.isArray(filters) ? filters : [filters];
}

function requireFilters(filters: unknown, { all = false }: ManyOptions): readonly unknown[] {
  const list = listOf(filters);
  if (list.length > 0 || all) return list;
  throw new ArgumentError(
    'Cannot change all rows without a filter: give one, or { all: true } as the last argument',
    'filters',
  );
}

function placesOf(order: readonly OrderColumn[], row: Fields): (string | null)[] {
  return order.map((_, index) => row[`~${index}`] as string | null);
}
