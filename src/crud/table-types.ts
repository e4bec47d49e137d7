import type { z } from 'zod';
import type { FieldFacts } from './column-kind.ts';

/**
 * Who fills a column: `identity` the database counts, `uuid` and `now` are made when the row is inserted, `updated` also
 * whenever it is updated, `database` is anything else that the database does by itself. Callers never set them. Times are
 * whole milliseconds, as in a `Date`.
 */
export type Generated = 'identity' | 'uuid' | 'now' | 'updated' | 'database';

/** What is said about a column besides its schema. */
export interface ColumnOptions {
  /** Whether it identifies the row. Exactly one column does. @default false */
  readonly key?: boolean | undefined;
  /** Who fills it. @default the caller */
  readonly generated?: Generated | undefined;
  /** Whether lists may be filtered by it. The key always may. @default false */
  readonly filterable?: boolean | undefined;
  /** Whether lists may be sorted by it. The key always may. @default false */
  readonly sortable?: boolean | undefined;
  /** Whether `search` looks into it; text only. @default false */
  readonly searchable?: boolean | undefined;
  /** Whether it keeps its first value. @default false */
  readonly immutable?: boolean | undefined;
  /** Its name in SQL. @default the field's name in snake_case */
  readonly column?: string | undefined;
}

/** Options by field. */
export type ColumnMap = Readonly<Record<string, ColumnOptions>>;

/** One column of a table, with everything known about it. */
export interface TableColumn extends FieldFacts {
  /** Its name in code. */
  readonly field: string;
  /** Its name in SQL, without quotes. */
  readonly column: string;
  /** Its name in SQL, with quotes. */
  readonly quoted: string;
  readonly generated: Generated | undefined;
  readonly isKey: boolean;
  readonly isFilterable: boolean;
  readonly isSortable: boolean;
  readonly isSearchable: boolean;
  /** Whether `update` may set it. */
  readonly isUpdatable: boolean;
  /** Whether an insert takes it from the caller. */
  readonly isInsertable: boolean;
}

/** A table, as {@link defineTable} made it. */
export interface Table<
  Shape extends z.ZodRawShape = z.ZodRawShape,
  Columns extends object = ColumnMap,
  SoftDelete extends string = string,
  Version extends string = string,
  Owner extends string = string,
> {
  /** Its name in SQL, as it was given. */
  readonly name: string;
  /** Its name in SQL, with quotes. */
  readonly quotedName: string;
  /** What one row is called in messages, such as `User`. */
  readonly resource: string;
  /** A whole row. */
  readonly schema: z.ZodObject<Shape>;
  /** What `insert` takes: no generated fields, unknown fields are refused. */
  readonly insertSchema: z.ZodType;
  /** What `update` takes: any part of what may change; no defaults are filled in. */
  readonly updateSchema: z.ZodType;
  /** What the address of a list request may say, flat, for OpenAPI: `page`, `sort`, `filter[price][gte]` and so on. */
  readonly querySchema: z.ZodObject;
  /** What was said about the columns. */
  readonly options: Columns;
  /** The columns by field, in the order of the schema. */
  readonly columns: ReadonlyMap<string, TableColumn>;
  /** The column that identifies a row. */
  readonly key: TableColumn;
  readonly softDelete: SoftDelete | undefined;
  readonly version: Version | undefined;
  readonly owner: Owner | undefined;
}

/** Fields whose options have one of them set. */
type FieldsWith<T extends Table, Option extends ColumnOptions> = {
  [Field in keyof T['options'] & string]: T['options'][Field] extends Option ? Field : never;
}[keyof T['options'] & string];

type Flatten<Value> = { [Key in keyof Value]: Value[Key] };
type FieldsOf<Value> = keyof Value & string;

type SoftDeleteOf<T extends Table> = NonNullable<T['softDelete']>;
type VersionOf<T extends Table> = NonNullable<T['version']>;
type OwnerOf<T extends Table> = NonNullable<T['owner']>;

/** The field that identifies a row. */
export type KeyField<T extends Table> = FieldsWith<T, { readonly key: true }>;

/** A row as it is read. */
export type Row<T extends Table> = z.output<T['schema']>;

/** What identifies a row. */
export type Key<T extends Table> = Extract<Row<T>[KeyField<T> & keyof Row<T>], string | number>;

/** What identifies an owner. */
export type OwnerKey<T extends Table> = Extract<Row<T>[OwnerOf<T> & keyof Row<T>], string | number>;

