import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ConfigurationError } from 'plinth/errors';
import { type OpenFdaEndpoint, type OpenFdaEndpointName, type OpenFdaRecord, openFdaEndpoints } from './endpoints.ts';
import type { OpenFdaMeta } from './search.ts';
import { writeZip } from './zip-writer.ts';

/** What the stand-ins of the FDA answer with. */
export interface FdaRecordings {
  readonly openFda: Readonly<Record<OpenFdaEndpointName, OpenFdaRecording>>;
  /** When openFDA's part was recorded, `YYYY-MM-DD`. */
  readonly openFdaRecordedOn: string;
  readonly orangeBook: OrangeBookRecording;
}

/** The records of an endpoint. */
export interface OpenFdaRecording {
  readonly records: readonly OpenFdaRecord[];
  readonly meta: OpenFdaMeta;
}

/** The ZIP of the Orange Book. */
export interface OrangeBookRecording {
  readonly zip: Buffer;
  readonly etag: string;
  /** The edition's date, or when it was recorded, `YYYY-MM-DD`. */
  readonly recordedOn: string;
}

const recordings = fileURLToPath(new URL('./recordings', import.meta.url));
const orangeBookFiles = ['products.txt', 'patent.txt', 'exclusivity.txt'];

/**
 * Reads the recordings of this project, and what a folder adds to them: `openfda/**.json` with records of its endpoints in
 * any container (FDA's documents in `openfda/docs` are none), and under `orange_book/` ZIPs or folders of whole editions, of which the newest takes the place of ours.
 */
export async function readFdaRecordings(dataDirectory: string | undefined): Promise<FdaRecordings> {
  const dates = JSON.parse(await readFile(join(recordings, 'recordings.json'), 'utf8')) as {
    readonly writtenOn: string;
    readonly orangeBookEdition: string;
  };
  const added = dataDirectory === undefined ? [] : await readRecords(join(dataDirectory, 'openfda'));
  const openFda = openFdaEndpoints.map(
    async endpoint => [endpoint.name, await readRecording(endpoint, added)] as const,
  );
  const book =
    (dataDirectory === undefined ? undefined : await readNewestBook(join(dataDirectory, 'orange_book'))) ??
    (await readFolder(join(recordings, 'orange-book'), dates.orangeBookEdition));
  return {
    openFda: Object.fromEntries(await Promise.all(openFda)) as Record<OpenFdaEndpointName, OpenFdaRecording>,
    openFdaRecordedOn: dates.writtenOn,
    orangeBook: book,
  };
}

async function readRecording(endpoint: OpenFdaEndpoint, added: readonly OpenFdaRecord[]): Promise<OpenFdaRecording> {
  const text = await readFile(join(recordings, `openfda/${endpoint.name}.json`), 'utf8');
  const { meta, results } = JSON.parse(text) as { readonly meta: OpenFdaMeta; readonly results: OpenFdaRecord[] };
  return { meta, records: mergeRecords([...results, ...added.filter(record => endpoint.owns(record))], endpoint) };
}

/** Of several records with one id the one that says more stays: of an application, the one with the longest history. */
function mergeRecords(records: readonly OpenFdaRecord[], endpoint: OpenFdaEndpoint): OpenFdaRecord[] {
  const byId = new Map<string, OpenFdaRecord>();
  for (const record of records) {
    const known = byId.get(endpoint.idOf(record));
    if (known === undefined || weightOf(record) >= weightOf(known)) byId.set(endpoint.idOf(record), record);
  }
  return [...byId.values()];
}

function weightOf(record: OpenFdaRecord): number {
  const { submissions, openfda } = record as { readonly submissions?: unknown[]; readonly openfda?: object };
  const said = 'products' in record ? (submissions?.length ?? 0) : Object.keys(record).length;
  return said + (openfda === undefined ? 0 : 0.5);
}

async function readRecords(folder: string): Promise<OpenFdaRecord[]> {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  const files = names.filter(name => name.endsWith('.json') && !/^docs\b/.test(name)).sort();
  const contents = await Promise.all(files.map(async name => collectRecords(await readJson(join(folder, name)))));
  return contents.flat();
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

/** Records lie bare in a list, in an answer's `results`, or in the recorded text of an answer. */
function collectRecords(value: unknown): OpenFdaRecord[] {
  if (Array.isArray(value)) return value.flatMap(collectRecords);
  if (typeof value !== 'object' || value === null) return [];
  if (openFdaEndpoints.some(endpoint => endpoint.owns(value as OpenFdaRecord))) return [value as OpenFdaRecord];
  if ('results' in value) return collectRecords(value.results);
  if ('response' in value) return collectRecords(value.response);
  if ('body' in value && typeof value.body === 'string' && value.body.startsWith('{')) {
    return collectRecords(JSON.parse(value.body));
  }
  return [];
}

async function readNewestBook(folder: string): Promise<OrangeBookRecording | undefined> {
  const names = await readdir(folder).catch(() => []);
  const candidates = await Promise.all(
    names.map(async name => {
      const path = join(folder, name);
      const date = /\d{4}-\d{2}-\d{2}/.exec(name)?.[0] ?? '';
      const isZip = name.endsWith('.zip');
      return isZip || (await isWholeEdition(path)) ? { path, date, isZip } : undefined;
    }),
  );
  const newest = candidates
    .flatMap(candidate => candidate ?? [])
    .sort((one, other) => other.date.localeCompare(one.date) || Number(other.isZip) - Number(one.isZip))[0];
  if (newest === undefined) return undefined;
  if (!newest.isZip) return readFolder(newest.path, newest.date || (await modifiedOn(newest.path)));
  return toRecording(await readFile(newest.path), newest.date || (await modifiedOn(newest.path)));
}

async function isWholeEdition(path: string): Promise<boolean> {
  const names = await readdir(path).catch((): string[] => []);
  return orangeBookFiles.every(name => names.includes(name));
}

async function readFolder(folder: string, date: string): Promise<OrangeBookRecording> {
  const members = orangeBookFiles.map(async name => ({ name, date, content: await readFile(join(folder, name)) }));
  return toRecording(writeZip(await Promise.all(members)), date);
}

async function modifiedOn(path: string): Promise<string> {
  return (await stat(path)).mtime.toISOString().slice(0, 10);
}

function toRecording(zip: Buffer, recordedOn: string): OrangeBookRecording {
  return { zip, recordedOn, etag: `"${createHash('sha1').update(zip).digest('hex')}"` };
}
