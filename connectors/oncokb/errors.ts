import { type ErrorOptions, UpstreamError } from 'plinth/errors';
import { describeRole, type OncoKBRole, rightOf } from './rights.ts';

/**
 * What OncoKB's refusal means: `query` is a question that it cannot read, `not-found` a version or page that it does not
 * have, `token-rejected`, `token-expired` and `licence-not-accepted` are about the token, `rights` about what the token may,
 * `server` is trouble on its side, `unexpected` any other status. Only `server` is ever retried.
 */
export type OncoKBErrorKind =
  | 'query'
  | 'not-found'
  | 'token-rejected'
  | 'token-expired'
  | 'licence-not-accepted'
  | 'rights'
  | 'server'
  | 'unexpected';

/** What is known about a refusal. */
export interface OncoKBErrorFacts {
  readonly status: number;
  readonly kind: OncoKBErrorKind;
  /** Below `/api/v1`, such as `/drugs`. */
  readonly endpoint: string;
}

/** OncoKB answered with an error. */
export class OncoKBError extends UpstreamError {
  /** What kind of refusal it is. */
  readonly kind: OncoKBErrorKind;
  /** Which endpoint refused, below `/api/v1`. */
  readonly endpoint: string;

  constructor(message: string, { status, kind, endpoint }: OncoKBErrorFacts, options: ErrorOptions = {}) {
    const retryable = kind === 'server' && status >= 500 && status <= 504 && status !== 501;
    super(message, status, { retryable, ...options, details: { status, kind, endpoint, ...options.details } });
    this.kind = kind;
    this.endpoint = endpoint;
  }
}

/** OncoKB does not take the token (401): `kind` says whether it is unknown, has expired, or waits for its licence. */
export class OncoKBTokenError extends OncoKBError {}

/** The token is good, and lacks the right for this endpoint (403). */
export class OncoKBRightsError extends OncoKBError {
  /** The right that the endpoint needs. */
  readonly role: OncoKBRole;

  constructor(message: string, endpoint: string, options: ErrorOptions = {}) {
    const role = rightOf(endpoint);
    super(message, { status: 403, kind: 'rights', endpoint }, { ...options, details: { role, ...options.details } });
    this.role = role;
  }
}

/** OncoKB's own error for an answer of an endpoint. */
export function toOncoKBError(error: UpstreamError, endpoint: string): OncoKBError {
  const { status, retryAfterMs } = error;
  const { type, detail } = readProblem(error.details['body']);
  const kind = kindOf(status, type);
  const said = detail === undefined ? '' : ` (${detail})`;
  const options: ErrorOptions = {
    cause: error,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    details: { ...(type === undefined ? {} : { type }), ...(detail === undefined ? {} : { detail }) },
  };
  if (kind === 'rights') {
    const needed = describeRole(rightOf(endpoint));
    return new OncoKBRightsError(`OncoKB refused ${endpoint}: it needs ${needed}${said}`, endpoint, options);
  }
  const message = `OncoKB refused ${endpoint}: ${messages[kind]}, status ${status}${said}`;
  const facts = { status, kind, endpoint };
  return status === 401 ? new OncoKBTokenError(message, facts, options) : new OncoKBError(message, facts, options);
}

const messages = {
  query: 'it cannot read the question',
  'not-found': 'it does not have this',
  'token-rejected': 'it does not know the token',
  'token-expired': 'the token has expired, renew it at https://www.oncokb.org/account/settings',
  'licence-not-accepted': 'the licence agreement has not been accepted, log in to https://www.oncokb.org to accept it',
  rights: 'the token lacks the right',
  server: 'it has trouble of its own',
  unexpected: 'an unexpected answer',
} as const satisfies Record<OncoKBErrorKind, string>;

function kindOf(status: number, type: string | undefined): OncoKBErrorKind {
  if (status === 401) {
    if (type?.endsWith('/token-expired')) return 'token-expired';
    if (type?.endsWith('/license-agreement-not-accepted')) return 'licence-not-accepted';
    return 'token-rejected';
  }
  if (status === 403) return 'rights';
  if (status === 404) return 'not-found';
  if (status === 400) return 'query';
  return status >= 500 ? 'server' : 'unexpected';
}

/** What the body says, `application/problem+json` (RFC 9457). Only its beginning is there, so it is not read as a whole. */
function readProblem(body: unknown): { readonly type: string | undefined; readonly detail: string | undefined } {
  const text = typeof body === 'string' && body.trimStart().startsWith('{') ? body : '';
  return { type: stringIn(text, 'type'), detail: stringIn(text, 'detail') ?? stringIn(text, 'message') };
}

function stringIn(json: string, field: string): string | undefined {
  const found = new RegExp(
    `"${field}"\\s*:\\s*("(?:[^"\\\\\\u0000-\\u001f]|\\\\(?:["\\\\/bfnrt]|u[0-9a-fA-F]{4}))*")`,
  ).exec(json)?.[1];
  return found === undefined ? undefined : (JSON.parse(found) as string).slice(0, 300);
}
