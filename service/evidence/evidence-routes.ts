import type { ServerRoutes } from 'plinth/server';
import { z } from 'zod';
import { medicationName } from '../medications/medication-schemas.ts';
import { medicationEvidence } from './evidence-schemas.ts';
import type { EvidenceService } from './evidence-service.ts';

const word = z.string().trim().min(1).max(200);

/** The routes of this feature. */
export function evidenceRoutes(evidence: EvidenceService): ServerRoutes {
  return async app => {
    app.get(
      '/medications/:name/evidence',
      {
        schema: {
          summary: 'What FDA, ClinicalTrials.gov, NCCN and OncoKB know of a medication, each fact with its source',
          tags: ['medications'],
          params: z.object({ name: medicationName }),
          querystring: z.object({
            condition: word.optional().meta({ description: 'A disease, such as nsclc' }),
            stage: word.optional().meta({ description: 'Its stage, such as stage_iv' }),
          }),
          response: { 200: medicationEvidence },
        },
      },
      ({ params: { name }, query: { condition, stage } }) => evidence.evidence(name, { condition, stage }),
    );
  };
}
