import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { HtmlPage, link, text } from 'plinth/http/html';

/** A guideline of the recordings. */
export interface RecordedGuideline {
  readonly id: string;
  readonly name: string;
  readonly version: string | null;
  /** What its documents' file names begin with; `null` where that is not known. */
  readonly file: string | null;
}

/** A page of the catalogue. */
export interface RecordedCategory {
  readonly category: number;
  readonly title: string;
  readonly guidelines: readonly RecordedGuideline[];
  /** The list as it was recorded, instead of one that is written. */
  readonly fragment?: string;
}

/** A guideline for patients. */
export interface RecordedPatientGuideline {
  readonly id: string;
  readonly name: string;
  readonly year: number;
}

/** What the stand-in of nccn.org answers with. */
export interface NccnRecordings {
  /** When it was put together, `YYYY-MM-DD`. */
  readonly recordedOn: string;
  readonly categories: readonly RecordedCategory[];
  readonly patients: readonly RecordedPatientGuideline[];
  /** The page for patients as it was recorded, instead of one that is written. */
  readonly patientsPage?: string;
}

/** The recordings as they are kept. */
interface Catalogue extends Omit<NccnRecordings, 'recordedOn' | 'patientsPage'> {
  readonly writtenOn: string;
}

const catalogue = fileURLToPath(new URL('./recordings/catalogue.json', import.meta.url));

/** Reads the recordings of this project. Pages in a folder `nccn` are answered in the place of those. */
export async function readNccnRecordings(dataDirectory: string | undefined): Promise<NccnRecordings> {
  const { writtenOn, categories, patients } = JSON.parse(await readFile(catalogue, 'utf8')) as Catalogue;
  const folder = dataDirectory === undefined ? undefined : join(dataDirectory, 'nccn');
  const [fragment, patientsPage, slugs] = await Promise.all([
    readIfThere(folder, 'category_1_content_fragment.html'),
    readIfThere(folder, 'patients_guidelines_list_page.html'),
    readIfThere(folder, 'guidelines_slugs.json'),
  ]);
  return {
    recordedOn: writtenOn,
    categories: categories.map(entry =>
      entry.category === 1 && fragment !== undefined
        ? { ...entry, fragment, guidelines: guidelinesOf(fragment, filesByName(slugs)) }
        : entry,
    ),
    patients,
    ...(patientsPage === undefined ? {} : { patientsPage }),
  };
}

async function readIfThere(folder: string | undefined, name: string): Promise<string | undefined> {
  if (folder === undefined || !existsSync(join(folder, name))) return undefined;
  return readFile(join(folder, name), 'utf8');
}

function guidelinesOf(fragment: string, files: ReadonlyMap<string, string>): readonly RecordedGuideline[] {
  const fields = {
    name: text('.item-name > a'),
    id: link('.item-name > a').map(address => new URL(address).searchParams.get('id') ?? undefined),
    version: text('.item-version')
      .match(/\d+\.\d{4}/)
      .optional(),
  };
  const rows = HtmlPage.parse(fragment, { url: 'https://www.nccn.org/guidelines/category_1' }).list('div.item', fields);
  return rows.map(({ id, name, version }) => ({ id, name, version: version ?? null, file: files.get(name) ?? null }));
}

/** Names of guidelines, with what their files are called. */
function filesByName(slugs: string | undefined): ReadonlyMap<string, string> {
  const entries = JSON.parse(slugs ?? '[]') as readonly { readonly id: string; readonly name: string }[];
  return new Map(entries.map(({ id, name }) => [name.replaceAll(' / ', '/'), id]));
}
