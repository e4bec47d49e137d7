import { setTimeout as sleep } from 'node:timers/promises';
import { RedisCacheStore } from 'plinth/cache/redis';
import { CacheError } from 'plinth/errors';
import { RedisConnection, RedisUnavailableError } from 'plinth/redis';
import { cacheStoreContract } from 'plinth/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { askRedis, patientMs, type RedisServer, startRedis, startRedisCluster } from '../servers/redis.ts';
import { serverOrSkip } from '../servers/require.ts';

const program = serverOrSkip('redis-server');
const minuteMs = 60_000;

function textOf(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : Buffer.from(bytes).toString();
}

async function collected(portions: AsyncIterable<readonly string[]>): Promise<readonly string[]> {
  const all: string[] = [];
  for await (const portion of portions) all.push(...portion);
  return all.sort();
}

describe.skipIf(program === undefined).each([{ cluster: false }, { cluster: true }])(
  'RedisCacheStore on a real Redis (cluster: $cluster)',
  ({ cluster }) => {
    let nodes: readonly RedisServer[];
    let redis: RedisConnection;
    let store: RedisCacheStore;
    const readText = async (...keys: string[]) => (await store.read(keys)).map(textOf);
    beforeAll(async () => {
      const servers = cluster ? await startRedisCluster() : undefined;
      nodes = servers?.nodes ?? [await startRedis()];
      const url = nodes[0]?.url ?? '';
      redis = new RedisConnection({ url, cluster, keyPrefix: 'shop:', commandTimeoutMs: 2_000, beatMs: 20 });
      store = new RedisCacheStore({ redis });
      await store.prepare();
    });
    beforeEach(() => {
      for (const { port } of nodes) askRedis(port, 'FLUSHALL');
    });
    afterAll(async () => {
      await store?.close();
      await redis?.close();
      await Promise.all((nodes ?? []).map(node => node.dispose()));
    });

    for (const { name, run } of cacheStoreContract) {
      it(name, () => run({ store: new RedisCacheStore({ redis }), advance: sleep }));
    }

    it('gives the bytes of a part of a buffer', async () => {
      const part = new Uint8Array(Uint8Array.from([1, 2, 3, 4]).buffer, 1, 2);
      await store.write('part', part, minuteMs);
      expect([...((await store.read(['part']))[0] ?? [])]).toEqual([2, 3]);
    });

    it('sets the prefixes of the connection and its own before every key', async () => {
      await store.write('a', '1', minuteMs);
      const other = new RedisCacheStore({ redis, keyPrefix: 'other:' });
      expect(await other.read(['a'])).toEqual([undefined]);
      expect(await redis.command(['GET', 'shop:cache:a'])).toBe('1');
    });

    it('takes what is no text for nothing', async () => {
      await redis.command(['LPUSH', 'shop:cache:list', '1']);
      await store.write('text', 'a', minuteMs);
      expect(await readText('list')).toEqual([undefined]);
      expect(await readText('list', 'text')).toEqual([undefined, 'a']);
      expect(await store.replace('list', 'a', 'b', minuteMs)).toBe(false);
      await store.write('list', 'c', minuteMs);
      expect(await readText('list')).toEqual(['c']);
    });

    it.each([
      [0.2, 1],
      [1_500.2, 1_501],
      [Number.POSITIVE_INFINITY, 1e14],
    ])('lets %d ms live for %d ms', async (lifetimeMs, expectedMs) => {
      await redis.command(['SET', 'shop:cache:x', 'before']);
      await store.write('a', '1', lifetimeMs);
      await store.replace('b', undefined, '1', lifetimeMs);
      await store.write('c', '1', minuteMs);
      await store.replace('c', '1', '2', lifetimeMs);
      await store.increment('d', 1, lifetimeMs, minuteMs);
      for (const key of ['a', 'b', 'c', 'd']) {
        const leftMs = Number(await redis.command(['PTTL', `shop:cache:${key}`]));
        expect(leftMs).toBeLessThanOrEqual(expectedMs);
        expect(leftMs).toBeGreaterThan(expectedMs === 1 ? -3 : expectedMs - 1_000);
      }
    });

    it('adds, and begins a lifetime only where it is told to or there is none', async () => {
      const leftMs = async (key: string) => Number(await redis.command(['PTTL', `shop:cache:${key}`]));
      expect(await store.increment('n', 2, undefined, 50_000)).toBe(2);
      expect(await leftMs('n')).toBeGreaterThan(49_000);
      expect(await store.increment('n', -5, undefined, 90_000)).toBe(-3);
      expect(await leftMs('n')).toBeLessThanOrEqual(50_000);
      expect(await store.increment('n', 1, 80_000, 90_000)).toBe(-2);
      expect(await leftMs('n')).toBeGreaterThan(79_000);
      await redis.command(['SET', 'shop:cache:foreign', '41']);
      expect(await store.increment('foreign', 1, undefined, 50_000)).toBe(42);
      expect(await leftMs('foreign')).toBeGreaterThan(49_000);
    });

    it('refuses to add to what is no whole number, and leaves it as it is', async () => {
      await store.write('text', 'a', minuteMs);
      await redis.command(['LPUSH', 'shop:cache:list', '1']);
      for (const key of ['text', 'list']) {
        const failure = store.increment(key, 1, undefined, minuteMs);
        await expect(failure).rejects.toBeInstanceOf(CacheError);
        await expect(failure).rejects.toMatchObject({ retryable: false });
      }
      expect(await readText('text')).toEqual(['a']);
    });

    it('finds the keys with a prefix, whatever characters are in it, and no others', async () => {
      const strange = ['*', '?', '[a]', '\\', '[^a]', '{x}', 'a', 'ab', '', '[', 'é'];
      await Promise.all(strange.map(prefix => store.write(`${prefix}:1`, '1', minuteMs)));
      await redis.command(['SET', 'elsewhere:1', '1']);
      for (const prefix of strange) {
        const expected = strange.map(other => `${other}:1`).filter(key => key.startsWith(`${prefix}:`));
        expect(await collected(store.scan(`${prefix}:`))).toEqual(expected);
      }
      expect(await collected(store.scan(''))).toEqual(strange.map(prefix => `${prefix}:1`).sort());
      await Promise.all(Array.from({ length: 2_500 }, (_, index) => store.write(`many:${index}`, '', minuteMs)));
      expect(new Set(await collected(store.scan('many:'))).size).toBe(2_500);
    });

    it('goes by the clock of the server', async () => {
      const [time] = String(await redis.command(['TIME'])).split(',');
      expect(Math.abs(store.now() - Number(time) * 1_000)).toBeLessThan(1_100);
      expect(Math.abs(store.now() - Date.now())).toBeLessThan(50);
    });

    it('tells the keys that others change, without the prefixes, and not those that it changes itself', async () => {
      const told: string[] = [];
      const stop = store.changes.listen('user:', {
        changed: key => told.push(key),
        allChanged: () => told.push('*'),
      });
      const heard = async (): Promise<void> => {
        const nowMs = performance.now();
        while (store.changes.heardUntilMs < nowMs) await sleep(5);
      };
      await heard();
      expect([store.changes.coverage, store.changes.reason]).toEqual(['tracking', undefined]);
      told.length = 0;
      await store.write('user:own', '1', minuteMs);
      await store.replace('user:new', undefined, '1', minuteMs);
      await store.delete(['user:own', 'user:new']);
      await using other = new RedisConnection({ url: nodes[0]?.url ?? '', cluster, commandTimeoutMs: patientMs });
      for (const key of ['user:{a}', 'user:{b}', 'user:{c}', 'group:1']) {
        await other.command(['SET', `shop:cache:${key}`, '1']);
      }
      await heard();
      expect([...told].sort()).toEqual(['user:{a}', 'user:{b}', 'user:{c}']);
      stop();
      expect(store.changes.coverage).toBe('none');
    });
  },
);

