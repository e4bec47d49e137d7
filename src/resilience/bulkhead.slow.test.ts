import { getEventListeners } from 'node:events';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../testing/index.ts';
import { Bulkhead, type BulkheadOptions, type SlotWait } from './index.ts';

const hang = (): Promise<never> => new Promise(() => {});

/** Waits for slots under names, and notes in which order they are given. */
function queueing(bulkhead: Bulkhead, waits: Readonly<Record<string, SlotWait>>): string[] {
  const given: string[] = [];
  for (const [name, wait] of Object.entries(waits)) {
    bulkhead.acquire(wait).then(
      () => given.push(name),
      error => given.push(`${name}: ${error.reason}`),
    );
  }
  return given;
}

describe('Bulkhead', () => {
  it('runs so many at once, lets so many wait, and refuses the rest with the sizes', async () => {
    const clock = new VirtualClock();
    const bulkhead = new Bulkhead({ name: 'reports', maxConcurrent: 2, maxQueued: 1, clock });
    const told: string[] = [];
    bulkhead.events.on('rejected', ({ name, reason }) => told.push(`${name} ${reason}`));
    void bulkhead.execute(hang);
    const second = bulkhead.execute(() => clock.sleep(100));
    const third = bulkhead.execute(async () => 'third');
    await expect(bulkhead.execute(hang)).rejects.toMatchObject({
      reason: 'full',
      message: expect.stringMatching(/"reports".*2 of 2 slots.*1 of 1/),
    });
    expect(bulkhead.snapshot()).toEqual({ name: 'reports', active: 2, queued: 1, maxConcurrent: 2, maxQueued: 1 });
    await clock.advance(100);
    await second;
    await expect(third).resolves.toBe('third');
    expect(told).toEqual(['reports full']);
    expect(clock.pendingTimers).toBe(0);
  });

  it('gives the slot back when the work fails, at once or later', async () => {
    const bulkhead = new Bulkhead({ maxConcurrent: 1 });
    const thrower = (): Promise<never> => {
      throw new TypeError('at once');
    };
    await expect(bulkhead.execute(thrower)).rejects.toThrow('at once');
    await expect(bulkhead.execute(() => Promise.reject(new TypeError('later')))).rejects.toThrow('later');
    expect(bulkhead.snapshot().active).toBe(0);
  });

  it('serves higher priorities first, and each in the order of arrival', async () => {
    const clock = new VirtualClock();
    const bulkhead = new Bulkhead({ maxConcurrent: 1, clock });
    bulkhead.tryAcquire();
    const given = queueing(bulkhead, { a: {}, b: { priority: 2 }, c: { priority: 1 }, d: { priority: 9 }, e: {} });
    for (let slot = 0; slot < 6; slot += 1) {
      await clock.advance(0);
      bulkhead.release();
    }
    expect(given).toEqual(['b', 'd', 'c', 'a', 'e']);
  });

  it('gives no tenant more than its share while others wait', async () => {
    const clock = new VirtualClock();
    const bulkhead = new Bulkhead({ maxConcurrent: 4, tenantShare: 0.5, clock });
    for (let slot = 0; slot < 4; slot += 1) bulkhead.tryAcquire({ tenant: 'loud' });
    const given = queueing(bulkhead, {
      loud1: { tenant: 'loud', priority: 2 },
      loud2: { tenant: 'loud', priority: 2 },
      quiet1: { tenant: 'quiet' },
      quiet2: { tenant: 'quiet' },
    });
    for (let slot = 0; slot < 4; slot += 1) {
      bulkhead.release({ tenant: 'loud' });
      await clock.advance(0);
    }
    expect(given).toEqual(['quiet1', 'quiet2', 'loud1', 'loud2']);
  });

  it('lets one tenant take everything that nobody else wants', () => {
    const bulkhead = new Bulkhead({ maxConcurrent: 4, tenantShare: 0.25 });
    expect(Array.from({ length: 4 }, () => bulkhead.tryAcquire({ tenant: 'only' }))).toEqual(Array(4).fill(true));
  });

  it('ends a wait at the deadline of the caller, or after the longest wait', async () => {
    const clock = new VirtualClock();
    const bulkhead = new Bulkhead({ maxConcurrent: 1, maxWaitMs: 500, clock });
    bulkhead.tryAcquire();
    const given = queueing(bulkhead, {
      past: { deadlineMs: 0 },
      soon: { deadlineMs: 100 },
      late: { deadlineMs: 9_000 },
    });
    await clock.advance(99);
    expect(given).toEqual(['past: out-of-time']);
    await clock.advance(1);
    expect(given).toEqual(['past: out-of-time', 'soon: out-of-time']);
    await clock.advance(400);
    expect(given.at(-1)).toBe('late: out-of-time');
    expect([bulkhead.snapshot().queued, clock.pendingTimers]).toEqual([0, 0]);
  });

  it('does not begin for a caller who has left', async () => {
    const bulkhead = new Bulkhead();
    const signal = AbortSignal.abort(new TypeError('left'));
    await expect(bulkhead.execute(hang, { signal })).rejects.toThrow('left');
    await expect(bulkhead.acquire({ signal })).rejects.toThrow('left');
    expect(bulkhead.snapshot().active).toBe(0);
  });

  it('keeps nothing of 100,000 calls that were aborted while they waited', async () => {
    const clock = new VirtualClock();
    const bulkhead = new Bulkhead({ maxConcurrent: 1, clock });
    bulkhead.tryAcquire();
    let listeners = 0;
    for (let round = 0; round < 1_000; round += 1) {
      const leavers = Array.from({ length: 100 }, () => new AbortController());
      const waits = leavers.map(({ signal }, index) =>
        bulkhead.acquire({ signal, deadlineMs: 1_000, tenant: `tenant ${index % 7}`, priority: index % 3 }),
      );
      const settled = Promise.allSettled(waits);
      expect(bulkhead.snapshot().queued).toBe(100);
      for (const leaver of leavers) leaver.abort();
      for (const { status } of await settled) if (status !== 'rejected') expect(status).toBe('rejected');
      for (const { signal } of leavers) listeners += getEventListeners(signal, 'abort').length;
    }
    bulkhead.release();
    expect(bulkhead.snapshot()).toMatchObject({ active: 0, queued: 0 });
    expect(clock.pendingTimers).toBe(0);
    expect(listeners).toBe(0);
  });

  it('leaves no listener on the signal of calls that got their slot', async () => {
    const clock = new VirtualClock();
    const bulkhead = new Bulkhead({ maxConcurrent: 1, clock });
    const { signal } = new AbortController();
    await Promise.all(Array.from({ length: 10 }, () => bulkhead.execute(async () => 'done', { signal })));
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    expect(clock.pendingTimers).toBe(0);
  });

  it('changes its numbers, all or none: more slots are given out at once', async () => {
    const clock = new VirtualClock();
    const bulkhead = new Bulkhead({ maxConcurrent: 1, clock });
    bulkhead.tryAcquire();
    const given = queueing(bulkhead, { a: {}, b: {}, c: {} });
    bulkhead.reconfigure({ maxConcurrent: 3 });
    await clock.advance(0);
    expect(given).toEqual(['a', 'b']);
    bulkhead.reconfigure({ maxConcurrent: 1 });
    bulkhead.release();
    bulkhead.release();
    await clock.advance(0);
    expect(given).toEqual(['a', 'b']);
    expect(() => bulkhead.reconfigure({ maxQueued: 5, maxConcurrent: 0 })).toThrow(
      expect.objectContaining({ argument: 'maxConcurrent' }),
    );
    const priorities = { ...bulkhead.settings, priorities: 5 };
    expect(() => bulkhead.reconfigure(priorities)).toThrow(expect.objectContaining({ argument: 'priorities' }));
    expect(bulkhead.settings).toMatchObject({ maxConcurrent: 1, maxQueued: 100, priorities: 3 });
  });

  it('refuses to take back a slot that it has not given', () => {
    expect(() => new Bulkhead().release()).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });

  it.each([
    ['maxConcurrent', 0],
    ['maxConcurrent', Number.NaN],
    ['maxQueued', -1],
    ['maxWaitMs', 0],
    ['priorities', 0],
    ['tenantShare', 0],
    ['tenantShare', 1.5],
  ])('refuses %s %d, with its name and value', (argument, value) => {
    expect(() => new Bulkhead({ [argument]: value })).toThrow(
      expect.objectContaining({ argument, message: expect.stringContaining(`got ${value}`) }),
    );
  });
});

