import { sql } from 'kysely';
import { BaseService, defineTable, Repository, RepositoryFactory, type RepositorySource } from 'plinth/crud';
import { prepareStatement } from 'plinth/database';
import { ArgumentError } from 'plinth/errors';
import { beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { AdsRepository, ads, notes, onEveryEngine } from './world.ts';

const byKey = { field: 'id', operator: 'eq', value: 1 } as const;
const countAll = prepareStatement('select count(*)::int as count from ads', { reads: true });

/** Forgets what it was given, as a hurried subclass might. */
class ForgetfulRepository extends Repository<typeof ads> {
  static source: RepositorySource;

  constructor(_source: RepositorySource) {
    super(ads, ForgetfulRepository.source);
  }
}

/** Has a statement of its own. */
class CountingRepository extends AdsRepository {
  readonly #source: RepositorySource;

  constructor(source: RepositorySource) {
    super(source);
    this.#source = source;
  }

  async countAll(): Promise<unknown> {
    if (!('scope' in this.#source)) return 'nobody said for whom';
    return (await this.#source.run(countAll, [])).rows;
  }

  override async count(): Promise<number> {
    return (await super.list({ total: true })).total ?? 0;
  }
}

onEveryEngine(world => {
  describe('a table with an owner', () => {
    beforeEach(async () => {
      await world.mine.insert({ title: 'mine' });
      await world.repository.ownedBy('you').insert({ title: 'yours' });
    });

    /** Every method, as it is inherited. */
    const calls: Readonly<Record<string, (repository: Repository<typeof ads>) => Promise<unknown>>> = {
      findById: repository => repository.findById(1),
      'findById of no key': repository => repository.findById('none' as never),
      findOne: repository => repository.findOne(byKey),
      list: repository => repository.list(),
      'list with a total': repository => repository.list({ total: true, search: 'm', filters: byKey }),
      count: repository => repository.count(),
      exists: repository => repository.exists(byKey),
      insert: repository => repository.insert({ title: 'new' }),
      'insert with an owner': repository => repository.insert({ title: 'new', userId: 'me' }),
      insertMany: repository => repository.insertMany([{ title: 'new', userId: 'me' }]),
      'insertMany of nothing': repository => repository.insertMany([]),
      upsert: repository => repository.upsert({ title: 'mine', userId: 'me' }, { conflict: ['userId', 'title'] }),
      update: repository => repository.update(1, { title: 'taken' }),
      'update of a version': repository => repository.update(1, { title: 'taken' }, { expectedVersion: 1 }),
      'update of no key': repository => repository.update('none' as never, { title: 'taken' }),
      updateMany: repository => repository.updateMany([], { title: 'taken' }, { all: true }),
      delete: repository => repository.delete(1),
      'delete of no key': repository => repository.delete('none' as never),
      deleteMany: repository => repository.deleteMany([], { all: true }),
      restore: repository => repository.restore(1),
      purge: repository => repository.purge(1),
    };
    const narrowing = ['constructor', 'ownedBy', 'forAllOwners', 'withDeleted', 'withSession'];

    it('has a case here for each method that reads or writes', () => {
      const tried = new Set(Object.keys(calls).map(name => name.split(' ')[0]));
      const methods = Object.getOwnPropertyNames(Repository.prototype);
      expect(methods.filter(method => !tried.has(method) && !narrowing.includes(method))).toEqual([]);
    });

    it.each(Object.entries(calls))('is neither read nor written without one: %s', async (_, call) => {
      const everything = async () => (await world.repository.forAllOwners().withDeleted().list()).items;
      const before = await everything();
      const statements: string[] = [];
      using _subscription = world.database.events.on('query', ({ sql }) => statements.push(sql));
      const { repository } = world;
      const gathering = new RepositoryFactory(world.database, { gather: true }).create(ads);
      for (const unowned of [repository, repository.withDeleted(), gathering, new Repository(ads, world.database)]) {
        await expect(call(unowned)).rejects.toBeInstanceOf(ArgumentError);
        await expect(call(unowned)).rejects.toThrow(
          'It is not said whose rows of ads are meant: call ownedBy(userId) first, or forAllOwners()',
        );
      }
      expect(statements).toEqual([]);
      await world.database.transaction(async transaction => {
        await expect(call(repository.withSession(transaction))).rejects.toBeInstanceOf(ArgumentError);
      });
      expect(await everything()).toEqual(before);
    });

    it('is refused by the service, too', async () => {
      const service = new BaseService(world.repository);
      for (const call of [
        service.getById(1),
        service.getAll(),
        service.create({ title: 'new', userId: 'me' }),
        service.createMany([{ title: 'new', userId: 'me' }]),
        service.update(1, { title: 'x' }),
        service.updateMany([], { title: 'x' }, { all: true }),
        service.delete(1),
        service.deleteMany([], { all: true }),
        service.restore(1),
      ]) {
        await expect(call).rejects.toBeInstanceOf(ArgumentError);
      }
      expect((await service.forAllOwners().getAll({ total: true })).total).toBe(2);
      expect((await service.ownedBy('me').getAll({ total: true })).total).toBe(1);
    });

    it('is open to all owners where that is said, also in a transaction', async () => {
      const all = world.repository.forAllOwners();
      expect((await all.list()).items.map(({ userId }) => userId)).toEqual(['me', 'you']);
      expect(await all.findById(2)).toMatchObject({ title: 'yours' });
      await world.database.transaction(async transaction => {
        expect(await all.withSession(transaction).updateMany([], { clicks: 7 }, { all: true })).toBe(2);
      });
      expect(await all.insert({ title: 'new', userId: 'third' })).toMatchObject({ userId: 'third' });
      expect(await all.ownedBy('third').count()).toBe(1);
    });

    it('stays with its owner: nothing leads back to all', () => {
      expect(() => world.mine.forAllOwners()).toThrow('belongs to an owner');
      expect(() => world.mine.withDeleted().forAllOwners()).toThrow('belongs to an owner');
      expect(() => world.repository.forAllOwners().ownedBy('me').forAllOwners()).toThrow('belongs to an owner');
      expect(() => new Repository(notes, world.database).forAllOwners()).toThrow('has no owner');
    });

    it('holds for statements of a subclass, and for what a subclass overrides', async () => {
      const counting = new CountingRepository(world.database);
      await expect(counting.count()).rejects.toBeInstanceOf(ArgumentError);
      expect(await counting.ownedBy('me').count()).toBe(1);
      expect(await counting.countAll()).toBe('nobody said for whom');
      await expect(counting.withDeleted().countAll()).rejects.toBeInstanceOf(ArgumentError);
      expect(await counting.forAllOwners().countAll()).toEqual([{ count: 2 }]);
    });

    it('refuses a subclass that loses the owner or the transaction on the way', async () => {
      ForgetfulRepository.source = world.database;
      const forgetful = new ForgetfulRepository(world.database);
      const steps: (() => unknown)[] = [
        () => forgetful.ownedBy('me'),
        () => forgetful.forAllOwners(),
        () => forgetful.withDeleted(),
        () => forgetful.withSession(world.database.db),
      ];
      for (const step of steps) expect(step).toThrow('ForgetfulRepository does not pass its source on');
    });
  });

  it('a table without an owner needs none', async () => {
    const plain = defineTable({ name: 'plain', schema: z.object({ id: z.int() }), columns: { id: { key: true } } });
    await sql`create table if not exists plain (id int primary key)`.execute(world.database.db);
    expect(await new Repository(plain, world.database).count()).toBe(0);
  });
});
