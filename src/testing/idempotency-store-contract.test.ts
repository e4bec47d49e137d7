import { describe, expect, it } from 'vitest';
import { type IdempotencyClaim, type IdempotencyStore, MemoryIdempotencyStore } from '../server/index.ts';
import { idempotencyStoreContract, VirtualClock } from './index.ts';

type Change = (store: MemoryIdempotencyStore, clock: VirtualClock) => Partial<IdempotencyStore>;

/** Changes what `claim` is asked. */
const asking =
  (change: (id: string, fingerprint: string, leaseMs: number) => [string, string, number]): Change =>
  store => ({ claim: (...given) => store.claim(...change(...given)) });

/** Whoever completes or releases is taken for who has the claim. */
const withoutFences =
  (method: 'complete' | 'release'): Change =>
  store => {
    const latest = new Map<string, IdempotencyClaim>();
    const holder = (claim: IdempotencyClaim): IdempotencyClaim => latest.get(claim.id) ?? claim;
    const without: IdempotencyStore = {
      async claim(...given) {
        const outcome = await store.claim(...given);
        if (outcome.state === 'claimed') latest.set(outcome.claim.id, outcome.claim);
        return outcome;
      },
      complete: (claim, ...rest) => store.complete(holder(claim), ...rest),
      release: claim => store.release(holder(claim)),
    };
    return { claim: without.claim, [method]: without[method] };
  };

/** Keeps no answer when the lease has ended, and says one thing or the other. */
const sayingOfLate =
  (isKept: boolean): Change =>
  (store, clock) => {
    const endsMs = new Map<string, number>();
    return {
      claim: (id, fingerprint, leaseMs) => {
        endsMs.set(id, clock.monotonic() + leaseMs);
        return store.claim(id, fingerprint, leaseMs);
      },
      complete: async (claim, ...rest) =>
        clock.monotonic() < (endsMs.get(claim.id) ?? 0) ? await store.complete(claim, ...rest) : isKept,
    };
  };

