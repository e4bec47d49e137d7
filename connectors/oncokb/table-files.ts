import { ValidationError } from 'plinth/errors';
import { type CuratedGene, readCuratedGene } from './gene-record.ts';
import { actionableColumns, annotatedColumns, type Columns, curatedGeneColumns, readTable } from './table.ts';
import {
  type ActionableVariant,
  type AnnotatedVariant,
  readActionableVariant,
  readAnnotatedVariant,
} from './variant-record.ts';

/** A table that was downloaded. */
export interface OncoKBTable<Row> {
  readonly rows: readonly Row[];
  /** Rows that could not be read. */
  readonly unreadable: number;
}

/**
 * Reads a file of `/utils/allActionableVariants.txt` of any year, or the table that https://www.oncokb.org/actionable-genes
 * gives for download. What its columns do not say is `null`.
 *
 * @throws {ScraperError} when it has no column of genes
 */
export function parseActionableVariants(text: string): OncoKBTable<ActionableVariant> {
  return readRows(text, actionableColumns, readActionableVariant);
}

/**
 * Reads a file of `/utils/allAnnotatedVariants.txt` of any year.
 *
 * @throws {ScraperError} when it has no column of genes
 */
export function parseAnnotatedVariants(text: string): OncoKBTable<AnnotatedVariant> {
  return readRows(text, annotatedColumns, readAnnotatedVariant);
}

/**
 * Reads a file of `/utils/allCuratedGenes.txt`.
 *
 * @throws {ScraperError} when it has no column of genes
 */
export function parseCuratedGenes(text: string): OncoKBTable<CuratedGene> {
  return readRows(text, curatedGeneColumns, readCuratedGene);
}

function readRows<Row>(text: string, columns: Columns, read: (row: unknown) => Row): OncoKBTable<Row> {
  const rows: Row[] = [];
  let unreadable = 0;
  for (const row of readTable(text, columns)) {
    try {
      rows.push(read(row));
    } catch (error) {
      if (!(error instanceof ValidationError)) throw error;
      unreadable += 1;
    }
  }
  return { rows, unreadable };
}
