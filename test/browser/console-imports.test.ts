import { describe, expect, it } from 'vitest';
import { ImportPaces } from '../../console/src/import-paces.ts';
import type { ImportState } from '../../console/src/import-wire.ts';
import { actionsOf, namesOf, paceOf } from '../../console/src/import-words.ts';

describe('imports in words', () => {
  const running: ImportState = {
    id: 'a',
    title: 'a',
    createdAt: '2026-11-21T08:00:00.000Z',
    state: 'running',
    total: 200,
    done: 50,
    failed: 0,
    recorded: 0,
    active: 5,
    ratePerSecond: 2.94,
    elapsedMs: 17_000,
    etaMs: 51_000,
  };

  it('offers what can be done in each state', () => {
    const states = ['running', 'paused', 'stopped', 'failed', 'completed'] as const;
    expect(states.map(state => actionsOf({ ...running, state }).join(' '))).toEqual([
      'pause stop',
      'resume stop',
      'resume',
      'resume',
      '',
    ]);
  });

  it('says the present pace and what is left while it runs, as far as they are known', () => {
    expect(paceOf(running, 2.94)).toEqual(['2.9 per second', '52 s left']);
    expect(paceOf(running, undefined)).toEqual(['time left unknown']);
    expect(paceOf(running, 0)).toEqual(['0.0 per second', 'time left unknown']);
    expect(paceOf({ ...running, state: 'paused' }, undefined)).toEqual([]);
  });

  it('says the pace on the whole when it is over, but none of what was only read again', () => {
    const over = { ...running, state: 'completed', ratePerSecond: 0 } as const;
    expect(paceOf(over, undefined)).toEqual(['2.9 per second', 'took 17 s']);
    expect(paceOf({ ...over, done: 5, elapsedMs: 40 }, undefined)).toEqual(['125 per second', 'took under 1 s']);
    expect(paceOf({ ...over, recorded: 16 }, undefined)).toEqual([
      '2.0 per second',
      'took 17 s',
      '16 from an earlier run',
    ]);
    expect(paceOf({ ...over, state: 'stopped', recorded: 50 }, undefined)).toEqual(['50 from an earlier run']);
  });

  /** The pace after each of these moments: names that are done, and the seconds that it has run. */
  function pacesAfter(moments: readonly (readonly [done: number, seconds: number])[]): readonly (number | undefined)[] {
    const paces = new ImportPaces();
    return moments.map(([done, seconds]) => {
      paces.note([{ ...running, done, elapsedMs: seconds * 1_000 }]);
      return paces.perSecond(running.id);
    });
  }

  it('measures the pace behind the burst that a limit lets through at first', () => {
    const moments = [0, 1, 2, 3, 4, 5, 6].map(second => [second === 0 ? 0 : 60 + 3 * second, second] as const);
    expect(pacesAfter(moments)).toEqual([undefined, undefined, undefined, undefined, 3, 3, 3]);
  });

  it('follows a pace that changes, and begins anew with another run or after a pause', () => {
    const slower = [0, 2, 12, 22, 32].map(
      (second, index) => [[0, 20, 120, 130, 140][index] as number, second] as const,
    );
    expect(pacesAfter(slower)).toEqual([undefined, undefined, 10, 1, 1]);
    expect(pacesAfter([...slower, [50, 1], [60, 3], [70, 5]]).slice(-3)).toEqual([undefined, undefined, 5]);
    const paces = new ImportPaces();
    for (const elapsedMs of [0, 2_000, 4_000]) paces.note([{ ...running, elapsedMs }]);
    expect(paces.perSecond('a')).toBe(0);
    paces.note([{ ...running, state: 'paused', elapsedMs: 5_000 }]);
    expect(paces.perSecond('a')).toBeUndefined();
  });

  it('takes one name a line, and no empty lines', () => {
    expect(namesOf(' osimertinib \r\n\n  imatinib')).toEqual(['osimertinib', 'imatinib']);
    expect(namesOf('\n ')).toEqual([]);
  });
});
