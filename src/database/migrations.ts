import { type Kysely, type RawBuilder, sql, type Transaction } from 'kysely';
import { ArgumentError, PlinthError } from '../errors/index.ts';
import type { Clock } from '../kernel/index.ts';
import { AcquireTimeoutError, ConnectionLostError, DatabaseError, MigrationError, QueryError } from './errors.ts';
import { assertNoDrift, checksumOf, createHistory, type HistoryEntry, readHistory } from './migration-history.ts';
import { assertDuration } from './options.ts';

/**
 * A step of a migration: SQL, of one or more statements, or a function that is given the transaction. It begins with the
 * settings of a new connection, and what it sets ends with it. It leaves the end of its transaction to `migrate`.
 */
export type MigrationStep = string | ((transaction: Transaction<unknown>) => Promise<void>);

/** One change of the schema. Migrations are given in order, and once one has run it is not changed any more. */
export interface Migration {
  /** Its name, unique and for ever, such as `001-users`. */
  readonly name: string;
  /** Makes the change, in a transaction together with its entry in the history. */
  readonly up: MigrationStep;
  /** Takes the change back. Only `migrateDown` runs it. @default the change cannot be taken back */
  readonly down?: MigrationStep | undefined;
  /**
   * Stands for the content, to find out that it was changed after it ran. @default a hash of `up` when that is SQL;
   * functions are not compared, because their source text depends on how they were compiled
   */
  readonly checksum?: string | undefined;
  /**
   * `false` for a statement that PostgreSQL takes outside of transactions only, such as `create index concurrently`. The
   * steps are then SQL of one statement each, and must be repeatable: a process that dies after the statement and before
   * the entry in the history runs it again. @default true
   */
  readonly transaction?: boolean | undefined;
}

/** How migrations run. */
export interface MigrateOptions {
  /** Only tells what would run. Writes nothing. @default false */
  readonly dryRun?: boolean | undefined;
  /** How long to wait for another process that is migrating, in milliseconds. @default 60_000 */
  readonly lockTimeoutMs?: number | undefined;
  /** Stops the wait, and the work between two migrations. @default never */
  readonly signal?: AbortSignal | undefined;
}

/** How migrations are taken back. */
export interface DownOptions extends MigrateOptions {
  /** The migration that shall be the last one in force; `null` takes back all. */
  readonly to: string | null;
}

/** A migration that was run, forwards or back. */
export interface MigrationRun {
  /** Its name. */
  readonly name: string;
  /** How long it took, in milliseconds. */
  readonly durationMs: number;
}

/** What a call did, or with `dryRun` would do. */
export interface MigrationReport {
  /** What was in force before, in order. */
  readonly before: readonly string[];
  /** What was run, in order. Empty with `dryRun`. */
  readonly ran: readonly MigrationRun[];
  /** What would be run, in order. Empty without `dryRun`. */
  readonly pending: readonly string[];
}

/** The name under which processes exclude each other: the letters of "plinth" as a number. */
const lockKey = '123610927625320';

/** What a step may have changed for itself: the history, and the steps after it, are not where it has led. */
const ownSettings = 'set session authorization default; reset role; reset all';

/** Runs a migration and writes that into the history. */
type RunStep = (db: Kysely<unknown>, migration: Migration, durationMs: () => number) => Promise<void>;

/** Runs what has not run yet. The connection must be one and the same throughout: what runs beside transactions locks it. */
export function migrateUp<Schema>(
  db: Kysely<Schema>,
  migrations: readonly Migration[],
  options: MigrateOptions,
  clock: Clock,
): Promise<MigrationReport> {
  assertMigrations(migrations);
  const plan = (history: readonly HistoryEntry[]): readonly Migration[] => migrations.slice(history.length);
  return run(db, migrations, options, clock, plan, async (transaction, migration, durationMs) => {
    await perform(transaction, migration.up);
    await sql.raw(ownSettings).execute(transaction);
    if (migration.transaction === false) await assertIndexesValid(transaction, migration.up);
    const checksum = checksumOf(migration);
    await sql`insert into plinth_migrations (name, checksum, duration_ms)
      values (${migration.name}, ${checksum}, ${Math.round(durationMs())})`.execute(transaction);
  });
}

