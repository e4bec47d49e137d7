import { describe, expect, it } from 'vitest';
import { Events } from '../kernel/index.ts';
import { MemoryCacheStore, VirtualClock } from '../testing/index.ts';
import type { CacheEvents } from './events.ts';
import type { Begun, KeptLifetime, StoreFill } from './fill.ts';
import { StoredEntries } from './stored-entries.ts';

const minute: KeptLifetime = { ttlMs: 60_000, staleMs: 0 };
const withStale: KeptLifetime = { ttlMs: 60_000, staleMs: 600_000 };
const shared = { exclusive: false, leaseMs: 3_000 };
const exclusive = { exclusive: true, leaseMs: 3_000 };

/** The same cache in two processes on one store. */
function setUp() {
  const clock = new VirtualClock();
  const store = new MemoryCacheStore({ clock });
  const remote = store.connect();
  const open = (on: MemoryCacheStore) =>
    new StoredEntries<unknown>({ store: on, name: 'n', namespace: 'n', clock, events: new Events<CacheEvents>() });
  return { clock, store, remote, entries: open(store), others: open(remote) };
}

function granted(begun: Begun<unknown>): StoreFill<unknown> {
  if (begun.state !== 'granted') throw new TypeError(`Not granted: ${begun.state}`);
  return begun.fill;
}

describe('a fill on a miss', () => {
  it('is no value for anybody until it is committed', async () => {
    const { entries, others } = setUp();
    const fill = granted(await entries.begin('a', undefined, shared));
    expect(await others.find('a')).toBeUndefined();
    expect(await fill.commit('loaded', minute)).toBe(true);
    expect(await others.find('a')).toMatchObject({ value: 'loaded' });
  });

  it.each<[string, (set: ReturnType<typeof setUp>) => Promise<unknown>, unknown]>([
    ['deleted', ({ others }) => others.delete(['a']), undefined],
    ['set', ({ others }) => others.keep('a', 'newer', minute), 'newer'],
    ['cleared', ({ others }) => others.clear(), undefined],
    ['incremented', ({ others }) => others.increment('a', 7, undefined, 60_000), 7],
    ['deleted by another program', ({ remote }) => remote.delete(['cache:n:a']), undefined],
    ['written by another program', ({ remote }) => remote.write('cache:n:a', '12', 60_000), 12],
    ['flushed', async ({ remote }) => remote.flush(), undefined],
    [
      'set and deleted',
      async ({ others }) => {
        await others.keep('a', 'newer', minute);
        await others.delete(['a']);
      },
      undefined,
    ],
    [
      'deleted, and loaded anew',
      async ({ others }) => {
        await others.delete(['a']);
        await granted(await others.begin('a', undefined, shared)).commit('newer', minute);
      },
      'newer',
    ],
  ])('keeps nothing when the key was %s meanwhile', async (_, change, value) => {
    const set = setUp();
    const fill = granted(await set.entries.begin('a', undefined, shared));
    await change(set);
    expect(await fill.commit('too late', minute)).toBe(false);
    expect((await set.entries.find('a'))?.value).toBe(value);
  });

  it('does not bring back what was deleted, even when the next load is under way', async () => {
    const { entries, others } = setUp();
    const fill = granted(await entries.begin('a', undefined, shared));
    await others.delete(['a']);
    const next = granted(await others.begin('a', undefined, shared));
    expect(await fill.commit('too late', minute)).toBe(false);
    expect(await next.commit('newer', minute)).toBe(true);
    expect(await entries.find('a')).toMatchObject({ value: 'newer' });
  });

  it('is shared when it need not be exclusive: who commits first, wins', async () => {
    const { entries, others } = setUp();
    const one = granted(await entries.begin('a', undefined, shared));
    const two = granted(await others.begin('a', undefined, shared));
    const three = granted(await others.begin('a', undefined, shared));
    await one.abandon();
    expect(await two.commit('two', minute)).toBe(true);
    expect(await three.commit('three', minute)).toBe(false);
    expect(await entries.find('a')).toMatchObject({ value: 'two' });
  });

  it('is the only one when it is exclusive, and frees its place at once', async () => {
    const { entries, others } = setUp();
    const one = granted(await entries.begin('a', undefined, exclusive));
    expect((await others.begin('a', undefined, exclusive)).state).toBe('held');
    await one.abandon();
    expect(await others.find('a')).toBeUndefined();
    const two = granted(await others.begin('a', undefined, exclusive));
    expect((await entries.begin('a', undefined, exclusive)).state).toBe('held');
    expect(await one.commit('too late', minute)).toBe(false);
    expect(await two.commit('two', minute)).toBe(true);
    expect(await entries.begin('a', undefined, exclusive)).toMatchObject({ state: 'found', entry: { value: 'two' } });
  });

  it('holds its place for as long as it takes, and no longer than its process lives', async () => {
    const { clock, store, entries, others } = setUp();
    const fill = granted(await entries.begin('a', undefined, exclusive));
    await clock.advance(60_000);
    expect((await others.begin('a', undefined, exclusive)).state).toBe('held');
    // The process has died, or cannot reach the store.
    store.health = 'refusing';
    await clock.advance(3_000);
    const next = granted(await others.begin('a', undefined, exclusive));
    store.health = 'there';
    await clock.advance(3_000);
    expect(await fill.commit('too late', minute)).toBe(false);
    expect(await next.commit('next', minute)).toBe(true);
    expect(clock.pendingTimers).toBe(0);
  });

  it('sets its place free when its value cannot be kept', async () => {
    const { clock, entries, others } = setUp();
    const fill = granted(await entries.begin('a', undefined, exclusive));
    await expect(fill.commit(() => 1, minute)).rejects.toMatchObject({ name: 'ArgumentError' });
    expect((await others.begin('a', undefined, exclusive)).state).toBe('granted');
    expect(clock.pendingTimers).toBe(1);
  });

  it('may begin where an entry is that counts no more', async () => {
    const { entries, others } = setUp();
    await entries.keep('a', 1, { ...withStale, tags: ['t'] });
    await others.deleteByTag('t');
    const fill = granted(await entries.begin('a', undefined, shared));
    expect(await fill.commit(2, minute)).toBe(true);
    expect(await others.find('a')).toMatchObject({ value: 2 });
  });

  it('is not needed when somebody was faster, even with a stale value', async () => {
    const { clock, entries, others } = setUp();
    await others.keep('a', 1, withStale);
    expect(await entries.begin('a', undefined, shared)).toMatchObject({
      state: 'found',
      entry: { freshForMs: 60_000 },
    });
    await clock.advance(60_000);
    expect(await entries.begin('a', undefined, exclusive)).toMatchObject({ state: 'found', entry: { freshForMs: 0 } });
  });

  it('is not brought down by a store that does not answer', async () => {
    const { clock, store, entries } = setUp();
    const fill = granted(await entries.begin('a', undefined, exclusive));
    store.health = 'refusing';
    await expect(fill.commit(1, minute)).rejects.toMatchObject({ code: 'NETWORK_ERROR' });
    await fill.abandon();
    expect(clock.pendingTimers).toBe(0);
  });
});

