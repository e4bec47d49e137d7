import { sql } from 'kysely';
import { checkTables, defineTable, Repository, StillReferencedError } from 'plinth/crud';
import { ArgumentError, ConfigurationError, DuplicateError, ValidationError } from 'plinth/errors';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { onEveryDatabase } from './world.ts';

const things = defineTable({
  name: 'things',
  schema: z.object({ id: z.int(), code: z.string(), parentCode: z.string().nullable(), size: z.int() }),
  columns: { id: { key: true, generated: 'identity' }, size: { filterable: true } },
});
const parts = defineTable({
  name: 'parts',
  schema: z.object({ id: z.int(), code: z.string() }),
  columns: { id: { key: true, generated: 'identity' } },
});
const stamped = defineTable({
  name: 'stamped',
  schema: z.object({ id: z.int(), token: z.uuid(), name: z.string(), madeAt: z.date(), version: z.int() }),
  columns: { id: { key: true, generated: 'identity' }, token: { generated: 'uuid' }, madeAt: { generated: 'now' } },
  version: 'version',
});
const owned = defineTable({
  name: 'owned',
  schema: z.object({ id: z.int(), userId: z.uuid(), name: z.string(), deletedAt: z.date().nullable() }),
  columns: { id: { key: true, generated: 'identity' } },
  owner: 'userId',
  softDelete: 'deletedAt',
});
const titles = defineTable({
  name: 'titles',
  schema: z.object({ title: z.string(), note: z.string().nullable() }),
  columns: { title: { key: true } },
});
const computed = defineTable({
  name: 'computed',
  schema: z.object({ id: z.int(), double: z.int() }),
  columns: { id: { key: true } },
});
const strict = defineTable({
  name: 'strict',
  schema: z.object({ id: z.int(), counted: z.int() }),
  columns: { id: { key: true, generated: 'identity' }, counted: { generated: 'database' } },
});

const tables = `
  create table things (
    id bigint generated always as identity primary key, code text not null unique,
    parent_code text references things (code), size integer not null);
  create table parts (id bigint generated always as identity primary key, code text not null references things (code));
  create domain counter as integer not null check (value > 0);
  create domain moment as timestamptz not null;
  create domain token as uuid not null;
  create table stamped (
    id bigint generated always as identity primary key, token token, name text not null, made_at moment, version counter);
  create table owned (
    id bigint generated always as identity primary key, user_id uuid not null, name text not null,
    deleted_at timestamptz, unique (user_id, name));
  create table titles (title text primary key, note text);
  create table computed (id int generated always as identity primary key, double int not null generated always as (2) stored);
  create table strict (id int generated always as identity primary key, counted counter default 1)`;

