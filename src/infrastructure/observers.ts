import type { BatchEvents } from '../batch/index.ts';
import type { QueuedBatchEvents } from '../batch/pg-boss/index.ts';
import type { CacheManager } from '../cache/index.ts';
import type { DatabaseManager } from '../database/index.ts';
import type { HealthRegistry } from '../health/index.ts';
import type { ContractEvents } from '../http/index.ts';
import type { Clock, EventSource } from '../kernel/index.ts';
import { type EventLine, type Logging, logEvents, logStreams } from '../logging/index.ts';
import type { CallRecord } from '../pipeline/index.ts';
import type { FileStorageManager } from '../storage/index.ts';
import type { Dependencies } from './dependencies.ts';
import type { Limits } from './limits.ts';

/** The rooms whose events are written into the logs. */
export interface ObservedRooms {
  readonly dependencies: Dependencies;
  readonly limits: Limits;
  readonly cache: CacheManager;
  readonly storage: FileStorageManager;
  readonly database: DatabaseManager<never>;
  readonly health: HealthRegistry;
}

/**
 * Writes what the rooms tell into the logs: every call to the outside, every change of a breaker, of its numbers and of a
 * limit, slow and failed SQL.
 */
export function logRooms(logging: Logging, rooms: ObservedRooms, options: { readonly echo: boolean }): void {
  const { dependencies, limits, cache, storage, database, health } = rooms;
  // Each dependency has its own logger below `api`, so the call picks it.
  dependencies.events.on('call', record => {
    const { level = 'INFO', message, fields } = callLine(record);
    logging.getLogger(`api.${record.dependency}`).log(level, message, fields);
  });
  dependencies.events.on('changed', ({ dependency, changes }) => {
    logging.getLogger(`api.${dependency}`).info('Numbers changed', { changes });
  });
  logBreakersAndLimits(logging, dependencies, limits);
  logCache(logging, cache);
  logStorage(logging, storage);
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
    'transaction-retried': ({ attempt, delayMs, error }) => ({
      message: 'Transaction lost against others, and is run again',
      fields: { attempt, delay: delayMs / 1_000, error },
    }),
    replica: ({ name, state, previous, lagMs, error }) => ({
      level: state === 'ready' ? 'INFO' : 'WARNING',
      message: `Replica ${name}: ${previous} -> ${state}`,
      fields: { ...(lagMs !== undefined && { lag: lagMs / 1_000 }), ...(error && { error }) },
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

/** How many failed items of one batch have a line; a job may have thousands, all for the same reason. */
const maxFailureLines = 10;

/** Writes what a batch processor tells into the log `batch.<name>`. */
export function logBatch(
  logging: Logging,
  { name, events }: { readonly name: string; readonly events: EventSource<BatchEvents> },
): void {
  let failures = 0;
  logEvents(events, logging.getLogger(`batch.${name}`), {
    started: ({ total, recorded }) => {
      failures = 0;
      return { message: 'Batch started', fields: { ...(total !== undefined && { total }), recorded } };
    },
    // No line holds the item: it may be somebody's name. Its index leads to it.
    'item-failed': ({ index, error }) => {
      failures += 1;
      if (failures > maxFailureLines) return undefined;
      const isLast = failures === maxFailureLines;
      const message = isLast ? 'Item failed; those that fail after it are only counted' : 'Item failed';
      return { level: 'WARNING', message, fields: { index, error } };
    },
    paused: () => ({ message: 'Batch paused' }),
    resumed: () => ({ message: 'Batch resumed' }),
    ended: ({ outcome, done, failed, recorded, elapsedMs, error }) => ({
      level: outcome === 'failed' ? 'WARNING' : 'INFO',
      message: `Batch ${outcome}`,
      fields: { done, failed, recorded, duration: elapsedMs / 1_000, ...(error !== undefined && { error }) },
    }),
  });
}

/**
 * Writes into the log `contract.<name>` that a source sends something else than it did. No line holds a record: it may be
 * about somebody.
 */
export function logContract(
  logging: Logging,
  { name, events }: { readonly name: string; readonly events: EventSource<ContractEvents> },
): void {
  let unreadable = 0;
  logEvents(events, logging.getLogger(`contract.${name}`), {
    drift: ({ kind, path, expected, found }) => ({
      level: 'WARNING',
      message: `The source has changed: ${kind}`,
      fields: { path, expected, found },
    }),
    quarantined: ({ id, error, path }) => {
      unreadable += 1;
      if (unreadable > maxFailureLines) return undefined;
      const isLast = unreadable === maxFailureLines;
      const message = isLast ? 'Record in quarantine; those after it are only counted' : 'Record in quarantine';
      return { level: 'WARNING', message, fields: { id, error, ...(path !== undefined && { path }) } };
    },
    'quarantine-failed': ({ records, error }) => ({
      level: 'ERROR',
      message: 'The quarantine cannot take records in',
      fields: { records, error },
    }),
  });
}

/** Writes what a queued batch tells into the log `batch.<name>`; of failed items, so many lines a minute. */
export function logQueuedBatch(
  logging: Logging,
  { name, events }: { readonly name: string; readonly events: EventSource<QueuedBatchEvents> },
  clock: Clock,
): void {
  let failures = 0;
  let minute = 0;
  logEvents(events, logging.getLogger(`batch.${name}`), {
    'item-failed': ({ index, error }) => {
      const now = Math.floor(clock.monotonic() / 60_000);
      failures = now === minute ? failures + 1 : 1;
      minute = now;
      if (failures > maxFailureLines) return undefined;
      const isLast = failures === maxFailureLines;
      const message = isLast ? 'Item failed; those that fail in the same minute are only counted' : 'Item failed';
      return { level: 'WARNING', message, fields: { index, error } };
    },
    'storage-failed': ({ error }) => ({
      level: 'WARNING',
      message: 'The queue could not be asked',
      fields: { error },
    }),
    ended: ({ done, failed, elapsedMs }) => ({
      message: 'Job completed',
      fields: { done, failed, duration: elapsedMs / 1_000 },
    }),
  });
}

// No line holds a key: it may be somebody's name.
function logCache(logging: Logging, cache: CacheManager): void {
  logEvents(cache.events, logging.getLogger('cache'), {
    degraded: ({ name, error }) => ({
      level: 'WARNING',
      message: `Cache ${name}: its store is away, memory goes on alone`,
      fields: { error },
    }),
    recovered: ({ name, awayMs }) => ({
      message: `Cache ${name}: its store is there again`,
      fields: { away: awayMs / 1_000 },
    }),
    unusable: ({ name, reason, bytes }) => ({
      level: 'WARNING',
      message: `Cache ${name}: an entry could not be read, and counts as a miss`,
      fields: { reason, bytes },
    }),
    unstorable: ({ name, error }) => ({
      level: 'WARNING',
      message: `Cache ${name}: a value cannot be kept in the store`,
      fields: { error },
    }),
  });
}

// No line holds the name of a file: it may be about somebody.
function logStorage(logging: Logging, storage: FileStorageManager): void {
  logEvents(storage.events, logging.getLogger('storage'), {
    saved: ({ bytes, storedBytes, durationMs, replaced, repeated }) => ({
      message: repeated ? 'File was there already' : 'File saved',
      fields: { bytes, stored_bytes: storedBytes, duration: durationMs / 1_000, replaced },
    }),
    refused: ({ code }) => ({ level: 'WARNING', message: 'File refused', fields: { error_code: code } }),
    deleted: ({ bytes }) => ({ message: 'File deleted', fields: { bytes } }),
    corrupt: ({ error }) => ({ level: 'ERROR', message: 'A file is not what was written', fields: { error } }),
  });
}

function logBreakersAndLimits(logging: Logging, dependencies: Dependencies, limits: Limits): void {
  logEvents(dependencies.events, logging.getLogger(logStreams.breakers), {
    'state-changed': ({ name, from, to, reason, mode }) => ({
      level: to === 'open' && mode !== 'shadow' ? 'WARNING' : 'INFO',
      message: `Circuit ${name}: ${from} -> ${to}`,
      fields: { reason, ...(mode && { mode }) },
    }),
  });
  logEvents(dependencies.events, logging.getLogger(logStreams.limiters), {
    'pace-changed': ({ name, from, to, reason }) => ({
      level: to < from ? 'WARNING' : 'DEBUG',
      message: `Pace of ${name}: ${to < from ? 'slower' : 'faster'}`,
      fields: { from, to, reason },
    }),
    paused: ({ name, pauseMs }) => ({
      level: 'WARNING',
      message: `Pace of ${name}: paused, as the source asked`,
      fields: { pause: pauseMs / 1_000 },
    }),
  });
  // No line holds the subject: it may be a credential. The id of the request leads to who it was.
  logEvents(limits.events, logging.getLogger(logStreams.limiters), {
    denied: ({ name, cost, retryAfterMs, shadow }) => ({
      message: shadow ? `Limit ${name}: would be denied` : `Limit ${name}: denied`,
      fields: { cost, retry_after: retryAfterMs / 1_000 },
    }),
    rejected: ({ name, reason }) => ({ level: 'DEBUG', message: `Limit ${name}: did not wait`, fields: { reason } }),
    evicted: ({ name }) => ({ level: 'DEBUG', message: `Limit ${name}: forgot a key, there are too many` }),
    reconfigured: ({ name, from, to }) => ({ message: `Limit ${name}: numbers changed`, fields: { from, to } }),
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
