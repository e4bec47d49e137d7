import { fork } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  FileQuarantine,
  MemoryQuarantine,
  type Quarantine,
  type QuarantinedRecord,
  QuarantineError,
} from '../index.ts';

let folder: string;
let path: string;
const opened: FileQuarantine[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plinth-quarantine-'));
  path = join(folder, 'below', 'records.jsonl');
});

afterEach(async () => {
  for (const quarantine of opened.splice(0)) await quarantine.close();
  rmSync(folder, { recursive: true, force: true });
});

function closedLater(quarantine: FileQuarantine): FileQuarantine {
  opened.push(quarantine);
  return quarantine;
}

const entry = (id: string | number, more: Partial<QuarantinedRecord> = {}): QuarantinedRecord => ({
  id: String(id),
  contract: 'labels',
  record: { id, text: 'ä\n"' },
  error: { name: 'ValidationError', message: 'No', path: 'a.b' },
  url: 'https://api.example.org/labels',
  fetchedAt: 1_700_000_000_000,
  ...more,
});

async function all(quarantine: Quarantine, contract?: string): Promise<QuarantinedRecord[]> {
  const found: QuarantinedRecord[] = [];
  for await (const record of quarantine.entries(contract)) found.push(record);
  return found;
}

const idsIn = async (quarantine: Quarantine): Promise<string[]> => (await all(quarantine)).map(({ id }) => id);

describe.each<[string, (maxRecords?: number) => Quarantine]>([
  ['MemoryQuarantine', maxRecords => new MemoryQuarantine({ maxRecords })],
  ['FileQuarantine', maxRecords => closedLater(new FileQuarantine({ path, maxRecords }))],
])('%s keeps the contract of a quarantine', (_, create) => {
  it('gives back what it was given, in order, of one contract or of all', async () => {
    const quarantine = create();
    expect([await all(quarantine), await quarantine.stats()]).toEqual([[], { records: 0, dropped: 0 }]);
    const records = [entry('b'), entry('a', { contract: 'other', record: [null, 1.5, { deep: [] }] }), entry('c')];
    await quarantine.add(records.slice(0, 2));
    await quarantine.add(records.slice(2));
    await quarantine.add([]);
    expect(await all(quarantine)).toEqual(records);
    expect(await all(quarantine, 'other')).toEqual([records[1]]);
    expect(await quarantine.stats()).toEqual({ records: 3, dropped: 0 });
  });

  it('replaces a record that it has, in its place', async () => {
    const quarantine = create();
    await quarantine.add([entry(1), entry(2)]);
    const changed = entry(1, { error: { name: 'Error', message: 'Still not' } });
    await quarantine.add([changed]);
    expect(await all(quarantine)).toEqual([changed, entry(2)]);
  });

  it('removes records, and says how many were there', async () => {
    const quarantine = create();
    await quarantine.add([entry(1), entry(2), entry(3)]);
    expect(await quarantine.remove(['1', '3', 'x'])).toBe(2);
    expect(await quarantine.remove(['1'])).toBe(0);
    expect(await quarantine.remove([])).toBe(0);
    expect(await idsIn(quarantine)).toEqual(['2']);
    await quarantine.add([entry(1)]);
    expect(await idsIn(quarantine)).toEqual(['2', '1']);
  });

  it('drops and counts the oldest when it is full', async () => {
    const quarantine = create(3);
    for (const id of [1, 2, 3]) await quarantine.add([entry(id)]);
    await quarantine.add([entry(1), entry(4), entry(5)]);
    expect(await idsIn(quarantine)).toEqual(['3', '4', '5']);
    expect(await quarantine.stats()).toEqual({ records: 3, dropped: 2 });
  });

  it('can be changed while its records are looked through', async () => {
    const quarantine = create();
    await quarantine.add([entry(1), entry(2), entry(3)]);
    const seen: string[] = [];
    for await (const { id } of quarantine.entries()) {
      seen.push(id);
      await quarantine.remove([id]);
      await quarantine.add([entry(`new ${id}`)]);
    }
    expect(seen).toEqual(['1', '2', '3']);
    expect(await idsIn(quarantine)).toEqual(['new 1', 'new 2', 'new 3']);
  });

  it('keeps a record with keys that could change prototypes as it is', async () => {
    const quarantine = create();
    const text = '{"__proto__":{"isAdmin":true}}';
    await quarantine.add([entry(1, { record: JSON.parse(text) })]);
    expect(JSON.stringify((await all(quarantine))[0]?.record)).toBe(text);
  });
});

