import { createHash } from 'node:crypto';
import { type Kysely, sql } from 'kysely';
import { MigrationDriftError } from './errors.ts';

/** A migration that ran on this database. */
export interface HistoryEntry {
  readonly name: string;
  readonly checksum: string | null;
}

/** What of a migration is compared with what ran. */
interface Comparable {
  readonly name: string;
  readonly up: unknown;
  readonly checksum?: string | undefined;
}

/** The migrations that are in force, in the order in which they ran. */
export async function readHistory<Schema>(db: Kysely<Schema>): Promise<readonly HistoryEntry[]> {
  if (!(await hasHistory(db))) return [];
  return (await sql<HistoryEntry>`select name, checksum from plinth_migrations order by id`.execute(db)).rows;
}

/** Makes its table, only when it is in none of the schemas that are searched: a migration may have made one that comes before the others. */
export async function createHistory<Schema>(db: Kysely<Schema>): Promise<void> {
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
export function assertNoDrift(history: readonly HistoryEntry[], migrations: readonly Comparable[]): void {
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

/** Stands for the content of a migration, as far as it can be told. */
export function checksumOf({ up, checksum }: Comparable): string | null {
  if (checksum !== undefined) return checksum;
  if (typeof up !== 'string') return null;
  // A checkout on another system may end lines differently.
  return createHash('sha256').update(up.replaceAll('\r\n', '\n').trim()).digest('hex');
}
