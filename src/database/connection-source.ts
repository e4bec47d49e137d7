import type { Pool, PoolClient } from 'pg';
import { getRequestContext } from '../context/index.ts';
import type { PlinthError } from '../errors/index.ts';
import { untilAborted } from '../kernel/index.ts';
import { toDatabaseError } from './error-translation.ts';
import { AcquireTimeoutError, ConnectionLostError } from './errors.ts';
import { poolInside, setPipeline, streamOf } from './pool-inside.ts';
import type { PoolStats } from './pool-stats.ts';
import { type ConnectionParts, PooledConnection } from './pooled-connection.ts';
import { ReadLanes } from './read-lanes.ts';
import { outOfTime } from './statement-stop.ts';

/** What a {@link ConnectionSource} is made of. */
export interface SourceParts extends ConnectionParts {
  /** Fires when the manager closes: the pool forgets those who wait in its queue, so their wait ends here. */
  readonly closing: AbortSignal;
  /** How long the pool waits for a free connection, and a loan in all for one that is alive, in milliseconds. */
  readonly acquireTimeoutMs: number;
  /** Said to those who wait in vain. */
  readonly acquireAdvice: string;
  /** A connection that was idle for so long is asked for a sign of life before it is lent, in milliseconds. */
  readonly prePingAfterMs: number;
}

/** How long a connection may take for a sign of life, in milliseconds. */
const pingTimeoutMs = 1_000;

/** One pool of the driver: lends its connections alive, and closes with grace or without. */
export class ConnectionSource {
  /** Quick reads that share connections. */
  readonly reads: ReadLanes;
  readonly #pool: Pool;
  readonly #parts: SourceParts;
  /** Open connections, and since when each of them is idle. */
  readonly #clients = new Map<PoolClient, number>();

