import { defineTable, type Filter, type Insert, type Key, type Row, type Table, type Update } from 'plinth/crud';
import { describe, expectTypeOf, it } from 'vitest';
import { z } from 'zod';

// The compiler is the test: a line below `@ts-expect-error` that compiles is an error. Nothing here is run.

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
type Users = typeof users;

describe('defineTable()', () => {
  it('gives types to rows, inserts, updates, keys and filters', () => {
    const row = {} as Row<Users>;
    row satisfies { readonly role: 'admin' | 'user'; readonly nick: string | null; readonly createdAt: Date };
    const minimal: Insert<Users> = { email: 'a@example.com' };
    const change: Update<Users> = { nick: null, role: 'admin' };
    const key: Key<Users> = 3;
    const filter: Filter<Users> = { not: { field: 'email', operator: 'startsWith', value: 'a' } };
    // @ts-expect-error: not filterable
    const unfiltered: Filter<Users> = { field: 'nick', operator: 'eq', value: 'a' };
    // @ts-expect-error: generated
    const generated: Insert<Users> = { email: 'a@example.com', createdAt: new Date(0) };
    // @ts-expect-error: the owner stays
    const owner: Update<Users> = { ownerId: 'you' };
    // @ts-expect-error: immutable
    const immutable: Update<Users> = { email: 'b@example.com' };
    // @ts-expect-error: a number
    const text: Key<Users> = '3';
    // @ts-expect-error: text only
    const contains: Filter<Users> = { field: 'id', operator: 'contains', value: '3' };
    const any: Table = users;
    const all = [minimal, change, key, filter, unfiltered, generated, owner, immutable, text, contains, any];
    expectTypeOf(all).toBeArray();
  });
});
