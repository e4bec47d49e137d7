import {
  type Arbitrary,
  array,
  assert,
  asyncProperty,
  boolean,
  constantFrom,
  integer,
  nat,
  oneof,
  record,
} from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Events } from '../kernel/index.ts';
import { MemoryCacheStore, seededRandom, VirtualClock } from '../testing/index.ts';
import type { CacheEvents } from './events.ts';
import type { StoreFill } from './fill.ts';
import { StoredEntries } from './stored-entries.ts';

const keys = ['a', 'b', 'c:1', 'c:2'];
const tags = ['s', 't'];

type Action =
  | {
      readonly kind: 'keep';
      readonly key: string;
      readonly ttlMs: number;
      readonly staleMs: number;
      readonly tags: readonly string[];
    }
  | { readonly kind: 'delete' | 'find' | 'begin'; readonly key: string; readonly tags: readonly string[] }
  | { readonly kind: 'commit' | 'abandon'; readonly fill: number; readonly ttlMs: number; readonly staleMs: number }
  | { readonly kind: 'increment'; readonly key: string; readonly by: number; readonly ttlMs: number }
  | { readonly kind: 'expire'; readonly key: string; readonly ttlMs: number }
  | { readonly kind: 'clear'; readonly pattern: string }
  | { readonly kind: 'deleteByTag' | 'expireByTag'; readonly tag: string }
  | { readonly kind: 'advance'; readonly byMs: number };

const key = constantFrom(...keys);
const times = { ttlMs: integer({ min: 1, max: 5_000 }), staleMs: nat({ max: 5_000 }) };
const someTags = constantFrom<readonly string[]>([], [], ['s'], ['t'], ['s', 't']);
const action: Arbitrary<Action & { readonly other: boolean }> = oneof(
  record({ kind: constantFrom('keep' as const), key, ...times, tags: someTags, other: boolean() }),
  record({ kind: constantFrom('delete' as const, 'find' as const), key, tags: someTags, other: boolean() }),
  record({ kind: constantFrom('begin' as const), key, tags: someTags, other: boolean() }),
  record({ kind: constantFrom('begin' as const), key, tags: someTags, other: boolean() }),
  record({
    kind: constantFrom('commit' as const, 'commit' as const, 'abandon' as const),
    fill: nat({ max: 3 }),
    ...times,
    other: boolean(),
  }),
  record({
    kind: constantFrom('increment' as const),
    key,
    by: integer({ min: -5, max: 5 }),
    ttlMs: times.ttlMs,
    other: boolean(),
  }),
  record({ kind: constantFrom('expire' as const), key, ttlMs: times.ttlMs, other: boolean() }),
  record({ kind: constantFrom('clear' as const), pattern: constantFrom('*', 'c:*', '?', '[ab]'), other: boolean() }),
  record({
    kind: constantFrom('deleteByTag' as const, 'expireByTag' as const),
    tag: constantFrom(...tags),
    other: boolean(),
  }),
  record({ kind: constantFrom('advance' as const), byMs: integer({ min: 1, max: 3_000 }), other: boolean() }),
);

interface ModelEntry {
  readonly value: unknown;
  readonly madeAtMs: number;
  readonly freshUntilMs: number;
  readonly usableUntilMs: number;
  readonly isCounter: boolean;
  /** How often each tag had been deleted and expired when the load began. */
  readonly marks: ReadonlyMap<string, readonly [number, number]>;
}

interface ModelFill {
  readonly key: string;
  readonly fill: StoreFill<unknown>;
  readonly version: number;
  readonly older: ModelEntry | undefined;
  /** Whether it shares the place of another load, which may have given it up. */
  readonly isShared: boolean;
  readonly marks: ReadonlyMap<string, readonly [number, number]>;
}

/** What the entries of two processes on one store should look like, without any store. */
class Model {
  readonly entries = new Map<string, ModelEntry>();
  readonly versions = new Map<string, number>();
  /** The version at which a load has taken the place of a key. */
  readonly places = new Map<string, number>();
  readonly tags = new Map<string, [number, number]>(tags.map(tag => [tag, [0, 0]]));
  readonly #clock: VirtualClock;

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  marks(of: readonly string[]): ReadonlyMap<string, readonly [number, number]> {
    return new Map(of.map(tag => [tag, [...(this.tags.get(tag) ?? [0, 0])] as const]));
  }

  version(of: string): number {
    return this.versions.get(of) ?? 0;
  }

  change(of: string, entry: ModelEntry | undefined): void {
    this.versions.set(of, this.version(of) + 1);
    if (entry === undefined) this.entries.delete(of);
    else this.entries.set(of, entry);
  }

  entry(value: unknown, ttlMs: number, staleMs: number, marks: ModelEntry['marks']): ModelEntry {
    const madeAtMs = this.#clock.now();
    const freshUntilMs = madeAtMs + ttlMs;
    return { value, madeAtMs, freshUntilMs, usableUntilMs: freshUntilMs + staleMs, isCounter: false, marks };
  }

