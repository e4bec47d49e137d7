import { getRequestContext, runWithRequestContext } from '../context/index.ts';
import { type PreparedStatement, QueryTimeoutError } from '../database/index.ts';
import type { Clock } from '../kernel/index.ts';
import type { ColumnKind } from './column-kind.ts';
import type { SqlValue } from './column-value.ts';
import { isUnfitValue } from './write-failure.ts';

type Key = string | number;
type FoundRow = Readonly<Record<string, unknown>>;

interface Waiter {
  readonly resolve: (row: FoundRow | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/** The same read for one key and for a list of them. */
export interface KeyStatements {
  readonly one: PreparedStatement;
  readonly many: PreparedStatement;
}

interface Batch {
  readonly statements: KeyStatements;
  readonly owner: Key | undefined;
  readonly waiters: Map<Key, Waiter[]>;
  /** The latest deadline of those who wait; infinite when one of them has none. */
  latestMs: number;
}

/** How many keys one statement asks for. */
const maxKeys = 1_000;

/** Runs one read outside of any transaction. */
export type ReadRows = (statement: PreparedStatement, values: readonly SqlValue[]) => Promise<readonly FoundRow[]>;

/**
 * Gathers the reads by key of one turn of the event loop into one statement. Each sees what was committed before the
 * turn ended, and none sees a transaction: it is for reads outside of one only.
 */
export class GatheredReads {
  readonly #read: ReadRows;
  readonly #keyField: string;
  readonly #kind: ColumnKind;
  readonly #clock: Clock;
  readonly #batches = new Map<string, Batch>();
  #isPlanned = false;

  constructor(read: ReadRows, key: { readonly field: string; readonly kind: ColumnKind; readonly clock: Clock }) {
    this.#read = read;
    this.#keyField = key.field;
    this.#kind = key.kind;
    this.#clock = key.clock;
  }

  /** One row by its key. */
  find(statements: KeyStatements, key: Key, owner: Key | undefined): Promise<FoundRow | undefined> {
    const { deadlineMs } = getRequestContext();
    if (deadlineMs !== undefined && this.#clock.monotonic() >= deadlineMs) {
      // It is refused there.
      return this.#read(statements.one, owner === undefined ? [key] : [key, owner]).then(rows => rows[0]);
    }
    return new Promise((resolve, reject) => {
      const waiter = deadlineMs === undefined ? { resolve, reject } : this.#until(deadlineMs, { resolve, reject });
      const batch = this.#batchOf(statements, owner);
      batch.latestMs = Math.max(batch.latestMs, deadlineMs ?? Number.POSITIVE_INFINITY);
      const waiters = batch.waiters.get(key);
      if (waiters === undefined) batch.waiters.set(key, [waiter]);
      else waiters.push(waiter);
    });
  }

  /** The statement is for others too, and goes on: one who is out of time waits no longer. */
  #until(deadlineMs: number, { resolve, reject }: Waiter): Waiter {
    const timer = this.#clock.setTimer(deadlineMs - this.#clock.monotonic(), () => {
      reject(new QueryTimeoutError('The answer of the database did not arrive before the deadline of the request'));
    });
    return {
      resolve(row) {
        timer.cancel();
        resolve(row);
      },
      reject(error) {
        timer.cancel();
        reject(error);
      },
    };
  }

  #batchOf(statements: KeyStatements, owner: Key | undefined): Batch {
    const id = owner === undefined ? statements.one.sql : `${typeof owner} ${owner} ${statements.one.sql}`;
    const open = this.#batches.get(id);
    if (open !== undefined && open.waiters.size < maxKeys) return open;
    if (open !== undefined) void this.#run(open);
    const batch: Batch = { statements, owner, waiters: new Map(), latestMs: 0 };
    this.#batches.set(id, batch);
    if (!this.#isPlanned) {
      this.#isPlanned = true;
      // After everything that this turn still does, and everything that follows from it at once.
      queueMicrotask(() => process.nextTick(() => this.#flush()));
    }
    return batch;
  }

  /** Asks for each key alone. */
  #runApart({ statements, owner, waiters, latestMs }: Batch): void {
    for (const [key, waiting] of waiters) {
      void this.#run({ statements, owner, waiters: new Map([[key, waiting]]), latestMs });
    }
  }

  #flush(): void {
    this.#isPlanned = false;
    const batches = [...this.#batches.values()];
    this.#batches.clear();
    for (const batch of batches) void this.#run(batch);
  }

  /** In the name of all who wait: not with the deadline of the one who happened to be the first. */
  #run(batch: Batch): Promise<void> {
    const deadlineMs = Number.isFinite(batch.latestMs) ? batch.latestMs : undefined;
    if (getRequestContext().deadlineMs === deadlineMs) return this.#ask(batch);
    return runWithRequestContext({ deadlineMs }, () => this.#ask(batch));
  }

  async #ask(batch: Batch): Promise<void> {
    const { statements, owner, waiters } = batch;
    const [first, ...others] = waiters.keys();
    if (first === undefined) return;
    const isAlone = others.length === 0;
    const keys = isAlone ? first : keyList(this.#kind, [first, ...others]);
    const statement = isAlone ? statements.one : statements.many;
    try {
      const rows = await this.#read(statement, owner === undefined ? [keys] : [keys, owner]);
      if (isAlone) settle(waiters.get(first) ?? [], rows[0]);
      else this.#hand(rows, batch);
    } catch (error) {
      // One key that its column cannot hold must not fail the others.
      if (isUnfitValue(error) && !isAlone) this.#runApart(batch);
      else for (const waiting of waiters.values()) for (const { reject } of waiting) reject(error);
    }
  }

  /** Gives each row to whoever asked for its key. */
  #hand(rows: readonly FoundRow[], batch: Batch): void {
    const { waiters } = batch;
    for (const row of rows) {
      const key = row[this.#keyField] as Key;
      settle(waiters.get(key) ?? [], row);
      waiters.delete(key);
    }
    if (isExact(this.#kind)) for (const missing of waiters.values()) settle(missing, undefined);
    // Only the database knows which spellings its column takes for the same key.
    else this.#runApart(batch);
  }
}

/** Each gets a row of its own, because rows may be changed. */
function settle(waiters: readonly Waiter[], row: FoundRow | undefined): void {
  for (const [index, { resolve }] of waiters.entries()) resolve(index === 0 ? row : structuredClone(row));
}

/** Whether equal keys are written alike, as whole numbers and UUIDs are. `07` may be 7, and `ADA` be `ada`. */
function isExact(kind: ColumnKind): boolean {
  return kind === 'integer' || kind === 'uuid';
}

/** Exact keys need no quotes in PostgreSQL's text of an array, so it is cheaper to write it here. */
function keyList(kind: ColumnKind, keys: readonly Key[]): SqlValue {
  return isExact(kind) ? `{${keys.join(',')}}` : keys;
}
