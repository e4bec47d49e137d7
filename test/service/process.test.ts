import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseManager } from 'plinth/database';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { MedicationTables } from '../../service/medications/answer-store.ts';
import { startPostgres } from '../servers/postgres.ts';
import { serverOrSkip } from '../servers/require.ts';

const postgres = serverOrSkip('postgres');
let directory: string;
let child: ChildProcess | undefined;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'plinth-process-'));
});

afterEach(async () => {
  child?.kill('SIGKILL');
  await rm(directory, { recursive: true, force: true });
});

interface Started {
  readonly url: string;
  readonly output: () => string;
  readonly exit: Promise<number | null>;
}

/** Starts the service as `npm start` does. */
async function start(
  environment: Readonly<Record<string, string>> = {},
  startedWhen = /Console and API: (\S+)/,
): Promise<Started> {
  const started = spawn(process.execPath, ['--conditions=plinth-source', '--import', 'tsx', 'service/main.ts'], {
    env: { PATH: process.env['PATH'], PORT: '0', DATA_DIR: directory, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child = started;
  let output = '';
  const exit = once(started, 'exit').then(([code]) => code as number | null);
  const url = await new Promise<string>((resolve, reject) => {
    const read = (chunk: Buffer): void => {
      output += chunk.toString();
      const found = startedWhen.exec(output)?.[1];
      if (found !== undefined) resolve(found);
    };
    started.stdout?.on('data', read);
    started.stderr?.on('data', read);
    exit.then(code => reject(new Error(`Exited with ${code} before it served:\n${output}`)));
  });
  return { url, output: () => output, exit };
}

describe('the service as a process', () => {
  it('ends with exit code 0 on Ctrl-C, and what it was asked is in SQL and in the logs', async () => {
    const { url, exit } = await start();
    const responses = await Promise.all(
      ['osimertinib', 'imatinib', 'metformin'].map(name => fetch(`${url}/api/v1/medications?name=${name}`)),
    );
    expect(responses.map(response => response.status)).toEqual([200, 200, 200]);
    const requestIds = responses.map(response => response.headers.get('x-request-id') ?? '');
    child?.kill('SIGINT');
    expect(await exit).toBe(0);

    const log = await readFile(join(directory, 'logs', 'app.log'), 'utf8');
    for (const id of requestIds)
      expect(
        log.split('\n').filter(line => line.includes(`[${id}]`) && line.includes('Request completed: 200')),
      ).toHaveLength(1);
    await using database = new DatabaseManager<MedicationTables>({ directory: join(directory, 'pg') });
    await database.open();
    const rows = await database.db.selectFrom('medication_answers').select('name').orderBy('name').execute();
    expect(rows.map(row => row.name)).toEqual(['imatinib', 'metformin', 'osimertinib']);
  }, 60_000);

  it('ends with exit code 0 while imports wait for their turn at a source, and goes on with them afterwards', async () => {
    const { url, exit, output } = await start();
    const names = (list: number): string[] => Array.from({ length: 50 }, (_, index) => `drug ${list} ${index}`);
    const headers = { 'content-type': 'application/json' };
    for (let list = 0; list < 20; list += 1) {
      const body = JSON.stringify({ names: names(list) });
      expect((await fetch(`${url}/api/v1/imports`, { method: 'POST', headers, body })).status).toBe(202);
    }
    const doneOf = async (at: string): Promise<number> => {
      const all = (await (await fetch(`${at}/api/v1/imports`)).json()) as readonly { done: number }[];
      expect(all).toHaveLength(20);
      return all.reduce((sum, { done }) => sum + done, 0);
    };
    // As many go out at once; the others wait for their turn.
    const burst = 60;
    await vi.waitFor(async () => expect(await doneOf(url)).toBeGreaterThanOrEqual(burst), { timeout: 60_000 });
    child?.kill('SIGTERM');
    expect(await exit).toBe(0);
    expect(output()).toContain('Closed');

    const again = await start();
    await vi.waitFor(async () => expect(await doneOf(again.url)).toBeGreaterThanOrEqual(burst), { timeout: 60_000 });
    child?.kill('SIGTERM');
    expect(await again.exit).toBe(0);
  }, 180_000);

  it('ends with exit code 0 while it still waits for its database', async () => {
    const { exit, output } = await start({ DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' }, /listening on (\S+)/);
    child?.kill('SIGTERM');
    expect(await exit).toBe(0);
    expect(output()).toContain('Closed');
  }, 60_000);

  it('says what is wrong with its settings, all at once, and ends with exit code 1', async () => {
    const failed = await start({ PORT: 'eighty', LOG_LEVEL: 'LOUD', ENVIRONMENT: 'nowhere' }).catch(
      (error: Error) => error.message,
    );
    expect(failed).toContain('Exited with 1');
    for (const name of ['PORT', 'LOG_LEVEL', 'ENVIRONMENT'])
      expect(failed).toMatch(new RegExp(`- ${name}: .*from environment`));
    expect(failed).not.toContain('    at ');
  }, 60_000);

  it('refuses a data directory that another process uses, and names that process', async () => {
    await start();
    const first = child;
    const failed = await start().catch((error: Error) => error.message);
    expect(failed).toContain('Exited with 1');
    expect(failed).toContain(String(first?.pid));
    first?.kill('SIGKILL');
  }, 60_000);

  it.skipIf(postgres === undefined)(
    'answers, not ready, while PostgreSQL is away, and keeps answers once it comes',
    async () => {
      await using server = await startPostgres();
      await server.stop();
      const { url, exit } = await start({ DATABASE_URL: server.url }, /listening on (\S+)/);
      expect((await fetch(`${url}/health/live`)).status).toBe(200);
      expect((await fetch(`${url}/health/ready`)).status).toBe(503);
      const answer = await fetch(`${url}/api/v1/medications?name=osimertinib`);
      expect(await answer.json()).toMatchObject({ freshness: 'fresh', total: 2 });

      await server.start();
      await vi.waitFor(async () => expect((await fetch(`${url}/health/ready`)).status).toBe(200), { timeout: 20_000 });
      await fetch(`${url}/api/v1/medications?name=osimertinib`);
      child?.kill('SIGINT');
      expect(await exit).toBe(0);
      await using database = new DatabaseManager<MedicationTables>({ url: server.url });
      await database.open();
      const rows = await database.db.selectFrom('medication_answers').select('name').execute();
      expect(rows).toEqual([{ name: 'osimertinib' }]);
    },
    60_000,
  );
});
