import type { HtmlElement, HtmlPage } from 'plinth/http/html';
import { NccnLayoutError } from './errors.ts';
import type { NccnDocument, NccnDocumentKind } from './nccn-types.ts';

/** The folder of the guidelines themselves, with everything that is made of them. */
const guidelineFolder = '/professionals/physician_gls/';
/** The folder of the guidelines for patients. */
const patientFolder = '/patients/guidelines/';

/** Languages that NCCN has translated into, or may. */
const languages =
  /\b(Arabic|Bengali|Chinese|English|Farsi|French|German|Greek|Hebrew|Hindi|Indonesian|Italian|Japanese|Korean|Polish|Portuguese|Romanian|Russian|Spanish|Tagalog|Thai|Turkish|Ukrainian|Urdu|Vietnamese)\b/i;

/**
 * The documents of a detail page: the PDF files below the folders for professionals and for patients. What every page of
 * the site links, such as the guide to order templates, is none of them.
 *
 * @throws {NccnLayoutError} when there are none: every guideline has at least itself
 */
export function documentsOf(page: HtmlPage): readonly NccnDocument[] {
  const versions = versionsByAddress(page);
  const documents = new Map<string, NccnDocument>();
  for (const element of page.all('a[href]', { atLeast: 0 })) {
    const url = element.link();
    const title = element.text();
    if (url === undefined || title === '' || documents.has(url)) continue;
    const path = new URL(url).pathname;
    if (!isDocument(path)) continue;
    const kind = kindOf(path, title);
    const language = languageOf(path, title);
    const version = versions.get(url) ?? null;
    documents.set(url, { kind, title, version, url, ...(language === undefined ? {} : { language }) });
  }
  if (documents.size > 0) return [...documents.values()];
  throw new NccnLayoutError(page.url, 'it links no document of a guideline, its layout must have changed');
}

/** The guideline itself: several documents begin with the same words, and only one says no more than them. */
export function guidelineDocument(documents: readonly NccnDocument[]): NccnDocument | undefined {
  return documents.find(({ kind }) => kind === 'guidelines');
}

function isDocument(path: string): boolean {
  return /\.pdf$/i.test(path) && (path.startsWith(guidelineFolder) || path.startsWith(patientFolder));
}

function kindOf(path: string, title: string): NccnDocumentKind {
  if (path.startsWith(patientFolder)) return 'patients';
  const file = fileOf(path);
  if (path.startsWith(`${guidelineFolder}pdf/`) && title === 'NCCN Guidelines') return 'guidelines';
  if (/_blocks$/.test(file) || /\bEvidence Blocks\b/i.test(title)) return 'evidence-blocks';
  if (/_(?:basic|core|enhanced)$/.test(file) || /\bFramework\b/i.test(title)) return 'framework';
  return languageOf(path, title) === undefined ? 'other' : 'translation';
}

function languageOf(path: string, title: string): string | undefined {
  // A title may hold more than one name: the last one says what this document is in.
  const inTitle = title.match(new RegExp(languages.source, 'gi'))?.at(-1);
  const found = inTitle ?? languages.exec(fileOf(path).replaceAll(/[-_]/g, ' '))?.[1];
  return found === undefined ? undefined : found.charAt(0).toUpperCase() + found.slice(1).toLowerCase();
}

function fileOf(path: string): string {
  return (path.split('/').at(-1) ?? '').replace(/\.pdf$/i, '');
}

/** The version that stands in the same list entry as a link, where it is the only link to a document in it. */
function versionsByAddress(page: HtmlPage): ReadonlyMap<string, string> {
  const versions = new Map<string, string>();
  for (const entry of page.all('li', { atLeast: 0 })) {
    const version = /Version:?\s+(\d+\.\d{4}|\d{4})\b/i.exec(entry.text())?.[1];
    const addresses = new Set(documentAddresses(entry));
    const [address] = addresses;
    if (version !== undefined && address !== undefined && addresses.size === 1) versions.set(address, version);
  }
  return versions;
}

function documentAddresses(entry: HtmlElement): readonly string[] {
  const addresses = entry.all('a[href]', { atLeast: 0 }).map(element => element.link());
  return addresses.filter((url): url is string => url !== undefined && isDocument(new URL(url).pathname));
}
