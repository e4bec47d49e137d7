import { type ErrorOptions, FailedError, UpstreamError } from 'plinth/errors';
import type { DatasetReport } from './dataset-report.ts';

/**
 * What NYC Open Data refused: `query` is a question that it cannot read (400), `rights` a token that it does not know or a
 * data set that is not public (401, 403), `gone` a data set that is not there, or no longer (404, 410), `server` a failure
 * of its own. Only `server` is retried.
 */
export type NycDataErrorKind = 'query' | 'rights' | 'gone' | 'server';

/** NYC Open Data answered with an error. */
export class NycDataError extends UpstreamError {
  /** What kind of refusal it is. */
  readonly kind: NycDataErrorKind;
  /** The portal's own code, such as `query.soql.no-such-column`; empty when it gave none. */
  readonly errorCode: string;
  /** The data set that was asked, such as `3h2n-5cm9`. */
  readonly datasetId: string;

  constructor(
    message: string,
    facts: {
      readonly status: number;
      readonly kind: NycDataErrorKind;
      readonly errorCode: string;
      readonly datasetId: string;
    },
    options: ErrorOptions = {},
  ) {
    const { status, kind, errorCode, datasetId } = facts;
    super(message, status, {
      retryable: false,
      ...options,
      details: { status, kind, error_code: errorCode, dataset_id: datasetId, ...options.details },
    });
    this.kind = kind;
    this.errorCode = errorCode;
    this.datasetId = datasetId;
  }
}

/** None of the data sets answered. `sources` says why of each. */
export class NycUnavailableError extends FailedError {
  /** What each data set said. */
  readonly sources: readonly DatasetReport[];

  constructor(sources: readonly DatasetReport[], options: ErrorOptions = {}) {
    const reasons = sources.map(({ dataset, error }) => `${dataset}: ${error ?? 'no answer'}`).join('; ');
    super(`No data set of NYC Open Data answered (${reasons})`, 'NYC_UNAVAILABLE', options);
    this.sources = sources;
  }
}

/** A message is at most this long: the portal's may list every column of a data set, padded to 5 KB. */
const messageCharacters = 300;

/** Makes the portal's own error of an answer that means failure. */
export function toNycDataError(datasetId: string): (error: UpstreamError) => NycDataError {
  return error => {
    const { status } = error;
    // What is kept of a body is cut, so it cannot be parsed as a whole.
    const body = String(error.details['body'] ?? '');
    const message = textField(body, 'message');
    // The code comes last, behind a message that may be too long to be kept; but the message begins with it.
    const errorCode = textField(body, 'errorCode') ?? /\bquery\.[a-z.-]*[a-z]/i.exec(message ?? '')?.[0];
    const kind = kindOf(status);
    const shown = (message ?? error.message).split(/; position: Map\(/)[0]?.slice(0, messageCharacters);
    return new NycDataError(
      `NYC Open Data answered ${status} for ${datasetId}: ${shown}`,
      { status, kind, datasetId, errorCode: errorCode ?? textField(body, 'code') ?? '' },
      {
        cause: error,
        retryable: kind === 'server' && error.retryable,
        ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
      },
    );
  };
}

function kindOf(status: number): NycDataErrorKind {
  if (status === 401 || status === 403) return 'rights';
  if (status === 404 || status === 410) return 'gone';
  return status < 500 ? 'query' : 'server';
}

/** A text of a JSON object that may be cut off. */
function textField(json: string, name: string): string | undefined {
  const found = new RegExp(`"${name}"\\s*:\\s*"((?:[^"\\\\]|\\\\.)*)`).exec(json)?.[1];
  if (found === undefined) return undefined;
  try {
    return JSON.parse(`"${found}"`) as string;
  } catch {
    return found;
  }
}
