import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Starts a PostgreSQL of a program's own, which flushes nothing to the disk. It ends with the program. Gives its address. */
export async function startMeasuredPostgres(): Promise<string> {
  const programs = programFolder();
  const folder = mkdtempSync(join(tmpdir(), 'plinth-bench-'));
  const options = { ...unprivileged(folder), cwd: folder };
  const data = join(folder, 'data');
  execFileSync(
    join(programs, 'initdb'),
    ['-D', data, '-U', 'postgres', '-A', 'trust', '--no-locale', '-E', 'UTF8', '-N'],
    {
      ...options,
      stdio: 'ignore',
    },
  );
  const port = await freePort();
  const settings = ['listen_addresses=127.0.0.1', `unix_socket_directories=${folder}`, 'fsync=off', 'autovacuum=off'];
  const flags = settings.flatMap(setting => ['-c', setting]);
  const server = spawn(join(programs, 'postgres'), ['-D', data, '-p', String(port), ...flags], {
    ...options,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  process.once('exit', () => {
    server.kill('SIGQUIT');
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  });
  server.stderr.setEncoding('utf8');
  for await (const chunk of server.stderr) if (String(chunk).includes('ready to accept connections')) break;
  return `postgresql://postgres@127.0.0.1:${port}/postgres`;
}

/** Debian keeps one folder per version. */
function programFolder(): string {
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian) ? readdirSync(debian).sort((left, right) => Number(right) - Number(left)) : [];
  const folders = [...versions.map(version => join(debian, version, 'bin')), '/opt/homebrew/bin', '/usr/local/bin'];
  const found = folders.find(folder => existsSync(join(folder, 'initdb')));
  if (found === undefined) throw new Error('There is no PostgreSQL on this machine (apt-get install postgresql)');
  return found;
}

/** PostgreSQL refuses to run as root, so it runs as nobody then. */
function unprivileged(folder: string): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string): number => Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }));
  const identity = { uid: id('-u'), gid: id('-g') };
  chownSync(folder, identity.uid, identity.gid);
  return identity;
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  return typeof address === 'object' && address !== null ? address.port : 0;
}
