import { beforeEach, describe, expect, it } from 'vitest';
import { clearRequestContext, getRequestContext, runWithRequestContext, setRequestContext } from './index.ts';

const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve));

describe('request context', () => {
  beforeEach(() => clearRequestContext());

  it('is empty outside a request', () => {
    expect(getRequestContext()).toEqual({});
    expect(Object.isFrozen(getRequestContext())).toBe(true);
  });

  it('is there in everything that the work starts, and gone afterwards', async () => {
    const seen = await runWithRequestContext({ requestId: 'req-123' }, async () => {
      await turn();
      return Promise.all([1, 2].map(async () => getRequestContext().requestId));
    });
    expect(seen).toEqual(['req-123', 'req-123']);
    expect(getRequestContext()).toEqual({});
  });

  it('is there in callbacks that fire after the work has returned', async () => {
    const later = runWithRequestContext(
      { requestId: 'abc-123' },
      () => new Promise(resolve => setImmediate(() => resolve(getRequestContext().requestId))),
    );
    expect(getRequestContext()).toEqual({});
    await expect(later).resolves.toBe('abc-123');
  });

  it('does not mix between requests that run at the same time', async () => {
    const request = async (requestId: string): Promise<boolean> => {
      for (let step = 0; step < 10; step += 1) {
        await (step % 2 === 0 ? turn() : Promise.resolve());
        if (getRequestContext().requestId !== requestId) return false;
      }
      return true;
    };
    const requests = Array.from({ length: 200 }, (_, index) => `req-${index}`);
    const kept = await Promise.all(
      requests.map(requestId => runWithRequestContext({ requestId }, () => request(requestId))),
    );
    expect(kept).toEqual(requests.map(() => true));
  });

  it('takes from the surrounding context what it does not name, and gives it back', () => {
    runWithRequestContext({ requestId: 'req-123', userId: 'user-123' }, () => {
      runWithRequestContext({ userId: 'user123', deadlineMs: 5 }, () => {
        expect(getRequestContext()).toEqual({ requestId: 'req-123', userId: 'user123', deadlineMs: 5 });
      });
      expect(getRequestContext()).toEqual({ requestId: 'req-123', userId: 'user-123' });
    });
  });

  it('is back after work that throws', () => {
    const work = (): never => {
      throw new TypeError('no');
    };
    expect(() => runWithRequestContext({ requestId: 'req-123' }, work)).toThrow('no');
    expect(getRequestContext()).toEqual({});
  });

  it('cannot be changed by who reads it or by who gave it', () => {
    const given = { requestId: 'req-123' };
    runWithRequestContext(given, () => {
      given.requestId = 'changed';
      expect(getRequestContext().requestId).toBe('req-123');
      expect(Object.isFrozen(getRequestContext())).toBe(true);
    });
  });

  it('can be added to and cleared for the rest of the execution', async () => {
    await runWithRequestContext({ requestId: 'req-123' }, async () => {
      setRequestContext({ userId: 'user-123' });
      await turn();
      expect(getRequestContext()).toEqual({ requestId: 'req-123', userId: 'user-123' });
      clearRequestContext();
      await turn();
      expect(getRequestContext()).toEqual({});
    });
    expect(getRequestContext()).toEqual({});
  });

  it('that a child sets stays in the child', async () => {
    await runWithRequestContext({ requestId: 'req-123' }, async () => {
      const child = async (): Promise<void> => {
        await turn();
        setRequestContext({ userId: 'user-123' });
      };
      await child();
      expect(getRequestContext()).toEqual({ requestId: 'req-123' });
    });
  });
});
