import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { systemClock } from 'plinth/kernel';
import manifest from 'plinth/package.json' with { type: 'json' };
import { VirtualClock } from 'plinth/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Service, startService } from '../../service/service.ts';
import { launchChromium, missingChromium, openConsole } from './chromium.ts';
import { sidewaysOverflow } from './page-checks.ts';

const missing = missingChromium();
const skipped = missing !== undefined && process.env['PLINTH_REQUIRE_SERVERS'] !== '1';
if (skipped) process.stderr.write(`\nThe browser test of the service is SKIPPED: ${missing}\n\n`);

describe.skipIf(skipped)('the reference service in Chromium', () => {
  const clock = new VirtualClock({ now: Date.now() - 2 * 3_600_000 });
  let directory: string;
  let browser: Browser;
  let service: Service;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'plinth-browser-'));
    browser = await launchChromium();
    service = await startService({
      clock,
      logging: { console: false },
      settings: { envFile: false, yamlFile: false, environment: { PORT: '0', DATA_DIR: directory } },
    });
  });

  afterAll(async () => {
    await service?.close();
    await browser?.close();
    await rm(directory, { recursive: true, force: true });
  });

  /**
   * What the page itself complained about. Time passes here faster than a page can read: the service may let it go, which
   * the browser notes, and it comes back by itself.
   */
  function ownOf(complaints: readonly string[]): readonly string[] {
    return complaints.filter(text => !text.includes('net::ERR_'));
  }

  /** Lets time pass until the page shows it. */
  async function until(shown: Promise<unknown>): Promise<void> {
    let done = false;
    const seen = shown.finally(() => {
      done = true;
    });
    seen.catch(() => {});
    while (!done) {
      await clock.advance(100);
      // The network and the page work in real time: virtual time must not overtake them by much.
      await systemClock.sleep(4);
    }
    await seen;
  }

  it('shows calls as they happen: asked, from memory, stale in an outage, refused by the open breaker', async () => {
    const { page, complaints, close } = await openConsole(browser, service.url);
    await until(page.getByText('live', { exact: true }).waitFor());

    // Not asked through this page: they arrive without a reload.
    for (const name of ['osimertinib', 'imatinib', 'metformin'])
      await fetch(`${service.url}/api/v1/medications?name=${name}`);
    await until(page.locator('.call', { hasText: 'metformin' }).first().waitFor());

    await page.getByRole('button', { name: 'Ask 50 times at once' }).click();
    await until(page.getByText('0 upstream calls').waitFor());
    await until(page.locator('.call', { hasText: 'hit' }).first().waitFor());

    await clock.advance(2 * 3_600_000);
    service.standIn?.behave({ dropConnection: true });
    for (const name of ['osimertinib', 'imatinib', 'metformin'])
      await until(fetch(`${service.url}/api/v1/medications?name=${name}`));
    await until(page.locator('.call', { hasText: 'stale' }).first().waitFor());
    await until(page.locator('.call', { hasText: 'refused' }).first().waitFor());
    await until(page.getByText('open', { exact: true }).first().waitFor());
    await until(page.getByText('degraded', { exact: true }).first().waitFor());

    expect(await page.locator('.version').textContent()).toBe(manifest.version);
    expect(await page.locator('.upstreams-recorded a').textContent()).toBe(service.standIn?.url);

    expect(ownOf(complaints)).toEqual([]);
    expect(await sidewaysOverflow(page)).toBe(0);
    const picture = join(directory, 'console.png');
    await page.screenshot({ path: picture });
    // The picture in the README is this one: UPDATE_PICTURES=1 npx vitest run test/browser/service
    if (process.env['UPDATE_PICTURES'] === '1') await copyFile(picture, 'docs/console.png');
    await close();
  }, 60_000);

  it('gathers evidence from every source, and says of each what became of it', async () => {
    service.standIn?.behave('normal');
    // The circuits that the outage opened let a probe through.
    await clock.advance(180_000);
    const { page, complaints, close } = await openConsole(browser, `${service.url}/#evidence`);
    await until(page.getByText('live', { exact: true }).waitFor());
    await page.getByRole('button', { name: 'osimertinib, nsclc', exact: true }).click();
    await page.getByRole('button', { name: 'Gather evidence' }).click();
    await until(page.getByText(/^\d+ facts/).waitFor());
    const sources = await page.locator('.sources .name').allTextContents();
    expect(sources).toEqual(['orange-book', 'drugsfda', 'label', 'clinicaltrials', 'nccn', 'oncokb']);
    await page.getByRole('link', { name: 'NDA208065' }).waitFor();
    await page
      .getByRole('link', { name: /^NCT\d{8}$/ })
      .first()
      .waitFor();
    expect(await page.locator('.fact .provenance .chip').count()).toBe(await page.locator('.fact').count());

    service.standIn?.behave({ pathPrefix: '/api/v2', failWith: 503 });
    await page.getByRole('button', { name: 'pembrolizumab, melanoma' }).click();
    await page.getByRole('button', { name: 'Gather evidence' }).click();
    await until(page.getByText('incomplete', { exact: true }).waitFor());
    const failed = page.locator('.sources li', { hasText: 'failed' });
    expect(await failed.locator('.name').allTextContents()).toEqual(['clinicaltrials']);
    await page.getByRole('link', { name: 'BLA125514' }).waitFor();
    service.standIn?.behave('normal');
    expect(ownOf(complaints)).toEqual([]);
    await close();
  }, 60_000);

  it('lists the violations of a lot, and says in its own words what is no lot', async () => {
    const { page, close } = await openConsole(browser, `${service.url}/#property`);
    await until(page.getByText('live', { exact: true }).waitFor());
    await page.getByRole('button', { name: 'Look up' }).click();
    await until(page.getByText('27 violations, 10 active').waitFor());
    expect(await page.locator('.sources li').count()).toBe(4);
    expect(await page.getByText('same as').count()).toBeGreaterThan(0);
    await page.getByRole('button', { name: '6-00001-0001' }).click();
    await page.getByRole('button', { name: 'Look up' }).click();
    await until(page.getByText('its borough is 6, expected 1 Manhattan').waitFor());
    await until(page.getByText('refused before asking').waitFor());
    await close();
  }, 60_000);

  it('imports names, held and let go by the buttons, and shows what came of each', async () => {
    const { page, complaints, close } = await openConsole(browser, `${service.url}/#import`);
    await until(page.getByText('live', { exact: true }).waitFor());
    await page.getByRole('button', { name: '200 names, most unknown' }).click();
    await page.getByRole('button', { name: 'Begin import' }).click();
    const one = page.locator('.import').first();
    await one.getByText('running', { exact: true }).waitFor();
    await one.getByRole('button', { name: 'Pause' }).click();
    await until(one.getByText('paused', { exact: true }).waitFor());
    await one.getByRole('button', { name: 'Resume' }).click();
    await until(one.getByText('completed', { exact: true }).waitFor());
    await one.getByText('200 of 200').waitFor();
    await one.getByRole('button', { name: 'Results' }).click();
    const rows = one.locator('.result-table tbody tr');
    await until(rows.nth(99).waitFor());
    expect(await rows.first().textContent()).toContain('2015-11-13 NDA208065');
    expect(ownOf(complaints)).toEqual([]);
    expect(await sidewaysOverflow(page)).toBe(0);
    await close();
  }, 60_000);
});
