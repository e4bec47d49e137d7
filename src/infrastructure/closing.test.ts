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

  it('takes nothing more once it has begun to close', async () => {
    const closing = new ClosingOrder();
    const late = () => closing.add('late', () => {});
    closing.add('first', late);
    const errors = await closing.close();
    expect(errors).toMatchObject([{ name: 'RejectedError', code: 'CLOSED' }]);
    expect(late).toThrow('Cannot open "late": the infrastructure is closed, or about to be');
    await expect(closing.open('late', () => Promise.reject(new RangeError('Nobody opens it')))).rejects.toMatchObject({
      code: 'CLOSED',
    });
    expect(closing.order).toEqual(['first']);
  });

  it('closes at once what was being opened meanwhile', async () => {
    const closing = new ClosingOrder();
    const closed: string[] = [];
    let arrive = (): void => {};
    const arrived = new Promise<void>(resolve => {
      arrive = resolve;
    });
    const opening = closing.open('slow', async () => {
      await arrived;
      return { close: () => void closed.push('slow') };
    });
    const refused = expect(opening).rejects.toMatchObject({ code: 'CLOSED' });
    await closing.close();
    arrive();
    await refused;
    expect(closed).toEqual(['slow']);
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
