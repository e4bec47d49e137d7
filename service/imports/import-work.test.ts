import { RejectedError, ScraperError } from 'plinth/errors';
import { describe, expect, it } from 'vitest';
import type { MedicationService } from '../medications/medication-service.ts';
import { importMedication } from './import-work.ts';

const { signal } = new AbortController();

/** A medication service that gives this answer. */
function answering(sources: readonly object[]): MedicationService {
  const answer = { applications: [{}, {}], firstApproval: null, freshness: 'fresh', fetchedAt: '2026-01-01', sources };
  return { knownApprovals: async () => answer } as unknown as MedicationService;
}

describe('the work of an import', () => {
  it('is done when every source answered, also with nothing', async () => {
    const work = importMedication(answering([{ status: 'answered' }, { status: 'empty' }]));
    expect(await work('aspirin', signal)).toMatchObject({ name: 'aspirin', applications: 2 });
  });

  it('fails when a source is missing: half an answer is none', async () => {
    const failed = { source: 'drugsfda', status: 'failed', error: 'it answered 503', errorCode: 'UPSTREAM_ERROR' };
    const error = await importMedication(answering([{ status: 'empty' }, failed]))('x', signal).catch(e => e);
    expect(error).toBeInstanceOf(ScraperError);
    expect(error.message).toBe('drugsfda is missing: it answered 503');
  });

  it('is refused, so that the batch waits, while a policy of ours refuses the source', async () => {
    const failed = { source: 'drugsfda', status: 'failed', error: 'The circuit is open', errorCode: 'CIRCUIT_OPEN' };
    const error = await importMedication(answering([failed]))('x', signal).catch(e => e);
    expect(error).toBeInstanceOf(RejectedError);
  });
});
