import type { CompiledQuery, QueryResult } from 'kysely';
import { type PreparedStatement, preparedQuery } from '../database/index.ts';
import { ArgumentError, ValidationError } from '../errors/index.ts';
import { type Clock, systemClock } from '../kernel/index.ts';
import { comparable, maxKeyText, type SqlValue, UnfitValue } from './column-value.ts';
import { ExactNumbers } from './exact-numbers.ts';
import { escapeLike, type FilterLimits, FilterWriter } from './filter-sql.ts';
import { GatheredReads } from './gathered-reads.ts';
import { maxPageSize } from './list-query-schema.ts';
import type { SqlText } from './sql-text.ts';
import { castOf, TableSql } from './table-sql.ts';
import type { Table } from './table-types.ts';
import { explainRead } from './write-failure.ts';

/** What runs a statement: a transaction, a session's `db`, `database.read`. */
export interface QueryRunner {
  executeQuery<Row>(query: CompiledQuery<Row>): Promise<QueryResult<Row>>;
}

/** What a repository needs of a database: {@link DatabaseManager} is one. */
export interface RepositoryDatabase {
  readonly db: QueryRunner;
  readPrepared<Row>(statement: PreparedStatement, parameters: readonly unknown[]): Promise<readonly Row[]>;
}

/** How a repository behaves. */
export interface RepositoryOptions {
  /**
   * Whether reads by key of one turn of the event loop become one statement, outside of transactions. @default false
   */
  readonly gather?: boolean | undefined;
  /** Time, for the deadlines of reads that are gathered. @default systemClock */
  readonly clock?: Clock | undefined;
  /** The largest page, in rows. @default 100 */
  readonly maxPageSize?: number | undefined;
  /** How far into a list pages by number reach, in rows; cursors go on. @default 100_000 */
  readonly maxOffset?: number | undefined;
  /** How many rows `insertMany` takes at once. @default 10_000 */
  readonly maxBulkRows?: number | undefined;
  /** How many conditions filters may have in all. @default 50 */
  readonly maxConditions?: number | undefined;
  /** How deep groups of filters may be nested. @default 5 */
  readonly maxDepth?: number | undefined;
  /** How many values `in` may have. @default 500 */
  readonly maxValues?: number | undefined;
}

/** The options with every default filled in. */
export interface RepositoryLimits extends FilterLimits {
  readonly maxPageSize: number;
  readonly maxOffset: number;
  readonly maxBulkRows: number;
}

/** Which rows, and through which connection. */
export interface RepositoryScope {
  readonly owner: string | number | undefined;
  /** Whether it was said that rows of all owners are meant. */
  readonly isForAllOwners: boolean;
  readonly withDeleted: boolean;
  /** Only set inside a session or a transaction. */
  readonly runner: QueryRunner | undefined;
}

interface SharedParts {
  readonly sql: TableSql;
  readonly limits: RepositoryLimits;
  readonly numbers: ExactNumbers;
  readonly gathered: GatheredReads | undefined;
}

/** What all repositories over one table share, and the scope of one of them. */
export class RepositoryCore {
  readonly sql: TableSql;
  readonly limits: RepositoryLimits;
  readonly numbers: ExactNumbers;
  readonly scope: RepositoryScope;
  readonly #database: RepositoryDatabase;
  readonly #shared: SharedParts;

  constructor(database: RepositoryDatabase, shared: SharedParts, scope: RepositoryScope) {
    this.#database = database;
    this.#shared = shared;
    this.sql = shared.sql;
    this.limits = shared.limits;
    this.numbers = shared.numbers;
    this.scope = scope;
  }

