import { describe, expect, it } from 'vitest';
import { Events } from '../kernel/index.ts';
import { CallLog, type CallRecord, type GuardEvents } from './index.ts';

function record(part: Partial<CallRecord>): CallRecord {
  return {
    sequence: 1,
    dependency: 'rates',
    operation: 'rates.read',
    startedAt: 0,
    durationMs: 1,
    result: 'ok',
    freshness: 'fresh',
    attempts: 1,
    stages: [],
    ...part,
  };
}

function logOf(maxRecords?: number) {
  const log = new CallLog({ maxRecords });
  const events = new Events<GuardEvents>();
  const subscription = log.observe(events);
  return { log, subscription, add: (part: Partial<CallRecord>) => events.emit('call', record(part)) };
}

describe('CallLog', () => {
  it('gives the latest records, newest first, and never more than it keeps', () => {
    const { log, add } = logOf(10);
    for (let sequence = 1; sequence <= 1_000; sequence += 1) {
      add({ sequence, requestId: 'req-123' });
      const expected = Array.from({ length: Math.min(10, sequence) }, (_, index) => sequence - index);
      expect(log.latest(1_000_000).map(kept => kept.sequence)).toEqual(expected);
      expect(log.latest(3).map(kept => kept.sequence)).toEqual(expected.slice(0, 3));
      expect(log.why('req-123')).toHaveLength(expected.length);
    }
    expect(log.latest(0)).toEqual([]);
    expect(log.latest(-1)).toEqual([]);
  });

  it('says why a request went as it did: its calls, in the order they ended', () => {
    const { log, add } = logOf();
    add({ sequence: 1, requestId: 'req-123' });
    add({ sequence: 2, requestId: 'abc-123' });
    add({ sequence: 3, requestId: 'req-123' });
    add({ sequence: 4 });
    expect(log.why('req-123').map(({ sequence }) => sequence)).toEqual([1, 3]);
    expect(log.why('unknown')).toEqual([]);
  });

  it('counts of a call in the background only what it has asked: nobody waited for it', () => {
    const { log, add } = logOf();
    add({ attempts: 1, background: true });
    add({ attempts: 2, background: true, result: 'failed' });
    expect(log.totals()).toEqual({ calls: 0, ok: 0, stale: 0, rejected: 0, failed: 0, upstreamCalls: 3 });
  });

  it('counts everything that it has seen, also what it has forgotten', () => {
    const { log, add } = logOf(1);
    add({ attempts: 3 });
    add({ attempts: 0 });
    add({ freshness: 'stale', attempts: 2 });
    add({ freshness: 'fallback', attempts: 0 });
    add({ result: 'rejected', attempts: 0 });
    add({ result: 'failed', attempts: 1 });
    expect(log.totals()).toEqual({ calls: 6, ok: 2, stale: 2, rejected: 1, failed: 1, upstreamCalls: 6 });
  });

  it('gives copies of its totals', () => {
    const { log, add } = logOf();
    const before = log.totals();
    add({});
    expect(before.calls).toBe(0);
  });

  it('stops when it is told to', () => {
    const { log, add, subscription } = logOf();
    add({});
    subscription.unsubscribe();
    add({});
    expect(log.totals().calls).toBe(1);
  });

  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('refuses maxRecords %d', maxRecords => {
    expect(() => new CallLog({ maxRecords })).toThrow(
      expect.objectContaining({ argument: 'maxRecords', message: expect.stringContaining(`got ${maxRecords}`) }),
    );
  });
});
