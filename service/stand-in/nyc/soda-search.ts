import { type Cells, cellValue, compareValues, requireColumn, testOf } from './soda-condition.ts';
import { rowIdOf, type SodaDataset, type SodaRow, type SodaType } from './soda-dataset.ts';
import { SodaQueryError } from './soda-error.ts';
import { type Ordering, type Selection, SoqlParser } from './soql-expression.ts';

/** Rows that were found, with the columns they may have. */
export interface SodaResult {
  readonly fields: readonly (readonly [name: string, type: SodaType])[];
  readonly rows: readonly SodaRow[];
}

/** A row with its place in the data set. */
interface Placed {
  readonly row: SodaRow;
  readonly id: string;
}

const defaultLimit = 1_000;

/** Parameters that SODA knows and the stand-in does not. */
const unknownHere: ReadonlySet<string> = new Set(['$group', '$having', '$query']);

/**
 * Answers a query: `$select`, `$where`, `$order`, `$limit`, `$offset`, `$q`, and `column=value`.
 *
 * @throws {SodaQueryError} for what SODA refuses
 */
export function search(dataset: SodaDataset, parameters: URLSearchParams): SodaResult {
  const { columns } = dataset;
  const tests: ((placed: Placed) => boolean)[] = [];
  for (const [name, value] of parameters) {
    if (unknownHere.has(name)) throw new SodaQueryError('syntax', `The stand-in does not know ${name}`);
    if (name === '$where') {
      const test = testOf(new SoqlParser(value).condition(), columns);
      tests.push(placed => test(cellsOf(placed)) === true);
    } else if (name === '$q') tests.push(({ row }) => hasWords(row, value));
    else if (!name.startsWith('$')) tests.push(equality(name, value, columns));
  }
  const selections = new SoqlParser(parameters.get('$select') ?? '*').selections();
  const fields = fieldsOf(selections, columns);
  const order = parameters.get('$order');
  const orderings = order === null ? [] : new SoqlParser(order).orderings();
  for (const { name } of orderings) requireColumn(name, columns);
  const found = dataset.rows
    .map((row, index): Placed => ({ row, id: rowIdOf(index) }))
    .filter(placed => tests.every(test => test(placed)));
  if (selections.some(({ kind }) => kind === 'count')) return counted(found, { selections, fields, orderings });
  const offset = wholeNumber(parameters, '$offset', 0);
  const limit = wholeNumber(parameters, '$limit', defaultLimit);
  const page = sorted(found, orderings, columns).slice(offset, offset + limit);
  return { fields, rows: page.map(placed => projected(placed, selections)) };
}

function counted(
  found: readonly Placed[],
  query: { readonly orderings: readonly Ordering[] } & Pick<SodaResult, 'fields'> & {
      readonly selections: readonly Selection[];
    },
): SodaResult {
  const other = query.selections.find(({ kind }) => kind !== 'count') ?? query.orderings[0];
  if (other !== undefined) {
    const name = 'name' in other ? other.name : '*';
    throw new SodaQueryError('syntax', `Column \`${name}' is neither in GROUP BY nor an aggregate`);
  }
  const row = query.selections.map(selection => {
    const { of, as } = selection as Extract<Selection, { readonly kind: 'count' }>;
    const number = of === undefined ? found.length : found.filter(placed => cellsOf(placed)(of) !== undefined).length;
    return [as, String(number)] as const;
  });
  return { fields: query.fields, rows: [Object.fromEntries(row)] };
}

function fieldsOf(selections: readonly Selection[], columns: SodaDataset['columns']): SodaResult['fields'] {
  return selections.flatMap((selection): (readonly [string, SodaType])[] => {
    if (selection.kind === 'all') return [...columns];
    if (selection.kind === 'column') return [[selection.as, requireColumn(selection.name, columns)]];
    if (selection.of !== undefined) requireColumn(selection.of, columns);
    return [[selection.as, 'number']];
  });
}

function projected(placed: Placed, selections: readonly Selection[]): SodaRow {
  const cells = cellsOf(placed);
  const entries = selections.flatMap((selection): [string, unknown][] => {
    if (selection.kind === 'all') return Object.entries(placed.row);
    if (selection.kind === 'count') return [];
    const cell = cells(selection.name);
    return cell === undefined ? [] : [[selection.as, cell]];
  });
  return Object.fromEntries(entries);
}

/** Without an order SODA promises none; here it is that of the recordings. */
function sorted(
  found: readonly Placed[],
  orderings: readonly Ordering[],
  columns: SodaDataset['columns'],
): readonly Placed[] {
  const typed = orderings.map(ordering => ({ ...ordering, type: requireColumn(ordering.name, columns) }));
  return [...found].sort((one, other) => {
    for (const { name, type, descending } of typed) {
      const [a, b] = [one, other].map(placed => cellValue(cellsOf(placed)(name), type));
      // What is empty comes last, and first when the order is turned round.
      const order =
        a === undefined || b === undefined ? Number(a === undefined) - Number(b === undefined) : compareValues(a, b);
      if (order !== 0) return descending ? -order : order;
    }
    return 0;
  });
}

function equality(name: string, value: string, columns: SodaDataset['columns']): (placed: Placed) => boolean {
  const left = { kind: 'column', name } as const;
  const right = { kind: 'literal', value } as const;
  const test = testOf({ kind: 'compare', operator: '=', left, right }, columns);
  return placed => test(cellsOf(placed)) === true;
}

function hasWords(row: SodaRow, text: string): boolean {
  const all = Object.values(row).map(String).join(' ').toLowerCase();
  const words = text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  return words.every(word => all.includes(word));
}

function cellsOf({ row, id }: Placed): Cells {
  return column => (column === ':id' ? id : row[column]);
}

function wholeNumber(parameters: URLSearchParams, name: string, fallback: number): number {
  const text = parameters.get(name);
  if (text === null) return fallback;
  if (/^\d+$/.test(text)) return Number(text);
  throw new SodaQueryError('syntax', `Invalid ${name}: ${text}`);
}
