import type { CompiledQuery, QueryResult, TransactionSettings } from 'kysely';
import type { QueryResult as DriverResult, PoolClient } from 'pg';
import { getRequestContext } from '../context/index.ts';
import { ArgumentError, PlinthError } from '../errors/index.ts';
import { toDatabaseError } from './error-translation.ts';
import { ConnectionLostError, DatabaseError, TransactionAbortedError } from './errors.ts';
import type { LentConnection } from './lent-connection.ts';
import { isStaleStatement, type NamedQuery } from './prepared-statement.ts';
import { observeStatement, type StatementObserver } from './statement-events.ts';
import { StatementStop, type StopParts, stoppedError } from './statement-stop.ts';
import { assertSendable, cleanSession, mayChangeSession, mayCommit, mayWrite } from './statement-text.ts';
import { type PartOwner, TransactionPart } from './transaction-part.ts';

/** What all connections of a pool share. */
export interface ConnectionParts extends StatementObserver, StopParts {
  /** Whether a statement that has a name may keep it on the connection. */
  readonly usesNames: boolean;
  /** Told when something may have been written. `undefined` when nobody has to know. */
  readonly onWrite: (() => void) | undefined;
}

/** How a text is run. */
interface RunOptions {
  readonly parameters?: readonly unknown[];
  /** The name under which the connection keeps the text. */
  readonly name?: string | undefined;
  /** Whether the work may have taken effect when its answer is lost. */
  readonly outcomeMatters?: boolean;
  /** Whether a deadline or a signal may stop it at once. What ends a transaction is not cancelled. */
  readonly isStoppable?: boolean;
}

/**
 * How long the server may take to roll back, or to clean the session of a connection, in milliseconds: closing the
 * connection does the same.
 */
const undoTimeoutMs = 1_000;

/** One connection of the pool, from its loan to its return. */
export class PooledConnection implements LentConnection, PartOwner {
  readonly #client: PoolClient;
  readonly #parts: ConnectionParts;
  readonly #stop: StatementStop;
  #isBroken = false;
  #hasWritten = false;
  #hasRun = false;
  #isReturned = false;
  #usesNames: boolean;
  /** A statement that it knows by name does not fit any more: it is not lent again. */
  #isStale = false;
  /** Whether something may have been left in the session that the next borrower must not find. */
  #isSessionChanged = false;
  /** The part that is open, and the innermost of those. */
  #innermost: TransactionPart | undefined;
  #underWay = 0;
  /** The statement that was sent last. The driver answers in order, so when it is answered all are. */
  #last: Promise<unknown> | undefined;

  constructor(client: PoolClient, parts: ConnectionParts) {
    this.#client = client;
    this.#parts = parts;
    this.#stop = new StatementStop(client, parts);
    this.#usesNames = parts.usesNames;
  }

  stopOn(signal: AbortSignal): void {
    this.#stop.on(signal);
  }

  withoutNames(): void {
    this.#usesNames = false;
  }

  executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    return this.executeIn<Row>(undefined, query);
  }

  async executeIn<Row>(part: TransactionPart | undefined, query: CompiledQuery): Promise<QueryResult<Row>> {
    this.#assertInnermost(part);
    assertSendable(query);
    const { sql, parameters } = query;
    this.#isSessionChanged ||= mayChangeSession(sql);
    // A raw text may call what writes, however it begins.
    const outcomeMatters =
      (!this.#isInTransaction() || mayCommit(query)) && (query.query.kind === 'RawNode' || mayWrite(query));
    const { onWrite } = this.#parts;
    const isWrite = onWrite !== undefined && mayWrite(query);
    try {
      const name = (query as NamedQuery).statementName;
      const result = await this.#runFresh<Row & object>(sql, { parameters, outcomeMatters, name });
      return changingCommands.has(result.command)
        ? { rows: result.rows, numAffectedRows: BigInt(result.rowCount ?? 0) }
        : { rows: result.rows };
    } finally {
      // Also when it failed: the answer may be what was lost.
      if (isWrite) {
        this.#hasWritten = true;
        onWrite();
      }
    }
  }

  // biome-ignore lint/correctness/useYield: Kysely asks for the method, and it refuses.
  async *streamQuery<Row>(): AsyncIterableIterator<QueryResult<Row>> {
    throw new ArgumentError('Streaming is not available: read pages with a limit and a key instead', 'stream');
  }

  async begin({ isolationLevel, accessMode }: TransactionSettings): Promise<void> {
    const isolation = isolationLevel === undefined ? '' : ` isolation level ${isolationLevel}`;
    const access = accessMode === undefined ? '' : ` ${accessMode}`;
    await this.run(`start transaction${isolation}${access}${this.#serverSideLimit()}`);
  }

  async commit(): Promise<void> {
    this.#assertInnermost(undefined);
    this.#assertWhole();
    this.#stop.refuseLateCommit(getRequestContext().deadlineMs);
    try {
      const { command } = await this.run('commit', { outcomeMatters: true, isStoppable: false });
      if (command === 'ROLLBACK') throw new TransactionAbortedError();
    } finally {
      if (this.#hasWritten) this.#parts.onWrite?.();
    }
  }

  async rollback(): Promise<void> {
    this.#innermost = undefined;
    await this.#undo('rollback');
  }

  part(): Promise<TransactionPart> {
    return this.partIn(undefined);
  }

  async partIn(parent: TransactionPart | undefined): Promise<TransactionPart> {
    this.#assertInnermost(parent);
    if (!this.#isInTransaction()) throw noTransactionError();
    const part = new TransactionPart(this, parent);
    // Before it is sent: what is asked of the whole from here on would come after it.
    this.#innermost = part;
    try {
      await this.run(`savepoint ${part.name}`);
      return part;
    } catch (error) {
      this.#innermost = parent;
      throw error;
    }
  }

  async keep(part: TransactionPart): Promise<void> {
    this.#assertInnermost(part);
    this.#assertWhole();
    try {
      await this.run(`release savepoint ${part.name}`, { isStoppable: false });
      this.#innermost = part.parent;
    } catch (error) {
      throw error instanceof DatabaseError && error.sqlState === '25P02' ? new TransactionAbortedError() : error;
    }
  }

  async takeBack(part: TransactionPart): Promise<void> {
    if (!this.#isOpen(part)) return;
    await this.#undo(`rollback to savepoint ${part.name}; release savepoint ${part.name}`);
    this.#innermost = part.parent;
  }

  async release(): Promise<void> {
    this.#isReturned = true;
    this.#innermost = undefined;
    // A statement that nobody waited for may still begin a transaction, or fail: the next borrower shall not inherit it.
    if (this.#underWay > 0) await this.#last?.catch(() => undefined);
    if (this.#isInTransaction()) await this.#undo('rollback');
    if (this.#isSessionChanged && !this.#isStale) await this.#undo(cleanSession);
    this.#client.release(this.#isUnusable() || this.#isStale);
  }

  /** Runs one text, with parameters or, without any, several statements, of which the last result is given. */
  async run<Row extends object>(sql: string, options: RunOptions = {}): Promise<DriverResult<Row>> {
    if (this.#isReturned) throw returnedError();
    return await this.#run<Row>(sql, options);
  }

  /** What the connection knows by a name that no longer fits was refused before it ran, so it is sent once more, whole. */
  async #runFresh<Row extends object>(sql: string, options: RunOptions): Promise<DriverResult<Row>> {
    const name = this.#usesNames ? options.name : undefined;
    try {
      return await this.run<Row>(sql, { ...options, name });
    } catch (error) {
      if (name === undefined || !isStaleStatement(error) || this.#isInTransaction()) throw error;
      return await this.run<Row>(sql, { ...options, name: undefined });
    }
  }

  async #run<Row extends object>(sql: string, options: RunOptions): Promise<DriverResult<Row>> {
    const { name, outcomeMatters = false, isStoppable = true } = options;
    const { deadlineMs } = getRequestContext();
    const startMs = this.#parts.clock.monotonic();
    if (isStoppable) this.#stop.refuseLate(startMs, deadlineMs, this.#hasRun);
    this.#hasRun = true;
    this.#underWay += 1;
    try {
      const arriving = this.#send<Row>(sql, options);
      this.#last = arriving;
      const answer = isStoppable
        ? await this.#stop.wait(arriving, startMs, deadlineMs)
        : await this.#stop.waitForEnd(arriving, startMs, deadlineMs);
      const result = Array.isArray(answer) ? (answer.at(-1) as DriverResult<Row>) : answer;
      observeStatement(this.#parts, sql, startMs, result.rowCount ?? 0);
      return result;
    } catch (cause) {
      const isNamed = name !== undefined;
      const hasParameters = (options.parameters?.length ?? 0) > 0;
      const failure = toDatabaseError(cause, { outcomeUnknown: outcomeMatters, isNamed, hasParameters });
      if (isNamed && isStaleStatement(failure)) this.#leaveNames();
      if (failure instanceof ConnectionLostError) this.#isBroken = true;
      const error = this.#stop.explain(failure);
      observeStatement(this.#parts, sql, startMs, 0, error instanceof PlinthError ? error : stoppedError('signal'));
      throw error;
    } finally {
      this.#underWay -= 1;
    }
  }

  #send<Row extends object>(
    sql: string,
    { parameters = [], name }: RunOptions,
  ): Promise<DriverResult<Row> | DriverResult<Row>[]> {
    if (name !== undefined) return this.#client.query<Row>({ name, text: sql, values: [...parameters] });
    // Without parameters the driver speaks the simple protocol, the only one that takes several statements.
    return parameters.length === 0 ? this.#client.query<Row>(sql) : this.#client.query<Row>(sql, [...parameters]);
  }

  async #undo(sql: string): Promise<void> {
    // What is still under way is answered first, and has its own limits.
    if (this.#underWay > 0) await this.#last?.catch(() => undefined);
    if (this.#isUnusable()) return;
    const timer = this.#parts.clock.setTimer(undoTimeoutMs, () => void this.#client.end());
    try {
      await this.#run(sql, { isStoppable: false });
    } catch {
      this.#isBroken = true;
    } finally {
      timer.cancel();
    }
  }

  /** In a transaction, what runs after it was taken back shall not meet the same again. */
  #leaveNames(): void {
    this.#isStale = true;
    this.#usesNames = false;
  }

  #assertInnermost(part: TransactionPart | undefined): void {
    if (part === this.#innermost) return;
    throw new ArgumentError(
      'Cannot use this transaction now: a part of it is open, of which a failure would take this back, too, or it is a ' +
        'part that has ended. Use what the innermost part was given, and await its end before anything else',
      'within',
    );
  }

  #isOpen(part: TransactionPart): boolean {
    let open = this.#innermost;
    while (open !== undefined && open !== part) open = open.parent;
    return open === part;
  }

  #assertWhole(): void {
    if (this.#isUnusable()) throw this.#stop.reason ?? new TransactionAbortedError();
  }

  #isUnusable(): boolean {
    return this.#isBroken || this.#stop.isSpoilt;
  }

  #isInTransaction(): boolean {
    const status = this.#client.getTransactionStatus();
    return status === 'T' || status === 'E';
  }

  /** What the server itself shall do, in case this process is gone when the time is up. Costs no message of its own. */
  #serverSideLimit(): string {
    const { deadlineMs } = getRequestContext();
    if (deadlineMs === undefined || this.#parts.cancel === undefined) return '';
    const leftMs = Math.max(1, Math.min(maxStatementTimeoutMs, Math.ceil(deadlineMs - this.#parts.clock.monotonic())));
    // A limit that whoever runs the server has set, and that is shorter, stays.
    return `; select set_config('statement_timeout', '${leftMs}', true) where current_setting('statement_timeout') = '0'
      or current_setting('statement_timeout')::interval > interval '${leftMs} milliseconds'`;
  }
}

function noTransactionError(): ArgumentError {
  return new ArgumentError(
    'Cannot begin a part where there is no transaction: give within what the function of a transaction was given',
    'within',
  );
}

function returnedError(): ArgumentError {
  return new ArgumentError(
    'The connection was given back when its session or transaction ended, and belongs to others now: wait for every statement before the end',
    'db',
  );
}

/** What fits into the setting. */
const maxStatementTimeoutMs = 2_147_483_647;

const changingCommands: ReadonlySet<string> = new Set(['INSERT', 'UPDATE', 'DELETE', 'MERGE']);
