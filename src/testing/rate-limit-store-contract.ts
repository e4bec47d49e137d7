import { deepEqual, equal, fail, ok } from 'node:assert/strict';
import { RejectedError } from '../errors/index.ts';
import { systemIds } from '../kernel/index.ts';
import type {
  CompiledLimit,
  RateLimitAnswer,
  RateLimitDecision,
  RateLimitLaw,
  RateLimitStore,
} from '../rate-limit/index.ts';
import type { ContractSuite } from './contract.ts';

/** A store under test. It may be shared by all cases, except that the last one closes it. */
export interface RateLimitStoreSubject {
  /** Without a lease, and with the server that it needs. */
  readonly store: RateLimitStore<RateLimitAnswer>;
  /** Lets time of the store pass: a real wait when that is the time of a server. At least so long. */
  advance(durationMs: number): Promise<void>;
}

const window = (requests: number, windowMs = 60_000): RateLimitLaw => ({ kind: 'sliding-window', requests, windowMs });
const bucket = (capacity: number, ratePerSecond = 0.01): RateLimitLaw => ({
  kind: 'token-bucket',
  capacity,
  ratePerSecond,
});

/**
 * What a `RateLimitStore` promises. A store with a clock of its own takes about three seconds for all of it. Nothing here
 * depends on how fast the store answers, as long as an answer takes less than a minute.
 *
 * @example
 * const clock = new VirtualClock();
 * const store = new MemoryRateLimitStore({ clock });
 * for (const { name, run } of rateLimitStoreContract) it(name, () => run({ store, advance: ms => clock.advance(ms) }));
 */
export const rateLimitStoreContract: ContractSuite<RateLimitStoreSubject> = [
  ...[window(5), bucket(5)].map(law => ({
    name: `lets a ${law.kind} be used up and no further`,
    async run({ store }: RateLimitStoreSubject) {
      const limit = limitOf([law]);
      const decisions = await takes(store, limit, 7);
      deepEqual(
        decisions.map(({ outcome, remaining }) => `${outcome} ${remaining}`),
        ['allowed 4', 'allowed 3', 'allowed 2', 'allowed 1', 'allowed 0', 'denied 0', 'denied 0'],
      );
      for (const decision of decisions) isDecision(decision, 5);
    },
  })),
  ...[window(2, 250), bucket(2, 8)].map(law => ({
    name: `allows a ${law.kind} again when it said so`,
    async run({ store, advance }: RateLimitStoreSubject) {
      const limit = limitOf([law]);
      const denied = await takeUntilDenied(store, limit);
      ok(denied.retryAfterMs <= 251, `A retry after ${denied.retryAfterMs} ms is longer than the law looks back`);
      await advance(denied.retryAfterMs + 1);
      equal((await store.take('key', 1, limit)).allowed, true, `Denied after ${denied.retryAfterMs} ms`);
      const { resetAfterMs } = await takeUntilDenied(store, limit);
      await advance(resetAfterMs + 1);
      equal((await store.peek('key', 2, limit)).remaining, 2, `Not whole after ${resetAfterMs} ms`);
    },
  })),
  {
    name: 'takes what a request costs, all of it or nothing',
    async run({ store }) {
      const limit = limitOf([window(5)]);
      const decisions = [];
      for (const cost of [3, 3, 2, 1]) decisions.push(await store.take('key', cost, limit));
      deepEqual(
        decisions.map(({ outcome, remaining }) => `${outcome} ${remaining}`),
        ['allowed 2', 'denied 2', 'allowed 0', 'denied 0'],
      );
    },
  },
  {
    name: 'takes nothing of any law when one of them denies, and names the law that does',
    async run({ store, advance }) {
      const limit = limitOf([window(5), bucket(2, 10)]);
      let admitted = 0;
      let denied = 0;
      for (let tries = 0; admitted < 5 && tries < 100; tries += 1) {
        const { allowed, limit: size, retryAfterMs } = await store.take('key', 1, limit);
        if (allowed) admitted += 1;
        else {
          denied += 1;
          equal(size, 2, 'The bucket denies, and another law is named');
          ok(retryAfterMs < 1_000, 'The bucket denies, and the wait is that of another law');
          await advance(retryAfterMs + 1);
        }
      }
      equal(admitted, 5, 'What was denied has cost something');
      ok(denied > 0, 'The bucket has denied nothing');
      await advance(250);
      const last = await store.take('key', 1, limit);
      deepEqual([last.allowed, last.limit], [false, 5]);
    },
  },
  {
    name: 'admits no more when asked many times at once',
    async run({ store }) {
      for (const law of [window(5), bucket(5)]) {
        const limit = limitOf([law]);
        const decisions = await Promise.all(Array.from({ length: 40 }, () => store.take('key', 1, limit)));
        equal(decisions.filter(({ allowed }) => allowed).length, 5, law.kind);
      }
    },
  },
  {
    name: 'peeks without taking',
    async run({ store }) {
      const limit = limitOf([window(3)]);
      for (let count = 0; count < 5; count += 1) equal((await store.peek('key', 1, limit)).remaining, 3);
      await takes(store, limit, 2);
      const [one, two] = [await store.peek('key', 1, limit), await store.peek('key', 2, limit)];
      deepEqual([one.allowed, one.remaining, one.retryAfterMs], [true, 1, 0]);
      deepEqual([two.allowed, two.remaining], [false, 1]);
      isDecision(two, 3);
      equal((await store.take('key', 1, limit)).allowed, true);
    },
  },
  {
    name: 'keeps keys and limits apart, whatever their names are',
    async run({ store }) {
      const id = systemIds.next();
      const names = [id, `${id}:x`];
      const keys = ['', 'y', 'x:y', 'X:Y', '{y}', 'a b', '*', 'ключ', '\n', 'y'.repeat(500)];
      const places = names.flatMap(name => keys.map(key => ({ key, limit: limitOf([window(1)], name) })));
      for (const { key, limit } of places) {
        const { allowed } = await store.take(key, 1, limit);
        equal(allowed, true, `${JSON.stringify(key)} of "${limit.name}" shares its limit with another one`);
      }
      for (const { key, limit } of places) equal((await store.take(key, 1, limit)).allowed, false, key);
    },
  },
  {
    name: 'makes a key whole again, and no other',
    async run({ store }) {
      for (const law of [window(2), bucket(2)]) {
        const limit = limitOf([law]);
        await takes(store, limit, 3);
        await takes(store, limit, 3, 'other');
        await store.reset('key', limit);
        deepEqual(outcomes(await takes(store, limit, 3)), ['allowed', 'allowed', 'denied'], law.kind);
        equal((await store.peek('other', 1, limit)).allowed, false, law.kind);
        await store.reset('never seen', limit);
      }
    },
  },
  {
    name: 'remembers what was taken when the numbers of a limit change',
    async run({ store }) {
      for (const [before, after] of [
        [window(2), window(3)],
        [bucket(2), bucket(3)],
      ] as const) {
        const limit = limitOf([before]);
        await takes(store, limit, 2);
        const wider = limitOf([after], limit.name);
        store.adopt?.(wider);
        deepEqual(outcomes(await takes(store, wider, 2)), ['allowed', 'denied'], before.kind);
      }
    },
  },
  {
    name: 'refuses to decide when it is closed, and may be closed twice',
    async run({ store }) {
      const limit = limitOf([window(1)]);
      await store.take('key', 1, limit);
      await store.close();
      await store.close();
      let refusal: unknown;
      try {
        await store.take('key', 1, limit);
      } catch (error) {
        refusal = error;
      }
      ok(refusal instanceof RejectedError && refusal.reason === 'closed', `Closed, and yet: ${String(refusal)}`);
    },
  },
];

