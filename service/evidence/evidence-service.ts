import type { ClinicalTrialsScraper } from 'plinth/connectors/clinicaltrials';
import type { FDAOrangeBookScraper } from 'plinth/connectors/fda';
import type { NCCNScraper } from 'plinth/connectors/nccn';
import type { OncoKBScraper } from 'plinth/connectors/oncokb';
import { FailedError } from 'plinth/errors';
import type { MedicationService } from '../medications/medication-service.ts';
import { biomarkerEvidence } from './biomarker-evidence.ts';
import type { Contribution, EvidenceReport, MedicationEvidence } from './evidence.ts';
import { approvalEvidence, labelEvidence } from './fda-evidence.ts';
import { guidelineEvidence } from './guideline-evidence.ts';
import { trialEvidence } from './trial-evidence.ts';

/** What an {@link EvidenceService} asks. */
export interface EvidenceServiceParts {
  readonly medications: MedicationService;
  readonly fda: FDAOrangeBookScraper;
  readonly trials: ClinicalTrialsScraper;
  readonly nccn: NCCNScraper;
  readonly oncoKB: OncoKBScraper;
}

/** What one question about a medication says besides its name. */
export interface EvidenceQuestion {
  /** A disease, such as `nsclc`: narrows trials, and guidelines are looked up by it. @default none */
  readonly condition?: string | undefined;
  /** Its stage, such as `stage_iv`, for recommendations of a licensed file. @default none */
  readonly stage?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** No source answered. `sources` says why of each. */
export class EvidenceUnavailableError extends FailedError {
  readonly sources: readonly EvidenceReport[];

  constructor(sources: readonly EvidenceReport[]) {
    const reasons = sources.map(({ source, note, status }) => `${source}: ${note ?? status}`).join('; ');
    super(`No source of evidence answered (${reasons})`, 'EVIDENCE_UNAVAILABLE', { retryable: true });
    this.sources = sources;
  }
}

/** Joins what the sources know of a medication. Each is asked for itself: one that fails leaves the others as they are. */
export class EvidenceService {
  readonly #parts: EvidenceServiceParts;

  constructor(parts: EvidenceServiceParts) {
    this.#parts = parts;
  }

  /** @throws {EvidenceUnavailableError} when every source that was asked failed */
  async evidence(name: string, { condition, stage, signal }: EvidenceQuestion = {}): Promise<MedicationEvidence> {
    const { medications, fda, trials, nccn, oncoKB } = this.#parts;
    const contributions = await Promise.all([
      approvalEvidence(() => medications.knownApprovals(name, signal)),
      labelEvidence(fda, name, signal),
      trialEvidence(trials, { name, condition, signal }),
      guidelineEvidence(nccn, { name, condition, stage, signal }),
      biomarkerEvidence(oncoKB, name, signal),
    ]);
    signal?.throwIfAborted();
    return joined(name, condition, contributions);
  }
}

function joined(
  name: string,
  condition: string | undefined,
  contributions: readonly Contribution[],
): MedicationEvidence {
  const sources = contributions.flatMap(({ reports }) => reports);
  const asked = sources.filter(({ status }) => status !== 'not-asked');
  if (asked.every(({ status }) => status === 'failed')) throw new EvidenceUnavailableError(sources);
  return {
    name,
    condition: condition ?? null,
    facts: contributions.flatMap(({ facts }) => facts),
    sources,
    complete: asked.every(({ status }) => status !== 'failed'),
  };
}
