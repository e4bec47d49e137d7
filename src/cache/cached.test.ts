import { describe, expect, it } from 'vitest';
import { clearRequestContext, getRequestContext, runWithRequestContext } from '../context/index.ts';
import { NetworkError } from '../errors/index.ts';
import { VirtualClock } from '../testing/index.ts';
import { runWithCache } from './ambient-cache.ts';
import { cached } from './cached.ts';
import type { LoadContext } from './entry-options.ts';
import { MemoryCache } from './memory-cache.ts';

/** A function that counts its calls by their arguments. */
function counting(): { calls: unknown[][]; load: (...args: unknown[]) => Promise<string> } {
  const calls: unknown[][] = [];
  return {
    calls,
    async load(...args) {
      calls.push(args);
      return `${calls.length}: ${args.map(String).join(' ')}`;
    },
  };
}

describe('cached', () => {
  it('runs the function once for the same arguments', async () => {
    const { calls, load } = counting();
    const memo = cached(load);
    expect(await memo('a')).toBe('1: a');
    expect(await memo('a')).toBe('1: a');
    expect(await memo('b')).toBe('2: b');
    expect(await memo({ page: 1, city: 'Bern' }, true)).toBe(await memo({ city: 'Bern', page: 1 }, true));
    expect(calls).toHaveLength(3);
  });

  it('runs the function once for a thousand callers at the same time', async () => {
    const { calls, load } = counting();
    const memo = cached(load);
    const values = await Promise.all(Array.from({ length: 1_000 }, () => memo('a')));
    expect(new Set(values).size).toBe(1);
    expect(calls).toHaveLength(1);
  });

  it('never takes one argument for another', async () => {
    const { calls, load } = counting();
    const memo = cached(load);
    const all: unknown[][] = [['1'], [1], ['~1'], ['~"1"'], [1n], ['1', '2'], ['1,2'], [''], [['1']], [null], []];
    const values = await Promise.all(all.map(args => memo(...args)));
    expect(new Set(values).size).toBe(all.length);
    expect(await Promise.all(all.map(args => memo(...args)))).toEqual(values);
    expect(calls).toHaveLength(all.length);
  });

  it('takes an argument that is left out at the end for undefined', async () => {
    const { calls, load } = counting();
    const memo = cached(load);
    await memo('a');
    await memo('a', undefined);
    await memo();
    await memo(undefined);
    expect(calls).toHaveLength(2);
    expect(memo.keyOf('a', undefined)).toBe(memo.keyOf('a'));
  });

  it('gives a value that is in memory at once, also one that is undefined', async () => {
    let calls = 0;
    const memo = cached(async (id: string) => {
      calls += 1;
      return id === 'a' ? 7 : undefined;
    });
    const first = memo.valueOrPromise('a');
    expect(first).toBeInstanceOf(Promise);
    expect(await first).toBe(7);
    expect(memo.valueOrPromise('a')).toBe(7);
    await memo('b');
    expect(memo.valueOrPromise('b')).toBeUndefined();
    expect(calls).toBe(2);
  });

  it('does not keep a failure', async () => {
    let calls = 0;
    const memo = cached(async (_id: string) => {
      calls += 1;
      if (calls === 1) throw new NetworkError('No route');
      return calls;
    });
    await expect(memo('a')).rejects.toThrow('No route');
    expect(await memo('a')).toBe(2);
  });

  it('forgets what it is told to forget, also what is being loaded', async () => {
    const { calls, load } = counting();
    const memo = cached(load);
    await memo('a');
    expect(await memo.forget('a')).toBe(true);
    expect(await memo.forget('a')).toBe(false);
    const loading = memo('a');
    await memo.forget('a');
    await loading;
    await memo('a');
    expect(calls).toHaveLength(3);
  });

  it('keeps values for five minutes, or as long as it is told', async () => {
    const clock = new VirtualClock();
    const five = counting();
    const one = counting();
    const memo = cached(five.load, { clock });
    const brief = cached(one.load, { clock, ttlMs: 60_000 });
    for (let minute = 0; minute < 10; minute += 1) {
      await memo('a');
      await brief('a');
      await clock.advance(60_000);
    }
    expect(five.calls).toHaveLength(2);
    expect(one.calls).toHaveLength(10);
  });

  it('keeps not more than it is told, and rather what is asked for', async () => {
    const { calls, load } = counting();
    const memo = cached(load, { maxEntries: 10 });
    for (let index = 0; index < 100; index += 1) {
      await memo(`${index}`);
      await memo('wanted');
    }
    expect(calls.filter(([id]) => id === 'wanted')).toHaveLength(1);
    calls.length = 0;
    for (let index = 99; index >= 0; index -= 1) await memo(`${index}`);
    expect(calls.length).toBeGreaterThanOrEqual(90);
    expect(memo.cache).toBeUndefined();
  });

  it('gives the function its load as `this`', async () => {
    const clock = new VirtualClock();
    const seen: unknown[] = [];
    const memo = cached(
      async function (this: LoadContext<number>, id: string) {
        seen.push([this.key, this.signal.aborted, this.older?.value]);
        if (id === 'brief') this.keep({ ttlMs: 1_000 });
        return seen.length;
      },
      { clock, staleMs: 60_000 },
    );
    expect(await memo('brief')).toBe(1);
    await clock.advance(2_000);
    expect(await memo('brief')).toBe(2);
    expect(await memo('long')).toBe(3);
    await clock.advance(2_000);
    expect(await memo('long')).toBe(3);
    expect(seen).toEqual([
      ['brief', false, undefined],
      ['brief', false, 1],
      ['long', false, undefined],
    ]);
  });

  it('obeys the rules of loading', async () => {
    const clock = new VirtualClock();
    let calls = 0;
    const memo = cached(
      async (_id: string) => {
        calls += 1;
        if (calls > 1) throw new NetworkError('No route');
        return calls;
      },
      { clock, ttlMs: 1_000, staleMs: 60_000 },
    );
    await memo('a');
    await clock.advance(2_000);
    expect(await memo('a')).toBe(1);
    expect(calls).toBe(2);

    let asked = 0;
    const nothing = cached(
      async (_id: string): Promise<string | undefined> => {
        asked += 1;
        return undefined;
      },
      { negativeTtlMs: 0 },
    );
    await nothing('a');
    await nothing('a');
    expect(asked).toBe(2);
  });

  it('makes keys as it is told', async () => {
    const { calls, load } = counting();
    const memo = cached(load, { key: user => (user as { id: string }).id });
    await memo({ id: '7', session: () => 1 });
    await memo({ id: '7', session: () => 2 });
    expect(calls).toHaveLength(1);
    expect(memo.keyOf({ id: '7' })).toBe('7');
  });

  it('refuses arguments that give no key: the promise rejects', async () => {
    const memo = cached(counting().load);
    await expect(memo('a', () => 1)).rejects.toThrow('Cannot make a key of argument 2');
    await expect(memo.forget(Symbol('s'))).rejects.toThrow('argument 1');
  });

  it.each([
    { ttlMs: 0 },
    { staleMs: -1 },
    { maxEntries: 0 },
    { tags: [''] },
    { hardTimeoutMs: 0 },
    { earlyRefreshRatio: 2 },
  ])('refuses %j', options => {
    expect(() => cached(counting().load, options)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
    expect(() => cached(options)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });
});

describe('cached on a cache that is given', () => {
  it('puts its name before its keys', async () => {
    const cache = new MemoryCache<unknown>();
    async function loadUser(id: string): Promise<string> {
      return `user ${id}`;
    }
    const memo = cached(loadUser, { cache });
    expect(await memo('7')).toBe('user 7');
    expect(cache.get('loadUser:7')).toBe('user 7');
    expect(memo.keyOf('7')).toBe('loadUser:7');
    expect(memo.cache).toBe(cache);
    expect(memo.name).toBe('loadUser');
    expect(memo.valueOrPromise('7')).toBe('user 7');
  });

  it.each(['user', 'user:'])('puts the prefix %j before its keys', async keyPrefix => {
    const cache = new MemoryCache<unknown>();
    await cached(async (id: string) => id, { cache, keyPrefix, tags: ['users'] })('7');
    expect(cache.get('user:7')).toBe('7');
    cache.deleteByTag('users');
    expect(cache.get('user:7')).toBeUndefined();
  });

  it('refuses to share without a name', () => {
    const cache = new MemoryCache<unknown>();
    expect(() => cached(async (id: string) => id, { cache })).toThrow(/keyPrefix/);
    expect(() => cached(async (id: string) => id, { cache, keyPrefix: 'a', maxEntries: 5 })).toThrow(/maxEntries/);
  });

  it('asks for the cache at each call when it is given a function, and keeps nothing where there is none', async () => {
    const { calls, load } = counting();
    let cache: MemoryCache<unknown> | undefined;
    const memo = cached(load, { cache: () => cache });
    await memo('a');
    await memo('a');
    expect(calls).toHaveLength(2);
    expect(await memo.forget('a')).toBe(false);
    cache = new MemoryCache();
    await memo('a');
    await memo('a');
    expect(calls).toHaveLength(3);
    expect(cache.has('load:a')).toBe(true);
    expect(memo.cache).toBeUndefined();
  });

  it('gives the function a load also where nothing is kept', async () => {
    const memo = cached(
      async function (this: LoadContext<string>, _id: string) {
        this.keep({ ttlMs: 5 });
        this.skip();
        return `${this.key} ${this.signal.aborted} ${this.older}`;
      },
      { cache: () => undefined, keyPrefix: 'k' },
    );
    expect(await memo('a')).toBe('k:a false undefined');
  });

  it('can be taken to another cache', async () => {
    const one = new MemoryCache<unknown>();
    const other = new MemoryCache<unknown>();
    const { calls, load } = counting();
    const memo = cached(load, { cache: one });
    await memo('a');
    await memo.with(other)('a');
    await memo.with(other)('a');
    expect(calls).toHaveLength(2);
    expect(other.has('load:a')).toBe(true);
    expect(await cached(load, { maxEntries: 5 }).with(one)('a')).toBe('1: a');
  });
});

describe('cached with the cache around the call', () => {
  it('uses it, each call its own', async () => {
    const one = new MemoryCache<unknown>();
    const other = new MemoryCache<unknown>();
    const { calls, load } = counting();
    const memo = cached(load, { cache: 'ambient' });
    await Promise.all([runWithCache(one, () => memo('a')), runWithCache(other, () => memo('a'))]);
    await runWithCache(one, async () => {
      await Promise.resolve();
      expect(await memo('a')).toBe('1: a');
      expect(await runWithCache(other, () => memo('a'))).toBe('2: a');
    });
    expect(calls).toHaveLength(2);
    await memo('a');
    expect(calls).toHaveLength(3);
  });

  it('leaves the request context as it is, and goes with it', () => {
    const cache = new MemoryCache<unknown>();
    const memo = cached(counting().load, { cache: 'ambient' });
    runWithRequestContext({ requestId: 'req-1' }, () =>
      runWithCache(cache, () => {
        expect(JSON.stringify(getRequestContext())).toBe('{"requestId":"req-1"}');
        runWithRequestContext({ userId: 'user-1' }, () => void memo('a'));
        expect(cache.isLoading('load:a')).toBe(true);
        clearRequestContext();
        void memo('b');
        expect(cache.isLoading('load:b')).toBe(false);
      }),
    );
  });
});

describe('@cached', () => {
  const cache = new MemoryCache<unknown>();

  class Reports {
    built = 0;
    readonly tenant: string;

    constructor(tenant: string) {
      this.tenant = tenant;
    }

    @cached({ ttlMs: 60_000 })
    async own(city: string): Promise<string> {
      this.built += 1;
      return `${this.tenant} ${city}`;
    }

    @cached({ cache })
    async shared(city: string, page = 1): Promise<string> {
      this.built += 1;
      return `${this.tenant} ${city} ${page}`;
    }

    @cached({
      cache,
      keyPrefix: 'report',
      key(this: Reports, city: string) {
        return `${this.tenant}:${city}`;
      },
    })
    async byTenant(city: string): Promise<string> {
      this.built += 1;
      return `${this.tenant} ${city}`;
    }

    @cached({ cache })
    static async count(): Promise<number> {
      return 3;
    }
  }

  it('keeps what a method gives, each instance its own', async () => {
    const one = new Reports('one');
    const other = new Reports('other');
    expect([await one.own('Bern'), await other.own('Bern'), await one.own('Bern')]).toEqual([
      'one Bern',
      'other Bern',
      'one Bern',
    ]);
    expect([one.built, other.built]).toEqual([1, 1]);
  });

  it('shares what it keeps in a cache that is given, by class and method', async () => {
    const one = new Reports('one');
    const other = new Reports('other');
    expect([await one.shared('Bern', 2), await other.shared('Bern', 2)]).toEqual(['one Bern 2', 'one Bern 2']);
    expect(cache.has('Reports.shared:~"Bern",2')).toBe(true);
    expect(other.built).toBe(0);
    expect(await Reports.count()).toBe(3);
    expect(cache.has('Reports.count:~')).toBe(true);
  });

  it('makes keys with the instance as `this`', async () => {
    const one = new Reports('one');
    const other = new Reports('other');
    expect([await one.byTenant('Bern'), await other.byTenant('Bern')]).toEqual(['one Bern', 'other Bern']);
    expect(cache.has('report:other:Bern')).toBe(true);
  });
});
