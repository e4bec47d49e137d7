import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const examples = (await readdir(new URL('../examples', import.meta.url))).filter(file => file.endsWith('.ts')).sort();
const run = promisify(execFile);
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'plinth-examples-'));
});

afterAll(() => rm(directory, { recursive: true, force: true }));

describe('the examples', () => {
  it.each(examples)(
    '%s runs offline and says something',
    async file => {
      const environment = { PATH: process.env['PATH'], DATA_DIR: join(directory, file) };
      const { stdout, stderr } = await run(
        process.execPath,
        ['--conditions=plinth-source', '--import', 'tsx', `examples/${file}`],
        {
          env: environment,
        },
      );
      expect(stderr).toBe('');
      expect(stdout.length).toBeGreaterThan(20);
    },
    60_000,
  );
});