/** A limit that nobody else has asked for, unless it is given the name of another one. */
function limitOf(laws: readonly RateLimitLaw[], name: string = systemIds.next()): CompiledLimit {
  return Object.freeze({ name, laws, maxKeys: 1_000, onEvicted() {} });
}

async function takes(
  store: RateLimitStore<RateLimitAnswer>,
  limit: CompiledLimit,
  count: number,
  key = 'key',
): Promise<readonly RateLimitDecision[]> {
  const decisions: RateLimitDecision[] = [];
  for (let index = 0; index < count; index += 1) decisions.push(await store.take(key, 1, limit));
  return decisions;
}

/** Takes until nothing is left: by a slow store some comes back meanwhile. */
async function takeUntilDenied(
  store: RateLimitStore<RateLimitAnswer>,
  limit: CompiledLimit,
): Promise<RateLimitDecision> {
  for (let count = 0; count < 1_000; count += 1) {
    const decision = await store.take('key', 1, limit);
    if (!decision.allowed) return decision;
  }
  return fail('A limit of 2 let 1,000 requests through');
}

function outcomes(decisions: readonly RateLimitDecision[]): readonly string[] {
  return decisions.map(({ outcome }) => outcome);
}

/** What holds for every decision. */
function isDecision(decision: RateLimitDecision, size: number): void {
  const { allowed, outcome, limit, remaining, retryAfterMs, resetAfterMs } = decision;
  const text = JSON.stringify(decision);
  equal(limit, size, text);
  equal(allowed, outcome === 'allowed', text);
  equal(allowed, retryAfterMs === 0, text);
  for (const number of [remaining, retryAfterMs, resetAfterMs]) ok(Number.isSafeInteger(number) && number >= 0, text);
  ok(remaining <= size && resetAfterMs > 0 && resetAfterMs >= retryAfterMs, text);
}
