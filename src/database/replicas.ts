import { getRequestContext, runWithRequestContext } from '../context/index.ts';
import { RejectedError } from '../errors/index.ts';
import type { Clock, Timer } from '../kernel/index.ts';
import type { ConnectionSource } from './connection-source.ts';
import type { LentConnection } from './lent-connection.ts';
import { parseLogPosition } from './log-position.ts';
import { ReadConnection } from './read-connection.ts';
import { closeSource, type LogSample, type Replica } from './replica.ts';
import type { ReplicaStatus } from './replica-status.ts';

/** What {@link Replicas} are made of. */
export interface ReplicasParts {
  readonly replicas: readonly Replica[];
  /** Lends connections to the primary. */
  readonly primary: () => Promise<LentConnection>;
  /** A connection to the primary, to ask how far its log is. */
  readonly watch: ConnectionSource;
  readonly maxLagMs: number;
  readonly checkMs: number;
  readonly clock: Clock;
}

/** How long a server may take to answer a check, in milliseconds. */
const checkTimeoutMs = 2_000;

/**
 * Chooses who answers a read. Each look at the servers first asks the primary how far its log is, then each replica how
 * far it has replayed: a replica that is past the primary's position has replayed whatever was committed before the look
 * began. So a write needs no message of its own to be found again: it notes when it was, and reads of the same request go
 * to the primary until a replica has caught up with a later moment.
 */
export class Replicas {
  readonly #parts: ReplicasParts;
  /** When each request last wrote, the oldest first. Work outside of any request counts as one. */
  readonly #writes = new Map<string, number>();
  #samples: LogSample[] = [];
  #timer: Timer | undefined;
  #checking: Promise<void> | undefined;
  #turn = 0;

  constructor(parts: ReplicasParts) {
    this.#parts = parts;
  }

  /** Looks at the servers, now and from now on. */
  start(): void {
    // Not with the deadline of whoever opened the manager.
    runWithRequestContext({ deadlineMs: undefined }, () => {
      this.#timer = this.#parts.clock.setRepeatingTimer(this.#parts.checkMs, () => void this.check());
      void this.check();
    });
  }

  /** Looks no more, and closes the connections of the replicas. */
  async close(drainTimeoutMs: number): Promise<void> {
    this.#timer?.cancel();
    const { watch, replicas } = this.#parts;
    await Promise.all([closeSource(watch, 0), ...replicas.map(replica => replica.close(drainTimeoutMs))]);
  }

  get status(): readonly ReplicaStatus[] {
    return this.#parts.replicas.map(({ status }) => status);
  }

  /** Notes that the current request has written. */
  noteWrite(): void {
    const key = getRequestContext().requestId ?? '';
    // Out and in again, so that the oldest stays in front.
    this.#writes.delete(key);
    this.#writes.set(key, this.#parts.clock.monotonic());
  }

  /** A connection for reads that sees the request's own writes, and those up to a position. */
  async lend(after: string | undefined): Promise<LentConnection> {
    const position = after === undefined ? undefined : parseLogPosition(after);
    const replica = this.#choose(position);
    if (replica === undefined) return new ReadConnection(await this.#parts.primary(), undefined);
    const failOver = {
      toPrimary: this.#parts.primary,
      onLost: (error: unknown): void => replica.fail(error),
    };
    try {
      return new ReadConnection(await replica.lend(), failOver);
    } catch (error) {
      // No time, no free connection, closing: that says nothing about the server.
      if (error instanceof RejectedError) throw error;
      replica.fail(error);
      return new ReadConnection(await this.#parts.primary(), undefined);
    }
  }

  /** Looks at the servers once; who asks meanwhile joins. */
  check(): Promise<void> {
    this.#checking ??= this.#check().finally(() => {
      this.#checking = undefined;
    });
    return this.#checking;
  }

  async #check(): Promise<void> {
    const { replicas, maxLagMs } = this.#parts;
    await this.#inTime(() => this.#sample());
    await Promise.all(replicas.map(replica => this.#inTime(() => replica.check(this.#samples, maxLagMs))));
    this.#forgetWrites();
  }

  /** Without an answer of the primary the replicas are compared with what it said last. */
  async #sample(): Promise<void> {
    const { watch, clock, maxLagMs, checkMs } = this.#parts;
    const atMs = clock.monotonic();
    const position = await readPosition(watch).catch(() => undefined);
    if (position === undefined) return;
    const keptMs = maxLagMs + 2 * checkMs;
    this.#samples = this.#samples.filter(sample => atMs - sample.atMs <= keptMs);
    this.#samples.push({ atMs, position: parseLogPosition(position) });
  }

  #inTime(work: () => Promise<void>): Promise<void> {
    return runWithRequestContext({ deadlineMs: this.#parts.clock.monotonic() + checkTimeoutMs }, work);
  }

  /** A replica that is ready is not further behind than this, so it has caught up with older writes. */
  #forgetWrites(): void {
    const newest = this.#samples.at(-1);
    if (newest === undefined) return;
    for (const [key, atMs] of this.#writes) {
      if (atMs >= newest.atMs - this.#parts.maxLagMs) return;
      this.#writes.delete(key);
    }
  }

  /** The one with the least to do; among equals each in turn. */
  #choose(position: bigint | undefined): Replica | undefined {
    const { replicas } = this.#parts;
    const writtenAtMs = this.#writes.get(getRequestContext().requestId ?? '');
    this.#turn = (this.#turn + 1) % replicas.length;
    let best: Replica | undefined;
    let fewest = Number.POSITIVE_INFINITY;
    for (let index = 0; index < replicas.length; index += 1) {
      const replica = replicas[(index + this.#turn) % replicas.length] as Replica;
      if (!replica.serves(writtenAtMs, position)) continue;
      const { active, waiting } = replica.source.stats;
      if (active + waiting >= fewest) continue;
      best = replica;
      fewest = active + waiting;
    }
    return best;
  }
}

/** How far the log of a primary is. */
export async function readPosition(source: { lend: ConnectionSource['lend'] }): Promise<string> {
  const connection = await source.lend();
  try {
    const { rows } = await connection.run<{ position: string }>('select pg_current_wal_lsn()::text as position');
    return (rows[0] as { position: string }).position;
  } finally {
    await connection.release();
  }
}
