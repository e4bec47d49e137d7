import { type ConfigurationProblem, type ErrorOptions, ScraperError, ServiceError } from 'plinth/errors';

/**
 * A page of nccn.org is not made as it was when this connector was written, or is another page. The `cause` is a
 * `SelectorError` where a selector found nothing: it says what is there instead. Never retried: the same page would come.
 */
export class NccnLayoutError extends ScraperError {
  /** The page's address, without its query. */
  readonly pageUrl: string;

  constructor(pageUrl: string, what: string, options: ErrorOptions = {}) {
    const url = withoutQuery(pageUrl);
    super(`Cannot read ${url}: ${what}`, { ...options, details: { page_url: url, ...options.details } });
    this.pageUrl = url;
  }
}

/**
 * A page of nccn.org came without its end: it has no `</html>`. What there is of it would pass for the whole, so nothing
 * of it is used.
 */
export class NccnTruncatedPageError extends ScraperError {
  /** The page's address, without its query. */
  readonly pageUrl: string;

  constructor(pageUrl: string, characters: number, options: ErrorOptions = {}) {
    const url = withoutQuery(pageUrl);
    super(`${url} ended after ${characters} characters without its </html>: it is not complete`, {
      ...options,
      details: { page_url: url, characters, ...options.details },
    });
    this.pageUrl = url;
  }
}

/**
 * nccn.org asks for a log-in where a public page was: it led to its log-in page, or answered with its form. This connector
 * never logs in. Not retried.
 */
export class NccnLoginRequiredError extends ScraperError {
  /** The page that was asked for, without its query. */
  readonly pageUrl: string;

  constructor(pageUrl: string, options: ErrorOptions = {}) {
    const url = withoutQuery(pageUrl);
    super(`${url} asks for a log-in: it is not public, and only public pages are read`, {
      ...options,
      details: { page_url: url, ...options.details },
    });
    this.pageUrl = url;
  }
}

/**
 * Why there are no recommended medications: no file was supplied, it cannot be opened or parsed, it is too large, or its
 * contents are not in the form that is asked for.
 */
export type LicensedContentProblem = 'not-supplied' | 'unreadable' | 'too-large' | 'invalid';

/**
 * There is no licensed content to answer from. NCCN publishes no recommended medications openly, so nothing is looked for
 * anywhere else, and nothing is made up.
 */
export class LicensedContentError extends ServiceError {
  /** What is wrong, in a word. */
  readonly problem: LicensedContentProblem;
  /** Of `invalid` contents: every field that is wrong, by its path, such as `entries[0].regimens[2].category`. */
  readonly problems: readonly ConfigurationProblem[];

  constructor(
    message: string,
    problem: LicensedContentProblem,
    problems: readonly ConfigurationProblem[] = [],
    options: ErrorOptions = {},
  ) {
    const lines = problems.map(({ name, message: what }) => `  - ${name}: ${what}`);
    super([message, ...lines].join('\n'), 'LICENSED_CONTENT', {
      ...options,
      details: { problem, ...(problems.length === 0 ? {} : { problems }), ...options.details },
    });
    this.problem = problem;
    this.problems = Object.freeze([...problems]);
  }
}

function withoutQuery(address: string): string {
  const { origin, pathname } = new URL(address);
  return origin + pathname;
}
