import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { sql } from 'kysely';
import { defineTable, parseListQuery, Repository, RepositoryFactory } from 'plinth/crud';
import { DatabaseManager } from 'plinth/database';
import { PlinthError } from 'plinth/errors';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';

const stored = '../shared/suites';

/** The payloads of the public lists, without comments and repetitions. */
function publicPayloads(): readonly string[] {
  if (!existsSync(`${stored}/blns/blns.json`) || !existsSync(`${stored}/waf/patt`)) return [];
  const lines = (text: string): string[] => text.split(/\r?\n/).filter(line => line !== '' && !line.startsWith('# '));
  const values = (file: string): string[] =>
    lines(readFileSync(`${stored}/waf/${file}`, 'utf8')).map(line => {
      const { value, uri } = JSON.parse(line) as { value?: string; uri?: string };
      return value ?? decodeLoosely(uri ?? '');
    });
  const lists = readdirSync(`${stored}/waf/patt`).flatMap(file =>
    lines(readFileSync(`${stored}/waf/patt/${file}`, 'utf8')),
  );
  const naughty = JSON.parse(readFileSync(`${stored}/blns/blns.json`, 'utf8')) as string[];
  return [...new Set([...naughty, ...lists, ...values('gotestwaf.jsonl'), ...values('crs-half.jsonl')])];
}

