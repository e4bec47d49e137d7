import { sql } from 'kysely';
import { ValidationError } from 'plinth/errors';
import { beforeEach, describe, expect, it } from 'vitest';
import { type Campaign, hourOf, january, onBothEngines } from './open-ads.ts';

onBothEngines(tested => {
  let ada: string;
  let shoes: Campaign;

  const mine = () => ({
    campaigns: tested.repositories.createCampaignRepository().ownedBy(ada),
    ads: tested.repositories.createAdsRepository().ownedBy(ada),
    performance: tested.repositories.createPerformanceRepository().ownedBy(ada),
    optimizations: tested.repositories.createOptimizationRepository().ownedBy(ada),
  });
  const adOf = ({ ads }: Campaign, index = 0) => ads[index] ?? expect.fail('There is no such ad');
  const served = async () => (await mine().ads.served()).map(({ headline }) => headline);

  beforeEach(async () => {
    await tested.clear();
    ada = await tested.addUser('ada@example.com');
    shoes = await tested.addCampaign(ada, 'Shoes', 3);
  });

  describe('suggestions', () => {
    const suggest = (limits: object = {}) => mine().optimizations.suggest({ ...january, ...limits });

    beforeEach(async () => {
      await mine().performance.record([
        {
          adId: adOf(shoes, 0).id,
          hour: hourOf(20),
          impressions: 1_000,
          clicks: 4,
          conversions: 1,
          costMicros: 50_000_000,
        },
        {
          adId: adOf(shoes, 1).id,
          hour: hourOf(21),
          impressions: 999,
          clicks: 0,
          conversions: 0,
          costMicros: 10_000_000,
        },
        { adId: adOf(shoes, 2).id, hour: hourOf(21), impressions: 9_000, clicks: 45, conversions: 1, costMicros: 1 },
      ]);
      await mine().campaigns.update(shoes.campaign.id, { budgetMicros: 60_000_001 });
    });

    it('are made by the rules, once, and only for what is served', async () => {
      const found = await suggest();
      expect(found.map(({ kind, adId, status, facts }) => ({ kind, adId, status, facts }))).toEqual([
        {
          kind: 'low-click-through',
          adId: adOf(shoes, 0).id,
          status: 'open',
          facts: { impressions: 1_000, clicks: 4 },
        },
        {
          kind: 'spend-without-conversion',
          adId: adOf(shoes, 1).id,
          status: 'open',
          facts: { costMicros: 10_000_000, clicks: 0 },
        },
        {
          kind: 'budget-exhausted',
          adId: null,
          status: 'open',
          facts: { budgetMicros: 60_000_001, costMicros: 60_000_001 },
        },
      ]);
      expect(await suggest()).toEqual([]);
      expect((await Promise.all([suggest({ minImpressions: 1 }), suggest({ minImpressions: 1 })])).flat()).toHaveLength(
        1,
      );
      await mine().campaigns.pause(shoes.campaign.id);
      await sql`truncate optimizations`.execute(tested.database.db);
      expect(await suggest()).toEqual([]);
    });

    it('are not made of what is within the limits', async () => {
      await mine().campaigns.update(shoes.campaign.id, { budgetMicros: 60_000_002 });
      expect(await suggest({ minClickThroughRate: 0.004, minCostMicros: 10_000_001 })).toEqual([]);
      await expect(suggest({ minClickThroughRate: 2 })).rejects.toBeInstanceOf(ValidationError);
      expect(await mine().campaigns.budget(shoes.campaign.id)).toEqual({
        budgetMicros: 60_000_002,
        spentMicros: 60_000_001,
        remainingMicros: 1,
      });
    });

    it('are not made exactly at a limit that binary fractions only come near', async () => {
      await sql`truncate ad_performance`.execute(tested.database.db);
      await mine().performance.record([{ adId: adOf(shoes).id, hour: hourOf(20), impressions: 100, clicks: 7 }]);
      expect(await suggest({ minImpressions: 100, minClickThroughRate: 0.07 })).toEqual([]);
      expect(await suggest({ minImpressions: 100, minClickThroughRate: 0.0701 })).toHaveLength(1);
    });

    it('come two hundred at a time, none of them twice', async () => {
      await sql`truncate ad_performance`.execute(tested.database.db);
      const { ads } = await tested.addCampaign(ada, 'Many', 250);
      await mine().performance.record(ads.map(({ id }) => ({ adId: id, hour: hourOf(20), costMicros: 10_000_000 })));
      const [first, second] = [await suggest(), await suggest()];
      expect([first.length, second.length]).toEqual([200, 50]);
      expect(new Set([...first, ...second].map(({ adId }) => adId)).size).toBe(250);
      expect(await suggest()).toEqual([]);
    });

    it('tell a cost beyond the largest number as that number, where the sum itself is refused', async () => {
      await sql`
        insert into ad_performance (user_id, ad_id, hour, impressions, clicks, conversions, cost_micros)
        select ${ada}::uuid, ${adOf(shoes).id}, timestamptz '2023-01-01 00:00Z' + n * interval '1 hour', 0, 0, 0, 1e12
        from generate_series(1, 10000) n`.execute(tested.database.db);
      const ever = { from: '2023-01-01', to: '2026-12-31' };
      const found = await mine().optimizations.suggest(ever);
      const costs = found.map(({ facts }) => facts['costMicros']).filter(cost => cost !== undefined);
      expect(costs).toContain(Number.MAX_SAFE_INTEGER);
      expect(costs.every(Number.isSafeInteger)).toBe(true);
      const refused = { fieldErrors: { sum: expect.stringContaining('shorter periods') } };
      await expect(mine().ads.stats(ever)).rejects.toMatchObject(refused);
      await expect(mine().campaigns.budget(shoes.campaign.id)).rejects.toMatchObject(refused);
    });

    it('are accepted once, and then done: the ad is paused, or the campaign', async () => {
      const [slow, , spent] = await suggest();
      const both = await Promise.all([
        mine().optimizations.accept(slow?.id ?? 0),
        mine().optimizations.accept(slow?.id ?? 0),
      ]);
      expect(both).toMatchObject([{ status: 'accepted' }, { status: 'accepted' }]);
      expect(await mine().ads.findById(adOf(shoes, 0).id)).toMatchObject({ status: 'paused', version: 2 });
      expect(await served()).toEqual(['Shoes 1', 'Shoes 2']);
      await expect(mine().optimizations.dismiss(slow?.id ?? 0)).rejects.toMatchObject({
        fieldErrors: { status: 'It is accepted already' },
      });
      await mine().optimizations.accept(spent?.id ?? 0);
      expect(await mine().campaigns.findById(shoes.campaign.id)).toMatchObject({ status: 'paused' });
      expect(await served()).toEqual([]);
    });

    it('are dismissed for a while', async () => {
      const [slow] = await suggest();
      await mine().optimizations.dismiss(slow?.id ?? 0);
      expect(await served()).toHaveLength(3);
      expect(await suggest()).toEqual([]);
      await sql`update optimizations set decided_at = decided_at - interval '31 days' where status = 'dismissed'`.execute(
        tested.database.db,
      );
      expect(await suggest({ quietDays: 32 })).toEqual([]);
      expect(await suggest()).toMatchObject([{ kind: 'low-click-through', adId: adOf(shoes, 0).id }]);
    });

    it('are not decided by writing to the row', async () => {
      const [slow] = await suggest();
      const update = mine().optimizations.update(slow?.id ?? 0, { status: 'accepted' } as object);
      await expect(update).rejects.toBeInstanceOf(ValidationError);
    });
  });
});
