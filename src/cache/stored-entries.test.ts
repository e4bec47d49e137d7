import { describe, expect, it } from 'vitest';
import { Events } from '../kernel/index.ts';
import { MemoryCacheStore, seededRandom, VirtualClock } from '../testing/index.ts';
import type { CacheEvents } from './events.ts';
import type { Begun, KeptLifetime, StoreFill } from './fill.ts';
import { StoredEntries, type StoredEntriesOptions } from './stored-entries.ts';

const minute: KeptLifetime = { ttlMs: 60_000, staleMs: 0 };
const withStale: KeptLifetime = { ttlMs: 60_000, staleMs: 600_000 };
const shared = { exclusive: false, leaseMs: 5_000 };
const exclusive = { exclusive: true, leaseMs: 5_000 };

type Options = Partial<Omit<StoredEntriesOptions, 'store' | 'clock' | 'events'>>;

/** The same cache in two processes on one store. */
function setUp(options: Options = {}) {
  const clock = new VirtualClock();
  const store = new MemoryCacheStore({ clock });
  let seed = 0;
  const open = (on: MemoryCacheStore, more: Options = {}) => {
    const events = new Events<CacheEvents>();
    const unusable: CacheEvents['unusable'][] = [];
    events.on('unusable', event => unusable.push(event));
    seed += 1;
    const fixed = { store: on, clock, events, random: seededRandom(seed) };
    const entries = new StoredEntries<unknown>({ name: 'users', namespace: 'users', ...options, ...more, ...fixed });
    return { entries, unusable };
  };
  const remote = store.connect();
  const { entries, unusable } = open(store);
  const { entries: others } = open(remote);
  return { clock, store, remote, entries, others, unusable, open };
}

function granted(begun: Begun<unknown>): StoreFill<unknown> {
  if (begun.state !== 'granted') throw new TypeError(`Not granted: ${begun.state}`);
  return begun.fill;
}

/** How many requests something takes. */
async function requests(store: MemoryCacheStore, act: () => Promise<unknown>): Promise<number> {
  const before = store.requests;
  await act();
  return store.requests - before;
}

