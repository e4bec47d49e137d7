import { type OncoKBLevel, parseLevel } from './levels.ts';
import { booleanOf, numberOf, requireRecord, requireText, textOf, textsOf, type WireRecord } from './wire-values.ts';

/** The transcripts that OncoKB counts positions on. */
export interface OncoKBTranscripts {
  /** Of Ensembl. [grch37Isoform; `GRCh37 Isoform`] */
  readonly grch37Isoform: string | null;
  /** Of RefSeq. [grch37RefSeq; `GRCh37 RefSeq`] */
  readonly grch37RefSeq: string | null;
  /** Of Ensembl. [grch38Isoform; `GRCh38 Isoform`] */
  readonly grch38Isoform: string | null;
  /** Of RefSeq. [grch38RefSeq; `GRCh38 RefSeq`] */
  readonly grch38RefSeq: string | null;
}

/** A gene that OncoKB has curated. In brackets: the field of `/utils/allCuratedGenes`, and the column of its text form. */
export interface CuratedGene extends OncoKBTranscripts {
  /** [hugoSymbol; `Hugo Symbol`] */
  readonly gene: string;
  /** NCBI's number; below zero for what is no gene of its own, such as `CDKN2A (p14)`. [entrezGeneId; `Entrez Gene ID`] */
  readonly entrezGeneId: number | null;
  /** `ONCOGENE`, `TSG`, `ONCOGENE_AND_TSG`, `NEITHER` or `INSUFFICIENT_EVIDENCE`. [geneType; `Gene Type`] */
  readonly geneType: string | null;
  /** `Somatic` or `Germline`; `null` in data of earlier years. [setting; `Setting`] */
  readonly setting: string | null;
  /** [highestSensitiveLevel; `Highest Level of Evidence(sensitivity)`] */
  readonly highestSensitiveLevel: OncoKBLevel | null;
  /** [highestResistanceLevel, else highestResistancLevel; `Highest Level of Evidence(resistance)`] */
  readonly highestResistanceLevel: OncoKBLevel | null;
  /** [summary] */
  readonly summary: string | null;
  /** [background] */
  readonly background: string | null;
}

/** A gene of the cancer gene list. In brackets: the field of `/utils/cancerGeneList`. */
export interface CancerGene extends OncoKBTranscripts {
  /** [hugoSymbol] */
  readonly gene: string;
  /** [entrezGeneId] */
  readonly entrezGeneId: number | null;
  /** [geneType] */
  readonly geneType: string | null;
  /** [geneAliases] */
  readonly aliases: readonly string[];
  /** Whether OncoKB has annotated it. [oncokbAnnotated] */
  readonly annotated: boolean;
  /** On how many of the lists below it is, OncoKB's own included. [occurrenceCount] */
  readonly occurrenceCount: number | null;
  /** The lists that it is on. [mSKImpact, mSKHeme, foundation, foundationHeme, vogelstein, sangerCGC] */
  readonly lists: readonly CancerGeneList[];
}

/** A list of cancer genes, by its field. */
export type CancerGeneList = (typeof cancerGeneLists)[number];

/** The lists of cancer genes that OncoKB looks at. */
export const cancerGeneLists = [
  'mSKImpact',
  'mSKHeme',
  'foundation',
  'foundationHeme',
  'vogelstein',
  'sangerCGC',
] as const;

/** Reads a record of `/utils/allCuratedGenes`. @throws {ValidationError} without a symbol */
export function readCuratedGene(value: unknown): CuratedGene {
  const record = requireRecord(value);
  return {
    gene: requireText(record, 'hugoSymbol'),
    entrezGeneId: numberOf(record['entrezGeneId']) ?? digitsOf(record['entrezGeneId']),
    geneType: textOf(record['geneType']),
    setting: textOf(record['setting']),
    highestSensitiveLevel: parseLevel(record['highestSensitiveLevel']) ?? null,
    // The field was misspelt for years, and both spellings are sent now.
    highestResistanceLevel:
      parseLevel(record['highestResistanceLevel']) ?? parseLevel(record['highestResistancLevel']) ?? null,
    ...readTranscripts(record),
    summary: textOf(record['summary']),
    background: textOf(record['background']),
  };
}

/** Reads a record of `/utils/cancerGeneList`. @throws {ValidationError} without a symbol */
export function readCancerGene(value: unknown): CancerGene {
  const record = requireRecord(value);
  return {
    gene: requireText(record, 'hugoSymbol'),
    entrezGeneId: numberOf(record['entrezGeneId']),
    geneType: textOf(record['geneType']),
    ...readTranscripts(record),
    aliases: textsOf(record['geneAliases']),
    annotated: booleanOf(record['oncokbAnnotated']) ?? false,
    occurrenceCount: numberOf(record['occurrenceCount']),
    lists: cancerGeneLists.filter(list => record[list] === true),
  };
}

/** Reads the four fields of transcripts. */
export function readTranscripts(record: WireRecord): OncoKBTranscripts {
  return {
    grch37Isoform: textOf(record['grch37Isoform']),
    grch37RefSeq: textOf(record['grch37RefSeq']),
    grch38Isoform: textOf(record['grch38Isoform']),
    grch38RefSeq: textOf(record['grch38RefSeq']),
  };
}

/** A whole number, also as a text: tables have nothing else. Genes that are none have numbers below zero. */
export function digitsOf(value: unknown): number | null {
  const text = textOf(value) ?? '';
  return /^-?\d{1,15}$/.test(text) ? Number(text) : null;
}
