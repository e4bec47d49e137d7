const wholeNumber = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

/** `12345` as `12,345`. */
export function formatCount(count: number): string {
  return wholeNumber.format(count);
}

/** A number with its noun: `1 call`, `2 calls`. */
export function formatCounted(count: number, one: string, many: string = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

/** How long something took: `0.4 ms`, `182 ms`, `1.24 s`, `2 min 5 s`. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds < 9.95) return `${milliseconds.toFixed(1)} ms`;
  if (milliseconds < 999.5) return `${milliseconds.toFixed(0)} ms`;
  if (milliseconds < 59_995) return `${(milliseconds / 1_000).toFixed(2)} s`;
  return formatSpan(milliseconds);
}

/** A long time in at most two units: `12 s`, `5 min 3 s`, `2 h 14 min`, `3 d 4 h`. */
export function formatSpan(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1_000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return joinUnits(minutes, 'min', seconds % 60, 's');
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return joinUnits(hours, 'h', minutes % 60, 'min');
  return joinUnits(Math.floor(hours / 24), 'd', hours % 24, 'h');
}

/** The age of a value: `just fetched`, `340 ms old`, `12 s old`. */
export function formatAge(milliseconds: number): string {
  if (milliseconds <= 0) return 'just fetched';
  return `${milliseconds < 1_000 ? formatDuration(milliseconds) : formatSpan(milliseconds)} old`;
}

/** The time of day of this machine, to the millisecond: `12:03:04.250`. */
export function formatTime(epochMs: number): string {
  return `${formatTimeOfDay(epochMs)}.${pad(new Date(epochMs).getMilliseconds(), 3)}`;
}

/** The time of day of this machine: `12:03:04`. */
export function formatTimeOfDay(epochMs: number): string {
  const date = new Date(epochMs);
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map(part => pad(part, 2)).join(':');
}

/** A moment in ISO 8601 as a date and a time of this machine: `21/11/2026, 03:49:07`. */
export function formatMoment(iso: string): string {
  return new Date(iso).toLocaleString('en-GB');
}

function pad(value: number, width: number): string {
  return String(value).padStart(width, '0');
}

function joinUnits(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}
