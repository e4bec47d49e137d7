import { formatDuration } from '../kernel/index.ts';
import type { CallRecord, StageRecord } from '../pipeline/index.ts';
import type { CompletedRequest, LimitRecord } from './events.ts';

/**
 * Why a request went as it did, in plain words: first the answer and its reason, then every decision on the way.
 *
 * @example
 * for (const line of explainRequest(request, calls.why(request.requestId))) print(line);
 * // GET /api/v1/login: 429 LIMIT_EXCEEDED because the limit "login" allows 5 within 1m by address, 0 left, again in 12s
 */
export function explainRequest(request: CompletedRequest, calls: readonly CallRecord[]): readonly string[] {
  const { method, path, status, durationMs, error, limits = [] } = request;
  const answer = status === 0 ? 'no answer, the client left' : [status, error?.code].filter(Boolean).join(' ');
  const reason = reasonOf(request, calls);
  return [
    `${method} ${path}: ${answer} after ${duration(durationMs)}${reason === undefined ? '' : ` because ${reason}`}`,
    ...limits.map(limitLine),
    ...calls.map(explainCall),
  ];
}

/** One call to the outside, in plain words. */
export function explainCall(call: CallRecord): string {
  const { dependency, operation, result, freshness, durationMs, error, stages, background } = call;
  const value = freshness === 'fresh' ? 'answered' : `answered with a ${freshness} value`;
  const became = result === 'ok' ? value : result === 'rejected' ? 'refused by us' : 'failed';
  const why = error === undefined ? '' : ` because of ${error.code}`;
  const steps = stages.map(stageWords).join(', ');
  const who = `${dependency} ${operation}${background ? ' (beside the request)' : ''}`;
  return `Call ${who}: ${became} after ${duration(durationMs)}${why}${steps === '' ? '' : ` (${steps})`}`;
}

function reasonOf({ status, error, limits = [] }: CompletedRequest, calls: readonly CallRecord[]): string | undefined {
  const refusal = limits.find(({ allowed }) => !allowed);
  if (refusal !== undefined) return limitWords(refusal);
  if (error === undefined) return undefined;
  const call = status >= 500 ? calls.findLast(({ result, background }) => result !== 'ok' && !background) : undefined;
  if (call?.error === undefined) return `"${error.message}"`;
  const became = call.result === 'rejected' ? 'was refused by us' : 'failed';
  return `the call ${call.dependency} ${call.operation} ${became}: ${call.error.message}`;
}

function limitLine(limit: LimitRecord): string {
  const where = limit.askedMs === undefined ? 'decided in memory' : `its store answered in ${duration(limit.askedMs)}`;
  const { allowed, outcome } = limit;
  const became = allowed ? (outcome === 'denied' ? 'would be denied (shadow)' : 'allowed') : 'denied';
  return `Limit ${became}: ${limitWords(limit)}; ${where}`;
}

function limitWords({ limiter, by, outcome, allowed, limit, windowMs, remaining, retryAfterMs }: LimitRecord): string {
  const again = retryAfterMs > 0 ? `, again in ${duration(Math.ceil(retryAfterMs / 1_000) * 1_000)}` : '';
  if (outcome === 'unavailable') {
    const became = allowed ? 'let the request through' : 'held the request back';
    return `the limit "${limiter}" could not ask its store, and its rule for that ${became}${again}`;
  }
  const within = windowMs === undefined ? '' : ` within ${duration(windowMs)}`;
  return `the limit "${limiter}" allows ${limit}${within} by ${by}, ${remaining} left${again}`;
}

function stageWords({ stage, decision, durationMs, reason }: StageRecord): string {
  const took = durationMs === undefined ? '' : ` in ${duration(durationMs)}`;
  return `${stage} ${decision}${took}${reason === undefined ? '' : `: ${reason}`}`;
}

/** Short, for people: tenths of a millisecond are enough. */
function duration(durationMs: number): string {
  return formatDuration(durationMs < 1_000 ? Math.round(durationMs * 10) / 10 : durationMs);
}
