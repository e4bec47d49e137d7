import { type ErrorOptions, PlinthError } from '../errors/index.ts';

/**
 * The model answered, but not with what was agreed: no JSON, another shape, or half of it. Retryable: the next answer may
 * be better. It says nothing about the provider, so it opens no breaker.
 *
 * Its message names the fields that are wrong, never what stands in them.
 */
export class ModelAnswerError extends PlinthError {
  constructor(message: string, options: ErrorOptions = {}) {
    super(message, 'MODEL_ANSWER_INVALID', { retryable: true, ...options });
  }
}
