import { type ErrorOptions, NetworkError, PlinthError, RateLimitError, UpstreamError } from '../../errors/index.ts';
import { parseRetryAfter } from '../../http/index.ts';
import { isAbortError } from '../../kernel/index.ts';

/** What is read of an error of the SDK: of `APICallError` by its fields, so that no second copy of the package confuses it. */
interface CallFailure {
  readonly statusCode?: unknown;
  readonly responseHeaders?: Readonly<Record<string, string>>;
  readonly data?: unknown;
}

/** What the statuses mean that only a change of ours can help. */
const advice: Readonly<Record<number, string>> = {
  401: ': check the key',
  403: ': the key may not use this',
  404: ': check the model, or the deployment, and the address',
  413: ': the prompt is too long',
};

/**
 * An error of the SDK as one of ours. Its own message is not kept: providers repeat prompts and keys in theirs. What is
 * kept is the code that the provider gives, such as `context_length_exceeded`.
 */
export function modelFailure(provider: string, error: unknown, nowMs: number): unknown {
  if (error instanceof PlinthError || isAbortError(error) || !(error instanceof Error)) return error;
  const { statusCode: status, responseHeaders: headers = {}, data } = error as Error & CallFailure;
  if (typeof status !== 'number') {
    return isUnreachable(error)
      ? new NetworkError(`${provider} could not be reached${reasonOf(error)}`)
      : new UpstreamError(`${provider} answered something that is no answer of a language model`, 502);
  }
  const reason = codeOf(data);
  const options: ErrorOptions = { details: { status, ...(reason !== undefined && { reason }) } };
  const said = reason === undefined ? '' : ` (${reason})`;
  if (status === 429) {
    const isSpent = reason === 'insufficient_quota';
    const retryAfterMs = retryAfterOf(headers, nowMs);
    const message = isSpent ? 'the quota of the key is spent' : 'too many requests or tokens';
    return new RateLimitError(`${provider} answered 429: ${message}`, {
      ...options,
      retryable: !isSpent,
      ...(retryAfterMs !== undefined && { retryAfterMs }),
    });
  }
  // An answer that could not be read comes with the status of success.
  if (status < 400) return new UpstreamError(`${provider} answered something that cannot be read`, 502, options);
  return new UpstreamError(`${provider} answered ${status}${said}${advice[status] ?? ''}`, status, options);
}

/** The codes that providers have for failures, such as `model_not_found`: words, never sentences. */
function codeOf(data: unknown): string | undefined {
  const error = typeof data === 'object' && data !== null && 'error' in data ? data.error : undefined;
  if (typeof error !== 'object' || error === null) return undefined;
  const { code, type } = error as { readonly code?: unknown; readonly type?: unknown };
  return [code, type].find((value): value is string => typeof value === 'string' && /^[\w.-]{1,64}$/.test(value));
}

/** OpenAI says it to the millisecond, too. */
function retryAfterOf(headers: Readonly<Record<string, string>>, nowMs: number): number | undefined {
  const exact = Number(headers['retry-after-ms'] ?? Number.NaN);
  return exact >= 0 ? Math.ceil(exact) : parseRetryAfter(headers['retry-after'], nowMs);
}

/** `fetch` tells of broken connections by a TypeError, whose cause has a code; the SDK wraps both. */
function isUnreachable(error: Error): boolean {
  return error.name === 'TypeError' || systemCodeOf(error) !== undefined || 'isRetryable' in error;
}

function reasonOf(error: Error): string {
  const code = systemCodeOf(error);
  return code === undefined ? '' : ` (${code})`;
}

function systemCodeOf(error: Error): string | undefined {
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if ('code' in cause && typeof cause.code === 'string') return cause.code;
  }
  return undefined;
}
