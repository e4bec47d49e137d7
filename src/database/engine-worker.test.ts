import { describe, expect, it, vi } from 'vitest';
import { startEngineWorker } from './engine-worker.ts';
import { ConnectionLostError } from './errors.ts';

/** A start-up message that says it is longer than it is: PGlite throws instead of answering. */
const nonsense = new Uint8Array([0, 0, 0, 8, 0, 0, 0, 0]);

describe('EngineWorker', () => {
  it('fails whatever waits when its database dies, and says so once', async () => {
    const onFailure = vi.fn();
    const worker = await startEngineWorker({ directory: undefined }, onFailure);
    const waiting = await Promise.allSettled([worker.exchange(nonsense), worker.exchange(nonsense)]);
    for (const outcome of waiting) expect(outcome).toMatchObject({ reason: expect.any(ConnectionLostError) });
    await expect(worker.exchange(nonsense)).rejects.toThrow('The embedded database ended');
    await worker.close();
    expect(onFailure).toHaveBeenCalledTimes(1);
  });

  it('says why it could not start', async () => {
    const start = startEngineWorker({ directory: '/dev/null/nowhere' }, () => undefined);
    await expect(start).rejects.toBeInstanceOf(ConnectionLostError);
  });
});