/** For each promise the stores that break it, in one way each, and keep most of the others. */
const broken: Readonly<Record<string, Readonly<Record<string, Change>>>> = {
  'gives a new id to who asks first, and tells others that it is taken, and by which request': {
    'tells each who asks that it is the same request': store => ({
      async claim(id, fingerprint, leaseMs) {
        const outcome = await store.claim(id, fingerprint, leaseMs);
        return outcome.state === 'claimed' ? outcome : { ...outcome, fingerprint };
      },
    }),
    'has one id for all': asking((_, fingerprint, leaseMs) => ['all', fingerprint, leaseMs]),
    'lets everybody run': store => ({
      claim: async (id, fingerprint, leaseMs) => {
        const outcome = await store.claim(id, fingerprint, leaseMs);
        return outcome.state === 'running' ? { state: 'claimed', claim: { id, fence: '' } } : outcome;
      },
    }),
  },
  'gives an id to one of many who ask at once': {
    'looks first and takes it later': store => {
      const taken = new Map<string, string>();
      return {
        async claim(id, fingerprint, leaseMs) {
          const first = taken.get(id);
          await Promise.resolve();
          if (first !== undefined) return { state: 'running', fingerprint: first };
          taken.set(id, fingerprint);
          const outcome = await store.claim(id, fingerprint, leaseMs);
          return outcome.state === 'claimed' ? outcome : { state: 'claimed', claim: { id, fence: '' } };
        },
      };
    },
    'refuses all of them': () => ({ claim: async () => ({ state: 'running', fingerprint: 'request 0' }) }),
  },
  'takes ids and fingerprints for what they are': {
    'trims ids': asking((id, fingerprint, leaseMs) => [id.trim(), fingerprint, leaseMs]),
    'takes small and capital letters for the same': asking((id, fingerprint, leaseMs) => [
      id.toLowerCase(),
      fingerprint,
      leaseMs,
    ]),
    'knows the beginning of an id only': asking((id, fingerprint, leaseMs) => [id.slice(0, 255), fingerprint, leaseMs]),
    'trims fingerprints': asking((id, fingerprint, leaseMs) => [id, fingerprint.trim(), leaseMs]),
  },
  'gives the answer back as it was, to every byte': {
    'takes every body for text': store => ({
      complete: (claim, answer, ttlMs) =>
        store.complete(
          claim,
          { ...answer, body: answer.body && Buffer.from(Buffer.from(answer.body).toString()) },
          ttlMs,
        ),
    }),
    'takes no body for an empty one': store => ({
      complete: (claim, answer, ttlMs) =>
        store.complete(claim, { ...answer, body: answer.body ?? new Uint8Array() }, ttlMs),
    }),
    'takes an empty body for none': store => ({
      complete: (claim, answer, ttlMs) =>
        store.complete(claim, { ...answer, body: answer.body?.byteLength === 0 ? undefined : answer.body }, ttlMs),
    }),
    'loses headers': store => ({
      complete: (claim, answer, ttlMs) => store.complete(claim, { ...answer, headers: {} }, ttlMs),
    }),
    'loses the status': store => ({
      complete: (claim, answer, ttlMs) => store.complete(claim, { ...answer, status: 200 }, ttlMs),
    }),
  },
  'makes an id free that is released, and only by who has it': {
    'never makes it free': () => ({ release: async () => {} }),
    'makes it free for everybody who asks': withoutFences('release'),
    'takes the answer of everybody': withoutFences('complete'),
  },
  'keeps the first answer, whatever comes after it': {
    'says that it has kept a second one': store => ({
      complete: async (claim, answer, ttlMs) => {
        await store.complete(claim, answer, ttlMs);
        return true;
      },
    }),
    'lets an answer be released': store => {
      const released = new Set<string>();
      return {
        claim: (id, ...rest) => store.claim(released.has(id) ? `${id} again` : id, ...rest),
        release: async ({ id }) => void released.add(id),
      };
    },
  },
  'lets one other have an id whose lease has ended, and who comes late changes nothing': {
    'has leases that do not end': asking((id, fingerprint) => [id, fingerprint, 1_000_000]),
    'has leases that end at once': asking((id, fingerprint) => [id, fingerprint, 0.001]),
    'takes an answer from who is late': withoutFences('complete'),
    'lets who is late make it free': withoutFences('release'),
  },
  'takes the answer of who comes late when nobody else has asked, so that the work is not done again': {
    'forgets a claim with its lease': sayingOfLate(false),
    'says that it has kept it': sayingOfLate(true),
  },
  'forgets an answer when its time has passed, and no sooner': {
    'forgets it with the lease': store => ({
      complete: (claim, answer, ttlMs) => store.complete(claim, answer, Math.min(ttlMs, 400)),
    }),
    'forgets it soon': store => ({ complete: (claim, answer, ttlMs) => store.complete(claim, answer, ttlMs / 4) }),
    'never forgets it': store => ({ complete: (claim, answer) => store.complete(claim, answer, 1_000_000) }),
  },
};

const breaches = Object.entries(broken).flatMap(([name, stores]) =>
  Object.entries(stores).map(([store, change]) => ({ name, store, change })),
);

describe('idempotencyStoreContract', () => {
  it('has stores that break each of its promises', () => {
    expect(Object.keys(broken)).toEqual(idempotencyStoreContract.map(({ name }) => name));
  });

  it.each(breaches)('finds a store that $store, where it should be one that $name', async ({ name, change }) => {
    const clock = new VirtualClock();
    const base = new MemoryIdempotencyStore({ clock });
    const store: IdempotencyStore = {
      claim: (...given) => base.claim(...given),
      complete: (...given) => base.complete(...given),
      release: claim => base.release(claim),
      ...change(base, clock),
    };
    const { run } = idempotencyStoreContract.find(one => one.name === name) ?? expect.fail('There is no such promise');
    await expect(run({ store, advance: durationMs => clock.advance(durationMs) })).rejects.toMatchObject({
      code: 'ERR_ASSERTION',
    });
  });
});
