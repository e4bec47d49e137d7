import { sql } from 'kysely';
import { checkTables, defineTable, Repository } from 'plinth/crud';
import { ConfigurationError, ValidationError } from 'plinth/errors';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { onEveryDatabase } from './world.ts';

const small = defineTable({
  name: 'small',
  schema: z.object({
    id: z.int(),
    userId: z.int(),
    note: z.string().nullable(),
    createdAt: z.date(),
    updatedAt: z.date(),
    deletedAt: z.date().nullable(),
    version: z.int(),
  }),
  columns: {
    id: { key: true },
    note: { filterable: true },
    createdAt: { generated: 'now', filterable: true },
    updatedAt: { generated: 'updated', filterable: true },
    deletedAt: { filterable: true },
  },
  owner: 'userId',
  softDelete: 'deletedAt',
  version: 'version',
});
const large = defineTable({
  name: 'large',
  schema: z.object({ id: z.int(), parentId: z.int().nullable(), note: z.string() }),
  columns: { id: { key: true }, note: { filterable: true } },
});
const largeAsText = defineTable({
  name: 'large',
  schema: z.object({ id: z.string(), parentId: z.string().nullable(), note: z.string() }),
  columns: { id: { key: true }, note: { filterable: true } },
});
const tokens = defineTable({
  name: 'tokens',
  schema: z.object({ id: z.uuid(), other: z.uuid().nullable() }),
  columns: { id: { key: true }, other: { filterable: true } },
});
const numbers = defineTable({
  name: 'numbers',
  schema: z.object({ id: z.int() }),
  columns: { id: { key: true, generated: 'identity' } },
});
const papers = defineTable({
  name: 'papers',
  schema: z.object({ id: z.int(), content: z.unknown() }),
  columns: { id: { key: true } },
});

const tables = `
  create table small (
    id int primary key, user_id smallint not null, note text, created_at timestamptz not null,
    updated_at timestamptz not null, deleted_at timestamptz, version smallint not null);
  create table large (id bigint primary key, parent_id bigint, note text not null);
  create table tokens (id text primary key, other text);
  create table numbers (id int generated always as identity primary key);
  create table papers (id int primary key, content jsonb not null)`;