describe('StoredEntries', () => {
  it('finds what was kept, with its age and what is left of it', async () => {
    const { clock, entries, others } = setUp();
    await entries.keep('a', { name: 'Ann' }, { ...withStale, tags: ['t'] });
    await clock.advance(10_000);
    expect(await others.find('a')).toMatchObject({
      value: { name: 'Ann' },
      ageMs: 10_000,
      freshForMs: 50_000,
      usableForMs: 650_000,
      tags: ['t'],
    });
    await clock.advance(60_000);
    expect(await others.find('a')).toMatchObject({ freshForMs: -10_000, usableForMs: 590_000 });
    await clock.advance(590_000);
    expect(await others.find('a')).toBeUndefined();
  });

  it('knows undefined from nothing', async () => {
    const { entries } = setUp();
    await entries.keep('a', undefined, minute);
    expect(await entries.find('a')).toMatchObject({ value: undefined });
    expect(await entries.find('b')).toBeUndefined();
  });

  it('keeps and finds many', async () => {
    const { store, entries } = setUp();
    const all = Array.from({ length: 1_200 }, (_, index) => [`k${index}`, index] as const);
    await entries.keepMany(all, { ...minute, tags: ['t'] });
    await entries.keep('odd', 'x', { ...minute, tags: ['u'] });
    await entries.expireByTag('u');
    const keys = ['k0', 'none', 'odd', 'k1199', 'k0'];
    let found = await entries.findMany(keys);
    expect([...found.keys()].sort()).toEqual(['k0', 'k1199', 'odd']);
    expect([found.get('k1199')?.value, found.get('odd')?.freshForMs]).toEqual([1_199, 0]);
    await entries.deleteByTag('t');
    found = await entries.findMany(keys);
    expect([...found.keys()]).toEqual(['odd']);
    expect(await requests(store, () => entries.findMany([]))).toBe(0);
  });

  it('does with one request what one is enough for', async () => {
    const { store, entries } = setUp();
    expect(await requests(store, () => entries.keep('a', 1, minute))).toBe(1);
    expect(await requests(store, () => entries.find('a'))).toBe(1);
    let begun: Begun<unknown> | undefined;
    const begin = async (): Promise<void> => {
      begun = await entries.begin('b', undefined, shared);
    };
    expect(await requests(store, begin)).toBe(1);
    expect(await requests(store, () => granted(begun as Begun<unknown>).commit(1, minute))).toBe(1);
    const older = await entries.find('a');
    expect(await requests(store, () => entries.begin('a', older, shared))).toBe(0);
    await entries.keep('t', 1, { ...minute, tags: ['x', 'y'] });
    await entries.find('t');
    expect(await requests(store, () => entries.find('t'))).toBe(1);
    expect(await requests(store, () => entries.keep('t', 2, { ...minute, tags: ['x', 'y'] }))).toBe(1);
  });

  it('clears what a pattern matches, and never anything of another namespace', async () => {
    const { store, entries, open } = setUp();
    const other = open(store, { namespace: 'users2' }).entries;
    await other.keep('user:1', 1, { ...minute, tags: ['t'] });
    const keys = ['user:1', 'user:2', 'order:1', 'us*er', '[x]', 'line\nbreak'];
    await entries.keepMany(
      keys.map(key => [key, key] as const),
      minute,
    );
    expect(await entries.clear('user:[2-9]')).toBe(1);
    expect(await entries.clear('us\\*er')).toBe(1);
    expect(await entries.clear('\\[x]')).toBe(1);
    expect([...(await entries.findMany(keys)).keys()]).toEqual(['user:1', 'order:1', 'line\nbreak']);
    expect(await entries.clear('*')).toBe(3);
    expect(await entries.clear()).toBe(0);
    expect(await other.find('user:1')).toMatchObject({ value: 1 });
    await entries.keepMany(
      Array.from({ length: 1_300 }, (_, index) => [`${index}`, index] as const),
      minute,
    );
    expect(await entries.clear()).toBe(1_300);
  });

  it('deletes, and says how many there were', async () => {
    const { entries, others } = setUp();
    await entries.keep('a', 1, minute);
    expect(await others.delete(['a', 'b'])).toBe(1);
    expect(await others.delete(['a'])).toBe(0);
    expect(await others.delete([])).toBe(0);
  });

  it('announces what it changes, where changes are not tracked', async () => {
    const { store, remote, entries, others } = setUp();
    store.changes.coverage = 'announcements';
    remote.changes.coverage = 'announcements';
    const heard: string[] = [];
    const stop = others.listen({
      changed: key => heard.push(key),
      tagChanged: tag => heard.push(`#${tag}`),
      allChanged: () => heard.push('everything'),
    });
    await entries.keep('a', 1, minute);
    await entries.keepMany([['b', 1]], minute);
    await granted(await entries.begin('c', undefined, shared)).commit(1, minute);
    await entries.increment('d', 1, undefined, 1_000);
    await entries.increment('a', 1, undefined, 1_000);
    await entries.expire('b', 5_000);
    await entries.delete(['a', 'b']);
    await entries.deleteByTag('t');
    await entries.expireByTag('t');
    expect(heard).toEqual(['a', 'b', 'c', 'd', 'a', 'b', 'a', 'b', '#t', '#t']);
    store.flush();
    stop();
    await entries.keep('a', 1, minute);
    expect(heard.slice(10)).toEqual(['everything']);
  });

  it('takes what it cannot use for a miss, and tells', async () => {
    const { store, entries, unusable } = setUp();
    await store.write('cache:users:new', '\x02something later', 60_000);
    await store.write('cache:users:text', 'hello', 60_000);
    await store.write('cache:users:large', Buffer.alloc(20_000_000), 60_000);
    for (const key of ['new', 'text', 'large']) expect(await entries.find(key)).toBeUndefined();
    expect(unusable).toEqual([
      { name: 'users', key: 'new', reason: 'unknown-version', bytes: 16 },
      { name: 'users', key: 'text', reason: 'corrupt', bytes: 5 },
      { name: 'users', key: 'large', reason: 'too-large', bytes: 20_000_000 },
    ]);
    expect(await granted(await entries.begin('text', undefined, shared)).commit('good', minute)).toBe(true);
    expect(await entries.find('text')).toMatchObject({ value: 'good' });
  });

  it('hides nothing of a store that is away', async () => {
    const { store, entries } = setUp();
    store.health = 'refusing';
    await expect(entries.find('a')).rejects.toMatchObject({ code: 'NETWORK_ERROR' });
    await expect(entries.keep('a', 1, minute)).rejects.toMatchObject({ code: 'NETWORK_ERROR' });
    await expect(entries.begin('a', undefined, shared)).rejects.toMatchObject({ code: 'NETWORK_ERROR' });
  });

  it('keeps large values, compressed beside the event loop', async () => {
    const { entries, others } = setUp();
    const rows = Array.from({ length: 5_000 }, (_, id) => ({ id, name: 'Ann' }));
    await entries.keep('rows', rows, minute);
    const found = await others.find('rows');
    expect(found?.value).toEqual(rows);
    expect(found?.bytes).toBeLessThan(60_000);
  });
});

