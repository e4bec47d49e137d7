import { sql } from 'kysely';
import { checkTables, defineTable, Repository, RepositoryFactory } from 'plinth/crud';
import type { QueryEvent } from 'plinth/database';
import { ConfigurationError, ValidationError } from 'plinth/errors';
import { beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { AdsRepository, ads, notes, onEveryEngine } from './world.ts';

onEveryEngine(world => {
  describe('lists', () => {
    const clicks = [3, 1, 2, 2, 1, 3, 2, 1, 3, 2];

    beforeEach(async () => {
      await world.mine.insertMany(
        clicks.map((count, index) => ({
          title: `t${index}`,
          clicks: count,
          budget: index % 3 === 0 ? null : index / 7,
        })),
      );
    });

    it('have numbered pages with a total when asked', async () => {
      const page = await world.mine.list({ pagination: { page: 2, size: 3 }, total: true });
      expect(page).toMatchObject({ page: 2, size: 3, total: 10, hasMore: true, nextCursor: expect.any(String) });
      expect(page.items.map(({ id }) => id)).toEqual([4, 5, 6]);
      const last = await world.mine.list({ pagination: { page: 4, size: 3 } });
      expect(last).toMatchObject({ items: [{ id: 10 }], hasMore: false });
      expect('total' in last || 'nextCursor' in last).toBe(false);
    });

    it.each([
      ['the key', []],
      ['ties', [{ field: 'clicks' }]],
      ['ties, descending', [{ field: 'clicks', order: 'desc' }]],
      ['nulls', [{ field: 'budget' }]],
      ['nulls, descending', [{ field: 'budget', order: 'desc' }]],
      ['nulls only', [{ field: 'startsOn', order: 'desc' }]],
      ['two ways at once', [{ field: 'clicks', order: 'desc' }, { field: 'title' }]],
      ['ties and nulls', [{ field: 'clicks' }, { field: 'budget', order: 'desc' }, { field: 'id', order: 'asc' }]],
      ['moments finer than a millisecond', [{ field: 'createdAt', order: 'desc' }]],
    ] as const)('follow cursors over %s as one list, row by row', async (_, sort) => {
      await sql`update ads set created_at = created_at + id % 4 * interval '1 microsecond'`.execute(world.database.db);
      const whole = await world.mine.list({ sort, pagination: { size: 100 } });
      for (const size of [1, 3]) {
        const ids: number[] = [];
        let cursor: string | undefined;
        do {
          const page = await world.mine.list({ sort, pagination: { size, cursor } });
          ids.push(...page.items.map(({ id }) => id));
          cursor = page.nextCursor;
        } while (cursor !== undefined);
        expect(ids).toEqual(whole.items.map(({ id }) => id));
      }
    });

    it('find what filters say', async () => {
      const ids = async (filters: Parameters<typeof world.mine.count>[0]): Promise<number[]> =>
        (await world.mine.list({ filters })).items.map(({ id }) => id);
      await world.mine.insert({ title: '100%_\\x', clicks: 9 });
      expect(await ids({ field: 'clicks', operator: 'ne', value: 3 })).toEqual([2, 3, 4, 5, 7, 8, 10, 11]);
      expect(await ids({ field: 'id', operator: 'in', value: [3, 99, 1] })).toEqual([1, 3]);
      expect(await ids({ field: 'id', operator: 'in', value: [] })).toEqual([]);
      expect(await ids({ field: 'title', operator: 'contains', value: '%' })).toEqual([11]);
      expect(await ids({ field: 'title', operator: 'contains', value: '_' })).toEqual([11]);
      expect(await ids({ field: 'title', operator: 'startsWith', value: '100%_\\' })).toEqual([11]);
      expect(await ids({ field: 'title', operator: 'startsWith', value: 'T' })).toEqual([]);
      expect(await ids({ field: 'budget', operator: 'isNull', value: true })).toEqual([1, 4, 7, 10, 11]);
      expect(await ids({ field: 'createdAt', operator: 'lt', value: new Date('2001-01-01') })).toEqual([]);
      expect(
        await ids([
          {
            or: [
              { field: 'clicks', operator: 'eq', value: 1 },
              { field: 'clicks', operator: 'gt', value: 3 },
            ],
          },
          {
            not: {
              and: [
                { field: 'id', operator: 'lt', value: 6 },
                { field: 'isActive', operator: 'eq', value: true },
              ],
            },
          },
        ]),
      ).toEqual([8, 11]);
      expect((await world.mine.list({ search: '%_\\X' })).items.map(({ id }) => id)).toEqual([11]);
    });

    it('refuse values that only the database can judge, without failing', async () => {
      await expect(world.mine.list({ filters: { field: 'id', operator: 'eq', value: 1e300 } })).rejects.toBeInstanceOf(
        ValidationError,
      );
      expect(await world.mine.findById(Number.MAX_SAFE_INTEGER)).toBeUndefined();
      const cursor = Buffer.from(JSON.stringify([1, 'createdAt,id', '9999-99-99 00:00:00+00', '1'])).toString(
        'base64url',
      );
      await expect(world.mine.list({ sort: { field: 'createdAt' }, pagination: { cursor } })).rejects.toBeInstanceOf(
        ValidationError,
      );
    });
  });

  describe('reads by key', () => {
    it('share connections when many are under way, each with its own answer', async () => {
      await world.mine.insertMany(Array.from({ length: 200 }, (_, index) => ({ title: `t${index}` })));
      const rows = await Promise.all(Array.from({ length: 300 }, (_, index) => world.mine.findById(index)));
      expect(rows.map(row => row?.id)).toEqual(
        Array.from({ length: 300 }, (_, id) => (id >= 1 && id <= 200 ? id : undefined)),
      );
    });

    it('become one statement when they are gathered, each with a row of its own', async () => {
      const gathering = new RepositoryFactory(world.database, { gather: true }).create(AdsRepository).forAllOwners();
      await world.mine.insertMany([{ title: 'a' }, { title: 'b' }, { title: 'c' }]);
      const statements: QueryEvent[] = [];
      using _subscription = world.database.events.on('query', event => statements.push(event));
      const [a, again, missing, c, hidden] = await Promise.all([
        gathering.findById(1),
        gathering.findById(1),
        gathering.findById(99),
        gathering.findById(3),
        gathering.ownedBy('you').findById(2),
      ]);
      expect([a?.title, again?.title, missing, c?.title, hidden]).toEqual(['a', 'a', undefined, 'c', undefined]);
      expect(a).not.toBe(again);
      expect(statements).toHaveLength(2);
    });

    it('do not fail together with one that asks for an impossible key', async () => {
      await sql`create table small (id int primary key)`.execute(world.database.db);
      await sql`insert into small values (1), (2)`.execute(world.database.db);
      const small = defineTable({ name: 'small', schema: z.object({ id: z.int() }), columns: { id: { key: true } } });
      const gathering = new Repository(small, world.database, { gather: true });
      const found = await Promise.all([gathering.findById(1), gathering.findById(2 ** 40), gathering.findById(2)]);
      expect(found).toEqual([{ id: 1 }, undefined, { id: 2 }]);
    });

    it('survive a change of the type of a column', async () => {
      await sql`create table changing (id int primary key, value int)`.execute(world.database.db);
      await sql`insert into changing values (1, 5)`.execute(world.database.db);
      const changing = defineTable({
        name: 'changing',
        schema: z.object({ id: z.int(), value: z.unknown() }),
        columns: { id: { key: true } },
      });
      const repository = new Repository(changing, world.database);
      expect(await repository.findById(1)).toEqual({ id: 1, value: 5 });
      await sql`alter table changing alter column value type text using value || '!'`.execute(world.database.db);
      expect(await repository.findById(1)).toEqual({ id: 1, value: '5!' });
    });
  });

  describe('checkTables()', () => {
    it('is content with tables that fit', async () => {
      await checkTables(world.database, [ads, notes]);
    });

    it('says every difference', async () => {
      await sql`create table differing (id int, amount text not null, note text not null, extra int not null, soft int)`.execute(
        world.database.db,
      );
      const differing = defineTable({
        name: 'differing',
        schema: z.object({
          id: z.int(),
          amount: z.number(),
          note: z.string().nullable(),
          soft: z.int(),
          gone: z.string(),
        }),
        columns: { id: { key: true, generated: 'identity' } },
      });
      const missing = defineTable({
        name: 'missing',
        schema: z.object({ id: z.int() }),
        columns: { id: { key: true } },
      });
      const error = await checkTables(world.database, [differing, missing, ads]).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(ConfigurationError);
      expect((error as ConfigurationError).problems.map(({ name, message }) => `${name} ${message}`)).toEqual([
        'differing.id may be null, and its field may not',
        'differing.id is the key, and no unique index says so',
        'differing.amount is text, and field amount (number) needs int2 or int4 or int8 or float4 or float8 or numeric',
        'differing.note is not null, and its field may be null',
        'differing.soft may be null, and its field may not',
        'differing.gone there is no such column for field gone',
        'differing.extra needs a value at every insert and is no field of the schema: add it, or give it a default',
        'missing there is no such table: run its migration',
      ]);
    });
  });
});
