import { RejectedError } from '../../errors/index.ts';
import { type Clock, type Ids, requireInteger, systemClock, systemIds } from '../../kernel/index.ts';
import { noTransactions } from './errors.ts';
import type { StatementRunner } from './statements.ts';
import type { ClaimOutcome, IdempotencyClaim, IdempotencyStore, KeptAnswer } from './store.ts';

/** How a {@link MemoryIdempotencyStore} is bounded. */
export interface MemoryIdempotencyStoreOptions {
  /** The most answers that are kept, and the most requests that may be under way. @default 10_000 */
  readonly maxKeys?: number | undefined;
  /** The most memory for the bodies of answers, in bytes. @default 16_777_216 */
  readonly maxBytes?: number | undefined;
  /** @default systemClock */
  readonly clock?: Clock | undefined;
  /** Makes fences. @default systemIds */
  readonly ids?: Ids | undefined;
}

interface Running {
  readonly fingerprint: string;
  readonly fence: string;
  readonly expiresAtMs: number;
}

interface Done {
  readonly fingerprint: string;
  readonly answer: KeptAnswer;
  readonly expiresAtMs: number;
}

/**
 * Keeps idempotency keys in memory: for one process, and until it ends. When there are too many answers, the oldest is
 * forgotten before its time.
 *
 * @example
 * const store = new MemoryIdempotencyStore({ maxKeys: 1_000 });
 * api.post('/orders', { schema, ...idempotent({ store }) }, placeOrder);
 */
export class MemoryIdempotencyStore implements IdempotencyStore {
  readonly #running = new Map<string, Running>();
  /** The oldest first. */
  readonly #done = new Map<string, Done>();
  readonly #maxKeys: number;
  readonly #maxBytes: number;
  readonly #clock: Clock;
  readonly #ids: Ids;
  #bytes = 0;

  /** @throws {ArgumentError} when an option is unusable. */
  constructor(options: MemoryIdempotencyStoreOptions = {}) {
    const { maxKeys = 10_000, maxBytes = 16_777_216, clock = systemClock, ids = systemIds } = options;
    this.#maxKeys = requireInteger('maxKeys', maxKeys, 1);
    this.#maxBytes = requireInteger('maxBytes', maxBytes, 0);
    this.#clock = clock;
    this.#ids = ids;
  }

  /** How many answers are kept, how many requests are under way, and what the answers' bodies take. */
  get size(): { readonly answers: number; readonly running: number; readonly bytes: number } {
    return { answers: this.#done.size, running: this.#running.size, bytes: this.#bytes };
  }

  /** @throws {RejectedError} when `maxKeys` requests are under way. */
  async claim(id: string, fingerprint: string, leaseMs: number): Promise<ClaimOutcome> {
    const nowMs = this.#clock.monotonic();
    const done = this.#done.get(id);
    if (done !== undefined) {
      if (done.expiresAtMs > nowMs) return { state: 'done', fingerprint: done.fingerprint, answer: done.answer };
      this.#forget(id, done);
    }
    const running = this.#running.get(id);
    if (running !== undefined && running.expiresAtMs > nowMs) {
      return { state: 'running', fingerprint: running.fingerprint };
    }
    if (running === undefined) this.#makeRoom(nowMs);
    const fence = this.#ids.next();
    this.#running.set(id, { fingerprint, fence, expiresAtMs: nowMs + leaseMs });
    return { state: 'claimed', claim: { id, fence } };
  }

  async complete(
    claim: IdempotencyClaim,
    answer: KeptAnswer,
    ttlMs: number,
    within?: StatementRunner,
  ): Promise<boolean> {
    if (within !== undefined) throw noTransactions('in memory');
    const running = this.#held(claim);
    if (running === undefined) return false;
    this.#running.delete(claim.id);
    const { fingerprint } = running;
    this.#done.set(claim.id, { fingerprint, answer, expiresAtMs: this.#clock.monotonic() + ttlMs });
    this.#bytes += bytesOf(answer);
    for (const [id, oldest] of this.#done) {
      if (this.#done.size <= this.#maxKeys && this.#bytes <= this.#maxBytes) break;
      this.#forget(id, oldest);
    }
    return true;
  }

  async release(claim: IdempotencyClaim): Promise<void> {
    if (this.#held(claim) !== undefined) this.#running.delete(claim.id);
  }

  #held({ id, fence }: IdempotencyClaim): Running | undefined {
    const running = this.#running.get(id);
    return running?.fence === fence ? running : undefined;
  }

  #forget(id: string, done: Done): void {
    this.#done.delete(id);
    this.#bytes -= bytesOf(done.answer);
  }

  #makeRoom(nowMs: number): void {
    if (this.#running.size < this.#maxKeys) return;
    for (const [id, { expiresAtMs }] of this.#running) if (expiresAtMs <= nowMs) this.#running.delete(id);
    if (this.#running.size < this.#maxKeys) return;
    const message = `Cannot begin another request with an idempotency key: ${this.#maxKeys} are under way`;
    throw new RejectedError(message, 'full', { retryAfterMs: 1_000 });
  }
}

function bytesOf({ body }: KeptAnswer): number {
  return body?.byteLength ?? 0;
}
