import { type Ids, requireInteger, systemIds } from '../../kernel/index.ts';
import { runStatement, type StatementRunner } from './statements.ts';
import type { ClaimOutcome, IdempotencyClaim, IdempotencyStore, KeptAnswer } from './store.ts';

/** What a {@link SqlIdempotencyStore} is made of. */
export interface SqlIdempotencyStoreOptions {
  /** A `DatabaseManager` that is open and has the table of `idempotencyMigration`. */
  readonly database: { readonly db: StatementRunner };
  /** After how many claims rows that have expired are removed, and how many at most for each of them. @default 100 */
  readonly claimsPerCleaning?: number | undefined;
  /** Makes fences. @default systemIds */
  readonly ids?: Ids | undefined;
}

/** A key that is free at one look and taken at the next is looked at so often. */
const maxLooks = 10;

/** How many expired rows are removed for each claim: more than one, so that they become fewer. */
const removedPerClaim = 4;

/**
 * Keeps idempotency keys in SQL, on PostgreSQL and embedded: for all processes, with the time of the database. An answer can
 * become part of the transaction that did the work.
 *
 * @example
 * await database.migrate([...orderMigrations, idempotencyMigration]);
 * const store = new SqlIdempotencyStore({ database });
 */
export class SqlIdempotencyStore implements IdempotencyStore {
  readonly transactional = true;
  readonly #database: { readonly db: StatementRunner };
  readonly #claimsPerCleaning: number;
  readonly #ids: Ids;
  #claims = 0;

  /** @throws {ArgumentError} when an option is unusable. */
  constructor({ database, claimsPerCleaning = 100, ids = systemIds }: SqlIdempotencyStoreOptions) {
    this.#database = database;
    this.#claimsPerCleaning = requireInteger('claimsPerCleaning', claimsPerCleaning, 1, 10_000);
    this.#ids = ids;
  }

  async claim(id: string, fingerprint: string, leaseMs: number): Promise<ClaimOutcome> {
    this.#claims += 1;
    if (this.#claims % this.#claimsPerCleaning === 0) await this.removeExpired();
    const fence = this.#ids.next();
    for (let looks = 0; looks < maxLooks; looks += 1) {
      const claimed = await this.#run('claim', [id, fingerprint, fence, leaseMs]);
      if (claimed.length > 0) return { state: 'claimed', claim: { id, fence } };
      const [found] = await this.#run<KeptRow>('find', [id]);
      // Released or expired meanwhile.
      if (found === undefined) continue;
      if (found.status === null) return { state: 'running', fingerprint: found.fingerprint };
      return { state: 'done', fingerprint: found.fingerprint, answer: answerOf(found) };
    }
    // Others have had it each time, and it is none of their answers.
    return { state: 'running', fingerprint };
  }

  async complete(
    { id, fence }: IdempotencyClaim,
    { status, headers, body }: KeptAnswer,
    ttlMs: number,
    within: StatementRunner = this.#database.db,
  ): Promise<boolean> {
    const bytes = body === undefined ? null : Buffer.from(body.buffer, body.byteOffset, body.byteLength);
    const values = [id, fence, status, JSON.stringify(headers), bytes, ttlMs];
    return (await runStatement(within, 'complete', values)).length > 0;
  }

  async release({ id, fence }: IdempotencyClaim): Promise<void> {
    await this.#run('release', [id, fence]);
  }

  /**
   * Removes answers that have expired, and claims that have for an hour: a bounded number of the oldest. Claims do so from
   * time to time by themselves.
   *
   * @returns how many there were.
   */
  async removeExpired(): Promise<number> {
    return (await this.#run('removeExpired', [removedPerClaim * this.#claimsPerCleaning])).length;
  }

  #run<Row>(name: Parameters<typeof runStatement>[1], parameters: readonly unknown[]): Promise<readonly Row[]> {
    return runStatement<Row>(this.#database.db, name, parameters);
  }
}

interface KeptRow {
  readonly fingerprint: string;
  readonly status: number | null;
  readonly headers: string;
  readonly body: Uint8Array | null;
}

function answerOf({ status, headers, body }: KeptRow): KeptAnswer {
  return {
    status: status as number,
    headers: JSON.parse(headers) as Readonly<Record<string, string>>,
    body: body ?? undefined,
  };
}
