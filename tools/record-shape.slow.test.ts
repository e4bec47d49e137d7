import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plinth-shape-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function run(...args: readonly string[]) {
  const options = ['--conditions=plinth-source', '--import', 'tsx', 'tools/record-shape.ts'];
  const { status, stdout } = spawnSync(process.execPath, [...options, ...args], { encoding: 'utf8' });
  return { status, stdout };
}

describe('record-shape', () => {
  it('records a shape line by line, says where samples differ, and widens it', { timeout: 30_000 }, () => {
    const [shape, first, second] = ['shape.json', 'first.json', 'second.json'].map(name => join(folder, name));
    writeFileSync(
      first ?? '',
      JSON.stringify({
        results: [
          { id: 1, counts: { a: 1 } },
          { id: 2, counts: { b: 2 } },
        ],
      }),
    );
    writeFileSync(second ?? '', JSON.stringify({ results: [{ id: '3', counts: { c: 3 } }] }));
    expect(run(shape ?? '', 'results[]', first ?? '', '--map', 'counts').status).toBe(0);
    expect(readFileSync(shape ?? '', 'utf8').split('\n')).toEqual([
      '{',
      '  "$": { "types": ["object"], "presence": "always" },',
      '  "counts": { "types": ["object"], "presence": "always" },',
      '  "counts.*": { "types": ["number"], "presence": "sometimes" },',
      '  "id": { "types": ["number"], "presence": "always" }',
      '}',
      '',
    ]);
    expect(run(shape ?? '', 'results[]', first ?? '', '--check')).toMatchObject({ status: 0 });
    expect(run(shape ?? '', 'results[]', second ?? '', '--check')).toEqual({
      status: 1,
      stdout: 'retyped-field id: expected number, found string "3"\n1 records, 1 differences\n',
    });
    expect(run(shape ?? '', 'results[]', second ?? '').status).toBe(0);
    expect(run(shape ?? '', 'results[]', second ?? '', '--check').status).toBe(0);
    expect(run(shape ?? '', 'elsewhere[]', second ?? '', '--check').status).toBe(2);
  });
});
