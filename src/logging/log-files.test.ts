import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConfigurationError } from '../errors/index.ts';
import { VirtualClock } from '../testing/index.ts';
import { createLogging } from './index.ts';

let directory = '';

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'plinth-logs-'));
});

afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

function failure(path: string): ConfigurationError {
  try {
    void createLogging({ directory: path, environment: 'production', console: false }).close();
  } catch (error) {
    if (error instanceof ConfigurationError) return error;
    throw error;
  }
  throw new TypeError('Logging was set up');
}

describe('a directory that cannot be written', () => {
  it('is made when it is only missing', async () => {
    const path = join(directory, 'a', 'b');
    await createLogging({ directory: path, environment: 'production', console: false }).close();
    expect(readdirSync(path)).toEqual(['api.log', 'app.log', 'database.log', 'error.log', 'model.log']);
  });

  it.each([
    ['a file in its place', () => writeFileSync(join(directory, 'logs'), ''), 'logs', /EEXIST|ENOTDIR/],
    ['a file above it', () => writeFileSync(join(directory, 'logs'), ''), 'logs/deeper', /ENOTDIR/],
    [
      'a directory in place of a log file',
      () => mkdirSync(join(directory, 'logs/api.log'), { recursive: true }),
      'logs',
      /EISDIR/,
    ],
    ['a place where nothing can be made', () => {}, '/proc/plinth-logs', /ENOENT|EACCES|EPERM/],
  ])('is refused at once, with directory, cause and remedy: %s', (_, prepare, name, cause) => {
    prepare();
    const path = name.startsWith('/') ? name : join(directory, name);
    const error = failure(path);
    expect(error.problems[0]?.name).toBe('LOG_DIR');
    expect(error.message).toContain(path);
    expect(error.message).toMatch(cause);
    expect(error.message).toMatch(/remove the|give the user|make it a directory/);
    expect(error.message).toContain('LOG_DIR');
  });
});

/** A file system of 256 KiB, where this may be made (root on Linux). */
function mountSmall(path: string): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', path], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

describe('a full disk', () => {
  it('is refused at the start, and survived later', async context => {
    const path = join(directory, 'small');
    mkdirSync(path);
    if (!mountSmall(path)) context.skip('no right to mount a file system');
    writeFileSync(join(path, 'ballast'), Buffer.alloc(262_144 - 4_096 * 2));
    const clock = new VirtualClock();
    const logging = createLogging({
      directory: path,
      environment: 'production',
      console: false,
      mode: 'line',
      clock,
    });
    try {
      const events: string[] = [];
      logging.events.on('degraded', event => events.push(`degraded ${event.sink}`));
      logging.events.on('recovered', event => events.push(`recovered ${event.sink}`));
      const logger = logging.getLogger('app');
      for (let index = 0; index < 500; index += 1) logger.info(`line ${index}`);
      expect(logging.state.status).toBe('degraded');
      expect(logging.state.droppedLines).toBeGreaterThan(0);
      expect(logging.state.sinks.find(sink => sink.name === 'app.log')?.error).toContain('ENOSPC');
      expect(failure(path).message).toContain('free space');

      rmSync(join(path, 'ballast'));
      await clock.advance(1_000);
      expect(logging.state.status).toBe('ok');
      expect(events).toEqual(['degraded app.log', 'recovered app.log']);
      const lines = readFileSync(join(path, 'app.log'), 'utf8')
        .trimEnd()
        .split('\n')
        .map(line => JSON.parse(line)['message']);
      const written = lines.filter(message => String(message).startsWith('line '));
      expect(written).toEqual(written.map((_, index) => `line ${index}`));
      expect(written.length + logging.state.droppedLines).toBe(500);
      expect(lines.at(-1)).toBe('Log lines were dropped');
    } finally {
      await logging.close();
      execFileSync('umount', [path]);
    }
  });
});
