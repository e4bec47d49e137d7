import { ArgumentError, type ErrorOptions, ServiceError } from '../../errors/index.ts';

/**
 * Why a request was not run because of its idempotency key: it is missing where one is required, it is no key, it came
 * before with another request, a request with it is under way, its answer was not kept, or nobody knows because the store
 * of the keys is away.
 */
export type IdempotencyProblem = 'missing' | 'malformed' | 'reused' | 'in-progress' | 'not-kept' | 'unavailable';

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
  unavailable: 'IDEMPOTENCY_UNAVAILABLE',
} as const satisfies Record<IdempotencyProblem, string>;

/** Another request has the key. */
export function inProgress(): IdempotencyError {
  return new IdempotencyError(
    'A request with this Idempotency-Key is under way: send it again in a moment to get its answer',
    'in-progress',
    { retryable: true, retryAfterMs: 1_000 },
  );
}

/** The store was asked about a key and gave no answer. */
export function storeUnavailable(cause: unknown): IdempotencyError {
  return new IdempotencyError(
    'Cannot look up this Idempotency-Key at the moment: the request was not run. Send it again, with the same key',
    'unavailable',
    { retryable: true, retryAfterMs: 1_000, cause },
  );
}

/** An answer was to become part of a transaction, in a store without any. */
export function noTransactions(where: string): ArgumentError {
  return new ArgumentError(`Cannot keep an answer ${where} within a transaction: use SqlIdempotencyStore`, 'within');
}
