import { describe, expect, it } from 'vitest';
import { NetworkError } from '../errors/index.ts';
import { Fallback } from './index.ts';

const broken = new NetworkError('broken');
const fail =
  (error: unknown = broken) =>
  (): Promise<string> =>
    Promise.reject(error);

describe('Fallback', () => {
  it('gives the value of work that succeeds', async () => {
    await expect(new Fallback({ substitute: () => 'old' }).execute(async () => 'new')).resolves.toBe('new');
  });

  it('gives a substitute for work that fails, made from the error, and tells', async () => {
    const fallback = new Fallback({ name: 'advice', substitute: async error => [error] });
    const told: unknown[] = [];
    fallback.events.on('substituted', event => told.push(event));
    await expect(fallback.execute(fail())).resolves.toEqual([broken]);
    await expect(fallback.protect(fail())()).resolves.toEqual([broken]);
    expect(told).toEqual(Array(2).fill({ name: 'advice', error: broken }));
  });

  it('covers neither an abort nor a caller who has left', async () => {
    const fallback = new Fallback({ substitute: () => 'old' });
    await expect(fallback.execute(fail(new DOMException('m', 'AbortError')))).rejects.toThrow('m');
    await expect(fallback.execute(fail(), { signal: AbortSignal.abort() })).rejects.toBe(broken);
  });

  it('covers what its rule says, and passes on what the substitute throws', async () => {
    const rule = new Fallback({ substitute: () => 'old', shouldSubstitute: error => error instanceof TypeError });
    await expect(rule.execute(fail())).rejects.toBe(broken);
    await expect(rule.execute(fail(new TypeError('m')))).resolves.toBe('old');
    const worse = new Fallback({
      substitute: () => {
        throw new RangeError('worse');
      },
    });
    await expect(worse.execute(fail())).rejects.toThrow('worse');
  });
});
