import { sql } from 'kysely';
import { defineTable, Repository, type RepositoryOptions, type RepositorySource } from 'plinth/crud';
import { DatabaseManager, type DatabaseManagerOptions } from 'plinth/database';
import { afterAll, beforeAll, beforeEach, describe, it } from 'vitest';
import { z } from 'zod';
import { findPostgres, startPostgres } from '../servers/postgres.ts';
import { serverOrSkip } from '../servers/require.ts';

export const ads = defineTable({
  name: 'ads',
  schema: z.object({
    id: z.int(),
    userId: z.string(),
    title: z.string().min(1),
    clicks: z.int().min(0).default(0),
    budget: z.number().nullable(),
    isActive: z.boolean().default(true),
    startsOn: z.iso.date().nullable(),
    details: z.object({ tags: z.array(z.string()) }).nullable(),
    createdAt: z.date(),
    updatedAt: z.date(),
    version: z.int(),
    deletedAt: z.date().nullable(),
  }),
  columns: {
    id: { key: true, generated: 'identity' },
    title: { filterable: true, sortable: true, searchable: true },
    clicks: { filterable: true, sortable: true },
    budget: { filterable: true, sortable: true },
    isActive: { filterable: true },
    startsOn: { filterable: true, sortable: true },
    createdAt: { generated: 'now', filterable: true, sortable: true },
    updatedAt: { generated: 'updated' },
  },
  softDelete: 'deletedAt',
  version: 'version',
  owner: 'userId',
});

export const notes = defineTable({
  name: 'notes',
  schema: z.object({ id: z.uuid(), adId: z.int(), text: z.string(), kind: z.enum(['a', 'b']) }),
  columns: { id: { key: true, generated: 'uuid' }, adId: { filterable: true } },
});

const tables = `
  create table ads (
    id bigint generated always as identity primary key, user_id text not null, title text not null,
    clicks bigint not null, budget numeric, is_active boolean not null, starts_on date, details jsonb,
    created_at timestamptz not null, updated_at timestamptz not null, version int not null, deleted_at timestamptz,
    unique (user_id, title));
  create table notes (
    id uuid primary key, ad_id bigint not null references ads (id), text text not null,
    kind text not null constraint notes_kind_check check (kind in ('a')));`;

export class AdsRepository extends Repository<typeof ads> {
  constructor(source: RepositorySource, options?: RepositoryOptions) {
    super(ads, source, options);
  }

  async totalClicks(): Promise<number> {
    return (await this.list({ pagination: { size: 100 } })).items.reduce((sum, { clicks }) => sum + clicks, 0);
  }
}

/** What a part of the contract works with; filled before its tests run. */
export interface World extends EngineUnderTest {
  repository: AdsRepository;
  /** The rows of the owner `me`. */
  mine: AdsRepository;
}

/** A database on one engine; open while tests run. */
export interface EngineUnderTest {
  database: DatabaseManager;
}

/** Defines tests on every engine. A new engine is added by one more call. */
export function onEveryDatabase(define: (engine: EngineUnderTest) => void): void {
  on('PGlite', define, async () => ({ options: {}, end: async () => undefined }));
  if (serverOrSkip('postgres', findPostgres()) === undefined) {
    it.skip('PostgreSQL server contract: SKIPPED, no PostgreSQL on this machine', () => undefined);
    return;
  }
  on('a PostgreSQL server', define, async () => {
    const server = await startPostgres();
    return { options: { url: server.url, poolSize: 2, maxOverflow: 2 }, end: () => server.dispose() };
  });
}

function on(
  name: string,
  define: (engine: EngineUnderTest) => void,
  prepare: () => Promise<{ options: DatabaseManagerOptions; end: () => Promise<void> }>,
): void {
  describe(name, () => {
    const engine = {} as EngineUnderTest;
    let end: () => Promise<void>;

    beforeAll(async () => {
      const prepared = await prepare();
      end = prepared.end;
      engine.database = new DatabaseManager({ ...prepared.options, acquireTimeoutMs: 5_000 });
      await engine.database.open();
    });

    afterAll(async () => {
      await engine.database?.close();
      await end?.();
    });

    define(engine);
  });
}

/** What every engine must do: runs a part of the contract on each, with the tables of ads, empty. */
export function onEveryEngine(contract: (world: World) => void): void {
  onEveryDatabase(engine => {
    const world = engine as World;

    beforeAll(async () => {
      await sql.raw(tables).execute(world.database.db);
      world.repository = new AdsRepository(world.database);
      world.mine = world.repository.ownedBy('me');
    });

    beforeEach(async () => {
      await sql`truncate ads, notes restart identity`.execute(world.database.db);
    });

    contract(world);
  });
}