  constructor(pool: Pool, parts: SourceParts) {
    this.#pool = pool;
    this.#parts = parts;
    this.reads = new ReadLanes(parts, { take: () => this.#takeAlive(undefined), waiting: () => pool.waitingCount });
    const { clock, events } = parts;
    // Without a listener a broken connection would end the process: one for those that wait in the pool, one for those
    // on loan, whose next statement fails.
    pool.on('error', error => events.emit('connection-error', { error: toDatabaseError(error), attempt: 0 }));
    pool.on('connect', client => {
      this.#clients.set(client, Number.POSITIVE_INFINITY);
      client.on('error', () => undefined);
    });
    pool.on('release', (_error, client) => {
      if (this.#clients.has(client)) this.#clients.set(client, clock.monotonic());
    });
    pool.on('remove', client => this.#clients.delete(client));
  }

  /** The connections at this moment. */
  get stats(): PoolStats {
    const { totalCount: total, idleCount: idle, waitingCount: waiting } = this.#pool;
    return { total, idle, active: total - idle, waiting };
  }

  /** @throws {AcquireTimeoutError} when none became free in time. */
  async lend(): Promise<PooledConnection> {
    return new PooledConnection(await this.#takeAlive(getRequestContext().deadlineMs), this.#parts);
  }

  /** Whether every connection that may be opened is on loan. */
  get isFull(): boolean {
    return this.#pool.idleCount === 0 && this.#pool.totalCount >= this.#pool.options.max;
  }

  /** Closes every connection, those on loan and those that are still being made included. */
  breakOff(): void {
    const connecting = poolInside(this.#pool)._clients.filter(client => !this.#clients.has(client));
    for (const client of this.#clients.keys()) {
      // A pipelined connection would wait for answers that may not come.
      setPipeline(client, false);
      void client.end();
      streamOf(client).destroy();
    }
    // Not ended first: of one that was ended the driver tells nobody who waits for it.
    for (const client of connecting) streamOf(client).destroy();
  }

  /** Lends no more, and closes each connection when it comes back. `false` when not all came back in time. */
  drain(timeoutMs: number): Promise<boolean> {
    return new Promise(resolve => {
      const timer = this.#parts.clock.setTimer(timeoutMs, () => resolve(false), { keepsProcessAlive: true });
      void this.#pool.end().then(() => {
        timer.cancel();
        // Each has been told to go; a server that is frozen would never answer.
        for (const client of this.#clients.keys()) streamOf(client).destroySoon?.();
        resolve(true);
      });
    });
  }

  async #takeAlive(deadlineMs: number | undefined): Promise<PoolClient> {
    const startMs = this.#parts.clock.monotonic();
    if (deadlineMs !== undefined && startMs >= deadlineMs) throw outOfTime();
    const client = await this.#inTime(this.#pool.connect(), deadlineMs, outOfTime);
    if (!this.#isDoubtful(client)) return client;
    const limitMs = startMs + this.#parts.acquireTimeoutMs;
    return deadlineMs !== undefined && deadlineMs <= limitMs
      ? await this.#inTime(this.#firstAlive(client), deadlineMs, outOfTime)
      : await this.#inTime(this.#firstAlive(client), limitMs, () => this.#silentError());
  }

  /** What arrives too late goes back to the pool by itself. */
  async #inTime(
    arriving: Promise<PoolClient>,
    limitMs: number | undefined,
    late: () => PlinthError,
  ): Promise<PoolClient> {
    try {
      const waiting = untilAborted(arriving, this.#parts.closing);
      return await (limitMs === undefined ? waiting : this.#before(limitMs, waiting, late));
    } catch (error) {
      arriving.then(
        client => client.release(),
        () => undefined,
      );
      throw this.#acquireError(error);
    }
  }

  #before<Value>(limitMs: number, waiting: Promise<Value>, late: () => PlinthError): Promise<Value> {
    const { clock } = this.#parts;
    return new Promise((resolve, reject) => {
      const timer = clock.setTimer(limitMs - clock.monotonic(), () => reject(late()));
      waiting.then(resolve, reject).finally(() => timer.cancel());
    });
  }

  /** This connection, or the first after it that is alive. */
  async #firstAlive(client: PoolClient): Promise<PoolClient> {
    let candidate = client;
    while (this.#isDoubtful(candidate) && !(await this.#ping(candidate))) {
      candidate.release(true);
      candidate = await this.#pool.connect();
    }
    return candidate;
  }

  /** A connection that was just used needs no sign of life. */
  #isDoubtful(client: PoolClient): boolean {
    const { clock, prePingAfterMs } = this.#parts;
    const idleSinceMs = this.#clients.get(client) ?? Number.POSITIVE_INFINITY;
    return clock.monotonic() - idleSinceMs >= prePingAfterMs;
  }

  async #ping(client: PoolClient): Promise<boolean> {
    const { clock } = this.#parts;
    const startMs = clock.monotonic();
    const timer = clock.setTimer(pingTimeoutMs, () => {
      void client.end();
      this.#dropSilent(startMs);
    });
    try {
      await client.query('select 1');
      return true;
    } catch (error) {
      this.#parts.events.emit('connection-error', { error: toDatabaseError(error), attempt: 0 });
      return false;
    } finally {
      timer.cancel();
    }
  }

  /** Where one connection is silent, so are others from which nothing was heard since: each would cost the same wait. */
  #dropSilent(sinceMs: number): void {
    for (const { client } of poolInside(this.#pool)._idle) {
      if ((this.#clients.get(client) ?? sinceMs) > sinceMs) continue;
      // The pool removes it as soon as it is closed, but may lend it until then.
      this.#clients.set(client, Number.NEGATIVE_INFINITY);
      streamOf(client).destroy();
    }
  }

  #acquireError(error: unknown): PlinthError {
    if (error instanceof Error && error.message === 'timeout exceeded when trying to connect') {
      const { acquireTimeoutMs, acquireAdvice } = this.#parts;
      // A caller may read the message; what to do about it is for whoever runs the service.
      const message = `No database connection became free within ${acquireTimeoutMs} ms`;
      return new AcquireTimeoutError(message, acquireTimeoutMs, acquireAdvice);
    }
    return toDatabaseError(error);
  }

  #silentError(): ConnectionLostError {
    const { acquireTimeoutMs } = this.#parts;
    return new ConnectionLostError(`No database connection showed a sign of life within ${acquireTimeoutMs} ms`);
  }
}