/** Takes back what ran after `to`, the newest first. */
export function migrateDown<Schema>(
  db: Kysely<Schema>,
  migrations: readonly Migration[],
  options: DownOptions,
  clock: Clock,
): Promise<MigrationReport> {
  assertMigrations(migrations);
  const plan = (history: readonly HistoryEntry[]): readonly Migration[] => {
    const last = history.findIndex(entry => entry.name === options.to);
    if (options.to !== null && last === -1) {
      throw new ArgumentError(`Cannot go back to migration "${options.to}": it has not run on this database`, 'to');
    }
    const undone = migrations.slice(last + 1, history.length).reverse();
    for (const { name, down } of undone) {
      if (down === undefined)
        throw new MigrationError(`Migration "${name}" has no down step: nothing was taken back`, name);
    }
    return undone;
  };
  return run(db, migrations, options, clock, plan, async (transaction, migration) => {
    if (migration.down !== undefined) await perform(transaction, migration.down);
    await sql.raw(ownSettings).execute(transaction);
    await sql`delete from plinth_migrations where name = ${migration.name}`.execute(transaction);
  });
}

async function run<Schema>(
  db: Kysely<Schema>,
  migrations: readonly Migration[],
  options: MigrateOptions,
  clock: Clock,
  plan: (history: readonly HistoryEntry[]) => readonly Migration[],
  step: RunStep,
): Promise<MigrationReport> {
  if (options.lockTimeoutMs !== undefined) assertDuration(options.lockTimeoutMs, 'lockTimeoutMs', 0);
  const readPlan: ReadPlan = async connection => {
    const history = await readHistory(connection);
    assertNoDrift(history, migrations);
    return { before: history.map(({ name }) => name), planned: plan(history) };
  };
  let { before, planned } = await readPlan(db as Kysely<unknown>);
  if (options.dryRun === true) return { before, ran: [], pending: planned.map(({ name }) => name) };
  const ran: MigrationRun[] = [];
  // Most starts have nothing to run: they neither wait for others nor take a lock.
  for (let next = planned[0]; next !== undefined; next = planned[0]) {
    options.signal?.throwIfAborted();
    const takeTurn = next.transaction === false ? besideTransactions : inTransaction;
    const turn = await patiently(() => takeTurn(db as Kysely<unknown>, next, readPlan, step, clock), options, clock);
    planned = turn.planned;
    // What others ran while this one waited for them was in force before it began.
    if (ran.length === 0) before = turn.before;
    if (turn.ran !== undefined) ran.push(turn.ran);
  }
  return { before, ran, pending: [] };
}

/** What is in force, and what is to be run. */
interface Plan {
  readonly before: readonly string[];
  readonly planned: readonly Migration[];
}

type ReadPlan = (connection: Kysely<unknown>) => Promise<Plan>;

/** What was found, what was run, and what is to be run next. */
interface Turn extends Plan {
  /** Nothing, where another process had run it. */
  readonly ran?: MigrationRun;
}

/** Runs a migration while no other process runs one; gives nothing when one does. */
type TakeTurn = (
  db: Kysely<unknown>,
  migration: Migration,
  readPlan: ReadPlan,
  step: RunStep,
  clock: Clock,
) => Promise<Turn | undefined>;

/** The lock is the transaction's, so that it ends with it in every case, behind a pooler too. */
const inTransaction: TakeTurn = async (db, migration, readPlan, step, clock) => {
  let isUndone: boolean | undefined;
  try {
    // What others have committed must be seen once the lock is there, whatever the level of the role.
    return await db
      .transaction()
      .setIsolationLevel('read committed')
      .execute(async transaction => {
        if (!(await locked(sql`pg_try_advisory_xact_lock(${lockKey}::bigint)`, transaction))) return undefined;
        await createHistory(transaction);
        const found = await readPlan(transaction);
        if (found.planned[0] !== migration) return found;
        isUndone = true;
        const ran = await timed(migration, clock, durationMs => step(transaction, migration, durationMs)).catch(
          async (error: unknown) => {
            isUndone = await isOpen(transaction);
            throw error;
          },
        );
        return afterRun(found, ran);
      });
  } catch (cause) {
    throw isUndone === undefined ? cause : failureOf(migration, cause, isUndone);
  }
};

/** The lock is the connection's. */
const besideTransactions: TakeTurn = async (db, migration, readPlan, step, clock) => {
  if (!(await locked(sql`pg_try_advisory_lock(${lockKey}::bigint)`, db))) return undefined;
  try {
    await createHistory(db);
    const found = await readPlan(db);
    if (found.planned[0] !== migration) return found;
    const running = timed(migration, clock, durationMs => step(db, migration, durationMs));
    const ran = await running.catch((cause: unknown) => {
      throw failureOf(migration, cause, false);
    });
    return afterRun(found, ran);
  } finally {
    // When this fails the connection is gone, and the lock with it: the error of the work is the one to report.
    await sql`select pg_advisory_unlock(${lockKey}::bigint)`.execute(db).catch(() => undefined);
  }
};