  /** The same with another scope. */
  with(change: Partial<RepositoryScope>): RepositoryCore {
    return new RepositoryCore(this.#database, this.#shared, { ...this.scope, ...change });
  }

  /**
   * Says whose rows are meant: those of an owner, those of all on purpose, or the table has none.
   *
   * @throws {ArgumentError} when it was not said. Nothing is read or written then, because a forgotten owner would be
   * everybody.
   */
  requireOwner(): void {
    const { owner: column, table } = this.sql;
    if (column === undefined || this.scope.owner !== undefined || this.scope.isForAllOwners) return;
    throw new ArgumentError(
      `It is not said whose rows of ${table.name} are meant: call ownedBy(${column.field}) first, or forAllOwners() for work that is meant for everybody`,
      'owner',
    );
  }

  /** Which rows statements may see. */
  get visibility(): { readonly isOwned: boolean; readonly withDeleted: boolean } {
    return { isOwned: this.scope.owner !== undefined, withDeleted: this.scope.withDeleted };
  }

  /** A key as a parameter; `undefined` for what cannot be the key of any row. */
  key(key: unknown): string | number | undefined {
    const value = comparable(this.sql.table.key.kind, key, maxKeyText);
    return value instanceof UnfitValue || typeof value === 'boolean' ? undefined : value;
  }

  /** The values of a statement with the owner behind them, when the scope has one. */
  owned(values: readonly SqlValue[]): readonly SqlValue[] {
    const { owner } = this.scope;
    return owner === undefined ? values : [...values, owner];
  }

  /** One row by its key, as it came: its numbers are still to be checked. */
  find(key: string | number): Promise<Readonly<Record<string, unknown>> | undefined> {
    this.requireOwner();
    const { runner, owner } = this.scope;
    const { gathered } = this.#shared;
    if (runner === undefined && gathered !== undefined) {
      const statements = { one: this.sql.byKey(this.visibility), many: this.sql.byKeys(this.visibility) };
      return gathered.find(statements, key, owner);
    }
    const statement = this.sql.byKey(this.visibility);
    const values = owner === undefined ? [key] : [key, owner];
    if (runner !== undefined) return this.run<Record<string, unknown>>(statement, values).then(firstRow);
    return this.#database.readPrepared<Record<string, unknown>>(statement, values).then(first);
  }

  /** Runs a statement: in the session of the scope, or on any connection. */
  run<Row>(statement: PreparedStatement, values: readonly SqlValue[]): Promise<QueryResult<Row>> {
    this.requireOwner();
    const runner = this.scope.runner ?? this.#database.db;
    return runner.executeQuery<Row>(preparedQuery<Row>(statement, values));
  }

  /** Runs a statement that gives rows of the table. */
  async rows<Row>(statement: PreparedStatement, values: readonly SqlValue[]): Promise<Row[]> {
    return this.numbers.check((await this.run<Row>(statement, values)).rows);
  }

  /** Runs a text that is planned with its values, and only reads. */
  async query<Row>(sql: SqlText): Promise<readonly Row[]> {
    try {
      return await this.rows<Row>(sql.statement(true), sql.values);
    } catch (error) {
      throw explainRead(error);
    }
  }

  /** Writes ` where …`: the scope, then the filters, then the search. */
  where(sql: SqlText, filters: readonly unknown[], search?: unknown): void {
    const { owner, softDelete, table } = this.sql;
    sql.add(' where true');
    if (softDelete !== undefined && !this.scope.withDeleted) sql.add(` and ${softDelete.quoted} is null`);
    if (owner !== undefined && this.scope.owner !== undefined)
      sql.add(` and ${owner.quoted} = `).value(this.scope.owner).add(castOf(owner));
    const writer = new FilterWriter(table, this.limits);
    for (const [index, filter] of filters.entries()) {
      sql.add(' and ');
      writer.write(sql, filter, `filters[${index}]`);
    }
    if (search !== undefined && search !== '') this.#search(sql, search);
  }

  #search(sql: SqlText, search: unknown): void {
    const columns = [...this.sql.table.columns.values()].filter(({ isSearchable }) => isSearchable);
    const text = comparable('text', search);
    if (columns.length === 0 || text instanceof UnfitValue) {
      const problem = columns.length === 0 ? 'Nothing here can be searched' : 'Expected a short text';
      throw new ValidationError('The search cannot be used', { search: problem });
    }
    for (const [index, { quoted }] of columns.entries()) {
      sql
        .add(index === 0 ? ' and (' : ' or ')
        .add(`${quoted}::text ilike `)
        .value(`%${escapeLike(String(text))}%`);
    }
    sql.add(')');
  }
}

/** Where a repository comes from: a database, or another repository of the same table. */
export type RepositorySource = RepositoryDatabase | RepositoryCore;

/** The core of a repository that somebody made by hand, or the one that was handed on. */
export function openCore(table: Table, source: RepositorySource, options: RepositoryOptions): RepositoryCore {
  if (source instanceof RepositoryCore) return source;
  const limits: RepositoryLimits = {
    maxPageSize: whole(options.maxPageSize ?? maxPageSize, 'maxPageSize'),
    maxOffset: whole(options.maxOffset ?? 100_000, 'maxOffset'),
    maxBulkRows: whole(options.maxBulkRows ?? 10_000, 'maxBulkRows'),
    maxConditions: whole(options.maxConditions ?? 50, 'maxConditions'),
    maxDepth: whole(options.maxDepth ?? 5, 'maxDepth'),
    maxValues: whole(options.maxValues ?? 500, 'maxValues'),
  };
  const gathered =
    options.gather === true
      ? new GatheredReads((statement, values) => source.readPrepared(statement, values), {
          field: table.key.field,
          kind: table.key.kind,
          clock: options.clock ?? systemClock,
        })
      : undefined;
  const shared = { sql: new TableSql(table), limits, numbers: new ExactNumbers(table), gathered };
  const scope = { owner: undefined, isForAllOwners: false, withDeleted: false, runner: undefined };
  return new RepositoryCore(source, shared, scope);
}

function whole(value: number, name: string): number {
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw new ArgumentError(`Cannot use ${value} as ${name}: expected a whole number of at least 1`, name);
}

function first<Item>(rows: readonly Item[]): Item | undefined {
  return rows[0];
}

function firstRow<Item>({ rows }: QueryResult<Item>): Item | undefined {
  return rows[0];
}
