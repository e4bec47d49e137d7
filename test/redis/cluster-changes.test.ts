import { setTimeout as sleep } from 'node:timers/promises';
import { RedisConnection } from 'plinth/redis';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { askRedis, type RedisClusterServers, startRedisCluster } from '../servers/redis.ts';
import { serverOrSkip } from '../servers/require.ts';
import { heard, Notes, until } from './hearing.ts';

const program = serverOrSkip('redis-server');

describe.skipIf(program === undefined)('RedisConnection.changes on a real Redis Cluster', () => {
  let servers: RedisClusterServers;
  let redis: RedisConnection;
  beforeAll(async () => {
    servers = await startRedisCluster();
  });
  afterEach(() => redis.close());
  afterAll(async () => {
    await servers?.dispose();
  });

  /** Keys on every node: `c:{a}`, `c:{b}` and `c:{c}` are on the third, first and second. */
  const keys = ['c:{a}', 'c:{b}', 'c:{c}'];

  function setElsewhere(key: string, value: string): void {
    for (const { port } of servers.nodes) {
      if (!askRedis(port, 'SET', key, value).startsWith('MOVED')) return;
    }
    throw new Error(`No node takes ${key}`);
  }

  async function listening() {
    redis = new RedisConnection({ url: servers.url, cluster: true, commandTimeoutMs: 500, beatMs: 20 });
    const notes = new Notes();
    redis.changes.listen('c:', notes);
    await redis.connect();
    await heard(redis);
    notes.told.length = 0;
    return notes;
  }

  it('hears of the keys of all nodes', async () => {
    const notes = await listening();
    expect(redis.changes.coverage).toBe('tracking');
    for (const key of keys) setElsewhere(key, '1');
    for (const key of keys) await redis.command(['SET', key, 'own']);
    await heard(redis);
    expect([...notes.told].sort()).toEqual(keys);
    expect(Math.abs((redis.serverTimeMs ?? 0) - Date.now())).toBeLessThan(500);
  });

  it('tells that all may have changed when the connection to one node was cut, before it answers again', async () => {
    const notes = await listening();
    const { generation } = redis.changes;
    const [, second] = servers.nodes;
    askRedis(second?.port ?? 0, 'CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    setElsewhere('c:{c}', 'cut');
    let value: unknown;
    await until(async () => {
      value = await redis.command(['GET', 'c:{c}']).catch(() => undefined);
      return value !== undefined;
    });
    expect(value).toBe('cut');
    expect(redis.changes.generation).toBeGreaterThan(generation);
    expect(notes.told).toContain('*');
    await heard(redis);
    notes.told.length = 0;
    setElsewhere('c:{c}', 'heard');
    await heard(redis);
    expect(notes.told).toEqual(['c:{c}']);
  });

  it('does not move on while one node is away, and hears again after it was restarted', async () => {
    const notes = await listening();
    const { generation } = redis.changes;
    const [, second] = servers.nodes;
    await second?.kill();
    const killedMs = performance.now();
    await until(() =>
      redis.command(['GET', 'c:{c}']).then(
        () => false,
        () => true,
      ),
    );
    await sleep(200);
    expect(redis.changes.heardUntilMs).toBeLessThanOrEqual(killedMs);
    await second?.start();
    await until(() => redis.changes.heardUntilMs > killedMs, 30_000);
    expect(redis.changes.generation).toBeGreaterThan(generation);
    expect(notes.told).toContain('*');
    notes.told.length = 0;
    for (const key of keys) setElsewhere(key, 'back');
    await heard(redis);
    expect([...notes.told].sort()).toEqual(keys);
  });
});
