import { Repository, type RepositoryOptions, type RepositorySource, type Row } from 'plinth/crud';
import { prepareStatement } from 'plinth/database';
import { NotFoundError, ValidationError } from 'plinth/errors';
import { type CountTexts, type Measures, measuresOf, sumsOfRows } from './measures.ts';
import { type ForOwner, OwnerStatements } from './owner-statements.ts';
import { boundsOf, type Period } from './period.ts';
import { ads } from './tables.ts';

/** What an owner has, and what came of it. */
export interface UserStats extends Measures {
  readonly campaigns: number;
  readonly activeCampaigns: number;
  readonly groups: number;
  readonly ads: number;
  /** Ads that are served: active, in an active group of an active campaign. */
  readonly activeAds: number;
}

/** Which part of a list by key. */
export interface AfterKey {
  /** The key that was last. @default from the beginning */
  readonly after?: number | undefined;
  /** How many, up to 100. @default 100 */
  readonly size?: number | undefined;
}

type StatsRow = Omit<UserStats, keyof Measures> & CountTexts;

const served = `a.status = 'active' and g.status = 'active' and c.status = 'active'`;
const parents = `join ad_groups g on g.user_id = a.user_id and g.id = a.group_id
  join campaigns c on c.user_id = g.user_id and c.id = g.campaign_id`;

const statsOf = (rows: string): ReturnType<typeof prepareStatement> =>
  prepareStatement(
    `select owned_campaigns.*, owned_groups.*, owned_ads.*, measured.* from
      (select count(*)::int as "campaigns", (count(*) filter (where status = 'active'))::int as "activeCampaigns"
        from campaigns where user_id = $1) owned_campaigns,
      (select count(*)::int as "groups" from ad_groups where user_id = $1) owned_groups,
      (select count(*)::int as "ads", (count(*) filter (where ${served}))::int as "activeAds"
        from ads a ${parents} where a.user_id = $1) owned_ads,
      (select ${sumsOfRows} from ad_performance p where p.user_id = $1${rows}) measured`,
    { reads: true },
  );
const statsOfAllTime = statsOf('');
const statsOfPeriod = statsOf(' and p.hour >= $2::timestamptz and p.hour < $3::timestamptz');

const servedAds = prepareStatement(
  `select a.id::float8 as "id", a.user_id as "userId", a.group_id::float8 as "groupId", a.headline,
      a.landing_url as "landingUrl", a.status, a.created_at as "createdAt", a.updated_at as "updatedAt",
      a.version::float8 as "version"
    from ads a ${parents} where a.user_id = $1 and a.id > $2 and ${served} order by a.id limit $3`,
  { reads: true },
);

/** Ads of their owners. */
export class AdsRepository extends Repository<typeof ads> {
  readonly #statements: OwnerStatements;

  constructor(source: RepositorySource, options?: RepositoryOptions) {
    super(ads, source, options);
    this.#statements = new OwnerStatements(source);
  }

  /** An ad of an owner. @throws {NotFoundError} when this owner has no such ad, whoever else may have it. */
  async getById(id: number, { userId }: ForOwner): Promise<Row<typeof ads>> {
    const ad = await this.ownedBy(userId).findById(id);
    if (ad === undefined) throw new NotFoundError(this.table.resource, id);
    return ad;
  }

  /** What an owner has and what came of it, of all time or within a period, in one statement. */
  async getUserStats(userId: string, period?: Period): Promise<UserStats> {
    return await this.ownedBy(userId).stats(period);
  }

  /** The same for the owner of this repository. */
  async stats(period?: Period): Promise<UserStats> {
    const statement = period === undefined ? statsOfAllTime : statsOfPeriod;
    const bounds = period === undefined ? [] : boundsOf(period);
    const {
      campaigns,
      activeCampaigns,
      groups,
      ads: count,
      activeAds,
      ...sums
    } = await this.#statements.one<StatsRow>(statement, bounds);
    return { campaigns, activeCampaigns, groups, ads: count, activeAds, ...measuresOf(sums) };
  }

  /** The ads that are served now, by key: active, in an active group of an active campaign. */
  async served({ after = 0, size = 100 }: AfterKey = {}): Promise<readonly Row<typeof ads>[]> {
    const problems: Record<string, string> = {};
    if (!Number.isSafeInteger(after)) problems['after'] = 'Expected a key';
    if (!Number.isSafeInteger(size) || size < 1 || size > 100)
      problems['size'] = 'Expected a whole number from 1 to 100';
    if (Object.keys(problems).length > 0) throw new ValidationError('The page cannot be used', problems);
    return await this.#statements.all<Row<typeof ads>>(servedAds, [after, size]);
  }
}
