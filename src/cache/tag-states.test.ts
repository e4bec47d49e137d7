import { describe, expect, it } from 'vitest';
import { Events } from '../kernel/index.ts';
import { MemoryCacheStore, VirtualClock } from '../testing/index.ts';
import type { CacheEvents } from './events.ts';
import type { Begun, KeptLifetime, StoreFill } from './fill.ts';
import { StoredEntries } from './stored-entries.ts';

const day = 86_400_000;
const tagged: KeptLifetime = { ttlMs: 60_000, staleMs: 600_000, tags: ['t'] };
const shared = { exclusive: false, leaseMs: 3_000 };

/** The same cache in two processes on one store. */
function setUp(maxStalenessMs = 1_000) {
  const clock = new VirtualClock();
  const store = new MemoryCacheStore({ clock });
  const remote = store.connect();
  const open = (on: MemoryCacheStore) =>
    new StoredEntries<unknown>({
      store: on,
      name: 'n',
      namespace: 'n',
      clock,
      maxStalenessMs,
      maxLifetimeMs: 10 * day,
      events: new Events<CacheEvents>(),
    });
  return { clock, store, remote, entries: open(store), others: open(remote) };
}

function granted(begun: Begun<unknown>): StoreFill<unknown> {
  if (begun.state !== 'granted') throw new TypeError(`Not granted: ${begun.state}`);
  return begun.fill;
}

describe.each(['tracking', 'none'] as const)('tags where changes are heard of by %s', coverage => {
  function open() {
    const set = setUp();
    for (const store of [set.store, set.remote]) store.changes.coverage = coverage;
    return set;
  }

  it('make entries go, everywhere at once, and not those that come later', async () => {
    const { entries, others } = open();
    await entries.keep('a', 1, { ...tagged, tags: ['t', 'u'] });
    await entries.keep('b', 2, { ...tagged, tags: ['u'] });
    expect(await others.find('a')).toMatchObject({ value: 1, tags: ['t', 'u'] });
    await others.deleteByTag('t');
    for (const one of [entries, others]) expect(await one.find('a')).toBeUndefined();
    expect(await entries.find('b')).toMatchObject({ value: 2, freshForMs: 60_000 });
    await entries.keep('a', 3, tagged);
    for (const one of [entries, others]) expect(await one.find('a')).toMatchObject({ value: 3, freshForMs: 60_000 });
  });

  it('make entries stale, which may still stand in', async () => {
    const { clock, entries, others } = open();
    await entries.keep('a', 1, tagged);
    await clock.advance(10_000);
    await others.expireByTag('t');
    for (const one of [entries, others]) {
      expect(await one.find('a')).toMatchObject({ value: 1, ageMs: 10_000, freshForMs: 0, usableForMs: 650_000 });
      expect((await one.findMany(['a'])).get('a')).toMatchObject({ freshForMs: 0 });
    }
    expect(await entries.expire('a', 5_000)).toBe(false);
    await entries.keep('a', 2, tagged);
    expect(await others.find('a')).toMatchObject({ value: 2, freshForMs: 60_000 });
    await others.deleteByTag('t');
    expect(await entries.find('a')).toBeUndefined();
  });

  it('are lost with the store, and bring nothing back', async () => {
    const { store, entries, others } = open();
    await entries.keep('a', 1, tagged);
    const [bytes] = await store.read(['cache:n:a']);
    store.flush();
    await store.write('cache:n:a', bytes as Uint8Array, 600_000);
    for (const one of [entries, others]) expect(await one.find('a')).toBeUndefined();
    await others.keep('b', 2, tagged);
    for (const one of [entries, others]) expect(await one.find('a')).toBeUndefined();
    expect(await entries.find('b')).toMatchObject({ value: 2 });
  });

  it('that are no states are taken for lost', async () => {
    const { remote, entries } = open();
    await entries.keep('a', 1, tagged);
    for (const text of ['hello', '\x01t', '12', `\x01t${'~'.repeat(38)}`]) {
      await remote.write('cache-tags:n:t', text, 600_000);
      expect(await entries.find('a')).toBeUndefined();
      await entries.keep('a', 2, tagged);
      expect(await entries.find('a')).toMatchObject({ value: 2 });
    }
    await remote.write('cache-tags:n:t', 'hello', 600_000);
    await entries.expireByTag('t');
    expect(await entries.find('a')).toBeUndefined();
  });

  it('that change while a value is loaded make it count no more', async () => {
    for (const known of [true, false]) {
      for (const change of ['delete', 'expire'] as const) {
        const { clock, entries, others } = open();
        await clock.advance(5_000);
        const fill = granted(await entries.begin('a', undefined, { ...shared, ...(known ? { tags: ['t'] } : {}) }));
        await clock.advance(500);
        await (change === 'delete' ? others.deleteByTag('t') : others.expireByTag('t'));
        await clock.advance(5_000);
        const isKept = await fill.commit('too late', tagged);
        const found = await others.find('a');
        if (!known) expect(isKept).toBe(false);
        if (!isKept || change === 'delete') expect(found).toBeUndefined();
        else expect(found?.freshForMs).toBe(0);
      }
    }
  });

  it('that have changed before a value is loaded do no harm', async () => {
    for (const tags of [['t'], []]) {
      const { clock, entries, others } = open();
      await entries.expireByTag('t');
      await others.deleteByTag('t');
      if (tags.length === 0) await clock.advance(150);
      const fill = granted(await entries.begin('a', undefined, { ...shared, tags }));
      expect(await fill.commit('new', tagged)).toBe(true);
      expect(await others.find('a')).toMatchObject({ value: 'new', freshForMs: 60_000 });
    }
  });

  it('live as long as any entry that has them', async () => {
    const { clock, entries, others } = open();
    const long = { ttlMs: 10 * day, staleMs: 0, tags: ['t'] };
    await entries.keep('a', 1, long);
    for (let times = 0; times < 5; times += 1) {
      await clock.advance(7 * day);
      await (times % 2 ? others : entries).keep(`b${times}`, 2, long);
    }
    await clock.advance(10 * day - 1);
    expect(await entries.find('b4')).toMatchObject({ value: 2 });
    await clock.advance(1);
    expect(await entries.find('b4')).toBeUndefined();
  });

  it('may change many at once', async () => {
    const { entries, others } = open();
    await entries.keep('a', 1, tagged);
    await Promise.all(
      Array.from({ length: 30 }, (_, index) =>
        index % 3 === 0 ? others.deleteByTag('t') : (index % 2 ? entries : others).expireByTag('t'),
      ),
    );
    expect(await entries.find('a')).toBeUndefined();
    await Promise.all(
      Array.from({ length: 20 }, (_, index) => (index % 2 ? entries : others).keep(`${index}`, 1, tagged)),
    );
    for (let index = 0; index < 20; index += 1)
      expect(await entries.find(`${index}`)).toMatchObject({ freshForMs: 60_000 });
  });
});

