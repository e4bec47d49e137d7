import { getRequestContext, runWithRequestContext } from '../context/index.ts';
import { PlinthError, RejectedError } from '../errors/index.ts';
import { type Clock, untilAborted } from '../kernel/index.ts';
import type { ConnectionSource } from './connection-source.ts';
import { ConnectionLostError, TooManyConnectionsError } from './errors.ts';
import type { DatabaseHealth, HealthCheckOptions } from './health.ts';

/** Whom a check asks. */
export interface HealthSources {
  /** The connections of the program. */
  readonly pool: () => ConnectionSource;
  /** Asks on a way beside them. Fails when the database is not well. */
  readonly beside: () => Promise<void>;
  readonly clock: Clock;
}

/**
 * Asks for an answer, which has to come by the given time instead of the deadline of the request. It only reads, so
 * nothing is uncertain when it gets none.
 */
export async function ping(source: ConnectionSource, answerByMs?: number): Promise<void> {
  const connection = await source.lend();
  const asking = (): Promise<unknown> => connection.run('select 1');
  try {
    // A context makes every promise of the process dearer from then on, so a program that has none gets none by this.
    await (answerByMs === undefined ? asking() : runWithRequestContext({ deadlineMs: answerByMs }, asking));
  } finally {
    await connection.release();
  }
}

/**
 * Asks on a connection of the pool; when none is to be had in half the time, beside the pool, so that a pool that is full
 * is not taken for a dead server.
 */
export async function checkHealth(
  sources: HealthSources,
  { timeoutMs = 1_500, signal }: HealthCheckOptions,
): Promise<Pick<DatabaseHealth, 'healthy' | 'saturated' | 'error'>> {
  const { clock } = sources;
  const limit = new AbortController();
  const timer = clock.setTimer(timeoutMs, () => limit.abort(silentError(timeoutMs)));
  try {
    const startMs = clock.monotonic();
    const untilMs = Math.min(startMs + timeoutMs, getRequestContext().deadlineMs ?? Number.POSITIVE_INFINITY);
    const asking = ask(sources, startMs + (untilMs - startMs) / 2, untilMs);
    return { healthy: true, saturated: await untilAborted(untilAborted(asking, signal), limit.signal) };
  } catch (error) {
    return { healthy: false, saturated: false, error: toHealthError(error) };
  } finally {
    timer.cancel();
  }
}

/** Whether the pool is full; fails when the database gives no answer. */
async function ask({ pool, beside }: HealthSources, lentByMs: number, untilMs: number): Promise<boolean> {
  const source = pool();
  try {
    await runWithRequestContext({ deadlineMs: lentByMs }, () => ping(source, untilMs));
    return false;
  } catch (error) {
    // No time, no free connection: that says nothing about the database.
    if (!(error instanceof RejectedError)) throw error;
  }
  try {
    await runWithRequestContext({ deadlineMs: untilMs }, beside);
  } catch (error) {
    // It is there to say so.
    if (!(error instanceof TooManyConnectionsError)) throw error;
  }
  return source.isFull;
}

function silentError(timeoutMs: number): ConnectionLostError {
  return new ConnectionLostError(`The database did not answer within ${timeoutMs} ms`);
}

function toHealthError(error: unknown): PlinthError {
  if (error instanceof PlinthError) return error;
  return new ConnectionLostError('The database did not answer before the check was given up', { cause: error });
}
