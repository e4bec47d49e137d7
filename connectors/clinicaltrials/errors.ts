import { type ErrorOptions, type FailedError, ScraperError, UpstreamError } from 'plinth/errors';

/**
 * What ClinicalTrials.gov refused: `query` is a question that it cannot read (a mistake of ours, or an expired page),
 * `not-found` a study that it does not have, `refused` that we may not ask, `server` anything that failed on its side.
 * Only `server` is ever retried.
 */
export type ClinicalTrialsErrorKind = 'query' | 'not-found' | 'refused' | 'server';

/** ClinicalTrials.gov answered with an error. Its errors are plain text; the message has the first 300 characters. */
export class ClinicalTrialsError extends UpstreamError {
  /** What kind of refusal it is. */
  readonly kind: ClinicalTrialsErrorKind;

  constructor(
    message: string,
    facts: { readonly status: number; readonly kind: ClinicalTrialsErrorKind },
    options: ErrorOptions = {},
  ) {
    super(message, facts.status, {
      retryable: false,
      ...options,
      details: { status: facts.status, kind: facts.kind, ...options.details },
    });
    this.kind = facts.kind;
  }
}

const keptCharacters = 300;

/** The source's own error of an answer that means failure. A page of a web server is none of its errors. */
export function toClinicalTrialsError(error: UpstreamError): FailedError {
  const { status } = error;
  const body = String(error.details['body'] ?? '').trim();
  const isPage = /^<(?:!doctype|html)/i.test(body);
  if (isPage && status === 404) {
    return new ScraperError('ClinicalTrials.gov answered 404 with an HTML page: the base address is another service', {
      cause: error,
    });
  }
  const kind = kindOf(status);
  const said = isPage ? 'an HTML page' : body.replace(/\s+/g, ' ').slice(0, keptCharacters);
  return new ClinicalTrialsError(
    `ClinicalTrials.gov answered ${status}${said === '' ? '' : `: ${said}`}`,
    { status, kind },
    {
      cause: error,
      retryable: kind === 'server' && error.retryable,
      ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
    },
  );
}

function kindOf(status: number): ClinicalTrialsErrorKind {
  if (status === 404) return 'not-found';
  if (status === 401 || status === 403) return 'refused';
  return status >= 400 && status < 500 ? 'query' : 'server';
}
