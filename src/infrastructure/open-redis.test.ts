import { describe, expect, it } from 'vitest';
import { ConfigurationError } from '../errors/index.ts';
import { systemClock, systemRandom } from '../kernel/index.ts';
import { RedisUnavailableError } from '../redis/index.ts';
import { loadSettings } from '../settings/index.ts';
import { connectRedis, makeRedis } from './open-redis.ts';

describe('makeRedis()', () => {
  const load = (environment: Record<string, string>) =>
    loadSettings({ envFile: false, yamlFile: false, environment: { ENVIRONMENT: 'test', ...environment } });

  it('makes no connection without an address', () => {
    expect(makeRedis(load({}), systemClock, systemRandom)).toBeUndefined();
  });

  it('sets the keys of applications apart, and connects to nothing yet', async () => {
    const REDIS_URL = 'redis://127.0.0.1:1';
    await using redis = makeRedis(load({ REDIS_URL, APP_NAME: 'My Shop 2' }), systemClock, systemRandom);
    expect([redis?.key('limit', 'a'), redis?.status]).toEqual(['my-shop-2:limit:a', 'connecting']);
  });
});

describe('connectRedis()', () => {
  it('lets the start go on when Redis is away, and not when the package for it is missing', async () => {
    const away = new RedisUnavailableError('away', 'not-connected');
    await expect(connectRedis({ connect: () => Promise.reject(away) })).resolves.toBeUndefined();
    const missing = new ConfigurationError('Not installed');
    await expect(connectRedis({ connect: () => Promise.reject(missing) })).rejects.toBe(missing);
  });
});
