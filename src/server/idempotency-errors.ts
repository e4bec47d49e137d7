import { type ErrorOptions, ServiceError } from '../errors/index.ts';

/**
 * What is wrong with the idempotency key of a request: it is missing where one is required, it is no key, it came before
 * with another request, a request with it is under way, or its answer was not kept.
 */
export type IdempotencyProblem = 'missing' | 'malformed' | 'reused' | 'in-progress' | 'not-kept';

/** A request was not run because of its idempotency key. */
export class IdempotencyError extends ServiceError {
  /** What is wrong, in one word. */
  readonly problem: IdempotencyProblem;

  constructor(message: string, problem: IdempotencyProblem, options: ErrorOptions = {}) {
    super(message, codes[problem], options);
    this.problem = problem;
  }
}

const codes = {
  missing: 'IDEMPOTENCY_KEY_MISSING',
  malformed: 'IDEMPOTENCY_KEY_MALFORMED',
  reused: 'IDEMPOTENCY_KEY_REUSED',
  'in-progress': 'IDEMPOTENCY_IN_PROGRESS',
  'not-kept': 'IDEMPOTENCY_ANSWER_NOT_KEPT',
} as const satisfies Record<IdempotencyProblem, string>;

/** Another request has the key. */
export function inProgress(): IdempotencyError {
  return new IdempotencyError(
    'A request with this Idempotency-Key is under way: send it again in a moment to get its answer',
    'in-progress',
    { retryable: true, retryAfterMs: 1_000 },
  );
}
