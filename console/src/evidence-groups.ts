import type { Tone } from './call-kind.ts';
import type { EvidenceFact, FactProvenance } from './evidence-wire.ts';
import { formatCounted } from './format.ts';

/** Facts of one kind, under a title. */
export interface FactGroup {
  readonly kind: string;
  readonly title: string;
  readonly facts: readonly EvidenceFact[];
}

/** A fact in words. */
export interface FactLine {
  readonly title: string;
  /** What else is to be said of it, each a few words. */
  readonly details: readonly string[];
  /** What is most important about it. */
  readonly mark?: { readonly tone: Tone; readonly text: string };
  /** Long texts, each under its name. */
  readonly texts: readonly { readonly name: string; readonly text: string }[];
  readonly provenance: FactProvenance;
}

const titles: Readonly<Record<EvidenceFact['kind'], string>> = {
  approval: 'Approvals',
  label: 'Label',
  trial: 'Trials',
  guideline: 'Guidelines',
  recommendation: 'Recommendations',
  biomarker: 'Biomarkers',
};

/** The facts by their kinds, always in the same order. A kind that this page does not know comes last. */
export function groupFacts(facts: readonly EvidenceFact[]): readonly FactGroup[] {
  const kinds = new Set<string>([...Object.keys(titles), ...facts.map(({ kind }) => kind)]);
  return [...kinds]
    .map(kind => ({
      kind,
      title: titles[kind as EvidenceFact['kind']] ?? kind,
      facts: facts.filter(fact => fact.kind === kind),
    }))
    .filter(group => group.facts.length > 0);
}

/** What is said about a fact. Its reference is not repeated: it stands in the provenance. */
export function describeFact(fact: EvidenceFact): FactLine {
  const { provenance } = fact;
  const { title, details, ...rest } = describe(fact);
  return {
    title: title || provenance.reference,
    details: details.flatMap(detail => detail || []),
    texts: [],
    ...rest,
    provenance,
  };
}

interface Description extends Partial<Pick<FactLine, 'mark' | 'texts'>> {
  readonly title: string | null;
  readonly details: readonly (string | false | null)[];
}

function describe(fact: EvidenceFact): Description {
  if (fact.kind === 'approval') {
    const { brandNames, sponsor, firstApprovalDate, firstApprovalText, orphan, patents, exclusivities } = fact;
    const day = firstApprovalDate ?? firstApprovalText;
    const title = brandNames.filter(Boolean).join(', ');
    const counts = [formatCounted(patents, 'patent'), formatCounted(exclusivities, 'exclusivity', 'exclusivities')];
    return { title, details: [day && `approved ${day}`, sponsor, ...counts, orphan && 'orphan drug'] };
  }
  if (fact.kind === 'label') {
    const { brandNames, effectiveDate, indications, boxedWarning } = fact;
    const texts = [
      { name: 'Boxed warning', text: boxedWarning.join('\n') },
      { name: 'Indications', text: indications.join('\n') },
    ].filter(({ text }) => text !== '');
    return { title: brandNames.join(', '), details: [effectiveDate && `in effect since ${effectiveDate}`], texts };
  }
  if (fact.kind === 'trial') {
    const { title, status, phases, startDate, enrollment, sponsor, conditions } = fact;
    const enrolled = enrollment !== null && `${formatCounted(enrollment, 'participant')}`;
    const words = [spaced(status), phases.map(spaced).join(', '), startDate && `since ${startDate}`, enrolled, sponsor];
    return { title, details: [...words, conditions.join(', ')] };
  }
  if (fact.kind === 'guideline') return { title: fact.name, details: [fact.version && `version ${fact.version}`] };
  if (fact.kind === 'recommendation') {
    const { regimen, cancer, stages, drugs, category, preference } = fact;
    return {
      title: regimen,
      details: [cancer, stages.map(spaced).join(', '), `category ${category}`, spaced(preference), drugs.join(' + ')],
    };
  }
  if (fact.kind === 'biomarker') return describeBiomarker(fact);
  return { title: null, details: [] };
}

function describeBiomarker(fact: Extract<EvidenceFact, { kind: 'biomarker' }>): Description {
  const { gene, alterations, cancerType, level, effect, pmids } = fact;
  const tones = { responds: 'ok', resists: 'refused', other: 'plain' } as const;
  return {
    title: `${gene} ${alterations.join(', ')}`,
    mark: { tone: tones[effect] ?? 'plain', text: effect === 'other' ? 'other effect' : effect },
    details: [`level ${level}`, cancerType, pmids.length > 0 && `PMID ${pmids.join(', ')}`],
  };
}

/** `NOT_YET_RECRUITING` as `not yet recruiting`, `PHASE3` as `phase 3`. */
function spaced(word: string): string {
  return word
    .replaceAll('_', ' ')
    .toLowerCase()
    .replace(/^phase(?=\d)/, 'phase ');
}
