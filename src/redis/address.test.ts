import { describe, expect, it } from 'vitest';
import { Secret } from '../kernel/index.ts';
import { readAddress } from './address.ts';
import { RedisConnection } from './connection.ts';

describe('readAddress()', () => {
  it('reads host, port, database, user and password, decoded', () => {
    const address = readAddress(new Secret('rediss://al%40ice:p%2Fw@[::1]:6380/2'));
    expect(address).toMatchObject({ host: '::1', port: 6_380, tls: true, database: 2, username: 'al@ice' });
    expect(address.password?.reveal()).toBe('p/w');
    expect(readAddress('redis://localhost')).toEqual({
      host: 'localhost',
      port: 6_379,
      tls: false,
      database: 0,
      username: undefined,
      password: undefined,
    });
  });

  it.each(['', 'localhost:6379', 'http://u:hunter2@h', 'redis://u:hunter2@h/x', 'redis://u:hunter2%@h', 'redis://'])(
    'refuses %j without showing it',
    url => {
      const attempt = (): unknown => readAddress(url);
      expect(attempt).toThrow(/^Cannot use url: expected .*; what was given is not shown$/);
      expect(attempt).not.toThrow('hunter2');
    },
  );
});

describe('RedisConnection', () => {
  it.each([
    [{ commandTimeoutMs: 0 }, 'commandTimeoutMs'],
    [{ connectTimeoutMs: Number.NaN }, 'connectTimeoutMs'],
    [{ maxReconnectDelayMs: -1 }, 'maxReconnectDelayMs'],
    [{ maxInFlight: 0 }, 'maxInFlight'],
    [{ timeoutsUntilAway: 1.5 }, 'timeoutsUntilAway'],
    [{ probeIntervalMs: Number.POSITIVE_INFINITY }, 'probeIntervalMs'],
  ])('refuses %o', (numbers, name) => {
    expect(() => new RedisConnection({ url: 'redis://localhost', ...numbers })).toThrow(`Cannot use ${name}: expected`);
  });

  it('takes undefined for the default', () => {
    const redis = new RedisConnection({
      url: 'redis://localhost',
      name: undefined,
      keyPrefix: undefined,
      cluster: undefined,
    });
    expect([redis.name, redis.key('a', 'b'), redis.recoveryMs, redis.outages]).toEqual(['redis', 'a:b', 3_350, []]);
  });
});
