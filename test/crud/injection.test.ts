import { sql } from 'kysely';
import { BaseService, defineTable, parseListQuery, Repository, RepositoryFactory } from 'plinth/crud';
import type { DatabaseManager } from 'plinth/database';
import { PlinthError, ValidationError } from 'plinth/errors';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { naughtyStrings, ownPayloads, publicPayloads } from './hostile-payloads.ts';
import { onEveryDatabase } from './world.ts';

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
    mood: z.enum(['calm', 'loud']).nullable(),
    address: z.string().nullable(),
    serial: z.string().nullable(),
    notes: z.unknown().nullable(),
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
    mood: { filterable: true, sortable: true, searchable: true },
    address: { filterable: true, sortable: true, searchable: true },
    serial: { filterable: true, sortable: true, searchable: true },
  },
  owner: 'userId',
});
const pages = defineTable({
  name: 'pages',
  schema: z.object({ path: z.string(), hits: z.int(), deletedAt: z.date().nullable(), version: z.int() }),
  columns: { path: { key: true }, hits: { filterable: true } },
  softDelete: 'deletedAt',
  version: 'version',
});
const tables = `
  create type mood as enum ('calm', 'loud');
  create table products (id int generated always as identity primary key, title text not null, price numeric,
    token uuid, made_at timestamptz, day date, is_open boolean not null, mood mood, address inet, serial bigint,
    notes jsonb, user_id text not null);
  create table pages (path text primary key, hits int not null, deleted_at timestamptz, version int not null);`;

const fields = ['id', 'title', 'price', 'token', 'madeAt', 'day', 'isOpen', 'mood', 'address', 'serial'] as const;
const operators = ['eq', 'ne', 'lt', 'lte', 'gt', 'gte', 'in', 'contains', 'startsWith', 'isNull'] as const;

type WaysIn = Record<string, (payload: string) => Promise<unknown>>;

/** Every way in for a value, a name or a place in a list. Types are what a caller from outside would not keep to. */
function waysIn(database: DatabaseManager): Readonly<WaysIn> {
  const repository = new Repository(products, database).forAllOwners();
  const list = (options: unknown) => repository.list(options as never);
  const cursor = (...parts: unknown[]) => Buffer.from(JSON.stringify(parts)).toString('base64url');
  const ways: WaysIn = {
    ...keys(database),
    search: search => list({ search }),
    'sort field': field => list({ sort: { field } }),
    'sort order': order => list({ sort: { field: 'title', order } }),
    sort: sort => list({ sort }),
    page: page => list({ pagination: { page } }),
    size: size => list({ pagination: { size } }),
    cursor: payload => list({ pagination: { cursor: payload } }),
    'cursor of another sort': payload => list({ pagination: { cursor: cursor(1, payload, '1') } }),
    'filter field': field => list({ filters: { field, operator: 'eq', value: 1 } }),
    'filter operator': operator => list({ filters: { field: 'title', operator, value: 'x' } }),
    filter: filters => list({ filters }),
    'filter group': payload => list({ filters: { [payload]: [] } }),
    'filter in groups': value => list({ filters: { or: [{ not: { and: [titled(value)] } }] } }),
    'field of an insert': payload => repository.insert({ [payload]: payload } as never),
    'field of an update': payload => repository.update(1, { [payload]: payload } as never),
    'field of a conflict': payload =>
      repository.upsert({ title: 'x', isOpen: true, userId: 'x' }, { conflict: [payload as never] }),
    'name of a parameter': payload => list(parseListQuery(products, { [payload]: 'x' })),
    'sort parameter': sort => list(parseListQuery(products, { sort })),
    'field of a parameter': payload => list(parseListQuery(products, { [`filter[${payload}][eq]`]: 'x' })),
    'operator of a parameter': payload => list(parseListQuery(products, { [`filter[title][${payload}]`]: 'x' })),
    'filter of a count': value => repository.count(titled(value)),
    'filter of one': value => repository.findOne(titled(value)),
    'filter of any': value => repository.exists(titled(value)),
    'bulk change': payload => repository.updateMany(titled(`none ${payload}`), { title: payload }),
    'bulk deletion': payload => repository.deleteMany(titled(`none ${payload}`)),
    'service list': value => new BaseService(repository).getAll({ filters: titled(value), total: true }),
  };
  for (const name of ['page', 'size', 'cursor', 'search', 'total'])
    ways[`parameter ${name}`] = payload => list(parseListQuery(products, { [name]: payload }));
  for (const field of fields) {
    ways[`cursor with ${field}`] = payload =>
      list({ sort: { field }, pagination: { cursor: cursor(1, field === 'id' ? 'id' : `${field},id`, payload, '1') } });
    for (const operator of operators) {
      ways[`${field} ${operator}`] = payload =>
        list({ filters: { field, operator, value: operator === 'in' ? [payload] : payload } });
      ways[`parameter for ${field} ${operator}`] = payload =>
        list(parseListQuery(products, { [`filter[${field}][${operator}]`]: payload }));
    }
    ways[`${field} of a list`] = payload => list({ filters: { field, operator: 'eq', value: [payload] } });
    ways[`${field} of an object`] = payload =>
      list({ filters: { field, operator: 'eq', value: { [payload]: payload } } });
    ways[`${field} in lists`] = payload => list({ filters: { field, operator: 'in', value: [[payload], payload] } });
  }
  return ways;
}

