import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NetworkError } from '../errors/index.ts';
import { VirtualClock } from '../testing/index.ts';
import { MemoryCache } from './index.ts';

interface Kept {
  readonly key: string;
  value: number;
  bornAtMs: number;
  freshUntilMs: number;
  staleMs: number;
  tags: readonly string[];
  uses: number;
}

interface Numbers {
  readonly maxEntries: number;
  readonly maxBytes: number | undefined;
  readonly ttlMs: number;
  readonly staleMs: number;
}

interface Options {
  readonly ttlMs?: number | undefined;
  readonly staleMs?: number | undefined;
  readonly tags?: readonly string[] | undefined;
}

const dayMs = 86_400_000;
const longestMs = 24 * dayMs;

/** After so long without a look back, a write takes out what can no longer stand in. */
const tidyEveryMs = 2 ** 32 - 1 - 2 * longestMs;

/** What an entry with this value takes. */
const sizeOf = (value: number): number => 1 + (value % 5);

/** A policy over plain lists, what is kept longest first. */
interface Policy {
  added(entry: Kept, returns: boolean): void;
  isNew(entry: Kept): boolean;
  removed(entry: Kept): void;
  used(entry: Kept): void;
  next(isDead: (entry: Kept) => boolean): Kept;
}

class PlainLru implements Policy {
  list: readonly Kept[] = [];

  added(entry: Kept): void {
    this.list = [...this.list, entry];
  }

  isNew(): boolean {
    return true;
  }

  removed(entry: Kept): void {
    this.list = this.list.filter(other => other !== entry);
  }

  used(entry: Kept): void {
    this.removed(entry);
    this.added(entry);
  }

  next(): Kept {
    return this.list[0] as Kept;
  }
}

class PlainS3Fifo implements Policy {
  trial: readonly Kept[] = [];
  main: readonly Kept[] = [];

  added(entry: Kept, returns: boolean): void {
    entry.uses = 0;
    if (returns) this.main = [...this.main, entry];
    else this.trial = [...this.trial, entry];
  }

  isNew(entry: Kept): boolean {
    return this.trial.includes(entry);
  }

  removed(entry: Kept): void {
    this.trial = this.trial.filter(other => other !== entry);
    this.main = this.main.filter(other => other !== entry);
  }

  used(entry: Kept): void {
    entry.uses = Math.min(3, entry.uses + 1);
  }

  next(isDead: (entry: Kept) => boolean): Kept {
    const [onTrial, inMain] = [this.trial[0], this.main[0]];
    const isTrial = inMain === undefined || this.trial.length >= 0.15 * (this.trial.length + this.main.length);
    const entry = (isTrial ? onTrial : inMain) as Kept;
    if (isDead(entry) || entry.uses === 0) return entry;
    entry.uses = isTrial ? 0 : entry.uses - 1;
    this.removed(entry);
    this.main = [...this.main, entry];
    return this.next(isDead);
  }
}

/** What the cache should do, written as plainly as possible. */
class Model {
  nowMs = 0;
  kept: readonly Kept[] = [];
  hits = 0;
  evictions = 0;
  regrets = 0;
  readonly #numbers: Numbers;
  readonly #policy: Policy;
  #evicted: readonly { readonly key: string; readonly isNew: boolean; readonly at: number }[] = [];
  #newEvicted = 0;
  #tidiedAtMs = 0;

  constructor(numbers: Numbers, policy: Policy) {
    this.#numbers = numbers;
    this.#policy = policy;
  }

  get bytes(): number {
    return this.kept.reduce((sum, { value }) => sum + sizeOf(value), 0);
  }

  find(key: string): Kept | undefined {
    return this.kept.find(entry => entry.key === key);
  }

  fresh(key: string): Kept | undefined {
    const entry = this.find(key);
    return entry && entry.freshUntilMs > this.nowMs ? entry : undefined;
  }

