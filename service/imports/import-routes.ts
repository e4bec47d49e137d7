import type { ServerRoutes } from 'plinth/server';
import { z } from 'zod';
import { importBody, importResult, importState } from './import-schemas.ts';
import type { ImportService } from './import-service.ts';

const importId = z.object({ id: z.string().min(1).max(64) });

/** The routes of this feature. */
export function importRoutes(imports: ImportService): ServerRoutes {
  const tags = ['imports'];
  return async app => {
    app.post(
      '/imports',
      {
        schema: {
          summary: 'Begins an import of medications: names as JSON, or as text with one name a line',
          tags,
          consumes: ['application/json', 'text/plain'],
          body: importBody,
          response: { 202: importState },
        },
      },
      async (request, reply) => reply.code(202).send(await imports.start(request.body.names, request.body.title)),
    );
    app.get(
      '/imports',
      { schema: { summary: 'Every import, the newest first', tags, response: { 200: z.array(importState) } } },
      () => [...imports.list()],
    );
    app.get(
      '/imports/:id',
      { schema: { summary: 'How far an import is', tags, params: importId, response: { 200: importState } } },
      ({ params: { id } }) => imports.get(id),
    );
    app.get(
      '/imports/:id/results',
      {
        schema: {
          summary: 'What came of each name, in the order of the names',
          tags,
          params: importId,
          querystring: z.object({
            offset: z.coerce.number().int().min(0).default(0),
            limit: z.coerce.number().int().min(1).max(1_000).default(100),
            failed: z.stringbool().default(false).meta({ description: 'Only those that failed' }),
          }),
          response: { 200: z.array(importResult) },
        },
      },
      ({ params: { id }, query }) => [...imports.results(id, query)],
    );
    await app.register(steeringRoutes(imports));
  };
}

/** What changes the course of an import. */
function steeringRoutes(imports: ImportService): ServerRoutes {
  const schema = { tags: ['imports'], params: importId, response: { 200: importState } };
  return async app => {
    app.post(
      '/imports/:id/pause',
      { schema: { summary: 'Begins no further name of an import', ...schema } },
      ({ params: { id } }) => imports.pause(id),
    );
    app.post(
      '/imports/:id/resume',
      { schema: { summary: 'Goes on with an import that is paused, stopped or failed', ...schema } },
      ({ params: { id } }) => imports.resume(id),
    );
    app.post(
      '/imports/:id/stop',
      { schema: { summary: 'Ends an import; what is under way gets its outcome', ...schema } },
      ({ params: { id } }) => imports.stop(id),
    );
  };
}
