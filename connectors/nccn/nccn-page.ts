import type { HttpAnswer } from 'plinth/http';
import { HtmlPage } from 'plinth/http/html';
import { asksForPassword } from './catalogue-record.ts';
import { NccnLayoutError, NccnLoginRequiredError, NccnTruncatedPageError } from './errors.ts';

/**
 * The page of an answer, if it is one, is complete, and is not the log-in page.
 *
 * @param asked the address that was asked: a redirect may have led elsewhere
 * @throws {NccnLoginRequiredError} when the log-in page has come instead
 * @throws {NccnTruncatedPageError} when its end is missing
 * @throws {NccnLayoutError} when it is no page at all
 */
export function openPage(answer: HttpAnswer<string>, asked: string): HtmlPage {
  const { url, body, headers } = answer;
  if (isLoginAddress(url)) throw new NccnLoginRequiredError(asked);
  const type = headers['content-type'] ?? 'an unknown type';
  if (!/\bhtml\b/i.test(type)) throw new NccnLayoutError(url, `expected a page, got ${type}`);
  // Half a page that is correctly framed looks like a whole one to HTTP, and like one to a parser that mends everything.
  if (!/<\/html\s*>/i.test(body)) throw new NccnTruncatedPageError(url, body.length);
  return HtmlPage.parse(body, { url });
}

/**
 * Reads something of a page. Where that fails on a page that asks for a password, the log-in page has come with status 200.
 *
 * @throws {NccnLoginRequiredError} then; else what `read` throws
 */
export async function readOrLogin<Value>(
  page: HtmlPage,
  asked: string,
  read: (page: HtmlPage) => Promise<Value>,
): Promise<Value> {
  try {
    return await read(page);
  } catch (cause) {
    if (cause instanceof NccnLayoutError && asksForPassword(page)) throw new NccnLoginRequiredError(asked, { cause });
    throw cause;
  }
}

/** `/login?ReturnURL=…`, also below another folder. */
function isLoginAddress(address: string): boolean {
  return /\/login\/?$/i.test(new URL(address).pathname);
}
