import fc from 'fast-check';
import { sql } from 'kysely';
import { defineTable, type Filter, type Page, Repository, type Sort } from 'plinth/crud';
import { beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { anyFilter, createThings, rows, type Thing, type Things, things, values } from './thing-model.ts';
import { onEveryDatabase } from './world.ts';

const sortable = ['id', ...Object.keys(values)];
const sorts = fc.uniqueArray(
  fc.record({ field: fc.constantFrom(...sortable), order: fc.constantFrom('asc', 'desc') }),
  { selector: ({ field }) => field, maxLength: 3 },
) as fc.Arbitrary<Sort<Things>[]>;

const longTexts = defineTable({
  name: 'long_texts',
  schema: z.object({ id: z.int(), text: z.string() }),
  columns: { id: { key: true }, text: { sortable: true } },
});

/** Rows that come and go have keys from here on. */
const firstPassing = 1_000;
const isPassing = ({ id }: { readonly id: number }): boolean => id >= firstPassing;

onEveryDatabase(engine => {
  let repository: Repository<Things>;
  let nextId = firstPassing;

  beforeAll(async () => {
    await sql.raw(createThings).execute(engine.database.db);
    repository = new Repository(things, engine.database, { maxConditions: 10_000, maxDepth: 100, maxPageSize: 1_000 });
    await repository.insertMany(rows);
  });

  /** Rows like those that stay, so that they tie with them, and stand between them. */
  const newRows = (count: number): Thing[] =>
    Array.from({ length: count }, () => {
      nextId += 1;
      return { ...(rows[(nextId * 7) % rows.length] as Thing), id: nextId };
    });

  /** Follows cursors to the end, and gives each page while others write. */
  async function walk(
    options: { sort: readonly Sort<Things>[]; filters: Filter<Things> | undefined; size: number },
    meanwhile: (seen: readonly Thing[]) => Promise<unknown>,
  ): Promise<readonly Thing[]> {
    const { sort, filters, size } = options;
    const walked: Thing[] = [];
    let cursor: string | undefined;
    do {
      const asked = repository.list({ sort, filters, pagination: { size, cursor } });
      const [page]: [Page<Thing>, unknown] = await Promise.all([asked, meanwhile(walked)]);
      walked.push(...page.items);
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    return walked;
  }

  it('no row comes twice and none that stays is missed while others are inserted and deleted', {
    timeout: 60_000,
  }, async () => {
    let deletedPlaces = 0;
    await fc.assert(
      fc.asyncProperty(
        sorts,
        fc.integer({ min: 1, max: 17 }),
        fc.option(anyFilter, { nil: undefined }),
        async (sort, size, filters) => {
          await repository.insertMany(newRows(40));
          const whole = (await repository.list({ sort, filters, pagination: { size: 1_000 } })).items;
          let pages = 0;
          const walked = await walk({ sort, filters, size }, async seen => {
            pages += 1;
            if (pages > 30) return;
            // Among them the very row at which the next page is to begin.
            const last = seen.at(-1);
            if (last !== undefined && isPassing(last) && (await repository.delete(last.id))) deletedPlaces += 1;
            const some = { field: 'id', operator: 'in', value: [nextId - 3, nextId - 11, nextId - 30] } as const;
            await Promise.all([repository.insertMany(newRows(5)), repository.deleteMany(some)]);
          });
          const kept = (list: readonly Thing[]) => list.filter(row => !isPassing(row));
          expect(kept(walked)).toEqual(kept(whole));
          expect(new Set(walked.map(({ id }) => id)).size).toBe(walked.length);
          await repository.deleteMany({ field: 'id', operator: 'gte', value: firstPassing });
        },
      ),
      { numRuns: 40 },
    );
    expect(deletedPlaces).toBeGreaterThan(5);
  });

  it('the same holds while several write without a pause', { timeout: 60_000 }, async () => {
    const state = { isOver: false, writes: 0 };
    const writer = async (): Promise<void> => {
      while (!state.isOver) {
        const added = newRows(3);
        await repository.insertMany(added);
        await repository.deleteMany({ field: 'id', operator: 'in', value: added.slice(0, 2).map(({ id }) => id) });
        if (nextId % 200 < 3) await repository.deleteMany({ field: 'id', operator: 'gte', value: firstPassing });
        state.writes += 1;
      }
    };
    const check = async (sort: readonly Sort<Things>[]): Promise<void> => {
      const walked = await walk({ sort, filters: undefined, size: 2 }, async () => undefined);
      const stays = { field: 'id', operator: 'lt', value: firstPassing } as const;
      const { items } = await repository.list({ sort, filters: stays, pagination: { size: 1_000 } });
      expect(walked.filter(row => !isPassing(row))).toEqual(items);
      expect(new Set(walked.map(({ id }) => id)).size).toBe(walked.length);
    };
    const writers = Promise.all([writer(), writer()]);
    try {
      for (const sort of [
        [{ field: 'whole' }],
        [{ field: 'text', order: 'desc' }],
        [{ field: 'certain' }],
        [{ field: 'mood' }, { field: 'real', order: 'desc' }],
        [{ field: 'moment', order: 'desc' }, { field: 'day' }, { field: 'id', order: 'asc' }],
      ] as const) {
        const before = state.writes;
        do await check(sort);
        while (state.writes < before + 5);
      }
    } finally {
      state.isOver = true;
      await writers;
    }
  });

  it('go on from texts of any length', async () => {
    await sql`create table if not exists long_texts (id int primary key, text text not null)`.execute(
      engine.database.db,
    );
    const texts = new Repository(longTexts, engine.database);
    const length = 100_000;
    await texts.insertMany(['a', 'b', 'ü'].map((letter, id) => ({ id, text: letter.repeat(length) })));
    const seen: number[] = [];
    let cursor: string | undefined;
    do {
      const page = await texts.list({ sort: { field: 'text' }, pagination: { size: 1, cursor } });
      seen.push(...page.items.map(({ id }) => id));
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    expect(seen).toEqual([0, 1, 2]);
  });
});
