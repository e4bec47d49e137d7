import type { ServerRoutes } from 'plinth/server';
import { z } from 'zod';
import { medicationApprovals, medicationName, medicationSearch } from './medication-schemas.ts';
import type { MedicationService } from './medication-service.ts';

/** The routes of this feature. */
export function medicationRoutes(medications: MedicationService): ServerRoutes {
  const name = medicationName;
  return async app => {
    app.get(
      '/medications',
      {
        schema: {
          summary: 'Products with this name',
          tags: ['medications'],
          querystring: z.object({ name }),
          response: { 200: medicationSearch },
        },
      },
      request => medications.search(request.query.name),
    );
    app.get(
      '/medications/:name/approvals',
      {
        schema: {
          summary: 'Approvals under this name, with patents and exclusivities',
          tags: ['medications'],
          params: z.object({ name }),
          response: { 200: medicationApprovals },
        },
      },
      request => medications.approvals(request.params.name),
    );
  };
}
