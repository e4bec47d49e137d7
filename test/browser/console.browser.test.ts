import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type ConsolePage, launchChromium, missingChromium, openConsole, type VisitorOptions } from './chromium.ts';
import { cutTexts, labelProblems, lowContrastTexts, sidewaysOverflow } from './page-checks.ts';
import { type SampleKind, sampleCalls } from './sample-calls.ts';
import { StandInService } from './stand-in-service.ts';

/** A service with a console, as far as these tests have to steer it. */
interface ServiceUnderTest {
  readonly baseUrl: string;
  /** Cuts every connection and listens no more. */
  stop(): Promise<void>;
  /** Listens again at the same address. */
  start(): Promise<void>;
}

const missing = missingChromium();
const required = process.env['PLINTH_REQUIRE_SERVERS'] === '1';
const skipped = missing !== undefined && !required;
const suffix = skipped ? ` (SKIPPED: ${missing})` : '';
if (skipped) process.stderr.write(`\nThe browser tests of the console are SKIPPED: ${missing}\n\n`);

const phone: VisitorOptions = { viewport: { width: 360, height: 780 }, phone: true };
const rows = '.call';
let browser: Browser;
let screenshots: string | undefined;
let visit: ConsolePage | undefined;

beforeAll(async () => {
  if (skipped) return;
  browser = await launchChromium();
  screenshots = await mkdtemp(join(tmpdir(), 'plinth-console-'));
});

afterEach(async () => {
  await visit?.close();
  visit = undefined;
});

afterAll(async () => {
  await browser?.close();
  if (screenshots !== undefined) process.stdout.write(`Screenshots of the console: ${screenshots}\n`);
});

async function open(service: ServiceUnderTest, options?: VisitorOptions): Promise<Page> {
  visit = await openConsole(browser, service.baseUrl, options);
  await visit.page.getByText('live', { exact: true }).waitFor();
  return visit.page;
}

/** Asks once, so that there is at least one call in the list. */
async function askOnce(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Ask once' }).click();
  await page.getByText(/^\d+ upstream calls?$/).waitFor();
  await page.locator(rows).first().waitFor();
}

function picture(page: Page, name: string): Promise<Buffer> {
  return page.screenshot({ path: join(screenshots ?? tmpdir(), `${name.replaceAll(' ', '-')}.png`) });
}

function rowCount(page: Page): Promise<number> {
  return page.locator(rows).count();
}