  isUsable = (entry: Kept): boolean => entry.freshUntilMs + entry.staleMs > this.nowMs;

  usable(key: string): Kept | undefined {
    const entry = this.find(key);
    return entry && this.isUsable(entry) ? entry : undefined;
  }

  use(key: string): Kept | undefined {
    const entry = this.fresh(key);
    if (entry) {
      this.#policy.used(entry);
      this.hits += 1;
    }
    return entry;
  }

  ageMs(entry: Kept): number {
    return this.nowMs - entry.bornAtMs;
  }

  set(key: string, value: number, options: Options = {}): void {
    this.tidy();
    const { maxBytes = Number.POSITIVE_INFINITY, maxEntries, ttlMs, staleMs } = this.#numbers;
    let entry = this.find(key);
    const bytes = sizeOf(value);
    if (entry && this.bytes - sizeOf(entry.value) + bytes > maxBytes) {
      this.remove(entry);
      entry = undefined;
    }
    const times = {
      value,
      bornAtMs: this.nowMs,
      freshUntilMs: this.nowMs + Math.min(longestMs, options.ttlMs ?? ttlMs),
      staleMs: Math.min(longestMs, options.staleMs ?? staleMs),
      tags: options.tags ?? [],
    };
    if (entry) {
      Object.assign(entry, times);
      this.#policy.used(entry);
      return;
    }
    if (bytes > maxBytes) return;
    const evicted = this.#evicted.find(other => other.key === key);
    this.#evicted = this.#evicted.filter(other => other !== evicted);
    const isRegretted = evicted !== undefined && this.#newEvicted - evicted.at <= this.kept.length;
    if (isRegretted) this.regrets += 1;
    while (this.kept.length >= maxEntries || this.bytes + bytes > maxBytes) this.#evict();
    const added = { key, uses: 0, ...times };
    this.kept = [...this.kept, added];
    this.#policy.added(added, isRegretted && evicted.isNew);
  }

  remove(entry: Kept): void {
    this.kept = this.kept.filter(other => other !== entry);
    this.#policy.removed(entry);
  }

  /** Removes what is chosen; says how much of it could still be used. */
  removeAll(isChosen: (entry: Kept) => boolean): number {
    const chosen = this.kept.filter(isChosen);
    for (const entry of chosen) this.remove(entry);
    return chosen.filter(this.isUsable).length;
  }

  forgetEvicted(): void {
    this.#evicted = [];
    this.#tidiedAtMs = this.nowMs;
  }

  tidy(): void {
    if (this.nowMs - this.#tidiedAtMs <= tidyEveryMs) return;
    this.#tidiedAtMs = this.nowMs;
    this.removeAll(entry => !this.isUsable(entry));
  }

  #evict(): void {
    const entry = this.#policy.next(other => !this.isUsable(other));
    if (this.isUsable(entry)) {
      this.evictions += 1;
      const isNew = this.#policy.isNew(entry);
      if (isNew) this.#newEvicted += 1;
      this.#evicted = [...this.#evicted, { key: entry.key, isNew, at: this.#newEvicted }];
    }
    this.remove(entry);
  }
}

type Command = (cache: MemoryCache<number>, model: Model, clock: VirtualClock) => Promise<void> | void;

const allKeys = ['a', 'b', 'x:a', 'x:b', 'y:a', 'y:b', 'x:y:a', ''];
const keys = fc.constantFrom(...allKeys);
const tags = fc.constantFrom('red', 'blue');
const ttls = fc.oneof(
  { weight: 5, arbitrary: fc.integer({ min: 1, max: 60 }) },
  fc.constantFrom(2 * dayMs, 60 * dayMs),
);
const stales = fc.oneof({ weight: 5, arbitrary: fc.nat(60) }, fc.constantFrom(2 * dayMs, 60 * dayMs));
const entryOptions: fc.Arbitrary<Options> = fc.record(
  { ttlMs: ttls, staleMs: stales, tags: fc.uniqueArray(tags, { maxLength: 2 }) },
  { requiredKeys: [] },
);
const advances = fc.oneof(
  { weight: 8, arbitrary: fc.nat(50) },
  fc.constantFrom(dayMs, 2 * dayMs, 24 * dayMs, 2 ** 31, 2 ** 32),
);
const patterns: readonly (readonly [string, RegExp])[] = [
  ['*', /.*/],
  ['x:*', /^x:/],
  ['?:a', /^.:a$/],
  ['[ab]', /^[ab]$/],
];

