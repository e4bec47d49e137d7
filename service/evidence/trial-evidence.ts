import type { ClinicalTrialsScraper, TrialSummary } from 'plinth/connectors/clinicaltrials';
import type { Provenance } from 'plinth/http';
import { answered, type Contribution, type EvidenceFact, factProvenance, failed, maxShown } from './evidence.ts';

/** Studies in which the drug is an intervention, whatever their state, the last changed first. */
export async function trialEvidence(
  trials: ClinicalTrialsScraper,
  { name, condition, signal }: { name: string; condition: string | undefined; signal: AbortSignal | undefined },
): Promise<Contribution> {
  try {
    const answer = await trials.searchTrials(
      { intervention: name, condition, status: 'ANY', limit: maxShown, countTotal: true },
      { signal },
    );
    const facts = answer.trials.map(trial => trialFact(trial, answer));
    const { total, origin, freshness, fetchedAt, unreadable } = answer;
    const note = unreadable === 0 ? undefined : `${unreadable} records could not be read`;
    return answered('clinicaltrials', facts, { found: total ?? facts.length, origin, freshness, fetchedAt, note });
  } catch (error) {
    return failed('clinicaltrials', error);
  }
}

function trialFact(trial: TrialSummary, provenance: Provenance): EvidenceFact {
  const { nctId, briefTitle, status, phases, startDate, enrollment, leadSponsor, conditions } = trial;
  return {
    kind: 'trial',
    nctId,
    title: briefTitle,
    status,
    phases: [...phases],
    startDate: startDate?.date ?? null,
    enrollment: enrollment?.count ?? null,
    sponsor: leadSponsor?.name ?? null,
    conditions: [...conditions],
    provenance: factProvenance('clinicaltrials', provenance, {
      reference: nctId,
      url: `https://clinicaltrials.gov/study/${nctId}`,
    }),
  };
}
