import { ValidationError } from 'plinth/errors';
import { type Quarantine, ResponseContract, type Shape } from 'plinth/http';
import { type HtmlElement, type HtmlPage, link, text } from 'plinth/http/html';
import { NccnLayoutError } from './errors.ts';
import type { CatalogueVia, NccnCategory, NccnGuideline, PatientGuideline } from './nccn-types.ts';

/** One entry of a list as the page has it; what it lacks is left out. */
export interface CatalogueRecord {
  readonly name?: string;
  /** The absolute address. */
  readonly link?: string;
  /** As it is shown, such as `Version: 8.2025`. */
  readonly version?: string;
}

/** What holds the lists of nccn.org to their form. */
export interface NccnContracts {
  /** Entries of the catalogue. */
  readonly guidelines: ResponseContract<NccnGuideline>;
  /** Entries of the page for patients. */
  readonly patients: ResponseContract<PatientGuideline>;
}

const itemLink = 'div.item > div.item-name > a';
const detailLink = 'a[href*="guidelines-detail"]';

/** As every entry of the pages of 2025 was. */
const itemShape: Shape = {
  $: { types: ['object'], presence: 'always' },
  link: { types: ['string'], presence: 'always' },
  name: { types: ['string'], presence: 'always' },
  version: { types: ['string'], presence: 'always' },
};

/** The contracts of a scraper, with one place for what cannot be read. */
export function createContracts(quarantine: Quarantine): NccnContracts {
  const options = { shape: itemShape, quarantine };
  return {
    guidelines: new ResponseContract({ ...options, name: 'nccn.guideline', read: readGuideline }),
    patients: new ResponseContract({ ...options, name: 'nccn.patient-guideline', read: readPatientGuideline }),
  };
}

/**
 * The entries of a list of guidelines: those of its items.
 *
 * @throws {NccnLayoutError} when there are none
 */
export function itemsOf(page: HtmlPage): readonly CatalogueRecord[] {
  try {
    page.first(itemLink);
  } catch (cause) {
    throw new NccnLayoutError(page.url, 'it has no list of guidelines, its layout must have changed', { cause });
  }
  const fields = {
    name: text('.item-name > a').optional(),
    link: link('.item-name > a').optional(),
    version: text('.item-version').optional(),
  };
  return page.list('div.item', fields).map(definedOnly);
}

/**
 * The entries of a catalogue page: those of its items or, where there are none any more, its links to guidelines of the
 * category. The site's menu links every guideline of every category, so links alone are never mixed with items.
 *
 * @throws {NccnLayoutError} when there are neither: an empty catalogue would be a lie
 */
export function catalogueRecordsOf(
  page: HtmlPage,
  category: NccnCategory,
): { readonly via: CatalogueVia; readonly records: readonly CatalogueRecord[] } {
  const hasItems = page.all(itemLink, { atLeast: 0 }).length > 0;
  // The log-in page has the site's menu as well, and must not pass for a catalogue.
  if (hasItems || asksForPassword(page)) return { via: 'items', records: itemsOf(page) };
  const links = page.all(detailLink, { atLeast: 0 }).filter(element => categoryOf(element) === category);
  if (links.length > 0) return { via: 'menu', records: links.map(recordOfLink) };
  return { via: 'items', records: itemsOf(page) };
}

/** Whether a page has a field for a password; those of the catalogue have none. */
export function asksForPassword(page: HtmlPage): boolean {
  return page.all('input[type="password" i]', { atLeast: 0 }).length > 0;
}

/** Each id once, the first of them. */
export function distinctById<Entry extends { readonly id: string }>(entries: readonly Entry[]): readonly Entry[] {
  const byId = new Map<string, Entry>();
  for (const entry of entries) if (!byId.has(entry.id)) byId.set(entry.id, entry);
  return [...byId.values()];
}

/** @throws {ValidationError} for an entry that is no guideline */
export function readGuideline(record: unknown): NccnGuideline {
  const { name, url, version = '' } = partsOf(record);
  const id = requireNumber(url, 'id');
  const category = Number(requireNumber(url, 'category'));
  if (!isCategory(category)) throw new ValidationError('No category', { link: `Expected 1 to 4, got ${category}` });
  return { id, name, version: versionIn(version), category, url: url.href };
}

/** @throws {ValidationError} for an entry that is no guideline for patients */
export function readPatientGuideline(record: unknown): PatientGuideline {
  const { name, url, version = '' } = partsOf(record);
  const year = /Version:?\s+(\d{4})\b/i.exec(version)?.[1];
  return {
    id: requireNumber(url, 'patientGuidelineId'),
    name,
    year: year === undefined ? null : Number(year),
    url: url.href,
  };
}

/** Number and year of a text such as `Version: 8.2025`. */
export function versionIn(shown: string): string | null {
  return /Version:?\s+(\d+\.\d{4})\b/i.exec(shown)?.[1] ?? null;
}

/** Whether a number is one of the catalogue's pages. */
export function isCategory(value: unknown): value is NccnCategory {
  return value === 1 || value === 2 || value === 3 || value === 4;
}

function recordOfLink(element: HtmlElement): CatalogueRecord {
  return definedOnly({ name: element.text() || undefined, link: element.link() });
}

function categoryOf(element: HtmlElement): number {
  const address = element.link();
  return address === undefined ? 0 : Number(new URL(address).searchParams.get('category'));
}

/** Fields that are missing are not there, so that a contract sees that they are. */
function definedOnly(record: Readonly<Record<string, string | undefined>>): CatalogueRecord {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined));
}

function partsOf(record: unknown): { readonly name: string; readonly url: URL; readonly version?: string } {
  const { name, link: address, version } = record as CatalogueRecord;
  if (name === undefined) throw new ValidationError('An entry without a name', { name: 'Missing' });
  if (address === undefined) throw new ValidationError('An entry without a link', { link: 'Missing' });
  return { name, url: new URL(address), ...(version === undefined ? {} : { version }) };
}

function requireNumber({ searchParams }: URL, parameter: string): string {
  const text = searchParams.get(parameter) ?? '';
  if (/^\d{1,9}$/.test(text)) return text;
  throw new ValidationError('A link without a number', { link: `Expected ${parameter} with a number, got "${text}"` });
}
