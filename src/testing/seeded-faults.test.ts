import { describe, expect, it } from 'vitest';
import { NetworkError, TimeoutError, UpstreamError } from '../errors/index.ts';
import { type CallRecord, pipeline } from '../pipeline/index.ts';
import { type SeededFaultsOptions, seededFaults, seededRandom, VirtualClock } from './index.ts';

/** A thousand calls one after the other: `.` for an answer, `!` for a failure, `-` for one that took longer, `~` for one that hung. */
async function calls(options: SeededFaultsOptions): Promise<string> {
  const clock = new VirtualClock();
  const faults = seededFaults({ random: seededRandom(42), clock, ...options });
  const guard = pipeline('rates', { clock }).attemptTimeout(3_000).fault(faults).build();
  let marks = '';
  for (let count = 0; count < 1_000; count += 1) {
    const startedMs = clock.monotonic();
    const called = guard
      .execute({ operation: count % 2 === 0 ? 'even' : 'odd' }, async () => 'answer')
      .then(
        () => (clock.monotonic() > startedMs ? '-' : '.'),
        error => (error instanceof TimeoutError ? '~' : '!'),
      );
    await clock.advance(3_000);
    marks += await called;
  }
  return marks;
}

const count = (marks: string, mark: string): number => marks.split(mark).length - 1;

describe('seededFaults', () => {
  it('does nothing by default', async () => {
    expect(count(await calls({}), '.')).toBe(1_000);
  });

  it('makes its share fail, hang and take longer, the same attempts in every run', async () => {
    const options = { failureRate: 0.2, hangRate: 0.1, delayRate: 0.3, delayMs: 500 };
    const marks = await calls(options);
    expect(await calls(options)).toBe(marks);
    expect(await calls({ ...options, random: seededRandom(43) })).not.toBe(marks);
    for (const [mark, expected] of [
      ['!', 200],
      ['~', 100],
      ['-', 300],
      ['.', 400],
    ] as const)
      expect(Math.abs(count(marks, mark) - expected)).toBeLessThan(60);
  });

  it('makes the same attempts fail under a larger rate, and some more', async () => {
    const [few, many] = [await calls({ failureRate: 0.1 }), await calls({ failureRate: 0.3 })];
    for (const [index, mark] of [...few].entries()) if (mark === '!') expect(many[index]).toBe('!');
    expect(count(many, '!')).toBeGreaterThan(count(few, '!') * 2);
  });

  it('disturbs only the operations it is given, and only while it is active', async () => {
    const marks = await calls({ failureRate: 1, operations: ['odd'] });
    expect(marks).toBe('.!'.repeat(500));
    let asked = 0;
    const isActive = (): boolean => {
      asked += 1;
      return asked > 500;
    };
    const halves = await calls({ failureRate: 1, isActive });
    expect(halves).toBe('.'.repeat(500) + '!'.repeat(500));
  });

  it('fails with a NetworkError or with what it is given, and the record says so', async () => {
    const records: CallRecord[] = [];
    for (const [error, expected] of [
      [undefined, NetworkError],
      [() => new UpstreamError('m', 503), UpstreamError],
    ] as const) {
      const guard = pipeline('rates')
        .fault(seededFaults({ failureRate: 1, error }))
        .build();
      guard.events.on('call', record => records.push(record));
      await expect(guard.execute({ operation: 'read' }, async () => 1)).rejects.toThrow(expected);
    }
    expect(
      records.map(({ attempts, stages }) => [attempts, stages.map(({ stage, decision }) => `${stage} ${decision}`)]),
    ).toEqual([
      [0, ['fault injected']],
      [0, ['fault injected']],
    ]);
  });

  it.each([
    ['failureRate', { failureRate: 1.1 }],
    ['hangRate', { failureRate: 0.6, hangRate: 0.5 }],
    ['delayRate', { failureRate: 0.5, hangRate: 0.25, delayRate: 0.3 }],
    ['delayMs', { delayMs: -1 }],
  ])('refuses a %s that makes no sense', (argument, options) => {
    expect(() => seededFaults(options)).toThrow(expect.objectContaining({ argument }));
  });
});
