import { PlinthError } from '../errors/index.ts';

/** Parts could not be closed. The others were closed nevertheless. */
export class ClosingError extends PlinthError {
  /** What went wrong, in the order of closing. */
  readonly errors: readonly unknown[];

  constructor(errors: readonly unknown[]) {
    const reasons = errors.map(error => (error instanceof Error ? error.message : String(error)));
    super(`Not everything could be closed: ${reasons.join('; ')}`, 'CLOSING_FAILED', { cause: errors[0] });
    this.errors = errors;
  }
}
