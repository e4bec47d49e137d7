import type { ActionableRow, OncoKBRecordings, WireRecord } from './oncokb-recordings.ts';

/** A question as GET and POST have it alike. */
export interface AnnotationQuestion {
  readonly id: string | null;
  readonly gene: string | null;
  readonly entrezGeneId: number | null;
  readonly alteration: string | null;
  readonly alterationType: string | null;
  readonly tumorType: string | null;
  readonly referenceGenome: string;
}

const sensitiveOrder = ['1', '2', '3A', '3B', '4'];
const resistanceOrder = ['R1', 'R2'];

/** Answers questions about alterations from the tables, as OncoKB does: unknown ones too, with 200. */
export class Annotator {
  readonly #recordings: OncoKBRecordings;
  readonly #rowsByGene = new Map<string, ActionableRow[]>();

  constructor(recordings: OncoKBRecordings) {
    this.#recordings = recordings;
    for (const row of recordings.actionable) {
      const rows = this.#rowsByGene.get(row.gene);
      if (rows === undefined) this.#rowsByGene.set(row.gene, [row]);
      else rows.push(row);
    }
  }

  /** The gene of a question by its number, else by its symbol. `'differ'` when they are of two genes. */
  geneOf(question: AnnotationQuestion): WireRecord | 'differ' | undefined {
    const { curatedGenes, cancerGenes } = this.#recordings;
    const genes = [...curatedGenes, ...cancerGenes];
    const bySymbol = question.gene === null ? undefined : genes.find(gene => gene['hugoSymbol'] === question.gene);
    if (question.entrezGeneId === null) return bySymbol;
    const byNumber = genes.find(gene => gene['entrezGeneId'] === question.entrezGeneId);
    return bySymbol !== undefined && byNumber !== bySymbol && byNumber?.['hugoSymbol'] !== bySymbol['hugoSymbol']
      ? 'differ'
      : byNumber;
  }

  answer(question: AnnotationQuestion): WireRecord {
    const found = this.geneOf(question);
    const gene = found === 'differ' ? undefined : found;
    const symbol = (gene?.['hugoSymbol'] as string | undefined) ?? question.gene;
    const recorded = this.#recorded({ ...question, gene: symbol });
    if (recorded !== undefined) return { ...recorded, query: { ...recorded.query, id: question.id } };
    const rows = (symbol === null ? undefined : this.#rowsByGene.get(symbol)) ?? [];
    const exact = rows.filter(row => namesOf(row.variant).includes(question.alteration ?? ''));
    const ofPosition = rows.filter(row => !exact.includes(row) && isOfPosition(row.variant, question.alteration ?? ''));
    const annotated = this.#recordings.annotated.find(
      row => row['gene'] === symbol && row['variant'] === question.alteration,
    );
    const applying = [...exact, ...ofPosition].flatMap(row =>
      weighted(row, this.#isIn(row.cancerType, question.tumorType)),
    );
    const treatments = applying.filter(({ row }) => row.drugs !== '').flatMap(entry => this.#treatments(entry));
    return {
      ...this.#facts(question, gene, annotated),
      variantExist: gene !== undefined && (exact.length > 0 || annotated !== undefined),
      alleleExist: ofPosition.length > 0,
      highestSensitiveLevel: highest(treatments, sensitiveOrder),
      highestResistanceLevel: highest(treatments, resistanceOrder),
      diagnosticImplications: this.#implications(applying, 'Dx'),
      prognosticImplications: this.#implications(applying, 'Px'),
      treatments,
    };
  }

  #recorded(question: AnnotationQuestion): (WireRecord & { readonly query: WireRecord }) | undefined {
    return this.#recordings.annotations.find(
      ({ query }) =>
        query['hugoSymbol'] === question.gene &&
        query['alteration'] === question.alteration &&
        (query['tumorType'] ?? null) === question.tumorType,
    );
  }

