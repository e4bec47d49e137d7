import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ConfigurationError } from 'plinth/errors';
import type { SodaDataset, SodaRow, SodaType } from './soda-dataset.ts';

/** What the stand-in of NYC Open Data answers with. */
export interface NycRecordings {
  readonly datasets: ReadonlyMap<string, SodaDataset>;
  /** When it was put together, `YYYY-MM-DD`. */
  readonly recordedOn: string;
}

/** What is known of a data set besides its rows. */
interface Description {
  readonly title: string;
  readonly key: string;
  readonly columns: Readonly<Record<string, SodaType>>;
}

/** A data set that is being put together. */
interface Growing {
  readonly columns: Map<string, SodaType>;
  readonly key: string | undefined;
  readonly rows: SodaRow[];
}

const recordings = fileURLToPath(new URL('./recordings', import.meta.url));
const idPattern = /[a-z0-9]{4}-[a-z0-9]{4}/;

/**
 * Reads the recordings of this project, and what a folder adds to them: `nyc/**.json` with rows as the portal sends them,
 * bare in a file whose name holds the data set's identifier, or in the recorded text of an answer with its address.
 */
export async function readNycRecordings(dataDirectory: string | undefined): Promise<NycRecordings> {
  const index = (await readJson(join(recordings, 'recordings.json'))) as {
    readonly writtenOn: string;
    readonly datasets: Readonly<Record<string, Description>>;
  };
  const growing = new Map<string, Growing>();
  for (const [id, { key, columns }] of Object.entries(index.datasets)) {
    const rows = (await readJson(join(recordings, `${id}.json`))) as SodaRow[];
    growing.set(id, { key, columns: new Map(Object.entries(columns)), rows });
  }
  if (dataDirectory !== undefined) await addFolder(growing, join(dataDirectory, 'nyc'));
  const datasets = [...growing].map(([id, dataset]): [string, SodaDataset] => [id, { id, ...dataset }]);
  return { datasets: new Map(datasets), recordedOn: index.writtenOn };
}

async function addFolder(growing: Map<string, Growing>, folder: string): Promise<void> {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  for (const name of names.filter(file => file.endsWith('.json')).sort()) {
    for (const { id, rows } of answersOf(name, await readJson(join(folder, name)))) add(growing, id, rows);
  }
}

/** Rows of a data set, as a file has them. */
interface FoundRows {
  readonly id: string;
  readonly rows: readonly SodaRow[];
}

function answersOf(name: string, content: unknown): readonly FoundRows[] {
  const idInName = idPattern.exec(name)?.[0];
  if (isRows(content) && idInName !== undefined) return [{ id: idInName, rows: content }];
  return (Array.isArray(content) ? content : [content]).flatMap(recordedAnswer);
}

function recordedAnswer(entry: unknown): readonly FoundRows[] {
  if (typeof entry !== 'object' || entry === null) return [];
  const {
    request,
    response,
    request_url: address,
    response_body_raw: raw,
  } = entry as Readonly<Record<string, unknown>>;
  const url = String(address ?? (request as { readonly url?: unknown } | undefined)?.url ?? '');
  const id = /\/resource\/([a-z0-9]{4}-[a-z0-9]{4})\.json/.exec(url)?.[1];
  const text = String(raw ?? (response as { readonly body?: unknown } | undefined)?.body ?? '');
  if (id === undefined || !text.startsWith('[')) return [];
  const rows: unknown = JSON.parse(text);
  return isRows(rows) ? [{ id, rows }] : [];
}

function isRows(content: unknown): content is readonly SodaRow[] {
  const isRow = (row: unknown): boolean =>
    typeof row === 'object' && row !== null && !('request' in row) && !('response_body_raw' in row);
  return Array.isArray(content) && content.length > 0 && content.every(isRow);
}

/** Rows that are there already, and those with a part of their columns, are left out. */
function add(growing: Map<string, Growing>, id: string, rows: readonly SodaRow[]): void {
  const dataset: Growing = growing.get(id) ?? { key: undefined, columns: new Map(), rows: [] };
  growing.set(id, dataset);
  const { key } = dataset;
  const identityOf = (row: SodaRow): unknown => (key === undefined ? JSON.stringify(row) : row[key]);
  const known = new Set(dataset.rows.map(identityOf));
  for (const row of rows) {
    const identity = identityOf(row);
    if (identity === undefined || known.has(identity)) continue;
    known.add(identity);
    dataset.rows.push(row);
    for (const [name, value] of Object.entries(row)) {
      if (!dataset.columns.has(name)) dataset.columns.set(name, typeOf(value));
    }
  }
}

function typeOf(value: unknown): SodaType {
  if (typeof value === 'boolean') return 'checkbox';
  if (typeof value === 'object') return 'point';
  return /^\d{4}-\d\d-\d\dT/.test(String(value)) ? 'floating_timestamp' : 'text';
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    throw new ConfigurationError('Cannot use the data folder', [{ name: path, message: 'Not readable as JSON' }], {
      cause,
    });
  }
}