async function locked(attempt: RawBuilder<unknown>, db: Kysely<unknown>): Promise<boolean> {
  const { rows } = await sql<{ locked: boolean }>`select ${attempt} as locked`.execute(db);
  return rows[0]?.locked === true;
}

async function timed(
  { name }: Migration,
  clock: Clock,
  work: (durationMs: () => number) => Promise<void>,
): Promise<MigrationRun> {
  const startMs = clock.monotonic();
  const durationMs = (): number => clock.monotonic() - startMs;
  await work(durationMs);
  return { name, durationMs: durationMs() };
}

function afterRun({ before, planned }: Plan, ran: MigrationRun): Turn {
  return { before, planned: planned.slice(1), ran };
}

function failureOf(migration: Migration, cause: unknown, isUndone: boolean): MigrationError {
  const isOurs = cause instanceof PlinthError;
  const reason = isOurs ? `: ${cause.message}` : '';
  const options = { cause, retryable: isOurs && cause.retryable };
  const { name } = migration;
  return new MigrationError(`Migration "${name}" failed ${fateOf(migration, cause, isUndone)}${reason}`, name, options);
}

/** Whether a transaction is still there, be it to be rolled back only: SQL may have ended it. */
function isOpen<Schema>(transaction: Transaction<Schema>): Promise<boolean> {
  return sql`savepoint plinth_failed`.execute(transaction).then(
    () => true,
    (error: unknown) => !(error instanceof DatabaseError && error.sqlState === '25P01'),
  );
}

/** What became of what a migration had done when it failed. */
function fateOf({ transaction }: Migration, cause: unknown, isUndone: boolean): string {
  if (cause instanceof ConnectionLostError && cause.outcomeUnknown) return 'and may have taken effect all the same';
  if (isUndone) return 'and was rolled back';
  if (transaction === false) return 'and may be half done, as it runs without a transaction';
  return 'and was not rolled back as a whole, because its SQL ended the transaction before';
}

async function perform(db: Kysely<unknown>, step: MigrationStep): Promise<void> {
  if (typeof step === 'string') await sql.raw(step).execute(db);
  else await step(db as Transaction<unknown>);
}

/**
 * A `create index concurrently` that failed leaves an index that is neither used nor checked, and that `if not exists`
 * takes for the one to be made.
 */
async function assertIndexesValid(db: Kysely<unknown>, step: MigrationStep): Promise<void> {
  // An index of a partitioned table is invalid until each partition has its own.
  const { rows } = await sql<{ name: string; path: string }>`
    select relname as name, pg_class.oid::regclass::text as path from pg_index join pg_class on pg_class.oid = indexrelid
    where not indisvalid and relkind = 'i' order by 2`.execute(db);
  const words = new Set(
    String(step)
      .toLowerCase()
      .split(/[\s"(),.;]+/),
  );
  const paths = rows.filter(({ name }) => words.has(name.toLowerCase())).map(({ path }) => path);
  if (paths.length === 0) return;
  const commands = paths.map(path => `drop index concurrently ${path}`).join('; ');
  throw new QueryError(`It left or met an index that is not valid. Run "${commands}" first, then migrate again`);
}

/** Tries again until there is something, as long as others may take. */
async function patiently<Result>(
  attempt: () => Promise<Result | undefined>,
  { lockTimeoutMs = 60_000, signal }: MigrateOptions,
  clock: Clock,
): Promise<Result> {
  const startMs = clock.monotonic();
  for (;;) {
    const result = await attempt();
    if (result !== undefined) return result;
    if (clock.monotonic() - startMs >= lockTimeoutMs) {
      throw new AcquireTimeoutError(
        `Another process has been migrating for more than ${lockTimeoutMs} ms`,
        lockTimeoutMs,
        'See whether that process goes on, and end it or raise lockTimeoutMs',
      );
    }
    await clock.sleep(200, signal);
  }
}

function assertMigrations(migrations: readonly Migration[]): void {
  const seen = new Set<string>();
  for (const { name, up, down, transaction } of migrations) {
    if (typeof name !== 'string' || name.trim() === '')
      throw new ArgumentError('A migration has no name: give each a unique one', 'migrations');
    if (typeof up !== 'string' && typeof up !== 'function')
      throw new ArgumentError(`Migration "${name}" has no up step: give SQL, or a function`, 'migrations');
    if (seen.has(name))
      throw new ArgumentError(`Two migrations are called "${name}": give each a unique name`, 'migrations');
    seen.add(name);
    if (transaction === false && (typeof up === 'function' || typeof down === 'function')) {
      const message = `Migration "${name}" runs without a transaction, so its steps cannot be functions: give SQL`;
      throw new ArgumentError(message, 'migrations');
    }
  }
}
