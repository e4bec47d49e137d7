import type { RepositorySource } from 'plinth/crud';
import type { PreparedStatement } from 'plinth/database';
import { ArgumentError } from 'plinth/errors';

type Value = string | number | boolean | null;

/**
 * Runs the own statements of a repository: for its owner, who is `$1` always, and in its session. Without an owner there
 * is nothing to run, so that a forgotten `ownedBy` reads nothing instead of everything.
 */
export class OwnerStatements {
  readonly #source: RepositorySource;

  constructor(source: RepositorySource) {
    this.#source = source;
  }

  /** Says that there is an owner. @throws {ArgumentError} when there is none. */
  requireOwner(): void {
    this.#core();
  }

  /** The rows of a statement; `values` are `$2` and on. */
  async all<Row>(statement: PreparedStatement, values: readonly Value[] = []): Promise<readonly Row[]> {
    const { core, owner } = this.#core();
    return (await core.run<Row>(statement, [owner, ...values])).rows;
  }

  /** The row of a statement that always gives one. */
  async one<Row>(statement: PreparedStatement, values: readonly Value[] = []): Promise<Row> {
    return (await this.all<Row>(statement, values))[0] as Row;
  }

  #core() {
    const source = this.#source;
    if ('scope' in source && source.scope.owner !== undefined) return { core: source, owner: source.scope.owner };
    throw new ArgumentError('It is not said whose rows: call ownedBy(userId) first', 'owner');
  }
}

/** The owner that a call is made for. */
export interface ForOwner {
  /** Whose rows. */
  readonly userId: string;
}
