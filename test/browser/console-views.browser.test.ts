import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type ConsolePage, launchChromium, missingChromium, openConsole, type VisitorOptions } from './chromium.ts';
import { labelProblems, lowContrastTexts, sidewaysOverflow } from './page-checks.ts';
import { StandInService } from './stand-in-service.ts';

const missing = missingChromium();
const skipped = missing !== undefined && process.env['PLINTH_REQUIRE_SERVERS'] !== '1';
const suffix = skipped ? ` (SKIPPED: ${missing})` : '';
const phone: VisitorOptions = { viewport: { width: 360, height: 780 }, phone: true };

describe.skipIf(skipped)(`what can be tried besides products, in Chromium${suffix}`, () => {
  let browser: Browser;
  let service: StandInService;
  let visit: ConsolePage | undefined;

  beforeAll(async () => {
    browser = await launchChromium();
    service = await StandInService.start();
  });

  afterEach(async () => {
    await visit?.close();
    service.forget();
  });

  afterAll(async () => {
    await browser?.close();
    await service?.stop();
  });

  async function open(view: string, options?: VisitorOptions): Promise<Page> {
    visit = await openConsole(browser, `${service.baseUrl}/#${view}`, options);
    await visit.page.getByText('live', { exact: true }).waitFor();
    return visit.page;
  }

  async function gatherEvidence(page: Page): Promise<void> {
    await page.getByRole('button', { name: 'Gather evidence' }).click();
    await page.getByText('10 facts').waitFor();
  }

  async function lookUp(page: Page, bbl: string): Promise<void> {
    await page.getByLabel('BBL').fill(bbl);
    await page.getByRole('button', { name: 'Look up' }).click();
  }

  async function beginImport(page: Page, names: readonly string[]): Promise<Locator> {
    await page.getByLabel('Names of medications').fill(names.join('\n'));
    await page.getByRole('button', { name: 'Begin import' }).click();
    const one = page.locator('.import').first();
    await one.waitFor();
    return one;
  }

  it('keeps the view in the address, also over a reload and the way back', async () => {
    const page = await open('');
    const chosen = page.locator('.tabs [aria-current]');
    expect(await chosen.textContent()).toBe('Products');
    await page.getByLabel('Medication').fill('imatinib');
    await page.getByRole('link', { name: 'Evidence' }).focus();
    await page.keyboard.press('Enter');
    await expect.poll(() => chosen.textContent()).toBe('Evidence');
    await page.reload();
    expect(await chosen.textContent()).toBe('Evidence');
    await page.getByRole('link', { name: 'Property' }).click();
    await expect.poll(() => chosen.textContent()).toBe('Property');
    await page.goBack();
    await expect.poll(() => chosen.textContent()).toBe('Evidence');
    await page.getByRole('link', { name: 'Skip to the calls' }).press('Enter');
    expect(await chosen.textContent()).toBe('Evidence');
  });

  it('leaves above an answer what was asked for it, whatever is filled in elsewhere', async () => {
    const page = await open('products');
    await page.getByLabel('Medication').fill('imatinib');
    await page.getByRole('button', { name: 'Ask once' }).click();
    await page.getByText('No products').waitFor();
    await page.getByRole('link', { name: 'Evidence' }).click();
    await page.getByRole('button', { name: 'pembrolizumab, melanoma' }).click();
    await page.getByRole('link', { name: 'Products' }).click();
    await expect.poll(() => page.getByLabel('Medication').inputValue()).toBe('imatinib');
  });

  it('names every field, also one that is filled in, and says which example is a faulty one', async () => {
    const page = await open('property');
    await page.getByText('BBL', { exact: true }).waitFor();
    await page.getByRole('button', { name: '6-00001-0001, no such borough' }).click();
    await expect.poll(() => page.getByLabel('BBL').inputValue()).toBe('6-00001-0001');
    await page.getByRole('link', { name: 'Evidence' }).click();
    expect(await page.getByLabel('Stage').getAttribute('placeholder')).toBe('any, or such as stage_iv');
  });

  it('gives the question as a command that a shell takes as it is', async () => {
    const page = await open('evidence');
    await page.getByLabel('Medication').fill("St John's wort & co");
    await page.getByRole('button', { name: 'Gather evidence' }).click();
    const url = `${service.baseUrl}/api/v1/medications/St%20John%27s%20wort%20%26%20co/evidence`;
    await page.locator('.answer-links .command').waitFor();
    expect(await page.locator('.answer-links .command').textContent()).toBe(`curl '${url}'`);
    expect(await page.locator('.answer-links a').getAttribute('href')).toBe(url);
  });

  it('shows each fact under its kind, with where it is from', async () => {
    const page = await open('evidence');
    await gatherEvidence(page);
    const titles = await page.locator('.fact-group h3').allTextContents();
    expect(titles).toEqual(['Approvals 1', 'Label 1', 'Trials 5', 'Guidelines 1', 'Recommendations 1', 'Biomarkers 1']);
    const approval = page.locator('.fact', { hasText: 'TAGRISSO' }).first();
    expect(await approval.locator('.provenance').textContent()).toBe(
      'drugsfda stale recorded, 2 h old (UPSTREAM_ERROR) NDA208065',
    );
    expect(await approval.getByRole('link').getAttribute('href')).toBe('https://example.org/drugsfda/NDA208065');
    await page.getByRole('button', { name: 'Show all 5 trials' }).click();
    await expect.poll(() => page.locator('.fact', { hasText: 'NCT0000000' }).count()).toBe(5);
    await page.getByText('Indications', { exact: true }).click();
    await page.getByText('For adults with an example of a disease').waitFor();
    await page.getByText('1 upstream call', { exact: true }).waitFor();
  });

  it('makes no link of an address that is none for people', async () => {
    const page = await open('evidence');
    await gatherEvidence(page);
    const guideline = page.locator('.fact', { hasText: 'version 2.2026' });
    await guideline.waitFor();
    expect(await guideline.getByRole('link').count()).toBe(0);
  });

  it('says of each source what became of it, and shows the rest when one failed', async () => {
    const page = await open('evidence');
    await gatherEvidence(page);
    await page.getByText('incomplete', { exact: true }).waitFor();
    const lines = (await page.locator('.sources li').allTextContents()).map(text => text.replace(/fetched [^·]+/, '…'));
    expect(lines.map(text => text.replace(/\s+/g, ' ').trim())).toEqual([
      'orange-bookfailedwww.fda.gov answered 503',
      'drugsfdastalerecorded · 1 found · …',
      'labelfreshrecorded · 1 found · …',
      'clinicaltrialsfreshlive · 240 found · 5 shown · …',
      'nccnnot askedThere is no licensed file',
      'oncokbemptyrecorded · …· Under terms of use',
    ]);
  });

  it('shows the violations of a lot, what each data set said, and which entries are the same one', async () => {
    const page = await open('property');
    await lookUp(page, '1007200055');
    await page.getByText('12 violations, 6 active').waitFor();
    await page.getByText('13 entries with 1 cross reference').waitFor();
    await page.getByText('data.cityofnewyork.us answered 503').waitFor();
    await page.getByText('1 test record left out').waitFor();
    const rows = page.locator('.violations tbody tr');
    expect(await rows.count()).toBe(8);
    expect(await rows.first().textContent()).toContain('same as Buildings (BIS) V010110LBLVIO');
    await page.getByRole('button', { name: 'Show all 13 violations' }).click();
    await expect.poll(() => rows.count()).toBe(13);
    expect(await rows.last().textContent()).toContain('no date');
  });

  it('says in the words of the service what is wrong with a BBL', async () => {
    const page = await open('property');
    await lookUp(page, '6-1-1');
    await page.locator('.problems').waitFor();
    expect(await page.locator('.problems').textContent()).toContain(
      'VALIDATION_ERROR Cannot read "6-1-1" as a BBL: expected ten digits such as 1007200055',
    );
    await page.getByText('0 upstream calls', { exact: true }).waitFor();
    await page.getByText('refused before asking', { exact: true }).waitFor();
  });

  it('asks again what a request set off when the connection is back', async () => {
    const page = await open('property');
    await page.route('**/why/**', route => route.abort());
    await lookUp(page, '6-1-1');
    await page.getByText('no record of 1 of 1 request').waitFor();
    await page.unroute('**/why/**');
    await service.stop();
    await page.getByText('connection lost', { exact: true }).waitFor();
    await service.start();
    await page.getByText('refused before asking', { exact: true }).waitFor();
  });

  it('begins an import, follows it, pauses, resumes and stops it', async () => {
    const page = await open('import');
    const one = await beginImport(
      page,
      Array.from({ length: 40 }, (_, index) => `name ${index}`),
    );
    const progress = one.getByRole('progressbar', { name: 'Progress of name 0, name 1' });
    expect(await progress.getAttribute('max')).toBe('40');
    await page.getByText('1 under way').waitFor({ state: 'attached' });
    service.advanceImports(10);
    await one.getByText('10 of 40').waitFor();
    expect(await progress.getAttribute('value')).toBe('10');
    await one.getByText('time left unknown').waitFor();
    service.advanceImports(10);
    await one.getByText('20 of 40').waitFor();
    await one.getByText('2.9 per second').waitFor();
    await one.getByText('7 s left').waitFor();
    const steer = async (button: string, state: string): Promise<void> => {
      await one.getByRole('button', { name: button }).click();
      await one.getByText(state, { exact: true }).waitFor();
    };
    await steer('Pause', 'paused');
    service.advanceImports(10);
    await steer('Resume', 'running');
    await one.getByText('20 of 40').waitFor();
    await steer('Stop', 'stopped');
    expect(await one.getByRole('button').allTextContents()).toEqual([
      'Results of name 0, name 1',
      'Resume name 0, name 1',
    ]);
    expect(visit?.complaints).toEqual([]);
  });

  it('says that an import is stopping until what is under way has ended', async () => {
    const page = await open('import');
    const one = await beginImport(page, ['osimertinib', 'imatinib']);
    let release = (): void => {};
    const underWay = new Promise<void>(resolve => {
      release = resolve;
    });
    await page.route('**/stop', async route => {
      await underWay;
      await route.continue();
    });
    await one.getByRole('button', { name: 'Stop' }).click();
    await one.getByText('stopping', { exact: true }).waitFor();
    expect(await one.getByRole('button', { name: 'Stop' }).getAttribute('aria-disabled')).toBe('true');
    service.advanceImports(1);
    await one.getByText('1 of 2').waitFor();
    await one.getByText('stopping', { exact: true }).waitFor();
    release();
    await one.getByText('stopped', { exact: true }).waitFor();
  });

  it('shows results as they come, failed ones with their reason, a hundred at a time', async () => {
    const page = await open('import');
    const rest = Array.from({ length: 147 }, (_, index) => `n${index}`);
    const one = await beginImport(page, ['osimertinib', 'broken', 'unknown', ...rest]);
    await one.getByRole('button', { name: 'Results' }).click();
    await one.getByText('No name has a result yet.').waitFor();
    service.advanceImports(2);
    const rows = one.locator('.result-table tbody tr');
    await expect.poll(() => rows.count()).toBe(2);
    await one.getByText('1 failed').waitFor();
    expect(await rows.nth(1).textContent()).toBe('2brokenfailed SOURCES_UNAVAILABLE No source could answer');
    service.advanceImports(148);
    await one.getByText('completed', { exact: true }).waitFor();
    await one.getByText('2.9 per second').waitFor();
    await one.getByText('took 51 s').waitFor();
    await expect.poll(() => rows.nth(2).textContent()).toBe('3unknownnoneempty');
    await expect.poll(() => rows.count()).toBe(100);
    await one.getByRole('button', { name: 'Next' }).click();
    await one.getByText('101 to 150 of 150').waitFor();
    await one.getByRole('button', { name: 'Hide results' }).click();
    await expect.poll(() => rows.count()).toBe(0);
  });

  it('says why an import could not be steered', async () => {
    const page = await open('import');
    const one = await beginImport(page, ['osimertinib']);
    service.imports.forget();
    await one.getByRole('button', { name: 'Pause' }).click();
    await page.getByRole('alert').getByText('Not found').waitFor();
  });

  it.each([
    ['a light desktop', {}],
    ['a dark desktop', { colorScheme: 'dark' }],
    ['a phone', phone],
    ['a dark phone', { ...phone, colorScheme: 'dark' }],
  ] satisfies [string, VisitorOptions][])('is readable on %s', async (_, options) => {
    const page = await open('evidence', options);
    const check = async (): Promise<void> => {
      expect(await sidewaysOverflow(page)).toBe(0);
      expect(await lowContrastTexts(page)).toEqual([]);
      expect(await labelProblems(page)).toEqual([]);
    };
    await gatherEvidence(page);
    await check();
    await page.getByRole('link', { name: 'Property' }).click();
    await lookUp(page, '1007200055');
    await page.locator('.violations').waitFor();
    await check();
    await page.getByRole('link', { name: 'Import' }).click();
    const one = await beginImport(page, [
      'osimertinib',
      'broken',
      'a name without any place to break it in two halves',
    ]);
    service.advanceImports(2);
    await one.getByRole('button', { name: 'Results' }).click();
    await one.locator('.result-table').waitFor();
    await check();
    expect(visit?.complaints).toEqual([]);
  });
});
