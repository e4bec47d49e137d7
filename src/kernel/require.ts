import { ArgumentError } from '../errors/index.ts';

/**
 * Refuses an option that is not a whole number within its bounds.
 *
 * @throws {ArgumentError} that names the option, its value and what was expected.
 */
export function requireInteger(
  name: string,
  value: number,
  minimum: number,
  maximum: number = Number.MAX_SAFE_INTEGER,
): number {
  if (Number.isSafeInteger(value) && value >= minimum && value <= maximum) return value;
  throw refusal(name, value, 'a whole number', minimum, maximum);
}

/**
 * Refuses an option that is not a finite number within its bounds.
 *
 * @throws {ArgumentError} that names the option, its value and what was expected.
 */
export function requireNumber(
  name: string,
  value: number,
  minimum: number,
  maximum: number = Number.MAX_SAFE_INTEGER,
): number {
  if (Number.isFinite(value) && value >= minimum && value <= maximum) return value;
  throw refusal(name, value, 'a number', minimum, maximum);
}

/**
 * Refuses an option that is not a finite number of milliseconds within its bounds.
 *
 * @throws {ArgumentError} that names the option, its value and what was expected.
 */
export function requireDuration(
  name: string,
  value: number,
  minimumMs: number,
  maximumMs: number = Number.MAX_SAFE_INTEGER,
): number {
  if (Number.isFinite(value) && value >= minimumMs && value <= maximumMs) return value;
  throw refusal(name, value, 'milliseconds', minimumMs, maximumMs);
}

function refusal(name: string, value: number, kind: string, minimum: number, maximum: number): ArgumentError {
  const bounds = maximum === Number.MAX_SAFE_INTEGER ? `of at least ${minimum}` : `from ${minimum} to ${maximum}`;
  return new ArgumentError(`Cannot use ${name}: expected ${kind} ${bounds}, got ${String(value)}`, name);
}
