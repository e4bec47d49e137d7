import { describe, expect, it } from 'vitest';
import { type IdempotencyStore, MemoryIdempotencyStore } from '../server/index.ts';
import { idempotencyStoreContract, VirtualClock } from './index.ts';

type Change = (store: MemoryIdempotencyStore, clock: VirtualClock) => Partial<IdempotencyStore>;

/** For each promise a store that breaks it and keeps most of the others. */
const broken: Readonly<Record<string, Change>> = {
  'gives a new id to who asks first, and tells others that it is taken, and by which request': store => ({
    claim: async (id, fingerprint, leaseMs) => {
      const outcome = await store.claim(id, fingerprint, leaseMs);
      return outcome.state === 'claimed' ? outcome : { ...outcome, fingerprint };
    },
  }),
  'gives an id to one of many who ask at once': store => ({
    claim: async (id, fingerprint, leaseMs) => {
      const outcome = await store.claim(id, fingerprint, leaseMs);
      return outcome.state === 'running' ? { state: 'claimed', claim: { id, fence: '' } } : outcome;
    },
  }),
  'gives the answer back as it was, to every byte': store => ({
    complete: (claim, answer, ttlMs) =>
      store.complete(
        claim,
        { ...answer, body: answer.body && Buffer.from(Buffer.from(answer.body).toString()) },
        ttlMs,
      ),
  }),
  'makes an id free that is released, and only by who has it': () => ({ release: async () => {} }),
  'keeps the first answer, whatever comes after it': store => ({
    complete: async (claim, answer, ttlMs) => {
      await store.complete(claim, answer, ttlMs);
      return true;
    },
  }),
  'lets one other have an id whose lease has ended, and who comes late changes nothing': store => ({
    claim: (id, fingerprint) => store.claim(id, fingerprint, 1_000_000),
  }),
  'forgets an answer when its time has passed, and no sooner': store => ({
    complete: (claim, answer, ttlMs) => store.complete(claim, answer, ttlMs / 4),
  }),
};

describe('idempotencyStoreContract', () => {
  it('has a store that breaks each of its promises', () => {
    expect(Object.keys(broken)).toEqual(idempotencyStoreContract.map(({ name }) => name));
  });

  it.each(idempotencyStoreContract)('finds a store that does not keep: $name', async ({ name, run }) => {
    const clock = new VirtualClock();
    const base = new MemoryIdempotencyStore({ clock });
    const store: IdempotencyStore = {
      claim: (...given) => base.claim(...given),
      complete: (...given) => base.complete(...given),
      release: claim => base.release(claim),
      ...(broken[name] as Change)(base, clock),
    };
    await expect(run({ store, advance: durationMs => clock.advance(durationMs) })).rejects.toMatchObject({
      code: 'ERR_ASSERTION',
    });
  });
});