interface Waiting {
  readonly id: number;
  readonly priority: number;
  readonly tenant: string | undefined;
  readonly dueMs: number;
  readonly leaver: AbortController;
}

/** What the bulkhead should do, by sorting. */
class Model {
  readonly numbers: Required<Pick<BulkheadOptions, 'maxConcurrent' | 'maxQueued' | 'tenantShare'>>;
  holders: (string | undefined)[] = [];
  queue: Waiting[] = [];
  granted: number[] = [];

  constructor(numbers: Model['numbers']) {
    this.numbers = numbers as never;
  }

  held(tenant: string | undefined): number {
    return this.holders.filter(holder => holder === tenant).length;
  }

  grant(): void {
    const { maxConcurrent = 0, tenantShare = 1 } = this.numbers;
    while (this.holders.length < maxConcurrent && this.queue.length > 0) {
      const share = Math.max(1, Math.floor(tenantShare * maxConcurrent));
      const sorted = this.queue.toSorted(
        (a, b) => b.priority - a.priority || this.held(a.tenant) - this.held(b.tenant) || a.id - b.id,
      );
      const next = sorted.find(({ tenant }) => this.held(tenant) < share) ?? sorted[0];
      this.queue = this.queue.filter(waiting => waiting !== next);
      this.holders.push(next?.tenant);
      this.granted.push(next?.id ?? -1);
    }
  }
}

