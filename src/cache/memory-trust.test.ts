import { describe, expect, it } from 'vitest';
import { MemoryCacheStore, VirtualClock } from '../testing/index.ts';
import { MemoryTrust } from './memory-trust.ts';

function setUp(isHeard = true) {
  const clock = new VirtualClock();
  const { changes } = new MemoryCacheStore({ clock });
  const lost: number[] = [];
  const trust = new MemoryTrust({
    changes: isHeard ? changes : undefined,
    maxStalenessMs: 1_000,
    memoryTtlMs: 300_000,
    clock,
    onLost: () => lost.push(clock.monotonic()),
  });
  /** As a read does it. */
  const read = (): void => {
    const nowMs = clock.monotonic();
    if (nowMs >= trust.checkAtMs) trust.check(nowMs);
  };
  return { clock, changes, trust, lost, read };
}

describe('MemoryTrust', () => {
  it('trusts for long what the store has too, while changes are heard of', async () => {
    const { clock, trust, lost, read } = setUp();
    expect([trust.freshForMs(0, true), trust.freshForMs(0, false)]).toEqual([300_000, 1_000]);
    for (let second = 0; second < 100; second += 1) {
      await clock.advance(900);
      read();
    }
    expect(lost).toEqual([]);
  });

  it('counts what nobody is told of from the moment at which it was asked for', async () => {
    const { clock, trust } = setUp();
    await clock.advance(700);
    expect([trust.freshForMs(0, false), trust.freshForMs(700, false)]).toEqual([300, 1_000]);
    await clock.advance(700);
    expect(trust.freshForMs(0, false)).toBe(0);
  });

  it('gives everything up once the bound has passed without a sign, and no sooner', async () => {
    const { clock, changes, trust, lost, read } = setUp();
    trust.check(0);
    await clock.advance(500);
    changes.drop();
    await clock.advance(999);
    read();
    expect([lost, trust.freshForMs(1_499, true)]).toEqual([[], 300_000]);
    await clock.advance(1);
    read();
    expect([lost, trust.freshForMs(1_500, true)]).toEqual([[1_500], 1_000]);
    await clock.advance(10_000);
    read();
    expect(lost).toEqual([1_500]);
    changes.resume();
    await clock.advance(25);
    read();
    expect(trust.freshForMs(clock.monotonic(), true)).toBe(300_000);
  });

  it('looks at most once in 25 ms while nothing is heard', async () => {
    const { clock, changes, trust } = setUp();
    changes.coverage = 'none';
    trust.check(0);
    expect(trust.checkAtMs).toBe(25);
    await clock.advance(25);
    trust.check(25);
    expect(trust.checkAtMs).toBe(50);
  });

  it('trusts for the bound only where nothing can be heard', () => {
    const { trust, lost } = setUp(false);
    expect([trust.freshForMs(0, true), trust.checkAtMs, lost]).toEqual([1_000, Number.POSITIVE_INFINITY, []]);
  });
});
