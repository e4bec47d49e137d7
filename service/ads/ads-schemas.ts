import { z } from 'zod';
import { wholeKey } from '../resource-routes.ts';
import { bucketWidth, knownDay, lastDays, type Period } from './period.ts';
import { runStatus } from './tables.ts';

/** Whose rows: whoever asks, until callers are known. */
export const ownerParams = { userId: z.uuid() };

/** Days in UTC, both included. */
export const periodQuery = {
  from: knownDay.optional().meta({ description: 'The first day in UTC, included. Default: 29 days before `to`' }),
  to: knownDay.optional().meta({ description: 'The last day in UTC, included. Default: today' }),
};

/** Days in UTC, both included, where all time is told of without them. */
export const allTimeQuery = {
  from: knownDay.optional().meta({
    description:
      'The first day in UTC, included. Default: 29 days before `to`; without either of them the sums are of all time',
  }),
  to: knownDay.optional().meta({
    description: 'The last day in UTC, included. Default: today; without either of them the sums are of all time',
  }),
};

/** The body of a request that needs none, because each of its fields has a default. */
export function bodyOrNone<Schema extends z.ZodType>(schema: Schema): z.ZodPreprocess<Schema> {
  return z.preprocess(body => body ?? {}, schema.meta({ default: {} }));
}

/** Of what numbers are told. */
export const partQuery = {
  adId: wholeKey.optional().meta({ description: 'Of one ad only' }),
  campaignId: wholeKey.optional().meta({ description: 'Of one campaign only' }),
};

/** How wide the buckets of a series are. */
export const bucketQuery = {
  bucket: bucketWidth.default('day').meta({ description: 'In UTC; weeks begin on Mondays' }),
};

/** A period as it was asked for; the last 30 days where nothing was said. */
export function periodOf(
  query: { readonly from?: string | undefined; readonly to?: string | undefined },
  now: number,
): Period {
  const to = query.to ?? lastDays(1, now).to;
  return { from: query.from ?? lastDays(30, Date.parse(to)).from, to };
}

const rate = z.number().nullable();
const cost = z.int().nullable();

const measures = {
  impressions: z.int(),
  clicks: z.int(),
  conversions: z.int(),
  costMicros: z.int().meta({ description: "Millionths of the owner's currency" }),
  clickThroughRate: rate.meta({ description: 'Clicks per impression; null without impressions' }),
  conversionRate: rate.meta({ description: 'Conversions per click; null without clicks' }),
  costPerClickMicros: cost,
  costPerConversionMicros: cost,
};

/** What an owner has, and what came of it. */
export const userStats = z.object({
  campaigns: z.int(),
  activeCampaigns: z.int(),
  groups: z.int(),
  ads: z.int(),
  activeAds: z.int().meta({ description: 'Active ads in active groups of active campaigns' }),
  ...measures,
});

/** Buckets of a series. */
export const series = z.array(
  z.object({
    start: z.string().meta({ description: 'The first day, YYYY-MM-DD; with hours the time, ISO 8601 in UTC' }),
    ...measures,
  }),
);

/** Ads, the best first. */
export const rankedAds = z.array(z.object({ adId: z.int(), headline: z.string(), ...measures }));

/** Groups of a campaign. */
export const groupOverview = z.array(
  z.object({ id: z.int(), name: z.string(), status: runStatus, ads: z.int(), ...measures }),
);

/** Two periods. */
export const comparison = z.object({
  current: z.object(measures),
  previous: z.object(measures),
  change: z
    .object({ impressions: rate, clicks: rate, conversions: rate, costMicros: rate })
    .meta({ description: 'How much each grew: 0.5 is half as much again; null where there was nothing before' }),
});

/** Steps of a funnel. */
export const funnel = z.array(
  z.object({ step: z.enum(['impressions', 'clicks', 'conversions']), count: z.int(), rate, rateOfAll: rate }),
);

/** What may be spent and what was. */
export const campaignBudget = z.object({ budgetMicros: cost, spentMicros: z.int(), remainingMicros: cost });
