import type { DrugAnnotation, OncoKBScraper } from 'plinth/connectors/oncokb';
import { ConfigurationError } from 'plinth/errors';
import type { Provenance } from 'plinth/http';
import {
  answered,
  type Contribution,
  type EvidenceFact,
  factProvenance,
  failed,
  maxShown,
  notAsked,
} from './evidence.ts';

/** Alterations that say something about the drug. */
export async function biomarkerEvidence(
  oncoKB: OncoKBScraper,
  name: string,
  signal: AbortSignal | undefined,
): Promise<Contribution> {
  try {
    const answer = await oncoKB.getDrugAnnotations(name, { signal });
    const facts = answer.annotations.slice(0, maxShown).map(annotation => biomarkerFact(annotation, answer.provenance));
    const { origin, freshness, fetchedAt } = answer.provenance;
    const found = answer.annotations.length;
    return answered('oncokb', facts, { found, origin, freshness, fetchedAt, note: answer.terms });
  } catch (error) {
    if (error instanceof ConfigurationError) return notAsked('oncokb', error.message);
    return failed('oncokb', error);
  }
}

function biomarkerFact(annotation: DrugAnnotation, provenance: Provenance): EvidenceFact {
  const { gene, alterations, cancerType, level, pmids } = annotation;
  return {
    kind: 'biomarker',
    gene,
    alterations: [...alterations],
    cancerType,
    level,
    effect: level.startsWith('R') ? 'resists' : /^\d/.test(level) ? 'responds' : 'other',
    pmids: [...pmids],
    provenance: factProvenance('oncokb', provenance, {
      reference: `${gene} ${alterations.join(', ')}`,
      url: `https://www.oncokb.org/gene/${encodeURIComponent(gene)}`,
    }),
  };
}
