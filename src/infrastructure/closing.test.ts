import { describe, expect, it } from 'vitest';
import { ClosingOrder } from './closing.ts';

describe('ClosingOrder', () => {
  it('closes in the reverse order of opening, one after the other', async () => {
    const closing = new ClosingOrder();
    const closed: string[] = [];
    closing.add('first', () => void closed.push('first'));
    closing.add('second', async () => {
      await Promise.resolve();
      closed.push('second');
    });
    expect(closing.order).toEqual(['second', 'first']);
    expect(await closing.close()).toEqual([]);
    expect(closed).toEqual(['second', 'first']);
  });

  it('goes on when a part fails, and gives back every error', async () => {
    const closing = new ClosingOrder();
    const closed: string[] = [];
    const broken = new RangeError('broken');
    closing.add('first', () => void closed.push('first'));
    closing.add('second', () => Promise.reject(broken));
    closing.add('third', () => {
      throw broken;
    });
    expect(await closing.close()).toEqual([broken, broken]);
    expect(closed).toEqual(['first']);
  });

  it('closes once, however often it is asked', async () => {
    const closing = new ClosingOrder();
    let times = 0;
    closing.add('only', () => {
      times += 1;
    });
    await Promise.all([closing.close(), closing.close()]);
    await closing.close();
    expect(times).toBe(1);
  });
});
