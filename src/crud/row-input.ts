import type { z } from 'zod';
import { ValidationError } from '../errors/index.ts';
import { comparable, type SqlValue, storable, UnfitValue } from './column-value.ts';
import type { Table } from './table-types.ts';

/** Values of a row by field, validated. */
export type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads what a new row shall hold.
 *
 * @throws {ValidationError} field by field.
 */
export function readInsert(table: Table, data: unknown, owner: string | number | undefined): Fields {
  const fields = { ...parse(table, table.insertSchema, data) };
  if (table.owner === undefined) return fields;
  const given = fields[table.owner] ?? undefined;
  if (owner === undefined && given === undefined)
    throw invalid(table, { [table.owner]: 'It is needed: who owns the row' });
  if (owner !== undefined && given !== undefined && !isOwner(table, given, owner))
    throw invalid(table, { [table.owner]: 'It is another owner than the one whose rows these are' });
  fields[table.owner] = owner ?? given;
  return fields;
}

/**
 * Reads what shall change: only what was given, because a default belongs to a new row.
 *
 * @throws {ValidationError} field by field.
 */
export function readUpdate(table: Table, data: unknown): Fields {
  const parsed = parse(table, table.updateSchema, data);
  const fields = Object.fromEntries(Object.entries(parsed).filter(([field]) => isGiven(data, field)));
  if (Object.keys(fields).length === 0) throw invalid(table, { data: 'Nothing is to be changed' });
  return fields;
}

/** Compared as keys are: a UUID in capitals is the same one. */
function isOwner(table: Table, given: unknown, owner: string | number): boolean {
  const column = table.columns.get(table.owner ?? '');
  return column !== undefined && comparable(column.kind, given) === owner;
}

/** Whether a caller gave a value for a field: a default that the schema filled in is none. */
export function isGiven(data: unknown, field: string): boolean {
  return Object.hasOwn(data as Fields, field) && (data as Fields)[field] !== undefined;
}

/** A value as the driver takes it. @throws {ValidationError} when PostgreSQL could not hold it. */
export function toSql(table: Table, field: string, value: unknown): SqlValue {
  const column = table.columns.get(field);
  const stored = column === undefined ? new UnfitValue('a field of the table') : storable(column.kind, value);
  if (!(stored instanceof UnfitValue)) return stored;
  throw invalid(table, { [field]: `Expected ${stored.expected}` });
}

function parse(table: Table, schema: z.ZodType, data: unknown): Fields {
  const { success, data: parsed, error } = schema.safeParse(data);
  if (success) return parsed as Fields;
  const problems: Record<string, string> = Object.create(null);
  for (const issue of error.issues) {
    if (issue.code === 'unrecognized_keys') for (const key of issue.keys) problems[key] ??= 'It cannot be set';
    else problems[issue.path.map(String).join('.') || 'data'] ??= issue.message;
  }
  throw invalid(table, problems);
}

function invalid(table: Table, problems: Readonly<Record<string, string>>): ValidationError {
  return new ValidationError(`Invalid ${table.resource}`, problems);
}