function decodeLoosely(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const ownPayloads = [
  `'`,
  `''`,
  `"`,
  `\\`,
  `\\'`,
  `';drop table products;--`,
  `"; drop table products; --`,
  `' or '1'='1`,
  `1 or 1=1`,
  `1; select pg_sleep(5)`,
  `' union select null, version(), null --`,
  `title" desc; drop table products; --`,
  `title) or (select 1)=1--`,
  `$1`,
  `$1::text`,
  `:title`,
  `?`,
  `%`,
  `_`,
  `%' or 1=1 --`,
  `/* comment */`,
  `--`,
  `$$;drop table products;$$`,
  `{1,2}`,
  `{"a"}`,
  `E'\\x27'`,
  `U&'\\0027'`,
  '\u0000',
  'a\u0000b',
  '\ud800',
  'ʼ or 1=1',
  '＇ or 1=1',
  '__proto__',
  'constructor',
  'null',
  'NaN',
  'Infinity',
  '1e309',
  '-0',
  '',
  ' ',
  '\n;drop table products\n',
  'x'.repeat(20_000),
];

const products = defineTable({
  name: 'products',
  schema: z.object({
    id: z.int(),
    title: z.string(),
    price: z.number().nullable(),
    token: z.uuid().nullable(),
    madeAt: z.date().nullable(),
    day: z.iso.date().nullable(),
    isOpen: z.boolean(),
    userId: z.string(),
  }),
  columns: {
    id: { key: true, generated: 'identity' },
    title: { filterable: true, sortable: true, searchable: true },
    price: { filterable: true, sortable: true },
    token: { filterable: true, sortable: true },
    madeAt: { filterable: true, sortable: true },
    day: { filterable: true, sortable: true },
    isOpen: { filterable: true, sortable: true },
  },
  owner: 'userId',
});
const pages = defineTable({
  name: 'pages',
  schema: z.object({ path: z.string(), hits: z.int() }),
  columns: { path: { key: true }, hits: { filterable: true } },
});

const fields = ['id', 'title', 'price', 'token', 'madeAt', 'day', 'isOpen'] as const;
const operators = ['eq', 'ne', 'lt', 'lte', 'gt', 'gte', 'in', 'contains', 'startsWith', 'isNull'] as const;

/** Every way in for a value, a name or a place in a list. Types are what a caller from outside would not keep to. */
function waysIn(database: DatabaseManager): Readonly<Record<string, (payload: string) => Promise<unknown>>> {
  const repository = new Repository(products, database);
  const owned = (payload: string) => repository.ownedBy(payload);
  const gathering = new RepositoryFactory(database, { gather: true }).create(pages);
  const list = (options: unknown) => repository.list(options as never);
  const cursor = (...parts: unknown[]) => Buffer.from(JSON.stringify(parts)).toString('base64url');
  const ways: Record<string, (payload: string) => Promise<unknown>> = {
    'key of a number': payload => repository.findById(payload as never),
    'key of a text': payload => new Repository(pages, database).findById(payload),
    'keys gathered': payload => Promise.all([gathering.findById(payload), gathering.findById(`${payload} `)]),
    owner: payload => owned(payload).list({ total: true }),
    'owner of a key': payload => owned(payload).findById(1),
    'update of a key': payload => new Repository(pages, database).update(payload, { hits: 1 }),
    'delete of a key': payload => new Repository(pages, database).delete(payload),
    search: search => list({ search }),
    'sort field': field => list({ sort: { field } }),
    'sort order': order => list({ sort: { field: 'title', order } }),
    sort: sort => list({ sort }),
    page: page => list({ pagination: { page } }),
    size: size => list({ pagination: { size } }),
    cursor: payload => list({ pagination: { cursor: payload } }),
    'cursor of another sort': payload => list({ pagination: { cursor: cursor(1, payload, '1') } }),
    'cursor with a value': payload => list({ pagination: { cursor: cursor(1, 'id', payload) } }),
    'cursor with a text': payload =>
      list({ sort: { field: 'title' }, pagination: { cursor: cursor(1, 'title,id', payload, '1') } }),
    'filter field': field => list({ filters: { field, operator: 'eq', value: 1 } }),
    'filter operator': operator => list({ filters: { field: 'title', operator, value: 'x' } }),
    filter: filters => list({ filters }),
    'filter group': payload => list({ filters: { [payload]: [] } }),
    'field of an insert': payload => repository.insert({ [payload]: payload } as never),
    'field of an update': payload => repository.update(1, { [payload]: payload } as never),
    'field of a conflict': payload =>
      repository.upsert({ title: 'x', isOpen: true, userId: 'x' }, { conflict: [payload as never] }),
    'name of a parameter': payload => list(parseListQuery(products, { [payload]: 'x' })),
    'sort parameter': sort => list(parseListQuery(products, { sort })),
    'field of a parameter': payload => list(parseListQuery(products, { [`filter[${payload}][eq]`]: 'x' })),
    'operator of a parameter': payload => list(parseListQuery(products, { [`filter[title][${payload}]`]: 'x' })),
    'bulk change': payload =>
      repository.updateMany({ field: 'title', operator: 'eq', value: `none ${payload}` }, { title: payload }),
    'bulk deletion': payload => repository.deleteMany({ field: 'title', operator: 'eq', value: `none ${payload}` }),
  };
  for (const name of ['page', 'size', 'cursor', 'search', 'total'])
    ways[`parameter ${name}`] = payload => list(parseListQuery(products, { [name]: payload }));
  for (const field of fields) {
    for (const operator of operators) {
      ways[`${field} ${operator}`] = payload =>
        list({ filters: { field, operator, value: operator === 'in' ? [payload] : payload } });
    }
    ways[`parameter for ${field}`] = payload => list(parseListQuery(products, { [`filter[${field}][eq]`]: payload }));
  }
  return ways;
}

describe('hostile values', () => {
  const database = new DatabaseManager();
  const payloads = [...new Set([...ownPayloads, ...publicPayloads()])];
  let texts: string[] = [];

  beforeAll(async () => {
    await database.open();
    await sql
      .raw(
        `create table products (id int generated always as identity primary key, title text not null, price numeric,
          token uuid, made_at timestamptz, day date, is_open boolean not null, user_id text not null);
         create table pages (path text primary key, hits int not null)`,
      )
      .execute(database.db);
    database.events.on('query', event => texts.push(event.sql));
  });

  afterAll(() => database.close());

  beforeEach(async () => {
    await sql`truncate products, pages restart identity`.execute(database.db);
    texts = [];
  });

  it.skipIf(publicPayloads().length === 0)('come from public lists of more than 1,000 (../shared/suites)', () => {
    expect(publicPayloads().length).toBeGreaterThan(1_000);
  });

  it('never reach the text of a statement, and never fail in the database', { timeout: 300_000 }, async () => {
    const ways = waysIn(database);
    const surprises: string[] = [];
    for (const [way, attempt] of Object.entries(ways)) {
      const run = async (payload: string): Promise<unknown> => await attempt(payload);
      texts = [];
      await run('harmless').catch(() => undefined);
      const known = new Set(texts);
      for (const payload of payloads) {
        texts = [];
        const error = await run(payload).then(
          () => undefined,
          (reason: unknown) => reason,
        );
        // Refused with an error of ours before a statement, or run as the very text that a harmless value runs as: a
        // payload that happens to be right, such as `title` or `1`, may run another one of the same length of list.
        if (error !== undefined && !(error instanceof PlinthError)) surprises.push(`${way}: ${payload}: ${error}`);
        if (error instanceof PlinthError && !ownErrors.has(error.code)) surprises.push(`${way}: ${payload}: ${error}`);
        for (const text of texts) {
          if (!known.has(text) && !isMeaningful(payload)) surprises.push(`${way}: ${payload}: ${text}`);
        }
      }
    }
    expect(surprises).toEqual([]);
    expect((await sql`select 1 from products limit 1`.execute(database.db)).rows).toEqual([]);
  });

  it('are stored and found again as they are', { timeout: 300_000 }, async () => {
    const repository = new Repository(products, database).ownedBy(`o'wner`);
    const titles = payloads.filter(
      payload => !payload.includes('\0') && payload.length <= 1_000 && !/\p{Surrogate}/u.test(payload),
    );
    for (let start = 0; start < titles.length; start += 500) {
      await repository.insertMany(titles.slice(start, start + 500).map(title => ({ title, isOpen: true })));
    }
    expect(await repository.count()).toBe(titles.length);
    for (const title of titles) {
      const { items } = await repository.list({ filters: { field: 'title', operator: 'eq', value: title } });
      expect(items.map(item => item.title)).toEqual([title]);
    }
    for (const value of titles.filter((_, index) => index % 7 === 0)) {
      const contains = await repository.count({ field: 'title', operator: 'contains', value });
      const startsWith = await repository.count({ field: 'title', operator: 'startsWith', value });
      expect([value, contains, startsWith]).toEqual([
        value,
        titles.filter(title => title.includes(value)).length,
        titles.filter(title => title.startsWith(value)).length,
      ]);
    }
    const all: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await repository.list({
        sort: { field: 'title', order: 'desc' },
        pagination: { size: 100, cursor },
      });
      all.push(...page.items.map(({ title }) => title));
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    expect(all.toSorted()).toEqual(titles.toSorted());
  });

  it('never become a name', () => {
    const accepted: string[] = [];
    for (const payload of payloads) {
      const schema = z.object({ id: z.int() });
      const attempts = [
        () => defineTable({ name: payload, schema, columns: { id: { key: true } } }),
        () => defineTable({ name: 't', schema, columns: { id: { key: true, column: payload } } }),
        () =>
          defineTable({
            name: 't',
            schema: z.object({ id: z.int(), [payload]: z.string() }),
            columns: { id: { key: true } },
          }),
      ];
      for (const attempt of attempts) {
        try {
          attempt();
          accepted.push(payload);
        } catch (error) {
          expect(error).toMatchObject({ code: 'INVALID_ARGUMENT' });
        }
      }
    }
    expect(accepted.filter(name => !/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name))).toEqual([]);
  });
});

/** What a caller may be told: the request was wrong, or it is not there. */
const ownErrors: ReadonlySet<string> = new Set(['VALIDATION_ERROR', 'INVALID_ARGUMENT', 'NOT_FOUND']);

/** Payloads that are a right answer somewhere: a field, an order, an operator, a number, true. */
function isMeaningful(payload: string): boolean {
  return /^(?:-?[a-zA-Z]+|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|)$/.test(payload);
}