const commands: fc.Arbitrary<Command> = fc.oneof(
  keys.map<Command>(key => (cache, model) => {
    expect(cache.get(key)).toBe(model.use(key)?.value);
  }),
  fc.array(keys, { maxLength: 3 }).map<Command>(some => (cache, model) => {
    const expected = some.flatMap(key => {
      const entry = model.use(key);
      return entry ? [[key, entry.value] as const] : [];
    });
    expect(cache.getMany(some)).toEqual(new Map(expected));
  }),
  fc
    .record({ key: keys, value: fc.nat(20), options: fc.option(entryOptions, { nil: undefined }) })
    .map<Command>(({ key, value, options }) => (cache, model) => {
      cache.set(key, value, options);
      model.set(key, value, options);
    }),
  fc.array(fc.tuple(keys, fc.nat(20)), { maxLength: 3 }).map<Command>(entries => (cache, model) => {
    cache.setMany(entries, { tags: ['red'] });
    for (const [key, value] of entries) model.set(key, value, { tags: ['red'] });
  }),
  keys.map<Command>(key => (cache, model) => {
    expect(cache.delete(key)).toBe(model.removeAll(entry => entry.key === key) === 1);
  }),
  fc.uniqueArray(keys, { maxLength: 3 }).map<Command>(some => (cache, model) => {
    expect(cache.deleteMany(some)).toBe(model.removeAll(entry => some.includes(entry.key)));
  }),
  fc.constant<Command>((cache, model) => {
    expect(cache.clear()).toBe(model.removeAll(() => true));
    model.forgetEvicted();
  }),
  fc.constantFrom(...patterns).map<Command>(([pattern, regex]) => (cache, model) => {
    expect(cache.clear(pattern)).toBe(model.removeAll(entry => regex.test(entry.key)));
  }),
  fc
    .record({ key: keys, by: fc.integer({ min: 0, max: 9 }), ttlMs: fc.option(ttls, { nil: undefined }) })
    .map<Command>(({ key, by, ttlMs }) => (cache, model) => {
      const { value = 0, freshUntilMs, tags: kept } = { ...model.fresh(key) };
      expect(cache.increment(key, by, { ttlMs })).toBe(value + by);
      model.set(key, value + by, { ttlMs, tags: kept });
      const after = model.fresh(key);
      if (after && freshUntilMs !== undefined && ttlMs === undefined) after.freshUntilMs = freshUntilMs;
    }),
  fc.record({ key: keys, ttlMs: ttls }).map<Command>(({ key, ttlMs }) => (cache, model) => {
    const entry = model.fresh(key);
    expect(cache.expire(key, ttlMs)).toBe(entry !== undefined);
    if (entry === undefined) return;
    model.tidy();
    entry.freshUntilMs = model.nowMs + Math.min(longestMs, ttlMs);
  }),
  tags.map<Command>(tag => (cache, model) => {
    expect(cache.deleteByTag(tag)).toBe(model.removeAll(entry => entry.tags.includes(tag)));
  }),
  tags.map<Command>(tag => (cache, model) => {
    const fresh = model.kept.filter(entry => entry.tags.includes(tag) && entry.freshUntilMs > model.nowMs);
    expect(cache.expireByTag(tag)).toBe(fresh.length);
    if (fresh.length > 0) model.tidy();
    for (const entry of fresh) entry.freshUntilMs = model.nowMs;
  }),
  fc
    .record({ key: keys, value: fc.nat(20), options: entryOptions })
    .map<Command>(({ key, value, options }) => async (cache, model) => {
      const loaded = await cache.load(key, async () => value, options);
      const hit = model.use(key);
      expect(loaded).toEqual({
        value: hit?.value ?? value,
        state: hit ? 'hit' : 'loaded',
        ageMs: hit ? model.ageMs(hit) : 0,
      });
      if (!hit) model.set(key, value, options);
    }),
  keys.map<Command>(key => async (cache, model) => {
    const error = new NetworkError('broken');
    const [result] = await Promise.allSettled([cache.load(key, () => Promise.reject(error))]);
    const entry = model.use(key) ?? model.usable(key);
    if (entry === undefined) expect(result).toEqual({ status: 'rejected', reason: error });
    else {
      const state = model.fresh(key) ? 'hit' : 'stale';
      expect(result).toMatchObject({ value: { value: entry.value, state } });
      const { ageMs } = (result as { readonly value: { readonly ageMs: number } }).value;
      if (model.ageMs(entry) <= longestMs) expect(ageMs).toBe(model.ageMs(entry));
      else expect(ageMs).toBeGreaterThanOrEqual(longestMs);
    }
  }),
  fc.record({ key: keys, value: fc.nat(20) }).map<Command>(({ key, value }) => async (cache, model) => {
    const hit = model.use(key);
    const given = cache.valueOrPromise(key, async () => value);
    if (hit) expect(given).toBe(hit.value);
    else {
      expect(await given).toBe(value);
      model.set(key, value);
    }
    // A value that is too large is loaded again each time.
    for (const _time of [1, 2]) {
      const expected = model.use(key)?.value;
      expect(await cache.getOrSet(key, async () => value)).toBe(expected ?? value);
      if (expected === undefined) model.set(key, value);
    }
  }),
  advances.map<Command>(ms => async (_cache, model, clock) => {
    model.nowMs += ms;
    await clock.advance(ms);
  }),
);

