import { definePrompt, type Prompt } from 'plinth/llm';
import type { ServerRoutes } from 'plinth/server';
import { z } from 'zod';
import { keyOf } from '../resource-routes.ts';
import type { AdsRoutesParts } from './ads-routes-parts.ts';
import { bodyOrNone, ownerParams } from './ads-schemas.ts';
import { ads } from './tables.ts';

const ideas = z.object({ headlines: z.array(z.string().trim().min(1).max(200)).min(1).max(10) });

/** Asks for other headlines of an ad. */
export const headlinePrompt: Prompt<'count' | 'headline' | 'landingUrl', z.infer<typeof ideas>> = definePrompt({
  name: 'ads.headlines',
  system:
    'You write headlines of advertisements, in the language of the one that you are given. You promise nothing that it does not promise.',
  text: 'Give {{count}} other headlines of at most 200 characters for this advertisement.\nHeadline: {{headline}}\nIt leads to: {{landingUrl}}',
  output: ideas,
  parameters: { temperature: 0.8, maxOutputTokens: 1_000 },
  example: { headlines: ['[offline] An example of a headline: no language model was asked'] },
});

/** Headlines that a language model thinks of. They are only shown: what is served stays what its owner has written. */
export function headlineRoutes({ repositories, llm }: AdsRoutesParts): ServerRoutes {
  return async app => {
    app.post(
      '/users/:userId/ads/:id/headline-ideas',
      {
        schema: {
          summary: 'Other headlines for an ad, by a language model; changes nothing',
          tags: ['ads'],
          params: z.object({ ...ownerParams, id: keyOf(ads.key).pipe(z.number()) }),
          body: bodyOrNone(z.strictObject({ count: z.int().min(1).max(10).default(3) })),
          response: {
            200: z.object({
              headlines: z.array(z.string()),
              provider: z.string(),
              model: z.string(),
              isOffline: z
                .boolean()
                .meta({ description: 'Whether no language model was asked: then it is an example' }),
            }),
          },
        },
      },
      async ({ params: { userId, id }, body }) => {
        const { headline, landingUrl } = await repositories.createAdsRepository().getById(id, { userId });
        const { output, metadata } = await llm.executePrompt(headlinePrompt, {
          count: body.count,
          headline,
          landingUrl,
        });
        const { provider, model, isOffline } = metadata;
        return { headlines: output.headlines, provider, model, isOffline };
      },
    );
  };
}
