import {
  ArgumentError,
  type ErrorOptions,
  type FailedError,
  NetworkError,
  PlinthError,
  RateLimitError,
  UpstreamError,
} from '../errors/index.ts';
import { type Clock, isAbortError } from '../kernel/index.ts';
import { tlsMeaning } from './tls-failures.ts';

/** How much of an error's body is kept, in characters: enough to understand, too little to flood a log. */
const keptBodyCharacters = 500;

/** The error of an answer whose status means failure. */
export function statusError(
  where: string,
  answer: { readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly body: string },
  clock: Clock,
): FailedError {
  const retryAfterMs = retryAfterOf(answer, clock.now());
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
  const code = codeOf(error);
  if (code === undefined) return error;
  if (argumentCode.test(code)) {
    return new ArgumentError(`Cannot send ${where}: ${error.message}`, 'request', { cause: error });
  }
  const meaning = tlsMeaning(code);
  if (meaning !== undefined) {
    const message = `${where} could not be reached: ${meaning} (${code})`;
    return new NetworkError(message, { cause: error, retryable: false, details: { reason: code } });
  }
  if (!networkCode.test(code)) return error;
  return new NetworkError(`${where} could not be reached (${code})`, { cause: error, details: { reason: code } });
}

function codeOf(error: Error): string | undefined {
  if ('code' in error && typeof error.code === 'string') return error.code;
  // The parser's errors do not all have one.
  return error.name === 'HTTPParserError' ? 'HPE_INVALID' : undefined;
}

/** Codes of undici and of the platform that mean: the request could not even be written. */
const argumentCode = /^(?:UND_ERR_INVALID_ARG|UND_ERR_NOT_SUPPORTED|ERR_INVALID_.+)$/;

/** Codes of undici, of the operating system and of the HTTP parser. */
const networkCode = /^(?:UND_ERR_|E[A-Z_]+$|HPE_)/;

/** The longest wait that is read from a header, in milliseconds: what the platform's timers take (24.8 days). */
const maxRetryAfterMs = 2_147_483_647;

/** The three forms of a date (RFC 9110, section 5.6.7); the last one names no zone and means GMT. */
const httpDate =
  /^(?:[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} [\d:]{8} GMT|[A-Z][a-z]+day, \d\d-[A-Z][a-z]{2}-\d\d [\d:]{8} GMT|[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d [\d:]{8} \d{4})$/;

/** Dates after 2001 in seconds, and in milliseconds, since 1970: what is less is a number of seconds. */
const [earliestSeconds, earliestMs] = [1_000_000_000, 1_000_000_000_000];

/**
 * When to come back, by `Retry-After`; of a 429 without one by `x-ratelimit-reset`, which nobody has defined: sources send a
 * moment in seconds or milliseconds since 1970, or the seconds until then.
 */
function retryAfterOf(
  { status, headers }: { readonly status: number; readonly headers: Readonly<Record<string, string>> },
  nowMs: number,
): number | undefined {
  const stated = parseRetryAfter(headers['retry-after'], nowMs);
  if (stated !== undefined || status !== 429) return stated;
  const text = headers['x-ratelimit-reset']?.trim() ?? '';
  if (!/^\d+(?:\.\d+)?$/.test(text)) return undefined;
  const value = Number(text);
  const waitMs = value >= earliestMs ? value - nowMs : value >= earliestSeconds ? value * 1_000 - nowMs : value * 1_000;
  return Math.min(maxRetryAfterMs, Math.max(0, Math.ceil(waitMs)));
}

/**
 * Reads `Retry-After` (RFC 9110, section 10.2.3): whole seconds or a date. What cannot be read is as good as absent.
 *
 * @returns milliseconds from `nowMs`, never negative and at most 2,147,483,647.
 */
export function parseRetryAfter(value: string | undefined, nowMs: number): number | undefined {
  const text = value?.trim();
  if (text === undefined || text === '') return undefined;
  if (/^\d+$/.test(text)) return Math.min(maxRetryAfterMs, Number(text) * 1_000);
  if (!httpDate.test(text)) return undefined;
  const dateMs = Date.parse(text.endsWith('GMT') ? text : `${text} GMT`);
  return Number.isNaN(dateMs) ? undefined : Math.min(maxRetryAfterMs, Math.max(0, dateMs - nowMs));
}
