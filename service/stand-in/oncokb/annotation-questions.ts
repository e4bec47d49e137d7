import type { AnnotationQuestion } from './annotate.ts';

/** A question from the address. */
export function questionOfAddress(parameters: URLSearchParams, kind: AnnotationKind): AnnotationQuestion {
  const number = parameters.get('entrezGeneId');
  return {
    id: null,
    gene: parameters.get('hugoSymbol') ?? parameters.get('hugoSymbolA'),
    entrezGeneId: number === null ? null : Number(number),
    alteration: alterationOf(name => parameters.get(name), kind),
    alterationType: typesOfKinds[kind],
    tumorType: parameters.get('tumorType'),
    referenceGenome: parameters.get('referenceGenome') ?? 'GRCh37',
  };
}

/** The questions of a body; `undefined` when it is no list of them. */
export function questionsOfBody(body: string): readonly AnnotationQuestion[] | undefined {
  let entries: unknown;
  try {
    entries = JSON.parse(body);
  } catch {
    return undefined;
  }
  if (!Array.isArray(entries) || entries.some(entry => typeof entry !== 'object' || entry === null)) return undefined;
  return (entries as readonly WireQuestion[]).map(entry => ({
    id: entry.id ?? null,
    gene: entry.gene?.hugoSymbol ?? null,
    entrezGeneId: entry.gene?.entrezGeneId ?? null,
    alteration: entry.alteration ?? null,
    alterationType: null,
    tumorType: entry.tumorType ?? null,
    referenceGenome: entry.referenceGenome ?? 'GRCh37',
  }));
}

/** What is asked about. */
export type AnnotationKind = 'mutation' | 'copy-number' | 'structural';

interface WireQuestion {
  readonly id?: string;
  readonly gene?: { readonly hugoSymbol?: string; readonly entrezGeneId?: number };
  readonly alteration?: string;
  readonly tumorType?: string;
  readonly referenceGenome?: string;
}

const typesOfKinds = {
  mutation: null,
  'copy-number': 'COPY_NUMBER_ALTERATION',
  structural: 'STRUCTURAL_VARIANT',
} as const satisfies Record<AnnotationKind, string | null>;

/** The name by which the tables know what the parameters describe. */
function alterationOf(get: (name: string) => string | null, kind: AnnotationKind): string | null {
  if (kind === 'mutation') return get('alteration');
  if (kind === 'structural')
    return get('structuralVariantType') === 'FUSION' ? 'Fusions' : get('structuralVariantType');
  const type = get('copyNameAlterationType') ?? '';
  return `${type.slice(0, 1)}${type.slice(1).toLowerCase()}`;
}
