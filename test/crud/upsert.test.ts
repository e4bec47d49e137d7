import { sql } from 'kysely';
import { defineTable, Repository } from 'plinth/crud';
import { DuplicateError } from 'plinth/errors';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { onEveryDatabase } from './world.ts';

const members = defineTable({
  name: 'members',
  schema: z.object({
    id: z.int(),
    email: z.string(),
    nick: z.string().nullable(),
    role: z.enum(['admin', 'user']).default('user'),
    invitedBy: z.string().default('nobody'),
    version: z.int(),
    deletedAt: z.date().nullable(),
  }),
  columns: { id: { key: true, generated: 'identity' }, invitedBy: { immutable: true } },
  version: 'version',
  softDelete: 'deletedAt',
});

const pages = defineTable({
  name: 'pages',
  schema: z.object({ id: z.int(), userId: z.int(), slug: z.string(), title: z.string() }),
  columns: { id: { key: true, generated: 'identity' } },
  owner: 'userId',
});

const tables = `
  create table members (
    id int generated always as identity primary key, email text not null, nick text, role text not null,
    invited_by text not null, version int not null, deleted_at timestamptz);
  create table pages (
    id int generated always as identity primary key, user_id int not null, slug text not null unique, title text not null)`;

/** The unique indexes that a table with soft delete may have. */
const indexes = {
  'all rows': ['create unique index members_all on members (email)'],
  'rows that are not deleted': ['create unique index members_live on members (email) where deleted_at is null'],
  'both of them': [
    'create unique index members_all on members (email)',
    'create unique index members_live on members (email) where deleted_at is null',
  ],
} as const;

onEveryDatabase(engine => {
  let repository: Repository<typeof members>;
  const byEmail = { conflict: ['email'] } as const;

  beforeAll(async () => {
    await sql.raw(tables).execute(engine.database.db);
    repository = new Repository(members, engine.database);
  });

  beforeEach(async () => {
    await sql`truncate members, pages restart identity`.execute(engine.database.db);
    await sql`drop index if exists members_all, members_live`.execute(engine.database.db);
  });

  describe.each(Object.entries(indexes))('an upsert over a unique index of %s', (covered, statements) => {
    beforeEach(async () => {
      for (const statement of statements) await sql.raw(statement).execute(engine.database.db);
      await repository.insert({ email: 'ada', nick: 'Ada', role: 'admin', invitedBy: 'grace' });
    });

    it('changes what was given, and nothing else', async () => {
      expect(await repository.upsert({ email: 'ada' }, byEmail)).toMatchObject({ id: 1, nick: 'Ada', role: 'admin' });
      const changed = await repository.upsert({ email: 'ada', nick: 'A.', role: undefined, invitedBy: 'me' }, byEmail);
      expect(changed).toMatchObject({ id: 1, nick: 'A.', role: 'admin', invitedBy: 'grace', version: 3 });
      expect(await repository.upsert({ email: 'ada', nick: null, role: 'user' }, byEmail)).toMatchObject({
        nick: null,
        role: 'user',
      });
      expect(await repository.list()).toMatchObject({ items: [{ id: 1 }] });
    });

    it('inserts a row with its defaults when there is none', async () => {
      expect(await repository.upsert({ email: 'bob' }, byEmail)).toMatchObject({
        nick: null,
        role: 'user',
        invitedBy: 'nobody',
        version: 1,
      });
    });

    it('leaves a deleted row alone', async () => {
      await repository.delete(1);
      const before = await repository.withDeleted().findById(1);
      const outcome = repository.upsert({ email: 'ada', nick: 'new' }, byEmail);
      if (covered === 'rows that are not deleted') expect(await outcome).toMatchObject({ nick: 'new', version: 1 });
      else await expect(outcome).rejects.toBeInstanceOf(DuplicateError);
      expect(await repository.withDeleted().findById(1)).toEqual(before);
    });
  });

  describe('an upsert over a table with an owner', () => {
    it('never changes the row of another owner, whoever asks', async () => {
      const repository = new Repository(pages, engine.database);
      const bySlug = { conflict: ['slug'] } as const;
      const kept = await repository.ownedBy(1).insert({ slug: 's', title: 'of one' });
      const theft = { slug: 's', title: 'of two' };
      await expect(repository.ownedBy(2).upsert(theft, bySlug)).rejects.toBeInstanceOf(DuplicateError);
      const byAll = repository.forAllOwners().upsert({ userId: 2, ...theft }, bySlug);
      await expect(byAll).rejects.toBeInstanceOf(DuplicateError);
      await expect(byAll).rejects.toMatchObject({ field: 'slug' });
      expect(await repository.ownedBy(1).findById(kept.id)).toEqual(kept);
      expect(await repository.forAllOwners().upsert({ userId: 1, slug: 's', title: 'new' }, bySlug)).toEqual({
        ...kept,
        title: 'new',
      });
    });
  });
});
