import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { MemoryQuarantine } from 'plinth/http';
import { HtmlPage } from 'plinth/http/html';
import { describe, expect, it } from 'vitest';
import { cancerAliases } from './cancer-aliases.ts';
import { findByCancer } from './cancer-names.ts';
import { catalogueRecordsOf, createContracts, itemsOf } from './catalogue-record.ts';
import { documentsOf } from './detail-page.ts';
import type { NccnCategory, NccnGuideline } from './index.ts';

const folder = fileURLToPath(new URL('../../../shared/data/nccn/', import.meta.url));
const url = 'https://www.nccn.org/guidelines/category_1';

function fileText(name: string): string {
  return readFileSync(`${folder}${name}`, 'utf8');
}

/** What a file has, counted without a parser of HTML. */
function count(text: string, pattern: RegExp): number {
  return [...text.matchAll(new RegExp(pattern.source, 'g'))].length;
}

/** The fields of a file, found without a parser of HTML. */
function all(text: string, pattern: RegExp): readonly string[] {
  const decoded = (found: string): string =>
    found.replaceAll(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code))).replaceAll('&amp;', '&');
  return [...text.matchAll(new RegExp(pattern.source, 'g'))].map(([, found = '']) => decoded(found.trim()));
}

async function readCatalogue(name: string, category: NccnCategory = 1) {
  const page = HtmlPage.parse(fileText(name), { url });
  const { via, records } = catalogueRecordsOf(page, category);
  const contract = createContracts(new MemoryQuarantine()).guidelines;
  return { via, ...(await contract.read(records, { url, fetchedAt: 0 })) };
}

