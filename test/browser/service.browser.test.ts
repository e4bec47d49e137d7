import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
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

  /** Lets time pass until the page shows it. */
  async function until(shown: Promise<unknown>): Promise<void> {
    let done = false;
    const seen = shown.finally(() => {
      done = true;
    });
    seen.catch(() => {});
    while (!done) await clock.advance(200);
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

    expect(complaints).toEqual([]);
    expect(await sidewaysOverflow(page)).toBe(0);
    const picture = join(directory, 'console.png');
    await page.screenshot({ path: picture });
    // The picture in the README is this one: UPDATE_PICTURES=1 npx vitest run test/browser/service
    if (process.env['UPDATE_PICTURES'] === '1') await copyFile(picture, 'docs/console.png');
    await close();
  }, 60_000);
});
