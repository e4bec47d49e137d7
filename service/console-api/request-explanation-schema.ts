import { z } from 'zod';

/** What `why` answers: words for people, and the records that they were made of. */
export const requestExplanationSchema = z
  .object({
    requestId: z.string(),
    lines: z.array(z.string()),
    requests: z.array(
      z.looseObject({ method: z.string(), path: z.string(), status: z.number(), durationMs: z.number() }),
    ),
    calls: z.array(
      z.looseObject({ sequence: z.number(), dependency: z.string(), operation: z.string(), result: z.string() }),
    ),
  })
  .meta({ id: 'RequestExplanation' });
