import { parseListQuery } from 'plinth/crud';
import type { ServerRoutes } from 'plinth/server';
import { z } from 'zod';
import { keyOf, pageOf } from '../resource-routes.ts';
import type { AdsRoutesParts } from './ads-routes-parts.ts';
import { bodyOrNone, ownerParams, periodOf, periodQuery } from './ads-schemas.ts';
import { suggestionLimits } from './optimization-repository.ts';
import { optimizations } from './tables.ts';

/** Suggestions: looked for, listed, accepted, dismissed. */
export function optimizationRoutes({ repositories, clock }: AdsRoutesParts): ServerRoutes {
  const facts = { tags: ['ads'], params: z.object(ownerParams) };
  const one = {
    tags: ['ads'],
    params: z.object({ ...ownerParams, id: keyOf(optimizations.key).pipe(z.number()) }),
    response: { 200: optimizations.schema },
  };
  const path = '/users/:userId/optimizations';
  const mine = (userId: string) => repositories.createOptimizationRepository().ownedBy(userId);
  return async app => {
    app.post(
      path,
      {
        schema: {
          summary: 'Looks for ads and campaigns that should be paused; gives what is new, at most 200 at once',
          ...facts,
          body: bodyOrNone(suggestionLimits.extend(periodQuery)),
          response: { 200: z.array(optimizations.schema) },
        },
      },
      async ({ params: { userId }, body }) => [
        ...(await mine(userId).suggest({ ...body, ...periodOf(body, clock.now()) })),
      ],
    );
    app.get(
      path,
      {
        schema: {
          summary: 'Suggestions to a user, a page at a time',
          ...facts,
          querystring: optimizations.querySchema,
          response: { 200: pageOf(optimizations.schema) },
        },
      },
      async ({ params: { userId }, query }) => {
        const page = await mine(userId).list(parseListQuery(optimizations, query));
        return { ...page, items: [...page.items] };
      },
    );
    app.get(`${path}/:id`, { schema: { summary: 'Gives a suggestion', ...one } }, ({ params: { userId, id } }) =>
      repositories.createOptimizationRepository().getById(id, { userId }),
    );
    app.post(
      `${path}/:id/accept`,
      { schema: { summary: 'Accepts a suggestion: pauses the ad, or the campaign', ...one } },
      ({ params: { userId, id } }) => mine(userId).accept(id),
    );
    app.post(
      `${path}/:id/dismiss`,
      { schema: { summary: 'Dismisses a suggestion', ...one } },
      ({ params: { userId, id } }) => mine(userId).dismiss(id),
    );
  };
}