describe('what is known of tags', () => {
  async function requests(store: MemoryCacheStore, act: () => Promise<unknown>): Promise<number> {
    const before = store.requests;
    await act();
    return store.requests - before;
  }

  it('is not asked for again as long as every change is heard of', async () => {
    const { store, entries, others } = setUp();
    await entries.keep('a', 1, tagged);
    await entries.find('a');
    expect(await requests(store, () => entries.find('a'))).toBe(1);
    await others.expireByTag('t');
    expect(await requests(store, () => entries.find('a'))).toBe(2);
    expect(await requests(store, () => entries.find('a'))).toBe(1);
    await entries.expireByTag('t');
    expect(await requests(store, () => entries.find('a'))).toBe(1);
    store.changes.loseTrack();
    expect(await requests(store, () => entries.find('a'))).toBe(2);
    entries.close();
  });

  it('is relied upon no longer than the bound after changes were last heard of', async () => {
    const { clock, store, entries, others } = setUp(1_000);
    await entries.keep('a', 1, tagged);
    await entries.find('a');
    store.changes.drop();
    await clock.advance(500);
    await others.deleteByTag('t');
    await clock.advance(500);
    expect(await entries.find('a')).toMatchObject({ value: 1 });
    await clock.advance(1);
    expect(await entries.find('a')).toBeUndefined();
    store.changes.resume();
    expect(await entries.find('a')).toBeUndefined();
  });

  it('is not what a read saw before a change that was heard of meanwhile', async () => {
    const clock = new VirtualClock();
    const store = new MemoryCacheStore({ clock, latencyMs: 10 });
    const remote = store.connect();
    const events = new Events<CacheEvents>();
    const open = (on: MemoryCacheStore) =>
      new StoredEntries<unknown>({ store: on, name: 'n', namespace: 'n', clock, events });
    const [entries, others] = [open(store), open(remote)];
    const run = async (act: Promise<unknown>): Promise<unknown> => {
      await clock.advance(100);
      return act;
    };
    await run(others.keep('a', 1, tagged));
    const finding = entries.find('a');
    await clock.advance(15);
    await run(others.deleteByTag('t'));
    await finding;
    expect(await run(entries.find('a'))).toBeUndefined();
  });

  it('makes a load too late whose tag this process has changed meanwhile', async () => {
    for (const change of ['deleteByTag', 'expireByTag'] as const) {
      const { entries } = setUp();
      const fill = granted(await entries.begin('a', undefined, { ...shared, tags: ['t'] }));
      await entries[change]('t');
      expect(await fill.commit('too late', tagged)).toBe(false);
      expect(await entries.find('a')).toBeUndefined();
    }
  });

  it('is bounded', async () => {
    const { entries } = setUp();
    for (let index = 0; index < 10_100; index += 1) await entries.deleteByTag(`${index}`);
    await entries.keep('a', 1, { ...tagged, tags: ['10099', '1'] });
    expect(await entries.find('a')).toMatchObject({ value: 1 });
  });
});
