import type { Freshness } from './wire.ts';

/** Where something is from: asked now, played from a recording, or read from a file under licence. */
export type Origin = 'live' | 'recorded' | 'licensed-file';

/** Where a fact is from. */
export interface FactProvenance {
  readonly source: string;
  readonly origin: Origin;
  readonly fetchedAt: string;
  readonly freshness: Freshness;
  readonly ageMs: number;
  /** Why it is not fresh. */
  readonly reason?: string | undefined;
  /** By what the source knows it. */
  readonly reference: string;
  /** Where a person reads it. */
  readonly url: string | null;
}

interface Fact<Kind extends string> {
  readonly kind: Kind;
  readonly provenance: FactProvenance;
}

export interface ApprovalFact extends Fact<'approval'> {
  readonly applicationNumber: string;
  readonly sponsor: string;
  readonly brandNames: readonly string[];
  readonly firstApprovalDate: string | null;
  readonly firstApprovalText: string | null;
  readonly orphan: boolean | null;
  readonly patents: number;
  readonly exclusivities: number;
}

export interface LabelFact extends Fact<'label'> {
  readonly brandNames: readonly string[];
  readonly effectiveDate: string | null;
  readonly indications: readonly string[];
  readonly boxedWarning: readonly string[];
}

export interface TrialFact extends Fact<'trial'> {
  readonly nctId: string;
  readonly title: string | null;
  readonly status: string;
  readonly phases: readonly string[];
  readonly startDate: string | null;
  readonly enrollment: number | null;
  readonly sponsor: string | null;
  readonly conditions: readonly string[];
}

export interface GuidelineFact extends Fact<'guideline'> {
  readonly name: string;
  readonly version: string | null;
}

export interface RecommendationFact extends Fact<'recommendation'> {
  readonly cancer: string;
  readonly stages: readonly string[];
  readonly regimen: string;
  readonly drugs: readonly string[];
  readonly category: string;
  readonly preference: string;
}

export interface BiomarkerFact extends Fact<'biomarker'> {
  readonly gene: string;
  readonly alterations: readonly string[];
  readonly cancerType: string | null;
  readonly level: string;
  readonly effect: 'responds' | 'resists' | 'other';
  readonly pmids: readonly string[];
}

export type EvidenceFact = ApprovalFact | LabelFact | TrialFact | GuidelineFact | RecommendationFact | BiomarkerFact;

/** What a source had to say. */
export interface EvidenceReport {
  readonly source: string;
  readonly status: 'answered' | 'empty' | 'failed' | 'not-asked';
  readonly found: number;
  readonly shown: number;
  readonly origin: Origin | null;
  readonly freshness: Freshness | null;
  readonly fetchedAt: string | null;
  /** Why it failed or was not asked, or what to know of its answer. */
  readonly note?: string | undefined;
  readonly errorCode?: string | undefined;
}

/** `GET /api/v1/medications/…/evidence` */
export interface MedicationEvidence {
  readonly name: string;
  readonly condition: string | null;
  readonly facts: readonly EvidenceFact[];
  readonly sources: readonly EvidenceReport[];
  /** Whether every source that was asked answered. */
  readonly complete: boolean;
}
