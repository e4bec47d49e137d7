import {
  type ErrorOptions,
  type FailedError,
  NetworkError,
  PlinthError,
  RateLimitError,
  UpstreamError,
} from '../errors/index.ts';
import { type Clock, isAbortError } from '../kernel/index.ts';

/** How much of an error's body is kept, in characters: enough to understand, too little to flood a log. */
const keptBodyCharacters = 500;

/** The error of an answer whose status means failure. */
export function statusError(
  where: string,
  answer: { readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly body: string },
  clock: Clock,
): FailedError {
  const retryAfterMs = parseRetryAfter(answer.headers['retry-after'], clock.now());
  const options: ErrorOptions = {
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    details: { status: answer.status, body: answer.body.slice(0, keptBodyCharacters) },
  };
  if (answer.status === 429) return new RateLimitError(`${where} answered 429: too many requests`, options);
  return new UpstreamError(`${where} answered ${answer.status}`, answer.status, options);
}

/** The error of a request that got no answer. Aborts and errors of ours stay what they are. */
export function transportError(where: string, error: unknown): unknown {
  if (error instanceof PlinthError || isAbortError(error) || !(error instanceof Error)) return error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  if (code === undefined || !networkCode.test(code)) return error;
  return new NetworkError(`${where} could not be reached (${code})`, { cause: error, details: { reason: code } });
}

/** Codes of undici, of the operating system, of TLS and of the HTTP parser. */
const networkCode = /^(?:UND_ERR_|E[A-Z_]+$|CERT_|DEPTH_|UNABLE_|SELF_|HPE_)/;

/**
 * Reads `Retry-After` (RFC 9110, section 10.2.3): whole seconds or a date. What cannot be read is as good as absent.
 *
 * @returns milliseconds from `nowMs`, never negative.
 */
export function parseRetryAfter(value: string | undefined, nowMs: number): number | undefined {
  const text = value?.trim();
  if (text === undefined || text === '') return undefined;
  if (/^\d{1,10}$/.test(text)) return Number(text) * 1_000;
  if (!/^[A-Z][a-z]+,? /.test(text)) return undefined;
  const dateMs = Date.parse(text);
  return Number.isNaN(dateMs) ? undefined : Math.max(0, dateMs - nowMs);
}
