import type { RequestContext } from './request-context.ts';

/** How long the caller still waits, in whole milliseconds: relative, so that the clocks of two machines do not matter. */
const timeoutHeader = 'request-timeout-ms';

/** Which attempt of its caller a request is, from 1; from 2 on it is a retry. */
const attemptHeader = 'request-attempt';

/** The longest wait that is believed, in milliseconds: a day. */
const maxTimeoutMs = 86_400_000;

/** The largest number of an attempt that is believed. */
const maxAttempt = 1_000;

/** What a request tells about its caller. */
export type PropagatedContext = Pick<RequestContext, 'deadlineMs' | 'attempt'>;

/**
 * The headers that carry a context to the next service: `request-timeout-ms`, what is left until the deadline, and
 * `request-attempt` for a retry, so that it is not retried again further on.
 *
 * @param nowMs the monotonic clock.
 * @example
 * const headers = propagationHeaders({ deadlineMs: clock.monotonic() + 1_500, attempt: 2 }, clock.monotonic());
 */
export function propagationHeaders(context: PropagatedContext, nowMs: number): Record<string, string> {
  const headers: Record<string, string> = {};
  if (context.deadlineMs !== undefined) {
    const leftMs = Math.min(maxTimeoutMs, Math.max(1, Math.floor(context.deadlineMs - nowMs)));
    headers[timeoutHeader] = String(leftMs);
  }
  if (context.attempt !== undefined && context.attempt > 1) {
    headers[attemptHeader] = String(Math.min(context.attempt, maxAttempt));
  }
  return headers;
}

/**
 * What the headers of a request tell. What cannot be read is as good as absent: a caller can only shorten the wait for
 * its own request and forgo retries of it.
 *
 * @param nowMs the monotonic clock.
 */
export function readPropagation(
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
  nowMs: number,
): PropagatedContext {
  const timeoutMs = wholeNumber(headers[timeoutHeader], maxTimeoutMs);
  return {
    deadlineMs: timeoutMs === undefined ? undefined : nowMs + timeoutMs,
    attempt: wholeNumber(headers[attemptHeader], maxAttempt),
  };
}

function wholeNumber(text: string | readonly string[] | undefined, maximum: number): number | undefined {
  if (typeof text !== 'string' || !/^[1-9]\d{0,8}$/.test(text)) return undefined;
  const value = Number(text);
  return value <= maximum ? value : undefined;
}
