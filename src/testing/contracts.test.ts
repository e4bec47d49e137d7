import { equal } from 'node:assert/strict';
import { describe, expect, it } from 'vitest';
import type { CacheStore, StoredBytes } from '../cache/index.ts';
import { type Clock, type Random, sleepOn, systemClock, systemRandom } from '../kernel/index.ts';
import {
  type CompiledLimit,
  MemoryRateLimitStore,
  type RateLimitDecision,
  type RateLimitStore,
} from '../rate-limit/index.ts';
import { AdaptiveConcurrency, Bulkhead, type ConcurrencySlot, type SlotWait } from '../resilience/index.ts';
import {
  type CacheStoreSubject,
  type ClockSubject,
  type ConcurrencySlotSubject,
  type ContractSuite,
  cacheStoreContract,
  clockContract,
  concurrencySlotContract,
  MemoryCacheStore,
  type RateLimitStoreSubject,
  randomContract,
  rateLimitStoreContract,
  seededRandom,
  VirtualClock,
} from './index.ts';

/** Runs a suite on what keeps the promises, and each case on a subject that breaks its own. */
function contract<Subject>(
  title: string,
  suite: ContractSuite<Subject>,
  subjects: Readonly<Record<string, () => Subject>>,
  broken: Readonly<Record<string, () => Subject>>,
): void {
  describe.each(Object.entries(subjects))(`${title}: %s`, (_, make) => {
    for (const { name, run } of suite) it(name, () => run(make()));
  });
  describe(`${title}: a subject that breaks its promise`, () => {
    it('is there for every case', () => {
      expect(Object.keys(broken).sort()).toEqual(suite.map(({ name }) => name).sort());
    });
    it.each(suite)('is found where it should be one that $name', async ({ name, run }) => {
      const subject = (broken[name] as () => Subject)();
      await expect(run(subject)).rejects.toMatchObject({ code: 'ERR_ASSERTION' });
    });
  });
}

const clockSubject =
  (change: (clock: VirtualClock) => Partial<Clock> = () => ({})) =>
  (): ClockSubject => {
    const base = new VirtualClock();
    const clock: Clock = {
      now: () => base.now(),
      monotonic: () => base.monotonic(),
      monotonicCoarse: () => base.monotonicCoarse(),
      setTimer: (delayMs, callback) => base.setTimer(delayMs, callback),
      setRepeatingTimer: (intervalMs, callback) => base.setRepeatingTimer(intervalMs, callback),
      sleep: (delayMs, signal) => base.sleep(delayMs, signal),
      ...change(base),
    };
    return { clock, advance: durationMs => base.advance(durationMs) };
  };

contract(
  'a Clock',
  clockContract,
  {
    VirtualClock: clockSubject(),
    systemClock: () => ({ clock: systemClock, advance: durationMs => systemClock.sleep(durationMs) }),
  },
  {
    'moves on as time passes, on the wall and monotonically': clockSubject(() => ({ now: () => 5 })),
    'has a coarse reading that is never ahead of the exact one, and keeps up with it': clockSubject(clock => ({
      monotonicCoarse: () => clock.monotonic() + 1,
    })),
    'fires a timer once, not before its time and never at once': clockSubject(clock => ({
      setTimer: (delayMs, callback) => clock.setTimer(delayMs / 2, callback),
    })),
    'fires timers in the order of their time, one that should have been long ago first': clockSubject(clock => ({
      setTimer: (delayMs, callback) => clock.setTimer(Math.abs(delayMs), callback),
    })),
    'does not fire a timer that was cancelled, and does not mind one that is cancelled late': clockSubject(clock => ({
      setTimer: (delayMs, callback) => {
        clock.setTimer(delayMs, callback);
        return { cancel() {} };
      },
    })),
    'fires a repeating timer until it is cancelled, also by itself': clockSubject(clock => ({
      setRepeatingTimer: (intervalMs, callback) => clock.setTimer(intervalMs, callback),
    })),
    'sleeps so long, and leaves nothing on the signal': clockSubject(clock => ({
      sleep: (delayMs, signal) => {
        signal?.addEventListener('abort', () => {});
        return sleepOn(clock, delayMs);
      },
    })),
    "wakes a sleeper with its signal's reason, and lets none sleep whose signal is aborted already": clockSubject(
      clock => ({ sleep: delayMs => clock.sleep(delayMs) }),
    ),
  },
);

contract<Random>(
  'a Random',
  randomContract,
  { seededRandom: () => seededRandom(42), systemRandom: () => systemRandom },
  {
    'gives numbers from 0 up to but not including 1': () => ({ next: () => 1 }),
    'is spread evenly': () => ({ next: () => systemRandom.next() / 2 }),
    'does not follow from the number before': () => {
      let last = 0;
      return { next: () => (last = (last + 0.001) % 1) };
    },
  },
);

