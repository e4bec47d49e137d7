import type { CompiledQuery } from 'kysely';
import { ArgumentError } from '../errors/index.ts';

/** Whether a statement may change something, as far as its text tells: a function that it calls is not looked into. */
export function mayWrite({ query, sql }: CompiledQuery): boolean {
  if (query.kind === 'SelectQueryNode') {
    return query.with?.expressions.some(({ expression }) => expression.kind !== 'SelectQueryNode') === true;
  }
  return query.kind !== 'RawNode' || /;|\binto\b/i.test(sql) || !/^\s*(?:select|show)\b/i.test(sql);
}

/** Whether a text, of one or more statements, commits a transaction that others have begun. */
export function mayCommit({ query, sql }: CompiledQuery): boolean {
  return query.kind === 'RawNode' && committing.test(sql);
}

/**
 * Refuses what would lead a transaction that only reads to its end, or out of its rule.
 *
 * @throws {ArgumentError} when a statement of the text begins or ends transactions, or says what they may do.
 */
export function assertNoTransactionControl({ query, sql }: CompiledQuery): void {
  if (query.kind !== 'RawNode' || !controlling.test(sql) || !controlling.test(withoutQuotes(sql))) return;
  const message =
    'Cannot begin, end or set up transactions by read: use transaction of the manager, or read.transaction()';
  throw new ArgumentError(message, 'read');
}

/**
 * Refuses what the server would wait for, or would end the embedded engine.
 *
 * @throws {ArgumentError} for a `copy` from or to this program, and for more parameters than the protocol can count.
 */
export function assertSendable({ query, sql, parameters }: CompiledQuery): void {
  if (parameters.length > maxParameters) throw tooManyParameters(parameters.length);
  if (query.kind === 'RawNode') assertNoCopy(sql);
}

/** @throws {ArgumentError} for a `copy` from or to this program. */
export function assertNoCopy(sql: string): void {
  if (!/\bcopy\b/i.test(sql) || !copying.test(withoutQuotes(sql))) return;
  const message =
    'Cannot copy from stdin or to stdout: write rows with an insert, a few thousand at a time, and read them with a select';
  throw new ArgumentError(message, 'sql');
}

/** @throws {ArgumentError} for more parameters than the protocol can count. */
export function tooManyParameters(count: number): ArgumentError {
  return new ArgumentError(
    `Cannot send ${count} parameters: expected at most ${maxParameters}. Write fewer rows at once, or give one array or ` +
      'one JSON text as a parameter and unfold it with unnest or jsonb_to_recordset',
    'parameters',
  );
}

/** What fits into the two bytes in which the protocol counts them. */
export const maxParameters = 65_535;

/**
 * Whether a statement may leave something in its session that does not end with its transaction, such as a setting, a
 * lock or a temporary table, as far as its text tells: a function that it calls is not looked into.
 */
export function mayChangeSession(sql: string): boolean {
  return sessionStatement.test(sql);
}

function withoutQuotes(sql: string): string {
  return sql.replace(quoted, ' ');
}

const blank = String.raw`(?:\s|--[^\n]*(?:\n|$)|/\*(?:[^*/]|\*(?!/)|/(?!\*))*\*/)*`;
const comment = String.raw`/\*(?:[^*/]|\*(?!/)|/(?!\*))*/\*`;
/** What ends with its transaction is no matter of the session. */
const set = String.raw`set\b(?!${blank}(?:local|transaction|constraints)\b)`;
/** A `do` has statements of any kind inside, and a comment in a comment would need counting. */
const beginnings = String.raw`(?:^|;)${blank}(?:(?:${set}|reset|listen|load|prepare|do)\b|${comment})`;
const local = String.raw`\s*\([^()]*,\s*true\s*\)`;
const anywhere = [
  `set_config(?!${local})`,
  'pg_(?:try_)?advisory_lock',
  'pg_temp',
  String.raw`temp(?:orary)?\s+(?:table|view|sequence|recursive)`,
  String.raw`into\s+temp(?:orary)?\s`,
  String.raw`with\s+hold`,
];
const committing = new RegExp(String.raw`(?:^|;)${blank}(?:commit|end|prepare${blank}transaction)\b`, 'i');
const controlling = new RegExp(
  String.raw`(?:^|;)${blank}(?:begin|start|commit|end|abort|rollback(?!${blank}(?:(?:work|transaction)\b${blank})?to\b)` +
    String.raw`|prepare${blank}transaction|set${blank}(?:local\b${blank})?(?:session|transaction)\w*)\b`,
  'i',
);
const copying = /(?:^|;)\s*copy\b[^;]*\b(?:from\s+stdin|to\s+stdout)\b/i;
/** Texts, names and comments, in which anything may stand. */
const quoted =
  /\be'(?:[^'\\]|\\[\s\S]|'')*'|'[^']*'|"[^"]*"|\$([a-z_]\w*)?\$[\s\S]*?\$\1\$|--[^\n]*|\/\*(?:[^*]|\*(?!\/))*\*\//gi;
const sessionStatement = new RegExp(String.raw`${beginnings}|\b(?:${anywhere.join('|')})`, 'i');

/**
 * Leaves a session as a new one would be, except for statements that the driver keeps by name. Settings go first, so that
 * none of them has a say in the rest.
 */
export const cleanSession = `close all; set session authorization default; reset role; reset all; unlisten *;
  select pg_advisory_unlock_all(); discard temp; discard sequences;
  do $$ declare statement text; begin
    for statement in select name from pg_prepared_statements where from_sql loop
      execute format('deallocate %I', statement);
    end loop;
  end $$`;
