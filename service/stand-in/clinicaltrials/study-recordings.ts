import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ConfigurationError } from 'plinth/errors';
import { valuesAt } from './pieces.ts';

/** A record as it is sent. */
export type StudyRecord = Readonly<Record<string, unknown>>;

/** What the stand-in of ClinicalTrials.gov answers with. */
export interface StudyRecordings {
  readonly studies: readonly StudyRecord[];
  /** When they were written, `YYYY-MM-DD`. */
  readonly recordedOn: string;
  readonly version: { readonly apiVersion: string; readonly dataTimestamp: string };
}

const recordings = fileURLToPath(new URL('./recordings', import.meta.url));

/**
 * Reads the recordings of this project, and what a folder adds to them: `clinicaltrials/**.json` with single records, lists
 * of them, or pages. Of several records of one study the longest stays.
 */
export async function readStudyRecordings(dataDirectory: string | undefined): Promise<StudyRecordings> {
  const { writtenOn, ...version } = (await readJson(join(recordings, 'recordings.json'))) as {
    readonly writtenOn: string;
    readonly apiVersion: string;
    readonly dataTimestamp: string;
  };
  const own = collectStudies(await readJson(join(recordings, 'studies.json')));
  const added = dataDirectory === undefined ? [] : await readFolder(join(dataDirectory, 'clinicaltrials'));
  return { studies: longest([...own, ...added]), recordedOn: writtenOn, version };
}

/** The number of a study. */
export function nctIdOf(study: StudyRecord): string {
  return String(valuesAt(study, 'protocolSection.identificationModule.nctId')[0]);
}

function longest(studies: readonly StudyRecord[]): readonly StudyRecord[] {
  const best = new Map<string, { readonly study: StudyRecord; readonly size: number }>();
  for (const study of studies) {
    const id = nctIdOf(study);
    const size = JSON.stringify(study).length;
    if (size > (best.get(id)?.size ?? 0)) best.set(id, { study, size });
  }
  return [...best.values()].map(({ study }) => study);
}

async function readFolder(folder: string): Promise<readonly StudyRecord[]> {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  const files = names.filter(name => name.endsWith('.json')).sort();
  const contents = await Promise.all(files.map(async name => collectStudies(await readJson(join(folder, name)))));
  return contents.flat();
}

function collectStudies(value: unknown): readonly StudyRecord[] {
  if (Array.isArray(value)) return value.flatMap(collectStudies);
  if (typeof value !== 'object' || value === null) return [];
  if ('protocolSection' in value) return [value as StudyRecord];
  return 'studies' in value ? collectStudies(value.studies) : [];
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