/** Fields that a list may be filtered by. */
export type FilterableField<T extends Table> = (FieldsWith<T, { readonly filterable: true }> | KeyField<T>) &
  FieldsOf<Row<T>>;

/** Fields that a list may be sorted by. */
export type SortableField<T extends Table> = (FieldsWith<T, { readonly sortable: true }> | KeyField<T>) &
  FieldsOf<Row<T>>;

type Writable<T extends Table> = Omit<
  z.input<T['schema']>,
  FieldsWith<T, { readonly generated: Generated }> | SoftDeleteOf<T> | VersionOf<T>
>;

/** Fields that may be left out: with a default, nullable (they become null), or the owner, which the scope knows. */
type OptionalField<T extends Table, Value> = {
  [Field in keyof Value]-?: undefined extends Value[Field]
    ? Field
    : null extends Value[Field]
      ? Field
      : Field extends OwnerOf<T>
        ? Field
        : never;
}[keyof Value];

/** What is needed to insert a row. */
export type Insert<T extends Table> = Flatten<
  Omit<Writable<T>, OptionalField<T, Writable<T>>> & {
    [Field in OptionalField<T, Writable<T>> & keyof Writable<T>]?: Writable<T>[Field] | undefined;
  }
>;

/** What may be changed in a row. */
export type Update<T extends Table> = Flatten<{
  [Field in keyof Omit<Writable<T>, KeyField<T> | OwnerOf<T> | FieldsWith<T, { readonly immutable: true }>>]?:
    | Writable<T>[Field & keyof Writable<T>]
    | undefined;
}>;

/**
 * A condition, or a group of them. Columns that hold null fulfil no comparison, as in SQL; an empty `in` holds for no row,
 * and its `not` for all.
 */
export type Filter<T extends Table = Table> =
  | { [Field in FilterableField<T>]: Condition<Field, NonNullable<Row<T>[Field]>> }[FilterableField<T>]
  | { readonly and: readonly Filter<T>[] }
  | { readonly or: readonly Filter<T>[] }
  | { readonly not: Filter<T> };

type Condition<Field extends string, Value> =
  | {
      readonly field: Field;
      readonly operator: 'eq' | 'ne' | 'lt' | 'lte' | 'gt' | 'gte';
      readonly value: Value;
    }
  | { readonly field: Field; readonly operator: 'in'; readonly value: readonly Value[] }
  | { readonly field: Field; readonly operator: 'isNull'; readonly value: boolean }
  | (Value extends string
      ? { readonly field: Field; readonly operator: 'contains' | 'startsWith'; readonly value: string }
      : never);

/** What a filter may ask. */
export type FilterOperator = 'eq' | 'ne' | 'lt' | 'lte' | 'gt' | 'gte' | 'in' | 'contains' | 'startsWith' | 'isNull';

/** By what a list is sorted. */
export interface Sort<T extends Table = Table> {
  readonly field: SortableField<T>;
  /** @default 'asc' */
  readonly order?: 'asc' | 'desc' | undefined;
}

/** Which part of a list: a page by its number, or what follows a cursor. */
export interface Pagination {
  /** The number of the page, from 1. Deep pages are slow: follow cursors instead. @default 1 */
  readonly page?: number | undefined;
  /** How many rows. @default 20 */
  readonly size?: number | undefined;
  /** `nextCursor` of the page before. Costs the same however deep. @default from the beginning */
  readonly cursor?: string | undefined;
}

/** What is wanted of a list. */
export interface ListOptions<T extends Table = Table> {
  readonly pagination?: Pagination | undefined;
  /** Ties are broken by the key. Null comes last, and first with `desc`. @default the key */
  readonly sort?: Sort<T> | readonly Sort<T>[] | undefined;
  /** All of them must hold. @default none */
  readonly filters?: Filter<T> | readonly Filter<T>[] | undefined;
  /** Text that one of the searchable columns contains, whatever its case. @default none */
  readonly search?: string | undefined;
  /** Whether the rows are counted, which costs a second statement. @default false */
  readonly total?: boolean | undefined;
}

/** A part of a list. */
export interface Page<Item> {
  readonly items: readonly Item[];
  /** How many were asked for. */
  readonly size: number;
  /** The number of the page, unless a cursor was followed. */
  readonly page?: number;
  /** How many there are in all, when asked for. */
  readonly total?: number;
  /** Whether something follows. */
  readonly hasMore: boolean;
  /** Where the next page begins, when there is one. */
  readonly nextCursor?: string;
}
