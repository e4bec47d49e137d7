import { type ErrorOptions, FailedError } from '../../errors/index.ts';

/** The workers that had an item in hand ended without a word, again and again: the item may be what ends them. */
export class WorkerLostError extends FailedError {
  /** How often that happened. */
  readonly losses: number;

  constructor(losses: number, options: ErrorOptions = {}) {
    super(`The item was not tried again because ${losses} workers were lost while they had it`, 'WORKER_LOST', {
      ...options,
      details: { losses, ...options.details },
    });
    this.losses = losses;
  }
}
