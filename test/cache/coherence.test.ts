import { describe, expect, it } from 'vitest';
import { serverOrSkip } from '../servers/require.ts';
import { boundMs, runCoherence } from './coherence.ts';
import { type CoherenceEvent, stalenessOf } from './coherence-events.ts';

const program = serverOrSkip('redis-server');

describe('stalenessOf', () => {
  it('tells how long what was read had been replaced, by the first change of which the store had learned', () => {
    const events: CoherenceEvent[] = [
      ['change', 'loaded:1', 1, 0, 10, true],
      ['change', 'loaded:1', 2, 20, 30, false],
      ['foreign', 'loaded:1', 3, 40, 50, true],
      ['foreign', 'loaded:1', 4, 60, 70, true],
      ['read', 'loaded:1', 4, 80, 81, true],
      ['read', 'loaded:1', 1, 150, 151, true],
      ['read', 'loaded:1', 2, 49, 51, true],
      ['read', 'loaded:1', 0, 1_060, 1_061, true],
      ['read', 'loaded:1', undefined, 5_000, 5_001, true],
    ];
    expect(stalenessOf(events, 1_000)).toMatchObject({
      ...{ reads: 5, changes: 4, untold: 1, foreign: 2, foreignUnseen: 0 },
      ...{ staleReads: 2, beyondBound: 1, p50Ms: 1_050, maxMs: 1_050 },
      histogram: { '50 ms': 0, '100 ms': 1, '1000 ms': 0, '2000 ms': 1 },
    });
    expect(stalenessOf(events, 60)).toMatchObject({ beyondBound: 2, foreignUnseen: 1 });
  });

  it('takes what was set for right until it is set again, or deleted, after it had been set', () => {
    const events: CoherenceEvent[] = [
      ['set', 'kept:1', 1, 0, 10, true],
      ['change', 'kept:1', undefined, 5, 20, true],
      ['read', 'kept:1', 1, 25, 26, true],
      ['change', 'kept:1', undefined, 30, 40, true],
      ['set', 'kept:1', 2, 50, 60, true],
      ['read', 'kept:1', 1, 100, 101, true],
      ['read', 'kept:1', 2, 100, 101, true],
      // This one may have been carried out at any time.
      ['set', 'kept:1', 3, 110, 120, false],
      ['change', 'kept:1', undefined, 130, 140, true],
      ['read', 'kept:1', 3, 2_000, 2_001, true],
    ];
    expect(stalenessOf(events, 1_000)).toMatchObject({ reads: 4, staleReads: 1, maxMs: 60, beyondBound: 0 });
  });
});

describe.skipIf(program === undefined)('HybridCache in two processes on a real Redis', () => {
  it('gives nothing that was changed longer ago than the bound, while everything breaks', async () => {
    const run = await runCoherence('plinth', 8_000, { pauseMs: 400, longestMs: 2_000 });
    expect(run.faults.slice(0, 4)).toEqual(['connection cut', 'pushes dropped', 'connection silent', 'redis hung']);
    expect(run).toMatchObject({ beyondBound: 0, foreignUnseen: 0, errors: 0, unhandled: 0, unfinished: [] });
    expect(run.maxMs).toBeLessThanOrEqual(boundMs);
    // It read and changed a lot, and memory answered: nobody is coherent by doing nothing, or by asking Redis every time.
    expect(run.reads).toBeGreaterThan(2_000);
    expect(run.changes - run.untold).toBeGreaterThan(200);
    expect(run.foreign).toBeGreaterThan(100);
    expect(run.memoryHits).toBeGreaterThan(run.reads / 4);
    // There was something to notice: values were read for a while after they had been changed.
    expect(run.staleReads).toBeGreaterThan(20);
    expect(run.maxMs).toBeGreaterThan(300);
  }, 120_000);
});
