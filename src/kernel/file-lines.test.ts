import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FileLine, linesOf } from './index.ts';

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'plinth-lines-'));
});

afterAll(() => rm(directory, { recursive: true, force: true }));

async function linesIn(content: string | Buffer): Promise<FileLine[]> {
  const path = join(directory, 'file');
  await writeFile(path, content);
  await using file = await open(path);
  const lines: FileLine[] = [];
  for await (const line of linesOf(file)) lines.push(line);
  return lines;
}

describe('linesOf()', () => {
  it('gives every line with its place, and says of the last whether its end was written', async () => {
    expect(await linesIn('one\n\nzwölf\nre')).toEqual([
      { text: 'one', offset: 0, length: 4, isWhole: true },
      { text: '', offset: 4, length: 1, isWhole: true },
      { text: 'zwölf', offset: 5, length: 7, isWhole: true },
      { text: 're', offset: 12, length: 2, isWhole: false },
    ]);
    expect(await linesIn('')).toEqual([]);
  });

  it('puts lines together that are longer than what is read at once', async () => {
    const long = 'ä'.repeat(300_000);
    expect((await linesIn(`a\n${long}\nb\n`)).map(({ text }) => text)).toEqual(['a', long, 'b']);
  });

  it('loses nothing of any text', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.string({ unit: 'binary' }), { maxLength: 20 }), async texts => {
        const content = texts.join('\n');
        const lines = await linesIn(content);
        const joined = lines.map(({ text, isWhole }) => (isWhole ? `${text}\n` : text)).join('');
        expect(joined).toBe(Buffer.from(content).toString('utf8'));
      }),
      { numRuns: 100 },
    );
  });
});
