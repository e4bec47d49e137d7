import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { DatabaseManager } from '../../database/index.ts';
import { ConfigurationError, NetworkError, NotFoundError, RejectedError, UpstreamError } from '../../errors/index.ts';
import type { BatchResult } from '../batch-result.ts';
import type { BatchEnd } from '../events.ts';
import { QueuedBatch, type QueuedBatchOptions, WorkerLostError } from './index.ts';
import { loadPgBoss } from './load-pg-boss.ts';

type Work = QueuedBatchOptions<string, unknown>['work'];

const database = new DatabaseManager();
const open: QueuedBatch<string, unknown>[] = [];
let queues = 0;

/** A batch on a queue of its own, or on the queue of another one. */
function batchOf(work: Work, options: Partial<QueuedBatchOptions<string, unknown>> = {}): QueuedBatch<string, unknown> {
  queues += 1;
  const batch = new QueuedBatch<string, unknown>({
    name: `queue-${queues}`,
    database,
    pollIntervalMs: 5,
    work,
    ...options,
  });
  open.push(batch);
  return batch;
}

const upper: Work = name => name.toUpperCase();
const names = (count: number): string[] => Array.from({ length: count }, (_, index) => `drug-${index}`);

async function allOf(
  batch: QueuedBatch<string, unknown>,
  job: string,
): Promise<readonly BatchResult<string, unknown>[]> {
  const results: BatchResult<string, unknown>[] = [];
  for await (const result of batch.results(job)) results.push(result);
  return results;
}

async function enqueueAndRun(batch: QueuedBatch<string, unknown>, items: readonly string[]) {
  await batch.enqueue('job', items);
  const working = batch.work();
  const results = await allOf(batch, 'job');
  await batch.stop();
  await working;
  return results;
}

