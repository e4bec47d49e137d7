import type { Pool, PoolClient } from 'pg';
import { getRequestContext } from '../context/index.ts';
import type { PlinthError } from '../errors/index.ts';
import { untilAborted } from '../kernel/index.ts';
import { toDatabaseError } from './error-translation.ts';
import { AcquireTimeoutError } from './errors.ts';
import type { PoolStats } from './pool-stats.ts';
import { type ConnectionParts, outOfTime, PooledConnection } from './pooled-connection.ts';
import { ReadLanes, setPipeline } from './read-lanes.ts';

/** What a {@link ConnectionSource} is made of. */
export interface SourceParts extends ConnectionParts {
  /** Fires when the manager closes: the pool forgets those who wait in its queue, so their wait ends here. */
  readonly closing: AbortSignal;
  /** How long the pool waits for a free connection, in milliseconds; for the message. */
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

  /** Closes every connection, those on loan included. */
  breakOff(): void {
    for (const client of this.#clients.keys()) {
      // A pipelined connection would wait for answers that may not come.
      setPipeline(client, false);
      void client.end();
    }
  }

  /** Lends no more, and closes each connection when it comes back. `false` when not all came back in time. */
  drain(timeoutMs: number): Promise<boolean> {
    return new Promise(resolve => {
      const timer = this.#parts.clock.setTimer(timeoutMs, () => resolve(false), { keepsProcessAlive: true });
      void this.#pool.end().then(() => {
        timer.cancel();
        resolve(true);
      });
    });
  }

  async #takeAlive(deadlineMs: number | undefined): Promise<PoolClient> {
    for (;;) {
      const client = await this.#take(deadlineMs);
      const isAlive = this.#isAlive(client);
      if (isAlive === true || (await isAlive)) return client;
      client.release(true);
    }
  }

  async #take(deadlineMs: number | undefined): Promise<PoolClient> {
    const { clock, closing } = this.#parts;
    if (deadlineMs !== undefined && clock.monotonic() >= deadlineMs) throw outOfTime();
    const arriving = this.#pool.connect();
    try {
      const waiting = untilAborted(arriving, closing);
      return await (deadlineMs === undefined ? waiting : this.#before(deadlineMs, waiting));
    } catch (error) {
      arriving.then(
        client => client.release(),
        () => undefined,
      );
      throw this.#acquireError(error);
    }
  }

  #before<Value>(deadlineMs: number, waiting: Promise<Value>): Promise<Value> {
    const { clock } = this.#parts;
    return new Promise((resolve, reject) => {
      const timer = clock.setTimer(deadlineMs - clock.monotonic(), () => reject(outOfTime()));
      waiting.then(resolve, reject).finally(() => timer.cancel());
    });
  }

  /** Not a promise, mostly: a connection that was just used needs no sign of life. */
  #isAlive(client: PoolClient): true | Promise<boolean> {
    const { clock, prePingAfterMs } = this.#parts;
    const idleSinceMs = this.#clients.get(client) ?? Number.POSITIVE_INFINITY;
    return clock.monotonic() - idleSinceMs < prePingAfterMs || this.#ping(client);
  }

  async #ping(client: PoolClient): Promise<boolean> {
    const timer = this.#parts.clock.setTimer(pingTimeoutMs, () => void client.end());
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

  #acquireError(error: unknown): PlinthError {
    if (error instanceof Error && error.message === 'timeout exceeded when trying to connect') {
      const { acquireTimeoutMs, acquireAdvice } = this.#parts;
      return new AcquireTimeoutError(
        `No database connection became free within ${acquireTimeoutMs} ms. ${acquireAdvice}`,
        acquireTimeoutMs,
      );
    }
    return toDatabaseError(error);
  }
}
