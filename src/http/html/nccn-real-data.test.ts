import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { HtmlPage, link, SelectorError, text } from './index.ts';

const folder = fileURLToPath(new URL('../../../../shared/data/nccn/', import.meta.url));
const url = 'https://www.nccn.org/guidelines/category_1';

const fields = {
  name: text('.item-name > a'),
  link: link('.item-name > a'),
  version: text('.item-version').match(/Version:?\s+(\d+(?:\.\d{4})?)/),
};

describe.skipIf(!existsSync(folder))('pages of nccn.org (skipped without ../shared/data/nccn)', () => {
  it('reads all 68 entries of the catalogue', async () => {
    const page = HtmlPage.parse(await readFile(`${folder}category_1_content_fragment.html`, 'utf8'), { url });
    const rows = page.list('div.item', fields, { atLeast: 60 });
    expect(rows).toHaveLength(68);
    expect(new Set(rows.map(row => row.link))).toHaveLength(68);
    expect(rows.find(({ name }) => name === 'Non-Small Cell Lung Cancer')?.link).toBe(
      'https://www.nccn.org/guidelines/guidelines-detail?category=1&id=1450',
    );
  });

  it('reads all 74 entries of the page for patients, and not the menu', async () => {
    const html = await readFile(`${folder}patients_guidelines_list_page.html`, 'utf8');
    const page = HtmlPage.parse(html, { url: 'https://www.nccn.org/patientresources/guidelines' });
    expect(page.title()).toBe('Guidelines for Patients');
    expect(page.list('div.item', { name: fields.name })).toHaveLength(74);
  });

  it('says what is there where a page has changed', async () => {
    const html = await readFile(`${folder}category_1_content_fragment.html`, 'utf8');
    const page = HtmlPage.parse(html.replaceAll('item-name', 'item-title'), { url });
    expect(() => page.all('div.item > div.item-name > a')).toThrow(SelectorError);
    expect(() => page.all('div.item > div.item-name > a')).toThrow(
      '"div.item" matches 68, "div.item > div" matches 136, "div.item > div.item-name" matches 0; ' +
        'there: div.item-title (68), div.item-version (68)',
    );
  });
});
