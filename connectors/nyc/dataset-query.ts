import { ArgumentError, ValidationError } from 'plinth/errors';
import type { Provenance, QuestionOptions } from 'plinth/http';
import type { SodaRow } from './row-reader.ts';
import { column, type Soql } from './soql.ts';

/** What is asked of a data set. */
export interface DatasetQuery {
  /** Columns by name, or pieces such as `` soql`count(*) AS n` ``. @default all */
  readonly select?: readonly (string | Soql)[] | undefined;
  /** Which rows. @default all */
  readonly where?: Soql | undefined;
  /** Columns by name, or pieces such as `` soql`issue_date DESC` ``. `:id` always comes last, so that pages fit together. */
  readonly orderBy?: readonly (string | Soql)[] | undefined;
  /** Words to be found anywhere in a row. @default none */
  readonly search?: string | undefined;
}

/** How a data set is walked over. */
export interface DatasetQueryOptions extends QuestionOptions {
  /** Rows of one page, 1 to 50,000. @default 1_000 */
  readonly pageSize?: number | undefined;
  /** How many pages there may be; more are an error, so that nothing is missing silently. @default 1_000 */
  readonly maxPages?: number | undefined;
}

/** A page of a data set. */
export interface DatasetPage {
  /** The portal's identifier, such as `3h2n-5cm9`. */
  readonly datasetId: string;
  /** As the portal sends them: what is empty is left out, numbers are text. */
  readonly rows: readonly SodaRow[];
  /** Where the first of them is among all, from 0. */
  readonly offset: number;
  /** When the city last changed the data set, ISO 8601 in UTC; `null` when the answer does not say. */
  readonly dataUpdatedAt: string | null;
  readonly provenance: Provenance;
}

/** @throws {ValidationError} for what is no identifier of a data set, such as `3h2n-5cm9` */
export function requireDatasetId(id: string): string {
  if (/^[a-z0-9]{4}-[a-z0-9]{4}$/.test(id)) return id;
  const problem = `expected four letters or digits, a dash and four more, such as 3h2n-5cm9, got ${JSON.stringify(id)?.slice(0, 40)}`;
  throw new ValidationError(`Cannot ask a data set: ${problem}`, { datasetId: problem });
}

/** @throws {ArgumentError} when it is not from 1 to 50,000 */
export function requirePageSize(pageSize: number): number {
  if (Number.isInteger(pageSize) && pageSize >= 1 && pageSize <= 50_000) return pageSize;
  throw new ArgumentError(`Cannot use pageSize: expected a whole number from 1 to 50000, got ${pageSize}`, 'pageSize');
}

/** The query's parameters. Without an order that is the same every time, rows of a page may come again on the next one. */
export function parametersOf(
  { select, where, orderBy = [], search }: DatasetQuery,
  pageSize: number,
): Readonly<Record<string, string | number | undefined>> {
  return {
    $select: select === undefined || select.length === 0 ? undefined : select.map(pieceOf).join(','),
    $where: where?.text,
    $order: [...orderBy, ':id'].map(pieceOf).join(','),
    $q: search,
    $limit: pageSize,
  };
}

function pieceOf(piece: string | Soql): string {
  return typeof piece === 'string' ? column(piece).text : piece.text;
}
