import { accessSync, constants } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';

const executablePath = '/usr/bin/chromium';

/** Why the tests of this folder cannot run on this machine; `undefined` when they can. */
export function missingChromium(): string | undefined {
  try {
    accessSync(executablePath, constants.X_OK);
    return undefined;
  } catch {
    return `${executablePath} is missing (apt-get install chromium)`;
  }
}

/** A Chromium of our own, with a new profile that goes away with it. */
export function launchChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath,
    headless: true,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-dev-shm-usage',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
    ],
  });
}

/** A page on the console, and everything that it complained about. */
export interface ConsolePage {
  readonly page: Page;
  /** Errors, warnings and violations of the content security policy. */
  readonly complaints: string[];
  close(): Promise<void>;
}

/** How the visitor's browser is set up. */
export interface VisitorOptions {
  /** @default 1280 by 800 */
  readonly viewport?: { readonly width: number; readonly height: number };
  /** @default 'light' */
  readonly colorScheme?: 'light' | 'dark';
  /** A phone: touch, and a pixel ratio of 2. @default false */
  readonly phone?: boolean;
}

/** Opens the console at an address in a browser context of its own, as a new visitor. */
export async function openConsole(
  browser: Browser,
  baseUrl: string,
  { viewport = { width: 1280, height: 800 }, colorScheme = 'light', phone = false }: VisitorOptions = {},
): Promise<ConsolePage> {
  const context = await browser.newContext({
    viewport,
    colorScheme,
    ...(phone ? { isMobile: true, hasTouch: true, deviceScaleFactor: 2 } : {}),
  });
  // Below the time limit of a test, so that a failure says what was waited for.
  context.setDefaultTimeout(40_000);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', message => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', error => complaints.push(String(error)));
  await page.goto(baseUrl);
  return { page, complaints, close: () => context.close() };
}
