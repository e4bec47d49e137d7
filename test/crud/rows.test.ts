import { BaseService, Repository, StillReferencedError, VersionConflictError } from 'plinth/crud';
import { DuplicateError, NotFoundError, ValidationError } from 'plinth/errors';
import { describe, expect, it } from 'vitest';
import { AdsRepository, type ads, notes, onEveryEngine } from './world.ts';

onEveryEngine(world => {
  describe('rows', () => {
    it('come back as they were stored, with what was generated and what was left out', async () => {
      const row = await world.mine.insert({
        title: `quote ' and \\ and "`,
        budget: 12.5,
        startsOn: '2026-01-15',
        details: { tags: ['ü', '\\u0000'] },
      });
      expect(row).toEqual({
        id: 1,
        userId: 'me',
        title: `quote ' and \\ and "`,
        clicks: 0,
        budget: 12.5,
        isActive: true,
        startsOn: '2026-01-15',
        details: { tags: ['ü', '\\u0000'] },
        createdAt: expect.any(Date),
        updatedAt: expect.any(Date),
        version: 1,
        deletedAt: null,
      });
      expect(await world.mine.findById(1)).toEqual(row);
      expect(await world.mine.findOne({ field: 'title', operator: 'eq', value: row.title })).toEqual(row);
      expect(Object.keys(await world.mine.insert({ title: 'bare' }))).toEqual(Object.keys(row));
    });

    it('are inserted many at once, in order, all or none', async () => {
      const rows = await world.mine.insertMany(
        Array.from({ length: 500 }, (_, index) => ({ title: `t${index}`, details: { tags: [`${index}`] } })),
      );
      expect(rows.map(({ title }) => title)).toEqual(Array.from({ length: 500 }, (_, index) => `t${index}`));
      expect(rows[7]).toMatchObject({ clicks: 0, version: 1, details: { tags: ['7'] }, userId: 'me' });
      await expect(world.mine.insertMany([{ title: 'new' }, { title: 't3' }])).rejects.toBeInstanceOf(DuplicateError);
      await expect(world.mine.insertMany([{ title: 'new' }, { title: '' }])).rejects.toMatchObject({
        fieldErrors: { '[1].title': expect.any(String) },
      });
      expect(await world.mine.count()).toBe(500);
    });

    it('change in part, and only in what was given', async () => {
      await world.mine.insert({ title: 'a', clicks: 5, isActive: false });
      const changed = await world.mine.update(1, { title: 'b', clicks: undefined });
      expect(changed).toMatchObject({ title: 'b', clicks: 5, isActive: false, version: 2 });
      expect(await world.mine.update(99, { title: 'b' })).toBeUndefined();
      await expect(world.mine.update(1, {})).rejects.toBeInstanceOf(ValidationError);
    });

    it('refuse a change that is based on an old version', async () => {
      await world.mine.insert({ title: 'a' });
      await world.mine.update(1, { clicks: 1 }, { expectedVersion: 1 });
      const late = world.mine.update(1, { clicks: 2 }, { expectedVersion: 1 });
      await expect(late).rejects.toBeInstanceOf(VersionConflictError);
      await expect(late).rejects.toMatchObject({ expectedVersion: 1, resourceId: '1', resourceType: 'Ad' });
      await expect(world.mine.delete(1, { expectedVersion: 1 })).rejects.toBeInstanceOf(VersionConflictError);
      expect(await world.mine.findById(1)).toMatchObject({ clicks: 1, version: 2 });
      const results = await Promise.allSettled(
        Array.from({ length: 8 }, (_, clicks) => world.mine.update(1, { clicks }, { expectedVersion: 2 })),
      );
      expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    });

    it('disappear softly, come back, and go for good', async () => {
      await world.mine.insertMany([{ title: 'a' }, { title: 'b' }]);
      expect(await world.mine.delete(1)).toBe(true);
      expect(await world.mine.delete(1)).toBe(false);
      expect([
        await world.mine.findById(1),
        await world.mine.count(),
        await world.mine.update(1, { title: 'x' }),
      ]).toEqual([undefined, 1, undefined]);
      expect(await world.mine.withDeleted().findById(1)).toMatchObject({ title: 'a', deletedAt: expect.any(Date) });
      expect(await world.mine.restore(1)).toMatchObject({ deletedAt: null });
      expect(await world.mine.restore(1)).toBeUndefined();
      expect([await world.mine.purge(1), await world.mine.purge(1)]).toEqual([true, false]);
      expect(await world.mine.withDeleted().count()).toBe(1);
    });

    it('change and go by filter, but not all of them by mistake', async () => {
      await world.mine.insertMany([
        { title: 'a', clicks: 1 },
        { title: 'b', clicks: 2 },
        { title: 'c', clicks: 3 },
      ]);
      expect(await world.mine.updateMany({ field: 'clicks', operator: 'gte', value: 2 }, { isActive: false })).toBe(2);
      expect(await world.mine.deleteMany({ field: 'isActive', operator: 'eq', value: false })).toBe(2);
      await expect(world.mine.updateMany([], { clicks: 0 })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
      await expect(world.mine.deleteMany([])).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
      expect(await world.mine.deleteMany([], { all: true })).toBe(1);
    });

    it('are inserted or changed by upsert', async () => {
      const conflict = { conflict: ['userId', 'title'] as const };
      expect(await world.mine.upsert({ title: 'a', clicks: 1 }, conflict)).toMatchObject({ id: 1, version: 1 });
      expect(await world.mine.upsert({ title: 'a', clicks: 7 }, conflict)).toMatchObject({
        id: 1,
        clicks: 7,
        version: 2,
      });
      await world.mine.delete(1);
      await expect(world.mine.upsert({ title: 'a' }, conflict)).rejects.toBeInstanceOf(DuplicateError);
    });
  });

  describe('errors', () => {
    it('name each field that is wrong', async () => {
      const failure = world.mine.insert({ title: '', clicks: -1, id: 5, isAdmin: true } as never);
      await expect(failure).rejects.toBeInstanceOf(ValidationError);
      await expect(failure).rejects.toMatchObject({
        fieldErrors: {
          title: expect.any(String),
          clicks: expect.any(String),
          id: 'It cannot be set',
          isAdmin: 'It cannot be set',
        },
      });
      await expect(world.mine.update(1, { userId: 'you', version: 9 } as never)).rejects.toMatchObject({
        fieldErrors: { userId: 'It cannot be set', version: 'It cannot be set' },
      });
      await expect(world.mine.insert({ title: 'zero \0 byte' })).rejects.toMatchObject({
        fieldErrors: { title: expect.any(String) },
      });
      await expect(world.mine.insert({ title: 'x', details: { tags: ['\0'] } })).rejects.toMatchObject({
        fieldErrors: { details: expect.any(String) },
      });
    });

    it('name the field that is not unique, and not its value', async () => {
      await world.mine.insert({ title: 'secret title' });
      const error = await world.mine.insert({ title: 'secret title' }).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(DuplicateError);
      expect(error).toMatchObject({ resourceType: 'Ad', field: 'title', value: 'secret title' });
      expect(JSON.stringify(error)).not.toContain('secret');
    });

    it('name the field that refers to nothing, and the rule that is broken', async () => {
      const repository = new Repository(notes, world.database);
      await expect(repository.insert({ adId: 77, text: 'x', kind: 'a' })).rejects.toMatchObject({
        code: 'VALIDATION_ERROR',
        fieldErrors: { adId: expect.any(String) },
      });
      await world.mine.insert({ title: 'a' });
      await expect(repository.insert({ adId: 1, text: 'x', kind: 'b' })).rejects.toMatchObject({
        fieldErrors: { kind: expect.stringContaining('notes_kind_check') },
      });
      const { id } = await repository.insert({ adId: 1, text: 'x', kind: 'a' });
      expect(await repository.findById(id)).toMatchObject({ id, adId: 1 });
      expect((await repository.findById(id.toUpperCase()))?.id).toBe(id);
      await expect(world.mine.purge(1)).rejects.toBeInstanceOf(StillReferencedError);
    });
  });

  describe('ownership', () => {
    it('hides and protects the rows of others in every method', async () => {
      const yours = world.repository.ownedBy('you');
      await yours.insertMany([{ title: 'yours', clicks: 5 }]);
      const before = await yours.findById(1);
      const all = { all: true };
      expect(await world.mine.findById(1)).toBeUndefined();
      expect(await world.mine.findOne({ field: 'id', operator: 'eq', value: 1 })).toBeUndefined();
      expect((await world.mine.list({ total: true })).total).toBe(0);
      expect(await world.mine.exists({ field: 'id', operator: 'eq', value: 1 })).toBe(false);
      expect(
        await world.mine.count({
          or: [
            { field: 'id', operator: 'eq', value: 1 },
            { field: 'clicks', operator: 'gt', value: 0 },
          ],
        }),
      ).toBe(0);
      expect(await world.mine.update(1, { title: 'mine now' })).toBeUndefined();
      expect(await world.mine.update(1, { title: 'mine now' }, { expectedVersion: 1 })).toBeUndefined();
      expect(await world.mine.updateMany([], { title: 'mine now' }, all)).toBe(0);
      expect(await world.mine.delete(1)).toBe(false);
      expect(await world.mine.deleteMany([], all)).toBe(0);
      expect(await world.mine.purge(1)).toBe(false);
      expect(await world.mine.withDeleted().restore(1)).toBeUndefined();
      await expect(world.mine.insert({ title: 'x', userId: 'you' })).rejects.toBeInstanceOf(ValidationError);
      await expect(world.repository.forAllOwners().insert({ title: 'x' })).rejects.toMatchObject({
        fieldErrors: { userId: expect.any(String) },
      });
      expect(() => world.mine.ownedBy('you')).toThrow('belongs to an owner already');
      expect(await yours.findById(1)).toEqual(before);
    });

    it('keeps the kind of the repository, and of the service', async () => {
      await world.mine.insertMany([
        { title: 'a', clicks: 1 },
        { title: 'b', clicks: 2 },
      ]);
      expect(await world.repository.ownedBy('me').withDeleted().totalClicks()).toBe(3);
      const service = new BaseService<typeof ads, AdsRepository>(world.repository).ownedBy('me');
      expect(await service.repository.totalClicks()).toBe(3);
    });
  });

  describe('transactions', () => {
    it('take repositories with them and roll them back', async () => {
      const failure = world.database.transaction(async transaction => {
        const inside = world.mine.withSession(transaction);
        await inside.insert({ title: 'a' });
        expect(await inside.findById(1)).toMatchObject({ title: 'a' });
        throw new TypeError('changed my mind');
      });
      await expect(failure).rejects.toThrow('changed my mind');
      expect(await world.mine.count()).toBe(0);
      await using session = await world.database.openSession();
      await world.mine.withSession(session).insert({ title: 'b' });
      expect(await world.mine.withSession(session).count()).toBe(1);
    });

    it('see their own writes although reads are gathered elsewhere', async () => {
      const gathering = new AdsRepository(world.database, { gather: true }).ownedBy('me');
      await gathering.insert({ title: 'a' });
      await world.database.transaction(async transaction => {
        const inside = gathering.withSession(transaction);
        await inside.update(1, { title: 'b' });
        expect(await Promise.all([inside.findById(1), inside.findById(1)])).toMatchObject([
          { title: 'b' },
          { title: 'b' },
        ]);
      });
    });
  });

  describe('the service', () => {
    it('creates, reads, lists, changes and deletes, and says what is not there', async () => {
      const service = new BaseService(world.mine);
      const { id } = await service.create({ title: 'a' });
      expect(await service.getById(id)).toMatchObject({ title: 'a' });
      expect(await service.createMany([{ title: 'b' }])).toHaveLength(1);
      expect(await service.getAll({ pagination: { page: 1, size: 1 }, total: true })).toMatchObject({
        total: 2,
        items: [{ id }],
      });
      expect(await service.update(id, { clicks: 3 })).toMatchObject({ clicks: 3 });
      expect(await service.updateMany({ field: 'clicks', operator: 'eq', value: 3 }, { clicks: 4 })).toBe(1);
      await service.delete(id);
      await expect(service.getById(id)).rejects.toBeInstanceOf(NotFoundError);
      await expect(service.getById(id)).rejects.toMatchObject({ resourceType: 'Ad', resourceId: String(id) });
      await expect(service.update(id, { clicks: 3 })).rejects.toBeInstanceOf(NotFoundError);
      await expect(service.delete(id)).rejects.toBeInstanceOf(NotFoundError);
      expect(await service.restore(id)).toMatchObject({ id });
      expect(await service.deleteMany([], { all: true })).toBe(2);
      const inside = await world.database.transaction(transaction =>
        service.withSession(transaction).create({ title: 'c' }),
      );
      expect(await service.getById(inside.id)).toEqual(inside);
    });
  });
});
