import type PgBoss from 'pg-boss';
import { type BatchDatabase, dbOf, runStatement, type StatementRunner } from './batch-database.ts';
import { loadPgBoss } from './load-pg-boss.ts';
import { alone, createTables, hasTable, schema } from './queue-tables.ts';

/** An item on its way into the queue. */
export interface QueuedItem {
  readonly position: number;
  /** 32 hexadecimal digits, the same for this item of this job whenever it is given. */
  readonly key: string;
  /** The item as JSON. */
  readonly json: string;
}

/** An item in the hand of a worker. */
export interface ClaimedItem extends QueuedItem {
  readonly messageId: string;
  readonly jobId: number;
  /** How often its work has failed. */
  readonly attempts: number;
  /** How many workers were lost over it. */
  readonly losses: number;
}

/** An outcome as it is kept. */
export interface KeptOutcome {
  readonly ok: boolean;
  /** The line of a checkpoint. */
  readonly line: string;
}

/** An outcome with its item. */
export interface KeptResult extends KeptOutcome {
  readonly position: number;
  readonly json: string;
}

/** How far a job is, as the database knows it. */
export interface JobCounts {
  readonly id: number;
  /** How many items there are, once all are in the queue. */
  readonly total: number | null;
  readonly done: number;
  readonly failed: number;
  readonly active: number;
  /** Items that were finished within the last quarter of a minute. */
  readonly recent: number;
  /** Since the job was begun. */
  readonly ageMs: number;
  /** From the beginning of the job to its last outcome. */
  readonly tookMs: number | null;
}

/** A message of the queue. What it is about is in our own tables. */
interface Message {
  readonly job: number;
  readonly position: number;
}

/** What a {@link QueueStore} is made of. */
interface QueueStoreParts {
  readonly database: BatchDatabase;
  readonly boss: PgBoss;
  readonly name: string;
  readonly leaseMs: number;
}

/** Losses are counted with the item, so the queue's own count of tries must never end one. */
const retryLimit = 1_000_000;

/** Makes the tables and the queue, unless they are there. */
export async function openQueueStore(parts: Omit<QueueStoreParts, 'boss'>): Promise<QueueStore> {
  const Boss = await loadPgBoss();
  const { database, name } = parts;
  // No supervision: what it would archive and delete are items that wait, and expiry is asked for by the workers.
  const options = { schema, supervise: false, schedule: false } as const;
  const boss = new Boss({ ...options, migrate: false, db: dbOf(database.db) });
  // Without a listener an error would end the process. Every call that can fail is awaited, so none is lost here.
  boss.on('error', () => {});
  if (!(await isMade(boss, database.db, name))) {
    await alone(database, async session => {
      const maker = new Boss({ ...options, db: dbOf(session) });
      await maker.start();
      await createTables(session);
      await maker.createQueue(name);
    });
  }
  return new QueueStore({ ...parts, boss });
}

/** Whether all is there already, as after every start but the first. */
async function isMade(boss: PgBoss, runner: StatementRunner, queue: string): Promise<boolean> {
  if (!(await hasTable(runner, 'batch_items')) || !(await boss.isInstalled())) return false;
  // It starts only on tables of its own version.
  const isCurrent = await boss.start().then(
    () => true,
    () => false,
  );
  return isCurrent && (await boss.getQueue(queue)) !== null;
}

/**
 * The jobs of one queue. Items and outcomes are in tables of ours, where each outcome has exactly one place; pg-boss
 * deals them out, and deals out again what a lost worker had in hand.
 */
export class QueueStore {
  readonly #database: BatchDatabase;
  readonly #boss: PgBoss;
  readonly #name: string;
  readonly #leaseMs: number;

  constructor({ database, boss, name, leaseMs }: QueueStoreParts) {
    this.#database = database;
    this.#boss = boss;
    this.#name = name;
    this.#leaseMs = leaseMs;
  }

