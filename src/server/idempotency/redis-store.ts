import { type Ids, systemIds } from '../../kernel/index.ts';
import { type RedisConnection, RedisScript, RedisUnavailableError } from '../../redis/index.ts';
import { noTransactions } from './errors.ts';
import type { StatementRunner } from './statements.ts';
import type { ClaimOutcome, IdempotencyClaim, IdempotencyStore, KeptAnswer } from './store.ts';

/** What a {@link RedisIdempotencyStore} is made of. */
export interface RedisIdempotencyStoreOptions {
  /** The connection. It may be shared, and stays open. Its `keyPrefix` keeps the keys of several services apart. */
  readonly redis: RedisConnection;
  /** Makes fences. @default systemIds */
  readonly ids?: Ids | undefined;
}

/** Time is that of the server alone: a claim and an answer are gone when their time to live is over. */
const claimSource = `
local kept = redis.call('HMGET', KEYS[1], 'fingerprint', 'status', 'headers', 'body')
if kept[1] then return kept end
redis.call('HSET', KEYS[1], 'fingerprint', ARGV[1], 'fence', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return false`;

/**
 * An id that nobody has is still that of who comes late: the lease has ended and nobody else has asked, or the server has
 * lost its memory. The work is done, and its answer keeps it from being done again.
 */
const completeSource = `
local kept = redis.call('HMGET', KEYS[1], 'fence', 'status')
if kept[2] or (kept[1] and kept[1] ~= ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], 'fence', ARGV[1], 'fingerprint', ARGV[2], 'status', ARGV[3], 'headers', ARGV[4])
if ARGV[6] then redis.call('HSET', KEYS[1], 'body', ARGV[6]) end
redis.call('PEXPIRE', KEYS[1], ARGV[5])
return 1`;

const releaseSource = `
local kept = redis.call('HMGET', KEYS[1], 'fence', 'status')
if kept[1] ~= ARGV[1] or kept[2] then return 0 end
return redis.call('UNLINK', KEYS[1])`;

/**
 * Keeps idempotency keys on Redis: for all processes, one script and one trip for each decision, with the time of the
 * server. While Redis is away requests with a key are not run.
 *
 * What Redis forgets is not known: a server that starts again without its data, that evicts keys, or a replica that takes
 * over before it has heard of a key lets a request run again. Where that must not be, use `SqlIdempotencyStore`.
 *
 * @example
 * const redis = new RedisConnection({ url: 'redis://localhost:6379', keyPrefix: 'shop:' });
 * const keys = idempotent({ store: new RedisIdempotencyStore({ redis }) });
 */
export class RedisIdempotencyStore implements IdempotencyStore {
  readonly #redis: RedisConnection;
  readonly #ids: Ids;
  readonly #claim: RedisScript;
  readonly #complete: RedisScript;
  readonly #release: RedisScript;

  constructor({ redis, ids = systemIds }: RedisIdempotencyStoreOptions) {
    this.#redis = redis;
    this.#ids = ids;
    // A body is bytes that need not be text.
    this.#claim = new RedisScript(claimSource, (words, key) => redis.commandForBytes(words, key));
    this.#complete = redis.script(completeSource);
    this.#release = redis.script(releaseSource);
  }

  /** @throws {RedisUnavailableError} when Redis is away. */
  async claim(id: string, fingerprint: string, leaseMs: number): Promise<ClaimOutcome> {
    // Who comes late must be able to say for which request, also when Redis has forgotten it.
    const fence = `${encodeURIComponent(this.#ids.next())} ${fingerprint}`;
    try {
      const kept = await this.#claim.run([this.#keyOf(id)], [fingerprint, fence, wholeMs(leaseMs)]);
      return kept === null ? { state: 'claimed', claim: { id, fence } } : outcomeOf(kept as KeptFields);
    } catch (error) {
      // It may be carried out all the same, for a caller who has left. What is sent after it is carried out after it.
      if (error instanceof RedisUnavailableError) this.release({ id, fence }).catch(() => {});
      throw error;
    }
  }

  /** @throws {RedisUnavailableError} when Redis is away: whether the answer is kept is not known then. */
  async complete(
    { id, fence }: IdempotencyClaim,
    { status, headers, body }: KeptAnswer,
    ttlMs: number,
    within?: StatementRunner,
  ): Promise<boolean> {
    if (within !== undefined) throw noTransactions('on Redis');
    const fingerprint = fence.slice(fence.indexOf(' ') + 1);
    const words = [fence, fingerprint, String(status), JSON.stringify(headers), wholeMs(ttlMs)];
    const bytes = body === undefined ? [] : [Buffer.from(body.buffer, body.byteOffset, body.byteLength)];
    return (await this.#complete.run([this.#keyOf(id)], [...words, ...bytes])) === 1;
  }

  /** @throws {RedisUnavailableError} when Redis is away. */
  async release({ id, fence }: IdempotencyClaim): Promise<void> {
    await this.#release.run([this.#keyOf(id)], [fence]);
  }

  #keyOf(id: string): string {
    return this.#redis.key('idempotency', `{${encodeURIComponent(id)}}`);
  }
}

/** The fields that the claim has found, in its order. */
type KeptFields = readonly [fingerprint: Buffer, status: Buffer | null, headers: Buffer | null, body: Buffer | null];

function outcomeOf([print, status, headers, body]: KeptFields): ClaimOutcome {
  const fingerprint = print.toString();
  if (status === null) return { state: 'running', fingerprint };
  const parsed = JSON.parse(String(headers)) as Readonly<Record<string, string>>;
  return { state: 'done', fingerprint, answer: { status: Number(status), headers: parsed, body: body ?? undefined } };
}

/** Redis knows whole milliseconds only. */
function wholeMs(durationMs: number): string {
  return String(Math.ceil(durationMs));
}
