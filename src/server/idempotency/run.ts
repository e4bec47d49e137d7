import { inProgress } from './errors.ts';
import type { StatementRunner } from './statements.ts';
import type { IdempotencyClaim, IdempotencyStore, KeptAnswer } from './store.ts';

/** The part of a reply that idempotency keys need. */
export interface IdempotentReply {
  readonly statusCode: number;
  code(status: number): unknown;
  header(name: string, value: string): unknown;
  getHeader(name: string): number | string | string[] | undefined;
  removeHeader(name: string): unknown;
  serialize(payload: unknown): unknown;
  send(payload?: unknown): unknown;
}

/** What a handler will answer. */
export interface IdempotentAnswer {
  /** The HTTP status. @default 200 */
  readonly status?: number | undefined;
  /** What the handler sends: written as JSON by the schema that the route has for the status. */
  readonly body: unknown;
  /** Headers to keep besides those that the reply has already. @default {} */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** A request that runs under an idempotency key. */
export interface Idempotency {
  /** The key as the client sent it, without quotes. */
  readonly key: string;
  /** Whether the store can keep the answer in a transaction: otherwise `complete` fails. */
  readonly transactional: boolean;
  /**
   * Keeps the answer in the transaction that does the work: either both are there or none. Afterwards the handler sends the
   * same answer. The transaction may be run again.
   *
   * @throws {IdempotencyError} when the lease was lost: let it roll the transaction back.
   * @throws {ArgumentError} when the store has no transactions.
   */
  complete(transaction: StatementRunner, answer: IdempotentAnswer): Promise<void>;
}

/** What an {@link IdempotentRun} is made of. */
export interface RunParts {
  readonly key: string;
  readonly store: IdempotencyStore;
  readonly claim: IdempotencyClaim;
  readonly reply: IdempotentReply;
  readonly ttlMs: number;
  readonly maxBytes: number;
  /** In small letters. */
  readonly headers: readonly string[];
  readonly onStoreFailure: (error: unknown) => void;
}

/** One request from its claim to its answer. */
export class IdempotentRun implements Idempotency {
  readonly #parts: RunParts;
  /** What was kept in a transaction, which may have been rolled back since. */
  #within: { readonly bytes: Uint8Array; readonly answer: KeptAnswer } | undefined;

  constructor(parts: RunParts) {
    this.#parts = parts;
  }

  get key(): string {
    return this.#parts.key;
  }

  get transactional(): boolean {
    return this.#parts.store.transactional === true;
  }

  async complete(transaction: StatementRunner, { status = 200, body, headers }: IdempotentAnswer): Promise<void> {
    const { store, claim, ttlMs } = this.#parts;
    const bytes = this.#write(status, body);
    const type = body === undefined ? {} : { 'content-type': 'application/json; charset=utf-8' };
    const given = Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]);
    const all = { ...type, ...this.#headers(), ...Object.fromEntries(given) };
    const answer = { status, headers: all, body: this.#bounded(bytes) };
    if (!(await store.complete(claim, answer, ttlMs, transaction))) throw inProgress();
    this.#within = { bytes, answer };
  }

  /** Keeps what is about to be sent. @returns what to send, or `lost` when another request has the key now. */
  async keep(payload: unknown): Promise<unknown> {
    const { store, claim, reply, ttlMs } = this.#parts;
    const bytes = bytesOf(payload);
    const status = reply.statusCode;
    const within = this.#within;
    if (within !== undefined && status === within.answer.status && bytes !== undefined && same(bytes, within.bytes)) {
      return this.#sendKept(within);
    }
    const body = reply.getHeader('content-encoding') === undefined ? this.#bounded(bytes) : undefined;
    const isKept = await this.#guarded(() => store.complete(claim, { status, headers: this.#headers(), body }, ttlMs));
    if (isKept !== false) return payload;
    // What the transaction has kept is what everybody gets from now on.
    return within === undefined ? 'lost' : this.#sendKept(within);
  }

  /** Makes the key free again, unless there is an answer. */
  async release(): Promise<void> {
    const { store, claim } = this.#parts;
    await this.#guarded(() => store.release(claim));
  }

  /** Takes back what the handler told about an answer that is not sent. */
  clearHeaders(): void {
    for (const name of this.#parts.headers) this.#parts.reply.removeHeader(name);
  }

  /** The client must not pay for a store that is away: the work is done. */
  async #guarded<Result>(work: () => Promise<Result>): Promise<Result | undefined> {
    try {
      return await work();
    } catch (error) {
      this.#parts.onStoreFailure(error);
      return undefined;
    }
  }

  #sendKept({ bytes, answer }: { readonly bytes: Uint8Array; readonly answer: KeptAnswer }): unknown {
    const { reply } = this.#parts;
    reply.code(answer.status);
    for (const [name, value] of Object.entries(answer.headers)) reply.header(name, value);
    // The framework may have counted the bytes of another body.
    reply.removeHeader('content-length');
    return answer.headers['content-type'] === undefined ? undefined : bytes;
  }

  /** As the framework will write it: its serializer goes by the status. */
  #write(status: number, body: unknown): Uint8Array {
    if (body === undefined) return new Uint8Array();
    const { reply } = this.#parts;
    const before = reply.statusCode;
    reply.code(status);
    try {
      return Buffer.from(reply.serialize(body) as string);
    } finally {
      reply.code(before);
    }
  }

  #headers(): Record<string, string> {
    const kept: Record<string, string> = {};
    for (const name of this.#parts.headers) {
      const value = this.#parts.reply.getHeader(name);
      if (value !== undefined) kept[name] = Array.isArray(value) ? value.join(', ') : String(value);
    }
    return kept;
  }

  #bounded(bytes: Uint8Array | undefined): Uint8Array | undefined {
    return bytes !== undefined && bytes.byteLength <= this.#parts.maxBytes ? bytes : undefined;
  }
}

const key = Symbol('plinth.idempotency');

type Keyed = { [key]?: IdempotentRun | undefined };

/**
 * The idempotency key that a request runs under; `undefined` when it has none. A handler that works in a transaction keeps
 * its answer in it, so that a process that dies at any moment leaves both or none.
 *
 * @example
 * const order = await database.transaction(async transaction => {
 *   const order = await insertOrder(transaction, request.body);
 *   await idempotencyOf(request)?.complete(transaction, { status: 201, body: order });
 *   return order;
 * });
 * return reply.code(201).send(order);
 */
export function idempotencyOf(request: object): Idempotency | undefined {
  return runOf(request);
}

/** Attaches a run to the framework's request. */
export function openRun(request: object, parts: RunParts): void {
  (request as Keyed)[key] = new IdempotentRun(parts);
}

/** The run of a request that is not answered yet. */
export function runOf(request: object): IdempotentRun | undefined {
  return (request as Keyed)[key];
}

/** Ends the run of a request. */
export function forgetRun(request: object): void {
  (request as Keyed)[key] = undefined;
}

/** What the framework sends as it is; `undefined` for a stream. */
function bytesOf(payload: unknown): Uint8Array | undefined {
  if (payload === undefined || payload === null) return new Uint8Array();
  if (typeof payload === 'string') return Buffer.from(payload);
  return payload instanceof Uint8Array ? payload : undefined;
}

function same(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}