type Slots = Omit<ConcurrencySlot, 'settings'>;
const slotSubject =
  (
    make: (clock: Clock) => ConcurrencySlot,
    change: (slots: ConcurrencySlot, clock: Clock) => Partial<Slots> = () => ({}),
  ) =>
  (): ConcurrencySlotSubject => {
    const clock = new VirtualClock();
    const base = make(clock);
    const slots: ConcurrencySlot = {
      measuresLatency: base.measuresLatency,
      get settings() {
        return base.settings;
      },
      reconfigure: changes => base.reconfigure(changes),
      tryAcquire: request => base.tryAcquire(request),
      acquire: wait => base.acquire(wait),
      release: release => base.release(release),
      ...change(base, clock),
    };
    return { slots, clock, advance: durationMs => clock.advance(durationMs) };
  };
const bulkhead = (clock: Clock): ConcurrencySlot => new Bulkhead({ maxConcurrent: 2, maxQueued: 2, clock });
const adaptive = (clock: Clock): ConcurrencySlot =>
  new AdaptiveConcurrency({ minLimit: 2, maxLimit: 2, maxQueued: 2, clock });
const brokenSlots = (
  change: (slots: ConcurrencySlot, clock: Clock) => Partial<Slots>,
): (() => ConcurrencySlotSubject) => slotSubject(bulkhead, change);
const without = (name: keyof SlotWait) =>
  brokenSlots(slots => ({ acquire: wait => slots.acquire({ ...wait, [name]: undefined }) }));

contract(
  'a ConcurrencySlot',
  concurrencySlotContract,
  { Bulkhead: slotSubject(bulkhead), AdaptiveConcurrency: slotSubject(adaptive) },
  {
    'gives out as many slots as there are, and each again when it is back': brokenSlots(() => ({ release() {} })),
    'gives a free slot at once to whom would wait': brokenSlots((slots, clock) => ({
      acquire: async wait => {
        await clock.sleep(1);
        await slots.acquire(wait);
      },
    })),
    'gives what comes back to those who wait, in the order of arrival, and to nobody before them': brokenSlots(
      (slots, clock) => ({
        acquire: async () => {
          while (!slots.tryAcquire()) await clock.sleep(0);
        },
      }),
    ),
    'serves a higher priority first': without('priority'),
    'refuses whom the queue has no place for, as full': slotSubject(clock => new Bulkhead({ maxConcurrent: 2, clock })),
    'ends a wait at the deadline as out of time, and one that would be over already at once': without('deadlineMs'),
    "ends a wait with its signal's reason, and the place goes to the next one": without('signal'),
    'gives nothing to a signal that is aborted already': without('signal'),
    'does not mind a signal that is aborted after the slot was given': brokenSlots(slots => ({
      acquire: wait => {
        wait?.signal?.addEventListener('abort', () => slots.release());
        return slots.acquire(wait);
      },
    })),
    'counts for tenants what they give back': brokenSlots(slots => ({
      release: release => {
        if (release?.tenant === undefined) slots.release(release);
      },
    })),
    'changes no number when one of the changes makes no sense': brokenSlots(slots => ({
      reconfigure: changes => {
        for (const [name, value] of Object.entries(changes)) slots.reconfigure({ [name]: value });
      },
    })),
  },
);

type Store = RateLimitStore<RateLimitDecision>;
const storeSubject =
  (change: (store: Store) => Partial<Store> = () => ({})) =>
  (): RateLimitStoreSubject => {
    const clock = new VirtualClock();
    const base = new MemoryRateLimitStore({ clock });
    const store: Store = {
      take: (key, cost, limit) => base.take(key, cost, limit),
      peek: (key, cost, limit) => base.peek(key, cost, limit),
      adopt: limit => base.adopt(limit),
      reset: (key, limit) => base.reset(key, limit),
      close: () => base.close(),
      ...change(base),
    };
    return { store, advance: durationMs => clock.advance(durationMs) };
  };
const alteredBy = (change: (decision: RateLimitDecision) => Partial<RateLimitDecision>) =>
  storeSubject(store => ({
    take: (key, cost, limit) => {
      const decision = store.take(key, cost, limit);
      return { ...decision, ...change(decision) };
    },
  }));
const hasty = alteredBy(({ retryAfterMs }) => ({ retryAfterMs: Math.floor(retryAfterMs / 2) }));
const greedy = alteredBy(({ allowed }) => (allowed ? {} : { remaining: 1 }));

