import type { PlinthError } from '../errors/index.ts';
import type { Clock, Events } from '../kernel/index.ts';
import type { DatabaseEvents } from './events.ts';

/** Where statements are told, and how they are measured. */
export interface StatementObserver {
  /** Statements slower than this are told as `slow-query`, in milliseconds. */
  readonly slowQueryMs: number;
  /** Where statements are told. */
  readonly events: Events<DatabaseEvents>;
  /** Measures durations. */
  readonly clock: Clock;
}

/** Tells about a statement that ended, to those who listen. */
export function observeStatement(
  { events, clock, slowQueryMs }: StatementObserver,
  sql: string,
  startMs: number,
  rows: number,
  error?: PlinthError,
): void {
  const durationMs = clock.monotonic() - startMs;
  const isSlow = durationMs >= slowQueryMs && events.has('slow-query');
  if (!isSlow && !events.has('query')) return;
  const event = { sql, durationMs, rows, ...(error === undefined ? {} : { error }) };
  events.emit('query', event);
  if (isSlow) events.emit('slow-query', { ...event, thresholdMs: slowQueryMs });
}
