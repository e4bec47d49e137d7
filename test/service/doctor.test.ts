import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'plinth-doctor-'));
});

afterEach(() => rm(directory, { recursive: true, force: true }));

/** Runs the doctor as `npm run doctor` does. */
function examine(environment: Readonly<Record<string, string>>): Promise<{ code: number; output: string }> {
  const args = ['--conditions=plinth-source', '--import', 'tsx', 'service/doctor.ts'];
  const env = { PATH: process.env['PATH'], PORT: '0', DATA_DIR: directory, ...environment };
  return new Promise(resolve => {
    const child = execFile(process.execPath, args, { env }, (_error, stdout) => {
      resolve({ code: child.exitCode ?? -1, output: stdout });
    });
  });
}

describe('npm run doctor', () => {
  it('finds nothing wrong on a machine with nothing installed, and shows where each setting comes from', async () => {
    const { code, output } = await examine({ JWT_SECRET_KEY: 'planted-secret-planted-secret-planted' });
    expect(code).toBe(0);
    expect(output).toMatch(/^ok +database +embedded/m);
    expect(output).toMatch(/^service\.port +0 +environment +PORT$/m);
    expect(output).not.toContain('planted-secret');
  }, 60_000);

  it('says every problem with its remedy, and ends with exit code 1', async () => {
    await writeFile(join(directory, 'file'), '');
    const { code, output } = await examine({ DATA_DIR: join(directory, 'file'), REDIS_URL: 'redis://127.0.0.1:1' });
    expect(code).toBe(1);
    expect(output).toMatch(/^problem +data directory .*set DATA_DIR to a folder that can/m);
    expect(output).toMatch(/^problem +database .*cannot be written/m);
    expect(output).toMatch(/^problem +Redis .*ECONNREFUSED/m);
  }, 60_000);

  it('says what is wrong with the settings before anything else', async () => {
    const { code, output } = await examine({ PORT: 'eighty', LOG_LEVEL: 'LOUD' });
    expect(code).toBe(1);
    expect(output).toContain('The configuration has 2 problems');
  }, 60_000);
});
