import fc from 'fast-check';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { DatabaseManager } from '../database/index.ts';
import { defineTable } from './define-table.ts';
import { Repository } from './repository.ts';
import type { Filter, Row } from './table-types.ts';

const things = defineTable({
  name: 'things',
  schema: z.object({ id: z.int(), a: z.int().nullable(), b: z.string().nullable(), c: z.boolean() }),
  columns: {
    id: { key: true },
    a: { filterable: true, sortable: true },
    b: { filterable: true, sortable: true },
    c: { filterable: true },
  },
});
type Things = typeof things;
type Thing = Row<Things>;

const texts = ['', 'a', 'ab', 'b%', '_', '\\', "it's", 'B'];
const numbers = fc.constantFrom(-1, 0, 1, 2);
const comparison = fc.constantFrom('eq', 'ne', 'lt', 'lte', 'gt', 'gte');

const condition: fc.Arbitrary<Filter<Things>> = fc.oneof(
  fc.record({ field: fc.constant('a'), operator: comparison, value: numbers }),
  fc.record({ field: fc.constant('a'), operator: fc.constant('in'), value: fc.array(numbers, { maxLength: 3 }) }),
  fc.record({
    field: fc.constant('b'),
    operator: fc.constantFrom('eq', 'ne', 'contains', 'startsWith'),
    value: fc.constantFrom(...texts),
  }),
  fc.record({ field: fc.constantFrom('a', 'b'), operator: fc.constant('isNull'), value: fc.boolean() }),
  fc.record({ field: fc.constant('c'), operator: fc.constantFrom('eq', 'ne'), value: fc.boolean() }),
) as fc.Arbitrary<Filter<Things>>;

const { filter } = fc.letrec<{ filter: Filter<Things> }>(tie => ({
  filter: fc.oneof(
    { maxDepth: 3 },
    condition,
    fc.record({ and: fc.array(tie('filter'), { minLength: 1, maxLength: 3 }) }),
    fc.record({ or: fc.array(tie('filter'), { minLength: 1, maxLength: 3 }) }),
    fc.record({ not: tie('filter') }),
  ) as fc.Arbitrary<Filter<Things>>,
}));

/** What SQL says of a row: true, false, or null for "unknown", said once more in plain code. */
function judge(row: Thing, asked: Filter<Things>): boolean | null {
  if ('not' in asked) {
    const answer = judge(row, asked.not);
    return answer === null ? null : !answer;
  }
  if ('and' in asked || 'or' in asked) {
    const answers = ('and' in asked ? asked.and : asked.or).map(part => judge(row, part));
    const decisive = 'or' in asked;
    if (answers.includes(decisive)) return decisive;
    return answers.includes(null) ? null : !decisive;
  }
  const { field, operator, value } = asked as { field: 'a' | 'b' | 'c'; operator: string; value: unknown };
  const actual = row[field];
  if (operator === 'isNull') return (actual === null) === value;
  if (operator === 'in' && (value as unknown[]).length === 0) return false;
  if (actual === null) return null;
  switch (operator) {
    case 'in':
      return (value as unknown[]).includes(actual);
    case 'contains':
      return String(actual).includes(String(value));
    case 'startsWith':
      return String(actual).startsWith(String(value));
    case 'eq':
      return actual === value;
    case 'ne':
      return actual !== value;
    case 'lt':
      return Number(actual) < Number(value);
    case 'lte':
      return Number(actual) <= Number(value);
    case 'gt':
      return Number(actual) > Number(value);
    default:
      return Number(actual) >= Number(value);
  }
}

describe('filters and pages against a model', () => {
  const database = new DatabaseManager();
  const repository = new Repository(things, database);
  const rows: Thing[] = Array.from({ length: 60 }, (_, id) => ({
    id,
    a: id % 5 === 4 ? null : (id % 5) - 1,
    b: id % 9 === 8 ? null : (texts[id % 9] ?? null),
    c: id % 2 === 0,
  }));

  beforeAll(async () => {
    await database.open();
    await sql`create table things (id int primary key, a int, b text collate "C", c boolean not null)`.execute(
      database.db,
    );
    await repository.insertMany(rows);
  });

  afterAll(() => database.close());

  it('finds exactly the rows that fulfil a filter', { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(filter, async asked => {
        const found = (await repository.list({ filters: asked, pagination: { size: 100 } })).items;
        expect(found).toEqual(rows.filter(row => judge(row, asked) === true));
      }),
      { numRuns: 500 },
    );
  });

  it('walks any order by cursor as the whole list, also while rows are inserted', {
    timeout: 60_000,
  }, async () => {
    const sorts = fc.uniqueArray(
      fc.record({ field: fc.constantFrom('a', 'b', 'id'), order: fc.constantFrom('asc', 'desc') }),
      { selector: ({ field }) => field, maxLength: 3 },
    );
    let next = 1_000;
    await fc.assert(
      fc.asyncProperty(sorts, fc.integer({ min: 1, max: 17 }), filter, async (sort, size, filters) => {
        const options = { sort: sort as never, filters };
        const whole = (await repository.list({ ...options, pagination: { size: 100 } })).items;
        const walked: Thing[] = [];
        const added: number[] = [];
        let cursor: string | undefined;
        do {
          const page = await repository.list({ ...options, pagination: { size, cursor } });
          walked.push(...page.items);
          cursor = page.nextCursor;
          if (added.length < 9) {
            const { id } = await repository.insert({ id: next++, a: next % 4, b: texts[next % 8] ?? null, c: true });
            added.push(id);
          }
        } while (cursor !== undefined);
        expect(walked.filter(({ id }) => id < 1_000)).toEqual(whole);
        expect(new Set(walked.map(({ id }) => id)).size).toBe(walked.length);
        await repository.deleteMany({ field: 'id', operator: 'in', value: added });
      }),
      { numRuns: 60 },
    );
  });
});
