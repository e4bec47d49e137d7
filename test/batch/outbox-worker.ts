/** A process that changes something, says so through an outbox, and relays what is in there: until it is killed. */
import { appendFileSync } from 'node:fs';
import { sql } from 'kysely';
import { Outbox } from 'plinth/batch/pg-boss';
import { DatabaseManager } from 'plinth/database';

export const leaseMs = 500;
export const keys = 4;

async function work(url: string, effects: string): Promise<void> {
  const database = new DatabaseManager({ url, poolSize: 4 });
  await database.open();
  const outbox = new Outbox({
    database,
    leaseMs,
    pollIntervalMs: 5,
    maxAttempts: 100,
    deliver: async ({ payload, key }) => {
      // What cannot be taken back: if the process dies after it, it has happened.
      appendFileSync(effects, `${key} ${JSON.stringify(payload)}\n`);
      process.send?.('delivered');
    },
  });
  void outbox.work();
  for (let turn = 0; ; turn += 1) {
    await database
      .transaction(async transaction => {
        const key = `key ${turn % keys}`;
        const { rows } = await sql<{ id: number }>`insert into orders (key) values (${key}) returning id`.execute(
          transaction,
        );
        await outbox.add(transaction, { topic: 'order-placed', payload: rows[0]?.id, key });
        // Every seventh changes its mind: nobody shall hear of it.
        if (turn % 7 === 6) await sql`select 1 / 0`.execute(transaction);
      })
      .catch(() => undefined);
  }
}

const [, program, url, effects] = process.argv;
if (program?.endsWith('outbox-worker.ts') && url !== undefined && effects !== undefined) await work(url, effects);
