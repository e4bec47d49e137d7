import type { PoolClient, Submittable } from 'pg';
import { getRequestContext } from '../context/index.ts';
import { ArgumentError, type PlinthError } from '../errors/index.ts';
import type { Timer } from '../kernel/index.ts';
import { toDatabaseError } from './error-translation.ts';
import { ConnectionLostError, QueryTimeoutError } from './errors.ts';
import { KnownColumns, LaneQuery, writeValues } from './lane-query.ts';
import { setPipeline, streamOf } from './pool-inside.ts';
import { isStaleStatement, type PreparedStatement } from './prepared-statement.ts';
import { observeStatement, type StatementObserver } from './statement-events.ts';
import { outOfTime } from './statement-stop.ts';
import { maxParameters, tooManyParameters } from './statement-text.ts';

/** What the reads of a pool share. */
export interface ReadLanesParts extends StatementObserver {
  /** Whether statements may keep their names. */
  readonly usesNames: boolean;
}

/** Where connections come from. */
export interface LaneConnections {
  /** Takes a connection of the pool that is alive. */
  take(): Promise<PoolClient>;
  /** How many wait for a connection. */
  waiting(): number;
}

interface Read {
  readonly statement: PreparedStatement;
  /** As they are sent. */
  readonly values: readonly unknown[];
  readonly startMs: number;
  readonly resolve: (rows: readonly never[]) => void;
  readonly reject: (error: unknown) => void;
  /** Whether it may be sent once more: it was not yet, and somebody waits for it. */
  isRepeatable: boolean;
  /** Where it was sent. */
  lane: Lane | undefined;
}

/** How many reads of one lane are under way at most. */
const readsAtOnce = 64;
/** How long a connection may stay silent after a read on it was late, before it is closed, in milliseconds. */
const silenceMs = 1_000;
/** How many reads a lane takes in all, so that a connection that is always busy is recycled one day all the same. */
const readsPerLane = 10_000;

/**
 * Reads that are sent behind each other on one connection without waiting for the answers between them: fewer system
 * calls on both sides, and fewer connections. Each is a transaction of its own, so one that fails does not harm the
 * next. Only for reads that are quick, such as by key: a slow one keeps those behind it.
 *
 * A lane holds its connection only while it has reads, and takes no more of them when somebody waits for a connection.
 */
export class ReadLanes {
  readonly #parts: ReadLanesParts;
  readonly #connections: LaneConnections;
  /** Of each connection, as long as it lives. */
  readonly #columns = new WeakMap<PoolClient, KnownColumns>();
  #current: Lane | undefined;

  constructor(parts: ReadLanesParts, connections: LaneConnections) {
    this.#parts = parts;
    this.#connections = connections;
  }

  /** Runs one read and gives its rows. Throws at once what is wrong with the call. */
  run<Row>(statement: PreparedStatement, parameters: readonly unknown[]): Promise<readonly Row[]> {
    if (!statement.reads) throw writeError();
    if (parameters.length > maxParameters) throw tooManyParameters(parameters.length);
    const values = writeValues(parameters);
    const startMs = this.#parts.clock.monotonic();
    const { deadlineMs } = getRequestContext();
    if (deadlineMs !== undefined && startMs >= deadlineMs) return Promise.reject(outOfTime());
    return new Promise<readonly never[]>((resolve, reject) => {
      const read: Read = { statement, values, startMs, resolve, reject, isRepeatable: true, lane: undefined };
      if (deadlineMs === undefined) this.#place(read);
      else this.#placeUntil(deadlineMs, read);
    });
  }

  /** A read that is late is not cancelled, because the connection is not its own: nobody waits for it any more. */
  #placeUntil(deadlineMs: number, read: Read): void {
    const timer = this.#parts.clock.setTimer(deadlineMs - read.startMs, () => {
      placed.isRepeatable = false;
      read.reject(lateError());
      placed.lane?.doubt();
    });
    const placed: Read = {
      ...read,
      resolve: rows => {
        timer.cancel();
        read.resolve(rows);
      },
      reject: error => {
        timer.cancel();
        read.reject(error);
      },
    };
    this.#place(placed);
  }

  #place(read: Read): void {
    const lane = this.#current;
    if (lane?.accepts() === true) {
      lane.add(read);
      return;
    }
    const opened = new Lane(this.#parts, this.#connections, again => {
      if (this.#current === opened) this.#current = undefined;
      this.#place(again);
    });
    this.#current = opened;
    opened.add(read);
    this.#connections.take().then(
      client => opened.start(client, this.#columnsOf(client)),
      (error: unknown) => opened.fail(error),
    );
  }

  #columnsOf(client: PoolClient): KnownColumns {
    const known = this.#columns.get(client) ?? new KnownColumns();
    this.#columns.set(client, known);
    return known;
  }
}