  /** What the store still holds, whether it counts or not. */
  held(of: string): ModelEntry | undefined {
    const entry = this.entries.get(of);
    return entry !== undefined && entry.usableUntilMs > this.#clock.now() ? entry : undefined;
  }

  find(of: string): { readonly entry: ModelEntry; readonly isFresh: boolean } | undefined {
    const entry = this.held(of);
    if (entry === undefined) return undefined;
    let isFresh = entry.freshUntilMs > this.#clock.now();
    for (const [tag, [deleted, expired]] of entry.marks) {
      const [deletions, expiries] = this.tags.get(tag) ?? [0, 0];
      if (deletions !== deleted) return undefined;
      if (expiries !== expired) isFresh = false;
    }
    return { entry, isFresh };
  }
}

class Run {
  readonly clock = new VirtualClock();
  readonly model = new Model(this.clock);
  readonly processes: readonly StoredEntries<unknown>[];
  readonly fills: ModelFill[] = [];
  #values = 0;

  constructor(isTracked: boolean) {
    const store = new MemoryCacheStore({ clock: this.clock });
    const stores = [store, store.connect()];
    this.processes = stores.map((on, index) => {
      if (!isTracked) on.changes.coverage = 'none';
      const events = new Events<CacheEvents>();
      return new StoredEntries<unknown>({
        store: on,
        name: 'n',
        namespace: 'n',
        clock: this.clock,
        random: seededRandom(index),
        events,
      });
    });
  }

