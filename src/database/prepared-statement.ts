import { createHash } from 'node:crypto';
import type { CompiledQuery } from 'kysely';
import { DatabaseError } from './errors.ts';
import { assertNoCopy } from './statement-text.ts';

/** A statement whose text is known before it runs: values are in its parameters only. */
export interface PreparedStatement {
  /** The text, with `$1` in place of values. */
  readonly sql: string;
  /** The name under which a connection parses and plans it once; without one it is planned anew with its values. */
  readonly name?: string | undefined;
  /** Whether it only reads, so that a lost answer leaves nothing uncertain. */
  readonly reads: boolean;
}

/**
 * A statement under a name made of its text, so that equal texts share one. Every name stays on every connection until
 * it closes: prepare texts of a bounded number only.
 *
 * @throws {ArgumentError} for a `copy` from stdin or to stdout.
 * @example
 * const byKey = prepareStatement('select * from users where id = $1', { reads: true });
 * const [user] = await database.readPrepared(byKey, [42]);
 */
export function prepareStatement(sql: string, options: { readonly reads: boolean }): PreparedStatement {
  assertNoCopy(sql);
  return { sql, name: `plinth_${createHash('sha256').update(sql).digest('hex').slice(0, 24)}`, reads: options.reads };
}

/** What Kysely hands to the driver: its own shape, and the name beside it. */
export interface NamedQuery extends CompiledQuery {
  readonly statementName?: string | undefined;
}

/**
 * A statement and its values as Kysely takes them: for a transaction or a session.
 *
 * @example
 * const { rows } = await transaction.executeQuery<User>(preparedQuery(byKey, [42]));
 */
export function preparedQuery<Row>(
  statement: PreparedStatement,
  parameters: readonly unknown[],
): CompiledQuery<Row> & NamedQuery {
  return {
    sql: statement.sql,
    parameters,
    // The driver asks only which kind of statement it is.
    query: { kind: statement.reads ? 'SelectQueryNode' : 'RawNode' } as CompiledQuery['query'],
    queryId: { queryId: statement.name ?? 'plinth' },
    statementName: statement.name,
  };
}

/**
 * Whether a named statement no longer fits: its table changed under it (0A000), or somebody dropped it (26000). It was
 * refused before it ran, and the connection that remembers it must go.
 */
export function isStaleStatement(error: unknown): error is DatabaseError {
  return error instanceof DatabaseError && isStaleState(error.sqlState, error.original);
}

/** The same of what the driver said. Whatever PostgreSQL does not support is 0A000, too: the routine tells them apart. */
export function isStaleState(sqlState: string | undefined, original: unknown): boolean {
  if (sqlState !== '0A000') return sqlState === '26000';
  const { routine } = (original ?? {}) as { readonly routine?: string | undefined };
  return routine === undefined || routine === 'RevalidateCachedQuery';
}
