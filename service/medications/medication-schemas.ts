import { z } from 'zod';

/** What the routes of this feature say to the outside. The connector documents every field; the shapes are checked against it. */

const list = <Item extends z.ZodType>(item: Item): z.ZodReadonly<z.ZodArray<Item>> => z.array(item).readonly();

const text = z.string();
const date = z.string().nullable().meta({ description: 'YYYY-MM-DD, or null when there is no known day' });
const moment = z.string().meta({ description: 'ISO 8601, UTC' });
const sourceName = z.enum(['orange-book', 'drugsfda']);
const applicationType = z.enum(['NDA', 'ANDA', 'BLA']).nullable();
const freshness = z.enum(['fresh', 'stale', 'fallback']);

const source = z
  .object({
    source: sourceName,
    status: z.enum(['answered', 'empty', 'failed']),
    origin: z.enum(['live', 'recorded']).nullable(),
    edition: text.optional(),
    lastUpdated: text.optional(),
    fetchedAt: moment,
    freshness: freshness.nullable(),
    ageMs: z.number(),
    reason: text.optional(),
    found: z.number(),
    unreadable: z.number().optional().meta({ description: 'Records that could not be read, and are in quarantine' }),
    complete: z.boolean(),
    error: text.optional(),
    errorCode: text.optional(),
  })
  .meta({ id: 'SourceReport' });

const product = z
  .object({
    source: sourceName,
    sources: list(sourceName),
    match: z.enum(['exact', 'leading', 'contained']),
    applicationNumber: text,
    applicationType,
    productNumber: text,
    brandName: text,
    ingredients: list(z.object({ name: text, strength: text.nullable() })),
    dosageForm: text.nullable(),
    route: text.nullable(),
    strength: text,
    status: z.enum(['prescription', 'over-the-counter', 'discontinued', 'tentative', 'unknown']),
    sponsor: text,
    approvalDate: date,
    approvalDateText: text.nullable(),
    teCodes: list(text),
    referenceDrug: z.boolean().nullable(),
  })
  .meta({ id: 'Product' });

const patent = z.object({
  applicationNumber: text,
  productNumber: text,
  patentNumber: text,
  pediatricExtension: z.boolean(),
  expiresOn: date,
  expiresOnText: text,
  claimsSubstance: z.boolean(),
  claimsProduct: z.boolean(),
  useCode: text,
  delistRequested: z.boolean(),
  submittedOn: date,
  submittedOnText: text,
});

const exclusivity = z.object({
  applicationNumber: text,
  productNumber: text,
  code: text,
  expiresOn: date,
  expiresOnText: text,
});

const submission = z.object({
  type: text,
  number: text,
  status: text,
  date,
  reviewPriority: text.nullable(),
  classCode: text.nullable(),
  classDescription: text.nullable(),
  orphan: z.boolean(),
});

const application = z
  .object({
    sources: list(sourceName),
    match: z.enum(['exact', 'leading', 'contained']),
    applicationNumber: text,
    applicationType,
    sponsor: text,
    firstApprovalDate: date,
    firstApprovalText: text.nullable(),
    firstApprovalSource: sourceName.nullable(),
    reviewPriority: text.nullable(),
    submissionClass: text.nullable(),
    orphan: z.boolean().nullable(),
    products: list(product),
    patents: list(patent),
    exclusivities: list(exclusivity),
    supplementCount: z.number().nullable(),
    latestAction: submission.nullable(),
  })
  .meta({ id: 'Application' });

const answer = {
  name: text,
  freshness: z.enum(['fresh', 'stale']).meta({ description: 'stale when an older answer stands in' }),
  fetchedAt: moment,
  reason: text.optional().meta({ description: 'Why the answer is stale' }),
  total: z.number().meta({ description: 'How many were found in all' }),
  sources: list(source),
};

/** A name in a question. The connector says more exactly what a name can be. */
export const medicationName = z
  .string()
  .min(1)
  .max(200)
  .meta({ description: 'A trade name or an active ingredient', example: 'osimertinib' });

/** The answer of `GET /medications`. */
export const medicationSearch = z.object({ ...answer, results: list(product) }).meta({ id: 'MedicationSearch' });

/** The answer of `GET /medications/{name}/approvals`. */
export const medicationApprovals = z
  .object({
    ...answer,
    applications: list(application),
    firstApproval: z.object({ applicationNumber: text, date: text }).nullable(),
  })
  .meta({ id: 'MedicationApprovals' });