  async step(step: Action & { readonly other: boolean }): Promise<void> {
    const { model, clock } = this;
    const entries = this.processes[step.other ? 1 : 0] as StoredEntries<unknown>;
    switch (step.kind) {
      case 'keep': {
        this.#values += 1;
        await entries.keep(step.key, this.#values, step);
        return model.change(step.key, model.entry(this.#values, step.ttlMs, step.staleMs, model.marks(step.tags)));
      }
      case 'delete':
        await entries.delete([step.key]);
        return model.change(step.key, undefined);
      case 'find':
        return this.check(entries, step.key);
      case 'begin':
        return this.#begin(entries, step.key, step.tags);
      case 'commit':
        return this.#commit(step.fill, step);
      case 'abandon': {
        const [fill] = this.fills.splice(step.fill, 1);
        return fill?.fill.abandon();
      }
      case 'increment':
        return this.#increment(entries, step.key, step.by, step.ttlMs);
      case 'expire': {
        const there = model.find(step.key);
        expect(await entries.expire(step.key, step.ttlMs)).toBe(there?.isFresh === true);
        if (there?.isFresh !== true) return;
        const { entry } = there;
        const freshUntilMs = clock.now() + step.ttlMs;
        const usableUntilMs = freshUntilMs + entry.usableUntilMs - entry.freshUntilMs;
        return model.change(step.key, { ...entry, freshUntilMs, usableUntilMs });
      }
      case 'clear': {
        await entries.clear(step.pattern);
        const isCleared = { '*': () => true, 'c:*': (of: string) => of.startsWith('c:') } as Record<
          string,
          (of: string) => boolean
        >;
        for (const of of keys)
          if ((isCleared[step.pattern] ?? (one => one.length === 1))(of)) model.change(of, undefined);
        return;
      }
      case 'deleteByTag':
      case 'expireByTag': {
        await entries[step.kind](step.tag);
        const state = model.tags.get(step.tag) as [number, number];
        state[step.kind === 'deleteByTag' ? 0 : 1] += 1;
        return;
      }
      case 'advance':
        return clock.advance(step.byMs);
    }
  }

  async check(entries: StoredEntries<unknown>, of: string): Promise<void> {
    const { model, clock } = this;
    const found = await entries.find(of);
    const there = model.find(of);
    if (there === undefined) return expect(found).toBeUndefined();
    expect(found?.value).toBe(there.entry.value);
    if (there.entry.isCounter) return expect(found?.freshForMs).toBe(Number.POSITIVE_INFINITY);
    expect([found?.ageMs, found?.usableForMs, (found?.freshForMs ?? 0) > 0]).toEqual([
      clock.now() - there.entry.madeAtMs,
      there.entry.usableUntilMs - clock.now(),
      there.isFresh,
    ]);
    expect(found?.tags).toEqual([...there.entry.marks.keys()]);
  }

  async #increment(entries: StoredEntries<unknown>, of: string, by: number, ttlMs: number): Promise<void> {
    const there = this.model.find(of);
    const base = there?.isFresh === true ? there.entry : undefined;
    const sum = ((base?.value as number | undefined) ?? 0) + by;
    expect(await entries.increment(of, by, undefined, ttlMs)).toBe(sum);
    const untilMs = base?.freshUntilMs ?? this.clock.now() + ttlMs;
    const counter = { value: sum, madeAtMs: 0, freshUntilMs: untilMs, usableUntilMs: untilMs, isCounter: true };
    this.model.change(of, { ...counter, marks: new Map() });
  }

  async #begin(entries: StoredEntries<unknown>, of: string, withTags: readonly string[]): Promise<void> {
    const { model, fills } = this;
    const older = await entries.find(of);
    const begun = await entries.begin(of, older, { exclusive: false, leaseMs: 1_000, tags: withTags });
    const there = model.find(of)?.entry;
    expect(begun.state).toBe(there?.isCounter === true ? 'found' : 'granted');
    if (begun.state !== 'granted') return;
    // What counts no more gives way to a placeholder.
    if (there === undefined && model.held(of) !== undefined) model.change(of, undefined);
    const marks = model.marks(withTags);
    const version = model.version(of);
    const isShared = there === undefined && model.places.get(of) === version;
    if (there === undefined) model.places.set(of, version);
    fills.push({ key: of, fill: begun.fill, version, older: there, isShared, marks });
  }

  async #commit(index: number, lifetime: { readonly ttlMs: number; readonly staleMs: number }): Promise<void> {
    const { model } = this;
    const [open] = this.fills.splice(index, 1);
    if (open === undefined) return;
    const { key: of, marks } = open;
    this.#values += 1;
    const isHeld = open.older === undefined || model.held(of) !== undefined;
    const isSame = model.version(of) === open.version && isHeld;
    let tagsAreSame = true;
    for (const [tag, mark] of marks) if (String(model.tags.get(tag)) !== String(mark)) tagsAreSame = false;
    const isKept = await open.fill.commit(this.#values, { ...lifetime, tags: [...marks.keys()] });
    if (!isSame) expect(isKept).toBe(false);
    // A change of a tag may be noticed, or leave an entry that counts no more.
    else if (tagsAreSame && !open.isShared) expect(isKept).toBe(true);
    if (isKept) model.change(of, model.entry(this.#values, lifetime.ttlMs, lifetime.staleMs, marks));
  }
}

describe('StoredEntries', () => {
  it.each([true, false])(
    'do what a plain model does, in two processes on one store (tracked: %j)',
    async isTracked => {
      await assert(
        asyncProperty(array(action, { minLength: 5, maxLength: 40 }), async actions => {
          const run = new Run(isTracked);
          for (const step of actions) {
            await run.step(step);
            // The age of a placeholder must never show.
            for (const of of keys) await run.check(run.processes[actions.length % 2] as StoredEntries<unknown>, of);
          }
        }),
        { numRuns: 300 },
      );
    },
    60_000,
  );

  it('never keep what was loaded before a change that came after it, whatever the order of requests', async () => {
    await assert(
      asyncProperty(
        array(
          record({ who: nat({ max: 1 }), what: nat({ max: 5 }), waitMs: nat({ max: 12 }), loadMs: nat({ max: 20 }) }),
          {
            minLength: 10,
            maxLength: 40,
          },
        ),
        nat(),
        async (acts, seed) => {
          const clock = new VirtualClock({ random: seededRandom(seed) });
          const store = new MemoryCacheStore({ clock, latencyMs: 3 });
          const events = new Events<CacheEvents>();
          const processes = [store, store.connect()].map(
            (on, index) =>
              new StoredEntries<number>({
                store: on,
                name: 'n',
                namespace: 'n',
                clock,
                random: seededRandom(index),
                events,
              }),
          );
          const changes: { readonly beganAtMs: number; readonly endedAtMs: number }[] = [];
          const change = async (act: () => Promise<unknown>): Promise<void> => {
            const beganAtMs = clock.monotonic();
            await act();
            changes.push({ beganAtMs, endedAtMs: clock.monotonic() });
          };
          const load = async (entries: StoredEntries<number>, exclusive: boolean, loadMs: number): Promise<void> => {
            const begun = await entries.begin('k', await entries.find('k'), { exclusive, leaseMs: 30 });
            if (begun.state !== 'granted') return;
            const beganAtMs = clock.monotonic();
            await clock.sleep(loadMs);
            const endedAtMs = clock.monotonic();
            const wasChanged = changes.some(one => one.beganAtMs > beganAtMs && one.endedAtMs < endedAtMs);
            const isKept = await begun.fill.commit(1, { ttlMs: 15, staleMs: 100 });
            if (wasChanged) expect(isKept).toBe(false);
          };
          const all: Promise<unknown>[] = [];
          for (const { who, what, waitMs, loadMs } of acts) {
            const entries = processes[who] as StoredEntries<number>;
            if (what === 0) all.push(change(() => entries.keep('k', 0, { ttlMs: 15, staleMs: 100 })));
            else if (what === 1) all.push(change(() => entries.delete(['k'])));
            else if (what === 2) all.push(change(() => entries.clear()));
            else all.push(load(entries, what === 5, loadMs));
            await clock.advance(waitMs);
          }
          const ended = Promise.all(all);
          await clock.advance(1_000);
          await ended;
          expect(clock.pendingTimers).toBe(0);
        },
      ),
      { numRuns: 300 },
    );
  }, 60_000);
});
