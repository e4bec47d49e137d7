import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../testing/index.ts';
import { CommandLane } from './command-lane.ts';
import type { RedisSender } from './driver.ts';
import { RedisCommandError, RedisUnavailableError } from './errors.ts';
import { loadRedisClient } from './load-client.ts';
import { RedisScript } from './script.ts';

class Reply extends Error {}

function arrange(maxInFlight = 10) {
  const clock = new VirtualClock();
  const told: (number | 'answer')[] = [];
  const pending: { readonly resolve: (reply: unknown) => void; readonly reject: (error: unknown) => void }[] = [];
  const driver: RedisSender = {
    send: () => new Promise((resolve, reject) => pending.push({ resolve, reject })),
    isReply: error => error instanceof Reply,
  };
  const lane = new CommandLane({
    name: 'redis',
    commandTimeoutMs: 100,
    maxInFlight,
    clock,
    onTimeout: inRow => told.push(inRow),
    onAnswer: () => told.push('answer'),
  });
  const send = (): Promise<unknown> => lane.send(driver, ['GET', 'x'], 'x', false).catch((error: unknown) => error);
  return { clock, told, pending, send };
}

describe('CommandLane', () => {
  it('gives answers, and counts time-outs until the next one', async () => {
    const { clock, told, pending, send } = arrange();
    const late = [send(), send()];
    await clock.advance(101);
    expect(await Promise.all(late)).toMatchObject([{ reason: 'timed-out' }, { code: 'REDIS_UNAVAILABLE' }]);
    const answered = send();
    for (const { resolve } of pending) resolve('value');
    expect(await answered).toBe('value');
    const again = send();
    await clock.advance(101);
    await again;
    expect(told).toEqual([1, 2, 'answer', 'answer', 'answer', 1]);
    expect(clock.pendingTimers).toBe(0);
  });

  it('keeps a place taken until the client lets go of it, not only until its caller does', async () => {
    const { clock, pending, send } = arrange(1);
    const first = send();
    await clock.advance(101);
    await first;
    expect(await send()).toMatchObject({ reason: 'full', code: 'CAPACITY_FULL' });
    pending[0]?.resolve('late');
    await clock.advance(0);
    void send();
    expect(pending).toHaveLength(2);
    pending[1]?.resolve('now');
  });

  it('tells an answer that is an error from a lost connection and from a server that cannot serve now', async () => {
    const { pending, send } = arrange();
    const outcomes = Promise.all([send(), send(), send()]);
    pending[0]?.reject(new Reply('WRONGTYPE no'));
    pending[1]?.reject(new TypeError('socket closed'));
    pending[2]?.reject(new Reply('LOADING data'));
    const [wrong, lost, loading] = await outcomes;
    expect(wrong).toBeInstanceOf(RedisCommandError);
    expect(lost).toMatchObject({ reason: 'connection-lost', retryable: true });
    expect(loading).toBeInstanceOf(RedisUnavailableError);
    expect(loading).toMatchObject({ reason: 'refused' });
  });
});

describe('RedisScript', () => {
  it('sends the text only to a server that does not know the hash', async () => {
    const sent: unknown[] = [];
    const script = new RedisScript('return 1', (words, key) => {
      sent.push([words[0], words.slice(2), key]);
      return words[0] === 'EVAL'
        ? Promise.resolve(1)
        : Promise.reject(new RedisCommandError('NOSCRIPT No matching script'));
    });
    expect(await script.run(['k'], ['a'])).toBe(1);
    expect(sent).toEqual([
      ['EVALSHA', ['1', 'k', 'a'], 'k'],
      ['EVAL', ['1', 'k', 'a'], 'k'],
    ]);
  });

  it('passes on every other error', async () => {
    const script = new RedisScript('return 1', () => Promise.reject(new RedisCommandError('OOM')));
    await expect(script.run([])).rejects.toThrow('OOM');
  });
});

describe('loadRedisClient()', () => {
  it('says what to install', async () => {
    const missing = loadRedisClient(() => Promise.reject(new TypeError('not found')));
    await expect(missing).rejects.toThrow('npm install @redis/client@6');
    expect(await loadRedisClient()).toHaveProperty('createClient');
  });
});
