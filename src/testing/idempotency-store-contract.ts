import { deepEqual, equal, ok } from 'node:assert/strict';
import { systemIds } from '../kernel/index.ts';
import type { IdempotencyClaim, IdempotencyStore, KeptAnswer } from '../server/index.ts';
import type { ContractSuite } from './contract.ts';

/** A store under test. It may be shared by all cases. */
export interface IdempotencyStoreSubject {
  readonly store: IdempotencyStore;
  /** Lets time of the store pass: a real wait when that is the time of a server. At least so long. */
  advance(durationMs: number): Promise<void>;
}

/** Long enough to be there until it is over, in milliseconds. */
const longMs = 600_000;

/** Short enough to wait for, and longer than a few requests take, in milliseconds. */
const shortMs = 400;

const answer: KeptAnswer = {
  status: 201,
  headers: { 'content-type': 'application/json; charset=utf-8', location: '/orders/7?a="ü"' },
  body: Buffer.from('{"id":7}'),
};

/**
 * What an `IdempotencyStore` promises. A store with a clock of its own takes about two seconds for all of it.
 *
 * @example
 * const clock = new VirtualClock();
 * const store = new MemoryIdempotencyStore({ clock });
 * for (const { name, run } of idempotencyStoreContract) it(name, () => run({ store, advance: ms => clock.advance(ms) }));
 */
