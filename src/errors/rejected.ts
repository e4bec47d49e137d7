import { type ErrorOptions, PlinthError } from './plinth-error.ts';

/** Why Plinth refused a call before it left the process. */
export type RejectionReason = 'open' | 'full' | 'limited' | 'over-budget' | 'out-of-time' | 'closed';

/**
 * A refusal by us: the call never reached the dependency. A refusal says nothing about the dependency's health, so it
 * never trips a breaker and is never counted as a failure of the other side.
 */
export class RejectedError extends PlinthError {
  /** Which stage refused, in one word. */
  readonly reason: RejectionReason;

  constructor(message: string, reason: RejectionReason, options: ErrorOptions = {}) {
    super(message, rejectionCodes[reason], options);
    this.reason = reason;
  }
}

const rejectionCodes = {
  open: 'CIRCUIT_OPEN',
  full: 'CAPACITY_FULL',
  limited: 'LIMIT_EXCEEDED',
  'over-budget': 'RETRY_BUDGET_EXHAUSTED',
  'out-of-time': 'DEADLINE_EXCEEDED',
  closed: 'CLOSED',
} as const satisfies Record<RejectionReason, string>;
