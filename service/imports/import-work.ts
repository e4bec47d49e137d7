import type { SourceReport } from 'plinth/connectors/fda';
import { type PlinthError, RejectedError, ScraperError } from 'plinth/errors';
import type { MedicationService } from '../medications/medication-service.ts';
import type { ImportedMedication } from './medication-import.ts';

/**
 * What is done with each name: its approvals are asked for and kept. A name is done when every source answered, or an older
 * whole answer stood in; half an answer is a failure.
 */
export function importMedication(
  medications: MedicationService,
): (name: string, signal: AbortSignal) => Promise<ImportedMedication> {
  return async (name, signal) => {
    const { applications, firstApproval, freshness, fetchedAt, sources } = await medications.knownApprovals(
      name,
      signal,
    );
    const missing = sources.find(({ status }) => status === 'failed');
    if (missing !== undefined) throw missingError(missing);
    return { name, applications: applications.length, firstApproval, freshness, fetchedAt };
  };
}

/** The codes of refusals that pass: the batch waits for them. */
const refusals: ReadonlySet<string> = new Set(['CIRCUIT_OPEN', 'CAPACITY_FULL', 'LIMIT_EXCEEDED', 'DEADLINE_EXCEEDED']);

function missingError({ source, error = 'it failed', errorCode = '' }: SourceReport): PlinthError {
  const message = `${source} is missing: ${error}`;
  return refusals.has(errorCode)
    ? new RejectedError(message, 'open', { retryable: true })
    : new ScraperError(message, { retryable: true });
}
