import { sql } from 'kysely';
import { defineTable, Repository } from 'plinth/crud';
import { DatabaseManager } from 'plinth/database';
import { PlinthError } from 'plinth/errors';
import { systemClock } from 'plinth/kernel';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { findPostgres, type PostgresServer, startPostgres } from '../servers/postgres.ts';
import { serverOrSkip } from '../servers/require.ts';

const postgres = serverOrSkip('postgres', findPostgres());

const halves = defineTable({
  name: 'halves',
  schema: z.object({ id: z.int(), work: z.string(), half: z.enum(['left', 'right']) }),
  columns: { id: { key: true, generated: 'identity' }, work: { filterable: true, sortable: true } },
});

const writerCount = 20;
const crashCount = 4;

/** What became of the work of all writers. */
class Ledger {
  readonly acknowledged = new Set<string>();
  readonly failed = new Map<string, unknown>();
  readonly #waiting: (() => void)[] = [];

  acknowledge(work: string): void {
    this.acknowledged.add(work);
    for (const wake of this.#waiting.splice(0)) wake();
  }

  /** Until so many more are acknowledged than now. */
  async more(count: number): Promise<void> {
    const goal = this.acknowledged.size + count;
    while (this.acknowledged.size < goal) await new Promise<void>(resolve => this.#waiting.push(resolve));
  }
}

describe.skipIf(postgres === undefined)('a PostgreSQL that is killed again and again under load', () => {
  let server: PostgresServer;
  let database: DatabaseManager;

  beforeAll(async () => {
    server = await startPostgres();
    database = new DatabaseManager({ url: server.url, poolSize: 8, maxOverflow: 4 });
    await database.open();
    await sql`create table halves (id bigint generated always as identity primary key, work text not null,
      half text not null)`.execute(database.db);
  });
  afterAll(async () => {
    await database?.close();
    await server?.dispose();
  });

  it('leaves nothing half written, loses nothing that was acknowledged, says what is uncertain, and is back in 5 s', {
    timeout: 60_000,
  }, async () => {
    const repository = new Repository(halves, database);
    const ledger = new Ledger();
    const state = { isOver: false };
    const writer = async (number: number): Promise<void> => {
      for (let step = 0; !state.isOver; step += 1) {
        const work = `${number} ${step}`;
        try {
          await database.transaction(async transaction => {
            const inside = repository.withSession(transaction);
            await inside.insert({ work, half: 'left' });
            await inside.insert({ work, half: 'right' });
          });
          ledger.acknowledge(work);
        } catch (error) {
          ledger.failed.set(work, error);
          await new Promise(resolve => setImmediate(resolve));
        }
      }
    };
    const writers = Promise.all(Array.from({ length: writerCount }, (_, number) => writer(number)));
    const outagesMs: number[] = [];
    try {
      for (let crash = 0; crash < crashCount; crash += 1) {
        await ledger.more(100);
        await server.crash();
        await server.start();
        const backMs = systemClock.monotonic();
        await ledger.more(1);
        outagesMs.push(systemClock.monotonic() - backMs);
      }
      await ledger.more(100);
    } finally {
      state.isOver = true;
      await writers;
    }

    expect(Math.max(...outagesMs)).toBeLessThan(5_000);
    const { rows } = await sql<{ work: string; halves: string[] }>`
      select work, array_agg(half order by half) as halves from halves group by work`.execute(database.db);
    expect(rows.filter(row => row.halves.join() !== 'left,right')).toEqual([]);
    const written = new Set(rows.map(({ work }) => work));
    expect([...ledger.acknowledged].filter(work => !written.has(work))).toEqual([]);
    const errors = [...ledger.failed.values()];
    expect(errors.length).toBeGreaterThan(crashCount);
    const codes = new Set(errors.map(error => (error instanceof PlinthError ? error.code : String(error))));
    expect([...codes]).toEqual(['CONNECTION_LOST']);
    const facts = [...ledger.failed].map(([work, error]) => {
      const { retryable, outcomeUnknown } = error as { readonly retryable: boolean; readonly outcomeUnknown: boolean };
      return { work, retryable, outcomeUnknown };
    });
    // What is called repeatable did not happen; only what is called uncertain may be there.
    expect(facts.filter(({ retryable, outcomeUnknown }) => retryable === outcomeUnknown)).toEqual([]);
    expect(facts.filter(({ work, retryable }) => retryable && written.has(work))).toEqual([]);
    expect(database.poolStats()).toMatchObject({ active: 0, waiting: 0 });
    const others = sql<{ count: number }>`select count(*)::int as count from pg_stat_activity
      where backend_type = 'client backend' and pid <> pg_backend_pid() and state <> 'idle'`;
    expect((await others.execute(database.db)).rows).toEqual([{ count: 0 }]);
  });
});
