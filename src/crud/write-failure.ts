import {
  CheckViolationError,
  DatabaseError,
  ForeignKeyViolationError,
  NotNullViolationError,
  UniqueViolationError,
} from '../database/index.ts';
import { ArgumentError, DuplicateError, ValidationError } from '../errors/index.ts';
import { StillReferencedError } from './errors.ts';
import type { Table, TableColumn } from './table-types.ts';

/** Whether a value did not fit its type or its range (class 22): a mistake of the caller, not of the database. */
export function isUnfitValue(error: unknown): error is DatabaseError {
  return error instanceof DatabaseError && error.sqlState?.startsWith('22') === true;
}

/** A failed write in the words of the table: which field, and what is wrong with it. Other errors stay what they are. */
export function explainWrite(table: Table, error: unknown, data: unknown): unknown {
  const cause = error;
  if (error instanceof UniqueViolationError) {
    const field = uniqueField(table, error);
    return new DuplicateError(table.resource, field, givenValue(data, field), { cause });
  }
  if (error instanceof NotNullViolationError) {
    return invalid(table, fieldOf(table, error.column) ?? error.column ?? 'data', 'A value is needed', cause);
  }
  if (error instanceof ForeignKeyViolationError) {
    if (isReferredTo(table, error)) return new StillReferencedError(table.resource, error.table, { cause });
    const field = constraintField(table, error) ?? error.constraint ?? 'data';
    return invalid(table, field, 'It refers to something that does not exist', cause);
  }
  if (error instanceof CheckViolationError) {
    const field = constraintField(table, error) ?? error.constraint ?? 'data';
    return invalid(table, field, `It breaks the rule "${error.constraint ?? 'check'}"`, cause);
  }
  if (isUnfitValue(error)) {
    return invalid(table, fieldOf(table, error.column) ?? 'data', 'A value does not fit its column', cause);
  }
  return error;
}

/** A failed upsert: PostgreSQL finds no index for `on conflict`. Other errors stay what they are. */
export function explainConflict({ name }: Table, error: unknown, conflict: readonly TableColumn[]): unknown {
  if (!(error instanceof DatabaseError) || error.sqlState !== '42P10') return error;
  const fields = conflict.map(({ field }) => field).join(', ');
  const message = `Cannot upsert into ${name} by ${fields}: there is no unique index over exactly these`;
  return new ArgumentError(message, 'conflict', { cause: error });
}

/** Whether rows of another table point here, or of the same one, which only PostgreSQL's words tell. */
function isReferredTo({ name }: Table, error: ForeignKeyViolationError): boolean {
  if (error.table !== name.slice(name.indexOf('.') + 1)) return true;
  return detailOf(error).includes('is still referenced');
}

/** A failed delete: rows of another table may point here. */
export function explainDelete(table: Table, error: unknown): unknown {
  if (!(error instanceof ForeignKeyViolationError)) return error;
  return new StillReferencedError(table.resource, error.table, { cause: error });
}

/** A key that was refused: another than those of the column, such as `abc` where it holds numbers. */
export function explainKey(table: Table, error: unknown): unknown {
  return isUnfitValue(error) ? invalid(table, table.key.field, 'It does not fit its column', error) : error;
}

/** A read that was refused because of a value that only the database could judge, such as a number beyond its type. */
export function explainRead(error: unknown): unknown {
  if (!isUnfitValue(error)) return error;
  return new ValidationError(
    'The request cannot be used',
    { filters: 'A value does not fit its column: it is out of range, or of another format' },
    { cause: error },
  );
}

function invalid(table: Table, field: string, message: string, cause: unknown): ValidationError {
  return new ValidationError(`Invalid ${table.resource}`, { [field]: message }, { cause });
}

/**
 * PostgreSQL names the columns in the detail, `Key (email)=(…) already exists`. Where it does not, or names an
 * expression, the constraint's usual name tells. In a pair with the owner it is the other field that is meant.
 */
function uniqueField(table: Table, error: UniqueViolationError): string {
  const named = /\(([^=]*)\)=\(/.exec(detailOf(error))?.[1];
  const fields = (named ?? '')
    .split(', ')
    .map(text => fieldOf(table, text.replaceAll('"', '')))
    .filter(field => field !== undefined);
  return fields.find(field => field !== table.owner) ?? constraintField(table, error) ?? error.constraint ?? 'key';
}

function detailOf({ original }: DatabaseError): string {
  const { detail } = (original ?? {}) as { readonly detail?: unknown };
  return typeof detail === 'string' ? detail : '';
}

/** The field after which PostgreSQL would name a constraint: `users_email_key`, `ads_campaign_id_fkey`. */
function constraintField(table: Table, { constraint, column }: DatabaseError): string | undefined {
  const own = fieldOf(table, column);
  if (own !== undefined) return own;
  const local = table.name.slice(table.name.indexOf('.') + 1);
  if (constraint === `${local}_pkey`) return table.key.field;
  const kinds = ['key', 'fkey', 'check', 'idx'];
  return columnsOf(table).find(known => kinds.some(kind => constraint === `${local}_${known.column}_${kind}`))?.field;
}

function fieldOf(table: Table, column: string | undefined): string | undefined {
  return columnsOf(table).find(known => known.column === column)?.field;
}

function columnsOf(table: Table): readonly TableColumn[] {
  return [...table.columns.values()];
}

function givenValue(data: unknown, field: string): unknown {
  return typeof data === 'object' && data !== null ? (data as Readonly<Record<string, unknown>>)[field] : undefined;
}
