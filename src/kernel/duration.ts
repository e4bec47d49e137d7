import { ArgumentError } from '../errors/index.ts';

const unitsMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/**
 * Reads a human duration as milliseconds. For settings files and variables only: code uses numbers in milliseconds.
 *
 * @param text A number with a unit (`250ms`, `30s`, `5m`, `2h`, `30d`, `1h30m`).
 * @throws {ArgumentError} when the text is not a duration.
 * @example
 * parseDuration('1h30m'); // 5_400_000
 */
export function parseDuration(text: string): number {
  const compact = text.trim();
  if (!/^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/.test(compact)) {
    throw new ArgumentError(
      `Cannot read "${text}" as a duration: expected a number with a unit, such as 250ms, 30s, 5m`,
      'duration',
    );
  }
  let totalMs = 0;
  for (const [, amount, unit] of compact.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) {
    totalMs += Number(amount) * unitsMs[unit as keyof typeof unitsMs];
  }
  if (totalMs > Number.MAX_SAFE_INTEGER) {
    throw new ArgumentError(
      `Cannot read "${text}" as a duration: expected at most ${Number.MAX_SAFE_INTEGER}ms`,
      'duration',
    );
  }
  // Binary fractions: 1.005 s is 1004.9999999999999 ms before it is rounded to whole microseconds.
  return Number.isInteger(totalMs) ? totalMs : Math.round(totalMs * 1_000) / 1_000;
}

/**
 * Writes milliseconds the way people say them.
 *
 * @example
 * formatDuration(90_000); // '1m30s'
 */
export function formatDuration(durationMs: number): string {
  if (!Number.isFinite(durationMs)) return String(durationMs);
  if (durationMs < 0) return `-${formatDuration(-durationMs)}`;
  if (durationMs < 1_000) return `${Math.round(durationMs * 1_000) / 1_000}ms`;
  let remainingMs = Math.round(durationMs);
  let text = '';
  for (const unit of ['d', 'h', 'm', 's', 'ms'] as const) {
    const count = Math.floor(remainingMs / unitsMs[unit]);
    if (count > 0) text += `${count}${unit}`;
    remainingMs -= count * unitsMs[unit];
  }
  return text;
}
