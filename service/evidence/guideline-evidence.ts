import {
  LicensedContentError,
  type LicensedProvenance,
  type NCCNScraper,
  type NccnGuideline,
  type RecommendedRegimen,
} from 'plinth/connectors/nccn';
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

/** What is asked of the guidelines. */
export interface GuidelineQuestion {
  readonly name: string;
  readonly condition: string | undefined;
  readonly stage: string | undefined;
  readonly signal: AbortSignal | undefined;
}

/**
 * The guidelines for a disease, and where a licensed file was supplied the regimens with the drug that it recommends. The
 * guidelines themselves are not public: without a file nothing is said about what they recommend.
 */
export async function guidelineEvidence(nccn: NCCNScraper, question: GuidelineQuestion): Promise<Contribution> {
  const { condition, stage } = question;
  if (condition === undefined) {
    return notAsked('nccn', 'Guidelines are looked up by disease: give a condition, such as nsclc');
  }
  try {
    const { guidelines, provenance } = await nccn.getGuidelines(condition, { signal: question.signal });
    const facts = guidelines.slice(0, maxShown).map(guideline => guidelineFact(guideline, provenance));
    const recommended = stage === undefined ? noStage : await recommendations(nccn, { ...question, condition, stage });
    const { origin, freshness, fetchedAt } = provenance;
    const all = [...facts, ...recommended.facts];
    const found = guidelines.length + recommended.facts.length;
    return answered('nccn', all, { found, origin, freshness, fetchedAt, note: recommended.note });
  } catch (error) {
    return failed('nccn', error);
  }
}

interface Recommendations {
  readonly facts: readonly EvidenceFact[];
  readonly note: string | undefined;
}

const noStage: Recommendations = {
  facts: [],
  note: 'What guidelines recommend is looked up by stage, in a licensed file: give a stage, such as stage_iv',
};

async function recommendations(
  nccn: NCCNScraper,
  { name, condition, stage, signal }: GuidelineQuestion & { readonly condition: string; readonly stage: string },
): Promise<Recommendations> {
  try {
    const { regimens, provenance } = await nccn.getRecommendedMedications(condition, stage, { signal });
    const drug = name.trim().toLowerCase();
    const own = regimens.filter(({ drugs }) => drugs.some(other => other.toLowerCase() === drug));
    const facts = own.slice(0, maxShown).map(regimen => recommendationFact(regimen, provenance));
    return { facts, note: undefined };
  } catch (error) {
    if (!(error instanceof LicensedContentError)) throw error;
    return { facts: [], note: error.message };
  }
}

function guidelineFact({ id, name, version, url }: NccnGuideline, provenance: Provenance): EvidenceFact {
  // What stands in for the site has another address, where nobody reads it.
  const { pathname, search } = new URL(url);
  const page = `https://www.nccn.org${pathname}${search}`;
  return {
    kind: 'guideline',
    name,
    version,
    provenance: factProvenance('nccn', provenance, { reference: id, url: page }),
  };
}

function recommendationFact(regimen: RecommendedRegimen, { title, version, readAt }: LicensedProvenance): EvidenceFact {
  const { cancer, stages, name, drugs, category, preference, reference } = regimen;
  return {
    kind: 'recommendation',
    cancer,
    stages: [...stages],
    regimen: name,
    drugs: [...drugs],
    category,
    preference,
    provenance: {
      source: 'nccn',
      origin: 'licensed-file',
      fetchedAt: readAt,
      freshness: 'fresh',
      ageMs: 0,
      reference: `${title} ${version}, ${reference}`,
      url: null,
    },
  };
}