/** One connection and the reads on their way through it. */
class Lane {
  readonly #parts: ReadLanesParts;
  readonly #connections: LaneConnections;
  readonly #again: (read: Read) => void;
  #held: Read[] = [];
  #client: PoolClient | undefined;
  #columns = new KnownColumns();
  #count = 0;
  #total = 0;
  #isOver = false;
  #isBroken = false;
  /** Whether the connection was closed for the sake of one read that was late: the others are not to blame. */
  #isGivenUp = false;
  #isCorked = false;
  /** Runs from a read that was late until the next answer. */
  #doubt: Timer | undefined;

  constructor(parts: ReadLanesParts, connections: LaneConnections, again: (read: Read) => void) {
    this.#parts = parts;
    this.#connections = connections;
    this.#again = again;
  }

  accepts(): boolean {
    if (
      this.#isOver ||
      this.#isBroken ||
      this.#doubt !== undefined ||
      this.#count >= readsAtOnce ||
      this.#total >= readsPerLane
    )
      return false;
    return this.#client === undefined || this.#connections.waiting() === 0;
  }

  add(read: Read): void {
    this.#count += 1;
    this.#total += 1;
    read.lane = this;
    if (this.#client === undefined) this.#held.push(read);
    else this.#send(this.#client, read);
  }

  start(client: PoolClient, columns: KnownColumns): void {
    this.#client = client;
    this.#columns = columns;
    setPipeline(client, true);
    for (const read of this.#held) this.#send(client, read);
    this.#held = [];
  }

  /** A read was late: perhaps nobody is there. Others go elsewhere until an answer comes, and the connection ends without. */
  doubt(): void {
    const client = this.#client;
    if (client === undefined || this.#isOver) return;
    this.#doubt ??= this.#parts.clock.setTimer(silenceMs, () => {
      this.#isBroken = true;
      this.#isGivenUp = true;
      // A pipelined connection would wait for the answers.
      setPipeline(client, false);
      void client.end();
    });
  }

  /** No connection came. */
  fail(error: unknown): void {
    this.#isOver = true;
    for (const { reject } of this.#held) reject(error);
    this.#held = [];
  }

  #send(client: PoolClient, read: Read): void {
    const { statement, values } = read;
    const name = this.#parts.usesNames ? statement.name : undefined;
    this.#cork(client);
    const config = { text: statement.sql, values: values as unknown[], ...(name !== undefined && { name }) };
    const query = new LaneQuery(config, this.#columns, (cause, result) => {
      const error = cause ? this.#failureOf(cause) : undefined;
      this.#doubt?.cancel();
      this.#doubt = undefined;
      this.#count -= 1;
      this.#settle(read, error, result);
      if (this.#count === 0) this.#releaseSoon(client);
    });
    client.query(query as unknown as Submittable);
  }

  #settle(read: Read, error: PlinthError | undefined, result: { readonly rows: readonly never[] }): void {
    if (error !== undefined && read.isRepeatable && (this.#isGivenUp || isStaleStatement(error))) {
      read.isRepeatable = false;
      this.#again(read);
      return;
    }
    const rows = error === undefined ? result.rows : [];
    observeStatement(this.#parts, read.statement.sql, read.startMs, rows.length, error);
    if (error === undefined) read.resolve(rows);
    else read.reject(error);
  }

  #failureOf(cause: Error): PlinthError {
    const error = toDatabaseError(cause);
    if (error instanceof ConnectionLostError || isStaleStatement(error)) this.#isBroken = true;
    return error;
  }

  /** Whoever got the answer may ask again at once, and shall find the connection still here. */
  #releaseSoon(client: PoolClient): void {
    queueMicrotask(() => process.nextTick(() => this.#release(client)));
  }

  #release(client: PoolClient): void {
    if (this.#isOver || this.#count > 0) return;
    this.#isOver = true;
    setPipeline(client, false);
    client.release(this.#isBroken);
  }

  /** What is sent in one turn leaves in one piece. */
  #cork(client: PoolClient): void {
    if (this.#isCorked) return;
    const stream = streamOf(client);
    this.#isCorked = true;
    stream.cork();
    process.nextTick(() => {
      this.#isCorked = false;
      stream.uncork();
    });
  }
}

/** Said to who waited for a shared read until the deadline. */
function lateError(): QueryTimeoutError {
  return new QueryTimeoutError('The answer of the database did not arrive before the deadline of the request');
}

function writeError(): ArgumentError {
  const message =
    'Cannot run a statement that was not prepared with reads: true beside others: write with db or transaction';
  return new ArgumentError(message, 'statement');
}