describe('FileQuarantine', () => {
  it('does what a quarantine in memory does, whatever is done, and knows it after every opening', async () => {
    const id = fc.integer({ min: 0, max: 8 });
    const step = fc.oneof(
      fc.record({ act: fc.constant('add' as const), ids: fc.array(id, { maxLength: 5 }) }),
      fc.record({ act: fc.constant('remove' as const), ids: fc.array(id, { maxLength: 3 }) }),
      fc.constant({ act: 'open' as const, ids: [] }),
    );
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async steps => {
        run += 1;
        const options = { path: join(folder, `${run}.jsonl`), maxRecords: 4 };
        const memory = new MemoryQuarantine(options);
        let file = new FileQuarantine(options);
        for (const { act, ids } of steps) {
          if (act === 'add') for (const it of [memory, file]) await it.add(ids.map(number => entry(number)));
          else if (act === 'remove') for (const it of [memory, file]) await it.remove(ids.map(String));
          else {
            await file.close();
            file = new FileQuarantine(options);
          }
          expect(await idsIn(file)).toEqual(await idsIn(memory));
        }
        await file.close();
      }),
      { numRuns: 50 },
    );
  });

  it('is a file of JSON lines that people can read', async () => {
    await using quarantine = new FileQuarantine({ path });
    await quarantine.add([entry(1)]);
    await quarantine.remove(['1']);
    const [header, record, removal] = readFileSync(path, 'utf8')
      .split('\n')
      .filter(Boolean)
      .map(line => JSON.parse(line));
    expect(header).toEqual({ format: 'plinth-quarantine', version: 1 });
    expect([record, removal]).toEqual([entry(1), { removed: ['1'] }]);
  });

  it('can be cut off anywhere: whole lines count, the rest is dropped', async () => {
    const first = new FileQuarantine({ path });
    for (const id of [1, 2, 3]) await first.add([entry(id)]);
    await first.close();
    const whole = readFileSync(path);
    for (let length = 0; length <= whole.length; length += 1) {
      writeFileSync(path, whole.subarray(0, length));
      const lines = whole.subarray(0, length).toString('utf8').split('\n').length - 1;
      await using quarantine = new FileQuarantine({ path });
      const kept = ['1', '2', '3'].slice(0, Math.max(0, lines - 1));
      expect(await idsIn(quarantine)).toEqual(kept);
      await quarantine.add([entry(4)]);
      expect(await idsIn(quarantine)).toEqual([...kept, '4']);
    }
  });

  it('loses nothing that was in it when its process is killed in the middle of writing', {
    timeout: 60_000,
  }, async () => {
    const known = new Set<number>();
    const uncertain = new Set<number>();
    let next = 0;
    for (let kill = 0; kill < 6; kill += 1) {
      const program = fileURLToPath(new URL('quarantine-writer.fixture.ts', import.meta.url));
      const child = fork(program, [path, String(next)], {
        execArgv: ['--conditions=plinth-source', '--import', 'tsx'],
      });
      const enough = next + 40 + ((kill * 53) % 60);
      child.on('message', number => {
        known.add(Number(number));
        if (Number(number) >= enough) child.kill('SIGKILL');
      });
      // What it had said before it was killed may be heard after its end.
      const [end] = await Promise.all([once(child, 'exit'), once(child, 'disconnect')]);
      expect(end).toEqual([null, 'SIGKILL']);
      await using quarantine = new FileQuarantine({ path, maxRecords: 100_000 });
      const found = await all(quarantine);
      const ids = new Set(found.map(({ id }) => Number(id)));
      const isRemoved = (number: number): boolean => number % 3 !== 2 && known.has(number + 2 - (number % 3));
      // The process may have been taking away those before the one that it had not confirmed yet.
      for (const back of [0, 1]) uncertain.add(Math.max(...known) - back);
      expect([...known].filter(number => ids.has(number) === isRemoved(number) && !uncertain.has(number))).toEqual([]);
      // At most the one that was being written is in it without having been confirmed.
      const unknown = [...ids].filter(number => !known.has(number));
      expect(unknown.length).toBeLessThanOrEqual(1);
      for (const { id, record } of found) {
        const text = 'ä'.repeat((Number(id) * 37) % 50_000);
        expect(record).toEqual({ number: Number(id), text });
      }
      for (const number of unknown) known.add(number);
      next = Math.max(...known) + 1;
    }
    expect(known.size).toBeGreaterThan(240);
  });

  it('tells when somebody else writes to its file, and goes on with what is there', async () => {
    const [first, second] = [new FileQuarantine({ path }), new FileQuarantine({ path })];
    await first.add([entry(1)]);
    await second.stats();
    await first.add([entry(2)]);
    await expect(second.add([entry(3)])).rejects.toMatchObject({ name: 'QuarantineError', problem: 'in-use' });
    expect(await idsIn(second)).toEqual(['1', '2', '3']);
    await expect(first.add([entry(4)])).rejects.toThrow(/changed by somebody else.+a file of its own/);
    rmSync(path);
    await expect(second.add([entry(5)])).rejects.toBeInstanceOf(QuarantineError);
    await second.add([entry(6)]);
    expect(await idsIn(second)).toEqual(['6']);
    await Promise.all([first.close(), second.close()]);
  });

  it('leaves a file alone that is none of its own, or broken in the middle', async () => {
    writeFileSync(join(folder, 'notes.txt'), 'Dear diary');
    await expect(new FileQuarantine({ path: join(folder, 'notes.txt') }).stats()).rejects.toThrow(
      /another kind of file/,
    );
    expect(readFileSync(join(folder, 'notes.txt'), 'utf8')).toBe('Dear diary');
    const quarantine = new FileQuarantine({ path });
    await quarantine.add([entry(1)]);
    await quarantine.close();
    appendFileSync(path, `{"id":\n${JSON.stringify(entry(2))}\n`);
    const before = readFileSync(path, 'utf8');
    await expect(new FileQuarantine({ path }).stats()).rejects.toThrow(/broken at line 3/);
    expect(readFileSync(path, 'utf8')).toBe(before);
    await expect(new FileQuarantine({ path: folder }).stats()).rejects.toMatchObject({ problem: 'not-written' });
    await expect(quarantine.stats()).rejects.toMatchObject({ problem: 'closed' });
  });

  it('stays within its room, in records and on the disk', async () => {
    const maxBytes = 200_000;
    await using quarantine = new FileQuarantine({ path, maxBytes });
    const text = 'x'.repeat(10_000);
    for (let id = 0; id < 300; id += 1) {
      await quarantine.add([entry(id, { record: text })]);
      expect((await idsIn(quarantine)).at(-1)).toBe(String(id));
    }
    await quarantine.add([entry('huge', { record: 'x'.repeat(maxBytes) })]);
    const kept = await all(quarantine);
    expect(kept.map(({ id }) => id)).toEqual(Array.from({ length: 19 }, (_, index) => String(281 + index)));
    expect(kept.every(({ record }) => record === text)).toBe(true);
    expect(await quarantine.stats()).toEqual({ records: 19, dropped: 282 });
    expect(statSync(path).size).toBeLessThan(2 * maxBytes + 1_024 * 1_024);
    expect(existsSync(`${path}.new`)).toBe(false);
  });
});
