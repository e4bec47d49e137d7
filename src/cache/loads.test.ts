import { describe, expect, it } from 'vitest';
import { NetworkError, NotFoundError, TimeoutError, UpstreamError } from '../errors/index.ts';
import { Events } from '../kernel/index.ts';
import { VirtualClock } from '../testing/index.ts';
import type { LoadRules, OlderValue } from './entry-options.ts';
import type { CacheEvents } from './events.ts';
import { type Flight, Loads } from './loads.ts';
import { controlledLoader, turns } from './processes.fixture.ts';

/** Loads of a cache that keeps nothing, and what they tell. */
function setUp(rules: LoadRules = {}, older?: OlderValue<string>) {
  const clock = new VirtualClock();
  const events = new Events<CacheEvents>();
  const told: string[] = [];
  const flights: Flight<string>[] = [];
  const loads = new Loads<string>({
    name: 'n',
    clock,
    events,
    rules,
    tally: {
      joined: key => told.push(`joined ${key}`),
      loaded: key => told.push(`loaded ${key}`),
      loadFailed: key => told.push(`failed ${key}`),
      stale: key => told.push(`stale ${key}`),
    },
    standIn: () => older,
    async fill(flight) {
      flights.push(flight);
      flight.hasLooked();
      const { value } = await flight.load();
      return { value, state: 'loaded', ageMs: 0 };
    },
  });
  return { clock, events, loads, told, flights };
}

const older: OlderValue<string> = { value: 'older', ageMs: 5 };

