import { z } from 'zod';

/** What the evidence view says to the outside. */

const text = z.string();
const day = text.meta({ description: 'YYYY-MM-DD, YYYY-MM or YYYY' }).nullable();
const freshness = z.enum(['fresh', 'stale', 'fallback']);

/** The sources that are joined. */
export const evidenceSource = z.enum(['orange-book', 'drugsfda', 'label', 'clinicaltrials', 'nccn', 'oncokb']);

const provenance = z
  .object({
    source: evidenceSource,
    origin: z.enum(['live', 'recorded', 'licensed-file']),
    fetchedAt: text.meta({ description: 'ISO 8601, UTC' }),
    freshness,
    ageMs: z.number(),
    reason: text.optional().meta({ description: 'Why it is not fresh' }),
    reference: text.meta({ description: 'By what the source knows it, such as NDA208065 or NCT02296125' }),
    url: text.nullable().meta({ description: 'Where a person reads it' }),
  })
  .meta({ id: 'FactProvenance' });

const approval = z.object({
  kind: z.literal('approval'),
  applicationNumber: text,
  sponsor: text,
  brandNames: z.array(text),
  firstApprovalDate: day,
  firstApprovalText: text.nullable(),
  orphan: z.boolean().nullable(),
  patents: z.number(),
  exclusivities: z.number(),
  sources: z.array(z.enum(['orange-book', 'drugsfda'])).meta({
    description:
      'Which of the FDA\u2019s sources have the application; patents and exclusivities are of the Orange Book',
  }),
  provenance,
});

const label = z.object({
  kind: z.literal('label'),
  brandNames: z.array(text),
  effectiveDate: day,
  indications: z.array(text),
  boxedWarning: z.array(text),
  provenance,
});

const trial = z.object({
  kind: z.literal('trial'),
  nctId: text,
  title: text.nullable(),
  status: text,
  phases: z.array(text),
  startDate: day,
  enrollment: z.number().nullable(),
  sponsor: text.nullable(),
  conditions: z.array(text),
  provenance,
});

const guideline = z.object({
  kind: z.literal('guideline'),
  name: text,
  version: text.nullable(),
  provenance,
});

const recommendation = z.object({
  kind: z.literal('recommendation'),
  cancer: text,
  stages: z.array(text),
  regimen: text,
  drugs: z.array(text),
  category: text,
  preference: text,
  provenance,
});

const biomarker = z.object({
  kind: z.literal('biomarker'),
  gene: text,
  alterations: z.array(text),
  cancerType: text.nullable(),
  level: text.meta({ description: 'OncoKB level of evidence; R1 and R2 mean resistance' }),
  effect: z.enum(['responds', 'resists', 'other']),
  pmids: z.array(text),
  provenance,
});

/** One fact, with where it is from. */
export const evidenceFact = z.discriminatedUnion('kind', [
  approval,
  label,
  trial,
  guideline,
  recommendation,
  biomarker,
]);

/** What a source had to say. */
export const evidenceReport = z.object({
  source: evidenceSource,
  status: z.enum(['answered', 'empty', 'failed', 'not-asked']),
  found: z.number(),
  shown: z.number(),
  origin: z.enum(['live', 'recorded', 'licensed-file']).nullable(),
  freshness: freshness.nullable(),
  fetchedAt: text.nullable(),
  note: text.optional().meta({ description: 'Why it failed or was not asked, or what to know of its answer' }),
  errorCode: text.optional(),
});

/** The evidence view of a medication. */
export const medicationEvidence = z
  .object({
    name: text,
    condition: text.nullable(),
    facts: z.array(evidenceFact),
    sources: z.array(evidenceReport),
    complete: z.boolean().meta({ description: 'Whether every source that was asked answered' }),
  })
  .meta({ id: 'MedicationEvidence' });
