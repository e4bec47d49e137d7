import type { Repository, Table } from 'plinth/crud';
import { ArgumentError, NotFoundError, ValidationError } from 'plinth/errors';
import { expect } from 'vitest';
import { AdsRepository } from '../../service/ads/ads-repository.ts';
import { AnalyticsRepository } from '../../service/ads/analytics-repository.ts';
import { CampaignRepository } from '../../service/ads/campaign-repository.ts';
import { GroupRepository } from '../../service/ads/group-repository.ts';
import { OptimizationRepository } from '../../service/ads/optimization-repository.ts';
import { PerformanceRepository } from '../../service/ads/performance-repository.ts';
import { type AdsUnderTest, hourOf, january } from './open-ads.ts';

/** Ada has a bit of everything, Bob has nothing. */
export interface Owners {
  readonly ada: string;
  readonly bob: string;
}

/** A repository of any table, where the test picks methods and values by name. */
export type AnyRepository = Record<string, (...args: unknown[]) => Promise<unknown>>;

/** What a call of one owner comes to when all rows there are belong to another one. */
export type Outcome = 'nothing' | 'zero' | 'own' | typeof NotFoundError | typeof ValidationError | typeof ArgumentError;

/** One call, and what it must come to. */
export interface Call {
  readonly method: string;
  readonly of: (repository: AnyRepository) => unknown;
  readonly outcome: Outcome;
}

/** A repository of one who has nothing, and rows of another one. */
export interface Case {
  readonly type: { readonly name: string; readonly prototype: object };
  readonly mine: () => AnyRepository;
  /** The key of a row of the other owner. */
  readonly id: number;
  /** A new row under what belongs to the other one. */
  readonly under: object;
  /** Whether such a row has a parent, so that it must be refused. */
  readonly hasParent: boolean;
  readonly changes: object;
  readonly conflict: readonly string[];
  readonly own: readonly Call[];
}

/** What every repository inherits. */
export function inherited({ ada }: Owners, { id, under, hasParent, changes, conflict }: Case): readonly Call[] {
  const stolen = { ...under, userId: ada };
  const byKey = { field: 'id', operator: 'eq', value: id };
  return [
    { method: 'ownedBy', of: async mine => mine['ownedBy']?.(ada), outcome: ArgumentError },
    { method: 'forAllOwners', of: async mine => mine['forAllOwners']?.(), outcome: ArgumentError },
    { method: 'withDeleted', of: mine => chain(mine, 'withDeleted')['list']?.(), outcome: 'nothing' },
    { method: 'findById', of: mine => mine['findById']?.(id), outcome: 'nothing' },
    { method: 'findOne', of: mine => mine['findOne']?.([]), outcome: 'nothing' },
    { method: 'list', of: mine => mine['list']?.({ filters: byKey, total: true }), outcome: 'nothing' },
    { method: 'count', of: mine => mine['count']?.(), outcome: 'zero' },
    { method: 'exists', of: mine => mine['exists']?.([]), outcome: 'zero' },
    { method: 'insert', of: mine => mine['insert']?.(stolen), outcome: ValidationError },
    { method: 'insert', of: mine => mine['insert']?.(under), outcome: hasParent ? ValidationError : 'own' },
    { method: 'insertMany', of: mine => mine['insertMany']?.([stolen]), outcome: ValidationError },
    { method: 'insertMany', of: mine => mine['insertMany']?.([under]), outcome: hasParent ? ValidationError : 'own' },
    { method: 'upsert', of: mine => mine['upsert']?.(stolen, { conflict }), outcome: ValidationError },
    ...(hasParent || conflict.length === 0
      ? []
      : [
          {
            method: 'upsert',
            of: (mine: AnyRepository) => mine['upsert']?.(under, { conflict }),
            outcome: 'own' as const,
          },
        ]),
    { method: 'update', of: mine => mine['update']?.(id, changes), outcome: 'nothing' },
    { method: 'updateMany', of: mine => mine['updateMany']?.([], changes, { all: true }), outcome: 'zero' },
    { method: 'updateMany', of: mine => mine['updateMany']?.(byKey, changes), outcome: 'zero' },
    { method: 'delete', of: mine => mine['delete']?.(id), outcome: 'zero' },
    { method: 'deleteMany', of: mine => mine['deleteMany']?.([], { all: true }), outcome: 'zero' },
    { method: 'restore', of: mine => mine['restore']?.(id), outcome: ArgumentError },
    { method: 'purge', of: mine => mine['purge']?.(id), outcome: 'zero' },
  ];
}

