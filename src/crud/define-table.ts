import { z } from 'zod';
import { ArgumentError } from '../errors/index.ts';
import { fieldFacts } from './column-kind.ts';
import { listQuerySchema } from './list-query-schema.ts';
import type { ColumnMap, ColumnOptions, Table, TableColumn } from './table-types.ts';

/** What {@link defineTable} needs to know. */
export interface TableDefinition<
  Shape extends z.ZodRawShape,
  Columns extends object,
  SoftDelete extends string,
  Version extends string,
  Owner extends string,
> {
  /** Its name in SQL, `users` or `ads.campaigns`. */
  readonly name: string;
  /** A whole row: every column with its type, its rules and its default. What may be missing is `nullable()`. */
  readonly schema: z.ZodObject<Shape>;
  /** What there is to say about columns besides. */
  readonly columns: Columns;
  /** What one row is called in messages. @default the name, singular, in capitals: `users` is `User` */
  readonly resource?: string | undefined;
  /** The nullable date that marks a row as deleted, and says since when. @default rows are really deleted */
  readonly softDelete?: (SoftDelete & keyof Shape) | undefined;
  /** The whole number that grows with each update. @default none, the last update wins */
  readonly version?: (Version & keyof Shape) | undefined;
  /**
   * The field that holds the owner. Repositories then read and write for an owner only (`ownedBy`), or on purpose for
   * all of them (`forAllOwners`). @default rows have no owner
   */
  readonly owner?: (Owner & keyof Shape) | undefined;
}

/**
 * Defines a table once: types of rows, inserts and updates, their schemas, what may be filtered and sorted, and the
 * schema of a list request come from it. Fields are camelCase in code and snake_case in SQL.
 *
 * @throws {ArgumentError} when the definition contradicts itself.
 * @example
 * const users = defineTable({
 *   name: 'users',
 *   schema: z.object({ id: z.int(), email: z.email(), createdAt: z.date() }),
 *   columns: {
 *     id: { key: true, generated: 'identity' },
 *     email: { filterable: true, sortable: true, searchable: true },
 *     createdAt: { generated: 'now', sortable: true },
 *   },
 * });
 */
export function defineTable<
  Shape extends z.ZodRawShape,
  const Columns extends Readonly<Partial<Record<keyof Shape & string, ColumnOptions>>>,
  SoftDelete extends string = never,
  Version extends string = never,
  Owner extends string = never,
>(
  definition: TableDefinition<Shape, Columns, SoftDelete, Version, Owner>,
): Table<Shape, Columns, SoftDelete, Version, Owner> {
  const { name, schema, softDelete, version, owner } = definition;
  if (!/^[a-z_][a-z0-9_]{0,62}(?:\.[a-z_][a-z0-9_]{0,62})?$/.test(name)) {
    throw new ArgumentError(
      `Cannot use "${name}" as a table: expected snake_case such as users or ads.campaigns`,
      'name',
    );
  }
  const columns = readColumns(
    definition as unknown as TableDefinition<z.ZodRawShape, ColumnMap, string, string, string>,
  );
  const keys = [...columns.values()].filter(({ isKey }) => isKey);
  const [key] = keys;
  if (key === undefined || keys.length > 1) {
    throw new ArgumentError(`Table ${name} has ${keys.length} keys: mark exactly one column with key: true`, 'columns');
  }
  if (key.kind === 'json' || key.kind === 'boolean' || key.isNullable) {
    throw new ArgumentError(`Cannot use ${key.field} as the key of ${name}: it must be text or a number`, 'columns');
  }
  return Object.freeze({
    name,
    quotedName: name.split('.').map(quote).join('.'),
    resource: definition.resource ?? singular(name),
    schema,
    ...schemasOf(schema.shape, columns, owner),
    querySchema: listQuerySchema(columns),
    options: definition.columns,
    columns,
    key,
    softDelete,
    version,
    owner,
  });
}