/** Everything that can be seen without a use. */
function expectSame(cache: MemoryCache<number>, model: Model): void {
  for (const key of allKeys) {
    const [fresh, usable] = [model.fresh(key), model.usable(key)];
    expect(cache.has(key)).toBe(fresh !== undefined);
    const older = usable && !fresh ? { value: usable.value, state: 'stale', ageMs: model.ageMs(usable) } : undefined;
    if (older && older.ageMs > longestMs) expect(cache.older(key)?.value).toBe(older.value);
    else expect(cache.older(key)).toEqual(older);
  }
  const fresh = model.kept.filter(({ key }) => model.fresh(key)).map(({ key, value }) => [key, value]);
  expect(new Map(cache.entries())).toEqual(new Map(fresh as [string, number][]));
  const { kept, hits, evictions, regrets, bytes } = model;
  expect(cache.stats()).toMatchObject({ entries: kept.length, hits, evictions, regrets, bytes });
}

describe.each(['lru', 's3-fifo'] as const)('MemoryCache with %s, beside its model', evictionPolicy => {
  it('keeps, forgets, evicts, counts and serves as the model does', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          maxEntries: fc.integer({ min: 1, max: 6 }),
          maxBytes: fc.option(fc.integer({ min: 1, max: 20 }), { nil: undefined }),
          ttlMs: ttls,
          staleMs: stales,
        }),
        fc.array(commands, { maxLength: 60, size: 'max' }),
        async (numbers, sequence) => {
          const clock = new VirtualClock();
          const cache = new MemoryCache<number>({ ...numbers, evictionPolicy, sizeOf, clock });
          const model = new Model(numbers, evictionPolicy === 'lru' ? new PlainLru() : new PlainS3Fifo());
          for (const command of sequence) {
            await command(cache, model, clock);
            expectSame(cache, model);
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});
