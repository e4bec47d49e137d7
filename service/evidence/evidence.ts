import { PlinthError, ValidationError } from 'plinth/errors';
import type { Provenance } from 'plinth/http';
import type { z } from 'zod';
import type { evidenceFact, evidenceReport, evidenceSource, medicationEvidence } from './evidence-schemas.ts';

/** The sources that are joined. */
export type EvidenceSource = z.infer<typeof evidenceSource>;

/** One fact, with where it is from. */
export type EvidenceFact = z.infer<typeof evidenceFact>;

/** What a source had to say. */
export type EvidenceReport = z.infer<typeof evidenceReport>;

/** The evidence view of a medication. */
export type MedicationEvidence = z.infer<typeof medicationEvidence>;

/** Where a fact is from. */
export type FactProvenance = EvidenceFact['provenance'];

/** What one source contributes: its facts, and what it says of itself. */
export interface Contribution {
  readonly facts: readonly EvidenceFact[];
  readonly reports: readonly EvidenceReport[];
}

/** The most facts of one kind that are shown; how many there are, the report says. */
export const maxShown = 25;

/** The provenance of one fact. */
export function factProvenance(
  source: EvidenceSource,
  { origin, fetchedAt, freshness, ageMs, reason }: Omit<Provenance, 'source'>,
  { reference, url }: { readonly reference: string; readonly url: string | null },
): FactProvenance {
  return { source, origin, fetchedAt, freshness, ageMs, ...(reason === undefined ? {} : { reason }), reference, url };
}

/** What a source contributed that answered with so many facts, of which these are shown. */
export function answered(
  source: EvidenceSource,
  facts: readonly EvidenceFact[],
  {
    found,
    origin,
    freshness,
    fetchedAt,
    note,
  }: Pick<EvidenceReport, 'found' | 'origin' | 'freshness' | 'fetchedAt'> & {
    readonly note?: string | undefined;
  },
): Contribution {
  const status = found === 0 ? 'empty' : 'answered';
  const report = { source, status, found, shown: facts.length, origin, freshness, fetchedAt } as const;
  return { facts, reports: [note === undefined ? report : { ...report, note }] };
}

/** What a source contributed that there was no reason, or no right, to ask. */
export function notAsked(source: EvidenceSource, note: string): Contribution {
  return { facts: [], reports: [{ ...nothing(source), status: 'not-asked', note }] };
}

/** What a source contributed that failed. @throws what is a mistake in the question or in the program, and not of a source */
export function failed(source: EvidenceSource, error: unknown): Contribution {
  if (!(error instanceof PlinthError) || error instanceof ValidationError) throw error;
  return {
    facts: [],
    reports: [{ ...nothing(source), status: 'failed', note: error.message, errorCode: error.code }],
  };
}

function nothing(source: EvidenceSource): Omit<EvidenceReport, 'status'> {
  return { source, found: 0, shown: 0, origin: null, freshness: null, fetchedAt: null };
}
