import type { EvidenceFact, FactProvenance, MedicationEvidence } from '../../console/src/evidence-wire.ts';
import type { PropertyViolations } from '../../console/src/property-wire.ts';

const fetchedAt = '2026-11-21T08:00:00.000Z';

function from(source: string, reference: string, change: Partial<FactProvenance> = {}): FactProvenance {
  const url = `https://example.org/${source}/${reference}`;
  return { source, origin: 'recorded', fetchedAt, freshness: 'fresh', ageMs: 12_000, reference, url, ...change };
}

const facts: readonly EvidenceFact[] = [
  {
    kind: 'biomarker',
    gene: 'EGFR',
    alterations: ['C797S'],
    cancerType: 'Non-Small Cell Lung Cancer',
    level: 'R2',
    effect: 'resists',
    pmids: ['11111111', '22222222'],
    provenance: from('oncokb', 'EGFR C797S'),
  },
  {
    kind: 'approval',
    applicationNumber: 'NDA208065',
    sponsor: 'ASTRAZENECA',
    brandNames: ['TAGRISSO'],
    firstApprovalDate: '2015-11-13',
    firstApprovalText: null,
    orphan: true,
    patents: 26,
    exclusivities: 1,
    provenance: from('drugsfda', 'NDA208065', { freshness: 'stale', ageMs: 7_200_000, reason: 'UPSTREAM_ERROR' }),
  },
  {
    kind: 'label',
    brandNames: ['TAGRISSO'],
    effectiveDate: '2024-09-25',
    indications: ['1 INDICATIONS AND USAGE For adults with an example of a disease'],
    boxedWarning: [],
    provenance: from('label', '5e81b4a7-b971-45e1-9c31-29cea8c87ce7'),
  },
  ...[1, 2, 3, 4, 5].map(
    (index): EvidenceFact => ({
      kind: 'trial',
      nctId: `NCT0000000${index}`,
      title: `Trial ${index} of an example`,
      status: 'ACTIVE_NOT_RECRUITING',
      phases: ['PHASE2', 'PHASE3'],
      startDate: '2020-01',
      enrollment: 1_200,
      sponsor: 'Example Institute',
      conditions: ['Lung Cancer'],
      provenance: from('clinicaltrials', `NCT0000000${index}`, { origin: 'live', ageMs: 0 }),
    }),
  ),
  {
    kind: 'recommendation',
    cancer: 'Example cancer',
    stages: ['stage_iv'],
    regimen: 'Examplinib alone',
    drugs: ['examplinib'],
    category: '1',
    preference: 'PREFERRED',
    provenance: from('nccn', 'EX-1', { origin: 'licensed-file', url: null }),
  },
  {
    kind: 'guideline',
    name: 'Example Cancer',
    version: '2.2026',
    // Not a place that a person can be sent to.
    provenance: from('nccn', '1450', { url: 'javascript:alert(1)' }),
  },
];

/** Everything that an evidence view can hold: each kind of fact, and each end of a source. */
export const sampleEvidence: MedicationEvidence = {
  name: 'osimertinib',
  condition: null,
  facts,
  sources: [
    { ...report('orange-book'), status: 'failed', note: 'www.fda.gov answered 503', errorCode: 'UPSTREAM_ERROR' },
    { ...report('drugsfda'), ...answered(1), freshness: 'stale' },
    { ...report('label'), ...answered(1) },
    { ...report('clinicaltrials'), ...answered(240), shown: 5, origin: 'live' },
    { ...report('nccn'), status: 'not-asked', note: 'There is no licensed file' },
    { ...report('oncokb'), ...answered(0), status: 'empty', note: 'Under terms of use' },
  ],
  complete: false,
};

function report(source: string): MedicationEvidence['sources'][number] {
  return { source, status: 'failed', found: 0, shown: 0, origin: null, freshness: null, fetchedAt: null };
}

function answered(found: number) {
  return { status: 'answered', found, shown: found, origin: 'recorded', freshness: 'fresh', fetchedAt } as const;
}

const provenance = { origin: 'recorded', freshness: 'fresh', ageMs: 12_000 } as const;
const nothingLeftOut = { testRecords: 0, unreadable: 0, undated: 0 };

/** A lot with violations in three data sets; the fourth one failed. */
export const sampleProperty: PropertyViolations = {
  bbl: { boroughName: 'Manhattan', block: 720, lot: 55, text: '1007200055', lotKind: 'ordinary' },
  dob: Array.from({ length: 12 }, (_, index) => ({
    id: `d${index}`,
    number: `V0101${String(index).padStart(2, '0')}LBLVIO`,
    issueDate: index === 11 ? null : `20${String(10 + index)}-01-01`,
    isActive: index === 11 ? null : index % 2 === 0,
    type: 'LBLVIO-LOW PRESSURE BOILER',
    description: 'FAILURE TO FILE',
  })),
  ecb: [
    {
      id: 'e1',
      number: '35261401K',
      issueDate: '2025-06-01',
      isActive: true,
      severity: 'CLASS - 1',
      balanceDue: 1_500,
    },
  ],
  hpd: [],
  dobSafety: [],
  counts: { listed: 13, distinct: 12, active: 6 },
  crossReferences: [{ kind: 'ecb-number', dobId: 'd10', dataset: 'ecb', id: 'e1' }],
  sources: [
    {
      dataset: 'dob',
      datasetId: '3h2n-5cm9',
      status: 'answered',
      total: 12,
      leftOut: { ...nothingLeftOut, testRecords: 1 },
      dataUpdatedAt: fetchedAt,
      provenance,
    },
    { dataset: 'ecb', datasetId: '6bgk-3dad', status: 'answered', total: 1, leftOut: nothingLeftOut, provenance },
    { dataset: 'hpd', datasetId: 'wvxf-dwi5', status: 'empty', total: 0, leftOut: nothingLeftOut, provenance },
    {
      dataset: 'dobSafety',
      datasetId: '855j-jady',
      status: 'failed',
      total: 0,
      error: 'data.cityofnewyork.us answered 503',
      errorCode: 'UPSTREAM_ERROR',
    },
  ],
  complete: false,
};
