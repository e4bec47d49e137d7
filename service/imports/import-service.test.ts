import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BatchProcessor } from 'plinth/batch';
import { NetworkError } from 'plinth/errors';
import { systemIds } from 'plinth/kernel';
import { VirtualClock } from 'plinth/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { importBody } from './import-schemas.ts';
import { ImportService } from './import-service.ts';
import type { ImportedMedication } from './medication-import.ts';

let directory: string;
let clock: VirtualClock;
let asked: string[];
/** Names that wait until they are let go. */
let held: Map<string, () => void>;
let holds: (name: string) => boolean;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'plinth-imports-'));
  clock = new VirtualClock();
  asked = [];
  held = new Map();
  holds = () => false;
});

afterEach(() => rm(directory, { recursive: true, force: true }));

function known(name: string): ImportedMedication {
  const fetchedAt = '2026-01-15T23:00:00.000Z';
  return { name, applications: name.length, firstApproval: null, freshness: 'fresh', fetchedAt };
}

function create(): ImportService {
  return new ImportService({
    directory,
    clock,
    ids: systemIds,
    makeBatch: options => new BatchProcessor(options),
    work: async name => {
      asked.push(name);
      if (holds(name)) await new Promise<void>(resolve => held.set(name, resolve));
      if (name === 'broken') throw new NetworkError('The source is gone');
      return known(name);
    },
  });
}

const names = Array.from({ length: 12 }, (_, index) => `drug ${index}`);

async function untilState(service: ImportService, id: string, state: string): Promise<void> {
  await vi.waitFor(async () => {
    await clock.advance(1_000);
    expect(service.get(id).state).toBe(state);
  }, 10_000);
}

/** Closes it while its clock goes on. */
async function closeNow(service: ImportService): Promise<void> {
  let isClosed = false;
  const closing = service.close().finally(() => {
    isClosed = true;
  });
  await vi.waitFor(async () => {
    await clock.advance(1_000);
    expect(isClosed).toBe(true);
  }, 10_000);
  await closing;
}