  #facts(question: AnnotationQuestion, gene: WireRecord | undefined, annotated: WireRecord | undefined): WireRecord {
    const { version, date } = this.#recordings.info['dataVersion'] as { version: string; date: string };
    const { id, alteration, alterationType, tumorType, referenceGenome, entrezGeneId } = question;
    return {
      query: {
        id,
        referenceGenome,
        hugoSymbol: gene?.['hugoSymbol'] ?? question.gene,
        entrezGeneId: gene?.['entrezGeneId'] ?? entrezGeneId,
        alteration,
        alterationType,
        svType: null,
        tumorType,
        consequence: null,
        proteinStart: null,
        proteinEnd: null,
        hgvs: null,
      },
      geneExist: gene !== undefined,
      oncogenic: annotated?.['oncogenicity'] ?? 'Unknown',
      mutationEffect: {
        knownEffect: annotated?.['mutationEffect'] ?? 'Unknown',
        description: annotated?.['description'] ?? '',
        citations: { pmids: listOf(annotated?.['mutationEffectPmids']), abstracts: [] },
      },
      highestDiagnosticImplicationLevel: null,
      highestPrognosticImplicationLevel: null,
      highestFdaLevel: null,
      otherSignificantSensitiveLevels: [],
      otherSignificantResistanceLevels: [],
      hotspot: false,
      exon: null,
      geneSummary: gene?.['summary'] ?? '',
      variantSummary: '',
      tumorTypeSummary: '',
      prognosticSummary: '',
      diagnosticSummary: '',
      dataVersion: version,
      lastUpdate: date,
      vus: false,
    };
  }

  #treatments({ row, level }: WeightedRow): readonly WireRecord[] {
    return row.drugs.split(',').map(alternative => ({
      alterations: namesOf(row.variant),
      drugs: alternative.split('+').map(name => this.#drug(name.trim())),
      approvedIndications: [],
      level: `LEVEL_${level}`,
      fdaLevel: 'LEVEL_Fda3',
      levelAssociatedCancerType: this.#cancerType(row.cancerType),
      levelExcludedCancerTypes: [],
      pmids: listOf(row['pmids']),
      abstracts: [],
      description: row['description'],
    }));
  }

  #implications(rows: readonly WeightedRow[], kind: 'Dx' | 'Px'): readonly WireRecord[] {
    return rows
      .filter(({ level }) => level.startsWith(kind))
      .map(({ row, level }) => ({
        levelOfEvidence: `LEVEL_${level}`,
        alterations: namesOf(row.variant),
        tumorType: this.#cancerType(row.cancerType),
        pmids: listOf(row['pmids']),
        abstracts: [],
        description: row['description'],
      }));
  }

  #drug(name: string): WireRecord {
    return this.#recordings.drugs.find(drug => drug['drugName'] === name) ?? { drugName: name, ncitCode: null };
  }

  #cancerType(name: string): WireRecord {
    const known = this.#recordings.cancerTypes.find(type => type['name'] === name);
    const unknown = { id: null, code: '', color: '', name: '', mainType: { id: null, name, tumorForm: 'SOLID' } };
    return known ?? { ...unknown, tissue: '', children: {}, parent: null, level: 0, tumorForm: 'SOLID' };
  }

  /** Whether a row's type of cancer is the one that was asked for, by name or code. */
  #isIn(cancerType: string, tumorType: string | null): boolean {
    if (tumorType === null) return true;
    const { code } = this.#cancerType(cancerType);
    return [cancerType, code].some(name => String(name).toLowerCase() === tumorType.toLowerCase());
  }
}

interface WeightedRow {
  readonly row: ActionableRow;
  readonly level: string;
}

/** Outside the type of cancer that it was curated for, a treatment counts less, and a resistance not at all. */
function weighted(row: ActionableRow, isInType: boolean): readonly WeightedRow[] {
  if (isInType) return [{ row, level: row.level }];
  return ['1', '2', '3A'].includes(row.level) ? [{ row, level: '3B' }] : [];
}

/** Commas in brackets separate no names. */
function namesOf(variant: string): string[] {
  return variant.split(/,\s*(?![^({]*[)}])/).map(name => name.trim());
}

/** A rule for a position, such as `K101`, holds for every change of it. */
function isOfPosition(variant: string, alteration: string): boolean {
  return /^[A-Z]\d+$/.test(variant) && new RegExp(`^${variant}[A-Z*]`).test(alteration);
}

function listOf(text: unknown): string[] {
  return typeof text === 'string' && text !== '' ? text.split(',').map(part => part.trim()) : [];
}

function highest(treatments: readonly WireRecord[], order: readonly string[]): string | null {
  const level = order.find(name => treatments.some(treatment => treatment['level'] === `LEVEL_${name}`));
  return level === undefined ? null : `LEVEL_${level}`;
}
