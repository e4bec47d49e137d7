import { parseListQuery } from 'plinth/crud';
import type { ServerRoutes } from 'plinth/server';
import { z } from 'zod';
import { pageOf } from '../resource-routes.ts';
import type { AdsRoutesParts } from './ads-routes-parts.ts';
import {
  bucketQuery,
  comparison,
  funnel,
  ownerParams,
  partQuery,
  periodOf,
  periodQuery,
  rankedAds,
  series,
} from './ads-schemas.ts';
import { rankedBy } from './analytics-repository.ts';
import { adPerformance, counted, micros } from './tables.ts';

const hour = z.iso
  .datetime({ offset: true })
  .meta({ description: 'The beginning of the hour', example: '2026-01-15T09:00:00Z' });

/** The largest report that is read, in bytes: all its rows, also where they are indented for people. */
const recordLimitBytes = 2_097_152;

const recordBody = z.strictObject({
  rows: z
    .array(
      z.strictObject({
        adId: z.int().min(1),
        hour,
        impressions: counted.default(0),
        clicks: counted.default(0),
        conversions: counted.default(0),
        costMicros: micros.default(0),
      }),
    )
    .min(1)
    .max(5_000),
});

/** What was counted, and what it says. */
export function performanceRoutes(parts: AdsRoutesParts): ServerRoutes {
  const { repositories } = parts;
  const facts = { tags: ['ads'], params: z.object(ownerParams) };
  return async app => {
    app.post(
      '/users/:userId/performance',
      {
        bodyLimit: recordLimitBytes,
        schema: {
          summary: 'Records what was counted, by ad and hour; the same again changes nothing',
          ...facts,
          body: recordBody,
          response: { 200: z.object({ recorded: z.int() }) },
        },
      },
      async ({ params: { userId }, body }) => {
        const rows = body.rows.map(row => ({ ...row, hour: new Date(row.hour) }));
        return { recorded: await repositories.createPerformanceRepository().ownedBy(userId).record(rows) };
      },
    );
    app.get(
      '/users/:userId/performance',
      {
        schema: {
          summary: 'What was counted, by ad and hour, the latest first, a page at a time',
          ...facts,
          querystring: adPerformance.querySchema,
          response: { 200: pageOf(adPerformance.schema) },
        },
      },
      async ({ params: { userId }, query }) => {
        const options = parseListQuery(adPerformance, query);
        const page = await repositories.createPerformanceRepository().ownedBy(userId).list(options);
        return { ...page, items: [...page.items] };
      },
    );
    await app.register(analysisRoutes(parts));
  };
}

function analysisRoutes({ repositories, clock }: AdsRoutesParts): ServerRoutes {
  const facts = { tags: ['ads'], params: z.object(ownerParams) };
  const querystring = z.object({ ...periodQuery, ...partQuery });
  const mine = (userId: string) => repositories.createAnalyticsRepository().ownedBy(userId);
  return async app => {
    app.get(
      '/users/:userId/performance/series',
      {
        schema: {
          summary: 'Sums by hour, day, week or month',
          ...facts,
          querystring: querystring.extend(bucketQuery),
          response: { 200: series },
        },
      },
      async ({ params: { userId }, query }) => {
        const performance = repositories.createPerformanceRepository().ownedBy(userId);
        return [...(await performance.series({ ...query, ...periodOf(query, clock.now()) }))];
      },
    );
    app.get(
      '/users/:userId/performance/top',
      {
        schema: {
          summary: 'The best ads',
          ...facts,
          querystring: z.object({
            ...periodQuery,
            by: rankedBy.default('clicks'),
            limit: z.coerce.number().int().min(1).max(100).default(10),
          }),
          response: { 200: rankedAds },
        },
      },
      async ({ params: { userId }, query }) => [
        ...(await mine(userId).topAds({ ...query, ...periodOf(query, clock.now()) })),
      ],
    );
    app.get(
      '/users/:userId/performance/comparison',
      {
        schema: {
          summary: 'Some days beside as many days before them',
          ...facts,
          querystring,
          response: { 200: comparison },
        },
      },
      ({ params: { userId }, query }) => mine(userId).compare({ ...query, ...periodOf(query, clock.now()) }),
    );
    app.get(
      '/users/:userId/performance/funnel',
      { schema: { summary: 'From impressions to conversions', ...facts, querystring, response: { 200: funnel } } },
      async ({ params: { userId }, query }) => [
        ...(await mine(userId).funnel({ ...query, ...periodOf(query, clock.now()) })),
      ],
    );
  };
}
