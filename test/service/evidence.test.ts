import { afterEach, describe, expect, it } from 'vitest';
import type { EvidenceReport, MedicationEvidence } from '../../service/evidence/evidence.ts';
import { useService } from './start-service.fixture.ts';

const tested = useService();

afterEach(() => tested.service.standIn?.behave('normal'));

async function evidence(name: string, query = ''): Promise<MedicationEvidence> {
  const { status, body } = await tested.ask(`/medications/${encodeURIComponent(name)}/evidence${query}`);
  expect(status).toBe(200);
  return body;
}

/** Nothing stands in for a source any more. */
async function forgetAnswers(): Promise<void> {
  for (const { cache } of tested.service.infrastructure.dependencies.list()) await cache.clear();
}

function statuses({ sources }: MedicationEvidence): Record<string, string> {
  return Object.fromEntries(sources.map(({ source, status }: EvidenceReport) => [source, status]));
}

function kinds({ facts }: MedicationEvidence): string[] {
  return [...new Set(facts.map(({ kind }) => kind))].sort();
}

describe('the evidence for a medication', () => {
  it('joins approvals, label, trials and guidelines, and every fact says where it is from', async () => {
    const found = await evidence('osimertinib', '?condition=nsclc');
    expect(kinds(found)).toEqual(expect.arrayContaining(['approval', 'guideline', 'label', 'trial']));
    expect(found.complete).toBe(true);
    for (const { kind, provenance } of found.facts) {
      expect(provenance, kind).toMatchObject({
        origin: 'recorded',
        freshness: 'fresh',
        fetchedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
        reference: expect.stringMatching(/./),
        url: expect.stringMatching(/^https:\/\//),
      });
      expect(Object.keys(statuses(found))).toContain(provenance.source);
    }
    expect(found.facts).toContainEqual(
      expect.objectContaining({ kind: 'approval', applicationNumber: 'NDA208065', firstApprovalDate: '2015-11-13' }),
    );
    expect(found.facts).toContainEqual(expect.objectContaining({ kind: 'trial', nctId: 'NCT02296125' }));
    expect(found.facts).toContainEqual(
      expect.objectContaining({ kind: 'guideline', name: 'Non-Small Cell Lung Cancer' }),
    );
  });

  it('says what was not asked, and how it would be', async () => {
    const { sources } = await evidence('osimertinib');
    expect(sources).toContainEqual(
      expect.objectContaining({ source: 'nccn', status: 'not-asked', note: expect.stringContaining('condition') }),
    );
    const withStage = await evidence('osimertinib', '?condition=nsclc&stage=stage_iv');
    expect(withStage.sources.find(({ source }) => source === 'nccn')?.note).toMatch(/licen[cs]ed/i);
    expect(kinds(withStage)).not.toContain('recommendation');
  });

  it('finds nothing under an unknown name, and says so of every source', async () => {
    const found = await evidence('no such drug');
    expect(found.facts).toEqual([]);
    expect(statuses(found)).toEqual({
      'orange-book': 'empty',
      drugsfda: 'empty',
      label: 'empty',
      clinicaltrials: 'empty',
      nccn: 'not-asked',
      oncokb: 'empty',
    });
  });

  it.each([
    ['clinicaltrials', '/api/v2'],
    ['oncokb', '/api/v1/'],
    ['label', '/drug/label'],
  ])('is there without %s while that fails, and tells which one is missing', async (source, pathPrefix) => {
    await forgetAnswers();
    tested.service.standIn?.behave({ pathPrefix, failWith: 503 });
    const found = await evidence('pembrolizumab', `?condition=${source}`);
    expect(statuses(found)).toMatchObject({ [source]: 'failed', drugsfda: 'answered' });
    expect(found.complete).toBe(false);
    expect(found.facts.filter(({ provenance }) => provenance.source === source)).toEqual([]);
    expect(found.sources.find(report => report.source === source)?.errorCode).toBeTypeOf('string');
  });

  it('is what the Orange Book in memory has, while every source that has to be asked fails', async () => {
    await forgetAnswers();
    tested.service.standIn?.behave({ failWith: 503 });
    const { status, body } = await tested.ask('/medications/nowhere%20known/evidence');
    expect(status).toBe(200);
    expect(statuses(body)).toMatchObject({ 'orange-book': 'empty', drugsfda: 'failed', clinicaltrials: 'failed' });
  });

  it('says 422 for a name that cannot be one', async () => {
    const { status, body } = await tested.ask('/medications/%20/evidence');
    expect(status).toBe(422);
    expect(body).toMatchObject({ success: false });
  });
});
