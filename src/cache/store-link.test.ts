import { describe, expect, it } from 'vitest';
import { ArgumentError, CacheError, NetworkError } from '../errors/index.ts';
import { Events } from '../kernel/index.ts';
import { MemoryCacheStore, VirtualClock } from '../testing/index.ts';
import type { CacheEvents } from './events.ts';
import { OwnChanges } from './own-changes.ts';
import { StoreLink } from './store-link.ts';
import { StoredEntries } from './stored-entries.ts';

function setUp(strict = false) {
  const clock = new VirtualClock();
  const store = new MemoryCacheStore({ clock });
  const events = new Events<CacheEvents>();
  const told: string[] = [];
  events.on('degraded', () => told.push('degraded'));
  events.on('recovered', ({ awayMs }) => told.push(`recovered after ${awayMs}`));
  const entries = new StoredEntries<string>({ store, name: 'n', namespace: 'n', clock, events });
  const forgotten: string[] = [];
  const own = new OwnChanges<string>(entries, {
    changed: key => forgotten.push(key),
    changedMatching: pattern => forgotten.push(pattern ?? 'all'),
    changedTag: (tag, change) => forgotten.push(`${tag} ${change}`),
  });
  const link = new StoreLink<string>({ name: 'n', entries, own, strict, clock, events });
  return { clock, store, entries, link, told, forgotten };
}

const away = new NetworkError('away');

describe('StoreLink', () => {
  it('is away from the first failure on, and back when the store has answered', async () => {
    const { clock, link, told } = setUp();
    expect([link.isAway, link.error]).toEqual([false, undefined]);
    link.answered();
    link.failed(away);
    link.failed(new NetworkError('still'));
    expect([link.isAway, (link.error as Error).message]).toEqual([true, 'still']);
    await clock.advance(40);
    link.answered();
    await clock.advance(0);
    expect([link.isAway, link.error, told]).toEqual([false, undefined, ['degraded', 'recovered after 40']]);
  });

  it("does not take the caller's errors for an outage", () => {
    const { link } = setUp();
    const wrong = new ArgumentError('wrong', 'key');
    expect(() => link.failed(wrong)).toThrow(wrong);
    expect(() => link.failed(new CacheError('no sum'))).toThrow('no sum');
    expect(link.isAway).toBe(false);
  });

  it('tells the store what it has missed before it counts as back, and has memory forget that', async () => {
    const { clock, store, entries, link, told, forgotten } = setUp();
    await entries.keep('k', 'old', { ttlMs: 60_000, staleMs: 0 });
    store.health = 'refusing';
    link.missed.add('k');
    link.missed.addTag('t', 'expired');
    link.failed(away);
    link.owe();
    await clock.advance(1_000);
    expect([link.isAway, forgotten]).toEqual([true, []]);
    const asked = store.requests;
    await clock.advance(1_000);
    // Once in 250 ms, whoever asks besides.
    expect(store.requests - asked).toBe(4);
    store.health = 'there';
    await clock.advance(250);
    expect([link.isAway, link.missed.isEmpty, forgotten]).toEqual([false, true, ['t expired', 'k']]);
    expect([await entries.find('k'), told.length, clock.pendingTimers]).toEqual([undefined, 2, 0]);
  });

  it('tells at once when the store answers, and only once at a time', async () => {
    const { clock, store, link } = setUp();
    link.missed.add('k');
    link.failed(away);
    link.owe();
    link.answered();
    link.answered();
    void link.tell();
    await clock.advance(0);
    expect([link.isAway, store.requests, clock.pendingTimers]).toEqual([false, 1, 0]);
  });

  it('raises errors in strict mode', () => {
    const { link } = setUp(true);
    expect(() => link.failed(away)).toThrow(CacheError);
    expect(() => link.skipped()).toThrow('The store of the cache "n" is away');
    expect(link.isAway).toBe(true);
  });

  it('tells nothing any more when it was closed', async () => {
    const { clock, store, link } = setUp();
    link.missed.add('k');
    link.owe();
    link.close();
    link.owe();
    await link.tell();
    await clock.advance(1_000);
    expect([store.requests, clock.pendingTimers]).toEqual([0, 0]);
  });
});
