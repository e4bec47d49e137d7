import type { Kysely } from 'kysely';

/**
 * One connection on loan, for work that does not fit into a function. Give it back with `close`, or declare it with
 * `await using`. What was set on it, locked or created for the time of the session ends with it.
 *
 * @example
 * await using session = await database.openSession();
 * await sql`set statement_timeout = '5s'`.execute(session.db);
 */
export class DatabaseSession<Schema> implements AsyncDisposable {
  /** Number of the session within its manager, from 1. */
  readonly id: number;
  /** Queries on this connection. */
  readonly db: Kysely<Schema>;
  readonly #giveBack: () => Promise<void>;

  constructor(id: number, db: Kysely<Schema>, giveBack: () => Promise<void>) {
    this.id = id;
    this.db = db;
    this.#giveBack = giveBack;
  }

  /**
   * Gives the connection back, clean: a transaction that was left open is rolled back, settings, roles, locks, channels
   * and temporary tables are undone. Does nothing the second time.
   */
  async close(): Promise<void> {
    await this.#giveBack();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
