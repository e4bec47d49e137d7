import { type BatchDatabase, runStatement, type StatementRunner } from './batch-database.ts';
import { hasTable, schema, waitForOthers } from './queue-tables.ts';

/** A message in the hand of a relay. */
export interface ClaimedMessage {
  readonly id: string;
  readonly topic: string;
  readonly key: string | null;
  readonly json: string;
  /** Which attempt this is, from 1; attempts whose process was lost count. */
  readonly attempt: number;
  /** Marks this attempt, so that one whose lease ran out changes nothing any more. */
  readonly lease: string;
}

/** A message that was given up, as it is kept. */
export interface DeadRow {
  readonly id: string;
  readonly topic: string;
  readonly key: string | null;
  readonly json: string;
  readonly attempts: number;
  readonly error: string | null;
  readonly deadAt: Date;
}

const tableName = 'outbox_messages';
const table = `${schema}.${tableName}`;

const statements = [
  `create schema if not exists ${schema}`,
  // Text, not jsonb: it comes back letter by letter, and a zero character may be in it.
  `create table if not exists ${table} (
    position bigint generated always as identity primary key,
    id uuid not null unique default gen_random_uuid(),
    outbox text not null,
    topic text not null,
    key text,
    payload text not null,
    attempts integer not null default 0,
    due_at timestamptz not null default now(),
    lease uuid,
    leased_until timestamptz,
    dead_at timestamptz,
    error text,
    added_at timestamptz not null default now()
  )`,
  `create index if not exists outbox_messages_alive on ${table} (outbox, position) where dead_at is null`,
  `create index if not exists outbox_messages_key on ${table} (outbox, key, position) where dead_at is null and key is not null`,
];

/** The messages of one outbox in their table. */
export class OutboxStore {
  readonly #database: BatchDatabase;
  readonly #name: string;

  constructor(database: BatchDatabase, name: string) {
    this.#database = database;
    this.#name = name;
  }

  async createTable(): Promise<void> {
    if (await hasTable(this.#database.db, tableName)) return;
    await this.#database.transaction(async transaction => {
      await waitForOthers(transaction);
      for (const statement of statements) await runStatement(transaction, statement);
    });
  }

  async add(runner: StatementRunner, topic: string, key: string | undefined, json: string): Promise<string> {
    const [row] = await runStatement<{ id: string }>(
      runner,
      `insert into ${table} (outbox, topic, key, payload) values ($1, $2, $3, $4) returning id`,
      [this.#name, topic, key ?? null, json],
    );
    return (row as { id: string }).id;
  }

  /** Takes up to so many messages before which, in their key, none is left. */
  async claim(count: number, leaseMs: number): Promise<readonly ClaimedMessage[]> {
    const rows = await this.#run<ClaimedMessage & { position: string }>(
      `update ${table} o set attempts = attempts + 1, lease = gen_random_uuid(),
         leased_until = now() + $3::float8 * interval '1 ms'
       from (
         select position from ${table} m
         where outbox = $1 and dead_at is null and due_at <= now() and (leased_until is null or leased_until < now())
           and (key is null or not exists (
             select 1 from ${table} e where e.outbox = $1 and e.key = m.key and e.position < m.position and e.dead_at is null))
         order by position limit $2 for update of m skip locked
       ) c where o.position = c.position
       returning o.position, o.id, o.topic, o.key, o.payload as json, o.attempts as attempt, o.lease`,
      [this.#name, count, leaseMs],
    );
    return rows.sort((left, right) => Number(BigInt(left.position) - BigInt(right.position)));
  }

  /** Forgets a message that was delivered. */
  async delivered({ id, lease }: ClaimedMessage): Promise<boolean> {
    const rows = await this.#run(`delete from ${table} where id = $1 and lease = $2 returning id`, [id, lease]);
    return rows.length > 0;
  }

  /** Lets a message wait for its next attempt. */
  async postpone({ id, lease }: ClaimedMessage, delayMs: number, error: string): Promise<void> {
    await this.#run(
      `update ${table} set lease = null, leased_until = null, error = $4,
         due_at = now() + $3::float8 * interval '1 ms' where id = $1 and lease = $2`,
      [id, lease, delayMs, error],
    );
  }

  /** Gives a message up: those behind it in its key go on. */
  async bury({ id, lease }: ClaimedMessage, error: string | undefined): Promise<boolean> {
    const rows = await this.#run(
      `update ${table} set lease = null, leased_until = null, dead_at = now(), error = coalesce($3::text, error)
       where id = $1 and lease = $2 returning id`,
      [id, lease, error ?? null],
    );
    return rows.length > 0;
  }

  async dead(limit: number): Promise<readonly DeadRow[]> {
    return await this.#run<DeadRow>(
      `select id, topic, key, payload as json, attempts, error, dead_at as "deadAt" from ${table}
       where outbox = $1 and dead_at is not null order by position limit $2`,
      [this.#name, limit],
    );
  }

  /**
   * Takes a message up again that was given up, behind those that wait: what comes after it in its key may be in a hand
   * already, and would be overtaken.
   */
  async revive(id: string): Promise<boolean> {
    const rows = await this.#run(
      `update ${table} set dead_at = null, attempts = 0, due_at = now(), position = default
       where outbox = $1 and id::text = $2 and dead_at is not null returning id`,
      [this.#name, id],
    );
    return rows.length > 0;
  }

  async pending(): Promise<number> {
    const [row] = await this.#run<{ count: number }>(
      `select count(*)::int as count from ${table} where outbox = $1 and dead_at is null`,
      [this.#name],
    );
    return row?.count ?? 0;
  }

  #run<Row>(text: string, values: readonly unknown[]): Promise<Row[]> {
    return runStatement<Row>(this.#database.db, text, values);
  }
}
