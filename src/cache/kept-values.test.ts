import { describe, expect, it } from 'vitest';
import { NetworkError } from '../errors/index.ts';
import { VirtualClock } from '../testing/index.ts';
import type { LoadContext, LoadRules } from './entry-options.ts';
import { KeptValues } from './kept-values.ts';

/** Values that count how often they were loaded, and a loader that fails while it is told to. */
function subject(options: { ttlMs?: number; staleMs?: number; maxEntries?: number; rules?: LoadRules } = {}) {
  const clock = new VirtualClock();
  const given = { name: 'test', maxEntries: 100, ttlMs: 1_000, staleMs: 0, rules: {}, clock, ...options };
  const values = new KeptValues<number>(given);
  const source = { loads: 0, fails: false };
  const load = async ({ key, keep }: LoadContext<number>): Promise<number> => {
    source.loads += 1;
    if (source.fails) throw new NetworkError('No route');
    if (key.startsWith('brief')) keep({ ttlMs: 100 });
    return source.loads;
  };
  return { clock, values, source, get: (key: string) => values.getOrSet(key, load), load };
}

describe('KeptValues', () => {
  it('keeps a value for its lifetime, each its own', async () => {
    const { clock, source, get } = subject();
    await get('a');
    await clock.advance(50);
    await get('brief');
    await clock.advance(110);
    await get('a');
    expect(source.loads).toBe(2);
    await get('brief');
    expect(source.loads).toBe(3);
    await clock.advance(830);
    await get('a');
    expect(source.loads).toBe(3);
    await clock.advance(15);
    await get('a');
    expect(source.loads).toBe(4);
  });

  it('gives all hits the same promise', async () => {
    const { get, load, values } = subject();
    expect(await get('a')).toBe(1);
    expect(get('a')).toBe(get('a'));
    expect(values.valueOrPromise('a', load)).toBe(1);
  });

  it('lets an older value stand in for a failure, as long as it may, and then has it no more', async () => {
    const { clock, values, source, get } = subject({ staleMs: 5_000 });
    await get('a');
    source.fails = true;
    await clock.advance(3_000);
    expect(await get('a')).toBe(1);
    expect(source.loads).toBe(2);
    await clock.advance(4_000);
    expect(values.size).toBe(0);
    await expect(get('a')).rejects.toThrow('No route');
  });

  it('loads a value anew in the background when it is late in its lifetime', async () => {
    const { clock, source, get } = subject({ rules: { earlyRefreshRatio: 0.5 } });
    expect(await get('a')).toBe(1);
    await clock.advance(600);
    expect(await get('a')).toBe(1);
    await clock.advance(0);
    expect(source.loads).toBe(2);
    await clock.advance(600);
    expect(await get('a')).toBe(2);
  });

  it('lets go of what is over, without being asked', async () => {
    const { clock, values, get } = subject();
    for (let index = 0; index < 50; index += 1) {
      await get(`${index}`);
      await clock.advance(10);
    }
    expect(values.size).toBe(50);
    await clock.advance(750);
    expect(values.size).toBeGreaterThan(20);
    expect(values.size).toBeLessThan(30);
    await clock.advance(1_000);
    expect(values.size).toBe(0);
  });

  it('lets what is over go first when there is no room, and then what nobody asked for', async () => {
    const { clock, values, source, get } = subject({ staleMs: 60_000, maxEntries: 3 });
    await get('brief');
    await clock.advance(200);
    for (const key of ['a', 'b', 'c']) await get(key);
    expect(values.size).toBe(3);
    await get('a');
    await get('d');
    source.loads = 0;
    for (const key of ['a', 'c', 'd']) await get(key);
    expect(source.loads).toBe(0);
    await get('b');
    expect(source.loads).toBe(1);
    expect(values.size).toBe(3);
  });

  it('does not keep what was forgotten while it was loaded', async () => {
    const { values, source, get } = subject();
    const loading = get('a');
    values.delete('a');
    await loading;
    expect(values.size).toBe(0);
    await get('a');
    expect(source.loads).toBe(2);
  });

  it('says whether a fresh value was there to forget', async () => {
    const { clock, values, get } = subject({ staleMs: 60_000, rules: { earlyRefreshRatio: 0.5 } });
    await get('a');
    expect([values.delete('a'), values.delete('a')]).toEqual([true, false]);
    await get('a');
    await clock.advance(700);
    expect(values.delete('a')).toBe(true);
    await get('a');
    await clock.advance(2_000);
    expect(values.delete('a')).toBe(false);
    expect(values.size).toBe(0);
  });

  it('sees to many lifetimes in time', async () => {
    const { clock, values } = subject({ maxEntries: 10_000 });
    const endsMs = new Map<string, number>();
    for (let index = 0; index < 2_000; index += 1) {
      const ttlMs = 1 + ((index * 7_919) % 5_000);
      endsMs.set(`${index}`, clock.monotonic() + ttlMs);
      await values.getOrSet(`${index}`, async ({ keep }) => {
        keep({ ttlMs });
        return index;
      });
    }
    for (let step = 0; step < 100; step += 1) {
      await clock.advance(50);
      const due = [...endsMs.values()].filter(endMs => endMs > clock.monotonic()).length;
      const late = [...endsMs.values()].filter(endMs => endMs > clock.monotonic() - 5).length;
      expect(values.size).toBeGreaterThanOrEqual(due);
      expect(values.size).toBeLessThanOrEqual(late);
    }
  });
});
