/** One of several processes that work on the same queue. */
import { appendFileSync } from 'node:fs';
import { QueuedBatch } from 'plinth/batch/pg-boss';
import { DatabaseManager } from 'plinth/database';
import { UpstreamError } from 'plinth/errors';
import { systemClock } from 'plinth/kernel';

export const queue = 'labels';
export const maxConcurrent = 4;
/** Long enough for a busy machine, and short enough to wait for. */
export const leaseMs = 5_000;

/** What a name comes to; every 29th is unknown. */
export function outcomeOf(index: number): string {
  return index % 29 === 0 ? 'UPSTREAM_ERROR' : `label of drug-${index}`;
}

async function work(url: string, effects: string): Promise<void> {
  const database = new DatabaseManager({ url, poolSize: 2, maxOverflow: 2 });
  await database.open();
  let begun = 0;
  const batch = new QueuedBatch<string, string>({
    name: queue,
    database,
    maxConcurrent,
    leaseMs,
    pollIntervalMs: 50,
    keyOf: name => name,
    work: async (name, { index, idempotencyKey }) => {
      // What cannot be taken back: if the process dies after it, it has happened.
      appendFileSync(effects, `${index} ${idempotencyKey} ${process.pid}\n`);
      begun += 1;
      process.send?.(begun);
      await systemClock.sleep(10 + (index % 5) * 5);
      if (index % 29 === 0) throw new UpstreamError('No such drug', 404);
      return `label of ${name}`;
    },
  });
  process.on('message', () => void batch.stop());
  await batch.work();
  await batch.close();
  await database.close();
  process.disconnect();
}

const [, program, url, effects] = process.argv;
if (program?.endsWith('queue-worker.ts') && url !== undefined && effects !== undefined) await work(url, effects);
