import type { NYCDataClient, PropertyViolations } from 'plinth/connectors/nyc';
import type { ServerRoutes } from 'plinth/server';
import { z } from 'zod';
import { propertyViolations, violationQuery } from './property-schemas.ts';

/** The routes of this feature. */
export function propertyRoutes(nyc: NYCDataClient): ServerRoutes {
  return async app => {
    app.get(
      '/properties/:bbl/violations',
      {
        schema: {
          summary: 'Violations of a tax lot of New York City, from four data sets of the city',
          tags: ['properties'],
          params: z.object({
            bbl: z.string().min(1).max(40).meta({ description: 'Such as 1007200055 or 1-00720-0055' }),
          }),
          querystring: violationQuery,
          response: { 200: propertyViolations },
        },
      },
      async ({ params: { bbl }, query }) => toWire(await nyc.getPropertyViolations(bbl, query)),
    );
  };
}

/** As plain objects, to which every data set adds fields of its own. */
function toWire(answer: PropertyViolations): z.input<typeof propertyViolations> {
  const { dob, ecb, hpd, dobSafety } = answer;
  return {
    ...answer,
    dob: dob.map(row => ({ ...row })),
    ecb: ecb.map(row => ({ ...row })),
    hpd: hpd.map(row => ({ ...row })),
    dobSafety: dobSafety.map(row => ({ ...row })),
  };
}
