import { Repository } from 'plinth/crud';
import { ArgumentError, ValidationError } from 'plinth/errors';
import { beforeAll, describe, expect, expectTypeOf, it } from 'vitest';
import type { AdsRepositoryFactory } from '../../service/ads/ads-repositories.ts';
import { onBothEngines } from './open-ads.ts';
import {
  type AnyRepository,
  type Call,
  type Case,
  chain,
  inherited,
  type Owners,
  prepareCases,
  removeRowsOf,
} from './ownership-cases.ts';

/** Whatever was given, holds it anything of another owner, or any number that is not 0? */
function isEmpty(result: unknown): boolean {
  if (result === undefined || result === null || result === 0 || result === false) return true;
  if (Array.isArray(result)) return result.every(isEmpty);
  if (typeof result !== 'object') return false;
  const { size: _, page: __, step: ___, ...facts } = result as Record<string, unknown>;
  return Object.values(facts).every(isEmpty);
}

onBothEngines(tested => {
  describe('ownership', () => {
    let owners: Owners;
    let cases: readonly Case[];
    beforeAll(async () => {
      ({ owners, cases } = await prepareCases(tested));
    });

    it.each(
      ['campaigns', 'groups', 'ads', 'performance', 'analytics', 'optimizations'].map((name, index) => ({
        name,
        index,
      })),
    )(
      'no method of the repository of $name sees or touches rows of another owner, alone or in a transaction',
      async ({ index }) => {
        const repository = cases[index] ?? expect.fail('There is no such case');
        const { type, mine, own } = repository;
        const calls = [...inherited(owners, repository), ...own];
        const known = new Set([...calls.map(({ method }) => method), 'withSession', 'constructor']);
        const methods = [
          ...Object.getOwnPropertyNames(type.prototype),
          ...Object.getOwnPropertyNames(Repository.prototype),
        ];
        expect(methods.filter(method => !known.has(method))).toEqual([]);

        const before = await tested.rowsOf(owners.ada);
        expect(before).toContain('Ada');
        for (const call of calls) {
          const place = `${type.name}.${call.method}`;
          await check(owners, call, mine(), place);
          expect(await tested.rowsOf(owners.ada), place).toBe(before);
          await removeRowsOf(tested, owners.bob);
          await tested.database
            .transaction(
              async transaction => {
                await check(owners, call, chain(mine(), 'withSession', transaction), `${place} in a transaction`);
                throw new Undone('Takes back what the call did');
              },
              { maxAttempts: 1 },
            )
            .catch((error: unknown) => {
              if (!(error instanceof Undone)) throw error;
            });
        }
        expect(await tested.rowsOf(owners.ada)).toBe(before);
      },
    );

    it('is asked for: without an owner every method refuses, those that are inherited, too', async () => {
      const unowned = cases.map(
        ({ type }) => new (type as unknown as new (source: unknown) => AnyRepository)(tested.database),
      );
      // These say themselves for whom they ask.
      const withOwner = ['getById', 'getUserStats', 'ownedBy', 'forAllOwners'];
      const statements: string[] = [];
      using _subscription = tested.database.events.on('query', event => statements.push(event.sql));
      for (const [index, repository] of cases.entries()) {
        const { own, type } = repository;
        for (const { method, of } of [...inherited(owners, repository), ...own]) {
          if (withOwner.includes(method)) continue;
          const call = (async () => of(unowned[index] as AnyRepository))();
          await expect(call, `${type.name}.${method}`).rejects.toBeInstanceOf(ArgumentError);
        }
      }
      expect(statements).toEqual([]);
    });

    it('is in the types: what the factory gives has no method that asks for everybody', () => {
      type Given<Name extends keyof AdsRepositoryFactory> = keyof ReturnType<AdsRepositoryFactory[Name]>;
      expectTypeOf<Given<'createAdsRepository'>>().toEqualTypeOf<'ownedBy' | 'getById' | 'getUserStats'>();
      expectTypeOf<Given<'createCampaignRepository'>>().toEqualTypeOf<'ownedBy' | 'getById'>();
      expectTypeOf<Given<'createGroupRepository'>>().toEqualTypeOf<'ownedBy' | 'getById'>();
      expectTypeOf<Given<'createPerformanceRepository'>>().toEqualTypeOf<'ownedBy'>();
      expectTypeOf<Given<'createAnalyticsRepository'>>().toEqualTypeOf<'ownedBy'>();
      expectTypeOf<Given<'createOptimizationRepository'>>().toEqualTypeOf<'ownedBy' | 'getById'>();
      const { repositories } = tested;
      expect(repositories.createAdsRepository()).toBe(repositories.createAdsRepository());
    });
  });
});

class Undone extends ValidationError {}

async function check(
  { ada, bob }: Owners,
  { of, outcome }: Call,
  repository: AnyRepository,
  place: string,
): Promise<void> {
  const call = (async () => of(repository))();
  if (typeof outcome === 'function') {
    await expect(call, place).rejects.toBeInstanceOf(outcome);
    return;
  }
  const result = await call;
  expect(JSON.stringify(result) ?? '', place).not.toContain(ada);
  if (outcome === 'own') expect(JSON.stringify(result), place).toContain(bob);
  else expect(isEmpty(result), `${place}: ${JSON.stringify(result)}`).toBe(true);
}
