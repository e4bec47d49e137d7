import { describe, expect, it } from 'vitest';
import { getRequestContext, runWithRequestContext } from '../context/index.ts';
import { type PreparedStatement, QueryTimeoutError } from '../database/index.ts';
import { VirtualClock } from '../testing/index.ts';
import { GatheredReads } from './gathered-reads.ts';

const one: PreparedStatement = { sql: 'one', reads: true };
const many: PreparedStatement = { sql: 'many', reads: true };

/** A database that answers when it is told to, and notes the deadlines with which it was asked. */
function openSlowly() {
  const clock = new VirtualClock();
  const startMs = clock.monotonic();
  const asked: { readonly sql: string; readonly deadlineMs: number | undefined }[] = [];
  let answer = (): void => undefined;
  const answered = new Promise<void>(resolve => {
    answer = resolve;
  });
  const reads = new GatheredReads(
    async ({ sql }) => {
      const { deadlineMs } = getRequestContext();
      asked.push({ sql, deadlineMs: deadlineMs === undefined ? undefined : deadlineMs - startMs });
      await answered;
      return [{ id: 1 }, { id: 2 }, { id: 3 }];
    },
    { field: 'id', kind: 'integer', clock },
  );
  /** With a deadline in so many milliseconds from the start. */
  const find = (key: number, ms?: number) =>
    runWithRequestContext({ deadlineMs: ms === undefined ? undefined : startMs + ms }, () =>
      reads.find({ one, many }, key, undefined),
    );
  return { clock, asked, find, answer: () => answer() };
}

describe('reads that are gathered', () => {
  it('end each at the deadline of its own request, and not at that of the first', async () => {
    const { clock, asked, find, answer } = openSlowly();
    const early = find(1, 100);
    const late = find(2, 500);
    const patient = find(3);
    const failure = expect(early).rejects.toBeInstanceOf(QueryTimeoutError);
    await clock.advance(200);
    await failure;
    answer();
    expect([await late, await patient]).toEqual([{ id: 2 }, { id: 3 }]);
    expect(asked).toEqual([{ sql: 'many', deadlineMs: undefined }]);
    expect(clock.pendingTimers).toBe(0);
  });

  it('give the statement the latest deadline of those who wait', async () => {
    const { asked, find, answer } = openSlowly();
    const both = Promise.all([find(1, 100), find(2, 500)]);
    answer();
    expect(await both).toEqual([{ id: 1 }, { id: 2 }]);
    expect(asked).toEqual([{ sql: 'many', deadlineMs: 500 }]);
  });

  it('do not hold up who is out of time already: the database refuses that one alone', async () => {
    const { clock, asked, find, answer } = openSlowly();
    await clock.advance(100);
    const both = Promise.all([find(1, 100), find(2, 500)]);
    answer();
    await both;
    expect(asked).toEqual([
      { sql: 'one', deadlineMs: 100 },
      { sql: 'one', deadlineMs: 500 },
    ]);
  });
});
