import { ValidationError } from 'plinth/errors';

/** Whether a text is the number of a study: `NCT` in any case and eight digits. */
export function isNctId(text: string): boolean {
  return /^NCT\d{8}$/i.test(text);
}

/**
 * The number of a study, in capitals and without outer spaces.
 *
 * @throws {ValidationError} when it is none, so that nothing is asked.
 */
export function parseNctId(nctId: unknown): string {
  const text = typeof nctId === 'string' ? nctId.trim() : '';
  if (isNctId(text)) return text.toUpperCase();
  const found = typeof nctId === 'string' ? JSON.stringify(nctId.slice(0, 50)) : String(nctId);
  throw new ValidationError('Invalid study number', {
    nctId: `Expected NCT and eight digits, such as NCT02220894, got ${found}`,
  });
}
