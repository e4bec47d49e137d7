import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NetworkError } from '../errors/index.ts';
import { VirtualClock } from '../testing/index.ts';
import { MemoryCache } from './index.ts';

interface Kept {
  readonly key: string;
  readonly value: number;
  readonly storedAtMs: number;
  readonly ttlMs: number;
  readonly staleMs: number;
}

interface Numbers {
  readonly maxEntries: number;
  readonly ttlMs: number;
  readonly staleMs: number;
}

/** What the cache should do, written as plainly as possible: a list, the least recently used entry first. */
class Model {
  nowMs = 0;
  kept: readonly Kept[] = [];

  readonly numbers: Numbers;

  constructor(numbers: Numbers) {
    this.numbers = numbers;
  }

  find(key: string): Kept | undefined {
    return this.kept.find(entry => entry.key === key);
  }

  fresh(key: string): Kept | undefined {
    const entry = this.find(key);
    return entry && this.nowMs < entry.storedAtMs + entry.ttlMs ? entry : undefined;
  }

  usable(key: string): Kept | undefined {
    const entry = this.find(key);
    return entry && this.nowMs < entry.storedAtMs + entry.ttlMs + entry.staleMs ? entry : undefined;
  }

  use(key: string): Kept | undefined {
    const entry = this.fresh(key);
    if (entry) this.kept = [...this.kept.filter(other => other !== entry), entry];
    return entry;
  }

  set(key: string, value: number, ttlMs = this.numbers.ttlMs): void {
    const others = this.kept.filter(entry => entry.key !== key);
    const entry = { key, value, storedAtMs: this.nowMs, ttlMs, staleMs: this.numbers.staleMs };
    this.kept = [...others, entry].slice(-this.numbers.maxEntries);
  }
}

type Command = (cache: MemoryCache<number>, model: Model, clock: VirtualClock) => Promise<void> | void;

const keys = fc.constantFrom('a', 'b', 'c', 'd', 'e');

const commands: fc.Arbitrary<Command> = fc.oneof(
  keys.map<Command>(key => (cache, model) => {
    expect(cache.get(key)).toBe(model.use(key)?.value);
  }),
  fc.record({ key: keys, value: fc.nat() }).map<Command>(({ key, value }) => (cache, model) => {
    cache.set(key, value);
    model.set(key, value);
  }),
  fc
    .record({ key: keys, value: fc.nat(), ttlMs: fc.integer({ min: 1, max: 60 }) })
    .map<Command>(({ key, value, ttlMs }) => (cache, model) => {
      cache.set(key, value, { ttlMs });
      model.set(key, value, ttlMs);
    }),
  keys.map<Command>(key => (cache, model) => {
    expect(cache.delete(key)).toBe(model.find(key) !== undefined);
    model.kept = model.kept.filter(entry => entry.key !== key);
  }),
  fc.constant<Command>((cache, model) => {
    expect(cache.clear()).toBe(model.kept.length);
    model.kept = [];
  }),
  fc.record({ key: keys, value: fc.nat() }).map<Command>(({ key, value }) => async (cache, model) => {
    const loaded = await cache.load(key, async () => value);
    const hit = model.use(key);
    expect(loaded).toEqual({
      value: hit?.value ?? value,
      state: hit ? 'hit' : 'loaded',
      ageMs: hit ? model.nowMs - hit.storedAtMs : 0,
    });
    if (!hit) model.set(key, value);
  }),
  keys.map<Command>(key => async (cache, model) => {
    const error = new NetworkError('broken');
    const [result] = await Promise.allSettled([cache.load(key, () => Promise.reject(error))]);
    const entry = model.use(key) ?? model.usable(key);
    if (entry === undefined) expect(result).toEqual({ status: 'rejected', reason: error });
    else {
      const state = model.fresh(key) ? 'hit' : 'stale';
      expect(result).toMatchObject({ value: { value: entry.value, state, ageMs: model.nowMs - entry.storedAtMs } });
    }
  }),
  fc.nat(50).map<Command>(ms => async (_cache, model, clock) => {
    model.nowMs += ms;
    await clock.advance(ms);
  }),
);

describe('MemoryCache, beside its model', () => {
  it('keeps, forgets, evicts and serves as the model does', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          maxEntries: fc.integer({ min: 1, max: 4 }),
          ttlMs: fc.integer({ min: 1, max: 60 }),
          staleMs: fc.nat(60),
        }),
        fc.array(commands, { maxLength: 50, size: 'max' }),
        async (numbers, sequence) => {
          const clock = new VirtualClock();
          const cache = new MemoryCache<number>({ ...numbers, clock });
          const model = new Model(numbers);
          for (const command of sequence) {
            await command(cache, model, clock);
            expect(cache.stats().entries).toBe(model.kept.length);
            for (const key of ['a', 'b', 'c', 'd', 'e']) {
              expect(cache.has(key)).toBe(model.fresh(key) !== undefined);
            }
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});