describe('Loads', () => {
  it('joins callers of one key, gives them one promise, and begins anew when it has ended', async () => {
    const { loads, told } = setUp();
    const loader = controlledLoader();
    const one = loads.value('k', loader.load, {});
    expect(loads.value('k', loader.load, {})).toBe(one);
    const other = loads.value('l', loader.load, {});
    expect([loads.has('k'), loads.has('x')]).toEqual([true, false]);
    await turns();
    loader.finish('of k');
    loader.finish('of l');
    expect(await Promise.all([one, other])).toEqual(['of k', 'of l']);
    expect([loads.has('k'), told]).toEqual([false, ['joined k', 'loaded k', 'loaded l']]);
    const next = loads.loaded('k', async () => 'again', {});
    expect(await next).toEqual({ value: 'again', state: 'loaded', ageMs: 0 });
  });

  it('does not let a caller join what was forgotten, and gives it to those who had joined', async () => {
    const { loads, flights } = setUp();
    const loader = controlledLoader();
    const before = loads.value('k', loader.load, {});
    await turns();
    loads.forget('k');
    const after = loads.value('k', loader.load, {});
    await turns();
    expect([loads.isCurrent(flights[0] as Flight<string>), loads.isCurrent(flights[1] as Flight<string>)]).toEqual([
      false,
      true,
    ]);
    loader.finish('before');
    await before;
    // The end of the one is not the end of the other.
    expect(loads.has('k')).toBe(true);
    loader.finish('after');
    expect([await before, await after]).toEqual(['before', 'after']);
  });

  it('outdates only loads that have come to their loaders', async () => {
    const { loads } = setUp();
    const loader = controlledLoader();
    void loads.value('loading', loader.load, {});
    void loads.value('also', loader.load, {});
    await turns();
    loads.outdate('loading');
    expect([loads.has('loading'), loads.has('also')]).toEqual([false, true]);
    const waiting = new Loads<string>({ ...hostThatWaits(), standIn: () => undefined });
    void waiting.value('k', loader.load, {});
    waiting.outdate('k');
    waiting.outdate();
    expect(waiting.has('k')).toBe(true);
    waiting.forgetAll();
    loads.outdate();
    expect([waiting.has('k'), loads.has('also')]).toEqual([false, false]);
  });

  it('lets what was found elsewhere stand in for as long as it may, and not after a change', async () => {
    const { clock, loads, flights } = setUp();
    const loader = controlledLoader();
    loads.value('k', loader.load, {}).catch(() => undefined);
    await turns();
    const [flight] = flights as [Flight<string>];
    flight.foundOlder('found', 10, 1_000);
    await clock.advance(500);
    expect(flight.standIn()).toEqual({ value: 'found', ageMs: 510 });
    await clock.advance(500);
    expect(flight.standIn()).toBeUndefined();
    flight.foundOlder('found', 10, 1_000);
    loads.lookAgain('other');
    expect([flight.standIn()?.value, flight.mustLookAgain]).toEqual(['found', false]);
    loads.lookAgain();
    expect([flight.standIn(), flight.mustLookAgain]).toEqual([undefined, true]);
  });

  it('aborts the loader when the last of those who can leave has left', async () => {
    const { loads } = setUp();
    const loader = controlledLoader();
    const [a, b] = [new AbortController(), new AbortController()];
    const waits = [a, b].map(({ signal }) => loads.loaded('k', loader.load, { signal }));
    for (const wait of waits) wait.catch(() => undefined);
    await turns();
    a.abort(new TypeError('a left'));
    await expect(waits[0]).rejects.toThrow('a left');
    expect(loader.runs[0]?.signal.aborted).toBe(false);
    b.abort(new TypeError('b left'));
    await expect(waits[1]).rejects.toThrow('b left');
    expect([loader.runs[0]?.signal.aborted, loads.has('k')]).toEqual([true, false]);
    const gone = loads.loaded('k', loader.load, { signal: a.signal });
    await expect(gone).rejects.toThrow('a left');
    expect(loader.runs).toHaveLength(1);
  });

  it('goes on when one stays who cannot leave', async () => {
    const { loads } = setUp();
    const loader = controlledLoader();
    const leaving = new AbortController();
    const left = loads.loaded('k', loader.load, { signal: leaving.signal });
    left.catch(() => undefined);
    const stays = loads.value('k', loader.load, {});
    leaving.abort(new TypeError('left'));
    await turns();
    expect(loader.runs[0]?.signal.aborted).toBe(false);
    loader.finish('v');
    expect(await stays).toBe('v');
  });

  it.each<[string, unknown, boolean]>([
    ['an outage', new NetworkError('away'), true],
    ['a status of the server that may pass', new UpstreamError('down', 503), true],
    ['a bug of the loader', new TypeError('bug'), true],
    ['what is not there', new NotFoundError('k', 'thing'), false],
    ['what the server does not accept', new UpstreamError('wrong', 404), false],
  ])('covers %s with an older value, or does not', async (_what, error, isCovered) => {
    const { loads, events } = setUp({}, older);
    const failures: unknown[] = [];
    events.on('load-failed', ({ covered }) => failures.push(covered));
    const outcome = await loads.loaded('k', () => Promise.reject(error), {}).catch((reason: unknown) => reason);
    if (isCovered) expect(outcome).toEqual({ ...older, state: 'stale', error });
    else expect(outcome).toBe(error);
    expect(failures).toEqual([isCovered]);
  });

  it('waits no longer than it was told to, for a load or for all', async () => {
    const { clock, loads, told } = setUp({ softTimeoutMs: 50, hardTimeoutMs: 200 }, older);
    const loader = controlledLoader();
    const soft = loads.loaded('k', loader.load, {});
    await clock.advance(50);
    expect(await soft).toEqual({ ...older, state: 'stale' });
    const own = loads.loaded('k', loader.load, { softTimeoutMs: 100 });
    await clock.advance(99);
    expect(told.filter(text => text === 'stale k')).toHaveLength(1);
    await clock.advance(1);
    expect(await own).toMatchObject({ state: 'stale' });
    await clock.advance(50);
    expect([loader.runs[0]?.signal.reason, loads.has('k')]).toEqual([expect.any(TimeoutError), false]);
    expect(clock.pendingTimers).toBe(0);
  });

  it('refreshes for nobody, once at a time, and lets nothing out when it fails', async () => {
    const { loads, told } = setUp();
    const loader = controlledLoader();
    loads.refresh('k', loader.load, {});
    loads.refresh('k', loader.load, { signal: AbortSignal.abort() });
    await turns();
    expect([loader.runs.length, loads.has('k')]).toEqual([1, true]);
    loader.fail(new TypeError('failed'));
    await turns();
    expect([told, loads.has('k')]).toEqual([['failed k'], false]);
  });
});

/** A cache that never comes to load. */
function hostThatWaits() {
  const nothing = (): void => {};
  return {
    name: 'n',
    clock: new VirtualClock(),
    events: new Events<CacheEvents>(),
    rules: {},
    tally: { joined: nothing, loaded: nothing, loadFailed: nothing, stale: nothing },
    fill: () => new Promise<never>(() => {}),
  };
}