function titled(value: string) {
  return { field: 'title', operator: 'eq', value } as const;
}

/** The ways in for keys, owners and versions. */
function keys(database: DatabaseManager): WaysIn {
  const owned = new Repository(products, database);
  const repository = new Repository(pages, database);
  const service = new BaseService(repository);
  const gathering = new RepositoryFactory(database, { gather: true }).create(pages);
  return {
    'key of a number': payload => owned.forAllOwners().findById(payload as never),
    'key of a text': payload => repository.findById(payload),
    'keys gathered': payload => Promise.all([gathering.findById(payload), gathering.findById(`${payload} `)]),
    owner: async payload => owned.ownedBy(payload).list({ total: true }),
    'owner of a key': async payload => owned.ownedBy(payload).findById(1),
    'owner of a change': async payload => owned.ownedBy(payload).update(1, { title: 'x' }),
    'update of a key': payload => repository.update(payload, { hits: 1 }),
    'delete of a key': payload => repository.delete(payload),
    'restore of a key': payload => repository.restore(payload),
    'purge of a key': payload => repository.purge(payload),
    'version of a change': payload => repository.update('x', { hits: 1 }, { expectedVersion: payload as never }),
    'key of a service': payload => service.getById(payload),
    'change by a service': payload => service.update(payload, { hits: 1 }, { expectedVersion: 1 }),
    'deletion by a service': payload => service.delete(payload),
  };
}

const payloads = [...new Set([...ownPayloads, ...publicPayloads()])];
/** How many attempts are made at once. */
const batchSize = 100;
/** All of them in every way: four minutes. Otherwise other columns than texts take turns, a tenth of the list each. */
const isThorough = process.env['PLINTH_ALL_PAYLOADS'] === '1';

describe('the public lists', () => {
  it.skipIf(publicPayloads().length === 0)('hold 515 naughty strings and 2,000 payloads (../shared/suites)', () => {
    const naughty = new Set(naughtyStrings());
    expect(naughty.size).toBeGreaterThan(500);
    expect(publicPayloads().filter(payload => !naughty.has(payload)).length).toBeGreaterThan(2_000);
  });
});

