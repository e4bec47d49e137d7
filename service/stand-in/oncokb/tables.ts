import type { WireRecord } from './oncokb-recordings.ts';

type Columns = readonly (readonly [header: string, field: string])[];

const transcripts: Columns = [
  ['GRCh37 Isoform', 'grch37Isoform'],
  ['GRCh37 RefSeq', 'grch37RefSeq'],
  ['GRCh38 Isoform', 'grch38Isoform'],
  ['GRCh38 RefSeq', 'grch38RefSeq'],
  ['Entrez Gene ID', 'entrezGeneId'],
];

const variants: Columns = [
  ...transcripts,
  ['Hugo Symbol', 'gene'],
  ['Reference Genome', 'referenceGenome'],
  ['Setting', 'setting'],
  ['Alteration', 'variant'],
  ['Protein Change', 'proteinChange'],
];

/** `/utils/allActionableVariants.txt`: the header of the drugs is misspelt there. */
export function actionableText(rows: readonly WireRecord[]): string {
  return toText(rows, [
    ...variants,
    ['Cancer Type', 'cancerType'],
    ['Level', 'level'],
    ['Solid Propagation Level', 'solidPropagationLevel'],
    ['Liquid Propagation Level', 'liquidPropagationLevel'],
    ['Drugs(s)', 'drugs'],
    ['PMIDs', 'pmids'],
    ['Abstracts', 'abstracts'],
    ['Description', 'description'],
  ]);
}

/** `/utils/allAnnotatedVariants.txt`. */
export function annotatedText(rows: readonly WireRecord[]): string {
  return toText(rows, [
    ...variants,
    ['Oncogenicity', 'oncogenicity'],
    ['Mutation Effect', 'mutationEffect'],
    ['PMIDs for Mutation Effect', 'mutationEffectPmids'],
    ['Abstracts for Mutation Effect', 'mutationEffectAbstracts'],
    ['Description', 'description'],
  ]);
}

/** `/utils/allCuratedGenes.txt`. */
export function curatedGenesText(rows: readonly WireRecord[]): string {
  return toText(rows, [
    ...transcripts,
    ['Hugo Symbol', 'hugoSymbol'],
    ['Gene Type', 'geneType'],
    ['Setting', 'setting'],
    ['Highest Level of Evidence(sensitivity)', 'highestSensitiveLevel'],
    ['Highest Level of Evidence(resistance)', 'highestResistanceLevel'],
  ]);
}

function toText(rows: readonly WireRecord[], columns: Columns): string {
  const lines = rows.map(row => columns.map(([, field]) => String(row[field] ?? '')).join('\t'));
  return `${[columns.map(([header]) => header).join('\t'), ...lines].join('\n')}\n`;
}
