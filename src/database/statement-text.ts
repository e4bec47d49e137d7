import type { CompiledQuery } from 'kysely';

/** Whether a statement may change something, as far as its text tells: a function that it calls is not looked into. */
export function mayWrite({ query, sql }: CompiledQuery): boolean {
  if (query.kind === 'SelectQueryNode') {
    return query.with?.expressions.some(({ expression }) => expression.kind !== 'SelectQueryNode') === true;
  }
  return query.kind !== 'RawNode' || sql.includes(';') || !/^\s*(?:select|show)\b/i.test(sql);
}

/**
 * Whether a statement may leave something in its session that does not end with its transaction, such as a setting, a
 * lock or a temporary table, as far as its text tells: a function that it calls is not looked into.
 */
export function mayChangeSession(sql: string): boolean {
  return sessionStatement.test(sql);
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
