import { type Kysely, sql } from 'kysely';
import { Repository, type Row } from 'plinth/crud';
import { DatabaseManager, type DatabaseManagerOptions } from 'plinth/database';
import { afterAll, beforeAll, describe } from 'vitest';
import { AdsRepositoryFactory } from '../../service/ads/ads-repositories.ts';
import { adsMigrations } from '../../service/ads/migrations.ts';
import type { adGroups, ads, campaigns } from '../../service/ads/tables.ts';
import { userMigrations } from '../../service/users/migrations.ts';
import { users } from '../../service/users/users-table.ts';
import { findPostgres, startPostgres } from '../servers/postgres.ts';
import { serverOrSkip } from '../servers/require.ts';

/** A database with the tables of users and ads. */
export interface AdsUnderTest {
  database: DatabaseManager;
  repositories: AdsRepositoryFactory;
  /** Removes all rows, users included. */
  clear(): Promise<void>;
  /** A new user's key. */
  addUser(email: string): Promise<string>;
  /** One campaign with one group and some ads. */
  addCampaign(userId: string, name: string, adCount?: number): Promise<Campaign>;
  /** All rows of an owner in all tables, as text. */
  rowsOf(userId: string): Promise<string>;
}

/** A campaign with one group. */
export interface Campaign {
  readonly campaign: Row<typeof campaigns>;
  readonly group: Row<typeof adGroups>;
  readonly ads: readonly Row<typeof ads>[];
}

/** Defines tests on PGlite, and on a real PostgreSQL where there is one. */
export function onBothEngines(define: (tested: AdsUnderTest) => void): void {
  describe('on PGlite', () => define(useAds(async () => ({ options: {}, end: async () => undefined }))));
  const postgres = serverOrSkip('postgres', findPostgres());
  describe.skipIf(postgres === undefined)('on PostgreSQL', () => define(useServer()));
}

/** The tables on a PostgreSQL that is started for the tests of a file. */
export function useServer(): AdsUnderTest {
  return useAds(async () => {
    const server = await startPostgres();
    return { options: { url: server.url, poolSize: 4 }, end: () => server.dispose() };
  });
}

/** Opens the tables before the tests and closes them after. */
export function useAds(
  prepare: () => Promise<{ options: DatabaseManagerOptions; end: () => Promise<void> }>,
): AdsUnderTest {
  const tested = {} as AdsUnderTest;
  let end: (() => Promise<void>) | undefined;
  const tables = ['campaigns', 'ad_groups', 'ads', 'ad_performance', 'optimizations'];

  beforeAll(async () => {
    const prepared = await prepare();
    end = prepared.end;
    tested.database = new DatabaseManager({ ...prepared.options, acquireTimeoutMs: 5_000 });
    await tested.database.open();
    await tested.database.migrate([...userMigrations, ...adsMigrations]);
    tested.repositories = new AdsRepositoryFactory(tested.database);
  });

  afterAll(async () => {
    await tested.database?.close();
    await end?.();
  });

  tested.clear = async () => {
    await sql`truncate users, campaigns, ad_groups, ads, ad_performance, optimizations restart identity`.execute(
      tested.database.db,
    );
  };

  tested.addUser = async email => (await new Repository(users, tested.database).insert({ email, name: email })).id;

  tested.addCampaign = async (userId, name, adCount = 1) => {
    const { repositories } = tested;
    const campaign = await repositories.createCampaignRepository().ownedBy(userId).insert({ name });
    const groupRepository = repositories.createGroupRepository().ownedBy(userId);
    const group = await groupRepository.insert({ name: `${name} group`, campaignId: campaign.id });
    const rows = Array.from({ length: adCount }, (_, index) => ({
      groupId: group.id,
      headline: `${name} ${index}`,
      landingUrl: 'https://shop.example/',
    }));
    return { campaign, group, ads: await repositories.createAdsRepository().ownedBy(userId).insertMany(rows) };
  };

  tested.rowsOf = async userId => {
    const db: Kysely<unknown> = tested.database.db;
    const found = [];
    for (const table of tables) {
      const query = sql`select * from ${sql.table(table)} where user_id = ${userId} order by id`;
      found.push((await query.execute(db)).rows);
    }
    return JSON.stringify(found);
  };

  return tested;
}

/** An hour of a day in January 2026. */
export function hourOf(day: number, hour = 0): Date {
  return new Date(Date.UTC(2026, 0, day, hour));
}

/** January 2026. */
export const january = { from: '2026-01-01', to: '2026-01-31' } as const;
