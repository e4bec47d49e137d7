import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { SingleFlight } from './index.ts';

interface Work<Value> {
  readonly run: (signal: AbortSignal) => Promise<Value>;
  readonly signals: AbortSignal[];
  finish(value: Value): void;
  fail(error: unknown): void;
}

/** Work that ends when the test says so. */
function controlledWork<Value>(): Work<Value> {
  const signals: AbortSignal[] = [];
  const ends: { resolve(value: Value): void; reject(error: unknown): void }[] = [];
  return {
    signals,
    run: signal => {
      signals.push(signal);
      return new Promise((resolve, reject) => ends.push({ resolve, reject }));
    },
    finish: value => ends.shift()?.resolve(value),
    fail: error => ends.shift()?.reject(error),
  };
}

const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve));

describe('SingleFlight', () => {
  it('does the work once for a thousand callers', async () => {
    const flights = new SingleFlight<string, object>();
    const work = controlledWork<object>();
    const callers = Array.from({ length: 1_000 }, () => flights.run('key', work.run));
    expect(flights.has('key')).toBe(true);
    await turn();
    const value = {};
    work.finish(value);
    for (const result of await Promise.all(callers)) expect(result).toBe(value);
    expect(work.signals).toHaveLength(1);
    expect(flights.size).toBe(0);
  });

  it('works on different keys at the same time', async () => {
    const flights = new SingleFlight<string, string>();
    const results = await Promise.all(['a', 'b', 'a'].map(key => flights.run(key, async () => `value of ${key}`)));
    expect(results).toEqual(['value of a', 'value of b', 'value of a']);
  });

  it('shares a failure, and starts anew afterwards', async () => {
    const flights = new SingleFlight<string, number>();
    const work = controlledWork<number>();
    const callers = [1, 2, 3].map(() => flights.run('key', work.run));
    const settled = Promise.allSettled(callers);
    await turn();
    const failure = new TypeError('no');
    work.fail(failure);
    for (const result of await settled) expect(result).toEqual({ status: 'rejected', reason: failure });

    const again = flights.run('key', work.run);
    await turn();
    work.finish(2);
    await expect(again).resolves.toBe(2);
  });

  it('is over before its callers go on, so that the next call is new work', async () => {
    const flights = new SingleFlight<string, number>();
    let runs = 0;
    const work = async (): Promise<number> => {
      runs += 1;
      return runs;
    };
    const first = await flights.run('key', work);
    expect([first, await flights.run('key', work)]).toEqual([1, 2]);
  });

  it('makes a failure of work that throws before it waits', async () => {
    const flights = new SingleFlight<string, number>();
    const thrower = (): Promise<number> => {
      throw new TypeError('at once');
    };
    await expect(flights.run('key', thrower)).rejects.toThrow('at once');
    expect(flights.size).toBe(0);
  });

  it('lets one caller leave without stopping the others', async () => {
    const flights = new SingleFlight<string, number>();
    const work = controlledWork<number>();
    const [leaver, stayer] = [new AbortController(), new AbortController()];
    const left = flights.run('key', work.run, leaver.signal);
    const stayed = flights.run('key', work.run, stayer.signal);
    await turn();
    leaver.abort(new TypeError('left'));
    await expect(left).rejects.toThrow('left');
    expect(work.signals[0]?.aborted).toBe(false);
    work.finish(5);
    await expect(stayed).resolves.toBe(5);
    expect(getEventListeners(stayer.signal, 'abort')).toEqual([]);
  });

  it('aborts the work when every caller has left, and starts anew for the next', async () => {
    const flights = new SingleFlight<string, number>();
    const work = controlledWork<number>();
    const controllers = [new AbortController(), new AbortController()];
    const settled = Promise.allSettled(controllers.map(({ signal }) => flights.run('key', work.run, signal)));
    await turn();
    for (const controller of controllers) controller.abort(new TypeError('all left'));
    await settled;
    expect(work.signals[0]?.aborted).toBe(true);
    expect(work.signals[0]?.reason).toMatchObject({ message: 'all left' });
    expect(flights.has('key')).toBe(false);

    const next = flights.run('key', work.run);
    await turn();
    work.finish(1);
    work.finish(2);
    await expect(next).resolves.toBe(2);
    expect(work.signals).toHaveLength(2);
  });

  it('never aborts work that somebody without a signal waits for', async () => {
    const flights = new SingleFlight<string, number>();
    const work = controlledWork<number>();
    const leaver = new AbortController();
    const left = flights.run('key', work.run, leaver.signal);
    const stayed = flights.run('key', work.run);
    await turn();
    leaver.abort();
    await expect(left).rejects.toThrow();
    expect(work.signals[0]?.aborted).toBe(false);
    work.finish(3);
    await expect(stayed).resolves.toBe(3);
  });

  it('does not begin for a caller who has left already', async () => {
    const flights = new SingleFlight<string, number>();
    const work = controlledWork<number>();
    await expect(flights.run('key', work.run, AbortSignal.abort(new TypeError('gone')))).rejects.toThrow('gone');
    expect(work.signals).toEqual([]);
    expect(flights.size).toBe(0);
  });

  it('does not abort work that is done', async () => {
    const flights = new SingleFlight<string, number>();
    const controller = new AbortController();
    let given: AbortSignal | undefined;
    await flights.run(
      'key',
      async signal => {
        given = signal;
        return 1;
      },
      controller.signal,
    );
    controller.abort();
    expect(given?.aborted).toBe(false);
  });

  it('lets the work ask for other keys, and for its own only as long as it can give up', async () => {
    const flights = new SingleFlight<string, number>();
    const nested = flights.run('outer', async () => 1 + (await flights.run('inner', async () => 1)));
    await expect(nested).resolves.toBe(2);

    const controller = new AbortController();
    const circle: Promise<number> = flights.run('self', () => flights.run('self', async () => 1, controller.signal));
    await turn();
    controller.abort(new TypeError('no way out'));
    await expect(circle).rejects.toThrow('no way out');
  });

  it('forgets a key: who waits gets the old outcome, who comes later starts anew', async () => {
    const flights = new SingleFlight<string, string>();
    const work = controlledWork<string>();
    const early = flights.run('key', work.run);
    await turn();
    flights.forget('key');
    const late = flights.run('key', work.run);
    await turn();
    expect(work.signals.map(signal => flights.isCurrent('key', signal))).toEqual([false, true]);
    work.finish('old');
    work.finish('new');
    expect(await Promise.all([early, late])).toEqual(['old', 'new']);
  });

  it('still aborts forgotten work when every caller has left', async () => {
    const flights = new SingleFlight<string, string>();
    const work = controlledWork<string>();
    const controller = new AbortController();
    const left = flights.run('key', work.run, controller.signal);
    await turn();
    flights.forgetAll();
    controller.abort();
    await expect(left).rejects.toThrow();
    expect(work.signals[0]?.aborted).toBe(true);
  });
});
