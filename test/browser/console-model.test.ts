import fc from 'fast-check';
import type { CallRecord as PipelineRecord } from 'plinth/pipeline';
import { stageOrder } from 'plinth/pipeline';
import { describe, expect, it } from 'vitest';
import { deepestStage, kindOf, summarizeStage } from '../../console/src/call-kind.ts';
import { CallRate } from '../../console/src/call-rate.ts';
import { formatAge, formatCounted, formatDuration, formatSpan } from '../../console/src/format.ts';
import { RecentCalls } from '../../console/src/recent-calls.ts';
import { RequestCosts } from '../../console/src/request-costs.ts';
import { type CallRecord, stageOrder as stageOrderOfConsole } from '../../console/src/wire.ts';
import { type SampleKind, sampleCalls } from './sample-calls.ts';

/** Compiles only while the console understands every record that a pipeline makes. */
const asReceived: (record: PipelineRecord) => CallRecord = record => record;

function record(sequence: number, change: Partial<CallRecord> = {}, kind: SampleKind = 'fetched'): CallRecord {
  return asReceived({ ...sampleCalls[kind]('osimertinib'), sequence, startedAt: 1_000 * sequence, ...change });
}

function sequences(calls: RecentCalls): readonly number[] {
  return calls.list.map(({ sequence }) => sequence);
}

describe('what the console knows of a call', () => {
  it('has the same stages in the same order as the pipeline', () => {
    expect(stageOrderOfConsole).toEqual(stageOrder);
  });

  it('tells five kinds of end apart', () => {
    const kinds = (['fetched', 'stale', 'substituted', 'refused', 'timedOut'] as const).map(kind =>
      kindOf(record(1, {}, kind)),
    );
    expect(kinds).toEqual(['ok', 'stale', 'fallback', 'refused', 'failed']);
  });

  it('sums up a stage by its last decision and how often it decided so', () => {
    const { stages } = record(1, {}, 'stale');
    expect(summarizeStage(stages, ['transport', 'fault'])).toMatchObject({
      decision: 'failed',
      times: 3,
      tone: 'failed',
    });
    expect(summarizeStage(stages, ['cache'])).toMatchObject({ decision: 'stale', times: 1 });
    expect(summarizeStage(stages, ['deadline'])).toBeUndefined();
  });

  it('knows how far a call went', () => {
    expect(deepestStage(record(1, {}, 'hit').stages)).toBe(stageOrder.indexOf('cache'));
    expect(deepestStage(record(1, {}, 'fetched').stages)).toBe(stageOrder.indexOf('transport'));
    expect(deepestStage([])).toBe(-1);
  });
});

describe('RecentCalls', () => {
  it('holds each of the newest calls once, newest first, in whatever order they come', () => {
    const batches = fc.array(fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 15 }), { maxLength: 12 });
    fc.assert(
      fc.property(batches, numbers => {
        const calls = new RecentCalls(10);
        for (const batch of numbers) calls.add(batch.map(number => record(number)));
        const newest = [...new Set(numbers.flat())].sort((left, right) => right - left).slice(0, 10);
        // A call older than everything that was ever dropped may not come back, a newer one may not be lost.
        expect(sequences(calls)).toEqual(newest);
      }),
    );
  });

  it('tells calls of two dependencies apart, although each may count for itself', () => {
    const calls = new RecentCalls(10);
    expect(calls.add([record(1), record(1, { dependency: 'orange-book' }), record(1)])).toBe(2);
    expect(calls.list.map(({ dependency }) => dependency).sort()).toEqual(['openfda', 'orange-book']);
  });

  it('keeps a pinned call until it is let go, and stays within its limit', () => {
    const calls = new RecentCalls(3);
    calls.add([record(1)]);
    calls.pin(record(1), true);
    calls.add([record(2), record(3), record(4), record(5)]);
    expect(sequences(calls)).toEqual([5, 4, 1]);
    calls.pin(record(1), false);
    calls.add([record(6)]);
    expect(sequences(calls)).toEqual([6, 5, 4]);
  });
});

describe('RequestCosts', () => {
  it('counts the real attempts of the calls made for the requests asked about, each call once', () => {
    const costs = new RequestCosts(10);
    const fetched = record(1, { requestId: 'a' });
    costs.add(fetched);
    costs.add(fetched);
    costs.add(record(2, { requestId: 'b' }, 'joined'));
    costs.add(record(3, { requestId: 'c' }, 'hit'));
    costs.add(record(4, { requestId: 'other' }, 'retried'));
    expect(costs.costOf(['a', 'b', 'c', 'not seen'])).toEqual({
      requestsSeen: 3,
      guardedCalls: 3,
      upstreamCalls: 1,
      joined: 1,
      hits: 1,
    });
  });

  it('forgets the oldest requests beyond its limit', () => {
    const costs = new RequestCosts(2);
    for (const [index, requestId] of ['a', 'b', 'c'].entries()) costs.add(record(index + 1, { requestId }));
    expect(costs.costOf(['a']).requestsSeen).toBe(0);
    expect(costs.costOf(['b', 'c']).requestsSeen).toBe(2);
  });
});

describe('CallRate', () => {
  it('shows full seconds only, quiet ones as zero, and unknown ones as unknown', () => {
    const rate = new CallRate(5, 10_000);
    rate.advance(10_900, true);
    rate.count();
    rate.advance(11_000, true);
    rate.count();
    rate.count();
    expect(rate.history()).toEqual([undefined, undefined, undefined, undefined, undefined]);
    rate.advance(13_500, true);
    expect(rate.history()).toEqual([undefined, undefined, undefined, 2, 0]);
    rate.advance(14_200, false);
    rate.advance(15_200, true);
    expect(rate.history()).toEqual([undefined, 2, 0, 0, undefined]);
  });

  it('always has the same length, however the clock jumps', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 1e9 }), fc.boolean())), jumps => {
        const rate = new CallRate(60, 500_000_000);
        for (const [nowMs, connected] of jumps) rate.advance(nowMs, connected);
        expect(rate.history()).toHaveLength(60);
      }),
    );
  });
});

describe('the words of the console', () => {
  it('writes durations and ages as people read them', () => {
    expect([0, 0.84, 9.96, 182.4, 999.7, 1_240, 59_999, 125_000].map(formatDuration)).toEqual([
      '0.0 ms',
      '0.8 ms',
      '10 ms',
      '182 ms',
      '1.00 s',
      '1.24 s',
      '59 s',
      '2 min 5 s',
    ]);
    expect([0, 340, 12_400, 684_000].map(formatAge)).toEqual([
      'just fetched',
      '340 ms old',
      '12 s old',
      '11 min 24 s old',
    ]);
    expect([3_600_000, 8_040_000, 273_600_000].map(formatSpan)).toEqual(['1 h', '2 h 14 min', '3 d 4 h']);
    expect([formatCounted(1, 'call'), formatCounted(1_200, 'call')]).toEqual(['1 call', '1,200 calls']);
  });
});