/** What holds for the console of every service. */
function describeConsole(name: string, startService: () => Promise<ServiceUnderTest>): void {
  describe.skipIf(skipped)(`the console of ${name}, in Chromium${suffix}`, () => {
    let service: ServiceUnderTest;

    beforeAll(async () => {
      service = await startService();
    });

    afterAll(async () => {
      await service?.stop();
    });

    it('answers a question, says what it cost, and lists its calls without a reload', async () => {
      const page = await open(service);
      const before = await rowCount(page);
      await askOnce(page);
      await page.getByText(/^\d+ products?$/).waitFor();
      await expect.poll(() => rowCount(page)).toBeGreaterThan(before);
      await page.getByRole('button', { name: 'Ask 50 times at once' }).click();
      await page.getByText('50 answers to 50 requests').waitFor();
      await page.getByText('0 upstream calls').waitFor();
      await picture(page, `${name}-light`);
      expect(visit?.complaints).toEqual([]);
    });

    it('shows every decision of a call when its row is opened with the keyboard', async () => {
      const page = await open(service);
      await askOnce(page);
      await page.locator(`${rows} summary`).first().focus();
      await page.keyboard.press('Enter');
      // Rows above it may still arrive: the open one is known by what it shows.
      const details = page.locator(`${rows} .call-details`);
      await details.locator('.decisions li').first().waitFor();
      expect(await details.textContent()).toContain('Attempts');
      await page.keyboard.press('Enter');
      await details.waitFor({ state: 'detached' });
    });

    it('says that the connection is lost, and recovers by itself', async () => {
      const page = await open(service);
      await service.stop();
      await page.getByText('connection lost', { exact: true }).waitFor();
      await page.getByText(/Connection lost at \d\d:\d\d:\d\d/).waitFor();
      await picture(page, `${name}-lost`);
      expect(await lowContrastTexts(page)).toEqual([]);
      await service.start();
      await page.getByText('live', { exact: true }).waitFor();
      await page.getByText(/Connection lost at/).waitFor({ state: 'detached' });
      // The browser itself notes the connections that failed; the page adds nothing of its own.
      expect(visit?.complaints.filter(text => !text.includes('net::ERR_'))).toEqual([]);
    });

    it('changes the theme and keeps the choice', async () => {
      const page = await open(service);
      const ground = (): Promise<string> =>
        page.evaluate<string>('getComputedStyle(document.documentElement).backgroundColor');
      const light = await ground();
      await page.getByRole('button', { name: 'Change to the dark theme' }).click();
      await expect.poll(ground).not.toBe(light);
      await page.reload();
      await page.getByRole('button', { name: 'Change to the light theme' }).click();
      await expect.poll(ground).toBe(light);
      expect(await page.evaluate('localStorage.length')).toBe(0);
    });

    it.each([
      ['a light desktop', {}],
      ['a dark desktop', { colorScheme: 'dark' }],
      ['a phone', phone],
      ['a dark phone', { ...phone, colorScheme: 'dark' }],
    ] satisfies [string, VisitorOptions][])('is readable on %s', async (device, options) => {
      const page = await open(service, options);
      await askOnce(page);
      await page.locator(rows).first().locator('summary').click();
      await page.locator('.decisions').waitFor();
      await picture(page, `${name}-${device}`);
      expect(await sidewaysOverflow(page)).toBe(0);
      expect(await lowContrastTexts(page)).toEqual([]);
      expect(await labelProblems(page)).toEqual([]);
      expect(visit?.complaints).toEqual([]);
    });
  });
}

describeConsole('the stand-in service', () => StandInService.start());