describe.skipIf(!existsSync(folder))('the pages of ../shared/data/nccn (skipped without it)', () => {
  it('are all known: a new file needs a test here', () => {
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(name => /\.\w+$/.test(name));
    expect(files.sort()).toEqual([
      'category_1_content_fragment.html',
      'guidelines_slugs.json',
      'patients_guidelines_list_page.html',
      'trimmed_by_authors/category_page.html',
      'trimmed_by_authors/detail_page.html',
      'trimmed_by_authors/global-category-current.html',
      'trimmed_by_authors/global-detail-distractors.html',
    ]);
  });

  it('give the 68 guidelines of the catalogue with every name, link and version', async () => {
    const raw = fileText('category_1_content_fragment.html');
    const links = all(raw, /<a href="(\/guidelines\/guidelines-detail\?category=1&id=\d+)">/);
    const { via, values, quarantined, drifts } = await readCatalogue('category_1_content_fragment.html');
    expect(via).toBe('items');
    expect(values).toHaveLength(68);
    expect(count(raw, /class="item"/)).toBe(68);
    expect([quarantined, drifts]).toEqual([[], []]);
    expect(values.map(({ url: address }) => address)).toEqual(links.map(link => `https://www.nccn.org${link}`));
    expect(values.map(({ id }) => id)).toEqual(links.map(link => /id=(\d+)/.exec(link)?.[1]));
    expect(values.map(({ name }) => name)).toEqual(all(raw, /guidelines-detail[^>]*>([^<]*)</));
    expect(values.map(({ version }) => version)).toEqual(all(raw, /Version:\s+(\d+\.\d{4})/));
    expect(new Set(values.map(({ category }) => category))).toEqual(new Set([1]));
    expect(new Set(values.map(({ id }) => id)).size).toBe(68);
  });

  it('trap: & in links is not escaped, and line breaks are around versions and names', async () => {
    const { values } = await readCatalogue('category_1_content_fragment.html');
    expect(fileText('category_1_content_fragment.html')).not.toContain('&amp;id=');
    const byId = new Map(values.map(guideline => [guideline.id, guideline]));
    expect(byId.get('1450')).toEqual({
      id: '1450',
      name: 'Non-Small Cell Lung Cancer',
      version: '8.2025',
      category: 1,
      url: 'https://www.nccn.org/guidelines/guidelines-detail?category=1&id=1450',
    });
    const names = ['1462', '1419', '1425', '1428', '1461', '1475'].map(id => byId.get(id)?.name);
    expect(names).toEqual([
      'Small Cell Lung Cancer',
      'Breast Cancer',
      'Central Nervous System Cancers',
      'Colon Cancer',
      'Rectal Cancer',
      'Waldenström Macroglobulinemia/Lymphoplasmacytic Lymphoma',
    ]);
  });

  it('give the 74 guidelines for patients with every name, link and year, and nothing of the site around them', async () => {
    const raw = fileText('patients_guidelines_list_page.html');
    const page = HtmlPage.parse(raw, { url });
    const contract = createContracts(new MemoryQuarantine()).patients;
    const { values, quarantined, drifts } = await contract.read(itemsOf(page), { url, fetchedAt: 0 });
    expect(values).toHaveLength(74);
    expect(count(raw, /class="item"/)).toBe(74);
    expect([quarantined, drifts]).toEqual([[], []]);
    expect(values.map(({ name }) => name)).toEqual(all(raw, /patientGuidelineId=\d+">([^<]*)</));
    expect(values.map(({ id }) => id)).toEqual(all(raw, /patientGuidelineId=(\d+)/));
    expect(values.map(({ year }) => String(year))).toEqual(all(raw, /Version:\s+(\d{4})\s/));
    const lung = values.filter(({ name }) => name.startsWith('Non-Small Cell Lung Cancer'));
    expect(lung.map(({ name }) => name)).toEqual([
      'Non-Small Cell Lung Cancer - Early and Locally Advanced',
      'Non-Small Cell Lung Cancer - Metastatic',
    ]);
  });

  it('give the 5 guidelines of a page that was written after the real ones', async () => {
    const raw = fileText('trimmed_by_authors/category_page.html');
    const { via, values } = await readCatalogue('trimmed_by_authors/category_page.html');
    expect(via).toBe('items');
    expect(values.map(({ version }) => version)).toEqual(all(raw, /Version:\s+(\d+\.\d{4})/));
    expect(values.map(({ id }) => id)).toEqual(['1001', '1002', '1003', '1004', '1005']);
  });

  it('trap: a page that has lost its items is read from its links, without versions', async () => {
    const { via, values } = await readCatalogue('trimmed_by_authors/global-category-current.html');
    expect(via).toBe('menu');
    expect(values).toEqual([
      {
        id: '1419',
        name: 'Breast Cancer',
        version: null,
        category: 1,
        url: 'https://www.nccn.org/guidelines/nccn-guidelines/guidelines-detail?category=1&id=1419',
      },
      expect.objectContaining({ id: '1425', name: 'Central Nervous System Cancers', version: null }),
    ]);
  });

  it('trap: of links that begin alike, only the one that says no more is the guideline', () => {
    const detail = documentsOf(HtmlPage.parse(fileText('trimmed_by_authors/detail_page.html'), { url }));
    expect(detail).toEqual([
      {
        kind: 'guidelines',
        title: 'NCCN Guidelines',
        version: '2.2026',
        url: 'https://www.nccn.org/professionals/physician_gls/pdf/gastric.pdf',
      },
      {
        kind: 'evidence-blocks',
        title: 'NCCN Guidelines with Evidence Blocks',
        version: '2.2026',
        url: 'https://www.nccn.org/professionals/physician_gls/pdf/gastric_blocks.pdf',
      },
      {
        kind: 'patients',
        title: 'Stomach Cancer',
        version: null,
        url: 'https://www.nccn.org/patients/guidelines/content/PDF/stomach-patient.pdf',
      },
    ]);
  });

  it('trap: a detail page links files that belong to no guideline, and languages in titles', () => {
    const raw = fileText('trimmed_by_authors/global-detail-distractors.html');
    const documents = documentsOf(HtmlPage.parse(raw, { url }));
    expect(count(raw, /<a href/)).toBe(6);
    expect(documents.map(({ kind, language }) => [kind, language])).toEqual([
      ['patients', 'English'],
      ['guidelines', undefined],
      ['evidence-blocks', undefined],
      ['framework', 'English'],
    ]);
  });

  it('agree with the list of file names that somebody else has compiled: each name finds its own guideline', async () => {
    const { values } = await readCatalogue('category_1_content_fragment.html');
    const slugs = JSON.parse(fileText('guidelines_slugs.json')) as readonly { readonly name: string }[];
    const names = new Set(values.map(({ name }) => name));
    const isTreatment = ({ name }: { readonly name: string }): boolean => names.has(name.replaceAll(' / ', '/'));
    const treatments = slugs.filter(isTreatment);
    expect(slugs).toHaveLength(86);
    expect(treatments).toHaveLength(64);
    for (const { name } of treatments) {
      const { entries, matchedBy } = findByCancer<NccnGuideline>(values, name, entry => entry.name);
      expect([matchedBy, entries.map(entry => entry.name)]).toEqual(['name', [name.replaceAll(' / ', '/')]]);
    }
  });

  it('have every guideline that an alias stands for', async () => {
    const { values } = await readCatalogue('category_1_content_fragment.html');
    const names = values.map(({ name }) => name);
    expect([...new Set(Object.values(cancerAliases).flat())].filter(name => !names.includes(name))).toEqual([]);
  });

  it('trap: in the whole catalogue, sclc is not NSCLC and colon only Colon Cancer', async () => {
    const { values } = await readCatalogue('category_1_content_fragment.html');
    const idsOf = (cancer: string): readonly string[] =>
      findByCancer<NccnGuideline>(values, cancer, entry => entry.name).entries.map(({ id }) => id);
    expect(idsOf('sclc')).toEqual(['1462']);
    expect(idsOf('nsclc')).toEqual(['1450']);
    expect(idsOf('colon')).toEqual(['1428']);
    expect(idsOf('crc')).toEqual(['1428', '1461']);
    expect(idsOf('all')).toEqual(['1410', '1496']);
  });
});
