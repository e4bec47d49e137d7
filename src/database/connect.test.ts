import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../testing/index.ts';
import { type ConnectOptions, connectPatiently } from './connect.ts';
import { ConnectionLostError, QueryError } from './errors.ts';

const refused = (): ConnectionLostError => new ConnectionLostError('Refused');

function attempt(connect: () => Promise<void>, changes: Partial<ConnectOptions> = {}) {
  const clock = new VirtualClock();
  const failures: number[] = [];
  const times: number[] = [];
  const outcome = connectPatiently({
    connect: () => {
      times.push(clock.monotonic());
      return connect();
    },
    onFailure: (_error, number) => failures.push(number),
    maxAttempts: 100,
    deadlineMs: 60_000,
    clock,
    random: { next: () => 1 },
    ...changes,
  }).then(
    () => 'connected',
    (error: unknown) => error,
  );
  return { clock, failures, times, outcome };
}

describe('connectPatiently()', () => {
  it('waits longer after each failure, up to five seconds', async () => {
    let left = 8;
    const { clock, times, failures, outcome } = attempt(() =>
      left-- > 0 ? Promise.reject(refused()) : Promise.resolve(),
    );
    await clock.advance(30_000);
    expect(await outcome).toBe('connected');
    expect(times).toEqual([0, 100, 300, 700, 1_500, 3_100, 6_300, 11_300, 16_300]);
    expect(failures).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(clock.pendingTimers).toBe(0);
  });

  it('gives up at the deadline and keeps the last failure', async () => {
    const last = refused();
    const { clock, outcome } = attempt(() => Promise.reject(last), { deadlineMs: 1_000 });
    await clock.advance(1_000);
    expect(await outcome).toMatchObject({
      code: 'CONNECTION_LOST',
      cause: last,
      message: expect.stringContaining('within 1000 ms (4 tries'),
    });
  });

  it('does not wait past the deadline for a try that hangs', async () => {
    const { clock, outcome } = attempt(() => new Promise(() => undefined), { deadlineMs: 1_000 });
    await clock.advance(1_000);
    expect(await outcome).toBeInstanceOf(ConnectionLostError);
  });

  it('counts the first try in maxAttempts', async () => {
    const { clock, times, outcome } = attempt(() => Promise.reject(refused()), { maxAttempts: 3 });
    await clock.advance(60_000);
    expect(await outcome).toMatchObject({ message: 'Refused' });
    expect(times).toHaveLength(3);
  });

  it('ends at once when waiting does not help', async () => {
    const wrongPassword = new QueryError('Wrong password', { sqlState: '28P01' });
    const { times, outcome } = attempt(() => Promise.reject(wrongPassword));
    expect(await outcome).toBe(wrongPassword);
    expect(times).toHaveLength(1);
  });

  it('stops when the signal fires', async () => {
    const controller = new AbortController();
    const { clock, outcome } = attempt(() => Promise.reject(refused()), { signal: controller.signal });
    await clock.advance(50);
    controller.abort();
    expect(await outcome).toMatchObject({ name: 'AbortError' });
    expect(clock.pendingTimers).toBe(0);
  });
});
