import fc from 'fast-check';
import { defineTable, type Filter, type Row } from 'plinth/crud';
import { z } from 'zod';

/** A table with every kind of column that can be compared, most of them with nulls. */
export const things = defineTable({
  name: 'things',
  schema: z.object({
    id: z.int(),
    whole: z.int().nullable(),
    real: z.number().nullable(),
    text: z.string().nullable(),
    flag: z.boolean().nullable(),
    moment: z.date().nullable(),
    day: z.iso.date().nullable(),
    token: z.uuid().nullable(),
    mood: z.enum(['calm', 'loud']).nullable(),
    certain: z.int(),
  }),
  columns: {
    id: { key: true },
    whole: { filterable: true, sortable: true },
    real: { filterable: true, sortable: true },
    text: { filterable: true, sortable: true },
    flag: { filterable: true, sortable: true },
    moment: { filterable: true, sortable: true },
    day: { filterable: true, sortable: true },
    token: { filterable: true, sortable: true },
    mood: { filterable: true, sortable: true },
    certain: { filterable: true, sortable: true },
  },
});
export type Things = typeof things;
export type Thing = Row<Things>;
type Field = Exclude<keyof Thing, 'id'>;

export const createThings = `create table things (id int primary key, whole int, real numeric, text text collate "C",
  flag boolean, moment timestamptz, day date, token uuid, mood text collate "C", certain int not null)`;

/** The values that columns hold, and that filters ask for: few, so that they meet. */
export const values: { readonly [Name in Field]: readonly Exclude<Thing[Name], null>[] } = {
  whole: [-1, 0, 1, 2_147_483_647],
  real: [-0.5, 0, 0.1, 1e15],
  text: ['', 'a', 'ab', 'b%', '_', '\\', "it's", 'B', 'é', '\uffff', '😀'],
  flag: [true, false],
  moment: [new Date(0), new Date('2026-01-15T10:00:00.001Z'), new Date('0099-01-01T00:00:00Z')],
  day: ['0001-01-01', '2026-01-15', '9999-12-31'],
  token: ['00000000-0000-4000-8000-000000000000', 'ffffffff-ffff-4fff-bfff-ffffffffffff'],
  mood: ['calm', 'loud'],
  certain: [1, 2, 3],
};
const fields = Object.keys(values) as Field[];

/** Rows in which every value and every null occurs. */
export const rows: readonly Thing[] = Array.from({ length: 70 }, (_, id) => {
  const row: Record<string, unknown> = { id };
  for (const [index, field] of fields.entries()) {
    const choices: readonly unknown[] = field === 'certain' ? values[field] : [...values[field], null];
    row[field] = choices[(id * (index + 1) + Math.floor(id / choices.length)) % choices.length];
  }
  return row as Thing;
});

const isPatterned = (field: Field): boolean => field === 'text' || field === 'mood';

const condition: fc.Arbitrary<Filter<Things>> = fc.constantFrom(...fields).chain(field => {
  const value: fc.Arbitrary<unknown> = fc.constantFrom<unknown>(...values[field]);
  const compared = field === 'flag' ? ['eq', 'ne'] : ['eq', 'ne', 'lt', 'lte', 'gt', 'gte'];
  const named = { field: fc.constant(field) };
  return fc.oneof(
    { weight: 4, arbitrary: fc.record({ ...named, operator: fc.constantFrom(...compared), value }) },
    { weight: 1, arbitrary: fc.record({ ...named, operator: fc.constant('isNull'), value: fc.boolean() }) },
    ...(field === 'flag'
      ? []
      : [
          {
            weight: 1,
            arbitrary: fc.record({ ...named, operator: fc.constant('in'), value: fc.array(value, { maxLength: 3 }) }),
          },
        ]),
    ...(isPatterned(field)
      ? [
          {
            weight: 2,
            arbitrary: fc.record({ ...named, operator: fc.constantFrom('contains', 'startsWith'), value }),
          },
        ]
      : []),
  ) as fc.Arbitrary<Filter<Things>>;
});

/** Filters with groups within groups. */
export const anyFilter: fc.Arbitrary<Filter<Things>> = fc.letrec<{ filter: Filter<Things> }>(tie => ({
  filter: fc.oneof(
    { maxDepth: 3 },
    condition,
    fc.record({ and: fc.array(tie('filter'), { minLength: 1, maxLength: 3 }) }),
    fc.record({ or: fc.array(tie('filter'), { minLength: 1, maxLength: 3 }) }),
    fc.record({ not: tie('filter') }),
  ) as fc.Arbitrary<Filter<Things>>,
})).filter;

/** What SQL says of a row: true, false, or null for "unknown", said once more in plain code. */
export function judge(row: Thing, asked: Filter<Things>): boolean | null {
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
  const { field, operator, value } = asked as { field: Field; operator: string; value: unknown };
  const actual = row[field];
  if (operator === 'isNull') return (actual === null) === value;
  if (operator === 'in' && (value as unknown[]).length === 0) return false;
  if (actual === null) return null;
  return compare(actual, operator, value);
}

function compare(actual: unknown, operator: string, value: unknown): boolean {
  switch (operator) {
    case 'in':
      return (value as unknown[]).some(one => orderOf(actual, one) === 0);
    case 'contains':
      return String(actual).includes(String(value));
    case 'startsWith':
      return String(actual).startsWith(String(value));
    case 'eq':
      return orderOf(actual, value) === 0;
    case 'ne':
      return orderOf(actual, value) !== 0;
    case 'lt':
      return orderOf(actual, value) < 0;
    case 'lte':
      return orderOf(actual, value) <= 0;
    case 'gt':
      return orderOf(actual, value) > 0;
    default:
      return orderOf(actual, value) >= 0;
  }
}

/** Texts in the order of their bytes, as collation "C" has them; everything else as it is. */
export function orderOf(left: unknown, right: unknown): number {
  if (typeof left === 'string') return Buffer.compare(Buffer.from(left), Buffer.from(String(right)));
  const [one, other] = [Number(left), Number(right)];
  return one < other ? -1 : one > other ? 1 : 0;
}

/**
 * "The filter is unknown" as a filter, which has no operator of its own: a comparison is unknown of a null; a group is
 * when nothing decides it and something in it is unknown.
 */
export function unknown(asked: Filter<Things>): Filter<Things> {
  if ('not' in asked) return unknown(asked.not);
  if ('and' in asked || 'or' in asked) {
    const parts = 'and' in asked ? asked.and : asked.or;
    const undecided = parts.map(part => ({
      or: [unknown(part), certainly('and' in asked ? part : { not: part })],
    }));
    return { and: [...undecided, { or: parts.map(unknown) }] };
  }
  const { field, operator, value } = asked as { field: Field; operator: string; value: unknown };
  const isNeverUnknown = operator === 'isNull' || (operator === 'in' && (value as unknown[]).length === 0);
  return isNeverUnknown ? { field: 'id', operator: 'in', value: [] } : { field, operator: 'isNull', value: true };
}

/** "The filter holds" as one that is never unknown. */
function certainly(asked: Filter<Things>): Filter<Things> {
  return { and: [asked, { not: unknown(asked) }] };
}
