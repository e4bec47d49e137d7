import fc from 'fast-check';
import { sql } from 'kysely';
import { checkTables, defineTable, StillReferencedError, VersionConflictError } from 'plinth/crud';
import { ConfigurationError, DuplicateError, ServiceError, ValidationError } from 'plinth/errors';
import { beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { adsMigrations } from '../../service/ads/migrations.ts';
import type { PerformanceInput } from '../../service/ads/performance-repository.ts';
import { adsTables, campaigns } from '../../service/ads/tables.ts';
import { userMigrations } from '../../service/users/migrations.ts';
import { users } from '../../service/users/users-table.ts';
import { type Campaign, hourOf, january, onBothEngines } from './open-ads.ts';

onBothEngines(tested => {
  let ada: string;
  let shoes: Campaign;

  const mine = () => ({
    campaigns: tested.repositories.createCampaignRepository().ownedBy(ada),
    groups: tested.repositories.createGroupRepository().ownedBy(ada),
    ads: tested.repositories.createAdsRepository().ownedBy(ada),
    performance: tested.repositories.createPerformanceRepository().ownedBy(ada),
    analytics: tested.repositories.createAnalyticsRepository().ownedBy(ada),
  });
  const adOf = ({ ads }: Campaign, index = 0) => ads[index] ?? expect.fail('There is no such ad');
  const served = async () => (await mine().ads.served()).map(({ headline }) => headline);

  beforeEach(async () => {
    await tested.clear();
    ada = await tested.addUser('ada@example.com');
    shoes = await tested.addCampaign(ada, 'Shoes', 3);
  });

  it('has the tables that the code expects, and would say so if not', async () => {
    await checkTables(tested.database, [users, ...adsTables]);
    const wrong = defineTable({
      name: 'campaigns',
      schema: z.object({ id: z.int(), color: z.string() }),
      columns: { id: { key: true, generated: 'identity' } },
    });
    await expect(checkTables(tested.database, [wrong])).rejects.toBeInstanceOf(ConfigurationError);
  });

  it('can go and come again', async () => {
    const migrations = [...userMigrations, ...adsMigrations];
    await tested.database.migrateDown(migrations, { to: '002-users' });
    await expect(checkTables(tested.database, [campaigns])).rejects.toBeInstanceOf(ConfigurationError);
    await tested.database.migrate(migrations);
    await checkTables(tested.database, [users, ...adsTables]);
  });

  describe('what is served', () => {
    it('follows a campaign that is paused and goes on, and keeps the states below', async () => {
      const hats = await tested.addCampaign(ada, 'Hats', 1);
      await mine().ads.update(adOf(shoes, 1).id, { status: 'paused' });
      expect(await served()).toEqual(['Shoes 0', 'Shoes 2', 'Hats 0']);

      const paused = await mine().campaigns.pause(shoes.campaign.id);
      expect(paused).toMatchObject({ status: 'paused', version: 2 });
      expect(await served()).toEqual(['Hats 0']);
      expect(await mine().ads.stats()).toMatchObject({ campaigns: 2, activeCampaigns: 1, ads: 4, activeAds: 1 });
      await mine().groups.update(hats.group.id, { status: 'paused' });
      expect(await served()).toEqual([]);

      await mine().campaigns.activate(shoes.campaign.id);
      expect(await served()).toEqual(['Shoes 0', 'Shoes 2']);
      expect(await mine().ads.stats()).toMatchObject({ groups: 2, ads: 4, activeAds: 2 });
    });

    it('comes in pages by key', async () => {
      const first = await mine().ads.served({ size: 2 });
      const rest = await mine().ads.served({ size: 2, after: first.at(-1)?.id });
      expect([...first, ...rest]).toEqual((await mine().ads.list()).items);
      await expect(mine().ads.served({ size: 0 })).rejects.toBeInstanceOf(ValidationError);
    });

    it('is not changed by one who saw another version', async () => {
      await mine().campaigns.pause(shoes.campaign.id, { expectedVersion: 1 });
      const late = mine().campaigns.activate(shoes.campaign.id, { expectedVersion: 1 });
      await expect(late).rejects.toBeInstanceOf(VersionConflictError);
    });
  });

  describe('rows', () => {
    it('cannot go while others need them, and have names of their own', async () => {
      await mine().performance.record([{ adId: adOf(shoes).id, hour: hourOf(1), clicks: 1 }]);
      await expect(mine().ads.delete(adOf(shoes).id)).rejects.toBeInstanceOf(StillReferencedError);
      await expect(mine().groups.delete(shoes.group.id)).rejects.toBeInstanceOf(StillReferencedError);
      await expect(mine().campaigns.delete(shoes.campaign.id)).rejects.toBeInstanceOf(StillReferencedError);
      await expect(mine().campaigns.insert({ name: 'Shoes' })).rejects.toMatchObject({ field: 'name' });
      const again = mine().groups.insert({ name: shoes.group.name, campaignId: shoes.campaign.id });
      await expect(again).rejects.toBeInstanceOf(DuplicateError);
      expect(await mine().ads.delete(adOf(shoes, 2).id)).toBe(true);
    });

    it('say which parent they lack', async () => {
      const group = mine().groups.insert({ name: 'x', campaignId: 4_711 });
      await expect(group).rejects.toMatchObject({ fieldErrors: { campaignId: expect.any(String) } });
      const bad = { groupId: shoes.group.id, headline: 'x', landingUrl: 'javascript:alert(1)' };
      await expect(mine().ads.insert(bad)).rejects.toMatchObject({ fieldErrors: { landingUrl: expect.any(String) } });
    });
  });

  describe('performance', () => {
    it('is recorded in bulk, and the same report again changes nothing', async () => {
      const rows = Array.from({ length: 500 }, (_, index) => ({
        adId: adOf(shoes, index % 2).id,
        hour: hourOf(1, index),
        impressions: index,
        costMicros: index * 1_000_000,
      }));
      expect(await mine().performance.record(rows)).toBe(500);
      const before = await tested.rowsOf(ada);
      expect(await mine().performance.record(rows.toReversed())).toBe(500);
      expect(await tested.rowsOf(ada)).toBe(before);
      await mine().performance.record([{ adId: adOf(shoes).id, hour: hourOf(1), impressions: 7 }]);
      const [corrected] = (await mine().performance.list({ sort: { field: 'hour' }, pagination: { size: 1 } })).items;
      expect(corrected).toMatchObject({ impressions: 7, costMicros: 0, hour: hourOf(1) });
      expect(await mine().performance.record([])).toBe(0);
    });

    it('is recorded as a whole or not at all, and says what is wrong by row', async () => {
      const right = { adId: adOf(shoes).id, hour: hourOf(1), clicks: 1 };
      const record = (rows: PerformanceInput[]) =>
        mine()
          .performance.record(rows)
          .catch((error: unknown) => error);
      expect(await record([right, { ...right, adId: 4_711 }])).toMatchObject({
        fieldErrors: { '[1].adId': 'There is no such ad' },
      });
      expect(await record([right, right])).toMatchObject({ fieldErrors: { '[1].hour': expect.any(String) } });
      expect(await record([{ ...right, hour: new Date(Date.UTC(2026, 0, 1, 0, 30)), clicks: -1 }])).toMatchObject({
        fieldErrors: { '[0].hour': 'Expected the beginning of an hour', '[0].clicks': expect.any(String) },
      });
      expect(await record(Array.from({ length: 10_001 }, () => right))).toBeInstanceOf(ValidationError);
      expect(await mine().performance.count()).toBe(0);
    });

    it('is recorded by two at the same time without locking each other out', async () => {
      const rows = Array.from({ length: 300 }, (_, hour) => ({
        adId: adOf(shoes).id,
        hour: hourOf(1, hour),
        clicks: 1,
      }));
      const both = [mine().performance.record(rows), mine().performance.record(rows.toReversed())];
      expect(await Promise.all(both)).toEqual([300, 300]);
      expect(await mine().analytics.totals(january)).toMatchObject({ clicks: 300 });
    });

    it('adds up to the same as in code, for any rows, width and part', { timeout: 60_000 }, async () => {
      const hats = await tested.addCampaign(ada, 'Hats', 2);
      const all = [...shoes.ads, ...hats.ads].map(({ id }) => id);
      const count = fc.nat({ max: 1_000 });
      const row = fc.record({
        adId: fc.constantFrom(...all),
        hour: fc.integer({ min: -200, max: 31 * 24 + 200 }).map(hour => hourOf(1, hour)),
        impressions: count,
        clicks: count,
        conversions: count,
        costMicros: fc.nat({ max: 1_000_000_000_000 }),
      });
      const rows = fc.uniqueArray(row, { minLength: 1, maxLength: 30, selector: one => `${one.adId} ${+one.hour}` });
      const width = fc.constantFrom('hour' as const, 'day' as const, 'week' as const, 'month' as const);
      const part = fc.constantFrom({}, { adId: all[0] }, { campaignId: hats.campaign.id });
      await fc.assert(
        fc.asyncProperty(rows, width, part, async (given, bucket, of) => {
          await sql`truncate ad_performance`.execute(tested.database.db);
          await mine().performance.record(given);
          const expected = new Map<
            string,
            { impressions: number; clicks: number; conversions: number; costMicros: number }
          >();
          const isMeant = ({ adId, hour }: (typeof given)[number]): boolean =>
            hour >= hourOf(1) &&
            hour < hourOf(32) &&
            (of.adId === undefined || of.adId === adId) &&
            (of.campaignId === undefined || hats.ads.some(({ id }) => id === adId));
          for (const one of given.filter(isMeant).sort((left, right) => +left.hour - +right.hour)) {
            const start = startOf(one.hour, bucket);
            const sum = expected.get(start) ?? { impressions: 0, clicks: 0, conversions: 0, costMicros: 0 };
            sum.impressions += one.impressions;
            sum.clicks += one.clicks;
            sum.conversions += one.conversions;
            sum.costMicros += one.costMicros;
            expected.set(start, sum);
          }
          const series = await mine().performance.series({ ...january, ...of, bucket });
          expect(
            series.map(({ start, impressions, clicks, conversions, costMicros }) => [
              start,
              { impressions, clicks, conversions, costMicros },
            ]),
          ).toEqual([...expected]);
          const totals = await mine().analytics.totals({ ...january, ...of });
          expect(totals.costMicros).toBe(series.reduce((sum, { costMicros }) => sum + costMicros, 0));
          expect(totals.clickThroughRate).toBe(totals.impressions === 0 ? null : totals.clicks / totals.impressions);
        }),
        { numRuns: 40 },
      );
    });

    it('refuses periods and parts that cannot be', async () => {
      const series = (options: object) => mine().performance.series({ ...january, ...options });
      for (const wrong of [{ from: '2026-02-30' }, { to: '2025-12-31' }, { to: '2056-01-01' }, { from: "' or 1=1" }])
        await expect(series(wrong)).rejects.toBeInstanceOf(ValidationError);
      for (const wrong of [
        { from: '0000-01-01', to: '0000-01-02' },
        { from: '9999-12-31', to: '9999-12-31' },
      ])
        await expect(series(wrong)).rejects.toMatchObject({
          fieldErrors: { from: 'Expected a day from 1970-01-01 to 9998-12-31' },
        });
      expect(await series({ from: '9998-12-01', to: '9998-12-31' })).toEqual([]);
      await expect(series({ to: '2026-06-01', bucket: 'hour' })).rejects.toMatchObject({
        fieldErrors: { to: expect.any(String) },
      });
      await expect(series({ bucket: 'year' })).rejects.toBeInstanceOf(ValidationError);
      await expect(series({ adId: 1, campaignId: 1 })).rejects.toBeInstanceOf(ValidationError);
      await expect(series({ adId: Number.NaN })).rejects.toBeInstanceOf(ValidationError);
    });

    it('does not round a sum that is beyond what numbers hold', async () => {
      await mine().performance.record([{ adId: adOf(shoes).id, hour: hourOf(1), costMicros: 1 }]);
      await sql`update ad_performance set cost_micros = 9007199254740993`.execute(tested.database.db);
      await expect(mine().ads.stats()).rejects.toBeInstanceOf(ServiceError);
    });
  });

  describe('analytics', () => {
    beforeEach(async () => {
      await mine().performance.record([
        {
          adId: adOf(shoes, 0).id,
          hour: hourOf(20),
          impressions: 1_000,
          clicks: 30,
          conversions: 3,
          costMicros: 9_000_000,
        },
        {
          adId: adOf(shoes, 1).id,
          hour: hourOf(21),
          impressions: 4_000,
          clicks: 10,
          conversions: 0,
          costMicros: 1_000_000,
        },
        {
          adId: adOf(shoes, 0).id,
          hour: hourOf(10),
          impressions: 2_500,
          clicks: 20,
          conversions: 0,
          costMicros: 4_000_000,
        },
      ]);
    });

    it('ranks ads, compares periods and follows the funnel', async () => {
      const top = await mine().analytics.topAds({ ...january, by: 'impressions', limit: 1 });
      expect(top).toEqual([
        expect.objectContaining({ adId: adOf(shoes, 1).id, headline: 'Shoes 1', clickThroughRate: 0.0025 }),
      ]);
      const byClicks = await mine().analytics.topAds(january);
      expect(byClicks.map(({ headline, clicks }) => [headline, clicks])).toEqual([
        ['Shoes 0', 50],
        ['Shoes 1', 10],
      ]);

      const later = { from: '2026-01-16', to: '2026-01-31' };
      const { current, previous, change } = await mine().analytics.compare(later);
      expect([current.impressions, previous.impressions]).toEqual([5_000, 2_500]);
      expect(change).toEqual({ impressions: 1, clicks: 1, conversions: null, costMicros: 1.5 });

      const funnel = await mine().analytics.funnel({ ...later, campaignId: shoes.campaign.id });
      expect(funnel.map(({ count, rate }) => [count, rate])).toEqual([
        [5_000, null],
        [40, 0.008],
        [3, 0.075],
      ]);
    });

    it('sums up an owner, of all time and within days, and a campaign by group', async () => {
      expect(await mine().ads.stats()).toMatchObject({ impressions: 7_500, clicks: 60, costMicros: 14_000_000 });
      const ads = tested.repositories.createAdsRepository();
      expect(await ads.getUserStats(ada, { from: '2026-01-10', to: '2026-01-10' })).toMatchObject({
        campaigns: 1,
        ads: 3,
        clicks: 20,
        costPerClickMicros: 200_000,
        costPerConversionMicros: null,
      });
      const [group] = await mine().groups.overview(shoes.campaign.id, january);
      expect(group).toMatchObject({ name: 'Shoes group', ads: 3, clicks: 60, conversionRate: 0.05 });
    });

    it('is one statement for all that an owner has', async () => {
      const statements: string[] = [];
      const listener = ({ sql: text }: { readonly sql: string }): unknown => statements.push(text);
      using _ = tested.database.events.on('query', listener);
      await tested.repositories.createAdsRepository().getUserStats(ada, january);
      expect(statements).toHaveLength(1);
    });
  });
});

/** The beginning of a bucket in UTC, as the series tells it. */
function startOf(hour: Date, bucket: 'hour' | 'day' | 'week' | 'month'): string {
  const text = hour.toISOString();
  if (bucket === 'hour') return `${text.slice(0, 13)}:00:00Z`;
  if (bucket === 'month') return `${text.slice(0, 7)}-01`;
  const sinceMonday = bucket === 'week' ? (hour.getUTCDay() + 6) % 7 : 0;
  return new Date(hour.getTime() - sinceMonday * 86_400_000).toISOString().slice(0, 10);
}
