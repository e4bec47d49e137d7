import type { DatabaseManager } from '../database/index.ts';
import type { HealthRegistry } from '../health/index.ts';
import { type EventLine, type Logging, logEvents, logStreams } from '../logging/index.ts';
import type { CallRecord } from '../pipeline/index.ts';
import type { Dependencies } from './dependencies.ts';

/** The rooms whose events are written into the logs. */
export interface ObservedRooms {
  readonly dependencies: Dependencies;
  readonly database: DatabaseManager<never>;
  readonly health: HealthRegistry;
}

/** Writes what the rooms tell into the logs: every call to the outside, every change of a breaker, slow and failed SQL. */
export function logRooms(logging: Logging, rooms: ObservedRooms, options: { readonly echo: boolean }): void {
  const { dependencies, database, health } = rooms;
  // Each dependency has its own logger below `api`, so the call picks it.
  dependencies.events.on('call', record => {
    const { level = 'INFO', message, fields } = callLine(record);
    logging.getLogger(`api.${record.dependency}`).log(level, message, fields);
  });
  logEvents(dependencies.events, logging.getLogger(logStreams.breakers), {
    'state-changed': ({ name, from, to, reason }) => ({
      level: to === 'open' ? 'WARNING' : 'INFO',
      message: `Circuit ${name}: ${from} -> ${to}`,
      fields: { reason },
    }),
  });
  logEvents(database.events, logging.getLogger(logStreams.database), {
    state: ({ previous, state, engine }) => ({
      level: 'DEBUG',
      message: `Database: ${previous} -> ${state}`,
      fields: { engine },
    }),
    'slow-query': ({ sql, durationMs, rows }) => ({
      level: 'WARNING',
      message: 'Slow query',
      fields: { sql, duration: durationMs / 1_000, rows },
    }),
    'connection-error': ({ error, attempt }) => ({
      level: 'WARNING',
      message: 'Connection failed',
      fields: { error, attempt },
    }),
    ...(options.echo && {
      query: ({ sql, durationMs, rows, error }) => ({
        message: sql,
        fields: { duration: durationMs / 1_000, rows, ...(error && { error_code: error.code }) },
      }),
    }),
  });
  logEvents(health.events, logging.getLogger('health'), {
    'status-changed': ({ name, from, to, message }) =>
      from === 'unknown' && to === 'up'
        ? undefined
        : {
            level: to === 'up' ? 'INFO' : 'WARNING',
            message: `${name}: ${from} -> ${to}`,
            fields: message ? { reason: message } : {},
          },
  });
}

function callLine(record: CallRecord): EventLine {
  const { operation, durationMs, attempts, freshness, result, error } = record;
  const fields = {
    operation,
    duration: durationMs / 1_000,
    attempts,
    ...(freshness && { freshness }),
    ...(error && { error_code: error.code }),
  };
  if (result !== 'ok') return { level: 'WARNING', message: `Call ${result}`, fields };
  if (freshness !== 'fresh') return { level: 'WARNING', message: `Call answered with a ${freshness} value`, fields };
  return attempts > 0
    ? { message: 'Call answered', fields }
    : { level: 'DEBUG', message: 'Call answered from memory', fields };
}
