import { z } from 'zod';

/** What the routes of this feature say to the outside. The connector documents every field. */

const text = z.string();
const day = text.nullable().meta({ description: 'YYYY-MM-DD, or null when it is missing or no day' });

/** The fields that all four data sets have; each adds its own. */
const violation = z.looseObject({
  id: text,
  issueDate: day,
  isActive: z.boolean().nullable().meta({ description: 'null: the city does not say' }),
});

const provenance = z.object({
  source: text,
  origin: z.enum(['live', 'recorded']),
  fetchedAt: text,
  freshness: z.enum(['fresh', 'stale', 'fallback']),
  ageMs: z.number(),
  reason: text.optional(),
});

const report = z.object({
  dataset: z.enum(['dob', 'ecb', 'hpd', 'dobSafety']),
  datasetId: text,
  status: z.enum(['answered', 'empty', 'failed']),
  total: z.number(),
  leftOut: z.object({ testRecords: z.number(), unreadable: z.number(), undated: z.number() }).optional(),
  dataUpdatedAt: text.nullable().optional(),
  provenance: provenance.optional(),
  error: text.optional(),
  errorCode: text.optional(),
});

/** The violations of a lot. */
export const propertyViolations = z
  .object({
    bbl: z.object({
      borough: z.number(),
      boroughName: text,
      block: z.number(),
      lot: z.number(),
      text,
      lotKind: z.enum(['ordinary', 'condo-unit', 'condo-billing']),
      note: text.optional(),
    }),
    dob: z.array(violation).readonly(),
    ecb: z.array(violation).readonly(),
    hpd: z.array(violation).readonly(),
    dobSafety: z.array(violation).readonly(),
    counts: z.object({ listed: z.number(), distinct: z.number(), active: z.number() }),
    crossReferences: z
      .array(
        z.object({
          kind: z.enum(['ecb-number', 'same-violation']),
          dobId: text,
          dataset: z.enum(['ecb', 'dobSafety']),
          id: text,
        }),
      )
      .readonly(),
    sources: z.array(report).readonly(),
    complete: z.boolean(),
  })
  .meta({ id: 'PropertyViolations' });

/** Which violations are wanted. */
export const violationQuery = z.object({
  activeOnly: z.stringbool().default(false).meta({ description: 'Leaves out what is known to be closed' }),
  issuedFrom: text.optional().meta({ description: 'The first day, YYYY-MM-DD' }),
  issuedTo: text.optional().meta({ description: 'The last day, YYYY-MM-DD' }),
  limit: z.coerce.number().int().min(1).max(10_000).default(100).meta({ description: 'Of each data set' }),
});