describe.skipIf(skipped)(`the console in odd situations, in Chromium${suffix}`, () => {
  let service: StandInService;

  beforeAll(async () => {
    service = await StandInService.start();
  });

  afterAll(async () => {
    await service?.stop();
  });

  afterEach(() => {
    service.overrides = {};
    service.forget();
  });

  it('says what to do when there are no calls yet', async () => {
    const page = await open(service);
    await page.getByText('No guarded calls yet.').waitFor();
    await page
      .getByText('Calls per second: not known yet')
      .or(page.getByRole('img', { name: /Calls per second/ }))
      .first()
      .waitFor();
  });

  it('asks a source once for fifty equal questions', async () => {
    const page = await open(service);
    await page.getByRole('button', { name: 'imatinib' }).click();
    await page.getByRole('button', { name: 'Ask 50 times at once' }).click();
    await page.getByText('50 answers to 50 requests').waitFor();
    await page.getByText('1 upstream call', { exact: true }).waitFor();
    await page.getByText('No products').waitFor();
  });

  it('shows the error of the service with its code and request', async () => {
    const page = await open(service);
    await page.getByLabel('Medication').fill('broken');
    await page.keyboard.press('Enter');
    const problem = page.locator('.problems');
    await problem.waitFor();
    expect(await problem.textContent()).toMatch(/SOURCES_UNAVAILABLE No source could answer request [0-9a-f-]{36}/);
    await page.getByText('0 upstream calls', { exact: true }).waitFor();
  });

  it('says which source is missing in an answer, in the word of its call', async () => {
    const page = await open(service);
    await page.getByLabel('Medication').fill('half');
    await page.keyboard.press('Enter');
    await page.getByText('No products from 1 of 2 sources; drugsfda refused').waitFor();
    expect(await page.locator('.sources .chip').allTextContents()).toEqual(['refused', 'empty']);
  });

  it('says that nothing tells what a request set off which got no answer', async () => {
    const page = await open(service);
    await service.stop();
    await page.getByRole('button', { name: 'Ask once' }).click();
    await page.getByText('upstream calls unknown').waitFor();
    await page.getByText('1 of 1 request had no answer that could tell').waitFor();
    await service.start();
  });

  it('shows where the stand-in is that plays the sources, and leads to its faults', async () => {
    const page = await open(service);
    const badge = page.locator('.upstreams-recorded');
    expect(await badge.textContent()).toBe('upstreams recorded at http://127.0.0.1:41234');
    expect(await badge.getByRole('link').getAttribute('href')).toBe('http://127.0.0.1:41234/_control');
  });

  it('says in one sentence that no call ended so', async () => {
    const page = await open(service);
    service.call('fetched');
    await expect.poll(() => rowCount(page)).toBe(1);
    await page.getByRole('radio', { name: 'failed' }).check();
    await page.locator('.empty p', { hasText: 'None of the 1 call here ended as failed.' }).waitFor();
    await page.getByRole('button', { name: 'Show all' }).click();
    await expect.poll(() => rowCount(page)).toBe(1);
  });

  it('says "last" and not "all" of a list that does not hold every call', async () => {
    for (let call = 0; call < 101; call += 1) service.call('hit');
    const page = await open(service);
    await page.getByRole('radio', { name: 'last 100' }).waitFor();
    service.forget();
    service.call('hit');
    await page.reload();
    await page.getByRole('radio', { name: 'all 1' }).waitFor();
  });

  it('tells each kind of end apart, and filters by it', async () => {
    const page = await open(service, { colorScheme: 'dark' });
    for (const kind of Object.keys(sampleCalls) as SampleKind[]) service.call(kind);
    await expect.poll(() => rowCount(page)).toBe(8);
    const ends = await page.locator(`${rows} .call-result .chip`).allTextContents();
    expect(ends.sort()).toEqual(['failed', 'fallback', 'ok', 'ok', 'ok', 'ok', 'refused', 'stale']);
    await page.getByRole('radio', { name: 'stale' }).check();
    await expect.poll(() => rowCount(page)).toBe(1);
    const stages = await page.locator(`${rows} .stage`).allTextContents();
    expect(stages.map(text => text.replace(/\s+/g, ' ').trim())).toEqual([
      'deadline nothing to note',
      'fallback nothing to note',
      'cache stale',
      'retry gave up',
      'slot nothing to note',
      'breaker ok',
      'rate nothing to note',
      'attempt nothing to note',
      'transport failed×3',
    ]);
    await picture(page, 'kinds-dark');
  });

  it.each([320, 390, 640, 641, 720, 1_010, 1_011, 1_279, 1_280, 1_600, 2_000])(
    'fits a window of %i pixels',
    async width => {
      const page = await open(service, { viewport: { width, height: 800 } });
      for (const kind of Object.keys(sampleCalls) as SampleKind[]) service.call(kind);
      await expect.poll(() => rowCount(page)).toBe(8);
      expect(await sidewaysOverflow(page)).toBe(0);
      const cutOff = `[...document.querySelectorAll('${rows} summary')].filter(row => row.scrollWidth > row.clientWidth).length`;
      expect(await page.evaluate(cutOff)).toBe(0);
      expect(await cutTexts(page, `${rows} .call-operation, ${rows} .stage-name, ${rows} .stage-word`)).toEqual([]);
    },
  );

  it('shows an open breaker, and health that is not up', async () => {
    service.overrides = {
      health: {
        status: 'degraded',
        checks: [{ name: 'openfda', status: 'degraded', message: 'Older values are served' }],
      },
      breakers: [{ name: 'openfda', state: 'open', failures: 5, failureThreshold: 5, retryInMs: 30_000 }],
    };
    const page = await open(service);
    await page.getByText('5 of 5 failures').waitFor();
    await page.getByText(/next try in \d+ s/).waitFor();
    await page.getByText('Older values are served').waitFor();
  });

  it('holds the list while paused', async () => {
    const page = await open(service);
    service.call('fetched');
    await expect.poll(() => rowCount(page)).toBe(1);
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByRole('button', { name: 'Resume, 0 new' }).waitFor();
    service.call('hit');
    service.call('hit');
    const resume = page.getByRole('button', { name: 'Resume, 2 new' });
    await resume.waitFor();
    expect(await rowCount(page)).toBe(1);
    await resume.click();
    await expect.poll(() => rowCount(page)).toBe(3);
  });

  it('opens the row that is pressed, though calls arrive before the press ends', async () => {
    const page = await open(service);
    service.call('fetched', 'imatinib');
    const pressed = page.locator(rows).first();
    const box = await pressed.locator('summary').boundingBox();
    if (!box) throw new Error('The row has no place on the page.');
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    await page.mouse.down();
    for (let call = 0; call < 5; call += 1) service.call('hit');
    // Longer than the page would wait to show them, far shorter than the longest press.
    await page.evaluate('new Promise(resolve => setTimeout(resolve, 250))');
    await page.mouse.up();
    const details = page.locator(`${rows} .call-details`);
    await details.locator('.decisions').waitFor();
    await expect.poll(() => rowCount(page)).toBe(6);
    expect(await page.locator(rows).last().locator('.call-details').count()).toBe(1);
  });

  it('says how many calls it missed while it was not connected', async () => {
    const page = await open(service);
    service.call('fetched');
    await expect.poll(() => rowCount(page)).toBe(1);
    await service.stop();
    await page.getByText('connection lost', { exact: true }).waitFor();
    for (let call = 0; call < 130; call += 1) service.call('hit');
    await service.start();
    await page.getByText('30 calls ended while the page was not connected').waitFor();
    await expect.poll(() => rowCount(page)).toBe(101);
  });

  it('begins anew when the service was restarted', async () => {
    const page = await open(service);
    service.call('fetched');
    await expect.poll(() => rowCount(page)).toBe(1);
    await service.stop();
    service.forget();
    await service.start();
    await page.getByText('No guarded calls yet.').waitFor();
  });

  it('stays usable and bounded under a thousand calls a second', async () => {
    const page = await open(service);
    const pressure = setInterval(() => {
      for (let call = 0; call < 20; call += 1) service.call(call % 7 === 0 ? 'retried' : 'hit');
    }, 20);
    try {
      await page.evaluate(watchFramesScript);
      await expect.poll(() => rowCount(page), { timeout: 15_000 }).toBe(200);
      await expect.poll(() => page.evaluate('frameWatch.count'), { timeout: 15_000 }).toBeGreaterThan(60);
      const { longestMs } = await page.evaluate<{ longestMs: number }>('frameWatch');
      // Far above what is measured on a quiet machine (under 100 ms), far below a page that hangs.
      expect(longestMs).toBeLessThan(2_000);
      expect(await rowCount(page)).toBe(200);
      await page.getByRole('button', { name: 'Pause' }).click();
      await page.getByRole('button', { name: /Resume/ }).waitFor();
    } finally {
      clearInterval(pressure);
    }
    expect(visit?.complaints).toEqual([]);
  });
});

/** Counts the frames of the page and keeps the longest. */
const watchFramesScript = `(() => {
  const frames = { count: 0, longestMs: 0 };
  window.frameWatch = frames;
  let before = performance.now();
  const next = now => {
    frames.count += 1;
    frames.longestMs = Math.max(frames.longestMs, now - before);
    before = now;
    requestAnimationFrame(next);
  };
  requestAnimationFrame(next);
})()`;
