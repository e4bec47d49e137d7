import { Repository, type RepositoryOptions, type RepositorySource, type Row } from 'plinth/crud';
import { prepareStatement } from 'plinth/database';
import { NotFoundError, ValidationError } from 'plinth/errors';
import { z } from 'zod';
import { adsOfCampaign } from './measured-rows.ts';
import { type ForOwner, OwnerStatements } from './owner-statements.ts';
import { boundsOf, type Period } from './period.ts';
import { micros, optimizations } from './tables.ts';

/** A suggestion. */
export type Optimization = Row<typeof optimizations>;

/** To the millisecond, which is what a `Date` holds, as repositories write it. */
const now = "date_trunc('milliseconds', now())";

/** From where on something is worth a suggestion. */
export const suggestionLimits = z.strictObject({
  minImpressions: z.int().min(1).max(1_000_000_000).default(1_000).meta({
    description: 'Ads that were shown less often than this are not judged by their clicks',
  }),
  minClickThroughRate: z.number().min(0).max(1).default(0.005).meta({
    description: 'Clicks per impression below which an ad should be paused',
  }),
  minCostMicros: micros.min(1).default(10_000_000).meta({
    description: 'What an ad may cost before it should have led to a conversion',
  }),
  quietDays: z.int().min(0).max(365).default(30).meta({
    description: 'For how many days a suggestion that was dismissed is not made again',
  }),
});

/** How many suggestions are made at once, so that all of them fit one answer. */
const maxSuggestions = 200;

/** What is looked at, and from where on it is worth a suggestion. */
export type SuggestOptions = Period & z.input<typeof suggestionLimits>;

const selection = `id::float8 as "id", user_id as "userId", campaign_id::float8 as "campaignId", ad_id::float8 as "adId",
  kind, status, facts, created_at as "createdAt", decided_at as "decidedAt"`;

/**
 * A sum beyond what a number holds is told as the largest one, far above every limit. What is about to be deleted is
 * waited for, in the order in which a deletion goes: campaigns, then ads.
 */
const suggestAll = prepareStatement(
  `with measured as (
      select p.ad_id, sum(p.impressions) as impressions, sum(p.clicks) as clicks, sum(p.conversions) as conversions,
        least(sum(p.cost_micros), ${Number.MAX_SAFE_INTEGER}) as cost
      from ad_performance p where p.user_id = $1 and p.hour >= $2::timestamptz and p.hour < $3::timestamptz
      group by p.ad_id
    ), served as (
      select a.id as ad_id, c.id as campaign_id from ads a
      join ad_groups g on g.user_id = a.user_id and g.id = a.group_id
      join campaigns c on c.user_id = g.user_id and c.id = g.campaign_id
      where a.user_id = $1 and a.status = 'active' and g.status = 'active' and c.status = 'active'
    ), spent as (
      select c.id as campaign_id, c.budget_micros, (select least(coalesce(sum(p.cost_micros), 0), ${Number.MAX_SAFE_INTEGER}) from ad_performance p
        where p.user_id = $1 and p.ad_id = any(array(${adsOfCampaign('c.id')}))) as cost
      from campaigns c where c.user_id = $1 and c.status = 'active' and c.budget_micros is not null
    ), found as (
      select campaign_id, ad_id, 'low-click-through' as kind,
        json_build_object('impressions', impressions, 'clicks', clicks) as facts
      from measured join served using (ad_id) where impressions >= $4::bigint and clicks < $5::numeric * impressions
      union all
      select campaign_id, ad_id, 'spend-without-conversion', json_build_object('costMicros', cost, 'clicks', clicks)
      from measured join served using (ad_id) where conversions = 0 and cost >= $6::bigint
      union all
      select campaign_id, null, 'budget-exhausted', json_build_object('budgetMicros', budget_micros, 'costMicros', cost)
      from spent where cost >= budget_micros
    ), fresh as (
      select * from found f where not exists (
        select from optimizations o where o.user_id = $1 and o.campaign_id = f.campaign_id
          and o.ad_id is not distinct from f.ad_id and o.kind = f.kind
          and (o.status = 'open' or (o.status = 'dismissed' and o.decided_at > now() - make_interval(days => $7::int)))
      )
      order by campaign_id, ad_id, kind limit ${maxSuggestions}
    ), standing_campaigns as materialized (
      select id from campaigns where user_id = $1 and id in (select campaign_id from fresh) order by id for key share
    ), standing_ads as materialized (
      select id from ads where user_id = $1 and (select count(*) from standing_campaigns) > 0
        and id in (select ad_id from fresh) order by id for key share
    )
    insert into optimizations (user_id, campaign_id, ad_id, kind, facts, created_at)
    select $1, campaign_id, ad_id, kind, facts, ${now} from fresh
    where campaign_id in (select id from standing_campaigns)
      and (ad_id is null or ad_id in (select id from standing_ads))
    order by campaign_id, ad_id, kind
    on conflict do nothing returning ${selection}`,
  { reads: false },
);