async function messagesIn(batch: QueuedBatch<string, unknown>): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::int as count from plinth_batch.job where name = ${batch.name}`.execute(database.db);
  return rows[0]?.count ?? 0;
}

/** As if everything that is in hand had been taken an hour ago. */
async function anHourPasses(): Promise<void> {
  await sql`update plinth_batch.job set started_on = started_on - interval '1 hour'`.execute(database.db);
}

beforeAll(() => database.open());
afterEach(async () => {
  for (const batch of open.splice(0)) await batch.close();
});
afterAll(() => database.close());

describe('QueuedBatch on the embedded engine', () => {
  it('gives every outcome in the order of the items, whatever order they end in', async () => {
    const batch = batchOf(async (name, { index }) => {
      for (let turn = 0; turn < 10 - (index % 10); turn += 1) await new Promise(setImmediate);
      if (name.endsWith('7')) throw new UpstreamError('No such drug', 404);
      return { name, index };
    });
    const results = await enqueueAndRun(batch, names(40));
    expect(results.map(({ index, item }) => [index, item])).toEqual(names(40).map((name, index) => [index, name]));
    for (const { index, item, ok, value, error, recorded } of results) {
      expect(recorded).toBe(true);
      if (ok) expect(value).toEqual({ name: item, index });
      else expect(error).toMatchObject({ name: 'RecordedError', code: 'UPSTREAM_ERROR', message: 'No such drug' });
      expect(ok).toBe(!item.endsWith('7'));
    }
    expect(await batch.progress('job')).toMatchObject({ state: 'ended', done: 40, failed: 4, active: 0, total: 40 });
    expect(await messagesIn(batch)).toBe(0);
  });

  it('adds what is missing and nothing twice when a job is enqueued again', async () => {
    const batch = batchOf(upper);
    async function* cutOff(): AsyncGenerator<string> {
      yield* names(1_200);
      throw new NetworkError('The list broke off');
    }
    await expect(batch.enqueue('job', cutOff())).rejects.toThrow('The list broke off');
    expect(await batch.progress('job')).toMatchObject({ state: 'running', total: undefined });
    expect(await batch.enqueue('job', names(1_300))).toEqual({ total: 1_300, added: 300 });
    expect(await batch.enqueue('job', names(1_300))).toEqual({ total: 1_300, added: 0 });
    expect(await messagesIn(batch)).toBe(1_300);
    expect(await batch.enqueue('job', names(1_301))).toEqual({ total: 1_301, added: 1 });
    expect(await batch.progress('job')).toMatchObject({ done: 0, total: 1_301 });
  });

  it('takes equal items for two, and the same name in another job for another item', async () => {
    const keys: string[] = [];
    const batch = batchOf((name, { idempotencyKey, key }) => {
      keys.push(idempotencyKey);
      expect(key).toBe(JSON.stringify(name));
      return name;
    });
    await batch.enqueue('other', ['a']);
    const results = await enqueueAndRun(batch, ['a', 'a', 'b']);
    expect(results.map(({ value }) => value)).toEqual(['a', 'a', 'b']);
    expect(new Set(keys).size).toBe(4);
    expect(keys.every(key => /^[0-9a-f]{32}$/.test(key))).toBe(true);
  });

  it('refuses another list under the name of a job, and items that JSON would change', async () => {
    const batch = batchOf(upper);
    await batch.enqueue('job', ['a', 'b', 'c']);
    await expect(batch.enqueue('job', ['a', 'x', 'c'])).rejects.toThrow('item 1 is another one');
    await expect(batch.enqueue('job', ['a'])).rejects.toThrow('it has more than these 1 items');
    await expect(batch.enqueue('job', [new Date(0)] as never)).rejects.toThrow('Cannot queue item 0: as JSON it loses');
    await expect(batch.enqueue('job', [undefined] as never)).rejects.toThrow('is nothing');
    expect(await batch.progress('job')).toMatchObject({ total: 3 });
    await expect(batch.progress('nothing')).rejects.toBeInstanceOf(NotFoundError);
    expect(await batch.discard('job')).toBe(true);
    expect(await batch.discard('job')).toBe(false);
    expect(await enqueueAndRun(batch, ['z'])).toMatchObject([{ item: 'z', value: 'Z' }]);
  });

  it('keeps letters that a database might not take, and a value that is nothing', async () => {
    const batch = batchOf(name => (name === 'nothing' ? undefined : { name }));
    const items = ['zero \u0000', 'half \ud800', '\u00e4\u2028"\\', 'nothing', ''];
    const results = await enqueueAndRun(batch, items);
    expect(results.map(({ item }) => item)).toEqual(items);
    expect(results.map(({ value }) => value)).toEqual(items.map(name => (name === 'nothing' ? undefined : { name })));
  });

  it('works on no more items at once than it may, and waits at the limiter for each', async () => {
    let active = 0;
    let most = 0;
    const waits: (string | undefined)[] = [];
    const batch = batchOf(
      async () => {
        active += 1;
        most = Math.max(most, active);
        for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
        active -= 1;
      },
      {
        maxConcurrent: 3,
        limiter: { wait: async key => void waits.push(key) },
        limitKeyOf: name => name.slice(0, 4),
      },
    );
    await enqueueAndRun(batch, names(20));
    expect(most).toBe(3);
    expect(waits).toEqual(Array.from({ length: 20 }, () => 'drug'));
  });

  it('tries again what may pass, with the same idempotency key, as often as it may', async () => {
    const tries: string[] = [];
    const batch = batchOf(
      (name, { idempotencyKey }) => {
        tries.push(`${name} ${idempotencyKey}`);
        if (name === 'unknown') throw new UpstreamError('No such drug', 404);
        if (name === 'down' || tries.length < 3) throw new NetworkError('Away', { retryAfterMs: 1 });
        return name;
      },
      { maxAttempts: 3, maxConcurrent: 1 },
    );
    const results = await enqueueAndRun(batch, ['flaky', 'unknown', 'down']);
    expect(results.map(({ value, error }) => value ?? (error as { code: string }).code)).toEqual([
      'flaky',
      'UPSTREAM_ERROR',
      'NETWORK_ERROR',
    ]);
    expect(tries.filter(each => each.startsWith('unknown'))).toHaveLength(1);
    expect(tries.filter(each => each.startsWith('down'))).toHaveLength(3);
    expect(new Set(tries).size).toBe(3);
  });

  it('does not take a refusal for an outcome, but an address that is forbidden', async () => {
    let refusals = 0;
    const batch = batchOf(name => {
      if (name === 'forbidden') throw new RejectedError('Not there', 'forbidden');
      refusals += 1;
      if (refusals < 5) throw new RejectedError('The circuit is open', 'open', { retryAfterMs: 1 });
      return name;
    });
    const results = await enqueueAndRun(batch, ['a', 'b', 'forbidden', 'c']);
    expect(results.map(({ value, error }) => value ?? (error as { code: string }).code)).toEqual([
      'a',
      'b',
      'FORBIDDEN_ADDRESS',
      'c',
    ]);
    expect(refusals).toBe(7);
  });

  it('makes a value that JSON would change the failure of its item', async () => {
    const batch = batchOf(name => (name === 'date' ? new Date(0) : name));
    const results = await enqueueAndRun(batch, ['date', 'text']);
    expect(results[0]?.error).toMatchObject({ code: 'CHECKPOINT_VALUE_UNFIT' });
    expect(results[1]?.value).toBe('text');
  });

  it('makes values from their JSON with parse', async () => {
    const batch = batchOf(() => new Date(5), { parse: json => new Date(String(json)) });
    expect(await enqueueAndRun(batch, ['a'])).toMatchObject([{ ok: true, value: new Date(5) }]);
  });

  it('gives back what had not begun when it stops, and goes on with it later', async () => {
    let stopped: Promise<void> | undefined;
    const batch = batchOf(
      async (name, { index }) => {
        if (index === 4) stopped = batch.stop();
        return name;
      },
      { maxConcurrent: 2 },
    );
    await batch.enqueue('job', names(20));
    await batch.work();
    await stopped;
    const { done, active } = await batch.progress('job');
    expect([done >= 5 && done < 10, active]).toEqual([true, 0]);
    expect(await messagesIn(batch)).toBe(20 - done);
    expect(await enqueueAndRun(batch, names(20))).toHaveLength(20);
  });

  it('gives up what is under way when its signal is aborted, and it is done later', async () => {
    const controller = new AbortController();
    const seen: unknown[] = [];
    const stuck = batchOf((_, { signal }) => {
      signal.addEventListener('abort', () => seen.push(signal.reason));
      controller.abort('enough');
      return new Promise(() => {});
    });
    await stuck.enqueue('job', ['a']);
    await expect(stuck.work({ signal: controller.signal })).rejects.toBe('enough');
    expect(seen).toEqual(['enough']);
    const next = batchOf(upper, { name: stuck.name });
    expect(await enqueueAndRun(next, ['a'])).toMatchObject([{ value: 'A' }]);
  });

  it('takes over what a lost worker had in hand, and keeps the first outcome only', async () => {
    let finishLate: (value: string) => void = () => {};
    let taken: () => void = () => {};
    const isTaken = new Promise<void>(resolve => {
      taken = resolve;
    });
    const keys: string[] = [];
    const lost = batchOf(
      (_, { idempotencyKey }) => {
        keys.push(idempotencyKey);
        taken();
        return new Promise(resolve => {
          finishLate = resolve;
        });
      },
      { maxConcurrent: 1 },
    );
    await lost.enqueue('job', ['a']);
    const working = lost.work();
    await isTaken;
    expect(await lost.progress('job')).toMatchObject({ done: 0, active: 1 });
    await anHourPasses();

    const next = batchOf(
      (name, { idempotencyKey }) => {
        keys.push(idempotencyKey);
        return upper(name, {} as never);
      },
      { name: lost.name },
    );
    expect(await enqueueAndRun(next, ['a'])).toMatchObject([{ value: 'A' }]);
    finishLate('too late');
    await lost.stop();
    await working;
    expect(await allOf(next, 'job')).toMatchObject([{ value: 'A' }]);
    expect(keys[0]).toBe(keys[1]);
    expect(await messagesIn(next)).toBe(0);
  });

  it('does not let an item take down more workers than it may', async () => {
    const failed: unknown[] = [];
    let begun = 0;
    const first = batchOf(() => new Promise(() => {}), { maxLosses: 1 });
    await first.enqueue('job', ['killer']);
    // Each of these has it in hand until it counts as lost.
    for (let loss = 0; loss < 2; loss += 1) {
      let taken: () => void = () => {};
      const isTaken = new Promise<void>(resolve => {
        taken = resolve;
      });
      const worker = batchOf(
        () => {
          begun += 1;
          taken();
          return new Promise(() => {});
        },
        { name: first.name, maxLosses: 1 },
      );
      void worker.work().catch(() => {});
      await isTaken;
      // It is never closed: as if its process were gone.
      open.splice(open.indexOf(worker), 1);
      worker.stop();
      await anHourPasses();
    }
    const last = batchOf(upper, { name: first.name, maxLosses: 1 });
    last.events.on('item-failed', ({ error, item }) => failed.push(item, error));
    const [result] = await enqueueAndRun(last, ['killer']);
    expect(result).toMatchObject({ ok: false, error: { code: 'WORKER_LOST', details: { losses: 2 } } });
    expect(begun).toBe(2);
    expect(failed).toEqual(['killer', expect.any(WorkerLostError)]);
  });

  it('waits for a job to be complete, and tells how far it is', async () => {
    const batch = batchOf(upper);
    const told: string[] = [];
    let end: BatchEnd | undefined;
    batch.events.on('started', ({ total, recorded }) => told.push(`started ${recorded}/${total}`));
    batch.events.on('progress', ({ state }) => told.push(state));
    batch.events.on('ended', event => {
      end = event;
    });
    await batch.enqueue('job', names(30));
    const waiting = batch.waitForCompletion('job');
    const working = batch.work();
    expect(await waiting).toMatchObject({ state: 'ended', done: 30, total: 30 });
    await batch.stop();
    await working;
    expect(told.slice(0, 2)).toEqual(['started 0/30', 'running']);
    expect(end).toMatchObject({ outcome: 'completed', done: 30, failed: 0 });
  });

  it('refuses to work twice at once, and after it is closed', async () => {
    const batch = batchOf(upper);
    const working = batch.work();
    await expect(batch.work()).rejects.toMatchObject({ reason: 'full' });
    await batch.close();
    await working;
    await expect(batch.enqueue('job', [])).rejects.toMatchObject({ reason: 'closed' });
  });

  it('refuses options that cannot be used, and says what is missing', async () => {
    expect(() => batchOf(upper, { leaseMs: 10 })).toThrow('Cannot use leaseMs');
    expect(() => batchOf(upper, { name: 'a b' })).toThrow('Cannot use name');
    expect(() => batchOf(undefined as never)).toThrow('without work');
    await expect(loadPgBoss(() => Promise.reject(new Error('not found')))).rejects.toBeInstanceOf(ConfigurationError);
  });
});