describe('ImportService', () => {
  it('asks for every name once and gives what came of each, in the order of the names', async () => {
    const service = create();
    const { id, title, total } = await service.start(['aspirin', 'broken', 'x'], undefined);
    expect({ title, total }).toEqual({ title: 'aspirin, broken and 1 more', total: 3 });
    await untilState(service, id, 'completed');
    expect(service.get(id)).toMatchObject({ done: 3, failed: 1, active: 0 });
    expect(service.results(id, { offset: 0, limit: 10, failed: false })).toMatchObject([
      { index: 0, name: 'aspirin', ok: true, value: { applications: 7 } },
      { index: 1, name: 'broken', ok: false, error: { code: 'NETWORK_ERROR', message: 'The source is gone' } },
      { index: 2, name: 'x', ok: true },
    ]);
    expect(service.results(id, { offset: 1, limit: 1, failed: false }).map(({ name }) => name)).toEqual(['broken']);
    expect(service.results(id, { offset: 0, limit: 9, failed: true }).map(({ index }) => index)).toEqual([1]);
    await service.close();
  });

  it('goes on at the next start with what the last process did not finish, and asks for nothing twice', async () => {
    holds = name => names.indexOf(name) >= 6;
    const first = create();
    const { id } = await first.start(names, 'twelve');
    await vi.waitFor(() => expect(first.get(id).done).toBe(6));
    const closing = first.close();
    for (const release of held.values()) release();
    await closing;
    const done = new Set(asked);
    expect(done.size).toBeLessThan(12);
    holds = () => false;

    asked = [];
    const second = create();
    await second.open();
    expect(second.list()).toMatchObject([{ id, title: 'twelve' }]);
    await untilState(second, id, 'completed');
    expect(asked.filter(name => done.has(name))).toEqual([]);
    expect(second.get(id)).toMatchObject({ done: 12, recorded: done.size });
    expect(second.results(id, { offset: 0, limit: 100, failed: false }).map(({ name }) => name)).toEqual(names);
    await second.close();
  });

  it('waits while it is paused', async () => {
    holds = () => true;
    const service = create();
    const { id } = await service.start(names, undefined);
    await vi.waitFor(() => expect(held.size).toBe(5));
    expect((await service.pause(id)).state).toBe('paused');
    for (const release of held.values()) release();
    await vi.waitFor(() => expect(service.get(id).done).toBe(5));
    expect(asked).toHaveLength(5);
    holds = () => false;
    expect((await service.resume(id)).state).toBe('running');
    await untilState(service, id, 'completed');
    await service.close();
  });

  it('stays ended when somebody ended it, also after a restart, until somebody goes on with it', async () => {
    holds = name => names.indexOf(name) >= 5;
    const first = create();
    const { id } = await first.start(names, undefined);
    await vi.waitFor(() => expect(first.get(id).done).toBe(5));
    await vi.waitFor(() => expect(held.size).toBe(5));
    const stopping = first.stop(id);
    for (const release of held.values()) release();
    expect(await stopping).toMatchObject({ state: 'stopped', done: 10 });
    await first.close();
    holds = () => false;

    const second = create();
    await second.open();
    await untilState(second, id, 'stopped');
    expect(second.get(id)).toMatchObject({ done: 10, failed: 0, total: 12 });
    expect(second.results(id, { offset: 0, limit: 100, failed: false })).toHaveLength(10);
    expect(asked).toHaveLength(10);
    expect((await second.resume(id)).state).toBe('running');
    await untilState(second, id, 'completed');
    expect(asked).toHaveLength(12);
    await second.close();
  });

  it('tells how far it is, for whoever shows it', async () => {
    const service = create();
    const seen: string[] = [];
    service.events.on('changed', ({ state, done }) => seen.push(`${state} ${done}`));
    const { id } = await service.start(names, undefined);
    await untilState(service, id, 'completed');
    expect(seen[0]).toMatch(/^running 0/);
    await vi.waitFor(() => expect(seen.at(-1)).toBe('completed 12'));
    await service.close();
  });

  it('forgets the oldest that has ended when there are too many, and begins none beside twenty that have not', async () => {
    const service = create();
    const ids: string[] = [];
    for (let count = 0; count < 20; count += 1) ids.push((await service.start([`drug ${count}`], undefined)).id);
    await vi.waitFor(() => expect(service.list().every(({ state }) => state === 'completed')).toBe(true));
    holds = () => true;
    await service.start(['one more'], undefined);
    expect(service.list()).toHaveLength(20);
    expect(() => service.get(ids[0] ?? '')).toThrow('Import not found');
    expect(await readdir(directory)).not.toContain(`${ids[0]}.json`);
    for (let count = 0; count < 19; count += 1) await service.start([`held ${count}`], undefined);
    await expect(service.start(['too many'], undefined)).rejects.toMatchObject({ reason: 'full' });
    await vi.waitFor(() => expect(held.size).toBe(20));
    await closeNow(service);
  });

  it('lets no more than twenty in of many that are begun at once', async () => {
    holds = () => true;
    const service = create();
    const begun = await Promise.allSettled(names.concat(names, names).map(name => service.start([name], undefined)));
    expect(begun.filter(({ status }) => status === 'fulfilled')).toHaveLength(20);
    for (const one of begun)
      if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: 'CAPACITY_FULL', reason: 'full' });
    expect(service.list()).toHaveLength(20);
    expect(await readdir(directory)).toEqual(expect.arrayContaining(service.list().map(({ id }) => `${id}.json`)));
    await closeNow(service);
  });

  it('is stopped, paused and gone on with by many at once one after the other, and works on a name once', async () => {
    const service = create();
    const { id } = await service.start(names, undefined);
    await service.stop(id);
    const answers = await Promise.all([
      ...Array.from({ length: 6 }, () => service.resume(id)),
      ...Array.from({ length: 6 }, (_, turn) => [service.stop(id), service.resume(id), service.pause(id)][turn % 3]),
      service.resume(id),
    ]);
    expect(answers).toHaveLength(13);
    await untilState(service, id, 'completed');
    expect([...asked].sort()).toEqual([...names].sort());
    expect(service.get(id).done).toBe(names.length);
    await service.close();
  });

  it('gives up what has no outcome within two seconds when it closes, and asks for it again at the next start', async () => {
    holds = name => names.indexOf(name) >= 6;
    const first = create();
    const { id } = await first.start(names, undefined);
    await vi.waitFor(() => expect(first.get(id).done).toBe(6));
    await vi.waitFor(() => expect(held.size).toBe(5));
    await closeNow(first);
    expect(first.get(id)).toMatchObject({ state: 'stopped', done: 6, failed: 0 });
    holds = () => false;

    const second = create();
    await second.open();
    await untilState(second, id, 'completed');
    expect(second.get(id)).toMatchObject({ done: 12, failed: 0, recorded: 6 });
    await second.close();
  });

  it('leaves a file that it cannot read where it is, and goes on with the others', async () => {
    await writeFile(join(directory, 'broken.json'), '{"id":');
    const service = create();
    await service.open();
    expect(service.list()).toEqual([]);
    expect(await readdir(directory)).toEqual(['broken.json']);
  });
});

describe('the body of an import', () => {
  it('is JSON, or text with one name a line', () => {
    expect(importBody.parse({ names: [' aspirin '], title: 'mine' })).toEqual({ names: ['aspirin'], title: 'mine' });
    expect(importBody.parse('aspirin\r\n\n ibuprofen \n').names).toEqual(['aspirin', 'ibuprofen']);
  });

  it.each([[{ names: [] }], ['\n\n'], [{ names: ['x'.repeat(201)] }], [{ names: Array(10_001).fill('x') }], [{}]])(
    'is refused when it is unusable',
    body => {
      expect(importBody.safeParse(body).success).toBe(false);
    },
  );
});
