import { describe, expect, it } from 'vitest';
import { begun } from './index.ts';

describe('begun()', () => {
  it('gives the promise of the work itself', () => {
    const working = Promise.resolve(1);
    expect(begun(() => working)).toBe(working);
  });

  it('makes a rejection of what the work throws at once', async () => {
    const thrower = (): Promise<never> => {
      throw new TypeError('at once');
    };
    await expect(begun(thrower)).rejects.toThrow('at once');
  });

  it('takes a plain value or a promise of another make for what it is', async () => {
    await expect(begun(() => 5 as unknown as Promise<number>)).resolves.toBe(5);
    // biome-ignore lint/suspicious/noThenProperty: a promise of another make is what this is about
    const foreign = { then: (resolve: (value: number) => void) => resolve(7) };
    await expect(begun(() => foreign as unknown as Promise<number>)).resolves.toBe(7);
  });
});