onEveryDatabase(engine => {
  beforeAll(async () => {
    await sql.raw(tables).execute(engine.database.db);
  });

  beforeEach(async () => {
    await sql`truncate things, parts, stamped, owned, titles restart identity`.execute(engine.database.db);
  });

  describe('a value that other rows refer to', () => {
    it('is told apart from one that refers to nothing', async () => {
      const repository = new Repository(things, engine.database);
      await repository.insert({ code: 'A', size: 1 });
      await new Repository(parts, engine.database).insert({ code: 'A' });
      await expect(repository.update(1, { code: 'B' })).rejects.toMatchObject({
        name: StillReferencedError.name,
        referencedBy: 'parts',
      });
      const all = repository.updateMany([], { code: 'B' }, { all: true });
      await expect(all).rejects.toBeInstanceOf(StillReferencedError);
      const dangling = { fieldErrors: { code: 'It refers to something that does not exist' } };
      await expect(new Repository(parts, engine.database).insert({ code: 'Z' })).rejects.toMatchObject(dangling);
    });

    it('is so within one table, too', async () => {
      const repository = new Repository(things, engine.database);
      await repository.insertMany([
        { code: 'A', size: 1 },
        { code: 'B', size: 1, parentCode: 'A' },
      ]);
      await expect(repository.update(1, { code: 'C' })).rejects.toBeInstanceOf(StillReferencedError);
      const dangling = { fieldErrors: { parentCode: 'It refers to something that does not exist' } };
      await expect(repository.update(2, { parentCode: 'Z' })).rejects.toMatchObject(dangling);
    });
  });

  describe('domains that are not null', () => {
    it('take what a repository chooses, one row at a time or many', async () => {
      await checkTables(engine.database, [stamped]);
      const repository = new Repository(stamped, engine.database);
      const one = await repository.insert({ name: 'a' });
      const [second, third] = await repository.insertMany([{ name: 'b' }, { name: 'c' }]);
      expect([one.version, second?.version, third?.name]).toEqual([1, 1, 'c']);
      expect(new Set([one.token, second?.token, third?.token]).size).toBe(3);
      expect(third?.madeAt.getTime()).toBeGreaterThanOrEqual(one.madeAt.getTime());
    });

    it('that the database would fill are told before they are met, as are columns that it computes', async () => {
      const error = await checkTables(engine.database, [strict, computed]).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(ConfigurationError);
      expect((error as ConfigurationError).problems).toEqual([
        { name: 'strict.counted', message: expect.stringContaining('make the column itself not null') },
        { name: 'computed.id', message: expect.stringContaining('is always generated by the database') },
        { name: 'computed.double', message: expect.stringContaining('is always generated by the database') },
      ]);
    });
  });

  describe('an owner', () => {
    const owner = '0a0b0c0d-0000-4000-8000-00000000000f';

    it('is the same one in capitals', async () => {
      const mine = new Repository(owned, engine.database).ownedBy(owner);
      expect(await mine.insert({ name: 'x', userId: owner.toUpperCase() })).toMatchObject({ userId: owner });
      const stranger = mine.insert({ name: 'y', userId: '0a0b0c0d-0000-4000-8000-000000000000' });
      await expect(stranger).rejects.toMatchObject({ fieldErrors: { userId: expect.any(String) } });
    });

    it('is not the field that is taken already', async () => {
      const mine = new Repository(owned, engine.database).ownedBy(owner);
      await mine.insert({ name: 'x' });
      await mine.delete(1);
      const upsert = mine.upsert({ name: 'x' }, { conflict: ['userId', 'name'] });
      await expect(upsert).rejects.toMatchObject({ name: DuplicateError.name, field: 'name' });
    });
  });

  it('an upsert says that there is no index for it', async () => {
    const upsert = new Repository(things, engine.database).upsert({ code: 'A', size: 1 }, { conflict: ['size'] });
    await expect(upsert).rejects.toBeInstanceOf(ArgumentError);
    await expect(upsert).rejects.toThrow('into things by size: there is no unique index over exactly these');
  });

  it('a long text is found by the key as which it was inserted', async () => {
    const repository = new Repository(titles, engine.database);
    const title = 'long '.repeat(400);
    await repository.insert({ title });
    expect(await repository.update(title, { note: 'x' })).toEqual({ title, note: 'x' });
    expect(await repository.findById(title)).toEqual({ title, note: 'x' });
    expect(await repository.delete(title)).toBe(true);
  });

  it('a page is no larger than the largest, where none was asked for', async () => {
    const repository = new Repository(things, engine.database, { maxPageSize: 3 });
    await repository.insertMany(['a', 'b', 'c', 'd'].map(code => ({ code, size: 1 })));
    expect((await repository.list()).items).toHaveLength(3);
  });

  it('filters that a column cannot hold are refused as filters, also by deletions', async () => {
    const repository = new Repository(things, engine.database);
    const filter = { field: 'size', operator: 'eq', value: 3_000_000_000 } as const;
    for (const ask of [() => repository.list({ filters: filter }), () => repository.deleteMany(filter)]) {
      const refused = ask();
      await expect(refused).rejects.toBeInstanceOf(ValidationError);
      await expect(refused).rejects.toMatchObject({ fieldErrors: { filters: expect.any(String) } });
    }
  });
});
