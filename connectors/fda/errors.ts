import { type ErrorOptions, FailedError, ScraperError, UpstreamError } from 'plinth/errors';
import type { SourceReport } from './fda-types.ts';

/** Where in the Orange Book's files something is wrong. */
export interface OrangeBookLocation {
  /** The file, such as `products.txt` or `/data/orange-book.zip`. */
  readonly file: string;
  /** The line, counting the header as 1. */
  readonly line?: number | undefined;
  /** The column's name, as in the header. */
  readonly column?: string | undefined;
}

/** The Orange Book's files are not what they should be. The edition that was loaded before stays in place. */
export class OrangeBookError extends ScraperError {
  /** The file that is wrong. */
  readonly file: string;
  /** The line that is wrong, counting the header as 1. */
  readonly line: number | undefined;
  /** The column that is wrong, as in the header. */
  readonly column: string | undefined;

  constructor(problem: string, location: OrangeBookLocation, options: ErrorOptions = {}) {
    const { file, line, column } = location;
    const place = [file, line === undefined ? '' : `line ${line}`, column === undefined ? '' : `column ${column}`];
    super(`${problem} (${place.filter(part => part !== '').join(', ')})`, {
      ...options,
      details: {
        file,
        ...(line === undefined ? {} : { line }),
        ...(column === undefined ? {} : { column }),
        ...options.details,
      },
    });
    this.file = file;
    this.line = line;
    this.column = column;
  }
}

/**
 * What openFDA refused: `query` is a search that it cannot read (a mistake of ours), `credentials` an API key that it
 * does not know, `server` anything else that failed on its side. Never retried, except `server`.
 */
export type OpenFdaErrorKind = 'query' | 'credentials' | 'server';

/** openFDA answered with an error. */
export class OpenFdaError extends UpstreamError {
  /** What kind of refusal it is. */
  readonly kind: OpenFdaErrorKind;
  /** openFDA's own code, such as `BAD_REQUEST`. */
  readonly upstreamCode: string;

  constructor(
    message: string,
    facts: { readonly status: number; readonly kind: OpenFdaErrorKind; readonly upstreamCode: string },
    options: ErrorOptions = {},
  ) {
    super(message, facts.status, {
      retryable: false,
      ...options,
      details: { status: facts.status, kind: facts.kind, upstream_code: facts.upstreamCode, ...options.details },
    });
    this.kind = facts.kind;
    this.upstreamCode = facts.upstreamCode;
  }
}

/** Neither the Orange Book nor openFDA answered. `sources` says why of each; the cause is the Orange Book's error. */
export class FdaUnavailableError extends FailedError {
  /** What each source said. */
  readonly sources: readonly SourceReport[];

  constructor(sources: readonly SourceReport[], options: ErrorOptions = {}) {
    const reasons = sources.map(report => `${report.source}: ${report.error ?? report.status}`).join('; ');
    super(`No source of the FDA answered (${reasons})`, 'FDA_UNAVAILABLE', options);
    this.sources = sources;
  }
}
