import { ArgumentError } from '../errors/index.ts';

/** How serious a line is. These names, and no others, stand in the output. */
export type LogLevel = 'DEBUG' | 'INFO' | 'WARNING' | 'ERROR' | 'CRITICAL';

/** All levels, from the least to the most serious. */
export const logLevels: readonly LogLevel[] = Object.freeze(['DEBUG', 'INFO', 'WARNING', 'ERROR', 'CRITICAL']);

/** The place of a level in {@link logLevels}. The hot path compares these, not names. */
export type LevelRank = 0 | 1 | 2 | 3 | 4;

export const rankOf: Readonly<Record<LogLevel, LevelRank>> = Object.freeze({
  DEBUG: 0,
  INFO: 1,
  WARNING: 2,
  ERROR: 3,
  CRITICAL: 4,
});

/** A level from a person's hand, in any case. Throws `ArgumentError` that lists the five names. */
export function toLogLevel(text: string, argument = 'level'): LogLevel {
  const name = text.trim().toUpperCase();
  const level = logLevels.find(candidate => candidate === name);
  if (level !== undefined) return level;
  throw new ArgumentError(`Unknown log level "${text}" in ${argument}; use one of ${logLevels.join(', ')}`, argument);
}