function readColumns({
  name,
  schema,
  columns,
  softDelete,
  version,
  owner,
}: TableDefinition<z.ZodRawShape, ColumnMap, string, string, string>): ReadonlyMap<string, TableColumn> {
  for (const field of [...Object.keys(columns), softDelete, version, owner]) {
    if (field === undefined || Object.hasOwn(schema.shape, field)) continue;
    throw new ArgumentError(`Table ${name} has no field ${field} in its schema: add it, or remove it here`, 'columns');
  }
  const found = new Map<string, TableColumn>();
  for (const [field, type] of Object.entries(schema.shape)) {
    const options = Object.hasOwn(columns, field) ? columns[field] : undefined;
    const isOurs = field === softDelete || field === version;
    const column = readColumn(name, field, type, options ?? {}, { isOurs, isOwner: field === owner });
    if (field === softDelete && (column.kind !== 'moment' || !column.isNullable))
      throw new ArgumentError(`Cannot use ${name}.${field} for softDelete: expected z.date().nullable()`, 'softDelete');
    if (field === version && column.kind !== 'integer')
      throw new ArgumentError(`Cannot use ${name}.${field} as version: expected z.int()`, 'version');
    found.set(field, column);
  }
  const names = [...found.values()].map(({ column }) => column);
  const twice = names.find((column, index) => names.indexOf(column) !== index);
  if (twice !== undefined) throw new ArgumentError(`Table ${name} has two fields for column ${twice}`, 'columns');
  return found;
}

function readColumn(
  table: string,
  field: string,
  type: z.core.$ZodType,
  options: ColumnOptions,
  { isOurs, isOwner }: { isOurs: boolean; isOwner: boolean },
): TableColumn {
  if (!/^[a-z][a-zA-Z0-9]{0,62}$/.test(field))
    throw new ArgumentError(`Cannot use "${field}" as a field of ${table}: expected camelCase`, 'schema');
  const column = options.column ?? field.replaceAll(/[A-Z]/g, letter => `_${letter.toLowerCase()}`);
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(column))
    throw new ArgumentError(`Cannot use "${column}" as a column of ${table}: expected snake_case`, 'columns');
  const facts = fieldFacts(type);
  if (facts === undefined) {
    throw new ArgumentError(
      `Cannot keep ${table}.${field} in a column: expected a string, number, boolean, date, or a document of these`,
      'schema',
    );
  }
  if (facts.isOptional && !facts.hasDefault && !facts.isNullable) {
    throw new ArgumentError(
      `Cannot keep ${table}.${field} as optional(): a column without a value holds null. Make it nullable(), null when left out, or give it a default`,
      'schema',
    );
  }
  const isKey = options.key === true;
  const isSelectable = (wanted: boolean | undefined, what: string): boolean => {
    if (wanted !== true || facts.kind !== 'json') return wanted === true;
    throw new ArgumentError(`Cannot make ${table}.${field} ${what}: it holds a document`, 'columns');
  };
  if (options.searchable === true && facts.kind !== 'text')
    throw new ArgumentError(`Cannot make ${table}.${field} searchable: it is no text`, 'columns');
  const isInsertable = options.generated === undefined && !isOurs;
  return Object.freeze({
    ...facts,
    field,
    column,
    quoted: quote(column),
    generated: options.generated,
    isKey,
    isFilterable: isSelectable(options.filterable, 'filterable') || isKey,
    isSortable: isSelectable(options.sortable, 'sortable') || isKey,
    isSearchable: options.searchable === true,
    isInsertable,
    isUpdatable: isInsertable && !isKey && !isOwner && options.immutable !== true,
  });
}

function schemasOf(
  shape: z.core.$ZodShape,
  columns: ReadonlyMap<string, TableColumn>,
  owner: string | undefined,
): { readonly insertSchema: z.ZodType; readonly updateSchema: z.ZodType } {
  const insert: Record<string, z.ZodType> = {};
  const update: Record<string, z.ZodType> = {};
  for (const { field, isInsertable, isUpdatable, isNullable, isOptional } of columns.values()) {
    const type = shape[field] as z.ZodType;
    if (isInsertable) {
      insert[field] = field === owner ? type.optional() : isNullable && !isOptional ? type.default(null) : type;
    }
    if (isUpdatable) update[field] = withoutDefault(type).optional();
  }
  return { insertSchema: z.strictObject(insert), updateSchema: z.strictObject(update) };
}

/** A default belongs to a new row: what was left out of a change stays as it is. */
function withoutDefault(type: z.core.$ZodType): z.ZodType {
  if (type instanceof z.ZodDefault || type instanceof z.ZodPrefault) return withoutDefault(type.unwrap());
  if (type instanceof z.ZodOptional) return withoutDefault(type.unwrap()).optional();
  if (type instanceof z.ZodNullable) return withoutDefault(type.unwrap()).nullable();
  return type as z.ZodType;
}

/** Only names that were checked come here, so nothing in them has to be escaped. */
function quote(name: string): string {
  return `"${name}"`;
}

function singular(name: string): string {
  const words = name
    .slice(name.indexOf('.') + 1)
    .replaceAll(/(?:^|_)([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
  if (words.endsWith('ies')) return `${words.slice(0, -3)}y`;
  return /[^s]s$/.test(words) ? words.slice(0, -1) : words;
}
