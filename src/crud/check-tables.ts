import { prepareStatement } from '../database/index.ts';
import { ConfigurationError, type ConfigurationProblem } from '../errors/index.ts';
import { fittingTypes } from './column-kind.ts';
import type { RepositoryDatabase } from './repository-core.ts';
import type { Table, TableColumn } from './table-types.ts';

interface RealColumn {
  readonly name: string;
  readonly type: string;
  readonly required: boolean;
  readonly filled: boolean;
  readonly unique: boolean;
}

/** Columns of the table that a name means on this connection, schemas and search path included. */
const realColumns = prepareStatement(
  `select a.attname::text as name,
    case when coalesce(b.typtype, t.typtype) = 'e' then 'enum' else coalesce(b.typname, t.typname)::text end as type,
    a.attnotnull or t.typnotnull as required,
    a.atthasdef or a.attidentity <> '' or t.typdefault is not null as filled,
    exists (select 1 from pg_index i where i.indrelid = a.attrelid and i.indisunique and i.indisvalid
      and i.indpred is null and i.indnkeyatts = 1 and i.indkey[0] = a.attnum) as unique
  from pg_attribute a
  join pg_type t on t.oid = a.atttypid
  left join pg_type b on t.typtype = 'd' and b.oid = t.typbasetype
  where a.attrelid = to_regclass($1) and a.attnum > 0 and not a.attisdropped`,
  { reads: true },
);

/**
 * Compares tables with the real schema, for the start of a service: missing tables and columns, types that do not fit,
 * nulls that one side allows and the other does not, keys that are not unique, columns that nobody would fill.
 *
 * @throws {ConfigurationError} with every difference.
 * @example
 * await database.migrate(migrations);
 * await checkTables(database, [users, campaigns]);
 */
export async function checkTables(
  database: Pick<RepositoryDatabase, 'readPrepared'>,
  tables: readonly Table[],
): Promise<void> {
  const problems: ConfigurationProblem[] = [];
  for (const table of tables) {
    const columns = await database.readPrepared<RealColumn>(realColumns, [table.quotedName]);
    problems.push(...differences(table, new Map(columns.map(column => [column.name, column]))));
  }
  if (problems.length > 0) throw new ConfigurationError('The tables in code and in the database differ', problems);
}

function differences(table: Table, real: ReadonlyMap<string, RealColumn>): ConfigurationProblem[] {
  if (real.size === 0) return [{ name: table.name, message: 'there is no such table: run its migration' }];
  const problems: ConfigurationProblem[] = [];
  const known = new Set<string>();
  for (const column of table.columns.values()) {
    known.add(column.column);
    const found = real.get(column.column);
    const messages =
      found === undefined ? [`there is no such column for field ${column.field}`] : compare(table, column, found);
    for (const message of messages) problems.push({ name: `${table.name}.${column.column}`, message });
  }
  for (const { name, required, filled } of real.values()) {
    if (known.has(name) || !required || filled) continue;
    const message = 'needs a value at every insert and is no field of the schema: add it, or give it a default';
    problems.push({ name: `${table.name}.${name}`, message });
  }
  return problems;
}

function compare(table: Table, column: TableColumn, real: RealColumn): string[] {
  const messages: string[] = [];
  const fitting = fittingTypes[column.kind];
  if (!fitting.includes(real.type)) {
    messages.push(`is ${real.type}, and field ${column.field} (${column.kind}) needs ${fitting.join(' or ')}`);
  }
  if (column.isNullable && real.required) messages.push('is not null, and its field may be null');
  if (!column.isNullable && !real.required) messages.push('may be null, and its field may not');
  if (column.isKey && !real.unique) messages.push('is the key, and no unique index says so');
  const isFilledHere = column.isInsertable || (column.generated !== 'identity' && column.generated !== 'database');
  const isOurs = column.field === table.softDelete || column.field === table.version;
  if (!isFilledHere && !isOurs && real.required && !real.filled) {
    messages.push(`is generated (${column.generated}), and the database has no default for it`);
  }
  return messages;
}