describe('a fill that replaces a stale entry', () => {
  async function stale() {
    const set = setUp();
    await set.entries.keep('a', 'old', withStale);
    await set.clock.advance(61_000);
    const older = await set.entries.find('a');
    if (older === undefined) throw new TypeError('Nothing found');
    return { ...set, older };
  }

  it('leaves the old one there until it is committed', async () => {
    const { entries, others, older } = await stale();
    const fill = granted(await entries.begin('a', older, shared));
    expect(await others.find('a')).toMatchObject({ value: 'old' });
    expect(await fill.commit('new', minute)).toBe(true);
    expect(await others.find('a')).toMatchObject({ value: 'new', freshForMs: 60_000 });
  });

  it.each<[string, (set: ReturnType<typeof setUp>) => Promise<unknown>, unknown]>([
    ['deleted', ({ others }) => others.delete(['a']), undefined],
    ['set', ({ others }) => others.keep('a', 'newer', minute), 'newer'],
    ['set to the same', ({ others }) => others.keep('a', 'old', minute), 'old'],
    ['deleted by another program', ({ remote }) => remote.delete(['cache:n:a']), undefined],
  ])('keeps nothing when the key was %s meanwhile', async (_, change, value) => {
    const { older, ...set } = await stale();
    for (const options of [shared, exclusive]) {
      const begun = await set.entries.begin('a', older, options);
      if (begun.state !== 'granted') continue;
      await change(set);
      expect(await begun.fill.commit('too late', minute)).toBe(false);
      expect((await set.entries.find('a'))?.value).toBe(value);
    }
  });

  it('is the only one when it is exclusive', async () => {
    const { clock, entries, others, older } = await stale();
    const fill = granted(await entries.begin('a', older, exclusive));
    expect((await others.begin('a', older, exclusive)).state).toBe('held');
    await clock.advance(30_000);
    expect((await others.begin('a', older, exclusive)).state).toBe('held');
    expect(await fill.commit('new', minute)).toBe(true);
    await clock.advance(1);
    expect(await others.begin('a', older, exclusive)).toMatchObject({ state: 'found', entry: { value: 'new' } });
    await clock.advance(1);
    expect(clock.pendingTimers).toBe(0);
  });

  it('gives its lease back when it is abandoned', async () => {
    const { clock, entries, others, older } = await stale();
    await granted(await entries.begin('a', older, exclusive)).abandon();
    await clock.advance(1);
    expect((await others.begin('a', older, exclusive)).state).toBe('granted');
  });

  it('becomes one on a miss when the old entry is gone', async () => {
    const { entries, others, older } = await stale();
    await others.delete(['a']);
    const fill = granted(await entries.begin('a', older, exclusive));
    expect((await others.begin('a', undefined, exclusive)).state).toBe('held');
    expect(await fill.commit('new', minute)).toBe(true);
  });

  it('is none for a counter: it is as fresh as can be', async () => {
    const { entries } = setUp();
    await entries.increment('n', 1, undefined, 60_000);
    const older = await entries.find('n');
    expect(await entries.begin('n', older, shared)).toMatchObject({ state: 'found', entry: { value: 1 } });
  });
});
