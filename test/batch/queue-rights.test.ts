import { sql } from 'kysely';
import { QueuedBatch } from 'plinth/batch/pg-boss';
import { DatabaseManager, InsufficientPrivilegeError } from 'plinth/database';
import { describe, expect, it } from 'vitest';
import { findPostgres, startPostgres } from '../servers/postgres.ts';
import { serverOrSkip } from '../servers/require.ts';

describe.skipIf(serverOrSkip('postgres', findPostgres()) === undefined)('a role that may not make schemas', () => {
  it('is told so by the first enqueue, and leaves no lock behind', async () => {
    await using server = await startPostgres();
    await using owner = new DatabaseManager({ url: server.url });
    await owner.open();
    await sql`create role guest login`.execute(owner.db);
    await using database = new DatabaseManager({ url: server.url.replace('postgres@', 'guest@') });
    await database.open();
    await using batch = new QueuedBatch({ database, work: async (name: string) => name });
    for (let turn = 0; turn < 2; turn += 1) {
      await expect(batch.enqueue('job', ['a'])).rejects.toBeInstanceOf(InsufficientPrivilegeError);
    }
    expect((await sql`select 1 from pg_locks where locktype = 'advisory'`.execute(owner.db)).rows).toEqual([]);
  });
});
