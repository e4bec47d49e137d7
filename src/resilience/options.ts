import { ArgumentError } from '../errors/index.ts';

/** Refuses an option that is not a whole number within its bounds. */
export function requireInteger(name: string, value: number, minimum: number): number {
  if (Number.isSafeInteger(value) && value >= minimum) return value;
  throw new ArgumentError(`Cannot use ${name}: expected a whole number of at least ${minimum}, got ${value}`, name);
}

/** Refuses an option that is not a finite duration within its bounds. */
export function requireDuration(name: string, value: number, minimumMs: number): number {
  if (Number.isFinite(value) && value >= minimumMs) return value;
  throw new ArgumentError(`Cannot use ${name}: expected milliseconds of at least ${minimumMs}, got ${value}`, name);
}