  /** The number of a job; begins it. */
  async begin(job: string): Promise<number> {
    const [row] = await this.#run<{ id: number }>(
      `insert into ${schema}.batch_jobs (queue, job) values ($1, $2)
       on conflict (queue, job) do update set job = excluded.job returning id`,
      [this.#name, job],
    );
    return (row as { id: number }).id;
  }

  /** Adds those items that are not there yet. Gives how many, or the position at which another item is already. */
  async add(jobId: number, items: readonly QueuedItem[]): Promise<{ added: number; other?: number }> {
    const columns = [items.map(({ position }) => position), items.map(({ key }) => key), items.map(({ json }) => json)];
    return await this.#database.transaction(async transaction => {
      const added = await runStatement<{ position: number }>(
        transaction,
        `insert into ${schema}.batch_items (job_id, position, key, item)
         select $1::int, * from unnest($2::int[], $3::uuid[], $4::text[]) on conflict do nothing returning position`,
        [jobId, ...columns],
      );
      const [other] = await runStatement<{ position: number }>(
        transaction,
        `select given.position from unnest($2::int[], $3::uuid[]) as given (position, key)
         join ${schema}.batch_items there on there.job_id = $1::int and there.position = given.position
         where there.key <> given.key order by given.position limit 1`,
        [jobId, columns[0], columns[1]],
      );
      if (other !== undefined) return { added: 0, other: other.position };
      await this.#send(
        transaction,
        added.map(({ position }) => ({ job: jobId, position })),
      );
      return { added: added.length };
    });
  }

  /** Says that all items are there. `false` when there are more of them already. */
  async seal(jobId: number, total: number): Promise<boolean> {
    const sealed = await this.#run(
      `update ${schema}.batch_jobs set total = $2 where id = $1
       and not exists (select 1 from ${schema}.batch_items where job_id = $1 and position >= $2) returning id`,
      [jobId, total],
    );
    return sealed.length > 0;
  }

  /** Takes up to so many items from the queue. */
  async claim(count: number): Promise<readonly ClaimedItem[]> {
    const messages = await this.#fetch(count);
    if (messages.length === 0) return [];
    const rows = await this.#run<ClaimedItem>(
      `update ${schema}.batch_items i
       set losses = losses + (leased_until is not null)::int, leased_until = now() + $4::float8 * interval '1 ms'
       from unnest($1::uuid[], $2::int[], $3::int[]) as m (id, job_id, position)
       where i.job_id = m.job_id and i.position = m.position and i.outcome is null
       returning m.id as "messageId", i.job_id as "jobId", i.position, replace(i.key::text, '-', '') as key,
         i.item as json, i.attempts, i.losses`,
      [
        messages.map(({ id }) => id),
        messages.map(({ data }) => data.job),
        messages.map(({ data }) => data.position),
        this.#leaseMs,
      ],
    );
    const claimed = new Set(rows.map(({ messageId }) => messageId));
    const superfluous = messages.map(({ id }) => id).filter(id => !claimed.has(id));
    if (superfluous.length > 0) await this.#boss.deleteJob(this.#name, superfluous);
    return rows.sort((a, b) => a.jobId - b.jobId || a.position - b.position);
  }

  /** Keeps the outcome of an item, if it has none yet. */
  async finish({ messageId, jobId, position }: ClaimedItem, { ok, line }: KeptOutcome): Promise<boolean> {
    return await this.#database.transaction(async transaction => {
      const kept = await runStatement(
        transaction,
        `update ${schema}.batch_items set ok = $3, outcome = $4, leased_until = null, finished_at = now()
         where job_id = $1 and position = $2 and outcome is null returning position`,
        [jobId, position, ok, line],
      );
      await this.#boss.deleteJob(this.#name, messageId, { db: dbOf(transaction) });
      return kept.length > 0;
    });
  }

  /** Gives an item back to the queue, to be taken again after a while. */
  async putBack(item: ClaimedItem, options: { readonly delayMs: number; readonly failed: boolean }): Promise<void> {
    const { messageId, jobId: job, position } = item;
    await this.#database.transaction(async transaction => {
      const open = await runStatement(
        transaction,
        `update ${schema}.batch_items set leased_until = null, attempts = attempts + $3
         where job_id = $1 and position = $2 and outcome is null returning position`,
        [job, position, options.failed ? 1 : 0],
      );
      await this.#boss.deleteJob(this.#name, messageId, { db: dbOf(transaction) });
      if (open.length > 0) await this.#send(transaction, [{ job, position }], options.delayMs);
    });
  }

  /** Puts back into the queue what lost workers had in hand. */
  async reclaim(): Promise<void> {
    await this.#boss.expire();
  }

  /** How far a job is; `undefined` when there is none. */
  async count(job: string): Promise<JobCounts | undefined> {
    const [row] = await this.#run<JobCounts>(
      `select j.id, j.total, count(*) filter (where i.outcome is not null)::int as done,
         count(*) filter (where not i.ok)::int as failed,
         count(*) filter (where i.outcome is null and i.leased_until > now())::int as active,
         count(*) filter (where i.finished_at > now() - interval '15 s')::int as recent,
         (extract(epoch from now() - j.created_at) * 1000)::float8 as "ageMs",
         (extract(epoch from max(i.finished_at) - j.created_at) * 1000)::float8 as "tookMs"
       from ${schema}.batch_jobs j left join ${schema}.batch_items i on i.job_id = j.id
       where j.queue = $1 and j.job = $2 group by j.id`,
      [this.#name, job],
    );
    return row;
  }

  /** The outcomes from a position on, up to the first item that has none. */
  async outcomes(jobId: number, from: number, limit: number): Promise<readonly KeptResult[]> {
    const rows = await this.#run<{ position: number; json: string; ok: boolean; line: string | null }>(
      `select position, item as json, ok, outcome as line from ${schema}.batch_items
       where job_id = $1 and position >= $2 order by position limit $3`,
      [jobId, from, limit],
    );
    const open = rows.findIndex(({ position, line }, index) => line === null || position !== from + index);
    return (open === -1 ? rows : rows.slice(0, open)) as KeptResult[];
  }

  /** Forgets a job. What is in hand of it is not recorded any more. */
  async discard(job: string): Promise<boolean> {
    const gone = await this.#run(`delete from ${schema}.batch_jobs where queue = $1 and job = $2 returning id`, [
      this.#name,
      job,
    ]);
    return gone.length > 0;
  }

  #run<Row>(text: string, values: readonly unknown[]): Promise<Row[]> {
    return runStatement<Row>(this.#database.db, text, values);
  }

  async #fetch(count: number): Promise<readonly PgBoss.Job<Message>[]> {
    const db = dbOf(this.#database.db);
    let failure: { readonly error: unknown } | undefined;
    // `fetch` takes every error for an empty queue.
    const listening: PgBoss.Db = {
      executeSql: async (text, values) => {
        try {
          return await db.executeSql(text, values);
        } catch (error) {
          failure = { error };
          throw error;
        }
      },
    };
    const messages = await this.#boss.fetch<Message>(this.#name, { batchSize: count, db: listening });
    if (failure !== undefined) throw failure.error;
    return messages;
  }

  async #send(runner: StatementRunner, messages: readonly Message[], delayMs = 0): Promise<void> {
    if (messages.length === 0) return;
    const expireInSeconds = Math.ceil(this.#leaseMs / 1_000);
    const jobs = messages.map(data => ({
      name: this.#name,
      data,
      // In the order of the items.
      priority: -data.position,
      retryLimit,
      expireInSeconds,
      ...(delayMs > 0 && { startAfter: `${delayMs} ms` }),
    }));
    await this.#boss.insert(jobs, { db: dbOf(runner) });
  }
}
