import { setTimeout as sleep } from 'node:timers/promises';
import { RedisConnection, type RedisConnectionOptions, RedisUnavailableError } from 'plinth/redis';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { askRedis, patientMs, type RedisServer, startRedis } from '../servers/redis.ts';
import { serverOrSkip } from '../servers/require.ts';
import { heard, Notes, until } from './hearing.ts';

const program = serverOrSkip('redis-server');

const opened: RedisConnection[] = [];

async function connected(options: RedisConnectionOptions): Promise<RedisConnection> {
  const redis = new RedisConnection({ beatMs: 20, commandTimeoutMs: patientMs, ...options });
  opened.push(redis);
  await redis.connect();
  return redis;
}

afterEach(async () => {
  await Promise.all(opened.splice(0).map(redis => redis.close()));
});

describe.skipIf(program === undefined)('RedisConnection.changes on a real Redis', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(async () => {
    await server?.dispose();
  });

  /** A connection that listens to keys with the prefix `c:`, from a moment on at which nothing is to be told. */
  async function listening(options: Partial<RedisConnectionOptions> = {}) {
    const redis = await connected({ url: server.url, ...options });
    const notes = new Notes();
    const stop = redis.changes.listen('c:', notes);
    await heard(redis);
    notes.told.length = 0;
    return { redis, notes, stop };
  }

  it('tells what others do to keys with the prefix, whoever they are, and nothing else', async () => {
    const { redis, notes } = await listening();
    const other = await connected({ url: server.url });
    expect(redis.changes).toMatchObject({ coverage: 'tracking', reason: undefined });
    askRedis(server.port, 'SET', 'c:cli', '1');
    askRedis(server.port, 'SET', 'd:elsewhere', '1');
    askRedis(server.port, 'DEL', 'c:cli');
    await other.command(['SET', 'c:other', '1']);
    await other.command(['EVAL', "return redis.call('INCR', KEYS[1])", '1', 'c:script']);
    await other.command(['HSET', 'c:é', 'a', '1']);
    await heard(redis);
    expect(notes.told).toEqual(['c:cli', 'c:cli', 'c:other', 'c:script', 'c:é']);
  });

  it('tells of keys that expire', async () => {
    const { redis, notes } = await listening();
    await redis.command(['SET', 'c:short', '1', 'PX', '20']);
    await until(() => notes.told.includes('c:short'));
    expect(await redis.command(['GET', 'c:short'])).toBe(null);
  });

  it('does not tell what this connection does, but for scripts', async () => {
    const { redis, notes } = await listening();
    await redis.command(['SET', 'c:own', '1']);
    await redis.command(['UNLINK', 'c:own']);
    await redis.command(['SET', 'c:own', '1', 'NX', 'PX', '60000']);
    await heard(redis);
    expect(notes.told).toEqual([]);
    await redis.script("return redis.call('INCR', KEYS[1])").run(['c:own']);
    await heard(redis);
    expect(notes.told).toEqual(['c:own']);
  });

  it('tells that all has changed when the database is flushed, and goes on to hear', async () => {
    const { redis, notes } = await listening();
    const { generation, heardUntilMs } = redis.changes;
    askRedis(server.port, 'FLUSHDB');
    await until(() => notes.told.length > 0);
    // On a machine that is very busy the news of the flush may come with a late heartbeat, which says the same.
    expect(new Set(notes.told)).toEqual(new Set(['*']));
    expect(redis.changes.generation).toBeGreaterThan(generation);
    expect(redis.changes.heardUntilMs).toBeGreaterThanOrEqual(heardUntilMs);
  });

  it('lets many listen on one connection, each to its own prefix, also to one within another', async () => {
    const { redis, notes, stop } = await listening();
    const [inner, elsewhere, again] = [new Notes(), new Notes(), new Notes()];
    redis.changes.listen('c:in:', inner);
    expect(notes.told).toEqual([]);
    redis.changes.listen('e:', elsewhere);
    redis.changes.listen('c:', again);
    await until(() => notes.told.length > 0);
    expect([notes.told, inner.told, elsewhere.told]).toEqual([['*'], ['*'], ['*']]);
    await heard(redis);
    askRedis(server.port, 'MSET', 'c:in:1', '1', 'e:1', '1', 'c:x', '1');
    await heard(redis);
    expect(notes.told.slice(1).sort()).toEqual(['c:in:1', 'c:x']);
    expect([again.told.slice(1).sort(), inner.told, elsewhere.told]).toEqual([
      ['c:in:1', 'c:x'],
      ['*', 'c:in:1'],
      ['*', 'e:1'],
    ]);
    stop();
    stop();
    askRedis(server.port, 'SET', 'c:x', '2');
    await heard(redis);
    expect([notes.told.length, again.told.at(-1)]).toEqual([3, 'c:x']);
  });

  it('goes on when a listener throws', async () => {
    const warnings: string[] = [];
    const onWarning = (warning: Error): void => void warnings.push(`${warning.name} ${warning.message}`);
    process.on('warning', onWarning);
    const { redis, notes } = await listening();
    const broken = {
      changed(): void {
        throw new TypeError('broken');
      },
      allChanged(): void {},
    };
    redis.changes.listen('c:', broken);
    askRedis(server.port, 'SET', 'c:x', '1');
    await until(() => notes.told.includes('c:x'));
    await until(() => warnings.length > 0);
    process.off('warning', onWarning);
    expect(warnings).toEqual(['TypeError broken']);
    expect(await redis.command(['GET', 'c:x'])).toBe('1');
  });

  it('hears nothing, and sends nothing, when nobody listens any more', async () => {
    const { redis, stop } = await listening();
    stop();
    expect(redis.changes).toMatchObject({ coverage: 'none', heardUntilMs: Number.NEGATIVE_INFINITY });
    expect(redis.changes.reason).toBe('Nobody listens');
    expect(String(await redis.command(['CLIENT', 'TRACKINGINFO'])).includes('bcast')).toBe(false);
    const notes = new Notes();
    redis.changes.listen('c:', notes);
    await heard(redis);
    askRedis(server.port, 'SET', 'c:x', '3');
    await heard(redis);
    expect(notes.told).toEqual(['*', 'c:x']);
  });

  it('listens from the first connection on when it was asked to before', async () => {
    const redis = new RedisConnection({ url: server.url, beatMs: 20, commandTimeoutMs: patientMs });
    opened.push(redis);
    const notes = new Notes();
    redis.changes.listen('', notes);
    expect(redis.changes.coverage).toBe('none');
    await redis.command(['GET', 'c:x']);
    expect([redis.changes.coverage, notes.told]).toEqual(['tracking', ['*']]);
    askRedis(server.port, 'SET', 'any', '1');
    await until(() => notes.told.includes('any'));
  });

  it('tells that all may have changed before the new connection answers, when the old one was cut', async () => {
    const { redis, notes } = await listening();
    const { generation } = redis.changes;
    let value: unknown;
    for (let round = 1; round <= 20; round += 1) {
      const id = String(await redis.command(['CLIENT', 'ID']));
      askRedis(server.port, 'CLIENT', 'KILL', 'ID', id);
      askRedis(server.port, 'SET', 'c:x', `cut ${round}`);
      await until(async () => {
        value = await redis.command(['GET', 'c:x']).catch((error: unknown) => error);
        return !(value instanceof RedisUnavailableError);
      });
      // Whoever has this answer has been told: what it had read before is not believed any more.
      expect(redis.changes.generation).toBe(generation + round);
      expect(notes.told.filter(told => told === '*')).toHaveLength(round);
      expect(value).toBe(`cut ${round}`);
    }
    await heard(redis);
    askRedis(server.port, 'SET', 'c:x', 'after');
    await heard(redis);
    expect(notes.told.at(-1)).toBe('c:x');
  });

  it('does not take a silent server for one where nothing changes', async () => {
    const { redis, notes } = await listening({ probeIntervalMs: 1_000 });
    server.hang();
    const hungMs = performance.now();
    let heardUntilMs = 0;
    try {
      await sleep(2_000);
      ({ heardUntilMs } = redis.changes);
      expect(heardUntilMs).toBeLessThan(hungMs + 500);
    } finally {
      server.resume();
    }
    askRedis(server.port, 'SET', 'c:x', 'hung');
    await heard(redis);
    expect(notes.told).toEqual(['c:x']);
  });

  it('connects anew when the server is silent for long, and tells that all may have changed', async () => {
    const options = { timeoutsUntilAway: 1, commandTimeoutMs: 20, probeIntervalMs: 5, connectTimeoutMs: 500 };
    const { redis, notes } = await listening(options);
    const { generation } = redis.changes;
    server.hang();
    try {
      await expect(redis.command(['GET', 'c:x'])).rejects.toMatchObject({ reason: 'timed-out' });
      // The connection is given up: the answer that it still owes will not come.
      await until(async () => {
        const error = await redis.command(['GET', 'c:x']).catch((reason: unknown) => reason);
        return error instanceof RedisUnavailableError && error.reason === 'not-connected';
      });
      expect(notes.told).toEqual([]);
    } finally {
      server.resume();
    }
    await until(() => redis.status === 'ready');
    expect(notes.told).toEqual(['*']);
    expect(redis.changes.generation).toBe(generation + 1);
  });

  it('hears again after the server was restarted', async () => {
    const { redis, notes } = await listening();
    const { generation } = redis.changes;
    await server.kill();
    await until(() => redis.status === 'away');
    const { heardUntilMs } = redis.changes;
    await server.start();
    askRedis(server.port, 'SET', 'c:x', 'new');
    await until(() => redis.status === 'ready');
    expect(redis.changes.generation).toBe(generation + 1);
    expect(notes.told).toContain('*');
    await until(() => redis.changes.heardUntilMs > heardUntilMs);
    askRedis(server.port, 'SET', 'c:y', 'newer');
    await heard(redis);
    expect(notes.told.at(-1)).toBe('c:y');
  });

  it('knows the clock of the server from the first connection on', async () => {
    const redis = new RedisConnection({ url: server.url, commandTimeoutMs: patientMs });
    opened.push(redis);
    expect(redis.serverTimeMs).toBe(undefined);
    await redis.connect();
    const beforeMs = Date.now();
    expect(Math.abs((redis.serverTimeMs ?? 0) - beforeMs)).toBeLessThan(500);
  });

  describe('a server that refuses', () => {
    /** A user with all rights but these. */
    async function refused(user: string, ...rights: string[]) {
      askRedis(server.port, 'ACL', 'SETUSER', user, 'on', '>secret', '~*', '&*', '+@all', ...rights);
      const url = server.url.replace('redis://', `redis://${user}:secret@`);
      const redis = new RedisConnection({ url, beatMs: 20, keyPrefix: 'shop:', commandTimeoutMs: patientMs });
      opened.push(redis);
      const events: unknown[] = [];
      redis.events.on('coverage', event => events.push(event));
      const notes = new Notes();
      redis.changes.listen('c:', notes);
      await redis.connect();
      return { redis, notes, events };
    }

    it('to track is asked for announcements', async () => {
      const { redis, notes, events } = await refused('no-tracking', '-client|tracking');
      const { redis: other, notes: otherNotes } = await refused('no-tracking', '-client|tracking');
      expect(redis.changes.coverage).toBe('announcements');
      expect(redis.changes.reason).toContain('NOPERM');
      expect(events.at(-1)).toMatchObject({ name: 'redis', coverage: 'announcements' });
      await heard(redis);
      await heard(other);
      for (const { told } of [notes, otherNotes]) told.length = 0;
      const keys = Array.from({ length: 1_200 }, (_, index) => `c:${index}`);
      other.changes.announce([...keys, 'd:1']);
      await other.command(['PUBLISH', 'shop:changes', 'not JSON']);
      await other.command(['PUBLISH', 'shop:changes', '{"c:1":2}']);
      await heard(redis);
      await heard(other);
      expect(notes.told).toEqual(keys);
      // The others of its own process at once, and not again by its own message.
      expect(otherNotes.told).toEqual(keys);
      const { generation } = redis.changes;
      askRedis(server.port, 'CLIENT', 'KILL', 'ID', String(await redis.command(['CLIENT', 'ID'])));
      await until(() => redis.changes.generation > generation);
      await heard(redis);
      other.changes.announce(['c:again']);
      await until(() => notes.told.includes('c:again'));
    });

    it('to publish and subscribe too is heard nothing of', async () => {
      const { redis, events } = await refused('nothing', '-client|tracking', '-subscribe', '-publish', '-time');
      expect(redis.status).toBe('ready');
      expect(redis.changes).toMatchObject({ coverage: 'none', heardUntilMs: Number.NEGATIVE_INFINITY });
      expect(redis.changes.reason).toMatch(/refuses to track: NOPERM.*; and to subscribe: NOPERM/);
      expect(events.at(-1)).toMatchObject({ coverage: 'none', reason: redis.changes.reason });
      expect(redis.serverTimeMs).toBe(undefined);
      expect(await redis.command(['SET', 'c:x', '1'])).toBe('OK');
    });
  });
});
