import fc from 'fast-check';
import { sql } from 'kysely';
import { type Filter, Repository } from 'plinth/crud';
import { beforeAll, expect, it } from 'vitest';
import { anyFilter, createThings, judge, rows, type Thing, type Things, things, unknown } from './thing-model.ts';
import { onEveryDatabase } from './world.ts';

/** How many random filters each engine is asked; `PLINTH_FILTERS=20000` for a thorough look. */
const filterCount = Number(process.env['PLINTH_FILTERS'] ?? 1_000);
/** How many are asked at the same time. */
const batchSize = 25;

onEveryDatabase(engine => {
  let repository: Repository<Things>;

  beforeAll(async () => {
    await sql.raw(createThings).execute(engine.database.db);
    repository = new Repository(things, engine.database, { maxConditions: 10_000, maxDepth: 100 });
    await repository.insertMany(rows);
  });

  const found = async (filters: Filter<Things>): Promise<readonly Thing[]> =>
    (await repository.list({ filters, pagination: { size: 100 } })).items;

  it('reads its rows as they were written', async () => {
    expect((await repository.list({ pagination: { size: 100 } })).items).toEqual(rows);
  });

  it('a filter, its negation and its unknown part every row into exactly one, as a model says', {
    timeout: 600_000,
  }, async () => {
    const seen = { true: 0, false: 0, null: 0 };
    await fc.assert(
      fc.asyncProperty(fc.array(anyFilter, { minLength: batchSize, maxLength: batchSize }), async filters => {
        const answers = await Promise.all(
          filters.map(asked => Promise.all([found(asked), found({ not: asked }), found(unknown(asked))])),
        );
        for (const [index, asked] of filters.entries()) {
          const expected = [true, false, null].map(answer => rows.filter(row => judge(row, asked) === answer));
          expect(answers[index]).toEqual(expected);
          for (const answer of [true, false, null] as const)
            seen[`${answer}`] += expected[[true, false, null].indexOf(answer)]?.length === 0 ? 0 : 1;
        }
      }),
      { numRuns: Math.ceil(filterCount / batchSize) },
    );
    // Otherwise the filters would be too dull to say anything.
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(filterCount / 10);
  });

  it('counts, finds and changes the same rows as it lists', async () => {
    await fc.assert(
      fc.asyncProperty(anyFilter, async asked => {
        const ids = rows.filter(row => judge(row, asked) === true).map(({ id }) => id);
        expect(await repository.count(asked)).toBe(ids.length);
        expect(await repository.exists(asked)).toBe(ids.length > 0);
        expect((await repository.findOne(asked))?.id).toBe(ids[0]);
        const outcome = engine.database.transaction(async transaction => {
          const inside = repository.withSession(transaction);
          expect(await inside.updateMany(asked, { certain: 99 })).toBe(ids.length);
          const changed = await inside.list({
            filters: { field: 'certain', operator: 'eq', value: 99 },
            pagination: { size: 100 },
          });
          expect(changed.items.map(({ id }) => id)).toEqual(ids);
          expect(await inside.deleteMany({ field: 'certain', operator: 'eq', value: 99 })).toBe(ids.length);
          throw new RangeError('takes it back');
        });
        await expect(outcome).rejects.toThrow('takes it back');
      }),
      { numRuns: 60 },
    );
  });
});
