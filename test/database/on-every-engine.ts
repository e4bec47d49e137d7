import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Generated, type Kysely, sql } from 'kysely';
import { DatabaseManager, type DatabaseManagerOptions } from 'plinth/database';
import { afterAll, beforeAll, beforeEach, describe, it } from 'vitest';
import { findPostgres, type PostgresServer, startPostgres } from '../servers/postgres.ts';
import { serverOrSkip } from '../servers/require.ts';

/** The tables that each engine has, empty before each test. */
export interface Schema {
  authors: { id: Generated<number>; email: string; age: number | null };
  books: { id: Generated<number>; author_id: number; title: string };
}

const tables = `
  create table authors (id serial primary key, email text not null unique, age integer constraint adult check (age >= 18));
  create table books (id serial primary key, author_id integer not null references authors (id), title text not null);`;

/** One engine under test. */
export interface Engine {
  /** Open while tests run. */
  readonly database: DatabaseManager<Schema>;
  /** Adds an author. */
  insert(email: string, age?: number | null, db?: Kysely<Schema>): Promise<unknown>;
  /** The authors in the order in which they were added. */
  emails(): Promise<string[]>;
}

interface Prepared {
  readonly options: DatabaseManagerOptions;
  readonly end: () => Promise<void>;
}

/** What every engine must do: the same tests, on each of them. */
export function onEveryEngine(define: (engine: Engine) => void): void {
  on('PGlite in memory', define, async () => ({ options: {}, end: async () => undefined }));
  on('PGlite in a folder', define, async () => {
    const directory = mkdtempSync(join(tmpdir(), 'plinth-database-'));
    return { options: { directory }, end: async () => rmSync(directory, { recursive: true, force: true }) };
  });
  if (serverOrSkip('postgres', findPostgres()) === undefined) {
    it.skip('PostgreSQL server contract: SKIPPED, no PostgreSQL on this machine', () => undefined);
    return;
  }
  on('a PostgreSQL server', define, async () => {
    const server: PostgresServer = await startPostgres();
    return { options: { url: server.url, poolSize: 2, maxOverflow: 2 }, end: () => server.dispose() };
  });
}

function on(name: string, define: (engine: Engine) => void, prepare: () => Promise<Prepared>): void {
  describe(name, () => {
    let database: DatabaseManager<Schema>;
    let end: () => Promise<void>;

    beforeAll(async () => {
      const prepared = await prepare();
      end = prepared.end;
      database = new DatabaseManager<Schema>({ ...prepared.options, acquireTimeoutMs: 5_000 });
      await database.open();
      await sql.raw(tables).execute(database.db);
    });
    afterAll(async () => {
      await database?.close();
      await end?.();
    });
    beforeEach(async () => {
      await sql`truncate authors, books restart identity`.execute(database.db);
    });

    define({
      get database() {
        return database;
      },
      insert: (email, age = null, db = database.db) => db.insertInto('authors').values({ email, age }).execute(),
      emails: async () => {
        const rows = await database.db.selectFrom('authors').select('email').orderBy('id').execute();
        return rows.map(({ email }) => email);
      },
    });
  });
}