describe('bad input of StoredEntries', () => {
  it.each([
    ['', 'expected 1 to 4096 characters, got 0 characters'],
    ['x'.repeat(1_000_000), 'expected 1 to 4096 characters, got 1000000 characters'],
    ['half \ud83d', 'expected Unicode text, got half of a surrogate pair at 5'],
    [undefined as unknown as string, 'expected text, got undefined'],
    [7 as unknown as string, 'expected text, got number'],
  ])('is refused: key %#', async (key, found) => {
    const { entries } = setUp();
    const refusal = { name: 'ArgumentError', argument: 'key', message: `Cannot use a key: ${found}` };
    await expect(entries.find(key)).rejects.toMatchObject(refusal);
    await expect(entries.findMany(['a', key])).rejects.toMatchObject(refusal);
    await expect(entries.keep(key, 1, minute)).rejects.toMatchObject(refusal);
    await expect(entries.keepMany([[key, 1]], minute)).rejects.toMatchObject(refusal);
    await expect(entries.delete([key])).rejects.toMatchObject(refusal);
    await expect(entries.increment(key, 1, undefined, 1)).rejects.toMatchObject(refusal);
    await expect(entries.expire(key, 1)).rejects.toMatchObject(refusal);
    await expect(entries.begin(key, undefined, shared)).rejects.toMatchObject(refusal);
  });

  it.each(['\0', '\n', '*', '[a]', '{a}', ':', ' ', '😀', '__proto__', 'x'.repeat(4_096)])('is none: %j', async key => {
    const { entries, others } = setUp();
    await entries.keep(key, { key }, minute);
    expect(await others.find(key)).toMatchObject({ value: { key } });
    expect((await others.findMany([key])).get(key)).toMatchObject({ value: { key } });
    expect(await others.delete([key])).toBe(1);
  });

  it.each([Number.NaN, -1, 0, Number.POSITIVE_INFINITY, 30 * 86_400_000 + 1])('is refused: ttlMs %d', async ttlMs => {
    const { entries } = setUp();
    const refusal = { name: 'ArgumentError', argument: 'ttlMs' };
    await expect(entries.keep('a', 1, { ttlMs, staleMs: 0 })).rejects.toMatchObject(refusal);
    await expect(entries.increment('a', 1, ttlMs, 1_000)).rejects.toMatchObject(refusal);
    await expect(entries.expire('a', ttlMs)).rejects.toMatchObject(refusal);
    const fill = granted(await entries.begin('a', undefined, exclusive));
    await expect(fill.commit(1, { ttlMs, staleMs: 0 })).rejects.toMatchObject(refusal);
    expect((await entries.begin('a', undefined, exclusive)).state).toBe('granted');
  });

  it('is refused: other things', async () => {
    const { store, entries, open } = setUp();
    await expect(entries.keep('a', 1, { ttlMs: 1, staleMs: -1 })).rejects.toMatchObject({ argument: 'staleMs' });
    await expect(entries.keep('a', () => 1, minute)).rejects.toMatchObject({ argument: 'value' });
    await expect(entries.keep('a', 1, { ...minute, tags: ['\ud83d'] })).rejects.toMatchObject({ argument: 'tags' });
    await expect(entries.deleteByTag('')).rejects.toMatchObject({ argument: 'tags' });
    await expect(entries.increment('a', 0.5, undefined, 1)).rejects.toMatchObject({ argument: 'by' });
    for (const namespace of ['', 'a:b', 'x'.repeat(65), '\ud83d']) {
      expect(() => open(store, { namespace })).toThrow(/^Cannot use the namespace/);
    }
    expect(() => open(store, { maxValueBytes: 0 })).toThrow('Cannot use maxValueBytes');
    expect(() => open(store, { maxLifetimeMs: 1e15 })).toThrow('Cannot use maxLifetimeMs');
    expect(store.size).toBe(0);
  });

  it('keeps a fraction of a millisecond as a whole one', async () => {
    const { entries } = setUp();
    await entries.keep('a', 1, { ttlMs: 0.2, staleMs: 0.2 });
    expect(await entries.find('a')).toMatchObject({ freshForMs: 1, usableForMs: 2 });
  });
});