describe.skipIf(program === undefined)('RedisCacheStore without its Redis', () => {
  it('rejects in time, and at once when it is known to be away', async () => {
    await using server = await startRedis();
    await using redis = new RedisConnection({ url: server.url, timeoutsUntilAway: 5, commandTimeoutMs: 500 });
    const store = new RedisCacheStore({ redis });
    await store.prepare();
    server.hang();
    const requests = [
      () => store.read(['a']),
      () => store.read(['a', 'b']),
      () => store.write('a', '1', minuteMs),
      () => store.replace('a', undefined, '1', minuteMs),
      () => store.replace('a', '1', '1', minuteMs),
      () => store.delete(['a']),
      () => store.increment('a', 1, undefined, minuteMs),
      () => collected(store.scan('')),
    ];
    const timed = async (request: () => Promise<unknown>): Promise<number> => {
      const startMs = performance.now();
      await expect(request()).rejects.toBeInstanceOf(RedisUnavailableError);
      return performance.now() - startMs;
    };
    expect(Math.max(...(await Promise.all(requests.map(timed))))).toBeLessThan(2_000);
    expect(redis.status).toBe('away');
    expect(Math.max(...(await Promise.all(requests.map(timed))))).toBeLessThan(250);
    server.resume();
  });

  it('goes by the clock of this machine before the first connection', () => {
    const store = new RedisCacheStore({ redis: new RedisConnection({ url: 'redis://127.0.0.1:1' }) });
    expect(Math.abs(store.now() - Date.now())).toBeLessThan(250);
  });
});
