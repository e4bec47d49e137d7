import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../testing/index.ts';
import { KeyWaiters } from './key-waiters.ts';

function setUp() {
  const clock = new VirtualClock();
  const waiters = new KeyWaiters(clock);
  const woken: string[] = [];
  const wait = (name: string, key: string, longestMs: number, signal = new AbortController().signal): void => {
    void waiters.wait(key, longestMs, signal).then(() => woken.push(name));
  };
  return { clock, waiters, woken, wait };
}

describe('KeyWaiters', () => {
  it('wakes those who wait for a key, once, and nobody else', async () => {
    const { clock, waiters, woken, wait } = setUp();
    wait('one', 'k', 100);
    wait('two', 'k', 100);
    wait('other', 'l', 100);
    waiters.wake('k');
    waiters.wake('k');
    waiters.wake('nobody');
    await clock.advance(0);
    expect([woken, clock.pendingTimers]).toEqual([['one', 'two'], 1]);
  });

  it('wakes all when every key may have changed', async () => {
    const { clock, waiters, woken, wait } = setUp();
    wait('one', 'k', 100);
    wait('two', 'l', 100);
    waiters.wakeAll();
    await clock.advance(0);
    expect([woken, clock.pendingTimers]).toEqual([['one', 'two'], 0]);
  });

  it('wakes by itself when the time is up, and at once when the signal is aborted', async () => {
    const { clock, woken, wait } = setUp();
    const leaving = new AbortController();
    wait('patient', 'k', 100);
    wait('leaving', 'k', 1_000, leaving.signal);
    await clock.advance(99);
    expect(woken).toEqual([]);
    await clock.advance(1);
    leaving.abort();
    await clock.advance(0);
    expect([woken, clock.pendingTimers]).toEqual([['patient', 'leaving'], 0]);
  });

  it('lets somebody wait again from within', async () => {
    const { clock, waiters, woken, wait } = setUp();
    void waiters.wait('k', 100, new AbortController().signal).then(() => wait('again', 'k', 100));
    waiters.wake('k');
    await clock.advance(0);
    expect(woken).toEqual([]);
    waiters.wake('k');
    await clock.advance(0);
    expect(woken).toEqual(['again']);
  });
});
