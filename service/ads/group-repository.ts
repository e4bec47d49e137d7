import { Repository, type RepositoryOptions, type RepositorySource, type Row } from 'plinth/crud';
import { prepareStatement } from 'plinth/database';
import { NotFoundError } from 'plinth/errors';
import { type CountTexts, type Measures, measuresOf, sumsOfRows } from './measures.ts';
import { type ForOwner, OwnerStatements } from './owner-statements.ts';
import { boundsOf, type Period } from './period.ts';
import { adGroups } from './tables.ts';

/** A group of a campaign, and what came of it. */
export interface GroupOverview extends Measures {
  readonly id: number;
  readonly name: string;
  readonly status: Row<typeof adGroups>['status'];
  readonly ads: number;
}

/** How many groups an overview shows. */
const maxGroups = 1_000;

const overviewOf = prepareStatement(
  `select g.id::float8 as "id", g.name, g.status, (select count(*)::int from ads a
      where a.user_id = $1 and a.group_id = g.id) as "ads", measured.*
    from ad_groups g cross join lateral (
      select ${sumsOfRows} from ad_performance p where p.user_id = $1
        and p.ad_id = any(array(select a.id from ads a where a.user_id = $1 and a.group_id = g.id))
        and p.hour >= $3::timestamptz and p.hour < $4::timestamptz
    ) measured
    where g.user_id = $1 and g.campaign_id = $2 order by g.id limit ${maxGroups}`,
  { reads: true },
);

/** Groups of ads of their owners. */
export class GroupRepository extends Repository<typeof adGroups> {
  readonly #statements: OwnerStatements;

  constructor(source: RepositorySource, options?: RepositoryOptions) {
    super(adGroups, source, options);
    this.#statements = new OwnerStatements(source);
  }

  /** A group of an owner. @throws {NotFoundError} when this owner has no such group. */
  async getById(id: number, { userId }: ForOwner): Promise<Row<typeof adGroups>> {
    const group = await this.ownedBy(userId).findById(id);
    if (group === undefined) throw new NotFoundError(this.table.resource, id);
    return group;
  }

  /** The first 1,000 groups of a campaign by key, each with its ads and what came of them within a period. */
  async overview(campaignId: number, period: Period): Promise<readonly GroupOverview[]> {
    type OverviewRow = Omit<GroupOverview, keyof Measures> & CountTexts;
    const rows = await this.#statements.all<OverviewRow>(overviewOf, [campaignId, ...boundsOf(period)]);
    return rows.map(({ id, name, status, ads, ...sums }) => ({ id, name, status, ads, ...measuresOf(sums) }));
  }
}
