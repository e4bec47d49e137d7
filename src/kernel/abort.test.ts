import { describe, expect, it } from 'vitest';
import { abortReason, isAbortError, untilAborted } from './index.ts';

describe('abortReason', () => {
  it('is what the signal was aborted with', () => {
    const reason = new TypeError('enough');
    expect(abortReason(AbortSignal.abort(reason))).toBe(reason);
  });

  it('is an AbortError otherwise', () => {
    for (const signal of [AbortSignal.abort(), AbortSignal.abort(null), undefined]) {
      expect(isAbortError(abortReason(signal))).toBe(true);
    }
  });
});

describe('isAbortError', () => {
  it.each([[new TypeError('x')], ['AbortError'], [{ name: 'AbortError' }], [undefined], [null]])(
    'is false for %s',
    error => {
      expect(isAbortError(error)).toBe(false);
    },
  );
});

describe('untilAborted', () => {
  it('passes the outcome through', async () => {
    const { signal } = new AbortController();
    await expect(untilAborted(Promise.resolve(1), signal)).resolves.toBe(1);
    await expect(untilAborted(Promise.reject(new TypeError('no')), signal)).rejects.toThrow('no');
  });

  it('is the promise itself when there is no signal', () => {
    const promise = Promise.resolve(1);
    expect(untilAborted(promise, undefined)).toBe(promise);
  });

  it('stops waiting at the abort', async () => {
    const controller = new AbortController();
    const waiting = untilAborted(new Promise(() => {}), controller.signal);
    controller.abort(new TypeError('left'));
    await expect(waiting).rejects.toThrow('left');
  });

  it.each(['before', 'after'])('handles the failure of work that was left %s it began', async when => {
    const unhandled: unknown[] = [];
    const onUnhandled = (error: unknown): number => unhandled.push(error);
    process.on('unhandledRejection', onUnhandled);
    const controller = new AbortController();
    if (when === 'before') controller.abort();
    const work = new Promise((_, reject) => setImmediate(() => reject(new TypeError('late'))));
    const waiting = untilAborted(work, controller.signal);
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
    for (let turn = 0; turn < 3; turn += 1) await new Promise(resolve => setImmediate(resolve));
    process.off('unhandledRejection', onUnhandled);
    expect(unhandled).toEqual([]);
  });
});
