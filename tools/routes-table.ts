/**
 * Writes docs/routes.md from the routes of the reference service as it runs.
 *
 *     node --conditions=plinth-source --import tsx tools/routes-table.ts            writes the file
 *     node --conditions=plinth-source --import tsx tools/routes-table.ts --check    says what differs, and exits 1
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startService } from '../service/service.ts';

const target = new URL('../docs/routes.md', import.meta.url);

/** The table as the service itself would print it. */
async function table(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'plinth-routes-'));
  try {
    await using service = await startService({
      logging: { console: false },
      settings: { envFile: false, yamlFile: false, environment: { PORT: '0', DATA_DIR: directory } },
    });
    const rows = service.server
      .routes()
      .filter(({ path }) => !path.startsWith('/console/'))
      .map(({ method, path, summary }) => `| ${method} | \`${path}\` | ${summary ?? ''} |`);
    return [
      '# Routes of the reference service',
      '',
      'Written by `tools/routes-table.ts` from the running service; `npm run check` says when it is out of date. The same with',
      'every parameter and answer is at `/docs` and `/openapi.json`. `/` is the console.',
      '',
      '| method | path | what it gives |',
      '|---|---|---|',
      ...rows,
      '',
    ].join('\n');
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

const fresh = await table();
if (process.argv.includes('--check')) {
  const written = await readFile(target, 'utf8').catch(() => '');
  if (written !== fresh) {
    process.stderr.write('docs/routes.md is out of date: run tools/routes-table.ts\n');
    process.exitCode = 1;
  }
} else {
  await writeFile(target, fresh);
}
