import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineTable } from './define-table.ts';
import { Repository } from './repository.ts';

const users = defineTable({
  name: 'app.users',
  schema: z.object({
    id: z.int(),
    email: z.email(),
    nick: z.string().nullable(),
    role: z.enum(['admin', 'user']).default('user'),
    address2: z.object({ city: z.string() }).nullish(),
    createdAt: z.date(),
    ownerId: z.string(),
    version: z.int(),
    deletedAt: z.date().nullable(),
  }),
  columns: {
    id: { key: true, generated: 'identity' },
    email: { filterable: true, sortable: true, searchable: true, immutable: true },
    createdAt: { generated: 'now', sortable: true },
  },
  owner: 'ownerId',
  version: 'version',
  softDelete: 'deletedAt',
});

describe('defineTable()', () => {
  it('gives defaults to new rows only: what a change leaves out stays as it is', () => {
    const nested = defineTable({
      name: 'things',
      schema: z.object({
        id: z.int(),
        tags: z.array(z.string()).default([]),
        note: z.string().default('none').nullable(),
        size: z.int().prefault(3).optional(),
      }),
      columns: { id: { key: true, generated: 'identity' } },
    });
    expect(users.updateSchema.parse({ nick: 'ada' })).toEqual({ nick: 'ada' });
    expect(nested.updateSchema.parse({})).toEqual({});
    expect(nested.updateSchema.parse({ note: null, tags: ['a'] })).toEqual({ note: null, tags: ['a'] });
    expect(nested.updateSchema.safeParse({ tags: 'a' }).success).toBe(false);
    expect(users.insertSchema.parse({ email: 'a@example.com', ownerId: 'o' })).toMatchObject({ role: 'user' });
  });

  it('names columns in snake_case, with quotes, and a row after the table', () => {
    expect(users.quotedName).toBe('"app"."users"');
    expect(users.resource).toBe('User');
    expect([...users.columns.values()].map(({ quoted }) => quoted)).toEqual(
      ['id', 'email', 'nick', 'role', 'address2', 'created_at', 'owner_id', 'version', 'deleted_at'].map(
        name => `"${name}"`,
      ),
    );
    expect(users.columns.get('email')).toMatchObject({ isUpdatable: false, isInsertable: true, isSearchable: true });
  });

  it('makes schemas: an insert with defaults, an update without', () => {
    expect(users.insertSchema.parse({ email: 'a@example.com' })).toEqual({
      email: 'a@example.com',
      nick: null,
      role: 'user',
    });
    expect(users.insertSchema.safeParse({ email: 'a@example.com', version: 3 }).success).toBe(false);
    expect(users.updateSchema.safeParse({ email: 'a@example.com' }).success).toBe(false);
  });

  it('describes list requests flat, for OpenAPI', () => {
    const { properties = {} } = z.toJSONSchema(users.querySchema, { io: 'input' });
    expect(Object.keys(properties)).toEqual([
      'page',
      'size',
      'cursor',
      'sort',
      'total',
      'search',
      ...['eq', 'ne', 'lt', 'lte', 'gt', 'gte', 'in'].map(operator => `filter[id][${operator}]`),
      ...['eq', 'ne', 'lt', 'lte', 'gt', 'gte', 'in', 'contains', 'startsWith'].map(
        operator => `filter[email][${operator}]`,
      ),
    ]);
  });

  const id = z.int();
  it.each<[string, () => unknown, string]>([
    ['no key', () => defineTable({ name: 't', schema: z.object({ id }), columns: {} }), 'exactly one column'],
    [
      'two keys',
      () =>
        defineTable({ name: 't', schema: z.object({ id, b: id }), columns: { id: { key: true }, b: { key: true } } }),
      'exactly one column',
    ],
    [
      'a type without a column',
      () => defineTable({ name: 't', schema: z.object({ id, b: z.map(id, id) }), columns: { id: { key: true } } }),
      'Cannot keep t.b in a column',
    ],
    [
      'a document to filter by',
      () =>
        defineTable({
          name: 't',
          schema: z.object({ id, b: z.object({}) }),
          columns: { id: { key: true }, b: { filterable: true } },
        }),
      'it holds a document',
    ],
    [
      'a soft delete that is no date',
      () => defineTable({ name: 't', schema: z.object({ id }), columns: { id: { key: true } }, softDelete: 'id' }),
      'z.date().nullable()',
    ],
    [
      'a field that may be missing where a column holds null',
      () =>
        defineTable({ name: 't', schema: z.object({ id, b: z.string().optional() }), columns: { id: { key: true } } }),
      'Cannot keep t.b as optional()',
    ],
    [
      'two fields of one column',
      () =>
        defineTable({
          name: 't',
          schema: z.object({ id, b: id }),
          columns: { id: { key: true }, b: { column: 'id' } },
        }),
      'two fields',
    ],
    [
      'a column of no field',
      () => defineTable({ name: 't', schema: z.object({ id }), columns: { id: { key: true }, x: {} } as never }),
      'no field x',
    ],
  ])('refuses %s', (_, define, message) => {
    expect(define).toThrow(message);
  });
});

describe('Repository', () => {
  it('refuses limits that cannot work', () => {
    expect(() => new Repository(users, {} as never, { maxPageSize: 0 })).toThrow('maxPageSize');
  });
});