/**
 * Accepts one and does what it says, at once: an open one only, so that it is done once. What it is about is locked before
 * it, as by a deletion: the other way round each would wait for the other.
 */
const acceptOne = prepareStatement(
  `with wanted as materialized (
      select campaign_id, ad_id from optimizations where user_id = $1 and id = $2 and status = 'open'
    ), standing_ad as materialized (
      select id from ads where user_id = $1 and id = (select ad_id from wanted) for no key update
    ), standing_campaign as materialized (
      select id from campaigns where user_id = $1 and id = (select campaign_id from wanted where ad_id is null)
      for no key update
    ), decided as (
      update optimizations set status = 'accepted', decided_at = ${now}
      where user_id = $1 and id = $2 and status = 'open'
        and (exists (select from standing_ad) or exists (select from standing_campaign)) returning *
    ), ad as (
      update ads set status = 'paused', version = ads.version + 1, updated_at = ${now} from decided d
      where ads.user_id = $1 and ads.id = d.ad_id and ads.status = 'active'
    ), campaign as (
      update campaigns set status = 'paused', version = campaigns.version + 1, updated_at = ${now} from decided d
      where d.ad_id is null and campaigns.user_id = $1 and campaigns.id = d.campaign_id and campaigns.status = 'active'
    )
    select ${selection} from decided`,
  { reads: false },
);

const dismissOne = prepareStatement(
  `update optimizations set status = 'dismissed', decided_at = ${now}
    where user_id = $1 and id = $2 and status = 'open' returning ${selection}`,
  { reads: false },
);

/** Suggestions to their owners, and what became of them. */
export class OptimizationRepository extends Repository<typeof optimizations> {
  readonly #statements: OwnerStatements;

  constructor(source: RepositorySource, options?: RepositoryOptions) {
    super(optimizations, source, options);
    this.#statements = new OwnerStatements(source);
  }

  /** A suggestion to an owner. @throws {NotFoundError} when this owner has no such suggestion. */
  async getById(id: number, { userId }: ForOwner): Promise<Optimization> {
    const suggestion = await this.ownedBy(userId).findById(id);
    if (suggestion === undefined) throw new NotFoundError(this.table.resource, id);
    return suggestion;
  }

  /**
   * Looks for what should be paused, and gives the suggestions that are new: served ads that are shown and not clicked,
   * served ads that cost and lead to nothing, active campaigns whose budget is spent. What is suggested already, or was
   * dismissed not long ago, is not suggested again. At most 200 at once: who asks again gets more.
   *
   * @throws {ValidationError} for a period or a limit that cannot be used.
   */
  async suggest({ from, to, ...limits }: SuggestOptions): Promise<readonly Optimization[]> {
    const bounds = boundsOf({ from, to });
    const { data, error } = suggestionLimits.safeParse(limits);
    if (data === undefined) {
      const problems = error.issues.map(({ path, message }) => [path.map(String).join('.') || 'limits', message]);
      throw new ValidationError('The limits cannot be used', Object.fromEntries(problems) as Record<string, string>);
    }
    const { minImpressions, minClickThroughRate, minCostMicros, quietDays } = data;
    const values = [...bounds, minImpressions, minClickThroughRate, minCostMicros, quietDays];
    return await this.#statements.all<Optimization>(suggestAll, values);
  }

  /**
   * Accepts a suggestion: pauses the ad, or the campaign where there is no ad. Again, it changes nothing.
   *
   * @throws {NotFoundError} when there is no such suggestion.
   * @throws {ValidationError} when it was dismissed.
   */
  async accept(id: number): Promise<Optimization> {
    const [accepted] = await this.#statements.all<Optimization>(acceptOne, [id]);
    return accepted ?? (await this.#decidedAs('accepted', id));
  }

  /**
   * Dismisses a suggestion. Again, it changes nothing.
   *
   * @throws {NotFoundError} when there is no such suggestion.
   * @throws {ValidationError} when it was accepted.
   */
  async dismiss(id: number): Promise<Optimization> {
    const [dismissed] = await this.#statements.all<Optimization>(dismissOne, [id]);
    return dismissed ?? (await this.#decidedAs('dismissed', id));
  }

  async #decidedAs(status: Optimization['status'], id: number): Promise<Optimization> {
    const suggestion = await this.findById(id);
    if (suggestion === undefined) throw new NotFoundError(this.table.resource, id);
    if (suggestion.status === status) return suggestion;
    throw new ValidationError('The suggestion cannot be decided', { status: `It is ${suggestion.status} already` });
  }
}
