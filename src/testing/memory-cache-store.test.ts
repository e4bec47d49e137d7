import { describe, expect, it } from 'vitest';
import { MemoryCacheStore, VirtualClock } from './index.ts';

/** Two processes on one store, and what the first one hears. */
function setUp() {
  const clock = new VirtualClock();
  const store = new MemoryCacheStore({ clock });
  const other = store.connect();
  const heard: string[] = [];
  const listener = { changed: (key: string) => heard.push(key), allChanged: () => heard.push('everything') };
  const stop = store.changes.listen('a:', listener);
  return { clock, store, other, heard, stop };
}

describe('MemoryCacheStore', () => {
  it('tells a process of the changes of others, not of its own', async () => {
    const { store, other, heard, stop } = setUp();
    await store.write('a:1', 'mine', 1_000);
    expect(heard).toEqual([]);
    await other.write('a:2', 'x', 1_000);
    await other.write('b:1', 'x', 1_000);
    await other.replace('a:2', 'x', 'y', 1_000);
    await other.replace('a:2', 'z', 'y', 1_000);
    await other.increment('a:3', 1, 1_000, 1_000);
    await other.delete(['a:1', 'a:none']);
    expect(heard).toEqual(['a:2', 'a:2', 'a:3', 'a:1']);
    stop();
    await other.write('a:2', 'x', 1_000);
    expect(heard).toHaveLength(4);
  });

  it('tells everybody what has expired', async () => {
    const { clock, store, heard } = setUp();
    await store.write('a:1', 'x', 1_000);
    await clock.advance(1_000);
    expect([store.size, heard]).toEqual([0, ['a:1']]);
  });

  it('tells late when it is told to, and is sure of less', async () => {
    const { clock, store, other, heard } = setUp();
    await clock.advance(500);
    store.changes.delayMs = 200;
    await other.write('a:1', 'x', 1_000);
    expect([heard, store.changes.heardUntilMs]).toEqual([[], 300]);
    await clock.advance(200);
    expect(heard).toEqual(['a:1']);
  });

  it('loses changes, and says so when it hears again', async () => {
    const { clock, store, other, heard } = setUp();
    store.changes.drop();
    await clock.advance(500);
    await other.write('a:1', 'x', 1_000);
    expect([heard, store.changes.heardUntilMs, store.changes.generation]).toEqual([[], 0, 0]);
    store.changes.resume();
    expect([heard, store.changes.heardUntilMs, store.changes.generation]).toEqual([['everything'], 500, 1]);
  });

  it('hears of announcements alone, or of nothing', async () => {
    const { store, other, heard } = setUp();
    store.changes.coverage = 'announcements';
    other.changes.coverage = 'announcements';
    await other.write('a:1', 'x', 1_000);
    other.changes.announce(['a:1', 'b:1']);
    expect(heard).toEqual(['everything', 'a:1']);
    store.changes.coverage = 'none';
    other.changes.announce(['a:1']);
    expect([heard.length, store.changes.heardUntilMs]).toEqual([3, Number.NEGATIVE_INFINITY]);
  });

  it('forgets everything at once, and everybody hears of it', async () => {
    const { store, other, heard } = setUp();
    await other.write('b:1', 'x', 1_000);
    other.flush();
    expect([store.size, heard]).toEqual([0, ['everything']]);
  });

  it.each([
    ['refusing', 'NETWORK_ERROR', 0, undefined],
    ['hanging', 'TIMEOUT', 100, undefined],
    ['unanswered', 'TIMEOUT', 100, 'x'],
  ] as const)('can be %s', async (health, code, tookMs, kept) => {
    const { clock, store, other } = setUp();
    store.health = health;
    const writing = store
      .write('a:1', 'x', 1_000)
      .catch((error: { code: string }) => `${error.code} ${clock.now() - start}`);
    const start = clock.now();
    await clock.advance(1_000 - 1);
    expect(await writing).toBe(`${code} ${tookMs}`);
    expect((await other.read(['a:1']))[0]?.toString()).toBe(kept);
    store.health = 'there';
    expect(await store.delete(['a:1'])).toBe(kept === undefined ? 0 : 1);
  });

  it('answers after its latency', async () => {
    const clock = new VirtualClock();
    const store = new MemoryCacheStore({ clock, latencyMs: 5 });
    let answered = false;
    void store.write('a', 'x', 1_000).then(() => {
      answered = true;
    });
    await clock.advance(4);
    expect(answered).toBe(false);
    await clock.advance(1);
    expect([answered, store.requests]).toEqual([true, 1]);
  });
});
