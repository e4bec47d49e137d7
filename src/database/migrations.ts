import { createHash } from 'node:crypto';
import { type Kysely, sql, type Transaction } from 'kysely';
import { ArgumentError, PlinthError } from '../errors/index.ts';
import type { Clock } from '../kernel/index.ts';
import { AcquireTimeoutError, MigrationDriftError, MigrationError } from './errors.ts';

/** A step of a migration: SQL, of one or more statements, or a function that is given the transaction. */
export type MigrationStep = string | ((transaction: Transaction<unknown>) => Promise<void>);

/** One change of the schema. Migrations are given in order, and once one has run it is not changed any more. */
export interface Migration {
  /** Its name, unique and for ever, such as `001-users`. */
  readonly name: string;
  /** Makes the change. Runs in a transaction together with its entry in the history. */
  readonly up: MigrationStep;
  /** Takes the change back. Only `migrateDown` runs it. @default the change cannot be taken back */
  readonly down?: MigrationStep | undefined;
  /**
   * Stands for the content, to find out that it was changed after it ran. @default a hash of `up` when that is SQL;
   * functions are not compared, because their source text depends on how they were compiled
   */
  readonly checksum?: string | undefined;
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

/** Runs what has not run yet. The connection must be one and the same throughout: the lock belongs to it. */
export function migrateUp<Schema>(
  db: Kysely<Schema>,
  migrations: readonly Migration[],
  options: MigrateOptions,
  clock: Clock,
): Promise<MigrationReport> {
  assertNames(migrations);
  const plan = (history: readonly HistoryEntry[]): readonly Migration[] => migrations.slice(history.length);
  return run(db, migrations, options, clock, plan, async (transaction, migration, durationMs) => {
    await perform(transaction, migration.up);
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
  assertNames(migrations);
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
    await sql`delete from plinth_migrations where name = ${migration.name}`.execute(transaction);
  });
}

async function run<Schema>(
  db: Kysely<Schema>,
  migrations: readonly Migration[],
  options: MigrateOptions,
  clock: Clock,
  plan: (history: readonly HistoryEntry[]) => readonly Migration[],
  step: (transaction: Transaction<unknown>, migration: Migration, durationMs: () => number) => Promise<void>,
): Promise<MigrationReport> {
  const readPlan = async (): Promise<{ before: string[]; planned: readonly Migration[] }> => {
    const history = await readHistory(db);
    assertNoDrift(history, migrations);
    return { before: history.map(({ name }) => name), planned: plan(history) };
  };
  if (options.dryRun === true) {
    const { before, planned } = await readPlan();
    return { before, ran: [], pending: planned.map(({ name }) => name) };
  }
  return await withLock(db, options, clock, async () => {
    await sql`create table if not exists plinth_migrations (
      id integer generated always as identity primary key,
      name text not null unique,
      checksum text,
      duration_ms integer not null,
      applied_at timestamptz not null default now()
    )`.execute(db);
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
  step: (transaction: Transaction<unknown>, migration: Migration, durationMs: () => number) => Promise<void>,
): Promise<MigrationRun> {
  const { name } = migration;
  const startMs = clock.monotonic();
  const durationMs = (): number => clock.monotonic() - startMs;
  try {
    await db.transaction().execute(transaction => step(transaction as Transaction<unknown>, migration, durationMs));
    return { name, durationMs: durationMs() };
  } catch (cause) {
    const isOurs = cause instanceof PlinthError;
    const reason = isOurs ? `: ${cause.message}` : '';
    const options = { cause, retryable: isOurs && cause.retryable };
    throw new MigrationError(`Migration "${name}" failed and was rolled back${reason}`, name, options);
  }
}

async function perform(transaction: Transaction<unknown>, step: MigrationStep): Promise<void> {
  if (typeof step === 'string') await sql.raw(step).execute(transaction);
  else await step(transaction);
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
  const found = await sql<{ exists: boolean }>`select to_regclass('plinth_migrations') is not null as exists`.execute(
    db,
  );
  if (found.rows[0]?.exists !== true) return [];
  return (await sql<HistoryEntry>`select name, checksum from plinth_migrations order by id`.execute(db)).rows;
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

function assertNames(migrations: readonly Migration[]): void {
  const seen = new Set<string>();
  for (const { name } of migrations) {
    if (name.trim() === '') throw new ArgumentError('A migration has no name: give each a unique one', 'migrations');
    if (seen.has(name))
      throw new ArgumentError(`Two migrations are called "${name}": give each a unique name`, 'migrations');
    seen.add(name);
  }
}
