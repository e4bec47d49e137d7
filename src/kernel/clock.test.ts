import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from './index.ts';

describe('systemClock', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('reads the wall clock and a clock that only goes forward', () => {
    vi.setSystemTime(1_000);
    const beforeMs = systemClock.monotonic();
    expect(systemClock.now()).toBe(1_000);
    vi.advanceTimersByTime(250);
    expect(systemClock.monotonic() - beforeMs).toBeCloseTo(250);
  });

  it.each([2 ** 31, 2 ** 31 + 5, 3 * 2 ** 31 + 7])(
    'waits %d ms, which the platform cannot do in one piece',
    delayMs => {
      let fired = 0;
      systemClock.setTimer(delayMs, () => {
        fired += 1;
      });
      vi.advanceTimersByTime(delayMs - 1);
      expect(fired).toBe(0);
      vi.advanceTimersByTime(1);
      expect(fired).toBe(1);
      expect(vi.getTimerCount()).toBe(0);
    },
  );

  it('takes a long timer back in any of its pieces', () => {
    let fired = 0;
    const timer = systemClock.setTimer(2 ** 33, () => {
      fired += 1;
    });
    vi.advanceTimersByTime(2 ** 32);
    timer.cancel();
    timer.cancel();
    vi.advanceTimersByTime(2 ** 34);
    expect(fired).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('fires at once for a delay of the past', () => {
    let fired = 0;
    systemClock.setTimer(-5, () => {
      fired += 1;
    });
    vi.advanceTimersByTime(1);
    expect(fired).toBe(1);
  });

  it('repeats until it is cancelled', () => {
    let fired = 0;
    const timer = systemClock.setRepeatingTimer(100, () => {
      fired += 1;
    });
    vi.advanceTimersByTime(350);
    timer.cancel();
    vi.advanceTimersByTime(1_000);
    expect(fired).toBe(3);
  });

  it('sleeps, and wakes with the reason of the signal', async () => {
    const slept = systemClock.sleep(100);
    vi.advanceTimersByTime(100);
    await expect(slept).resolves.toBeUndefined();

    const controller = new AbortController();
    const sleeping = systemClock.sleep(100, controller.signal);
    controller.abort(new TypeError('wake up'));
    await expect(sleeping).rejects.toThrow('wake up');
    expect(vi.getTimerCount()).toBe(0);

    await expect(systemClock.sleep(100, controller.signal)).rejects.toThrow('wake up');
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('systemClock timers', () => {
  it('keep the process alive only when they are told to', () => {
    const handles = (): readonly string[] => process.getActiveResourcesInfo().filter(name => name === 'Timeout');
    const before = handles().length;
    const idle = systemClock.setTimer(60_000, () => {});
    const repeating = systemClock.setRepeatingTimer(60_000, () => {});
    expect(handles()).toHaveLength(before);
    const busy = systemClock.setTimer(60_000, () => {}, { keepsProcessAlive: true });
    expect(handles()).toHaveLength(before + 1);
    for (const timer of [idle, repeating, busy]) timer.cancel();
    expect(handles()).toHaveLength(before);
  });
});
