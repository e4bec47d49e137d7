import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import { findProgram } from './require.ts';

/** How a PgBouncer is started. */
export interface PgBouncerOptions {
  /** When a connection to PostgreSQL goes back to it: at the end of the client's session, or of its transaction. */
  readonly mode: 'session' | 'transaction';
  /** Its connections to PostgreSQL. */
  readonly poolSize: number;
}

/** A real PgBouncer in front of a PostgreSQL. It keeps no statements by name, also where its version could. */
export interface PgBouncer extends AsyncDisposable {
  /** Its address, to be used in place of that of PostgreSQL. */
  readonly url: string;
}

/** Starts one in front of a server. */
export async function startPgBouncer(postgresUrl: string, { mode, poolSize }: PgBouncerOptions): Promise<PgBouncer> {
  const program = findProgram('pgbouncer');
  if (program === undefined) throw new TypeError('There is no PgBouncer on this machine (apt-get install pgbouncer)');
  const target = new URL(postgresUrl);
  const folder = mkdtempSync(join(tmpdir(), 'plinth-pgbouncer-'));
  const port = await freePort();
  const file = join(folder, 'pgbouncer.ini');
  const settings = [
    '[databases]',
    `* = host=${target.hostname} port=${target.port} user=${target.username}`,
    '[pgbouncer]',
    'listen_addr = 127.0.0.1',
    `listen_port = ${port}`,
    'unix_socket_dir =',
    'auth_type = any',
    `pool_mode = ${mode}`,
    `default_pool_size = ${poolSize}`,
    ...(knowsNames(program) ? ['max_prepared_statements = 0'] : []),
  ];
  writeFileSync(file, `${settings.join('\n')}\n`);
  // It refuses to run as root, so it runs as nobody then, who must be able to read this.
  chmodSync(folder, 0o755);
  const identity = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
  const server = spawn(program, [...identity, file], { stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = new Promise<void>(resolve => server.once('exit', () => resolve()));
  await new Promise<void>((resolve, reject) => {
    let log = '';
    const read = (chunk: Buffer): void => {
      log += chunk.toString();
      if (log.includes('process up')) resolve();
    };
    server.stderr.on('data', read);
    server.stdout.on('data', read);
    server.once('exit', code => reject(new TypeError(`PgBouncer ended with code ${code}:\n${log}`)));
  });
  const url = new URL(postgresUrl);
  url.port = String(port);
  return {
    url: url.href,
    async [Symbol.asyncDispose]() {
      server.kill('SIGKILL');
      await exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** From 1.21 on it can hold statements by name for its clients. */
function knowsNames(program: string): boolean {
  const [, minor = '0'] = /PgBouncer 1\.(\d+)/.exec(execFileSync(program, ['--version'], { encoding: 'utf8' })) ?? [];
  return Number(minor) >= 21;
}