export const idempotencyStoreContract: ContractSuite<IdempotencyStoreSubject> = [
  {
    name: 'gives a new id to who asks first, and tells others that it is taken, and by which request',
    async run({ store }) {
      const [one, other] = ids();
      await claimed(store, one, 'first');
      deepEqual(await store.claim(one, 'first', longMs), { state: 'running', fingerprint: 'first' });
      deepEqual(await store.claim(one, 'second', longMs), { state: 'running', fingerprint: 'first' });
      await claimed(store, other, 'second');
    },
  },
  {
    name: 'gives an id to one of many who ask at once',
    async run({ store }) {
      const [one] = ids();
      const asked = Array.from({ length: 40 }, (_, index) => store.claim(one, `request ${index}`, longMs));
      const outcomes = await Promise.all(asked);
      equal(outcomes.filter(({ state }) => state === 'claimed').length, 1, 'Not one and only one has got it');
      const winner = outcomes.findIndex(({ state }) => state === 'claimed');
      const others = outcomes.filter(outcome => outcome.state === 'running');
      equal(others.length, 39);
      ok(others.every(({ fingerprint }) => fingerprint === `request ${winner}`));
    },
  },
  {
    name: 'takes ids and fingerprints for what they are',
    async run({ store }) {
      const [one] = ids();
      const named = ['', ' ', '{', '}', '{}', ':', '%20', '*', 'ü', '\u{1f511}', 'A', 'a', 'a'.repeat(300)].map(
        end => one + end,
      );
      for (const id of named) {
        const claim = await claimed(store, id, ` of ${id} `);
        equal(await store.complete(claim, { ...answer, body: Buffer.from(id) }, longMs), true);
      }
      for (const id of named) {
        const outcome = await store.claim(id, 'another', longMs);
        ok(outcome.state === 'done', 'There is no answer');
        equal(outcome.fingerprint, ` of ${id} `);
        equal(Buffer.from(outcome.answer.body ?? []).toString(), id, 'It is the answer of another id');
      }
    },
  },
  {
    name: 'gives the answer back as it was, to every byte',
    async run({ store }) {
      const every = Uint8Array.from({ length: 256 }, (_, index) => index);
      for (const body of [every, new Uint8Array(), undefined, Buffer.alloc(65_536, 'é')]) {
        const [one] = ids();
        const claim = await claimed(store, one, 'print');
        equal(await store.complete(claim, { ...answer, body }, longMs), true);
        const outcome = await store.claim(one, 'another', longMs);
        ok(outcome.state === 'done', `There is no answer: ${outcome.state}`);
        equal(outcome.fingerprint, 'print');
        equal(outcome.answer.status, 201);
        deepEqual(outcome.answer.headers, answer.headers);
        deepEqual(outcome.answer.body && Buffer.from(outcome.answer.body), body && Buffer.from(body));
      }
    },
  },
  {
    name: 'makes an id free that is released, and only by who has it',
    async run({ store }) {
      const [one] = ids();
      const claim = await claimed(store, one, 'first');
      await store.release({ ...claim, fence: systemIds.next() });
      equal((await store.claim(one, 'second', longMs)).state, 'running', 'A stranger has released it');
      await store.release(claim);
      const next = await claimed(store, one, 'second');
      await store.release(claim);
      equal((await store.claim(one, 'third', longMs)).state, 'running', 'It was released by who had it before');
      equal(await store.complete(claim, answer, longMs), false, 'It was answered by who had it before');
      equal(await store.complete(next, answer, longMs), true);
    },
  },
  {
    name: 'keeps the first answer, whatever comes after it',
    async run({ store }) {
      const [one] = ids();
      const claim = await claimed(store, one, 'first');
      equal(await store.complete(claim, answer, longMs), true);
      equal(await store.complete(claim, { ...answer, status: 202 }, longMs), false, 'A second answer was kept');
      await store.release(claim);
      const outcome = await store.claim(one, 'first', longMs);
      ok(outcome.state === 'done', 'The answer was released');
      equal(outcome.answer.status, 201);
    },
  },
  {
    name: 'lets one other have an id whose lease has ended, and who comes late changes nothing',
    async run({ store, advance }) {
      const [one] = ids();
      const late = await claimed(store, one, 'first', shortMs);
      await advance(shortMs / 4);
      equal((await store.claim(one, 'second', longMs)).state, 'running', 'The lease has ended too soon');
      await advance(shortMs);
      const outcomes = await Promise.all(Array.from({ length: 10 }, () => store.claim(one, 'second', longMs)));
      const winners = outcomes.filter(outcome => outcome.state === 'claimed');
      equal(winners.length, 1, 'Not one and only one has got it');
      equal(
        await store.complete(late, { ...answer, status: 500 }, longMs),
        false,
        'A lost lease was good for an answer',
      );
      await store.release(late);
      equal((await store.claim(one, 'third', longMs)).state, 'running', 'A lost lease has released the id');
      equal(await store.complete((winners[0] as (typeof winners)[0]).claim, answer, longMs), true);
      const outcome = await store.claim(one, 'second', longMs);
      ok(outcome.state === 'done', 'There is no answer');
      equal(outcome.answer.status, 201);
    },
  },
  {
    name: 'takes the answer of who comes late when nobody else has asked, so that the work is not done again',
    async run({ store, advance }) {
      const [one] = ids();
      const late = await claimed(store, one, 'first', shortMs);
      await advance(shortMs + 20);
      equal(await store.complete(late, answer, longMs), true, 'Work that is done has no answer');
      const outcome = await store.claim(one, 'second', longMs);
      ok(outcome.state === 'done', 'The answer of who came late is not there');
      equal(outcome.fingerprint, 'first');
      equal(outcome.answer.status, 201);
    },
  },
  {
    name: 'forgets an answer when its time has passed, and no sooner',
    async run({ store, advance }) {
      const [brief, long] = ids();
      await store.complete(await claimed(store, brief, 'first', shortMs), answer, 2 * shortMs);
      await store.complete(await claimed(store, long, 'first', shortMs), answer, longMs);
      equal((await store.claim(brief, 'first', longMs)).state, 'done');
      await advance(shortMs + 20);
      for (const id of [brief, long]) {
        equal((await store.claim(id, 'first', longMs)).state, 'done', 'The answer went with the lease');
      }
      await advance(shortMs + 20);
      await claimed(store, brief, 'second');
      equal((await store.claim(long, 'first', longMs)).state, 'done');
    },
  },
];

/** Two ids that nobody else has. */
function ids(): [string, string] {
  return [systemIds.next(), systemIds.next()];
}

async function claimed(
  store: IdempotencyStore,
  id: string,
  fingerprint: string,
  leaseMs = longMs,
): Promise<IdempotencyClaim> {
  const outcome = await store.claim(id, fingerprint, leaseMs);
  ok(outcome.state === 'claimed', `An id that is free was not given: ${outcome.state}`);
  equal(outcome.claim.id, id);
  return outcome.claim;
}