/** Calls a method that gives a repository. */
export function chain(repository: AnyRepository, method: string, ...args: unknown[]): AnyRepository {
  return (repository[method] as unknown as (...given: unknown[]) => AnyRepository).apply(repository, args);
}

/** The keys of Ada's rows. */
interface Rows extends Owners {
  readonly campaignId: number;
  readonly groupId: number;
  readonly groupName: string;
  readonly adId: number;
  readonly performanceId: number;
  readonly suggestionId: number;
}

type Factories = AdsUnderTest['repositories'];

/** Gives Ada a row of each kind, and makes a case of each of Bob's repositories. */
export async function prepareCases(tested: AdsUnderTest): Promise<{ owners: Owners; cases: readonly Case[] }> {
  await tested.clear();
  const { repositories } = tested;
  const ada = await tested.addUser('ada@example.com');
  const bob = await tested.addUser('bob@example.com');
  const { campaign, group, ads } = await tested.addCampaign(ada, 'Ada');
  const adId = ads[0]?.id ?? expect.fail('There is no ad');
  await repositories
    .createPerformanceRepository()
    .ownedBy(ada)
    .record([measuredOf(adId)]);
  const [performance] = (await repositories.createPerformanceRepository().ownedBy(ada).list()).items;
  const [suggestion] = await repositories.createOptimizationRepository().ownedBy(ada).suggest(january);
  const rows: Rows = {
    ada,
    bob,
    campaignId: campaign.id,
    groupId: group.id,
    groupName: group.name,
    adId,
    performanceId: performance?.id ?? expect.fail('There is no performance'),
    suggestionId: suggestion?.id ?? expect.fail('There is no suggestion'),
  };
  const make = [campaignCase, groupCase, adCase, performanceCase, analyticsCase, optimizationCase];
  return { owners: { ada, bob }, cases: make.map(one => one(repositories, rows)) };
}

function measuredOf(adId: number) {
  return { adId, hour: hourOf(15), impressions: 5_000, clicks: 1, costMicros: 20_000_000 };
}

function anyOf(repository: object): AnyRepository {
  return repository as AnyRepository;
}

function getCalls({ ada, bob }: Owners, id: number): readonly Call[] {
  return [
    { method: 'getById', of: mine => mine['getById']?.(id, { userId: bob }), outcome: NotFoundError },
    { method: 'getById', of: mine => mine['getById']?.(id, { userId: ada }), outcome: ArgumentError },
  ];
}

/** The same question of all, of an ad and of a campaign of the other one. */
function measuredCalls(method: string, { adId, campaignId }: Rows): readonly Call[] {
  const parts = [january, { ...january, adId }, { ...january, campaignId }];
  return parts.map(part => ({ method, of: mine => mine[method]?.(part), outcome: 'nothing' as const }));
}

function hourCase({ adId, performanceId }: Rows) {
  return {
    under: { adId, hour: hourOf(15), clicks: 7 },
    hasParent: true,
    id: performanceId,
    changes: { clicks: 9 },
    conflict: ['userId', 'adId', 'hour'],
  };
}

function campaignCase(repositories: Factories, rows: Rows): Case {
  const { bob, campaignId } = rows;
  return {
    type: CampaignRepository,
    mine: () => anyOf(repositories.createCampaignRepository().ownedBy(bob)),
    id: campaignId,
    under: { name: 'Ada' },
    hasParent: false,
    changes: { name: 'Taken' },
    conflict: ['userId', 'name'],
    own: [
      ...getCalls(rows, campaignId),
      { method: 'pause', of: mine => mine['pause']?.(campaignId), outcome: NotFoundError },
      { method: 'activate', of: mine => mine['activate']?.(campaignId), outcome: NotFoundError },
      { method: 'budget', of: mine => mine['budget']?.(campaignId), outcome: NotFoundError },
    ],
  };
}

