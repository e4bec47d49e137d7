import { getEventListeners, setMaxListeners } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TimeoutError } from '../errors/index.ts';
import { VirtualClock } from '../testing/index.ts';
import { type TimedCall, Timeout } from './index.ts';

const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve));

describe('Timeout', () => {
  const unhandled: unknown[] = [];
  const onUnhandled = (error: unknown): number => unhandled.push(error);
  beforeEach(() => void process.on('unhandledRejection', onUnhandled));
  afterEach(async () => {
    await turn();
    process.off('unhandledRejection', onUnhandled);
    expect(unhandled).toEqual([]);
  });

  it('gives the value of work that is in time', async () => {
    const clock = new VirtualClock();
    const result = new Timeout({ timeoutMs: 100, clock }).execute(async ({ signal }) => {
      await clock.sleep(99, signal);
      return 'in time';
    });
    await clock.advance(99);
    await expect(result).resolves.toBe('in time');
    expect(clock.pendingTimers).toBe(0);
  });

  it('gives up on time on work that listens to its signal, and tells it why', async () => {
    const clock = new VirtualClock();
    let reason: unknown;
    const result = new Timeout({ timeoutMs: 100, clock }).execute(async ({ signal }) => {
      await clock.sleep(1_000, signal).catch(error => {
        reason = error;
        throw error;
      });
    });
    const failed = expect(result).rejects.toMatchObject({ name: 'TimeoutError', code: 'TIMEOUT', timeoutMs: 100 });
    await clock.advance(100);
    await failed;
    expect(reason).toBeInstanceOf(TimeoutError);
    expect(clock.pendingTimers).toBe(0);
  });

  it.each(['succeeds', 'fails', 'hangs'])(
    'gives up on time on work that ignores its signal and %s later',
    async how => {
      const clock = new VirtualClock();
      const result = new Timeout({ timeoutMs: 100, clock }).execute(
        () =>
          new Promise((resolve, reject) => {
            if (how === 'succeeds') clock.setTimer(500, () => resolve('late'));
            if (how === 'fails') clock.setTimer(500, () => reject(new TypeError('late')));
          }),
      );
      const failed = expect(result).rejects.toThrow(TimeoutError);
      await clock.advance(100);
      await failed;
      await clock.advance(1_000);
      expect(clock.pendingTimers).toBe(0);
    },
  );

  it('passes on what the work throws, at once or later', async () => {
    const clock = new VirtualClock();
    const timeout = new Timeout({ timeoutMs: 100, clock });
    const thrower = (): Promise<never> => {
      throw new TypeError('at once');
    };
    await expect(timeout.execute(thrower)).rejects.toThrow('at once');
    await expect(timeout.execute(async () => Promise.reject(new TypeError('later')))).rejects.toThrow('later');
    await clock.advance(0);
    expect(clock.pendingTimers).toBe(0);
  });

  it('ends with the reason of the caller who leaves, and does not begin for one who has left', async () => {
    const clock = new VirtualClock();
    const timeout = new Timeout({ timeoutMs: 100, clock });
    const controller = new AbortController();
    let given: AbortSignal | undefined;
    const result = timeout.execute(
      call => {
        given = call.signal;
        return new Promise(() => {});
      },
      { signal: controller.signal },
    );
    const failed = expect(result).rejects.toThrow('left');
    await turn();
    controller.abort(new TypeError('left'));
    await failed;
    expect(given?.reason).toMatchObject({ message: 'left' });

    let began = false;
    const never = timeout.execute(
      async () => {
        began = true;
      },
      { signal: controller.signal },
    );
    await expect(never).rejects.toThrow('left');
    await clock.advance(0);
    expect([began, clock.pendingTimers]).toEqual([false, 0]);
  });

  it('makes no signal for work that does not ask, and an aborted one for work that asks too late', async () => {
    const clock = new VirtualClock();
    let kept: TimedCall | undefined;
    const result = new Timeout({ timeoutMs: 100, clock }).execute(call => {
      kept = call;
      return new Promise(() => {});
    });
    const failed = expect(result).rejects.toThrow(TimeoutError);
    await clock.advance(100);
    await failed;
    expect(kept?.signal.aborted).toBe(true);
    expect(kept?.signal.reason).toBeInstanceOf(TimeoutError);
  });

  it('waits for cooperative work that was told to stop, and takes what it brings', async () => {
    const clock = new VirtualClock();
    const timeout = new Timeout({ timeoutMs: 100, clock, strategy: 'cooperative' });
    const work = async ({ signal }: TimedCall): Promise<string> => {
      await clock.sleep(500, signal).catch(() => clock.sleep(50));
      return 'saved';
    };
    let settled = false;
    const result = timeout.execute(work).finally(() => {
      settled = true;
    });
    await clock.advance(149);
    expect(settled).toBe(false);
    await clock.advance(1);
    await expect(result).resolves.toBe('saved');
    const failing = timeout.execute(({ signal }) => clock.sleep(500, signal));
    const failed = expect(failing).rejects.toThrow(TimeoutError);
    await clock.advance(100);
    await failed;
    expect(clock.pendingTimers).toBe(0);
  });

  it('changes its limit for calls that begin afterwards', async () => {
    const clock = new VirtualClock();
    const timeout = new Timeout({ timeoutMs: 100, clock });
    const hang = (): Promise<never> => new Promise(() => {});
    const before = timeout.execute(hang);
    timeout.reconfigure({ timeoutMs: 20 });
    expect(() => timeout.reconfigure({ timeoutMs: Number.NaN })).toThrow('timeoutMs');
    const settled = Promise.allSettled([before, timeout.execute(hang)]);
    await clock.advance(100);
    expect(await settled).toMatchObject([{ reason: { timeoutMs: 100 } }, { reason: { timeoutMs: 20 } }]);
    expect(timeout.settings).toEqual({ timeoutMs: 20 });
  });

  it('takes a shorter limit for one call, never a longer one', async () => {
    const clock = new VirtualClock();
    const timeout = new Timeout({ timeoutMs: 100, clock });
    const hang = (): Promise<never> => new Promise(() => {});
    const settled = Promise.allSettled([
      timeout.execute(hang, { timeoutMs: 40 }),
      timeout.execute(hang, { timeoutMs: 400 }),
    ]);
    await clock.advance(100);
    expect(await settled).toMatchObject([{ reason: { timeoutMs: 40 } }, { reason: { timeoutMs: 100 } }]);
  });

  it('leaves no timer and no listener behind after 10,000 calls of every outcome', async () => {
    const clock = new VirtualClock();
    const timeout = new Timeout({ timeoutMs: 100, clock });
    const { signal } = new AbortController();
    const leaver = new AbortController();
    setMaxListeners(0, signal, leaver.signal);
    const works: readonly (() => Promise<unknown>)[] = [
      async () => 'value',
      () => Promise.reject(new TypeError('failed')),
      () => new Promise(() => {}),
    ];
    const calls = Array.from({ length: 10_000 }, (_, index) =>
      timeout.execute(works[index % 3] ?? turn, { signal: index % 2 === 0 ? signal : leaver.signal }),
    );
    const settled = Promise.allSettled(calls);
    await turn();
    leaver.abort();
    await clock.advance(100);
    await settled;
    expect(clock.pendingTimers).toBe(0);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    expect(getEventListeners(leaver.signal, 'abort')).toEqual([]);
  });

  it('protects a function and passes its arguments', async () => {
    const add = new Timeout({ timeoutMs: 100, clock: new VirtualClock() }).protect(
      async (a: number, b: number) => a + b,
    );
    await expect(add(2, 3)).resolves.toBe(5);
  });

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])('refuses timeoutMs %d, with its name and value', timeoutMs => {
    expect(() => new Timeout({ timeoutMs })).toThrow(
      expect.objectContaining({ argument: 'timeoutMs', message: expect.stringContaining(`got ${timeoutMs}`) }),
    );
  });
});
