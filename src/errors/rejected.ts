import { type ErrorOptions, PlinthError } from './plinth-error.ts';

/** Why Plinth refused a call before it left the process. */
export type RejectionReason =
  | 'open'
  | 'full'
  | 'limited'
  | 'over-budget'
  | 'out-of-time'
  | 'unavailable'
  | 'forbidden'
  | 'closed';

/**
 * A refusal by us: the call never reached the dependency. A refusal says nothing about the dependency's health, so it
 * never trips a breaker and is never counted as a failure of the other side.
 *
 * It carries no stack: refusals are most frequent when load is highest, and taking a stack is most of an error's cost.
 */
export class RejectedError extends PlinthError {
  /** Which stage refused, in one word. */
  readonly reason: RejectionReason;

  constructor(message: string, reason: RejectionReason, options: ErrorOptions = {}) {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(message, rejectionCodes[reason], options);
    Error.stackTraceLimit = stackTraceLimit;
    this.reason = reason;
  }
}

const rejectionCodes = {
  open: 'CIRCUIT_OPEN',
  full: 'CAPACITY_FULL',
  limited: 'LIMIT_EXCEEDED',
  'over-budget': 'RETRY_BUDGET_EXHAUSTED',
  'out-of-time': 'DEADLINE_EXCEEDED',
  unavailable: 'LIMITER_UNAVAILABLE',
  forbidden: 'FORBIDDEN_ADDRESS',
  closed: 'CLOSED',
} as const satisfies Record<RejectionReason, string>;