onEveryDatabase(engine => {
  describe('hostile values', () => {
    let texts: string[] = [];

    beforeAll(async () => {
      await sql.raw(tables).execute(engine.database.db);
      engine.database.events.on('query', event => texts.push(event.sql));
    });

    beforeEach(async () => {
      await sql`truncate products, pages restart identity`.execute(engine.database.db);
    });

    it('never reach the text of a statement, and never fail in the database', { timeout: 300_000 }, async () => {
      const surprises: string[] = [];
      let attempts = 0;
      for (const [turn, [way, attempt]] of Object.entries(waysIn(engine.database)).entries()) {
        const isForAll =
          isThorough || !/^(?:parameter for [a-zA-Z]+|(?!title)[a-zA-Z]+) (?:of an? |in lists|[a-zA-Z]+$)/.test(way);
        const chosen = isForAll ? payloads : payloads.filter((_, index) => (index + turn) % 10 === 0);
        attempts += chosen.length;
        const errorOf = async (payload: string): Promise<unknown> => {
          try {
            await attempt(payload);
            return undefined;
          } catch (error) {
            return error;
          }
        };
        texts = [];
        await errorOf('harmless');
        const known = new Set(texts);
        // A payload that happens to be right, such as `title` or `1`, may run a text of its own.
        const strange = chosen.filter(payload => !isMeaningful(payload));
        const groups = [chosen.filter(isMeaningful)];
        for (let start = 0; start < strange.length; start += batchSize)
          groups.push(strange.slice(start, start + batchSize));
        for (const group of groups) {
          texts = [];
          const errors = await Promise.all(group.map(errorOf));
          // Refused with an error of ours before a statement, or run as the very text that a harmless value runs as.
          for (const [index, error] of errors.entries()) {
            if (error === undefined || (error instanceof PlinthError && ownErrors.has(error.code))) continue;
            surprises.push(`${way}: ${group[index]}: ${error}`);
          }
          const others = group === groups[0] ? [] : texts.filter(text => !known.has(text));
          surprises.push(...others.map(text => `${way}: ${text}`));
        }
      }
      expect(surprises).toEqual([]);
      expect(attempts).toBeGreaterThan(publicPayloads().length * 40);
      expect((await sql`select 1 from products limit 1`.execute(engine.database.db)).rows).toEqual([]);
    });

    it('are stored and found again byte by byte, or refused before the database', { timeout: 300_000 }, async () => {
      const repository = new Repository(products, engine.database).ownedBy(`o'wner`);
      const byPath = new Repository(pages, engine.database);
      const refused = payloads.filter(payload => payload.includes('\0') || /\p{Surrogate}/u.test(payload));
      expect(refused.length).toBeGreaterThan(2);
      for (const text of refused) {
        for (const attempt of [
          repository.insert({ title: text, isOpen: true }),
          repository.insertMany([{ title: text, isOpen: true }]),
          repository.insert({ title: 'x', isOpen: true, notes: [{ [text]: text }] }),
          repository.updateMany([], { title: text }, { all: true }),
          byPath.upsert({ path: text, hits: 1 }, { conflict: ['path'] }),
        ]) {
          await expect(attempt).rejects.toBeInstanceOf(ValidationError);
        }
      }
      const titles = payloads.filter(payload => !refused.includes(payload));
      for (let start = 0; start < titles.length; start += 500) {
        const part = titles.slice(start, start + 500);
        const rows = await repository.insertMany(
          part.map(title => ({ title, isOpen: true, notes: { [title]: title } })),
        );
        expect(rows.map(({ title, notes }) => [title, notes])).toEqual(part.map(title => [title, { [title]: title }]));
        const [stored, upserted, read] = [
          await Promise.all(part.map(path => byPath.insert({ path, hits: 1 }))),
          await Promise.all(part.map(path => byPath.upsert({ path, hits: 2 }, { conflict: ['path'] }))),
          await Promise.all(part.filter(isShort).map(path => byPath.findById(path))),
        ];
        expect(stored.map(({ path }) => path)).toEqual(part);
        expect(upserted.map(({ path, hits }) => [path, hits])).toEqual(part.map(path => [path, 2]));
        expect(read.map(row => row?.path)).toEqual(part.filter(isShort));
      }
      expect(await repository.count()).toBe(titles.length);
      for (const title of titles.filter((text, index) => isShort(text) && (isThorough || index % 3 === 0))) {
        const { items } = await repository.list({ filters: { field: 'title', operator: 'eq', value: title } });
        expect(items.map(item => item.title)).toEqual([title]);
      }
      for (const value of titles.filter((text, index) => index % 14 === 0 && isShort(text))) {
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
          pagination: { size: 23, cursor },
        });
        all.push(...page.items.map(({ title }) => title));
        cursor = page.nextCursor;
      } while (cursor !== undefined);
      expect(all.toSorted()).toEqual(titles.toSorted());
    });
  });
});

describe('hostile names', () => {
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

/** Whether a filter takes it. */
function isShort(text: string): boolean {
  return text.length <= 1_000;
}

/** What a caller may be told: the request was wrong, or it is not there. */
const ownErrors: ReadonlySet<string> = new Set(['VALIDATION_ERROR', 'INVALID_ARGUMENT', 'NOT_FOUND']);

/** Payloads that are a right answer somewhere: a field, an order, an operator, numbers, true. */
function isMeaningful(payload: string): boolean {
  return /^(?:-?[a-zA-Z]+|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?:,\d+(?:\.\d+)?)*|)$/.test(payload);
}
