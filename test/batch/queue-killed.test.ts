import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sql } from 'kysely';
import type { BatchResult } from 'plinth/batch';
import { QueuedBatch } from 'plinth/batch/pg-boss';
import { DatabaseManager } from 'plinth/database';
import { seededRandom } from 'plinth/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findPostgres, type PostgresServer, startPostgres } from '../servers/postgres.ts';
import { serverOrSkip } from '../servers/require.ts';
import { leaseMs, maxConcurrent, outcomeOf, queue } from './queue-worker.ts';

const postgres = serverOrSkip('postgres', findPostgres());
const itemCount = 300;
const workerCount = 3;
const seed = Date.now() % 1_000_000;
const job = 'labels:2026-01';
const names = Array.from({ length: itemCount }, (_, index) => `drug-${index}`);
const indices = names.map((_, index) => index);

describe.skipIf(postgres === undefined)('a queue on PostgreSQL', () => {
  let server: PostgresServer;
  let database: DatabaseManager;
  let folder: string;
  const workers: ChildProcess[] = [];

  beforeAll(async () => {
    server = await startPostgres();
    database = new DatabaseManager({ url: server.url, poolSize: 4 });
    await database.open();
    folder = mkdtempSync(join(tmpdir(), 'plinth-queue-'));
  });
  afterAll(async () => {
    for (const worker of workers) worker.kill('SIGKILL');
    await database?.close();
    await server?.dispose();
    rmSync(folder, { recursive: true, force: true });
  });

  const makeBatch = (): QueuedBatch<string, string> =>
    new QueuedBatch<string, string>({
      name: queue,
      database,
      leaseMs,
      pollIntervalMs: 50,
      keyOf: name => name,
      work: () => '',
    });

  function startWorker(): ChildProcess {
    const program = fileURLToPath(new URL('queue-worker.ts', import.meta.url));
    const worker = fork(program, [server.url, join(folder, 'effects.log')], {
      execArgv: ['--conditions=plinth-source', '--import', 'tsx'],
    });
    workers.push(worker);
    return worker;
  }

  /** Writes down every time that an outcome is put in its place, or over another. */
  async function watchOutcomes(): Promise<void> {
    await sql`
      create table recorded (position integer not null, before text);
      create function note_outcome() returns trigger language plpgsql as $$
      begin
        insert into recorded values (new.position, old.outcome);
        return new;
      end $$;
      create trigger note_outcome after update on plinth_batch.batch_items
        for each row when (old.outcome is distinct from new.outcome) execute function note_outcome();
    `.execute(database.db);
  }

  it(`is worked on by ${workerCount} processes of which one is killed (seed ${seed}): nothing lost, nothing recorded twice, order kept`, {
    timeout: 90_000,
  }, async () => {
    const random = seededRandom(seed);
    // Several processes that make the tables at once, and put the same job into the queue.
    const batches = [makeBatch(), makeBatch(), makeBatch()];
    const reports = await Promise.all(batches.map(batch => batch.enqueue(job, names)));
    expect(reports.map(({ total }) => total)).toEqual(batches.map(() => itemCount));
    expect(reports.reduce((sum, { added }) => sum + added, 0)).toBe(itemCount);
    await watchOutcomes();

    const [victim = startWorker(), ...others] = Array.from({ length: workerCount }, startWorker);
    const killAt = 1 + Math.floor(random.next() * 40);
    victim.on('message', begun => {
      if (Number(begun) >= killAt) victim.kill('SIGKILL');
    });
    const [batch = makeBatch()] = batches;
    const results: BatchResult<string, string>[] = [];
    for await (const result of batch.results(job)) results.push(result);
    expect(victim.signalCode).toBe('SIGKILL');

    expect(results.map(({ index }) => index)).toEqual(indices);
    expect(results.map(({ item }) => item)).toEqual(names);
    expect(results.map(({ value, error }) => value ?? (error as { code: string }).code)).toEqual(
      indices.map(outcomeOf),
    );
    const failed = indices.filter(index => outcomeOf(index) === 'UPSTREAM_ERROR').length;
    expect(await batch.progress(job)).toMatchObject({ state: 'ended', done: itemCount, failed, active: 0 });

    const { rows } = await sql<{ position: number; before: string | null }>`
      select * from recorded order by position`.execute(database.db);
    expect(rows).toEqual(indices.map(position => ({ position, before: null })));

    // An item is done again only if it was in the hand of the one that was killed, and with the same key.
    const effects = readFileSync(join(folder, 'effects.log'), 'utf8')
      .split('\n')
      .slice(0, -1)
      .map(line => line.split(' '));
    const again = effects.filter(([index], place) => effects.findIndex(([first]) => first === index) !== place);
    expect(again.length).toBeLessThanOrEqual(maxConcurrent);
    expect(new Set(effects.map(([index, key]) => `${index} ${key}`)).size).toBe(itemCount);
    expect(new Set(effects.map(([, key]) => key)).size).toBe(itemCount);
    expect(new Set(effects.map(([, , pid]) => pid)).size).toBe(workerCount);

    for (const worker of others) {
      worker.send('stop');
      await once(worker, 'exit');
      expect(worker.exitCode).toBe(0);
    }
    expect(await batch.enqueue(job, names)).toEqual({ total: itemCount, added: 0 });
    for (const each of batches) await each.close();
  });

  it('goes on when the server was away', { timeout: 60_000 }, async () => {
    let failures = 0;
    let killing: Promise<void> | undefined;
    const batch = new QueuedBatch<number, number>({
      name: 'outage',
      database,
      leaseMs: 1_000,
      pollIntervalMs: 20,
      work: async (number, { index }) => {
        if (index === 20) {
          killing ??= server.kill();
          await killing;
        }
        return number * 2;
      },
    });
    const numbers = Array.from({ length: 60 }, (_, index) => index);
    await batch.enqueue('numbers', numbers);
    const back = new Promise<void>((resolve, reject) => {
      batch.events.on('storage-failed', () => {
        failures += 1;
        if (failures === 2) void killing?.then(() => server.start()).then(resolve, reject);
      });
    });
    const working = batch.work();
    await back;
    const values: (number | undefined)[] = [];
    for await (const { value } of batch.results('numbers')) values.push(value);
    expect(values).toEqual(numbers.map(number => number * 2));
    await batch.close();
    await working;
  });
});