const tenants = fc.constantFrom(undefined, 'a', 'b', 'c');
const commands = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constant('acquire' as const),
        tenant: tenants,
        priority: fc.nat(2),
        forMs: fc.integer({ min: 1, max: 300 }),
      }),
    },
    { weight: 5, arbitrary: fc.record({ do: fc.constant('release' as const), which: fc.nat(20) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('abort' as const), which: fc.nat(20) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.nat(100) }) },
  ),
  { maxLength: 60, size: 'max' },
);

describe('Bulkhead, beside its model', () => {
  it('gives slots to whom they are due, in the order of the model', async () => {
    const numbers = fc.record({
      maxConcurrent: fc.integer({ min: 1, max: 5 }),
      maxQueued: fc.integer({ min: 0, max: 8 }),
      tenantShare: fc.constantFrom(0.2, 0.5, 1),
    });
    await fc.assert(
      fc.asyncProperty(numbers, commands, async (options, sequence) => {
        const clock = new VirtualClock();
        const bulkhead = new Bulkhead({ ...options, clock });
        const model = new Model(options);
        const granted: number[] = [];
        for (const [id, command] of sequence.entries()) {
          if (command.do === 'acquire') {
            const { tenant, priority, forMs } = command;
            const leaver = new AbortController();
            const dueMs = clock.monotonic() + forMs;
            const slot = bulkhead.acquire({ tenant, priority, deadlineMs: dueMs, signal: leaver.signal });
            slot.then(
              () => granted.push(id),
              () => {},
            );
            const isFull = model.holders.length >= options.maxConcurrent && model.queue.length >= options.maxQueued;
            if (!isFull) model.queue.push({ id, priority, tenant, dueMs, leaver });
          } else if (command.do === 'release' && model.holders.length > 0) {
            const [tenant] = model.holders.splice(command.which % model.holders.length, 1);
            bulkhead.release({ tenant });
          } else if (command.do === 'abort' && model.queue.length > 0) {
            const [waiting] = model.queue.splice(command.which % model.queue.length, 1);
            waiting?.leaver.abort();
          } else if (command.do === 'wait') {
            await clock.advance(command.ms);
            model.queue = model.queue.filter(({ dueMs }) => dueMs > clock.monotonic());
          }
          model.grant();
          await clock.advance(0);
          expect(granted).toEqual(model.granted);
          expect(bulkhead.snapshot()).toMatchObject({ active: model.holders.length, queued: model.queue.length });
          expect(clock.pendingTimers).toBe(model.queue.length);
        }
      }),
      { numRuns: 300 },
    );
  });
});