onEveryDatabase(engine => {
  beforeAll(async () => {
    await sql.raw(tables).execute(engine.database.db);
  });

  beforeEach(async () => {
    await sql`truncate small, large, tokens, numbers, papers restart identity`.execute(engine.database.db);
  });

  describe('times', () => {
    it('that were generated find their row again, to the millisecond', async () => {
      const mine = new Repository(small, engine.database).ownedBy(1);
      await mine.insert({ id: 1 });
      await mine.delete(1);
      const row = await mine.restore(1);
      await mine.delete(1);
      const seen = mine.withDeleted();
      const { deletedAt } = (await seen.findById(1)) ?? {};
      for (const [field, value] of Object.entries({ createdAt: row?.createdAt, deletedAt }) as [never, never][]) {
        expect(await seen.count({ field, operator: 'eq', value })).toBe(1);
        expect(await seen.count({ field, operator: 'gt', value })).toBe(0);
      }
      const { updatedAt } = (await seen.update(1, { note: 'x' })) ?? {};
      expect(await seen.count({ field: 'updatedAt', operator: 'eq', value: updatedAt as Date })).toBe(1);
    });

    it('of a soft delete stay what they were, whatever is deleted again', async () => {
      const mine = new Repository(small, engine.database).ownedBy(1).withDeleted();
      await mine.insertMany([{ id: 1 }, { id: 2 }]);
      expect(await mine.delete(1)).toBe(true);
      const before = await mine.findById(1);
      expect(await mine.delete(1)).toBe(false);
      expect(await mine.delete(1, { expectedVersion: 2 })).toBe(false);
      expect(await mine.deleteMany([], { all: true })).toBe(1);
      expect(await mine.findById(1)).toEqual(before);
    });
  });

  describe('a whole number beyond the type of its column', () => {
    const beyond = 3_000_000_000;

    it('is the key of no row, and no end of a transaction', async () => {
      const mine = new Repository(small, engine.database).ownedBy(1);
      await mine.insert({ id: 1 });
      const look = async (repository: Repository<typeof small>): Promise<void> => {
        expect(await repository.findById(beyond)).toBeUndefined();
        expect(await repository.update(beyond, { note: 'x' })).toBeUndefined();
        expect(await repository.update(beyond, { note: 'x' }, { expectedVersion: 1 })).toBeUndefined();
        expect(await repository.delete(beyond)).toBe(false);
        expect(await repository.restore(beyond)).toBeUndefined();
        expect(await repository.purge(beyond)).toBe(false);
        await expect(repository.update(1, { note: 'x' }, { expectedVersion: beyond })).rejects.toMatchObject({
          code: 'VERSION_CONFLICT',
        });
        expect(await repository.count()).toBe(1);
      };
      await look(mine);
      await engine.database.transaction(transaction => look(mine.withSession(transaction)));
      const gathering = new Repository(small, engine.database, { gather: true }).ownedBy(1);
      expect(await Promise.all([gathering.findById(beyond), gathering.findById(1)])).toMatchObject([
        undefined,
        { id: 1 },
      ]);
    });

    it('is an owner without rows', async () => {
      const nobodys = new Repository(small, engine.database).ownedBy(beyond);
      await engine.database.transaction(async transaction => {
        const inside = nobodys.withSession(transaction);
        expect([await inside.findById(1), await inside.count(), await inside.delete(1)]).toEqual([undefined, 0, false]);
      });
    });
  });

  describe('a text that is no value of its column', () => {
    it('is the key of no row, and an error inside a transaction, which it ends', async () => {
      const repository = new Repository(largeAsText, engine.database);
      expect([await repository.findById('abc'), await repository.delete('abc')]).toEqual([undefined, false]);
      const calls: readonly ((inside: typeof repository) => Promise<unknown>)[] = [
        inside => inside.findById('abc'),
        inside => inside.delete('abc'),
        inside => inside.purge('abc'),
      ];
      for (const call of calls) {
        const outcome = engine.database.transaction(transaction => call(repository.withSession(transaction)));
        await expect(outcome).rejects.toBeInstanceOf(ValidationError);
        await expect(outcome).rejects.toMatchObject({ fieldErrors: { id: 'It does not fit its column' } });
      }
    });
  });

  describe('whole numbers beyond 2^53', () => {
    beforeEach(async () => {
      await sql`insert into large values (1, 9007199254740993, 'child'), (9007199254740992, null, 'two'),
        (9007199254740993, null, 'three'), (2, null, 'plain')`.execute(engine.database.db);
    });

    it('are never shown as another number: the error says where they are', async () => {
      const repository = new Repository(large, engine.database);
      const gathering = new Repository(large, engine.database, { gather: true });
      const three = { field: 'note', operator: 'eq', value: 'three' } as const;
      await expect(repository.findOne(three)).rejects.toBeInstanceOf(ConfigurationError);
      await expect(repository.findOne(three)).rejects.toThrow('large.id: holds a whole number beyond 2^53');
      const calls: readonly (() => Promise<unknown>)[] = [
        () => repository.list(),
        () => repository.findById(1),
        () => repository.update(1, { note: 'x' }),
        () => engine.database.transaction(transaction => repository.withSession(transaction).findById(1)),
      ];
      for (const call of calls) await expect(call()).rejects.toBeInstanceOf(ConfigurationError);
      const [child, plain] = await Promise.allSettled([gathering.findById(1), gathering.findById(2)]);
      expect(child).toMatchObject({ status: 'rejected', reason: expect.any(ConfigurationError) });
      expect(plain).toMatchObject({ status: 'fulfilled', value: { id: 2, parentId: null, note: 'plain' } });
    });

    it('are exact as text', async () => {
      await checkTables(engine.database, [largeAsText]);
      const repository = new Repository(largeAsText, engine.database);
      expect(await repository.findById('1')).toMatchObject({ parentId: '9007199254740993' });
      expect(await repository.update('9007199254740993', { note: 'changed' })).toMatchObject({ note: 'changed' });
      expect(await repository.findById('9007199254740992')).toMatchObject({ note: 'two' });
    });
  });

  describe('keys of several spellings', () => {
    it('find the same row alone and gathered', async () => {
      await sql`insert into large values (7, null, 'seven'), (8, null, 'eight')`.execute(engine.database.db);
      const found = async (gather: boolean) => {
        const repository = new Repository(largeAsText, engine.database, { gather });
        const ids: (string | undefined)[][] = [];
        for (const keys of [['07', '8', '7', '9'], ['07', 'abc', '8'], ['07']]) {
          const rows = await Promise.all(keys.map(key => repository.findById(key)));
          ids.push(rows.map(row => row?.id));
        }
        return ids;
      };
      const expected = [['7', '8', '7', undefined], ['7', undefined, '8'], ['7']];
      expect(await found(true)).toEqual(expected);
      expect(await found(true)).toEqual(await found(false));
    });

    it('are one spelling for UUIDs, in a column of text, too', async () => {
      const repository = new Repository(tokens, engine.database);
      const id = 'ABCDEF12-3456-4789-8ABC-DEF123456789';
      const rows = [await repository.insert({ id, other: id })];
      await repository.purge(id);
      rows.push(...(await repository.insertMany([{ id, other: id }])));
      for (const row of rows) expect(row).toEqual({ id: id.toLowerCase(), other: id.toLowerCase() });
      expect(await repository.findById(id)).toEqual(rows[0]);
      expect(await repository.count({ field: 'other', operator: 'eq', value: id })).toBe(1);
      expect(await repository.update(id, { other: id })).toEqual(rows[0]);
    });
  });

  describe('rows', () => {
    it('of nothing but a generated key are inserted one at a time and many at once', async () => {
      const repository = new Repository(numbers, engine.database);
      expect(await repository.insert({})).toEqual({ id: 1 });
      expect(await repository.insertMany([{}, {}])).toEqual([{ id: 2 }, { id: 3 }]);
    });

    it('take no document that JSON cannot hold', async () => {
      const repository = new Repository(papers, engine.database);
      const circle: Record<string, unknown> = {};
      circle['self'] = circle;
      for (const content of [{ id: 1n }, circle, () => 1, Symbol('x')]) {
        const refused = { fieldErrors: { content: 'Expected a document of what JSON can hold' } };
        await expect(repository.insert({ id: 1, content })).rejects.toBeInstanceOf(ValidationError);
        await expect(repository.insert({ id: 1, content })).rejects.toMatchObject(refused);
        await expect(repository.insertMany([{ id: 1, content }])).rejects.toMatchObject({
          fieldErrors: { '[0].content': refused.fieldErrors.content },
        });
      }
      expect(await repository.count()).toBe(0);
    });
  });
});
