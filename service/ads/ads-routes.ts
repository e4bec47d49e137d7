import { BaseService } from 'plinth/crud';
import type { ServerApp, ServerRoutes } from 'plinth/server';
import { z } from 'zod';
import { changeOptions, ifMatch, versionTag } from '../if-match.ts';
import { keyOf, resourceRoutes } from '../resource-routes.ts';
import { users } from '../users/users-table.ts';
import type { AdsRoutesParts } from './ads-routes-parts.ts';
import {
  allTimeQuery,
  campaignBudget,
  groupOverview,
  ownerParams,
  periodOf,
  periodQuery,
  userStats,
} from './ads-schemas.ts';
import { headlineRoutes } from './headline-routes.ts';
import { optimizationRoutes } from './optimization-routes.ts';
import { performanceRoutes } from './performance-routes.ts';
import { adGroups, ads, campaigns } from './tables.ts';

const tag = 'ads';

/**
 * The routes of this feature. There is no authentication yet: the owner is the `userId` of the path, and whoever can
 * reach the service can ask for any. What holds is that no request for one owner sees or changes rows of another.
 */
export function adsRoutes(parts: AdsRoutesParts): ServerRoutes {
  const { repositories, database } = parts;
  const owned = { tag, params: ownerParams, database, owners: users };
  const ownerOf = (params: Readonly<Record<string, unknown>>): string => String(params['userId']);
  return async app => {
    await app.register(
      resourceRoutes({
        ...owned,
        path: '/users/:userId/campaigns',
        words: { one: 'a campaign', many: 'campaigns of a user' },
        table: campaigns,
        service: params => new BaseService(repositories.createCampaignRepository().ownedBy(ownerOf(params))),
      }),
    );
    await app.register(
      resourceRoutes({
        ...owned,
        path: '/users/:userId/groups',
        words: { one: 'a group of ads', many: 'groups of ads of a user' },
        table: adGroups,
        service: params => new BaseService(repositories.createGroupRepository().ownedBy(ownerOf(params))),
      }),
    );
    await app.register(
      resourceRoutes({
        ...owned,
        path: '/users/:userId/ads',
        words: { one: 'an ad', many: 'ads of a user' },
        table: ads,
        service: params => new BaseService(repositories.createAdsRepository().ownedBy(ownerOf(params))),
      }),
    );
    await app.register(campaignRoutes(parts));
    servedRoutes(app, parts);
    await app.register(performanceRoutes(parts));
    await app.register(optimizationRoutes(parts));
    await app.register(headlineRoutes(parts));
  };
}

/** What is asked of a campaign besides its row. */
function campaignRoutes({ repositories, clock }: AdsRoutesParts): ServerRoutes {
  const params = z.object({ ...ownerParams, id: keyOf(campaigns.key).pipe(z.number()) });
  const headers = z.object({ 'if-match': ifMatch });
  const changes = { tags: [tag], params, headers, response: { 200: campaigns.schema } };
  const mine = (userId: string) => repositories.createCampaignRepository().ownedBy(userId);
  return async app => {
    for (const [action, summary] of [
      ['pause', 'Stops serving the ads of a campaign; their own states stay'],
      ['activate', 'Serves the ads of a campaign again'],
    ] as const) {
      app.post(
        `/users/:userId/campaigns/:id/${action}`,
        { schema: { summary, ...changes } },
        async (request, reply) => {
          const { userId, id } = request.params;
          const campaign = mine(userId);
          const read = () => repositories.createCampaignRepository().getById(id, { userId });
          const row = await campaign[action](id, await changeOptions(request.headers['if-match'], campaigns, read));
          return reply.header('etag', versionTag(campaigns, row)).send(row);
        },
      );
    }
    app.get(
      '/users/:userId/campaigns/:id/budget',
      {
        schema: {
          summary: 'What may be spent on a campaign, and what was, of all time',
          tags: [tag],
          params,
          response: { 200: campaignBudget },
        },
      },
      ({ params: { userId, id } }) => mine(userId).budget(id),
    );
    app.get(
      '/users/:userId/campaigns/:id/groups',
      {
        schema: {
          summary: 'The first 1,000 groups of a campaign, with what came of them: in the last 30 days, or in others',
          tags: [tag],
          params,
          querystring: z.object(periodQuery),
          response: { 200: groupOverview },
        },
      },
      async ({ params: { userId, id }, query }) => {
        await repositories.createCampaignRepository().getById(id, { userId });
        const groups = repositories.createGroupRepository().ownedBy(userId);
        return [...(await groups.overview(id, periodOf(query, clock.now())))];
      },
    );
  };
}

/** What an owner has in all, and what of it is served. */
function servedRoutes(app: ServerApp, { repositories, clock }: AdsRoutesParts): void {
  const params = z.object(ownerParams);
  app.get(
    '/users/:userId/ads/served',
    {
      schema: {
        summary: 'Ads that are served: active, in an active group of an active campaign',
        tags: [tag],
        params,
        querystring: z.object({
          after: z.coerce.number().int().min(0).default(0).meta({ description: 'The last key of the page before' }),
          size: z.coerce.number().int().min(1).max(100).default(100),
        }),
        response: { 200: z.array(ads.schema) },
      },
    },
    async ({ params: { userId }, query }) => [
      ...(await repositories.createAdsRepository().ownedBy(userId).served(query)),
    ],
  );
  app.get(
    '/users/:userId/stats',
    {
      schema: {
        summary: 'What a user has, and what came of it: of all time, or of some days',
        tags: [tag],
        params,
        querystring: z.object(allTimeQuery),
        response: { 200: userStats },
      },
    },
    ({ params: { userId }, query }) => {
      const isAllTime = query.from === undefined && query.to === undefined;
      const period = isAllTime ? undefined : periodOf(query, clock.now());
      return repositories.createAdsRepository().getUserStats(userId, period);
    },
  );
}
