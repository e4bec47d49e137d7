import { ScraperError } from 'plinth/errors';
import type { WireRecord } from './wire-values.ts';

/** The field of the JSON form that a column belongs to. */
export type Columns = Readonly<Record<string, string>>;

const ofAll: Columns = {
  'GRCh37 Isoform': 'grch37Isoform',
  'GRCh37 RefSeq': 'grch37RefSeq',
  'GRCh38 Isoform': 'grch38Isoform',
  'GRCh38 RefSeq': 'grch38RefSeq',
  // Names of 2019, when there was one genome.
  Isoform: 'grch37Isoform',
  RefSeq: 'grch37RefSeq',
  'Entrez Gene ID': 'entrezGeneId',
  'Reference Genome': 'referenceGenome',
  Setting: 'setting',
};

const ofVariants: Columns = {
  ...ofAll,
  'Hugo Symbol': 'gene',
  Gene: 'gene',
  Alteration: 'variant',
  Alterations: 'variant',
  'Protein Change': 'proteinChange',
  Description: 'description',
};

/** Columns of `/utils/allActionableVariants.txt` over the years, and of the table that the site gives for download. */
export const actionableColumns: Columns = {
  ...ofVariants,
  'Cancer Type': 'cancerType',
  'Cancer Types': 'cancerType',
  Level: 'level',
  'Solid Propagation Level': 'solidPropagationLevel',
  'Liquid Propagation Level': 'liquidPropagationLevel',
  'Drugs(s)': 'drugs',
  Drugs: 'drugs',
  'Drugs (for therapeutic implications only)': 'drugs',
  PMIDs: 'pmids',
  'PMIDs for drug': 'pmids',
  Abstracts: 'abstracts',
  'Abstracts for drug': 'abstracts',
};

/** Columns of `/utils/allAnnotatedVariants.txt` over the years. */
export const annotatedColumns: Columns = {
  ...ofVariants,
  Oncogenicity: 'oncogenicity',
  'Mutation Effect': 'mutationEffect',
  'PMIDs for Mutation Effect': 'mutationEffectPmids',
  'Abstracts for Mutation Effect': 'mutationEffectAbstracts',
};

/** Columns of `/utils/allCuratedGenes.txt`. */
export const curatedGeneColumns: Columns = {
  ...ofAll,
  'Hugo Symbol': 'hugoSymbol',
  'Gene Type': 'geneType',
  'Highest Level of Evidence(sensitivity)': 'highestSensitiveLevel',
  'Highest Level of Evidence(resistance)': 'highestResistanceLevel',
};

/**
 * The rows of a table as records of its JSON form, read by the header: columns came and went over the years, and their
 * order is nothing to rely on. Columns that nobody knows keep their own name, so that a contract sees them.
 *
 * @throws {ScraperError} when there is no header with a gene
 */
export function readTable(text: string, columns: Columns): readonly WireRecord[] {
  const lines = text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .filter(line => line !== '');
  const fields = (lines[0] ?? '').split('\t').map(name => columns[name.trim()] ?? name.trim());
  if (!fields.includes('gene') && !fields.includes('hugoSymbol')) {
    const begins = JSON.stringify((lines[0] ?? '').slice(0, 100));
    throw new ScraperError(`OncoKB sent a table without a column of genes: it begins with ${begins}`);
  }
  return lines.slice(1).map(line => {
    const cells = line.split('\t');
    return Object.fromEntries(fields.map((field, index) => [field, cells[index] ?? '']));
  });
}
