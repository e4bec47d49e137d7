import { createHash } from 'node:crypto';
import { type Kysely, sql, type Transaction } from 'kysely';
import { ArgumentError, PlinthError } from '../errors/index.ts';
import type { Clock } from '../kernel/index.ts';
import {
  AcquireTimeoutError,
  ConnectionLostError,
  DatabaseError,
  MigrationDriftError,
  MigrationError,
} from './errors.ts';

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

interface HistoryEntry {
  readonly name: string;
  readonly checksum: string | null;
}

/** The name under which processes exclude each other: the letters of "plinth" as a number. */
const lockKey = '123610927625320';

/** What a step may have changed for itself: the history, and the steps after it, are not where it has led. */
const ownSettings = 'set session authorization default; reset role; reset all';

/** Runs a migration and writes that into the history. */
type RunStep = (db: Kysely<unknown>, migration: Migration, durationMs: () => number) => Promise<void>;

/** Runs what has not run yet. The connection must be one and the same throughout: the lock belongs to it. */
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
  const readPlan = async (): Promise<{ before: string[]; planned: readonly Migration[] }> => {
    const history = await readHistory(db);
    assertNoDrift(history, migrations);
    return { before: history.map(({ name }) => name), planned: plan(history) };
  };
  const first = await readPlan();
  // Most starts have nothing to run: they neither wait for others nor take a lock, which a pooler might not give back.
  if (options.dryRun === true || first.planned.length === 0) {
    return { before: first.before, ran: [], pending: first.planned.map(({ name }) => name) };
  }
  return await withLock(db, options, clock, async () => {
    await createHistory(db);
    const { before, planned } = await readPlan();
    const ran: MigrationRun[] = [];
    for (const migration of planned) {
      options.signal?.throwIfAborted();
      ran.push(await runOne(db, migration, clock, step));
    }
    return { before, ran, pending: [] };
  });
}

async function runOne<Schema>(
  db: Kysely<Schema>,
  migration: Migration,
  clock: Clock,
  step: RunStep,
): Promise<MigrationRun> {
  const { name } = migration;
  const startMs = clock.monotonic();
  const durationMs = (): number => clock.monotonic() - startMs;
  let isUndone = migration.transaction !== false;
  try {
    if (!isUndone) await step(db as Kysely<unknown>, migration, durationMs);
    else {
      await db.transaction().execute(transaction =>
        step(transaction as Transaction<unknown>, migration, durationMs).catch(async (error: unknown) => {
          isUndone = await isOpen(transaction);
          throw error;
        }),
      );
    }
    return { name, durationMs: durationMs() };
  } catch (cause) {
    const isOurs = cause instanceof PlinthError;
    const reason = isOurs ? `: ${cause.message}` : '';
    const options = { cause, retryable: isOurs && cause.retryable };
    throw new MigrationError(
      `Migration "${name}" failed ${fateOf(migration, cause, isUndone)}${reason}`,
      name,
      options,
    );
  }
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

async function withLock<Schema, Result>(
  db: Kysely<Schema>,
  { lockTimeoutMs = 60_000, signal }: MigrateOptions,
  clock: Clock,
  work: () => Promise<Result>,
): Promise<Result> {
  const startMs = clock.monotonic();
  while (!(await tryLock(db))) {
    if (clock.monotonic() - startMs >= lockTimeoutMs) {
      throw new AcquireTimeoutError(
        `Another process has been migrating for more than ${lockTimeoutMs} ms`,
        lockTimeoutMs,
        'See whether that process goes on, and end it or raise lockTimeoutMs',
      );
    }
    await clock.sleep(200, signal);
  }
  try {
    return await work();
  } finally {
    // When this fails the connection is gone, and the lock with it: the error of the work is the one to report.
    await sql`select pg_advisory_unlock(${lockKey}::bigint)`.execute(db).catch(() => undefined);
  }
}

async function tryLock<Schema>(db: Kysely<Schema>): Promise<boolean> {
  const { rows } = await sql<{ locked: boolean }>`select pg_try_advisory_lock(${lockKey}::bigint) as locked`.execute(
    db,
  );
  return rows[0]?.locked === true;
}

async function readHistory<Schema>(db: Kysely<Schema>): Promise<readonly HistoryEntry[]> {
  if (!(await hasHistory(db))) return [];
  return (await sql<HistoryEntry>`select name, checksum from plinth_migrations order by id`.execute(db)).rows;
}

/** Only when it is in none of the schemas that are searched: a migration may have made one that comes before the others. */
async function createHistory<Schema>(db: Kysely<Schema>): Promise<void> {
  if (await hasHistory(db)) return;
  await sql`create table plinth_migrations (
    id integer generated always as identity primary key,
    name text not null unique,
    checksum text,
    duration_ms integer not null,
    applied_at timestamptz not null default now()
  )`.execute(db);
}

async function hasHistory<Schema>(db: Kysely<Schema>): Promise<boolean> {
  const query = sql<{ exists: boolean }>`select to_regclass('plinth_migrations') is not null as exists`;
  return (await query.execute(db)).rows[0]?.exists === true;
}

/** What ran must be the beginning of what is given, unchanged. */
function assertNoDrift(history: readonly HistoryEntry[], migrations: readonly Migration[]): void {
  const names = new Set(migrations.map(({ name }) => name));
  for (const [index, { name, checksum }] of history.entries()) {
    const migration = migrations[index];
    if (!names.has(name)) {
      throw new MigrationDriftError(
        `Migration "${name}" ran on this database but is not among those given: it was renamed or deleted, or the ` +
          'database belongs to a newer version of the program',
        name,
      );
    }
    if (migration?.name !== name) {
      const given = migration?.name ?? '';
      throw new MigrationDriftError(
        `Migration "${given}" stands before "${name}", which ran already: new migrations go to the end`,
        given,
      );
    }
    const current = checksumOf(migration);
    if (checksum !== null && current !== null && checksum !== current) {
      throw new MigrationDriftError(
        `Migration "${name}" was changed after it ran: restore it, and put the change into a new migration`,
        name,
      );
    }
  }
}

function checksumOf({ up, checksum }: Migration): string | null {
  if (checksum !== undefined) return checksum;
  if (typeof up !== 'string') return null;
  // A checkout on another system may end lines differently.
  return createHash('sha256').update(up.replaceAll('\r\n', '\n').trim()).digest('hex');
}

function assertMigrations(migrations: readonly Migration[]): void {
  const seen = new Set<string>();
  for (const { name, up, down, transaction } of migrations) {
    if (name.trim() === '') throw new ArgumentError('A migration has no name: give each a unique one', 'migrations');
    if (seen.has(name))
      throw new ArgumentError(`Two migrations are called "${name}": give each a unique name`, 'migrations');
    seen.add(name);
    if (transaction === false && (typeof up === 'function' || typeof down === 'function')) {
      const message = `Migration "${name}" runs without a transaction, so its steps cannot be functions: give SQL`;
      throw new ArgumentError(message, 'migrations');
    }
  }
}
