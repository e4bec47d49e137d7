import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../testing/index.ts';
import {
  IdempotencyError,
  type IdempotencyProblem,
  type IdempotentReply,
  type IdempotentRequest,
  idempotent,
  MemoryIdempotencyStore,
} from '../index.ts';

const leaseMs = 20;
const ttlMs = 60;

const key = fc.constantFrom('a', 'b');
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ does: fc.constant('begin' as const), key, body: fc.nat(1) }) },
  {
    weight: 4,
    arbitrary: fc.record({ does: fc.constant('end' as const), owner: fc.nat(9), how: fc.constantFrom(201, 422, 500) }),
  },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('crash' as const), owner: fc.nat(9) }) },
  { weight: 3, arbitrary: fc.record({ does: fc.constant('wait' as const), forMs: fc.nat(30) }) },
);

type Step = typeof step extends fc.Arbitrary<infer Each> ? Each : never;

/** A reply without a network. */
class Reply implements IdempotentReply {
  statusCode = 200;
  sent: string | undefined;
  readonly #headers = new Map<string, string>();

  code(status: number): this {
    this.statusCode = status;
    return this;
  }
  header(name: string, value: string): this {
    this.#headers.set(name, value);
    return this;
  }
  getHeader(name: string): string | undefined {
    return this.#headers.get(name);
  }
  removeHeader(name: string): void {
    this.#headers.delete(name);
  }
  serialize(payload: unknown): string {
    return JSON.stringify(payload);
  }
  send(payload?: unknown): void {
    this.sent = String(payload);
  }
}

/** One request whose work has begun and whose answer is not out yet. */
interface Owner {
  readonly key: string;
  readonly body: number;
  readonly request: IdempotentRequest;
  readonly reply: Reply;
  /** What it will answer: nobody else answers so. */
  readonly answer: string;
  readonly leaseEndsMs: number;
}

/** What a client was told that has been done, and what must be true of it until it expires. */
interface Acknowledged {
  readonly body: number;
  readonly answer: string;
  readonly untilMs: number;
}

type Outcome = IdempotencyProblem | 'runs' | { readonly replayed: string };

/** Requests, their ends and their crashes, as they come. */
class World {
  readonly #clock = new VirtualClock();
  readonly #hooks = idempotent({
    store: new MemoryIdempotencyStore({ clock: this.#clock }),
    scope: () => 'all',
    leaseMs,
    ttlMs,
  });
  readonly #working: Owner[] = [];
  readonly #acknowledged = new Map<string, Acknowledged>();
  /** Who has begun last under a key, and has neither answered nor failed. */
  readonly #holders = new Map<string, Owner>();
  #runs = 0;

  async take(one: Step): Promise<void> {
    if (one.does === 'wait') return this.wait(one.forMs);
    if (one.does === 'begin') return this.#checkedBegin(one.key, one.body);
    const [owner] = this.#working.splice(one.owner % Math.max(1, this.#working.length), 1);
    // Of one that crashed nothing is heard again.
    if (owner !== undefined && one.does === 'end') await this.#end(owner, one.how);
  }

  wait(durationMs: number): Promise<void> {
    return this.#clock.advance(durationMs);
  }

  /** Whether a key can be used: by its answer, or by running. */
  async isAlive(key: string): Promise<boolean> {
    const outcome = await this.#begin(key, 0);
    return outcome === 'runs' || outcome === 'reused' || typeof outcome === 'object';
  }

  async #checkedBegin(key: string, body: number): Promise<void> {
    const nowMs = this.#clock.monotonic();
    const acknowledged = this.#acknowledged.get(key);
    const holder = this.#holders.get(key);
    const outcome = await this.#begin(key, body);
    if (acknowledged !== undefined && acknowledged.untilMs > nowMs) {
      // What somebody was told is done is not done again, and everybody is told the same.
      expect(outcome).toEqual(acknowledged.body === body ? { replayed: acknowledged.answer } : 'reused');
    } else if (holder !== undefined && holder.leaseEndsMs > nowMs) {
      // Nobody runs beside another one whose lease goes on.
      expect(outcome).toBe(holder.body === body ? 'in-progress' : 'reused');
    } else {
      // Nothing stands in the way: neither a crash nor a failure may lose the key for ever.
      expect(outcome).toBe('runs');
    }
  }

  async #begin(key: string, body: number): Promise<Outcome> {
    const request = { method: 'POST', url: '/', ip: '::1', headers: { 'idempotency-key': key }, body, server: {} };
    const reply = new Reply();
    try {
      if ((await this.#hooks.preHandler(request, reply)) !== undefined) return { replayed: String(reply.sent) };
    } catch (error) {
      if (error instanceof IdempotencyError) return error.problem;
      throw error;
    }
    this.#runs += 1;
    const leaseEndsMs = this.#clock.monotonic() + leaseMs;
    const owner = { key, body, request, reply, answer: `run ${this.#runs}`, leaseEndsMs };
    this.#working.push(owner);
    this.#holders.set(key, owner);
    return 'runs';
  }

  async #end(owner: Owner, how: number): Promise<void> {
    const { request, reply, answer } = owner;
    reply.code(how).header('content-type', 'text/plain');
    const isHolder = this.#holders.get(owner.key) === owner;
    const sent = await this.#hooks.onSend(request, reply, answer).catch((error: unknown) => error);
    if (how >= 400) expect(sent).toBe(answer);
    else if (isHolder) {
      expect(sent).toBe(answer);
      this.#acknowledged.set(owner.key, { body: owner.body, answer, untilMs: this.#clock.monotonic() + ttlMs });
    } else {
      // Another one has the key: who is late must not tell anybody that its work is what counts.
      expect(sent).toMatchObject({ problem: 'in-progress' });
    }
    if (isHolder) this.#holders.delete(owner.key);
  }
}

describe('idempotent()', () => {
  it('runs nothing again that was answered, and loses no key for ever, whoever begins, ends or crashes when', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 80 }), async steps => {
        const world = new World();
        for (const one of steps) await world.take(one);
        await world.wait(leaseMs);
        for (const name of ['a', 'b']) expect(await world.isAlive(name)).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });
});
