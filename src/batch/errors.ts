import { type ErrorOptions, type ErrorRecord, PlinthError, ServiceError } from '../errors/index.ts';
import type { BatchResult } from './batch-result.ts';

/** More items failed than `maxFailures` allows. The `cause` is the failure that was one too many. */
export class BatchFailedError extends ServiceError {
  /** How many items had failed. */
  readonly failed: number;
  /** How many may fail. */
  readonly maxFailures: number;
  /** What `processBatch` had until then, in the order of the items. Not enumerable: it does not reach logs. */
  declare readonly results: readonly BatchResult<unknown, unknown>[];

  constructor(
    message: string,
    failed: number,
    maxFailures: number,
    options: ErrorOptions & { readonly results?: readonly BatchResult<unknown, unknown>[] } = {},
  ) {
    super(message, 'BATCH_FAILED', { ...options, details: { failed, max_failures: maxFailures, ...options.details } });
    this.failed = failed;
    this.maxFailures = maxFailures;
    Object.defineProperty(this, 'results', { value: options.results ?? [], enumerable: false });
  }
}

/** What is wrong with a checkpoint, in a word. */
export type CheckpointProblem = 'another-job' | 'unreadable' | 'in-use' | 'not-written' | 'unfit-value';

/** A checkpoint cannot be used, or can be used no longer. It was left as it is. */
export class CheckpointError extends PlinthError {
  /** What is wrong, in a word. */
  readonly problem: CheckpointProblem;

  constructor(message: string, problem: CheckpointProblem, options: ErrorOptions = {}) {
    super(message, checkpointCodes[problem], options);
    this.problem = problem;
  }
}

const checkpointCodes = {
  'another-job': 'CHECKPOINT_OF_ANOTHER_JOB',
  unreadable: 'CHECKPOINT_UNREADABLE',
  'in-use': 'CHECKPOINT_IN_USE',
  'not-written': 'CHECKPOINT_NOT_WRITTEN',
  'unfit-value': 'CHECKPOINT_VALUE_UNFIT',
} as const satisfies Record<CheckpointProblem, string>;

/**
 * The failure of an item as the checkpoint knows it: message, `code`, `retryable` and details are those of the error that
 * the work threw, its class is not. Look at `code`.
 */
export class RecordedError extends PlinthError {
  /** The name of the error that was recorded. */
  readonly recordedName: string;

  constructor({ name, code, message, ...options }: ErrorRecord) {
    super(message, code, options);
    this.recordedName = name;
  }
}
