import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { allMarkdown, type Block, blocksOf, brokenLinks, documents } from './docs/blocks.ts';

const blocks = documents().flatMap(blocksOf);
const checked = blocks.filter(block => block.kind !== 'fragment');
const executed = blocks.filter(block => block.kind === 'run');
const run = promisify(execFile);
const runLimitMs = 60_000;

// Inside the repository, so that `plinth/…` means the sources beside it; in a folder that git and the checkers ignore.
mkdirSync('data', { recursive: true });
const folder = mkdtempSync(resolve('data/docs-'));

function folderOf(block: Block): string {
  return join(folder, block.place.replaceAll(/[^\w.-]/g, '-'));
}

/** Runs a command and says what it printed where it failed. */
async function failureOf(args: readonly string[], cwd: string, timeout: number): Promise<string> {
  try {
    await run(process.execPath, args, { cwd, timeout, env: { ...process.env, NODE_ENV: 'test' } });
    return '';
  } catch (error) {
    const { message, stdout, stderr } = error as { message: string; stdout?: string; stderr?: string };
    return [message, stdout, stderr].join('\n');
  }
}

beforeAll(() => {
  for (const block of checked) {
    mkdirSync(folderOf(block));
    writeFileSync(join(folderOf(block), 'block.ts'), `${block.code}\nexport {};\n`);
  }
  const compilerOptions = { noUnusedLocals: false, noUnusedParameters: false };
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ extends: resolve('tsconfig.json'), compilerOptions, include: ['**/*.ts'], exclude: [] }),
  );
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('documents', () => {
  it(`show ${blocks.length} blocks: ${executed.length} run, ${blocks.length - checked.length} are fragments and are skipped`, () => {
    expect(blocks.length - checked.length).toBeLessThanOrEqual(executed.length);
  });

  it.skipIf(checked.length === 0)('have blocks that type-check', async () => {
    const compiler = resolve('node_modules/ts7/bin/tsc');
    const failure = await failureOf([compiler, '-p', join(folder, 'tsconfig.json')], resolve('.'), runLimitMs);
    expect(failure).toBe('');
  });

  it.each(executed)('have a block at $place that runs offline', { timeout: runLimitMs + 5_000 }, async block => {
    const options = ['--conditions=plinth-source', '--import', 'tsx', '--import', resolve('test/docs/offline.mjs')];
    expect(await failureOf([...options, 'block.ts'], folderOf(block), runLimitMs)).toBe('');
  });

  it('link to files and headings that exist', () => {
    expect(allMarkdown().flatMap(brokenLinks)).toEqual([]);
  });
});