contract(
  'a RateLimitStore',
  rateLimitStoreContract,
  {
    MemoryRateLimitStore: storeSubject(),
  },
  {
    'lets a sliding-window be used up and no further': greedy,
    'lets a token-bucket be used up and no further': greedy,
    'allows a sliding-window again when it said so': hasty,
    'allows a token-bucket again when it said so': hasty,
    'takes what a request costs, all of it or nothing': storeSubject(store => ({
      take: (key, cost, limit) => {
        let decision = store.take(key, 1, limit);
        for (let taken = 1; taken < cost && decision.allowed; taken += 1) decision = store.take(key, 1, limit);
        return decision;
      },
    })),
    'takes nothing of any law when one of them denies, and names the law that does': storeSubject(store => {
      const parts = new WeakMap<CompiledLimit, CompiledLimit[]>();
      const partsOf = (limit: CompiledLimit): CompiledLimit[] => {
        const known = parts.get(limit);
        const made =
          known ?? limit.laws.map((law, index) => ({ ...limit, laws: [law], name: `${limit.name}${index}` }));
        parts.set(limit, made);
        return made;
      };
      return {
        take: (key, cost, limit) => {
          const decisions = partsOf(limit).map(part => store.take(key, cost, part));
          return decisions.find(({ allowed }) => !allowed) ?? (decisions[0] as RateLimitDecision);
        },
      };
    }),
    'admits no more when asked many times at once': () => {
      const { store, advance } = storeSubject()();
      const racy: RateLimitStore<Promise<RateLimitDecision>> = {
        ...store,
        peek: async (key, cost, limit) => store.peek(key, cost, limit),
        async take(key, cost, limit) {
          const seen = await store.peek(key, cost, limit);
          await store.take(key, cost, limit);
          return seen;
        },
      };
      return { store: racy, advance };
    },
    'peeks without taking': storeSubject(store => ({ peek: (key, cost, limit) => store.take(key, cost, limit) })),
    'keeps keys and limits apart, whatever their names are': storeSubject(store => ({
      take: (key, cost, limit) => store.take(`${limit.name}:${key}`, cost, { ...limit, name: 'one for all' }),
    })),
    'makes a key whole again, and no other': storeSubject(() => ({ reset() {} })),
    'remembers what was taken when the numbers of a limit change': storeSubject(store => ({
      take: (key, cost, limit) => store.take(key, cost, { ...limit, name: limit.name + JSON.stringify(limit.laws) }),
    })),
    'refuses to decide when it is closed, and may be closed twice': storeSubject(() => ({ close() {} })),
  },
);

const cacheSubject =
  (change: (store: MemoryCacheStore, clock: VirtualClock) => Partial<CacheStore> = () => ({})) =>
  (): CacheStoreSubject => {
    const clock = new VirtualClock();
    const store = new MemoryCacheStore({ clock });
    return {
      store: Object.assign(store.connect(), change(store, clock)),
      advance: durationMs => clock.advance(durationMs),
    };
  };

contract<CacheStoreSubject>(
  'a CacheStore',
  cacheStoreContract,
  { MemoryCacheStore: cacheSubject() },
  {
    'gives what was written, in the order of the keys': cacheSubject(store => ({
      read: keys => store.read([...keys].sort()),
    })),
    'keeps every byte as it is': cacheSubject(store => ({
      write: (key, bytes, lifetimeMs) => store.write(key, Buffer.from(bytes as Uint8Array).toString(), lifetimeMs),
    })),
    'keeps five megabytes': cacheSubject(store => ({
      write: (key: string, bytes: StoredBytes, ms: number) => store.write(key, bytes.slice(0, 1_048_576), ms),
    })),
    'takes keys for what they are': cacheSubject(store => ({
      write: (key, bytes, lifetimeMs) => store.write(key.trim(), bytes, lifetimeMs),
      read: keys => store.read(keys.map(key => key.trim())),
    })),
    'replaces only what begins as it is told, or nothing': cacheSubject(store => ({
      replace: async (key, expected, bytes, lifetimeMs) =>
        expected === undefined
          ? store.replace(key, expected, bytes, lifetimeMs)
          : store.replace(key, expected.slice(0, 2), bytes, lifetimeMs),
    })),
    'lets one of many that replace at once win': cacheSubject(store => ({
      replace: async (key, expected, bytes, lifetimeMs) => {
        const [there] = await store.read([key]);
        const text = there === undefined ? undefined : Buffer.from(there).toString('latin1');
        if (expected === undefined ? text !== undefined : !text?.startsWith(expected)) return false;
        await store.write(key, bytes, lifetimeMs);
        return true;
      },
    })),
    'deletes, and says how many there were': cacheSubject(store => ({
      delete: async keys => {
        await store.delete(keys);
        return keys.length;
      },
    })),
    'adds to whole numbers, which are decimal digits': cacheSubject(store => ({
      increment: (...request) => store.increment(...request).catch(() => Number.NaN),
    })),
    'adds in one step': cacheSubject(store => ({
      increment: async (key, by, lifetimeMs, defaultMs) => {
        const sum = Number(Buffer.from((await store.read([key]))[0] ?? '0').toString()) + by;
        await store.write(key, String(sum), lifetimeMs ?? defaultMs);
        return sum;
      },
    })),
    'forgets when the lifetime has passed, and no sooner': cacheSubject(store => ({
      write: async (key, bytes, ms) => void (await store.replace(key, undefined, bytes, ms)),
    })),
    'lets a number live on, unless it is told how long': cacheSubject(store => ({
      increment: (key, by, ...[ms, defaultMs]) => store.increment(key, by, ms ?? defaultMs, defaultMs),
    })),
    'finds all keys that begin with a prefix, and no others': cacheSubject(store => ({
      scan: prefix => store.scan(prefix.split('*')[0] ?? ''),
    })),
    'has a time that goes on': cacheSubject((_, clock) => ({ now: () => clock.monotonic() })),
    'may be closed twice': cacheSubject(store => {
      let closings = 0;
      return {
        async close() {
          closings += 1;
          equal(closings, 1);
          await store.close();
        },
      };
    }),
  },
);
