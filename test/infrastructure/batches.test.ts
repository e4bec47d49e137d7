import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInfrastructure, type Infrastructure } from 'plinth';
import { ArgumentError, UpstreamError } from 'plinth/errors';
import { VirtualClock } from 'plinth/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

let directory: string;
let infrastructure: Infrastructure;
const clock = new VirtualClock();

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'plinth-batches-'));
  infrastructure = await createInfrastructure({
    clock,
    logging: { console: false },
    settings: { envFile: false, yamlFile: false, environment: { ENVIRONMENT: 'test', DATA_DIR: directory } },
    awaitDatabase: false,
  });
});

afterEach(async () => {
  await infrastructure.close();
  await rm(directory, { recursive: true, force: true });
});

async function batchLines(): Promise<readonly string[]> {
  infrastructure.logging.flush();
  const log = await readFile(join(directory, 'logs', 'app.log'), 'utf8');
  return log.split('\n').filter(line => line.includes('batch.labels'));
}

describe('a batch of an infrastructure', () => {
  it('shows in logs, metrics and the overview, without its items, and with few lines however many fail', async () => {
    const labels = infrastructure.batch({
      name: 'labels',
      maxConcurrent: 1,
      work: async (patient: string, { index }) => {
        await clock.sleep(1_000);
        if (index >= 10) throw new UpstreamError('No such drug', 404);
        return patient.length;
      },
    });
    expect(infrastructure.batches()).toEqual([{ name: 'labels', maxConcurrent: 1, progress: undefined }]);
    const running = labels.processBatch(Array.from({ length: 40 }, (_, index) => `Jane Doe ${index}`));
    await clock.advance(5_500);
    expect(infrastructure.batches()).toMatchObject([{ progress: { state: 'running', done: 5, active: 1, total: 40 } }]);
    await clock.advance(60_000);
    await running;
    expect(infrastructure.batches()).toMatchObject([
      { progress: { state: 'ended', outcome: 'completed', failed: 30 } },
    ]);

    const lines = await batchLines();
    expect(lines).toHaveLength(12);
    expect(lines[0]).toMatch(/INFO .*Batch started total=40 recorded=0/);
    expect(lines[1]).toMatch(/WARNING .*Item failed .*index=10/);
    expect(lines[10]).toMatch(/WARNING .*those that fail after it are only counted .*index=19/);
    expect(lines[11]).toMatch(/INFO .*Batch completed done=40 failed=30 recorded=0 duration=40/);
    expect(lines.join('\n')).not.toContain('Jane');
    expect(await infrastructure.metrics?.render()).toContain(
      'plinth_batch_items_total{batch="labels",outcome="failed"} 30',
    );
  });

  it('is stopped when the infrastructure closes, before anything that it may need', async () => {
    const ended: string[] = [];
    const labels = infrastructure.batch({
      name: 'labels',
      maxConcurrent: 2,
      work: async (name: string) => {
        await clock.sleep(1_000);
        ended.push(`${name} with the database ${infrastructure.database().state}`);
        return name;
      },
    });
    await infrastructure.databaseOpen;
    expect(infrastructure.closingOrder[0]).toBe('batch labels');
    const running = labels.processBatch(['a', 'b', 'c', 'd']);
    await clock.advance(500);
    const closing = infrastructure.close();
    await clock.advance(60_000);
    await closing;
    expect((await running).map(({ ok }) => ok)).toEqual([true, true]);
    expect(ended).toEqual(['a with the database open', 'b with the database open']);
  });

  it('on a queue shows in logs and metrics, and takes nothing more when the infrastructure closes', async () => {
    await infrastructure.databaseOpen;
    const labels = infrastructure.queuedBatch({
      name: 'labels',
      maxConcurrent: 50,
      work: (patient: string) => {
        if (patient.endsWith('!')) throw new UpstreamError('No such drug', 404);
        return patient.length;
      },
    });
    const names = Array.from({ length: 40 }, (_, index) => (index % 2 === 0 ? 'Jane Doe' : 'Jane Doe!'));
    await labels.enqueue('labels:1', names);
    const working = labels.work();
    await vi.waitUntil(async () => (await labels.progress('labels:1')).state === 'ended', { timeout: 15_000 });
    await labels.waitForCompletion('labels:1');
    const lines = await batchLines();
    expect(lines).toHaveLength(11);
    expect(lines[0]).toMatch(/WARNING .*Item failed .*index=\d+/);
    expect(lines[10]).toMatch(/INFO .*Job completed done=40 failed=20/);
    expect(lines.join('\n')).not.toContain('Jane');
    const text = await infrastructure.metrics?.render();
    expect(text).toContain('plinth_batch_items_total{batch="labels",outcome="succeeded"} 20');
    expect(text).toContain('plinth_batch_items_total{batch="labels",outcome="failed"} 20');
    expect(text).toContain('plinth_batch_active_items{batch="labels"} 0');
    expect(() => infrastructure.batch({ name: 'labels', work: () => 1 })).toThrow(ArgumentError);
    await infrastructure.close();
    await working;
  });

  it('refuses two of one name', () => {
    infrastructure.batch({ name: 'labels', work: () => 1 });
    expect(() => infrastructure.batch({ name: 'labels', work: () => 1 })).toThrow(ArgumentError);
  });
});
