import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ArgumentError } from '../errors/index.ts';
import { DatabaseManager, type Migration, MigrationDriftError, MigrationError } from './index.ts';

const users: Migration = {
  name: '001-users',
  up: 'create table users (id serial primary key);\n alter table users add email text;',
  down: 'drop table users',
};
const books: Migration = {
  name: '002-books',
  up: async db => db.schema.createTable('books').addColumn('id', 'serial').execute(),
  down: async db => db.schema.dropTable('books').execute(),
};
const broken: Migration = { name: '003-broken', up: 'create table half (id int); select * from nowhere' };

describe('migrate()', () => {
  let database: DatabaseManager;

  beforeAll(async () => {
    database = new DatabaseManager();
    await database.open();
  });
  beforeEach(async () => {
    await sql`drop schema public cascade; create schema public`.execute(database.db);
  });
  afterAll(() => database.close());

  const tables = async (): Promise<string[]> => {
    const { rows } = await sql<{ name: string }>`select tablename as name from pg_tables
      where schemaname = 'public' order by 1`.execute(database.db);
    return rows.map(({ name }) => name);
  };

  it('runs what has not run yet, in order, once', async () => {
    expect(await database.migrate([users])).toMatchObject({ before: [], ran: [{ name: '001-users' }] });
    expect(await database.migrate([users, books])).toMatchObject({
      before: ['001-users'],
      ran: [{ name: '002-books' }],
    });
    expect(await database.migrate([users, books])).toEqual({
      before: ['001-users', '002-books'],
      ran: [],
      pending: [],
    });
    expect(await tables()).toEqual(['books', 'plinth_migrations', 'users']);
  });

  it('tells what would run and writes nothing', async () => {
    expect(await database.migrate([users, books], { dryRun: true })).toEqual({
      before: [],
      ran: [],
      pending: ['001-users', '002-books'],
    });
    expect(await tables()).toEqual([]);
  });

  it('rolls a failed migration back and keeps those before it', async () => {
    const failure = database.migrate([users, books, broken]);
    await expect(failure).rejects.toBeInstanceOf(MigrationError);
    await expect(failure).rejects.toThrow('Migration "003-broken" failed and was rolled back');
    await expect(failure).rejects.toMatchObject({ migration: '003-broken', cause: { sqlState: '42P01' } });
    expect(await tables()).toEqual(['books', 'plinth_migrations', 'users']);
    expect(await database.migrate([users, books])).toMatchObject({ ran: [] });
  });

  it('runs without a transaction what PostgreSQL takes nowhere else', async () => {
    const index: Migration = {
      name: '002-index',
      transaction: false,
      up: 'create index concurrently if not exists by_email on users (email)',
      down: 'drop index concurrently if exists by_email',
    };
    const indexed = { ...index, name: '003-again', up: 'create unique index concurrently once on users (email)' };
    expect((await database.migrate([users, index])).ran).toMatchObject([{ name: '001-users' }, { name: '002-index' }]);
    expect(await database.migrate([users, index])).toMatchObject({ ran: [] });
    await sql`insert into users (email) values ('twice'), ('twice')`.execute(database.db);
    const failure = database.migrate([users, index, indexed]);
    await expect(failure).rejects.toThrow('may be half done, as it runs without a transaction');
    expect((await database.migrateDown([users, index], { to: '001-users' })).ran).toHaveLength(1);
    const steps: Migration = { ...index, up: async () => undefined };
    await expect(database.migrate([users, steps])).rejects.toThrow('its steps cannot be functions');
  });

  it('does not say that all was rolled back when the migration had committed some of it', async () => {
    const failure = database.migrate([{ name: '001', up: 'create table half (id int); commit; select 1 / 0' }]);
    await expect(failure).rejects.toThrow('was not rolled back as a whole, because its SQL ended the transaction');
    expect(await tables()).toEqual(['half', 'plinth_migrations']);
    const thrown = database.migrate([{ name: '001', up: async () => Promise.reject(new RangeError('no')) }]);
    await expect(thrown).rejects.toThrow('failed and was rolled back');
  });

  it('gives each migration the settings of a new connection', async () => {
    const dumped: Migration[] = [
      { name: '001', up: "select pg_catalog.set_config('search_path', '', false); create table public.one (id int)" },
      { name: '002', up: 'create schema other; set search_path = other; create table two (id int)' },
      {
        name: '003',
        up: 'create role maker; grant all on schema public to maker; set role maker; create table three (id int)',
      },
      { name: '004', up: 'alter table one add name text; drop schema other cascade' },
    ];
    expect((await database.migrate(dumped)).ran).toHaveLength(4);
    expect(await tables()).toEqual(['one', 'plinth_migrations', 'three']);
    await sql`drop table three; drop owned by maker; drop role maker`.execute(database.db);
  });

  it('keeps its history where it is when a schema comes before it', async () => {
    await database.migrate([users]);
    const earlier: Migration = { name: '002', up: 'create schema postgres' };
    await database.migrate([users, earlier]);
    expect(await database.migrate([users, earlier])).toMatchObject({ before: ['001-users', '002'], ran: [] });
    await sql`drop schema postgres`.execute(database.db);
  });

  it('notices SQL that was changed after it ran, but not other line ends', async () => {
    await database.migrate([users]);
    await database.migrate([{ ...users, up: `${String(users.up).replace('\n', '\r\n')}\n` }]);
    const changed = database.migrate([{ ...users, up: 'create table users (id bigint)' }]);
    await expect(changed).rejects.toBeInstanceOf(MigrationDriftError);
    await expect(changed).rejects.toThrow('Migration "001-users" was changed after it ran');
  });

  it('compares the checksum that a function is given', async () => {
    await database.migrate([{ ...books, checksum: 'a' }]);
    await expect(database.migrate([{ ...books, checksum: 'b' }])).rejects.toBeInstanceOf(MigrationDriftError);
  });

  it('notices missing and inserted migrations and runs nothing', async () => {
    await database.migrate([users, books]);
    await expect(database.migrate([users])).rejects.toMatchObject({ migration: '002-books' });
    const between = { name: '001b', up: 'select 1' };
    await expect(database.migrate([users, between, books])).rejects.toThrow('"001b" stands before "002-books"');
    await expect(database.migrate([users, between, books], { dryRun: true })).rejects.toThrow(MigrationDriftError);
  });

  it('refuses names that are used twice or empty', async () => {
    await expect(database.migrate([users, users])).rejects.toBeInstanceOf(ArgumentError);
    await expect(database.migrate([{ ...users, name: ' ' }])).rejects.toBeInstanceOf(ArgumentError);
  });

  it('refuses a migration without a name or without an up step, and a limit that is no time', async () => {
    for (const [migration, message] of [
      [{ up: 'select 1' }, 'A migration has no name'],
      [{ name: '001' }, 'Migration "001" has no up step: give SQL, or a function'],
    ] as const) {
      const failure = database.migrate([migration as unknown as Migration]);
      await expect(failure).rejects.toBeInstanceOf(ArgumentError);
      await expect(failure).rejects.toThrow(message);
    }
    const endless = database.migrate([users], { lockTimeoutMs: Number.NaN });
    await expect(endless).rejects.toBeInstanceOf(ArgumentError);
    await expect(endless).rejects.toThrow('Cannot use NaN as lockTimeoutMs');
    expect(await tables()).toEqual([]);
  });

  it('lets concurrent calls run each migration once', async () => {
    const reports = await Promise.all([database.migrate([users]), database.migrate([users])]);
    expect(reports.flatMap(({ ran }) => ran)).toHaveLength(1);
  });

  describe('migrateDown()', () => {
    it('takes back what came after, newest first', async () => {
      await database.migrate([users, books]);
      expect(await database.migrateDown([users, books], { to: '001-users', dryRun: true })).toMatchObject({
        pending: ['002-books'],
      });
      expect(await database.migrateDown([users, books], { to: '001-users' })).toMatchObject({
        ran: [{ name: '002-books' }],
      });
      expect(await tables()).toEqual(['plinth_migrations', 'users']);
      await database.migrate([users, books]);
      expect((await database.migrateDown([users, books], { to: null })).ran.map(({ name }) => name)).toEqual([
        '002-books',
        '001-users',
      ]);
      expect(await tables()).toEqual(['plinth_migrations']);
    });

    it('takes nothing back when one of them cannot be', async () => {
      const stuck = { name: '003', up: 'select 1' };
      await database.migrate([users, stuck, { ...books }]);
      await expect(database.migrateDown([users, stuck, books], { to: '001-users' })).rejects.toThrow(
        '"003" has no down step',
      );
      expect(await tables()).toEqual(['books', 'plinth_migrations', 'users']);
    });

    it('refuses a target that has not run', async () => {
      await database.migrate([users]);
      await expect(database.migrateDown([users, books], { to: '002-books' })).rejects.toBeInstanceOf(ArgumentError);
    });
  });
});
