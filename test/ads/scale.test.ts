import { type CompiledQuery, sql } from 'kysely';
import type { QueryRunner } from 'plinth/crud';
import { beforeAll, describe, expect, it } from 'vitest';
import { findPostgres } from '../servers/postgres.ts';
import { serverOrSkip } from '../servers/require.ts';
import { type AdsUnderTest, january, useAds, useServer } from './open-ads.ts';

const rowCount = 100_000;
const postgres = serverOrSkip('postgres', findPostgres());

/** A step of a plan, as PostgreSQL tells it. */
interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Index Name'?: string;
  readonly 'Relation Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly 'Shared Hit Blocks': number;
  readonly 'Shared Read Blocks': number;
  readonly Plans?: readonly PlanNode[];
}

describe.skipIf(postgres === undefined)('100,000 rows of performance on PostgreSQL', () => atScale(useServer()));
describe('100,000 rows of performance on PGlite', () =>
  atScale(useAds(async () => ({ options: {}, end: async () => undefined }))));

function atScale(tested: AdsUnderTest): void {
  let ada: string;
  let adId: number;
  let campaignId: number;

  beforeAll(async () => {
    ada = await tested.addUser('ada@example.com');
    const bob = await tested.addUser('bob@example.com');
    for (let index = 0; index < 20; index += 1) await tested.addCampaign(ada, `Campaign ${index}`, 5);
    await tested.addCampaign(bob, 'Bob', 20);
    adId = (await tested.repositories.createAdsRepository().ownedBy(ada).list()).items[7]?.id ?? 0;
    campaignId = (await tested.repositories.createCampaignRepository().ownedBy(ada).list()).items[3]?.id ?? 0;
    // 1,000 hours of each ad, 42 days: the owner's 100,000 rows among 120,000.
    await sql`
      insert into ad_performance (user_id, ad_id, hour, impressions, clicks, conversions, cost_micros)
      select a.user_id, a.id, timestamptz '2026-01-01 00:00Z' + n * interval '1 hour', 1000 + n, n % 50, n % 3, n * 1000
      from generate_series(0, 999) n cross join ads a`.execute(tested.database.db);
    await sql`analyze`.execute(tested.database.db);
  }, 240_000);

  /** What statements of a call do, instead of what they give: each is explained while it runs. */
  async function plansOf(call: (runner: QueryRunner) => Promise<unknown>): Promise<readonly PlanNode[]> {
    const plans: PlanNode[] = [];
    const { db } = tested.database;
    await call({
      async executeQuery<Row>(query: CompiledQuery<Row>) {
        type Explained = { readonly 'QUERY PLAN': readonly { readonly Plan: PlanNode }[] };
        const text = `explain (analyze, buffers, format json) ${query.sql}`;
        const explain = sql.raw<Explained>(text).compile(db);
        // Once to warm up: what was read from the disk first would count as more.
        await db.executeQuery<Explained>({ ...explain, parameters: query.parameters });
        const { rows } = await db.executeQuery<Explained>({ ...explain, parameters: query.parameters });
        plans.push(rows[0]?.['QUERY PLAN'][0]?.Plan ?? expect.fail('There is no plan'));
        return await db.executeQuery<Row>({ ...sql.raw<Row>(query.sql).compile(db), parameters: query.parameters });
      },
    });
    return plans;
  }

  const stepsOf = (plan: PlanNode): readonly PlanNode[] => [plan, ...(plan.Plans ?? []).flatMap(stepsOf)];
  const buffersOf = (plan: PlanNode | undefined): number =>
    plan === undefined ? Number.NaN : plan['Shared Hit Blocks'] + plan['Shared Read Blocks'];
  /** Rows that the plan looked at in the big table, whether they were kept or not. */
  const rowsReadOf = (plan: PlanNode | undefined): number =>
    (plan === undefined ? [] : stepsOf(plan))
      .filter(step => step['Relation Name'] === 'ad_performance')
      .reduce(
        (sum, step) => sum + (step['Actual Rows'] + (step['Rows Removed by Filter'] ?? 0)) * step['Actual Loops'],
        0,
      );
  const indexesOf = (plan: PlanNode | undefined): readonly string[] =>
    (plan === undefined ? [] : stepsOf(plan)).flatMap(step => step['Index Name'] ?? []);
  const scansAll = (plan: PlanNode | undefined): boolean =>
    (plan === undefined ? [] : stepsOf(plan)).some(
      step => step['Node Type'] === 'Seq Scan' && step['Relation Name'] === 'ad_performance',
    );
  const performance = () => tested.repositories.createPerformanceRepository().ownedBy(ada);

  it('are there', async () => {
    expect(await performance().count()).toBe(rowCount);
  });

  it.each([
    ['the latest first', {}],
    ['the oldest first', { sort: { field: 'hour', order: 'asc' } }],
    ['of one ad', { filters: [{ field: 'adId', operator: 'eq', value: 0 }] }],
  ] as const)('have a page deep in the list, %s, that costs at most 1.3 times the first', async (_, given) => {
    const isOfOneAd = 'filters' in given;
    const options = isOfOneAd ? { filters: { field: 'adId', operator: 'eq', value: adId } as const } : given;
    const size = 100;
    const depth = (isOfOneAd ? 1_000 : rowCount) / size - 1;
    const before = await performance().list({ ...options, pagination: { page: depth, size } });
    const plans = await plansOf(async runner => {
      const repository = performance().withSession(runner);
      const first = await repository.list({ ...options, pagination: { size } });
      const deep = await repository.list({ ...options, pagination: { size, cursor: before.nextCursor } });
      expect([first.items.length, first.hasMore]).toEqual([size, true]);
      expect([deep.items.length, deep.hasMore]).toEqual([size, false]);
    });
    const [first, deep] = plans;
    expect(rowsReadOf(deep)).toBeLessThanOrEqual(rowsReadOf(first) * 1.3);
    expect(buffersOf(deep)).toBeGreaterThan(0);
    expect(buffersOf(deep)).toBeLessThanOrEqual(buffersOf(first) * 1.3);
    expect([scansAll(first), scansAll(deep)]).toEqual([false, false]);
  });

  it('are walked through by cursors without one that is missing or twice', { timeout: 60_000 }, async () => {
    const seen = new Set<number>();
    const repository = performance();
    let cursor: string | undefined;
    let pages = 0;
    do {
      const page = await repository.list({ pagination: { size: 100, cursor } });
      for (const { id } of page.items) seen.add(id);
      cursor = page.nextCursor;
      pages += 1;
    } while (cursor !== undefined);
    expect([seen.size, pages]).toEqual([rowCount, rowCount / 100]);
  });

  it.each([
    ['an owner', {}, 'ad_performance_user_hour', 7 * 24 * 100],
    ['an ad', { adId: true }, 'ad_performance_hour_key', 7 * 24],
    ['a campaign', { campaignId: true }, 'ad_performance_hour_key', 7 * 24 * 5],
  ] as const)(
    'are summed up by day for %s through an index, reading the rows of those days only',
    async (_, of, index, rows) => {
      const part = { ...('adId' in of ? { adId } : {}), ...('campaignId' in of ? { campaignId } : {}) };
      const week = { from: '2026-01-05', to: '2026-01-11' };
      const [plan] = await plansOf(async runner => {
        const series = await performance()
          .withSession(runner)
          .series({ ...week, ...part });
        expect(series.map(({ start }) => start)).toEqual(
          Array.from({ length: 7 }, (__, day) => `2026-01-${String(day + 5).padStart(2, '0')}`),
        );
      });
      expect(indexesOf(plan)).toContain(index);
      expect(scansAll(plan)).toBe(false);
      expect(rowsReadOf(plan)).toBe(rows);
    },
  );

  it('are summed up through an index also with the plan that a connection makes once for all values', async () => {
    const queries: CompiledQuery[] = [];
    const runner: QueryRunner = {
      executeQuery(query) {
        queries.push(query);
        return tested.database.db.executeQuery(query);
      },
    };
    const week = { from: '2026-01-05', to: '2026-01-11' };
    for (const part of [{}, { adId }, { campaignId }])
      await performance()
        .withSession(runner)
        .series({ ...week, ...part });
    const rows: number[] = [];
    await tested.database.transaction(async transaction => {
      await sql`set local plan_cache_mode = force_generic_plan`.execute(transaction);
      for (const [index, { sql: text, parameters }] of queries.entries()) {
        await sql.raw(`prepare probe_${index} as ${text}`).execute(transaction);
        const values = parameters.map(value => `'${String(value)}'`).join(', ');
        type Explained = { readonly 'QUERY PLAN': readonly { readonly Plan: PlanNode }[] };
        const explain = `explain (analyze, buffers, format json) execute probe_${index}(${values})`;
        const plan = (await sql.raw<Explained>(explain).execute(transaction)).rows[0]?.['QUERY PLAN'][0]?.Plan;
        expect(scansAll(plan), text).toBe(false);
        rows.push(rowsReadOf(plan));
        await sql.raw(`deallocate probe_${index}`).execute(transaction);
      }
    });
    expect(rows).toEqual([7 * 24 * 100, 7 * 24, 7 * 24 * 5]);
  });

  it('are summed up through an index in statistics, comparisons and budgets, too', async () => {
    const day = { from: '2026-01-15', to: '2026-01-15' };
    const { repositories } = tested;
    const plans = await plansOf(async runner => {
      await repositories.createAdsRepository().ownedBy(ada).withSession(runner).stats(day);
      const analytics = repositories.createAnalyticsRepository().ownedBy(ada).withSession(runner);
      await analytics.compare(day);
      await analytics.topAds(day);
      await analytics.funnel({ ...january, adId });
      await repositories.createCampaignRepository().ownedBy(ada).withSession(runner).budget(campaignId);
      await repositories.createGroupRepository().ownedBy(ada).withSession(runner).overview(campaignId, day);
    });
    expect(plans).toHaveLength(6);
    expect(plans.map(scansAll)).toEqual(plans.map(() => false));
  });
}