describe('a counter', () => {
  it('adds in one step, whoever adds, and is read as a number', async () => {
    const { clock, store, entries, others } = setUp();
    expect(await entries.increment('n', 2, undefined, 1_000)).toBe(2);
    expect(await others.increment('n', -5, undefined, 60_000)).toBe(-3);
    expect(await entries.find('n')).toMatchObject({ value: -3, ageMs: 0, freshForMs: Number.POSITIVE_INFINITY });
    await store.increment('cache:users:n', 1, undefined, 1);
    expect(await entries.find('n')).toMatchObject({ value: -2 });
    await clock.advance(1_000);
    expect(await entries.find('n')).toBeUndefined();
    expect(await entries.increment('n', 1, 5_000, 1_000)).toBe(1);
    await clock.advance(4_999);
    expect(await entries.find('n')).toMatchObject({ value: 1 });
  });

  it('goes on from a whole number that was kept, for as long as it was fresh', async () => {
    const { clock, entries, others } = setUp();
    await entries.keep('n', 41, { ...withStale, tags: ['t'] });
    await clock.advance(10_000);
    expect(await others.increment('n', 1, undefined, 1_000)).toBe(42);
    expect(await entries.find('n')).toMatchObject({ value: 42, tags: [] });
    await clock.advance(50_000);
    expect(await entries.find('n')).toBeUndefined();
  });

  it('adds all up when many begin at once on a value that was kept', async () => {
    const { entries, others } = setUp();
    await entries.keep('n', 0, minute);
    await Promise.all(
      Array.from({ length: 50 }, (_, index) => (index % 2 ? entries : others).increment('n', 1, undefined, 1)),
    );
    expect(await entries.find('n')).toMatchObject({ value: 50 });
  });

  it('begins anew over what is stale, lost, loading or unusable', async () => {
    const { clock, store, entries } = setUp();
    await entries.keep('stale', 7, withStale);
    await clock.advance(60_000);
    await entries.keep('lost', 7, { ...minute, tags: ['t'] });
    await entries.deleteByTag('t');
    const fill = granted(await entries.begin('loading', undefined, exclusive));
    await store.write('cache:users:unusable', 'hello', 60_000);
    for (const key of ['stale', 'lost', 'loading', 'unusable']) {
      expect(await entries.increment(key, 1, undefined, 60_000)).toBe(1);
    }
    expect(await fill.commit(7, minute)).toBe(false);
    expect(await entries.find('loading')).toMatchObject({ value: 1 });
  });

  it.each(['text', 1.5, null, { n: 1 }])('is not made of %j', async value => {
    const { entries } = setUp();
    await entries.keep('n', value, minute);
    await expect(entries.increment('n', 1, undefined, 1_000)).rejects.toMatchObject({
      name: 'ArgumentError',
      message: 'Cannot increment "n": what is there is not a whole number',
    });
    expect(await entries.find('n')).toMatchObject({ value });
  });

  it('is given another lifetime', async () => {
    const { clock, entries } = setUp();
    await entries.increment('n', 5, undefined, 1_000);
    expect(await entries.expire('n', 10_000)).toBe(true);
    await clock.advance(9_999);
    expect(await entries.find('n')).toMatchObject({ value: 5 });
    await clock.advance(1);
    expect(await entries.expire('n', 10_000)).toBe(false);
  });
});

describe('a lifetime that is changed', () => {
  it('counts from now on, and leaves the age of the value as it is', async () => {
    const { clock, entries, others } = setUp();
    await entries.keep('a', 1, { ...withStale, tags: ['t'] });
    await clock.advance(30_000);
    expect(await others.expire('a', 100_000)).toBe(true);
    expect(await entries.find('a')).toMatchObject({
      ageMs: 30_000,
      freshForMs: 100_000,
      usableForMs: 700_000,
      tags: ['t'],
    });
    expect(await others.expire('a', 1)).toBe(true);
    await clock.advance(1);
    expect(await entries.find('a')).toMatchObject({ freshForMs: 0 });
    expect(await others.expire('a', 100_000)).toBe(false);
    expect(await others.expire('none', 100_000)).toBe(false);
  });

  it('makes what was loaded from the older entry too late', async () => {
    const { entries, others } = setUp();
    await entries.keep('a', 1, withStale);
    const fill = granted(await entries.begin('a', await entries.find('a'), shared));
    await others.expire('a', 5_000);
    expect(await fill.commit(2, minute)).toBe(false);
    expect(await entries.find('a')).toMatchObject({ value: 1 });
  });
});
