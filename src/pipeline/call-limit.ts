import type { Clock, DeadlineQueue } from '../kernel/index.ts';
import type { GuardPolicies } from './policies.ts';

/** How long a call may take. */
export interface CallLimit {
  /** The length, in milliseconds. */
  readonly timeoutMs: number;
  /** The end, on the monotonic clock, in milliseconds. */
  readonly deadlineMs: number;
  /** Where calls of this length wait for their end together; without it on a timer of their own. */
  readonly queue: DeadlineQueue | undefined;
  /** Whether running into this limit speaks against the dependency: only when nothing nearer limits an attempt. */
  readonly isVerdict: boolean;
}

/** The nearer one of the guard's own limit and the moment when the caller stops waiting. */
export function callLimit(
  { deadline, attemptTimeout }: GuardPolicies,
  callerDeadlineMs: number | undefined,
  clock: Clock,
): CallLimit | undefined {
  if (deadline === undefined && callerDeadlineMs === undefined) return undefined;
  // The coarse clock may lag, which makes this end early; the end itself is kept by the queue, which is never early.
  const nowMs = callerDeadlineMs === undefined ? clock.monotonicCoarse() : clock.monotonic();
  const callerMs = callerDeadlineMs === undefined ? Number.POSITIVE_INFINITY : callerDeadlineMs - nowMs;
  if (deadline === undefined || callerMs < deadline.timeoutMs)
    return { timeoutMs: callerMs, deadlineMs: nowMs + callerMs, queue: undefined, isVerdict: false };
  const { timeoutMs, queue } = deadline;
  const isVerdict = attemptTimeout === undefined || attemptTimeout.timeoutMs >= timeoutMs;
  return { timeoutMs, deadlineMs: nowMs + timeoutMs, queue, isVerdict };
}

/**
 * How much earlier than the call the stages inside must end, in milliseconds: what is left is for covering their failure
 * with an older value. At the deadline itself nobody would be there to take it.
 */
const coverTimeMs = 20;

/** The limit of the stages inside of those that cover. */
export function shortened({ timeoutMs, deadlineMs, isVerdict }: CallLimit): CallLimit {
  const coverMs = Math.min(coverTimeMs, timeoutMs / 2);
  return { timeoutMs: timeoutMs - coverMs, deadlineMs: deadlineMs - coverMs, queue: undefined, isVerdict };
}
