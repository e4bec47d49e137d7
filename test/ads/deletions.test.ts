import { type Kysely, sql } from 'kysely';
import { NotFoundError, ValidationError } from 'plinth/errors';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { findPostgres } from '../servers/postgres.ts';
import { serverOrSkip } from '../servers/require.ts';
import { type Campaign, hourOf, january, useServer } from './open-ads.ts';

const postgres = serverOrSkip('postgres', findPostgres());

describe.skipIf(postgres === undefined)('what is deleted while somebody works with it', () => {
  const tested = useServer();
  let ada: string;
  let shoes: Campaign;

  const mine = () => ({
    campaigns: tested.repositories.createCampaignRepository().ownedBy(ada),
    ads: tested.repositories.createAdsRepository().ownedBy(ada),
    performance: tested.repositories.createPerformanceRepository().ownedBy(ada),
    optimizations: tested.repositories.createOptimizationRepository().ownedBy(ada),
  });
  const adOf = ({ ads }: Campaign) => ads[0] ?? expect.fail('There is no ad');
  const row = () => ({ adId: adOf(shoes).id, hour: hourOf(20), impressions: 1_000, costMicros: 20_000_000 });

  beforeEach(async () => {
    await tested.clear();
    ada = await tested.addUser('ada@example.com');
    shoes = await tested.addCampaign(ada, 'Shoes');
  });

  /** Ends when a statement waits for what another transaction holds. */
  async function somebodyWaits(): Promise<void> {
    await vi.waitFor(async () => {
      const waiting = sql`select 1 from pg_stat_activity where wait_event_type = 'Lock'`;
      expect((await waiting.execute(tested.database.db)).rows).toHaveLength(1);
    });
  }

  /** Begins something while a transaction has deleted what it is about, and gives how that ends. */
  async function whileDeleting<Result>(
    remove: (transaction: Kysely<unknown>) => Promise<unknown>,
    work: () => Promise<Result>,
  ): Promise<Result | Error> {
    let outcome: Promise<Result | Error> | undefined;
    await tested.database.transaction(async transaction => {
      await remove(transaction);
      outcome = work().catch((error: Error) => error);
      await somebodyWaits();
    });
    return (await outcome) ?? expect.fail('Nothing was begun');
  }

  it('takes no numbers any more, and the report says of which ad', async () => {
    const outcome = await whileDeleting(
      transaction => mine().ads.withSession(transaction).delete(adOf(shoes).id),
      () => mine().performance.record([row()]),
    );
    expect(outcome).toBeInstanceOf(ValidationError);
    expect(outcome).toMatchObject({ fieldErrors: { '[0].adId': expect.any(String) } });
  });

  it('is not suggested', async () => {
    const empty = await mine().campaigns.insert({ name: 'Empty', budgetMicros: 0 });
    const outcome = await whileDeleting(
      transaction => mine().campaigns.withSession(transaction).delete(empty.id),
      () => mine().optimizations.suggest(january),
    );
    expect(outcome).toEqual([]);
  });

  it.each(['ads', 'campaigns'])('cannot be accepted as a suggestion, and nobody waits in a circle: %s', async table => {
    const empty = await mine().campaigns.insert({ name: 'Empty', budgetMicros: 0 });
    await mine().performance.record([row()]);
    const suggestions = await mine().optimizations.suggest(january);
    // With its numbers an ad could not be deleted.
    await sql`truncate ad_performance`.execute(tested.database.db);
    const { id } = suggestions.find(({ adId }) => (adId !== null) === (table === 'ads')) ?? expect.fail();
    const target = table === 'ads' ? adOf(shoes).id : empty.id;
    let accepted: Promise<unknown> | undefined;
    await tested.database.transaction(async transaction => {
      await sql`select from ${sql.table(table)} where id = ${target} for update`.execute(transaction);
      accepted = mine()
        .optimizations.accept(id)
        .catch((error: unknown) => error);
      await somebodyWaits();
      // Who deletes comes to the suggestion last: whoever waits for the target must not hold it.
      await sql`select from optimizations where id = ${id} for update nowait`.execute(transaction);
      await sql`delete from ${sql.table(table)} where id = ${target}`.execute(transaction);
    });
    expect(await accepted).toBeInstanceOf(NotFoundError);
  });
});
