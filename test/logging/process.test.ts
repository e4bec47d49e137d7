import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

let directory = '';

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'plinth-logs-'));
});

afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

const nodeOptions = ['--conditions=plinth-source', '--import', 'tsx'];
const fixture = fileURLToPath(new URL('./crash.fixture.ts', import.meta.url));

function run(mode: string, ending: string) {
  return spawnSync(process.execPath, [...nodeOptions, fixture, directory, mode, ending], { encoding: 'utf8' });
}

const records = (name = 'app.log'): Record<string, unknown>[] =>
  readFileSync(join(directory, name), 'utf8')
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line));
const messages = (): unknown[] => records().map(record => record['message']);
const hundred = Array.from({ length: 100 }, (_, index) => `line ${index}`);

describe.each(['line', 'buffered'])('a process that logs in mode %s', mode => {
  it('loses nothing at its natural end', () => {
    expect(run(mode, 'end').status).toBe(0);
    expect(messages()).toEqual(hundred);
  });

  it('loses nothing at close', () => {
    expect(run(mode, 'close').status).toBe(0);
    expect(messages()).toEqual(hundred);
  });

  it('loses nothing at process.exit, nor what exit listeners say', () => {
    expect(run(mode, 'exit').status).toBe(3);
    expect(messages()).toEqual([...hundred, 'from an exit listener']);
  });

  it.each([
    ['throw', 'Uncaught exception', 'SyntaxError: Unexpected token'],
    ['reject', 'Unhandled rejection', 'TypeError: rejected'],
  ])('loses nothing at a crash (%s), which stays what it was for Node', (ending, message, printed) => {
    const { status, stderr } = run(mode, ending);
    expect(status).toBe(1);
    expect(stderr).toContain(printed);
    expect(stderr).toContain('Node.js v');
    expect(messages()).toEqual([...hundred, message]);
    expect(records('error.log')[0]).toMatchObject({
      level: 'CRITICAL',
      logger_name: 'process',
      error: { name: expect.stringMatching(/^(?:Type|Syntax)Error$/), stack: expect.any(String) },
    });
  });

  it('loses at most one interval at SIGKILL', () => {
    expect(run(mode, 'kill').signal).toBe('SIGKILL');
    expect(messages()).toEqual(hundred);
  });
});

describe('a process', () => {
  it('names function, line and module through source maps', () => {
    run('line', 'end');
    const source = readFileSync(fixture, 'utf8').split('\n');
    const line = 1 + source.findIndex(text => text.includes('logger.info(`line'));
    expect(records()[0]).toMatchObject({ function_name: '<anonymous>', line_number: line, module: 'crash.fixture' });
  });

  it('shares a directory with others, without a lost or a broken line', async () => {
    const children = Array.from({ length: 3 }, (_, index) =>
      spawn(process.execPath, [...nodeOptions, fixture, directory, index === 0 ? 'line' : 'buffered', 'end', '20000'], {
        stdio: 'ignore',
      }),
    );
    await Promise.all(children.map(child => new Promise(resolve => child.once('exit', resolve))));
    const names = readdirSync(directory).filter(name => name.startsWith('app.log'));
    const all = names.flatMap(name => readFileSync(join(directory, name), 'utf8').trimEnd().split('\n'));
    expect(names.length).toBeGreaterThan(5);
    expect(all).toHaveLength(60_000);
    const perLine = new Map<unknown, number>();
    for (const line of all) {
      const { message } = JSON.parse(line);
      perLine.set(message, (perLine.get(message) ?? 0) + 1);
    }
    expect(perLine.size).toBe(20_000);
    expect([...perLine.values()].every(count => count === 3)).toBe(true);
  }, 60_000);
});
