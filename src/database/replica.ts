import { setMaxListeners } from 'node:events';
import { ConfigurationError, PlinthError } from '../errors/index.ts';
import { type Events, untilAborted } from '../kernel/index.ts';
import type { ConnectionSource } from './connection-source.ts';
import { ConnectionLostError } from './errors.ts';
import type { DatabaseEvents, ReplicaState } from './events.ts';
import { parseLogPosition } from './log-position.ts';
import type { PooledConnection } from './pooled-connection.ts';
import type { ReplicaStatus } from './replica-status.ts';

/** Where the primary's log was at a moment: what had been committed by then stands before it. */
export interface LogSample {
  readonly atMs: number;
  readonly position: bigint;
}

/** One standby server. */
export class Replica {
  readonly name: string;
  /** The connections for reads. */
  readonly source: ConnectionSource;
  /** A connection beside them, so that a busy pool is not taken for a dead server. */
  readonly watch: ConnectionSource;
  readonly #events: Events<DatabaseEvents>;
  #state: ReplicaState = 'unknown';
  #lagMs: number | undefined;
  /** The moment before which all that was committed has been replayed here. */
  #caughtUpToMs = Number.NEGATIVE_INFINITY;
  #replayed = -1n;
  /** Ends the waits for a connection when the replica is found dead. */
  #use = newUse();
  #isClosed = false;

  constructor(name: string, source: ConnectionSource, watch: ConnectionSource, events: Events<DatabaseEvents>) {
    this.name = name;
    this.source = source;
    this.watch = watch;
    this.#events = events;
  }

  get status(): ReplicaStatus {
    return { name: this.name, state: this.#state, lagMs: this.#lagMs, pool: this.source.stats };
  }

  /** Whether a read may be answered here that must see all writes before a moment and up to a position. */
  serves(writtenAtMs: number | undefined, position: bigint | undefined): boolean {
    if (this.#state !== 'ready') return false;
    if (writtenAtMs !== undefined && this.#caughtUpToMs <= writtenAtMs) return false;
    return position === undefined || this.#replayed >= position;
  }

  /** A connection for reads. @throws {ConnectionLostError} also when the replica is found dead meanwhile. */
  async lend(): Promise<PooledConnection> {
    const arriving = this.source.lend();
    try {
      return await untilAborted(arriving, this.#use.signal);
    } catch (error) {
      arriving.then(
        connection => connection.release(),
        () => undefined,
      );
      throw error;
    }
  }

  /** Asks how much has been replayed, and compares it with what the primary had written. */
  async check(samples: readonly LogSample[], maxLagMs: number): Promise<void> {
    try {
      const { isStandby, position } = await this.#replayedPosition();
      if (!isStandby) throw notStandby(this.name);
      const replayed = parseLogPosition(position);
      // Made anew from an older copy: what it had replayed once says nothing any more.
      if (replayed < this.#replayed) this.#caughtUpToMs = Number.NEGATIVE_INFINITY;
      this.#replayed = replayed;
    } catch (error) {
      return this.fail(error);
    }
    const caughtUp = samples.findLast(sample => sample.position <= this.#replayed);
    if (caughtUp !== undefined) this.#caughtUpToMs = caughtUp.atMs;
    const [oldest, newest] = [samples[0], samples.at(-1)];
    // Nothing is known of the primary yet: so nothing is known of the distance to it.
    if (oldest === undefined || newest === undefined) return;
    const lagMs = newest.atMs - this.#caughtUpToMs;
    if (Number.isFinite(lagMs)) return this.#moveTo(lagMs > maxLagMs ? 'lagging' : 'ready', lagMs);
    // It has caught up with none of them: at first that says little.
    this.#moveTo(newest.atMs - oldest.atMs > maxLagMs ? 'lagging' : 'unknown', undefined);
  }

  /** Leaves the replica out until it answers again. Reads that it has in hand are broken off and go elsewhere. */
  fail(cause: unknown): void {
    // A look that was under way: what is in hand is let come back.
    if (this.#isClosed) return;
    const options = { cause };
    const error = cause instanceof PlinthError ? cause : new ConnectionLostError('The replica did not answer', options);
    this.#moveTo('unreachable', undefined, error);
    this.source.breakOff();
    const use = this.#use;
    this.#use = newUse();
    use.abort(error);
  }

  /** Lets reads in hand come back, for a while, and closes the connections. */
  async close(drainTimeoutMs: number): Promise<void> {
    this.#isClosed = true;
    await Promise.all([closeSource(this.watch, 0), closeSource(this.source, drainTimeoutMs)]);
  }

  async #replayedPosition(): Promise<{ isStandby: boolean; position: string }> {
    const connection = await this.watch.lend();
    try {
      const { rows } = await connection.run<{ isStandby: boolean; position: string }>(
        `select pg_is_in_recovery() as "isStandby", coalesce(pg_last_wal_replay_lsn(), '0/0')::text as position`,
      );
      return rows[0] as { isStandby: boolean; position: string };
    } finally {
      await connection.release();
    }
  }

  #moveTo(state: ReplicaState, lagMs: number | undefined, error?: PlinthError): void {
    const previous = this.#state;
    this.#state = state;
    this.#lagMs = lagMs;
    if (state === previous || !this.#events.has('replica')) return;
    this.#events.emit('replica', { name: this.name, state, previous, lagMs, ...(error && { error }) });
  }
}

/** Closes a source, gently when all comes back in time. */
export async function closeSource(source: ConnectionSource, drainTimeoutMs: number): Promise<void> {
  if (!(await source.drain(drainTimeoutMs))) source.breakOff();
}

/** Any number of reads may wait for a connection. */
function newUse(): AbortController {
  const use = new AbortController();
  setMaxListeners(0, use.signal);
  return use;
}

function notStandby(name: string): ConfigurationError {
  return new ConfigurationError(`The server at ${name} is no standby: it does not replay the log of another server`);
}