function groupCase(repositories: Factories, rows: Rows): Case {
  const { bob, campaignId, groupId, groupName } = rows;
  return {
    type: GroupRepository,
    mine: () => anyOf(repositories.createGroupRepository().ownedBy(bob)),
    id: groupId,
    under: { campaignId: campaignId, name: groupName },
    hasParent: true,
    changes: { name: 'Taken' },
    conflict: ['userId', 'name', 'campaignId'],
    own: [
      ...getCalls(rows, groupId),
      { method: 'overview', of: mine => mine['overview']?.(campaignId, january), outcome: 'nothing' },
    ],
  };
}

function adCase(repositories: Factories, rows: Rows): Case {
  const { ada, bob, adId, groupId } = rows;
  return {
    type: AdsRepository,
    mine: () => anyOf(repositories.createAdsRepository().ownedBy(bob)),
    id: adId,
    under: { groupId: groupId, headline: 'Taken', landingUrl: 'https://bob.example/' },
    hasParent: true,
    changes: { headline: 'Taken' },
    conflict: ['groupId'],
    own: [
      ...getCalls(rows, adId),
      { method: 'stats', of: mine => mine['stats']?.(), outcome: 'nothing' },
      { method: 'stats', of: mine => mine['stats']?.(january), outcome: 'nothing' },
      { method: 'getUserStats', of: mine => mine['getUserStats']?.(bob), outcome: 'nothing' },
      { method: 'getUserStats', of: mine => mine['getUserStats']?.(ada), outcome: ArgumentError },
      { method: 'served', of: mine => mine['served']?.(), outcome: 'nothing' },
    ],
  };
}

function performanceCase(repositories: Factories, rows: Rows): Case {
  const { bob, adId } = rows;
  return {
    type: PerformanceRepository,
    mine: () => anyOf(repositories.createPerformanceRepository().ownedBy(bob)),
    ...hourCase(rows),
    own: [
      {
        method: 'record',
        of: mine => mine['record']?.([{ ...measuredOf(adId), clicks: 9 }]),
        outcome: ValidationError,
      },
      {
        method: 'record',
        of: mine => mine['record']?.([{ ...measuredOf(adId), hour: hourOf(16) }]),
        outcome: ValidationError,
      },
      ...measuredCalls('series', rows),
    ],
  };
}

function analyticsCase(repositories: Factories, rows: Rows): Case {
  const { bob } = rows;
  return {
    type: AnalyticsRepository,
    mine: () => anyOf(repositories.createAnalyticsRepository().ownedBy(bob)),
    ...hourCase(rows),
    own: [
      { method: 'topAds', of: mine => mine['topAds']?.(january), outcome: 'nothing' },
      ...measuredCalls('totals', rows),
      ...measuredCalls('compare', rows),
      ...measuredCalls('funnel', rows),
    ],
  };
}

function optimizationCase(repositories: Factories, rows: Rows): Case {
  const { bob, campaignId, adId, suggestionId } = rows;
  return {
    type: OptimizationRepository,
    mine: () => anyOf(repositories.createOptimizationRepository().ownedBy(bob)),
    id: suggestionId,
    under: { campaignId: campaignId, adId: adId, kind: 'budget-exhausted', facts: {} },
    hasParent: true,
    changes: { facts: { clicks: 0 } },
    conflict: ['campaignId'],
    own: [
      ...getCalls(rows, suggestionId),
      { method: 'suggest', of: mine => mine['suggest']?.(january), outcome: 'nothing' },
      { method: 'accept', of: mine => mine['accept']?.(suggestionId), outcome: NotFoundError },
      { method: 'dismiss', of: mine => mine['dismiss']?.(suggestionId), outcome: NotFoundError },
    ],
  };
}

/** Removes what an owner has put there. */
export async function removeRowsOf({ repositories }: AdsUnderTest, userId: string): Promise<void> {
  const factories: readonly { ownedBy(owner: string): Pick<Repository<Table>, 'deleteMany'> }[] = [
    repositories.createOptimizationRepository(),
    repositories.createPerformanceRepository(),
    repositories.createAdsRepository(),
    repositories.createGroupRepository(),
    repositories.createCampaignRepository(),
  ] as never;
  for (const factory of factories) await factory.ownedBy(userId).deleteMany([], { all: true });
}
