import { ArgumentError } from '../errors/index.ts';
import { requireInteger } from '../kernel/index.ts';
import type { ModelParameters } from './llm-provider.ts';

/** @throws {ArgumentError} that names the parameter which no provider can use. */
export function requireParameters({ temperature, topP, maxOutputTokens, stopSequences }: ModelParameters): void {
  if (temperature !== undefined && !(temperature >= 0 && temperature <= 2)) {
    throw new ArgumentError(`Cannot use temperature: expected 0 to 2, got ${temperature}`, 'temperature');
  }
  if (topP !== undefined && !(topP > 0 && topP <= 1)) {
    throw new ArgumentError(`Cannot use topP: expected a number above 0 and at most 1, got ${topP}`, 'topP');
  }
  if (maxOutputTokens !== undefined) requireInteger('maxOutputTokens', maxOutputTokens, 1);
  if (stopSequences?.some(text => text === '')) {
    throw new ArgumentError('Cannot use stopSequences: expected texts, got an empty one', 'stopSequences');
  }
}
