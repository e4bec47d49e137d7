import { Repository, type RepositoryOptions, type RepositorySource } from 'plinth/crud';
import { type PreparedStatement, prepareStatement } from 'plinth/database';
import { ValidationError } from 'plinth/errors';
import { z } from 'zod';
import { conditionOf, type MeasuredPart, measuredRows, type PartCondition } from './measured-rows.ts';
import { type Counts, type CountTexts, type Measures, measuresOf, ratio, sumsOfRows } from './measures.ts';
import { OwnerStatements } from './owner-statements.ts';
import { boundsOf, type Period, periodBefore } from './period.ts';
import { adPerformance } from './tables.ts';

/** By what ads can be ranked. */
export const rankedBy = z.enum(['impressions', 'clicks', 'conversions', 'costMicros']);

/** Which ads are best. */
export interface TopAdsOptions extends Period {
  /** @default 'clicks' */
  readonly by?: z.output<typeof rankedBy> | undefined;
  /** How many, up to 100. @default 10 */
  readonly limit?: number | undefined;
}

/** An ad with what came of it. */
export interface RankedAd extends Measures {
  readonly adId: number;
  readonly headline: string;
}

/** A period beside another one. */
export interface Comparison {
  readonly current: Measures;
  readonly previous: Measures;
  /** How much each sum grew: 0.5 is half as much again. `null` where there was nothing before. */
  readonly change: { readonly [Name in keyof Counts]: number | null };
}

/** How many are left at each step. */
export interface FunnelStep {
  readonly step: 'impressions' | 'clicks' | 'conversions';
  readonly count: number;
  /** The part of the step before; `null` for the first, and where there was nothing before. */
  readonly rate: number | null;
  /** The part of the first step. */
  readonly rateOfAll: number | null;
}

const columns = { impressions: 'impressions', clicks: 'clicks', conversions: 'conversions', costMicros: 'cost_micros' };

const topAdsBy: Readonly<Record<keyof Counts, PreparedStatement>> = {
  impressions: topAdsStatement('impressions'),
  clicks: topAdsStatement('clicks'),
  conversions: topAdsStatement('conversions'),
  costMicros: topAdsStatement('costMicros'),
};

function topAdsStatement(by: keyof Counts): PreparedStatement {
  return prepareStatement(
    `select best.*, a.headline from (
        select p.ad_id::float8 as "adId", sum(p.${columns[by]}) as "rank", ${sumsOfRows}
        ${measuredRows('all', 2, 3, 4)} group by p.ad_id order by "rank" desc, p.ad_id limit $4
      ) best join ads a on a.user_id = $1 and a.id = best."adId" order by best."rank" desc, a.id`,
    { reads: true },
  );
}

const totalsOf: Readonly<Record<PartCondition['name'], PreparedStatement>> = {
  all: totalsStatement('all'),
  ad: totalsStatement('ad'),
  campaign: totalsStatement('campaign'),
};

function totalsStatement(part: PartCondition['name']): PreparedStatement {
  return prepareStatement(`select ${sumsOfRows} ${measuredRows(part, 2, 3, 4)}`, { reads: true });
}

const comparisonOf: Readonly<Record<PartCondition['name'], PreparedStatement>> = {
  all: comparisonStatement('all'),
  ad: comparisonStatement('ad'),
  campaign: comparisonStatement('campaign'),
};

function comparisonStatement(part: PartCondition['name']): PreparedStatement {
  const sums = (from: number, to: number): string => `select ${sumsOfRows} ${measuredRows(part, from, to, 6)}`;
  const text = `select row_to_json(now) as "current", row_to_json(before) as "previous" from (${sums(2, 3)}) now, (${sums(4, 5)}) before`;
  return prepareStatement(text, { reads: true });
}

/** What the numbers of an owner's ads say. */
export class AnalyticsRepository extends Repository<typeof adPerformance> {
  readonly #statements: OwnerStatements;

  constructor(source: RepositorySource, options?: RepositoryOptions) {
    super(adPerformance, source, options);
    this.#statements = new OwnerStatements(source);
  }

  /** The best ads of a period. @throws {ValidationError} for a ranking, a number or a period that cannot be used. */
  async topAds({ by = 'clicks', limit = 10, ...period }: TopAdsOptions): Promise<readonly RankedAd[]> {
    const problems: Record<string, string> = {};
    const name = rankedBy.safeParse(by).data;
    if (name === undefined) problems['by'] = `Expected one of ${rankedBy.options.join(', ')}`;
    if (!Number.isInteger(limit) || limit < 1 || limit > 100)
      problems['limit'] = 'Expected a whole number from 1 to 100';
    if (name === undefined || problems['limit'] !== undefined)
      throw new ValidationError('The ranking cannot be used', problems);
    type RankedRow = { readonly adId: number; readonly headline: string; readonly rank: string } & CountTexts;
    const rows = await this.#statements.all<RankedRow>(topAdsBy[name], [...boundsOf(period), limit]);
    return rows.map(({ adId, headline, rank: _, ...sums }) => ({ adId, headline, ...measuresOf(sums) }));
  }

  /** What was counted in all within a period. */
  async totals(options: Period & MeasuredPart): Promise<Measures> {
    const { name, values } = conditionOf(options);
    return measuresOf(await this.#statements.one<CountTexts>(totalsOf[name], [...boundsOf(options), ...values]));
  }

  /** A period beside another one: by default the one of the same length before it. */
  async compare(options: Period & MeasuredPart, previous: Period = periodBefore(options)): Promise<Comparison> {
    const { name, values } = conditionOf(options);
    type Both = { readonly current: CountTexts; readonly previous: CountTexts };
    const bounds = [...boundsOf(options), ...boundsOf(previous)];
    const both = await this.#statements.one<Both>(comparisonOf[name], [...bounds, ...values]);
    const current = measuresOf(both.current);
    const before = measuresOf(both.previous);
    const grown = (field: keyof Counts): number | null => ratio(current[field] - before[field], before[field]);
    return {
      current,
      previous: before,
      change: {
        impressions: grown('impressions'),
        clicks: grown('clicks'),
        conversions: grown('conversions'),
        costMicros: grown('costMicros'),
      },
    };
  }

  /** From being seen to being bought, step by step. */
  async funnel(options: Period & MeasuredPart): Promise<readonly FunnelStep[]> {
    const { impressions, clicks, conversions } = await this.totals(options);
    return [
      { step: 'impressions', count: impressions, rate: null, rateOfAll: ratio(impressions, impressions) },
      { step: 'clicks', count: clicks, rate: ratio(clicks, impressions), rateOfAll: ratio(clicks, impressions) },
      {
        step: 'conversions',
        count: conversions,
        rate: ratio(conversions, clicks),
        rateOfAll: ratio(conversions, impressions),
      },
    ];
  }
}
