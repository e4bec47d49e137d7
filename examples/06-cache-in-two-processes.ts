/**
 * Two processes with memory of their own in front of a store that they share, on virtual time: one loader for both, changes
 * that are heard of, an outage of the store, and what is never served. The store is one of `plinth/testing`; give
 * `HybridCache` a `redis` instead of a `store`, and nothing else changes.
 *
 * Run: node --conditions=plinth-source --import tsx examples/06-cache-in-two-processes.ts
 */
import { HybridCache } from 'plinth/cache';
import { NetworkError } from 'plinth/errors';
import { MemoryCacheStore, VirtualClock } from 'plinth/testing';

const print = (text: string): void => void process.stdout.write(`${text}\n`);
const clock = new VirtualClock();
const store = new MemoryCacheStore({ clock });
const numbers = { namespace: 'users', ttlMs: 60_000, staleMs: 600_000, lease: true, clock } as const;
const here = new HybridCache<string>({ ...numbers, name: 'here', store });
const there = new HybridCache<string>({ ...numbers, name: 'there', store: store.connect() });

// One loader, however many ask, in whichever process.
let asked = 0;
const loadUser = async (): Promise<string> => {
  asked += 1;
  await clock.sleep(50);
  return 'Ann';
};
const answers = [here, there].flatMap(cache => Array.from({ length: 500 }, () => cache.getOrSet('7', loadUser)));
await clock.advance(200);
print(`${new Set(await Promise.all(answers)).size} answer for ${answers.length} callers, ${asked} call to the source`);

// What one process changes, the other hears of; so does it of anybody else who changes the store.
await there.set('7', 'Ann Example', { tags: ['team:3'] });
print(`here: ${await here.get('7')}`);
await store.delete(['cache:users:7']);
print(`after a delete by another program: ${await there.get('7')}`);

// The store is away: memory goes on, for a second at most, and says so.
await here.set('8', 'Bob', { tags: ['team:3'] });
store.health = 'refusing';
store.changes.drop();
await here.set('8', 'Bob Example');
print(`away: ${await here.get('8')}, degraded: ${here.degraded}`);
await clock.advance(1_001);
print(`a second later: ${await here.get('8')}`);
const { value, state } = await here.load('8', () => Promise.reject(new NetworkError('The source is away, too')));
print(`and when the source is away, too: ${value}, ${state}`);

// It is back, and has been told: nobody reads what was replaced meanwhile.
store.health = 'there';
store.changes.resume();
await clock.advance(1_000);
print(`back: ${await there.get('8')} there, degraded: ${here.degraded}`);
