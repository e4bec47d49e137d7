import {
  FailedError,
  NetworkError,
  RateLimitError,
  RejectedError,
  type RejectionReason,
  ServiceError,
  UpstreamError,
} from '../errors/index.ts';
import type { Clock } from '../kernel/index.ts';
import type { CallRecord } from '../pipeline/index.ts';

/** How the dependency answered one attempt. */
export interface RecordedAnswer {
  /** Wall-clock time at which the attempt left, in milliseconds since 1970. */
  readonly departedAt: number;
  /** How long the answer took, in milliseconds; `undefined` when nobody waited for it. */
  readonly durationMs: number | undefined;
  /** Why it failed, as the record says; `undefined` for success. */
  readonly failure: string | undefined;
}

/** What a record tells about the answers to its attempts, in the order in which these left. */
export function answersOf({ startedAt, attempts, stages }: CallRecord): readonly RecordedAnswer[] {
  const answers: RecordedAnswer[] = [];
  let hedgedAt: number | undefined;
  let previousAt = startedAt;
  for (const { stage, decision, atMs, durationMs, reason } of stages) {
    const at = startedAt + atMs;
    if (stage === 'hedge') hedgedAt = at;
    if (stage === 'transport' && durationMs !== undefined) {
      const failure = decision === 'ok' ? undefined : (reason ?? 'UNKNOWN');
      answers.push({ departedAt: at - durationMs, durationMs, failure });
    } else if (stage === 'attemptTimeout' && durationMs !== undefined) {
      answers.push({ departedAt: at - durationMs, durationMs: undefined, failure: undefined });
    }
    previousAt = at;
  }
  // Attempts that were asked but never answered: their caller left, time was up, or a hedge beside them was faster.
  for (let missing = attempts - answers.length; missing > 0; missing -= 1) {
    const hedge = hedgedAt ?? Number.POSITIVE_INFINITY;
    const later = answers.findIndex(({ departedAt }) => departedAt >= hedge);
    const departedAt = later >= 0 ? startedAt : Math.min(hedge, previousAt);
    answers.splice(later >= 0 ? later : answers.length, 0, { departedAt, durationMs: undefined, failure: undefined });
  }
  return answers;
}

/** The answer to the attempt that left nearest to a moment, of answers in the order in which their attempts left. */
export function nearestAnswer(answers: readonly RecordedAnswer[], at: number): RecordedAnswer | undefined {
  let low = 0;
  let high = answers.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((answers[middle] as RecordedAnswer).departedAt < at) low = middle + 1;
    else high = middle;
  }
  const [before, after] = [answers[low - 1], answers[low]];
  if (before === undefined || after === undefined) return before ?? after;
  return at - before.departedAt <= after.departedAt - at ? before : after;
}

/** Answers as it was answered then. Without an answer, at once. */
export async function answerAgain(
  answer: RecordedAnswer | undefined,
  clock: Clock,
  signal: AbortSignal,
): Promise<string> {
  if (answer !== undefined) {
    if (answer.durationMs === undefined) return new Promise(() => {});
    await clock.sleep(answer.durationMs, signal);
    if (answer.failure !== undefined) throw errorOf(answer.failure);
  }
  return 'replayed';
}

const refusals: Readonly<Record<string, RejectionReason>> = {
  CIRCUIT_OPEN: 'open',
  CAPACITY_FULL: 'full',
  LIMIT_EXCEEDED: 'limited',
  RETRY_BUDGET_EXHAUSTED: 'over-budget',
  DEADLINE_EXCEEDED: 'out-of-time',
  LIMITER_UNAVAILABLE: 'unavailable',
  FORBIDDEN_ADDRESS: 'forbidden',
  CLOSED: 'closed',
};

/** An error that is judged as the one was that a record's reason stands for: its code, and its status if it had one. */
function errorOf(reason: string): Error {
  const [code = 'UNKNOWN', status] = reason.split(' ');
  const message = `As recorded: ${reason}`;
  const refusal = refusals[code];
  if (refusal !== undefined) return new RejectedError(message, refusal);
  switch (code) {
    case 'ABORTED':
      return new DOMException(message, 'AbortError');
    case 'NETWORK_ERROR':
      return new NetworkError(message);
    case 'RATE_LIMITED':
      return new RateLimitError(message);
    case 'UPSTREAM_ERROR':
      return new UpstreamError(message, Number(status));
    case 'SERVICE_ERROR':
    case 'NOT_FOUND':
    case 'VALIDATION_ERROR':
    case 'DUPLICATE':
      return new ServiceError(message, code);
    default:
      // Foreign errors count as passing; so do time-outs of the work itself and failures of a cache.
      return new FailedError(message, code, { retryable: ['UNKNOWN', 'TIMEOUT', 'CACHE_ERROR'].includes(code) });
  }
}
