import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { idempotencyStoreContract, VirtualClock } from '../../testing/index.ts';
import { type IdempotencyClaim, type KeptAnswer, MemoryIdempotencyStore } from '../index.ts';

describe('MemoryIdempotencyStore', () => {
  for (const { name, run } of idempotencyStoreContract) {
    it(name, async () => {
      const clock = new VirtualClock();
      await run({ store: new MemoryIdempotencyStore({ clock }), advance: durationMs => clock.advance(durationMs) });
    });
  }

  it('does what a list of everything that happened says', async () => {
    const id = fc.constantFrom('a', 'b', 'c');
    const step = fc.oneof(
      fc.record({ does: fc.constant('claim' as const), id, print: fc.nat(3), forMs: fc.integer({ min: 1, max: 30 }) }),
      fc.record({ does: fc.constant('complete' as const), claim: fc.nat(20), forMs: fc.integer({ min: 1, max: 30 }) }),
      fc.record({ does: fc.constant('release' as const), claim: fc.nat(20) }),
      fc.record({ does: fc.constant('wait' as const), forMs: fc.nat(20) }),
    );
    await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 60 }), follow), { numRuns: 500 });

    async function follow(steps: readonly (typeof step extends fc.Arbitrary<infer Step> ? Step : never)[]) {
      const clock = new VirtualClock();
      const store = new MemoryIdempotencyStore({ clock });
      const claims: IdempotencyClaim[] = [];
      const model = new Model();
      for (const one of steps) {
        if (one.does === 'wait') {
          await clock.advance(one.forMs);
          model.nowMs += one.forMs;
        } else if (one.does === 'claim') {
          const outcome = await store.claim(one.id, String(one.print), one.forMs);
          expect(outcome).toMatchObject(model.claim(one.id, String(one.print), one.forMs));
          if (outcome.state === 'claimed') claims.push(outcome.claim);
        } else if (claims.length > 0) {
          const at = one.claim % claims.length;
          const claim = claims[at] as IdempotencyClaim;
          if (one.does === 'release') {
            await store.release(claim);
            model.release(at);
          } else {
            const kept = await store.complete(claim, answerOf(100 + at), one.forMs);
            expect(kept).toBe(model.complete(at, one.forMs));
          }
        }
      }
    }
  });

  it('forgets the oldest answers when there are too many, or their bodies too large', async () => {
    const clock = new VirtualClock();
    const store = new MemoryIdempotencyStore({ clock, maxKeys: 3, maxBytes: 10 });
    const keep = async (id: string, bytes: number): Promise<void> => {
      const outcome = await store.claim(id, 'print', 1_000);
      if (outcome.state !== 'claimed') return expect.fail(outcome.state);
      await store.complete(outcome.claim, { ...answerOf(200), body: new Uint8Array(bytes) }, 1_000);
    };
    for (const id of ['a', 'b', 'c', 'd']) await keep(id, 2);
    expect(store.size).toEqual({ answers: 3, running: 0, bytes: 6 });
    await keep('e', 7);
    expect(store.size).toEqual({ answers: 2, running: 0, bytes: 9 });
    expect((await store.claim('d', 'print', 1_000)).state).toBe('done');
    await keep('f', 11);
    expect(store.size).toEqual({ answers: 0, running: 0, bytes: 0 });
  });

  it('refuses to begin when too many are under way, until some of them end', async () => {
    const clock = new VirtualClock();
    const store = new MemoryIdempotencyStore({ clock, maxKeys: 2 });
    await store.claim('a', 'print', 1_000);
    await store.claim('b', 'print', 500);
    await expect(store.claim('c', 'print', 1_000)).rejects.toMatchObject({ code: 'CAPACITY_FULL' });
    expect((await store.claim('a', 'print', 1_000)).state).toBe('running');
    await clock.advance(500);
    expect((await store.claim('c', 'print', 1_000)).state).toBe('claimed');
    expect(store.size).toEqual({ answers: 0, running: 2, bytes: 0 });
  });

  it('keeps nothing within a transaction, and says so', async () => {
    const store = new MemoryIdempotencyStore();
    const outcome = await store.claim('a', 'print', 1_000);
    if (outcome.state !== 'claimed') return expect.fail(outcome.state);
    const transaction = { executeQuery: () => Promise.resolve({ rows: [] }) };
    await expect(store.complete(outcome.claim, answerOf(200), 1_000, transaction)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
  });

  it('refuses bounds that are none', () => {
    expect(() => new MemoryIdempotencyStore({ maxKeys: 0 })).toThrow('Cannot use maxKeys');
    expect(() => new MemoryIdempotencyStore({ maxBytes: -1 })).toThrow('Cannot use maxBytes');
  });
});

function answerOf(status: number): KeptAnswer {
  return { status, headers: {}, body: new Uint8Array() };
}

/** The promise in its plainest form: every claim that was ever given, and what became of it. */
class Model {
  nowMs = 0;
  readonly #given: { id: string; print: string; untilMs: number; end?: 'released' | 'answered' }[] = [];

  #latest(id: string): number {
    return this.#given.findLastIndex(given => given.id === id);
  }

  claim(id: string, print: string, leaseMs: number): object {
    const at = this.#latest(id);
    const last = this.#given[at];
    if (last !== undefined && last.end !== 'released' && last.untilMs > this.nowMs) {
      if (last.end === undefined) return { state: 'running', fingerprint: last.print };
      return { state: 'done', fingerprint: last.print, answer: { status: 100 + at } };
    }
    this.#given.push({ id, print, untilMs: this.nowMs + leaseMs });
    return { state: 'claimed' };
  }

  complete(at: number, ttlMs: number): boolean {
    const given = this.#given[at];
    if (given === undefined || given.end !== undefined || this.#latest(given.id) !== at) return false;
    given.end = 'answered';
    given.untilMs = this.nowMs + ttlMs;
    return true;
  }

  release(at: number): void {
    const given = this.#given[at];
    if (given !== undefined && given.end === undefined) given.end = 'released';
  }
}
